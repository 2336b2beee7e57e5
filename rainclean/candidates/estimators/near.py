"""The clean image of few frames next to the reference frame."""

from typing import TYPE_CHECKING

from rainclean.candidates.estimators.base import NearEstimator, Parameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rainclean.rainfree import Near


class NearFramesEstimator(NearEstimator):
    """``near``; see `rainclean.rainfree.near_mean`."""

    rule = "near"
    in_sweep = True

    def label(self, recipe: Parameters) -> str:
        """See `Estimator.label`."""
        return "next to the reference frame"

    def make(self, near: "Near", without: int | None = None) -> "tuple[NDArray[np.uint8], NDArray[np.float32]]":
        """See `NearEstimator.make`."""
        from rainclean.rainfree import near_clean

        return near_clean(near, without)
