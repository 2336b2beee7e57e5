"""The last pass over a clip: a mean of all frames, what is believed of it, and what moves besides rain."""

from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.stages import Progress
from rainclean import _kernels
from rainclean.candidates.estimators import Accumulation, Estimate, FramesEstimator
from rainclean.moving import Drawn, Findings, MotionDetector
from rainclean.rainfree import Posterior, noise_of
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


@dataclass(frozen=True, kw_only=True)
class FramesToRefine:
    """Where frames are read again, and how.

    Attributes:
        frames: the clip as it went into the stack.
        indices: of all used frames.
        region: of each of them.
        window: positions (start, stop) among them that a mean is made of.
        noise: (256,) float32, standard deviation by level.
        workers: threads.
        registered: whether frames were aligned with one another.
        drawn: what is drawn over them then.
        batch: frames that are added at a time.
    """

    frames: FrameSource
    indices: Sequence[int]
    region: Region
    window: tuple[int, int]
    noise: F32
    workers: int
    registered: bool = False
    drawn: Drawn | None = None
    batch: int


class Refined:
    """A mean of all frames and what is believed of it; what moves is still being told beside what comes next.

    mean: (H, W, 3) float32. posterior: of it, None where nothing is known. share: of values free of rain, or None.
    brighter: (⌈h/s⌉, ⌈w/s⌉) float32, how much brighter than that mean the frames are at every s-th pixel, mean over
    time in levels. seconds: that all this took. A context manager that waits for its thread.
    """

    def __init__(
        self, estimate: Estimate, *, posterior: Posterior | None, brighter: F32, seconds: float, side: "_Side"
    ) -> None:
        self.mean, self.share = estimate.mean, estimate.share
        self.posterior, self.brighter, self.seconds = posterior, brighter, seconds
        self._side = side

    def moving(self) -> Findings | None:
        """What moves, by position in all used frames; None of pictures too small to tell. Waits until it is told."""
        began = perf_counter()
        found = self._side.found()
        self.seconds += perf_counter() - began
        return found

    def close(self) -> None:
        """Wait for what is under way."""
        self._side.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def refine(
    estimator: FramesEstimator, consumed_initial: F32, work: FramesToRefine
) -> Generator[Progress, None, Refined]:
    """Read the used frames again and make a mean of those of a window; twice, where the estimator wants it.

    Args:
        estimator: makes the mean.
        consumed_initial: (h, w, 3) float32, the initial estimate; the mean may be written into it.
        work: the frames.
    """
    began = perf_counter()
    side = _Side(consumed_initial, work)
    try:
        estimate = yield from one_pass(estimator, consumed_initial, work, side)
        if estimator.wants_another_pass(estimate):
            estimate = yield from one_pass(estimator, estimate.mean, work)
        side.came_out(estimate.mean)
        posterior = estimate.posterior(registered=work.registered, workers=work.workers)
    except BaseException:
        side.give_up()
        raise
    brighter = side.brightness.brighter_than(estimate.mean)
    return Refined(estimate, posterior=posterior, brighter=brighter, seconds=perf_counter() - began, side=side)


def one_pass(
    estimator: FramesEstimator, consumed_initial: F32, work: FramesToRefine, side: "_Side | None" = None
) -> Generator[Progress, None, Estimate]:
    """Read frames once; ``side`` sees them too, and judges them beside what comes next."""
    start, stop = work.window
    wanted = range(start, stop) if side is None else side.positions
    begin = Accumulation(
        initial=consumed_initial, noise=work.noise, frames=stop - start, workers=work.workers, batch=work.batch
    )
    with estimator.accumulator(begin) as accumulator:
        frames = work.frames.read([work.indices[p] for p in wanted], work.region)
        for position, frame in zip(wanted, frames, strict=True):
            if side is not None:
                side.add_frame(position, frame.rgb)
            if start <= position < stop:
                accumulator.add(position - start, frame.rgb)
            yield Progress("weigh", position - wanted.start + 1, len(wanted))
        if side is not None:
            side.judge()
        return accumulator.finish()


class _Side:
    """What is found out beside a mean, in a thread of its own: what moves, and how much it rains.

    positions: of the frames that it wants to see.
    """

    def __init__(self, initial: F32, work: FramesToRefine) -> None:
        self._window = range(*work.window)
        shape, count = initial.shape[:2], len(work.indices)
        self._moving: MotionDetector | None = None
        if min(shape) >= SMALLEST:
            self._moving = MotionDetector(shape, count, overlays=not work.registered, drawn=work.drawn)
            self._moving.compare_with(initial, noise_of(initial, work.noise * np.float32(_LUMA)))
        self.positions = self._window if self._moving is None else range(count)
        self.brightness = _OverTime(shape)
        self._mean: Future[F32] = Future()
        self._looking: Future[None] | None = None
        self._found: Future[Findings] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="rainclean-moving")

    def add_frame(self, position: int, rgb: U8) -> None:
        """Begin to look at a frame, once the one before was looked at."""
        self._wait()
        self._looking = self._pool.submit(self._look_at, position, rgb)

    def _look_at(self, position: int, rgb: U8) -> None:
        if self._moving is not None:
            self._moving.add_frame(rgb, position)
        if position in self._window:
            self.brightness.add_frame(rgb)

    def _wait(self) -> None:
        if self._looking is not None:
            self._looking.result()

    def judge(self) -> None:
        """Begin to judge what moves, now that all frames were seen."""
        self._wait()
        if self._moving is not None:
            self._found = self._pool.submit(self._moving.result, self._mean.result)

    def came_out(self, mean: F32) -> None:
        """Say which mean is to explain the frames, (h, w, 3) float32."""
        moving, self._moving = self._moving, None  # its thread has it; it is large and goes when that ends
        if moving is not None:
            self._mean.set_result(moving.on_grid(mean))

    def found(self) -> Findings | None:
        """Return what moves, once it is told; None of pictures too small to tell."""
        return None if self._found is None else self._found.result()

    def give_up(self) -> None:
        """Wait for what is under way, without a mean."""
        self._mean.cancel()  # who waits for it is told
        self.close()

    def close(self) -> None:
        """Wait for what is under way; what has not begun never will."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class _OverTime:
    """The plain mean of frames at every few pixels: what rain adds to it is how much of it fell. shape: (h, w)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._step = max(1, int(min(shape) / _SIDE))
        self._sum = np.zeros((*(-(-side // self._step) for side in shape), 3), np.float32)
        self._seen = 0

    def add_frame(self, rgb: U8) -> None:
        """Take a frame in, (h, w, 3) uint8."""
        _kernels.add_every(np.ascontiguousarray(rgb), self._step, self._sum)
        self._seen += 1

    def brighter_than(self, clean: F32) -> F32:
        """How much brighter than a clean image the frames are, mean over time and channels."""
        over_time = self._sum / np.float32(self._seen)
        return np.asarray((over_time - self._some(clean)).mean(axis=2), np.float32)

    def _some(self, picture: NDArray[_T]) -> NDArray[_T]:
        return picture[:: self._step, :: self._step]
