"""The last pass over a clip: the rain-free mean, what is believed of it, and what moves besides rain."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Self, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.stages import Progress
from rainclean.moving import Drawn, Findings, Moving
from rainclean.rainfree import DENSE_FRACTION, Posterior, RainfreeMean, RainfreeSums, noise_of
from rainclean.video import FrameSource, Region

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
_T = TypeVar("_T", bound=np.generic)

_LUMA = 0.67
"""Standard deviation of luma over that of a channel: √(0.299² + 0.587² + 0.114²)."""


_SIDE = 180
"""px: of the shorter side of what is added up to tell how much it rains."""

SMALLEST = 32
"""px: of smaller pictures nothing is told of what moves."""


class Refined:
    """A rain-free mean and what is believed of it; what moves is still being told beside what comes next.

    posterior: its mean is the rain-free mean. share: of values free of rain. brighter: (⌈h/s⌉, ⌈w/s⌉) float32, how much
    brighter than that mean the frames are at every s-th pixel, mean over time in levels. seconds: that all this took.
    A context manager that waits for its thread.
    """

    def __init__(
        self,
        posterior: Posterior,
        share: float,
        brighter: F32,
        seconds: float,
        found: Future[Findings] | None,
        beside: ThreadPoolExecutor,
    ) -> None:
        self.posterior, self.share, self.brighter, self.seconds = posterior, share, brighter, seconds
        self._found, self._beside = found, beside

    def moving(self) -> Findings | None:
        """What moves, by position in all used frames; None of pictures too small to tell. Waits until it is told."""
        began = perf_counter()
        found = None if self._found is None else self._found.result()
        self.seconds += perf_counter() - began
        return found

    def close(self) -> None:
        """Wait for what is under way."""
        self._beside.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def refine(
    frames: FrameSource,
    indices: Sequence[int],
    region: Region,
    window: tuple[int, int],
    start: F32,
    noise: F32,
    workers: int,
    registered: bool,
    drawn: Drawn | None,
    together: int,
) -> Generator[Progress, None, Refined]:
    """Read the used frames again and weigh those of a window.

    indices: of all used frames. window: positions among them. start: (h, w, 3) float32, which is taken over; noise:
    (256,) float32. registered: they were laid over one another. drawn: what is drawn over them then. together: frames
    that are added at a time.
    """
    began = perf_counter()
    large = min(start.shape[:2]) >= SMALLEST
    moving = Moving(start.shape[:2], len(indices), overlays=not registered, drawn=drawn) if large else None
    beside = ThreadPoolExecutor(1, thread_name_prefix="rainclean-moving")
    over_time = _OverTime(start.shape[:2])
    came_out: Future[F32] = Future()
    rest = (beside, frames, indices, region, window, noise, workers, together)
    try:
        sums, found = yield from _round(start, moving, came_out.result, over_time, *rest)
        if sums.share < DENSE_FRACTION:
            sums, _ = yield from _round(sums.mean, None, None, None, *rest)
        if moving is not None:
            came_out.set_result(moving.on_grid(sums.mean))
        posterior = sums.posterior(registered=registered, workers=workers)
    except BaseException:
        came_out.cancel()  # who waits for it is told
        beside.shutdown(wait=True, cancel_futures=True)
        raise
    return Refined(
        posterior, sums.share, over_time.brighter_than(posterior.mean), perf_counter() - began, found, beside
    )


def _round(
    start: F32,
    moving: Moving | None,
    came_out: Callable[[], F32] | None,
    over_time: "_OverTime | None",
    beside: ThreadPoolExecutor,
    frames: FrameSource,
    indices: Sequence[int],
    region: Region,
    window: tuple[int, int],
    noise: F32,
    workers: int,
    together: int,
) -> Generator[Progress, None, tuple[RainfreeSums, Future[Findings] | None]]:
    """One pass over the frames; ``moving`` sees and judges them ``beside`` what comes next."""
    first, last = window
    wanted = range(first, last) if moving is None else range(len(indices))

    def look(position: int, rgb: U8) -> None:
        if moving is not None:
            moving.see(position, rgb)
        if over_time is not None and first <= position < last:
            over_time.see(rgb)

    if moving is not None:
        moving.compare_with(start, noise_of(start, noise * np.float32(_LUMA)))
    with RainfreeMean(start, noise, last - first, workers=workers, batch=together) as mean:
        looking: Future[None] | None = None
        for position, frame in zip(wanted, frames.read([indices[p] for p in wanted], region), strict=True):
            if moving is not None or over_time is not None:
                if looking is not None:
                    looking.result()
                looking = beside.submit(look, position, frame.rgb)
            if first <= position < last:
                mean.add(position - first, frame.rgb)
            yield Progress("weigh", position - wanted.start + 1, len(wanted))
        if looking is not None:
            looking.result()
        found = None if moving is None else beside.submit(moving.finish, came_out)
        return mean.finish(), found


class _OverTime:
    """The plain mean of frames at every few pixels: what rain adds to it is how much of it fell. shape: (h, w)."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._step = max(1, int(min(shape) / _SIDE))
        self._sum = np.zeros((*(-(-side // self._step) for side in shape), 3), np.float32)
        self._seen = 0

    def see(self, rgb: U8) -> None:
        """Take a frame in, (h, w, 3) uint8."""
        cv2.accumulate(np.ascontiguousarray(self._some(rgb)), self._sum)
        self._seen += 1

    def brighter_than(self, clean: F32) -> F32:
        """How much brighter than a clean image the frames are, mean over time and channels."""
        over_time = self._sum / np.float32(self._seen)
        return np.asarray((over_time - self._some(clean)).mean(axis=2), np.float32)

    def _some(self, picture: NDArray[_T]) -> NDArray[_T]:
        return picture[:: self._step, :: self._step]
