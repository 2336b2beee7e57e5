"""Enlarge pictures to sizes that a network takes."""

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


def planes_of(rgb: NDArray[np.uint8] | NDArray[np.uint16] | F32) -> F32:
    """Return a picture as networks take it: (1, 3, H, W) float32 in 0…1.

    Args:
        rgb: (H, W, 3); uint8 and uint16 are taken as 0…255 and 0…65535, float32 as 0…1.
    """
    white = np.float32({np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}.get(rgb.dtype, 1))
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32) / white


def padded(planes: F32, height: int, width: int) -> F32:
    """Mirror a picture (1, 3, H, W) beyond its lower and right edge, to a height and width that are not smaller."""
    down, right = height - planes.shape[2], width - planes.shape[3]
    return np.pad(planes, ((0, 0), (0, 0), (0, down), (0, right)), mode="reflect") if down or right else planes


def multiple_of(side: int, number: int) -> int:
    """Return the smallest multiple of a number that is not below a side."""
    return -(-side // number) * number
