"""Find the picture among what a network returns."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.derainers.base import Result
from rainclean.errors import InputError

F32 = NDArray[np.float32]

_LARGEST_MEAN = 2.0
"""Mean of an output above which its range cannot be 0…1."""


def result_of(path: Path, outputs: Sequence[NDArray[np.generic]], size: tuple[int, int], given: F32) -> Result:
    """Return the picture among the outputs of a network, and its attention map if there is one.

    Args:
        path: of the network, for messages.
        outputs: arrays; the picture is the first of (1, 3, H, W), the attention map the first of (1, 1, H, W).
        size: (height, width) of the picture before padding; outputs are cut to it.
        given: what the network got, (1, 3, H, W).

    Raises:
        InputError: there is no picture, or its values cannot be in 0…1.
    """
    found: dict[int, F32] = {}
    for output in outputs:
        channels = output.shape[1] if output.ndim == 4 else 0
        if output.shape == (1, channels, *given.shape[2:]) and channels in (1, 3) and channels not in found:
            found[channels] = np.asarray(output, np.float32)[0, :, : size[0], : size[1]]
    if 3 not in found:
        shapes = ", ".join(str(tuple(output.shape)) for output in outputs) or "nothing"
        wanted = (1, 3, *given.shape[2:])
        raise InputError(path, f"returns {shapes} for an input of {wanted}", "a picture of that shape is needed")
    picture = np.ascontiguousarray(found[3].transpose(1, 2, 0))
    if not np.isfinite(picture).all():
        raise InputError(path, "gives NaN or infinity")
    if abs(float(picture.mean())) > _LARGEST_MEAN:
        raise InputError(path, f"returns values with a mean of {picture.mean():.0f}", "export it with outputs in 0…1")
    return Result(picture, found[1][0] if 1 in found else None)
