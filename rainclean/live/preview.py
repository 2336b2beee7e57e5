"""Choose which pixels to compute, so that a preview of what is in view is ready in time."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.video import Region

U8 = NDArray[np.uint8]


class Preview(NamedTuple):
    """A coarse picture: sample (i, j) is pixel (region.x + j·step, region.y + i·step).

    Attributes:
        picture: (h, w, 3) uint8.
        step: px between samples.
        region: what it covers in full: the region that was asked for and up to step − 1 px beside it, since samples
            are at multiples of the step, so that they stay the same when the view is moved.
    """

    picture: U8
    step: int
    region: Region


def coarse(region: Region, width: int, height: int, *, reduced: int, from_file: int, most: int) -> tuple[Region, int]:
    """Choose the region that a preview covers, and its step: the smallest within the limits on pixels.

    width, height: of the picture in px. reduced: step of the copy in memory. most: pixels that may be computed from
    that copy, from_file: from scratch space. Raises ValueError for a region beyond the picture.
    """
    check_region(region, width, height)
    step = 1
    while _samples(covered := _widened(region, step, width, height), step) > (most if step >= reduced else from_file):
        # What is nearly as coarse as the reduced copy comes from there, and so do multiples of its step: memory is
        # several times as fast as scratch space.
        step = step + 1 if 2 * (step + 1) <= reduced else (step // reduced + 1) * reduced
    return covered, step


def check_region(region: Region, width: int, height: int) -> None:
    """Raise ValueError unless a region lies within a picture and holds a pixel."""
    inside = region.x >= 0 and region.y >= 0 and region.x + region.width <= width and region.y + region.height <= height
    if not inside or min(region.width, region.height) < 1:
        raise ValueError(f"region {tuple(region)} of a picture of {width}×{height} px")


def _widened(region: Region, step: int, width: int, height: int) -> Region:
    x, y = region.x // step * step, region.y // step * step
    right = min(width, -(-(region.x + region.width) // step) * step)
    bottom = min(height, -(-(region.y + region.height) // step) * step)
    return Region(x, y, right - x, bottom - y)


def _samples(region: Region, step: int) -> int:
    return -(-region.width // step) * -(-region.height // step)
