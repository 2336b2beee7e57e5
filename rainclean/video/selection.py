"""Checks of what a caller asks for, the same for every backend."""

from collections.abc import Sequence
from itertools import pairwise

from rainclean.video.source import Region, SourceInfo


def check_indices(indices: Sequence[int] | None, count: int) -> list[int]:
    """Return the indices as a list; None stands for all.

    Raises IndexError outside 0…count−1, ValueError where they do not rise.
    """
    if indices is None:
        return list(range(count))
    wanted = [int(i) for i in indices]
    for before, after in pairwise(wanted):
        if after <= before:
            raise ValueError(f"frame indices must rise without repeats: {after} follows {before}")
    for i in wanted[:1] + wanted[-1:]:
        if not 0 <= i < count:
            raise IndexError(f"frame {i} is outside 0…{count - 1}")
    return wanted


def check_region(region: Region | None, info: SourceInfo) -> Region:
    """Return the region; None stands for the full upright frame. Raises ValueError where it leaves it."""
    if region is None:
        return Region(0, 0, info.width, info.height)
    x, y, width, height = (int(v) for v in region)
    if x < 0 or y < 0 or width < 1 or height < 1 or x + width > info.width or y + height > info.height:
        raise ValueError(f"region {[x, y, width, height]} leaves the {info.width}×{info.height} frame")
    return Region(x, y, width, height)
