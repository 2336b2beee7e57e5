"""Add up the rain-free mean: over time, each pixel's values by their chance of being free of rain.

A percentile takes one value of many. The mean of all values without rain is nearer to the ground truth by the root of
their number. Three things that rain cannot hide at once show which ones those are:

- it brightens all channels of a pixel together, so their mean residual counts, in standard deviations of the noise;
- a streak is long: the sum of residuals along the direction of fall lifts what is too faint in any one pixel;
- it is a one-sided tail beside the noise: the chance of each value follows by Bayes' rule from a Gaussian (clean)
  and an exponential tail (rain) with a few outliers (foreground, darker or brighter).

One round over the frames from an initial estimate that is right to a level or two (`temporal.SortedStack`: the adaptive
percentile, then mean shift) is one step of expectation maximisation. It comes within some tenths of a decibel of the
mean of the truly rain-free values. Where hardly any value is free of rain a second round helps.
"""

import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean._addressed import accumulate, addresses_of
from rainclean.rainfree import _kernels
from rainclean.rainfree._kernels import LINE_SIZE, LINE_STEPS, LOWEST, SIZE, STEPS, ZERO
from rainclean.rainfree.sums import MIN_WEIGHT, STRIP_ROWS, TAIL, RainfreeSums, noise_of, strips, with_rim

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

OUTLIER_DENSITY = 1e-3
"""Density, per standard deviation, of values that neither noise nor rain explains."""

RAIN_PRIOR = 0.3
"""Prior chance that a value is rainy."""

DENSE_FRACTION = 0.2
"""Fraction of clean values below which a second round is worth its time."""

BATCH_FRAMES, HELD_BATCH_FRAMES = 3, 8
"""Frames that are added at a time; the second where they are in memory anyway."""

SLANTS_DEGREES = tuple(range(-48, 49, 8))
"""Directions of fall that are tried, degrees off vertical, positive to the right."""

_MAX_STRIPS = 8
_ROW_STRIDE = 8  # every so many rows tell how residuals go together
_SLANT_FRAMES = 4  # frames that tell how streaks fall
_MIDDLE_PX = 200  # px to each side of the middle, where the slant of streaks is looked for
_MAX_LOG_ODDS = 4.0  # log odds: a streak may end, or begin, at the pixel itself


class RainfreeMean:
    """Takes frames in any order and adds them up. A context manager; `finish` returns the sums and the mean."""

    def __init__(
        self, consumed_start: F32, noise: F32, *, frames: int, workers: int = 2, batch: int = BATCH_FRAMES
    ) -> None:
        """Begin with an initial estimate.

        Args:
            consumed_start: (H, W, 3) float32, the initial estimate, right to a level or two. It belongs to the mean
                from here on: `finish` writes the mean into this array and returns it as `RainfreeSums.mean`.
            noise: (256,) float32, standard deviation by level.
            frames: how many will be added.
            workers: threads.
            batch: how many are added at a time, which is faster with more; three times as many are in memory.
        """
        height, width = consumed_start.shape[:2]
        self._start = np.ascontiguousarray(consumed_start, np.float32)
        self._noise = np.asarray(noise, np.float32)
        # The sum of three channels has √3 of their standard deviation.
        self._steps = (STEPS / (math.sqrt(3) * self._noise)).astype(np.float32)
        self._reach = streak_reach(min(height, width))
        usual = float(np.median(noise_of(self._start[::_ROW_STRIDE, ::_ROW_STRIDE], self._noise)))
        self._chance = chances(TAIL * math.sqrt(3) / usual, 2 * self._reach + 1)
        self._totals = np.zeros((2, height, width, 3), np.float32)
        self._weights = np.zeros((2, height, width), np.float32)
        edges = np.linspace(0, height, min(_MAX_STRIPS, max(1, height // 32)) + 1).astype(int).tolist()
        self._strips = [_Strip(slice(top, bottom), height, self._reach) for top, bottom in pairwise(edges)]
        self._frames, self._slant, self._batch = frames, 0, batch
        self._offsets: NDArray[np.int32] | None = None
        self._waiting: list[tuple[int, U8]] = []
        self._running: deque[list[Future[None]]] = deque()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="rainclean-accumulate")
        self._rooms: SimpleQueue[_Buffers] = SimpleQueue()
        most = max(strip.outer.stop - strip.outer.start for strip in self._strips)
        for _ in range(min(workers, len(self._strips))):
            self._rooms.put(_Buffers(max(batch, _SLANT_FRAMES), most, width))

    def __enter__(self) -> "RainfreeMean":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def add(self, position: int, rgb: U8) -> None:
        """Add a frame; returns while it waits or is being added.

        Args:
            position: of the frame among those used.
            rgb: (H, W, 3) uint8; it must not be changed from then on.

        Raises:
            ValueError: it has another size.
        """
        if rgb.shape != self._start.shape:
            raise ValueError(f"frame of shape {rgb.shape}, initial estimate of shape {self._start.shape}")
        half = self._half(position)
        # The first batch shows how streaks fall: always the same frames, however many are added at a time.
        most = self._batch if self._offsets is not None else max(self._batch, _SLANT_FRAMES)
        if self._waiting and (len(self._waiting) == most or self._half(self._waiting[0][0]) != half):
            self._begin()
        self._waiting.append((position, np.ascontiguousarray(rgb)))

    def finish(self) -> RainfreeSums:
        """Return the sums over all frames that were added, and their mean."""
        self._begin()
        self._wait(0)
        list(self._pool.map(self._settle, strips(len(self._start), STRIP_ROWS)))
        correlations = np.sum([strip.correlations for strip in self._strips], axis=0)
        beside, after = (float(a / b) if b else 0.0 for a, b in correlations)
        return RainfreeSums(
            mean=self._start,
            totals=self._totals,
            weights=self._weights,
            frames=self._frames,
            slant=self._slant,
            noise=self._noise,
            beside=beside,
            after=after,
        )

    def _half(self, position: int) -> int:
        return int(2 * position >= self._frames)

    def _wait(self, left: int) -> None:
        """Wait until no more than ``left`` batches are being added."""
        while len(self._running) > left:
            for future in self._running.popleft():
                future.result()

    def _begin(self) -> None:
        """Let all strips take the frames that wait, while they are still taking the batch before."""
        frames, self._waiting = self._waiting, []
        if not frames:
            return
        if self._offsets is None:
            # The first few show how streaks fall.
            self._slant = self._find_slant([rgb for _, rgb in frames[:_SLANT_FRAMES]])
            self._offsets = lean(len(self._start), self._slant)
        self._wait(1)
        before = self._running[-1] if self._running else [None] * len(self._strips)
        jobs = zip(self._strips, before, strict=True)
        self._running.append([self._pool.submit(self._take, strip, frames, earlier) for strip, earlier in jobs])

    def _take(self, strip: "_Strip", frames: Sequence[tuple[int, U8]], earlier: Future[None] | None) -> None:
        """Add one strip of some frames of one half; strips are independent.

        earlier: the same strip of the batch before, which has begun when this begins.
        """
        assert self._offsets is not None
        if earlier is not None:
            earlier.result()
        outer, inner, rows, count = strip.outer, strip.inner, strip.rows, len(frames)
        room = self._rooms.get()
        try:
            z, lines, clean, scale = room.cut(count, outer.stop - outer.start)
            _kernels.channel_sums(self._start[outer], clean)
            _kernels.by_level(clean, self._steps, scale)
            for n, (position, rgb) in enumerate(frames):
                own = z[n, : len(clean)]
                _kernels.residuals(rgb[outer], clean, scale, own)
                around = lines[n, : rows.stop - rows.start]
                _kernels.along_streaks(own, self._reach, self._offsets[outer], inner.start, around)
                sparse = z[n, inner][::_ROW_STRIDE].copy()
                _kernels.correlate(sparse[:, :-1].copy(), sparse[:, 1:].copy(), strip.correlations[0])
                if position == strip.last_position + 1:
                    _kernels.correlate(sparse, strip.last_rows, strip.correlations[1])
                strip.last_position, strip.last_rows = position, sparse
            addresses = addresses_of([rgb[rows] for _, rgb in frames])
            half = self._half(frames[0][0])
            sums = self._totals[half, rows], self._weights[half, rows]
            accumulate(addresses, z, inner.start, lines, self._chance, *sums)
        finally:
            self._rooms.put(room)

    def _settle(self, rows: slice) -> None:
        """Write the mean of some rows over the initial estimate."""
        mean = self._start[rows]
        sigma = noise_of(mean, self._noise)
        _kernels.settle(self._totals, self._weights, rows.start, MIN_WEIGHT, mean)
        mean[:] = unclipped(mean, sigma)

    def _find_slant(self, frames: Sequence[U8]) -> int:
        """Find the direction along which sums of residuals are strongest, in the middle of the picture."""
        height, width = self._start.shape[:2]
        middle = tuple(slice(max(0, n // 2 - _MIDDLE_PX), n // 2 + _MIDDLE_PX) for n in (height, width))
        start = np.ascontiguousarray(self._start[middle])
        clean, scale = np.empty(start.shape[:2], np.float32), np.empty(start.shape[:2], np.float32)
        _kernels.channel_sums(start, clean)
        _kernels.by_level(clean, self._steps, scale)
        z, lines = np.empty(clean.shape, np.uint8), np.empty(clean.shape, np.uint8)
        strength = np.zeros(len(SLANTS_DEGREES))
        for rgb in frames:
            _kernels.residuals(np.ascontiguousarray(rgb[middle]), clean, scale, z)
            # A quarter of each, so that sums of bright streaks differ although they are cut off at HIGHEST.
            faint = ((z.astype(np.int16) - ZERO) // 4 + ZERO).astype(np.uint8)
            for i, slant in enumerate(SLANTS_DEGREES):
                _kernels.along_streaks(faint, self._reach, lean(len(faint), slant), 0, lines)
                strength[i] += _kernels.squares_above(lines, LINE_STEPS * (1 - LOWEST)) / lines.size
        return int(SLANTS_DEGREES[int(np.argmax(strength))])


class _Strip:
    """Rows of the picture that one thread works on at a time, with their correlations.

    rows: its own; outer: those and the ones that sums along streaks reach; inner: its own among outer. last_rows:
    every `_ROW_STRIDE`th row of residuals of the frame at ``last_position``. correlations: (2, 2), sums of
    `_kernels.correlate` with the next pixel and the next frame.
    """

    def __init__(self, rows: slice, height: int, reach: int) -> None:
        self.rows = rows
        self.outer, self.inner = with_rim(rows, height, reach)
        self.correlations = np.zeros((2, 2))
        self.last_position = -2
        self.last_rows: U8 = np.empty((0, 0), np.uint8)


class _Cut(NamedTuple):
    """Parts of the buffers of one thread: (frames, rows, W) residuals and sums, (rows, W) what they compare with."""

    residuals: U8
    lines: U8
    clean: F32
    scale: F32


class _Buffers:
    """Buffers for what a thread computes of one strip; used again and again, because fresh memory takes time."""

    def __init__(self, frames: int, rows: int, width: int) -> None:
        self._z, self._lines = (np.empty((frames, rows, width), np.uint8) for _ in range(2))
        self._clean, self._scale = (np.empty((rows, width), np.float32) for _ in range(2))

    def cut(self, frames: int, rows: int) -> _Cut:
        """Return room for residuals and sums along streaks of frames; and, of rows, what frames are compared with."""
        return _Cut(self._z[:frames], self._lines[:frames], self._clean[:rows], self._scale[:rows])


def unclipped(mean: F32, sigma: F32) -> F32:
    """Correct means of values that the sensor clipped at black and white.

    mean: (H, W, 3) float32; sigma: (H, W) float32. The mean of noise around b, clipped at 0, is σ·(tΦ(t) + φ(t)) with
    t = b/σ: that is inverted by table. Farther than 2.5 σ from both ends nothing is done. Returns a new array, 0…255.
    """
    out = np.clip(mean, 0, 255)
    scale = sigma[..., None]
    for dark in (True, False):
        level = out if dark else 255 - out
        near = level < 2.5 * scale
        if near.any():
            own = np.broadcast_to(scale, near.shape)[near]
            t, cut = _cut_off()
            whole = np.maximum(np.interp(level[near] / own, cut, t) * own, 0)
            out[near] = whole if dark else 255 - whole
    return np.asarray(out, np.float32)


@cache
def _cut_off() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a table of the centre of a bell, in its own deviations from where it is clipped, and its mean then."""
    t = np.linspace(-4, 3, 701)
    below = np.array([0.5 * math.erfc(-one / math.sqrt(2)) for one in t.tolist()])
    return t, t * below + np.exp(-0.5 * t * t) / math.sqrt(2 * math.pi)


def streak_reach(lines: int) -> int:
    """Return how many px up and down a sum along a streak goes: 7 up to a shorter side of 480 px, 16 at 1080."""
    return min(_kernels.LARGEST_REACH, round(7 * max(1.0, lines / 480)))


def lean(rows: int, slant: float) -> NDArray[np.int32]:
    """Return the whole px by which each row of a streak of that slant (degrees) is to the right, (rows,) int32."""
    return np.rint(np.arange(rows) * math.tan(math.radians(slant))).astype(np.int32)


def chances(tail: float, length: int) -> F32:
    """Compute the chance that a value is free of rain, (LINE_SIZE, SIZE) float32, for `_addressed.accumulate`.

    By sum along the streak and own residual. tail: mean brightening by rain in standard deviations. length: px in a
    sum. What the neighbours along the streak say is the prior odds of the pixel itself.
    """
    own = _log_odds(LOWEST + np.arange(SIZE) / STEPS, tail)
    # Neighbours share some of their noise (demosaicing, codecs): a sum of n is worth 0.6 n independent ones.
    share = math.sqrt(0.6)
    around = _log_odds((LOWEST + np.arange(LINE_SIZE) / LINE_STEPS) * share, tail * math.sqrt(length) * share)
    before = np.clip(math.log((1 - RAIN_PRIOR) / RAIN_PRIOR) + around, -_MAX_LOG_ODDS, _MAX_LOG_ODDS)
    return (1 / (1 + np.exp(-(before[:, None] + own)))).astype(np.float32)


def _log_odds(z: NDArray[np.float64], tail: float) -> NDArray[np.float64]:
    """Return the log density ratio of clean residuals to rainy ones: Gaussian against Gaussian plus exponential."""
    clean = -0.5 * z * z - 0.5 * math.log(2 * math.pi)
    above = np.array([0.5 * math.erfc((1 / tail - one) / math.sqrt(2)) for one in z.tolist()])
    rain = np.exp(-z / tail + 0.5 / tail**2) * above / tail
    return np.asarray(clean - np.log(rain + OUTLIER_DENSITY))
