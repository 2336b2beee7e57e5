"""The last pass over a clip: the rain-free mean, what is believed of it, and what moves besides rain."""

from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.stages import Progress
from rainclean.belief import Belief
from rainclean.motion import Findings, Moving
from rainclean.rainfree import DENSE, RainfreeMean, Weighed
from rainclean.video import FrameSource, Region

F32 = NDArray[np.float32]

_LUMA = 0.67
"""Standard deviation of luma over that of a channel: √(0.299² + 0.587² + 0.114²)."""


SMALLEST = 32
"""px: of smaller pictures nothing is told of what moves."""


class Refined(NamedTuple):
    """belief: its mean is the rain-free mean. share: of values free of rain. moving: by position in all used frames;
    None of pictures too small to tell.
    """

    belief: Belief
    share: float
    moving: Findings | None
    seconds: float


def weigh(
    frames: FrameSource,
    indices: Sequence[int],
    region: Region,
    window: tuple[int, int],
    start: F32,
    noise: F32,
    workers: int,
    registered: bool,
) -> Generator[Progress, None, Refined]:
    """Read the used frames again and weigh those of a window.

    indices: of all used frames. window: positions among them. start: (h, w, 3) float32; noise: (256,) float32.
    registered: they were laid over one another.
    """
    began = perf_counter()
    moving = Moving(start.shape[:2], len(indices), not registered) if min(start.shape[:2]) >= SMALLEST else None
    weighed = yield from _round(frames, indices, region, window, start, noise, workers, moving)
    if weighed.share < DENSE:
        weighed = yield from _round(frames, indices, region, window, weighed.mean, noise, workers, None)
    with ThreadPoolExecutor(1, thread_name_prefix="rainclean-moving") as beside:
        found = None if moving is None else beside.submit(moving.finish)
        belief = weighed.belief(registered)
        told = None if found is None else found.result()
    return Refined(belief, weighed.share, told, perf_counter() - began)


def _round(
    frames: FrameSource,
    indices: Sequence[int],
    region: Region,
    window: tuple[int, int],
    start: F32,
    noise: F32,
    workers: int,
    moving: Moving | None,
) -> Generator[Progress, None, Weighed]:
    first, last = window
    wanted = range(first, last) if moving is None else range(len(indices))
    with (
        RainfreeMean(start, noise, last - first, workers) as mean,
        ThreadPoolExecutor(1, thread_name_prefix="rainclean-moving") as beside,
    ):
        sigma = mean.sigma * np.float32(_LUMA)
        looking: Future[None] | None = None
        for position, frame in zip(wanted, frames.read([indices[p] for p in wanted], region), strict=True):
            if moving is not None:
                if looking is not None:
                    looking.result()
                looking = beside.submit(moving.see, position, frame.rgb, start, sigma)
            if first <= position < last:
                mean.add(position - first, frame.rgb)
            yield Progress("weigh", position - wanted.start + 1, len(wanted))
        if looking is not None:
            looking.result()
        return mean.finish()
