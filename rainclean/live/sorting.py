"""Sorting one window of a live stack: strip by strip of the picture, channels kept rank by rank, luma voted on."""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rainclean import _kernels
from rainclean.live.frames import LiveFrames, Window
from rainclean.live.scratch import ScratchFile
from rainclean.temporal import Votes, count_votes, interval_size, sort_network

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
I32 = NDArray[np.int32]
F32 = NDArray[np.float32]
Job = TypeVar("Job")
Result = TypeVar("Result")

MOST_FRAMES = np.iinfo(np.uint16).max
"""Largest window: places among its sorted values are kept as uint16."""

_STRIP_BYTES = 2 << 20


@dataclass(frozen=True)
class SortedWindow:
    """What is known of a sorted window.

    first, last: (H, W) uint16, places of each pixel's mode among its sorted luma values. votes: of all pixels.
    midpoint: (H, W) float32, or None where it was not asked for.
    """

    window: Window
    first: U16
    last: U16
    votes: Votes
    midpoint: F32 | None


def sort_window(
    frames: LiveFrames,
    ranks: ScratchFile,
    window: Window,
    midpoint_of: Window | None,
    *,
    pool: ThreadPoolExecutor,
    workers: int,
) -> Generator[float, None, SortedWindow]:
    """Sort the channels of a window into ``ranks``: all lowest values as a picture, all second-lowest, and so on.

    midpoint_of: window whose midpoint is made along with it. Yields the share done; closing it stops the workers.
    """
    height, width = frames.height, frames.width
    start, stop = window
    first, last = np.empty((height, width), np.uint16), np.empty((height, width), np.uint16)
    midpoint = None if midpoint_of is None else np.empty((height, width), np.float32)

    def strip(lines: range) -> Votes:
        block = np.empty((stop - start, len(lines), 3 * width), np.uint8)
        votes = Votes.none(stop - start)
        for place, y in enumerate(lines):
            line = frames.line(y, window)
            values = luma_of(line)
            if midpoint is not None and midpoint_of is not None:
                _midpoint(values if midpoint_of == window else luma_of(frames.line(y, midpoint_of)), midpoint[y])
            at, until = mode_places(values)
            votes += count_votes(at, until, stop - start)
            first[y], last[y] = at, until
            _kernels.apply_network(line, sort_network(len(line)))
            block[:, place] = line
        for rank, part in enumerate(block):
            ranks.write((rank * height + lines[0]) * 3 * width, part)
        return votes

    step = max(1, _STRIP_BYTES // (3 * width * (stop - start)))
    strips = [range(top, min(top + step, height)) for top in range(0, height, step)]
    total = Votes.none(stop - start)
    for done, votes in enumerate(side_by_side(strip, strips, pool, 2 * workers), 1):
        total += votes
        yield done / len(strips)
    return SortedWindow(window, first, last, total, midpoint)


def luma_of(line: U8) -> U8:
    """Luma of (N, 3·W) interleaved RGB: (N, W) uint8."""
    out = np.empty(line.size // 3, np.uint8)
    _kernels.luma(line.reshape(-1), out)
    return out.reshape(len(line), -1)


def mode_places(values: U8) -> tuple[I32, I32]:
    """Sort luma (N, W) uint8 in place; returns first and last place of each pixel's mode, (W,) int32."""
    width = values.shape[1]
    mode, first, last = np.empty(width, np.uint8), np.empty(width, np.int32), np.empty(width, np.int32)
    _kernels.apply_network(values, sort_network(len(values)))
    _kernels.mode_range(values, mode, first, last)
    return first, last


def side_by_side(
    job: Callable[[Job], Result], jobs: Sequence[Job], pool: ThreadPoolExecutor, ahead: int
) -> Iterator[Result]:
    """Run jobs in a pool, ``ahead`` of them waiting at most, and yield their results in order."""
    waiting: list[Future[Result]] = []
    try:
        for one in jobs:
            waiting.append(pool.submit(job, one))
            if len(waiting) > ahead:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        # A cancelled future never becomes done where the pool is gone already: wait for the others only.
        wait([future for future in waiting if not future.cancel()])


def _midpoint(values: U8, out: F32) -> None:
    ordered = values.copy()
    _kernels.apply_network(ordered, sort_network(len(ordered)))
    _kernels.shortest_interval_midpoint(ordered, interval_size(len(ordered)), out)
