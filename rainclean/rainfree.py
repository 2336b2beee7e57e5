"""The rain-free mean: over time, of each pixel's values by their chance of being free of rain.

A percentile takes one value of many; the mean of all values without rain is nearer to the truth by the root of
their number. Which ones those are is told by three things that rain cannot hide at once:

- it brightens all channels of a pixel together, so their mean residual counts, in standard deviations of the noise;
- a streak is long: the sum of residuals along the direction of fall lifts what is too faint in any one pixel;
- it is a one-sided tail beside the noise: the chance of each value follows by Bayes' rule from a Gaussian (clean)
  and an exponential tail (rain) with a little of anything (a passer-by, darker or brighter).

One round over the frames from a start that is right to a level or two (`stack.SortedStack`: the percentile η*,
climbed to where values crowd) is one step of expectation maximisation, and comes within some tenths of a decibel
of the mean of the truly rain-free values; where hardly any value is free of rain a second round helps.
"""

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rainclean import _weighing
from rainclean._weighing import LINE_SIZE, LINE_STEPS, LOWEST, SIZE, STEPS, ZERO
from rainclean.belief import Belief

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

TAIL = 20.0
"""Mean brightening by rain in levels; half or twice of it changes the result by less than 0.3 dB."""

ANYTHING = 1e-3
"""Density, by standard deviation, of values that neither noise nor rain explains."""

RAINY = 0.3
"""Chance that a value is rainy, before anything is known."""

LEAST_WEIGHT = 0.5
"""Sum of chances below which the start stands: nothing was free of rain."""

DENSE = 0.2
"""Share of clean values below which a second round is worth its time."""

SLANTS = tuple(range(-48, 49, 8))
"""Directions of fall that are tried, degrees off vertical, positive to the right."""

_TOGETHER = 4  # frames that are added at a time
_STRIPS = 8
_MIDDLE = 200  # px to each side of the middle, where the slant of streaks is looked for
_LENT = 9  # px across: neighbours that share their uncertainty
_HIDDEN = 0.2  # of the noise, times the rainy share: rain too faint to be told from noise
_UNLIKE = 0.08  # correlation from frame to frame above which a codec is at work, for certain from twice that
_CODED = 3.0  # of the noise: what a codec does to all frames alike, by the root of how alike neighbours are
_FLOOR = 0.05  # grey levels
_OFF = 0.03  # px by which registered frames together lie beside the reference frame
_SOFT = 0.01  # of the curvature of grey levels: what interpolating all but one frame changes
_SUREST = 4.0  # log odds: a streak may end, or begin, at the pixel itself


@dataclass(frozen=True)
class Weighed:
    """What the frames gave: sums over the first and the second half of them, for what they differ by is telling.

    start: (H, W, 3) float32. totals: (2, H, W, 3) float32, sums of chance times level. weights: (2, H, W) float32.
    frames: how many. slant: degrees. sigma: (H, W) float32, the noise. beside, after: correlation of residuals with
    those of the next pixel, and of the next frame: sensors have hardly any, codecs have both.
    """

    start: F32
    totals: F32
    weights: F32
    frames: int
    slant: int
    sigma: F32
    beside: float
    after: float

    @cached_property
    def weight(self) -> F32:
        """Sum of chances of being clean, (H, W) float32: how many values the mean is of."""
        return self.weights[0] + self.weights[1]

    @cached_property
    def mean(self) -> F32:
        """The rain-free mean, (H, W, 3) float32 in levels, not rounded."""
        weight = self.weight[..., None]
        mean = (self.totals[0] + self.totals[1]) / np.maximum(weight, LEAST_WEIGHT)
        return unclipped(np.where(weight < LEAST_WEIGHT, self.start, mean), self.sigma)

    @property
    def share(self) -> float:
        """Mean share of values that are free of rain, 0…1."""
        return float(self.weight.mean(dtype=np.float64)) / self.frames

    def belief(self, registered: bool = False) -> Belief:
        """The mean and how far off it may be; see docs/adr/0013. registered: frames were laid over one another."""
        import cv2

        weights = np.maximum(self.weights, np.float32(1e-3))
        apart = self.totals[0] / weights[0][..., None] - self.totals[1] / weights[1][..., None]
        whole = weights[0] + weights[1]
        # The variance of a mean, from its two halves; neighbours lend each other what two halves alone cannot tell.
        variance = np.square(apart).mean(axis=2) * (weights[0] * weights[1] / np.square(whole))
        # A running sum may come out a little below 0 where there is nothing to add.
        variance = np.maximum(np.asarray(cv2.blur(variance, (_LENT, _LENT)), np.float32), 0)
        hidden = _HIDDEN * self.sigma * (1 - np.minimum(whole / self.frames, 1))
        coded = min(1.0, max(0.0, (self.after - _UNLIKE) / _UNLIKE))
        kept = coded * _CODED * math.sqrt(max(0.0, self.beside - _UNLIKE / 2))
        # What a codec does to all frames alike no half can tell; it is strongest where it does most to single ones.
        local = np.sqrt(variance * np.maximum(whole, 1))
        constant = np.float32(kept * float(self.sigma.mean()) / max(1e-6, float(local.mean()))) * local
        sd = np.sqrt(variance + np.square(hidden) + np.square(constant) + np.float32(_FLOOR**2))
        mean = self.mean
        if registered:
            sd = np.sqrt(np.square(sd) + np.square(_misplaced(mean)))
        return Belief(mean, np.where(whole < LEAST_WEIGHT, np.maximum(sd, np.float32(TAIL / 2)), sd))


def _misplaced(mean: F32) -> F32:
    """What registration and interpolation leave, which is the same in all frames: (H, W) float32, levels."""
    import cv2

    grey = mean.mean(axis=2)
    slope = np.hypot(*(cv2.Sobel(grey, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1))))
    return np.asarray(_OFF * slope + _SOFT * np.abs(cv2.Laplacian(grey, cv2.CV_32F)), np.float32)


class RainfreeMean:
    """Takes frames in any order and adds them up. A context manager; `finish` gives the sums.

    start: (H, W, 3) float32, what is right to a level or two. noise: (256,) float32, standard deviation by level.
    frames: how many will come. workers: threads.
    """

    def __init__(self, start: F32, noise: F32, frames: int, workers: int = 2) -> None:
        height, width = start.shape[:2]
        self._start = np.ascontiguousarray(start, np.float32)
        self._sums = self._start.sum(axis=2)
        self.sigma = noise_of(start, noise)
        # The sum of three channels has √3 of their standard deviation.
        self._scale = (STEPS / (math.sqrt(3) * self.sigma)).astype(np.float32)
        self._reach = streak_reach(min(height, width))
        self._chance = chances(TAIL * math.sqrt(3) / float(np.median(self.sigma)), 2 * self._reach + 1)
        self._totals = np.zeros((2, height, width, 3), np.float32)
        self._weights = np.zeros((2, height, width), np.float32)
        edges = np.linspace(0, height, min(_STRIPS, max(1, height // 32)) + 1).astype(int).tolist()
        self._strips = [_Strip(top, bottom, self._start.shape, self._reach) for top, bottom in pairwise(edges)]
        self._frames, self._slant = frames, 0
        self._offsets: NDArray[np.int32] | None = None
        self._waiting: list[tuple[int, U8]] = []
        self._running: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="rainclean-weigh")

    def __enter__(self) -> "RainfreeMean":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def add(self, position: int, rgb: U8) -> None:
        """Add the frame at a position among those used, (H, W, 3) uint8; from then on it is not to be changed.

        Returns while it waits or is being added.
        """
        if rgb.shape != self._start.shape:
            raise ValueError(f"frame of shape {rgb.shape} beside a start of {self._start.shape}")
        self._waiting.append((position, rgb))
        if len(self._waiting) == _TOGETHER:
            self._begin()

    def finish(self) -> Weighed:
        """The sums over all frames that were added."""
        self._begin()
        self._wait()
        alike = np.sum([strip.alike for strip in self._strips], axis=0)
        beside, after = (float(a / b) if b else 0.0 for a, b in alike)
        totals, weights = self._totals, self._weights
        return Weighed(self._start, totals, weights, self._frames, self._slant, self.sigma, beside, after)

    def _wait(self) -> None:
        for future in self._running:
            future.result()
        self._running.clear()

    def _begin(self) -> None:
        """Let all strips take the frames that wait, once they have taken those before."""
        if self._offsets is None and self._waiting:
            # The first few tell how streaks fall.
            self._slant = self._find_slant([rgb for _, rgb in self._waiting])
            self._offsets = lean(len(self._start), self._slant)
        self._wait()
        frames, self._waiting = self._waiting, []
        self._running = [self._pool.submit(self._take, strip, frames) for strip in self._strips]

    def _take(self, strip: "_Strip", frames: Sequence[tuple[int, U8]]) -> None:
        """One strip's part of some frames: strips know nothing of each other, so none has to wait."""
        assert self._offsets is not None or not frames
        for position, rgb in frames:
            assert self._offsets is not None
            half = int(2 * position >= self._frames)
            rows, outer = strip.rows, strip.outer
            strip.z, strip.before = strip.before, strip.z
            _weighing.residuals(rgb[outer], self._sums[outer], self._scale[outer], strip.z)
            offsets = self._offsets[outer] - self._offsets[outer.start]
            _weighing.along_streaks(strip.z, self._reach, offsets, strip.first, strip.lines)
            own = strip.z[strip.inner]
            totals, weights = self._totals[half, rows], self._weights[half, rows]
            _weighing.weigh(rgb[rows], own, strip.lines, self._chance, totals, weights)
            _weighing.correlate(own[:, :-1], own[:, 1:], strip.alike[0])
            if position == strip.last + 1:
                _weighing.correlate(own, strip.before[strip.inner], strip.alike[1])
            strip.last = position

    def _find_slant(self, frames: Sequence[U8]) -> int:
        """The direction along which sums of residuals stand out most, in the middle of the picture."""
        height, width = self._sums.shape
        middle = tuple(slice(max(0, n // 2 - _MIDDLE), n // 2 + _MIDDLE) for n in (height, width))
        sums, scale = np.ascontiguousarray(self._sums[middle]), np.ascontiguousarray(self._scale[middle])
        z, lines = np.empty(sums.shape, np.uint8), np.empty(sums.shape, np.uint8)
        strength = np.zeros(len(SLANTS))
        for rgb in frames:
            _weighing.residuals(np.ascontiguousarray(rgb[middle]), sums, scale, z)
            # A quarter of each, so that sums of bright streaks differ although they are cut off at HIGHEST.
            faint = ((z.astype(np.int16) - ZERO) // 4 + ZERO).astype(np.uint8)
            for i, slant in enumerate(SLANTS):
                _weighing.along_streaks(faint, self._reach, lean(len(faint), slant), 0, lines)
                above = np.maximum(lines.astype(np.float32) + LINE_STEPS * (LOWEST - 1), 0)
                strength[i] += np.square(above).mean(dtype=np.float64)
        return int(SLANTS[int(np.argmax(strength))])


class _Strip:
    """Rows of the picture that one thread works on at a time, with room for what it works out.

    rows: its own; outer: those and the ones that sums along streaks reach; inner: its own among outer.
    """

    def __init__(self, top: int, bottom: int, shape: tuple[int, ...], reach: int) -> None:
        self.rows = slice(top, bottom)
        self.outer = slice(max(0, top - reach), min(shape[0], bottom + reach))
        self.first = top - self.outer.start
        self.inner = slice(self.first, self.first + bottom - top)
        outer = (self.outer.stop - self.outer.start, shape[1])
        self.z, self.before = np.empty(outer, np.uint8), np.empty(outer, np.uint8)
        self.lines = np.empty((bottom - top, shape[1]), np.uint8)
        self.alike = np.zeros((2, 2))
        self.last = -2


def noise_of(picture: F32, noise: F32) -> F32:
    """Standard deviation of the noise at each pixel, (H, W) float32: ``noise`` (256,) at the channels' mean level."""
    level = np.clip(np.rint(picture.mean(axis=2)), 0, 255).astype(np.uint8)
    return np.asarray(noise, np.float32)[level]


def unclipped(mean: F32, sigma: F32) -> F32:
    """Means of values that the sensor cut off at black and white, as they would be of whole bells.

    mean: (H, W, 3) float32; sigma: (H, W) float32. The mean of noise around b, cut off at 0, is σ·(tΦ(t) + φ(t)) with
    t = b/σ: that is turned round by table. Between 2.5 σ of both ends nothing is done. Returns a new array, 0…255.
    """
    t = np.linspace(-4, 3, 701)
    below = np.array([0.5 * math.erfc(-one / math.sqrt(2)) for one in t.tolist()])
    cut = t * below + np.exp(-0.5 * t * t) / math.sqrt(2 * math.pi)
    out = np.clip(mean, 0, 255)
    scale = np.repeat(sigma[..., None], 3, axis=2)
    for dark in (True, False):
        level = out if dark else 255 - out
        near = level < 2.5 * scale
        whole = np.maximum(np.interp(level[near] / scale[near], cut, t) * scale[near], 0)
        out[near] = whole if dark else 255 - whole
    return np.asarray(out, np.float32)


def streak_reach(lines: int) -> int:
    """How many px up and down a sum along a streak goes, for a shorter side of so many px: 7 up to 480, 16 at 1080."""
    return round(7 * max(1.0, lines / 480))


def lean(rows: int, slant: float) -> NDArray[np.int32]:
    """Whole px to the right by which each row of a streak of that slant (degrees) lies, (rows,) int32."""
    return np.rint(np.arange(rows) * math.tan(math.radians(slant))).astype(np.int32)


def chances(tail: float, length: int) -> F32:
    """Chance that a value is free of rain, (LINE_SIZE, SIZE) float32, for `_weighing.weigh`.

    By sum along the streak and own residual. tail: mean brightening by rain in standard deviations. length: px in a
    sum. What the neighbours along the streak say is taken as the odds before the pixel itself is asked.
    """
    own = _log_odds(LOWEST + np.arange(SIZE) / STEPS, tail)
    # Neighbours share some of their noise (demosaicing, codecs): a sum of n is worth 0.6 n independent ones.
    share = math.sqrt(0.6)
    around = _log_odds((LOWEST + np.arange(LINE_SIZE) / LINE_STEPS) * share, tail * math.sqrt(length) * share)
    before = np.clip(math.log((1 - RAINY) / RAINY) + around, -_SUREST, _SUREST)
    return (1 / (1 + np.exp(-(before[:, None] + own)))).astype(np.float32)


def _log_odds(z: NDArray[np.float64], tail: float) -> NDArray[np.float64]:
    """Log of the density of clean residuals over that of rainy ones: Gaussian against Gaussian plus exponential."""
    clean = -0.5 * z * z - 0.5 * math.log(2 * math.pi)
    above = np.array([0.5 * math.erfc((1 / tail - one) / math.sqrt(2)) for one in z.tolist()])
    rain = np.exp(-z / tail + 0.5 / tail**2) * above / tail
    return np.asarray(clean - np.log(rain + ANYTHING))
