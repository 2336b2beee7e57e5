"""SPANet as a function: a rainy array in, a clean one out."""

from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rainclean.spanet.inference import choose_device, derain, to_levels
from rainclean.spanet.requirements import shipped_weights
from rainclean.spanet.weights import load, read

F32 = NDArray[np.float32]
Array = TypeVar("Array", NDArray[np.uint8], NDArray[np.uint16], F32)


class Derainer:
    """Weights, ready to take rain out of pictures.

    Attributes:
        network: the network (`SPANet`), in eval mode.
        origin: what the weights are and where they come from.
    """

    def __init__(self, weights: Path | str | None = None, device: str = "auto") -> None:
        path = shipped_weights() if weights is None else Path(weights)
        self.origin, _ = read(path)
        self.network = load(path).to(choose_device(device))

    def __call__(self, rainy: Array) -> Array:
        """Return the picture without rain.

        Args:
            rainy: (H, W, 3) RGB: uint8, uint16, or float32 in 0…1. Any size.

        Returns:
            The same shape and dtype. float32 is not clipped.

        Raises:
            ValueError: another shape or dtype.
            ResourceError: there is too little memory for the picture.
        """
        clean, _ = derain(self.network, rainy)
        return np.ascontiguousarray(clean) if rainy.dtype == np.float32 else to_levels(clean, rainy.dtype)  # type: ignore[type-var]

    def attention(self, rainy: NDArray[np.uint8] | NDArray[np.uint16] | F32) -> F32:
        """Return where the network saw rain: (H, W) float32 in 0…1. Arguments and errors as in a call."""
        return derain(self.network, rainy)[1]


def load_derainer(weights: Path | str | None = None, device: str = "auto") -> Derainer:
    """Load weights of SPANet.

    Args:
        weights: a file of `rainclean train` or `rainclean weights import`; None for those that come with rainclean.
        device: "cpu", "cuda", or "auto": cuda where torch can use it.

    Returns:
        A function from a rainy picture to a clean one.

    Raises:
        RaincleanError: torch is not installed.
        InputError: the file is not weights of SPANet, or damaged.
        UsageError: there is no such device.

    >>> import rainclean as rc
    >>> derainer = rc.load_derainer(device="cpu")
    >>> with rc.open_clip("sample_sequences/table/clip.mp4") as clip:
    ...     rainy = next(clip.read([50])).rgb
    >>> derainer(rainy).shape
    (240, 352, 3)
    """
    return Derainer(weights, device)
