"""The rain-free mean: over time, of each pixel's values by their chance of being free of rain.

A percentile takes one value of many; the mean of all values without rain is nearer to the truth by the root of
their number. Which ones those are is told by three things that rain cannot hide at once:

- it brightens all channels of a pixel together, so their mean residual counts, in standard deviations of the noise;
- a streak is long: the sum of residuals along the direction of fall lifts what is too faint in any one pixel;
- it is a one-sided tail beside the noise: the chance of each value follows by Bayes' rule from a Gaussian (clean)
  and an exponential tail (rain) with a little of anything (a passer-by, darker or brighter).

One round over the frames from a start that is right to a level or two (`temporal.SortedStack`: the local η, climbed to
where values crowd) is one step of expectation maximisation, and comes within some tenths of a decibel
of the mean of the truly rain-free values; where hardly any value is free of rain a second round helps.
"""

import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from rainclean._addressed import accumulate, addresses_of
from rainclean.rainfree import _kernels
from rainclean.rainfree._kernels import LINE_SIZE, LINE_STEPS, LOWEST, SIZE, STEPS, ZERO
from rainclean.rainfree.posterior import Posterior

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

TOGETHER, HELD_TOGETHER = 3, 8
"""Frames that are added at a time; the latter where they are in memory anyway."""

SLANTS = tuple(range(-48, 49, 8))
"""Directions of fall that are tried, degrees off vertical, positive to the right."""

_STRIPS = 8
_ROWS = 32  # rows that are worked out at a time in the end
_THIN = 8  # every so many rows tell how residuals go together
_TELL_SLANT = 4  # frames that tell how streaks fall
_MIDDLE = 200  # px to each side of the middle, where the slant of streaks is looked for
_LENT = 9  # px across: neighbours that share their uncertainty
_HIDDEN = 0.2  # of the noise, times the rainy share: rain too faint to be told from noise
_SENSOR = 0.06  # correlation of neighbours that a sensor may have; from a third more on a codec is certain
_CODED = (4.1, 2.3, 3.2)  # what a codec does to all frames alike: see `RainfreeSums._coded`
_EVEN = 0.2  # of what a codec does where frames are alike: all over; the rest goes with the finest detail
_INDEPENDENT = 50  # values of a pixel at most: over longer times light and codecs drift
_FLOOR = 0.05  # grey levels
_OFF = 0.02  # px by which registered frames together lie beside the reference frame
_FINE = 0.02  # of the finest detail around: what interpolating all but one frame changes
_DETAIL = np.array([[1, -4, 6, -4, 1]], np.float32)  # across or down, highest where grey levels alternate
_SUREST = 4.0  # log odds: a streak may end, or begin, at the pixel itself


@dataclass(frozen=True)
class RainfreeSums:
    """What the frames gave: sums over the first and the second half of them, for what they differ by is telling.

    mean: (H, W, 3) float32, the rain-free mean in levels, not rounded. totals: (2, H, W, 3) float32, sums of chance
    times level. weights: (2, H, W) float32. frames: how many. slant: degrees. noise: (256,) float32. beside, after:
    correlation of residuals with those of the next pixel, and of the next frame: sensors have hardly any, codecs have
    both.
    """

    mean: F32
    totals: F32
    weights: F32
    frames: int
    slant: int
    noise: F32
    beside: float
    after: float

    @property
    def share(self) -> float:
        """Mean share of values that are free of rain, 0…1."""
        return float(self.weights.sum(dtype=np.float64)) / self.weights[0].size / self.frames

    def posterior(self, *, registered: bool = False, workers: int = 1) -> Posterior:
        """The mean and how far off it may be; see docs/adr/0013. registered: frames were laid over one another."""
        sd = np.empty(self.weights.shape[1:], np.float32)
        strips = _strips(len(sd), _ROWS)

        def spread(rows: slice) -> tuple[float, float]:
            sd[rows] = self._variance(rows)
            single = self._single(sd[rows], self._whole(rows)).sum(dtype=np.float64)
            return float(single), float(_detail(self.mean, rows).sum(dtype=np.float64)) if self._coded else 1.0

        with ThreadPoolExecutor(workers, thread_name_prefix="rainclean-posterior") as pool:
            usual, detail = np.sum(list(pool.map(spread, strips)), axis=0) / sd.size
            usual_by = float(usual), float(usual) / max(float(detail), 1e-3)
            list(pool.map(lambda rows: self._to_posterior(rows, sd, usual_by, registered), strips))
        return Posterior(self.mean, sd)

    @property
    def _alike(self) -> float:
        """How alike residuals are from frame to frame, 0…0.5: beyond that slow changes of the scene are in it."""
        return min(0.5, max(0.0, self.after))

    @property
    def _coded(self) -> float:
        """What a codec does to all frames alike, over the standard deviation of single values; no half can tell it.

        It shows itself by residuals that are alike in neighbouring pixels (in fine texture only from frame to frame):
        sensors' are not. The more alike, the coarser it is; the more alike from frame to frame, the less of what it
        does shows in single values; and rain takes the bits that the scene would have had. Fitted to H.264 of CRF 12
        to 35 with a fifth to three quarters of the values free of rain.
        """
        whole, by_time, by_share = _CODED
        coarse = max(0.0, self.beside, self.after / 2)
        certain = min(1.0, max(0.0, 3 * (coarse / _SENSOR - 1)))
        seen = math.exp(by_time * self._alike - by_share * min(self.share, 0.75))
        return certain * whole * math.sqrt(coarse) * seen

    def _single(self, variance: F32, whole: F32) -> F32:
        """Variance of single values, from that of the mean of so many."""
        return np.asarray(variance * np.clip(whole, 1, _INDEPENDENT), np.float32)

    def _whole(self, rows: slice) -> F32:
        return np.asarray(self.weights[0, rows] + self.weights[1, rows])

    def _variance(self, rows: slice) -> F32:
        """Variance of the mean, from its two halves; neighbours lend each other what two halves alone cannot tell."""
        import cv2

        outer, inner = _with_rim(rows, self.weights.shape[1], _LENT // 2)
        variance = np.empty(self.weights[0, outer].shape, np.float32)
        _kernels.apart(self.totals, self.weights, outer.start, variance)
        # A running sum may come out a little below 0 where there is nothing to add.
        return np.asarray(np.maximum(cv2.blur(variance, (_LENT, _LENT))[inner], 0), np.float32)

    def _to_posterior(self, rows: slice, sd: F32, usual: tuple[float, float], registered: bool) -> None:
        """Turn variances of some rows into what is believed.

        usual: mean variance of single values, and the same over the mean of the finest detail.
        """
        variance, whole = sd[rows], self._whole(rows)
        detail = _detail(self.mean, rows) if registered or self._coded else np.float32(0)
        hidden = np.float32(_HIDDEN) * noise_of(self.mean[rows], self.noise) * (1 - np.minimum(whole / self.frames, 1))
        # The more frames are alike, the less single values of a place say of what was done to it; its detail does.
        by_detail = _EVEN * usual[0] + (1 - _EVEN) * usual[1] * detail
        single = (1 - self._alike) * self._single(variance, whole) + self._alike * by_detail
        coded = np.float32(self._coded**2) * np.asarray(single, np.float32)
        total = variance + np.square(hidden) + coded + np.float32(_FLOOR**2)
        if registered:
            total += np.square(_OFF * _slope(self.mean, rows)) + np.square(_FINE * detail)
        found = np.sqrt(total)
        sd[rows] = np.where(whole < LEAST_WEIGHT, np.maximum(found, np.float32(TAIL / 2)), found)


def _slope(mean: F32, rows: slice) -> F32:
    """Slope of the grey levels of some rows, levels per px: (r, W) float32."""
    import cv2

    outer, inner = _with_rim(rows, len(mean), 1)
    grey = mean[outer].mean(axis=2)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *axis, scale=1 / 8)[inner] for axis in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(across, down), np.float32)


def _detail(mean: F32, rows: slice) -> F32:
    """How much there is of the finest detail within 2 px, levels: (r, W) float32.

    It is what interpolation takes (or adds, as ringing), and what a codec gives up first.
    """
    import cv2

    outer, inner = _with_rim(rows, len(mean), 4)
    grey = mean[outer].mean(axis=2)
    power = sum(np.square(cv2.filter2D(grey, cv2.CV_32F, kernel)) for kernel in (_DETAIL, _DETAIL.T))
    # A running sum may come out a little below 0 where there is nothing to add.
    return np.asarray(np.sqrt(np.maximum(cv2.blur(np.asarray(power), (5, 5)), 0)), np.float32)[inner]


def _strips(height: int, rows: int) -> list[slice]:
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def _with_rim(rows: slice, height: int, rim: int) -> tuple[slice, slice]:
    """Rows and so many more to both sides, as far as there are such; and where among these the rows lie."""
    outer = slice(max(0, rows.start - rim), min(height, rows.stop + rim))
    return outer, slice(rows.start - outer.start, rows.stop - outer.start)


class RainfreeMean:
    """Takes frames in any order and adds them up. A context manager; `finish` gives the sums and the mean.

    consumed_start: (H, W, 3) float32, the initial estimate, right to a level or two. It belongs to the mean from here
    on: `finish` writes the mean into this array and returns it as `RainfreeSums.mean`. noise: (256,) float32, standard
    deviation by level. frames: how many will come. workers: threads.
    together: how many are added at a time, which is faster with more; three times so many are in memory.
    """

    def __init__(
        self, consumed_start: F32, noise: F32, *, frames: int, workers: int = 2, together: int = TOGETHER
    ) -> None:
        height, width = consumed_start.shape[:2]
        self._start = np.ascontiguousarray(consumed_start, np.float32)
        self._noise = np.asarray(noise, np.float32)
        # The sum of three channels has √3 of their standard deviation.
        self._steps = (STEPS / (math.sqrt(3) * self._noise)).astype(np.float32)
        self._reach = streak_reach(min(height, width))
        usual = float(np.median(noise_of(self._start[::_THIN, ::_THIN], self._noise)))
        self._chance = chances(TAIL * math.sqrt(3) / usual, 2 * self._reach + 1)
        self._totals = np.zeros((2, height, width, 3), np.float32)
        self._weights = np.zeros((2, height, width), np.float32)
        edges = np.linspace(0, height, min(_STRIPS, max(1, height // 32)) + 1).astype(int).tolist()
        self._strips = [_Strip(slice(top, bottom), height, self._reach) for top, bottom in pairwise(edges)]
        self._frames, self._slant, self._together = frames, 0, together
        self._offsets: NDArray[np.int32] | None = None
        self._waiting: list[tuple[int, U8]] = []
        self._running: deque[list[Future[None]]] = deque()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="rainclean-accumulate")
        self._rooms: SimpleQueue[_Room] = SimpleQueue()
        most = max(strip.outer.stop - strip.outer.start for strip in self._strips)
        for _ in range(min(workers, len(self._strips))):
            self._rooms.put(_Room(max(together, _TELL_SLANT), most, width))

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
        half = self._half(position)
        # The first portion tells how streaks fall: the same frames do, however many are added at a time.
        most = self._together if self._offsets is not None else max(self._together, _TELL_SLANT)
        if self._waiting and (len(self._waiting) == most or self._half(self._waiting[0][0]) != half):
            self._begin()
        self._waiting.append((position, np.ascontiguousarray(rgb)))

    def finish(self) -> RainfreeSums:
        """The sums over all frames that were added, and their mean."""
        self._begin()
        self._wait(0)
        list(self._pool.map(self._settle, _strips(len(self._start), _ROWS)))
        alike = np.sum([strip.alike for strip in self._strips], axis=0)
        beside, after = (float(a / b) if b else 0.0 for a, b in alike)
        return RainfreeSums(
            self._start, self._totals, self._weights, self._frames, self._slant, self._noise, beside, after
        )  # fmt: skip

    def _half(self, position: int) -> int:
        return int(2 * position >= self._frames)

    def _wait(self, left: int) -> None:
        """Until no more than so many portions of frames are being added."""
        while len(self._running) > left:
            for future in self._running.popleft():
                future.result()

    def _begin(self) -> None:
        """Let all strips take the frames that wait, while they are still taking those before."""
        frames, self._waiting = self._waiting, []
        if not frames:
            return
        if self._offsets is None:
            # The first few tell how streaks fall.
            self._slant = self._find_slant([rgb for _, rgb in frames[:_TELL_SLANT]])
            self._offsets = lean(len(self._start), self._slant)
        self._wait(1)
        before = self._running[-1] if self._running else [None] * len(self._strips)
        jobs = zip(self._strips, before, strict=True)
        self._running.append([self._pool.submit(self._take, strip, frames, earlier) for strip, earlier in jobs])

    def _take(self, strip: "_Strip", frames: Sequence[tuple[int, U8]], earlier: Future[None] | None) -> None:
        """One strip's part of some frames of one half: strips know nothing of each other.

        earlier: its part of those before, which has begun when this begins.
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
                thin = z[n, inner][::_THIN].copy()
                _kernels.correlate(thin[:, :-1].copy(), thin[:, 1:].copy(), strip.alike[0])
                if position == strip.last + 1:
                    _kernels.correlate(thin, strip.before, strip.alike[1])
                strip.last, strip.before = position, thin
            addresses = addresses_of([rgb[rows] for _, rgb in frames])
            half = self._half(frames[0][0])
            sums = self._totals[half, rows], self._weights[half, rows]
            accumulate(addresses, z, inner.start, lines, self._chance, *sums)
        finally:
            self._rooms.put(room)

    def _settle(self, rows: slice) -> None:
        """Write the mean of some rows where the start is."""
        mean = self._start[rows]
        sigma = noise_of(mean, self._noise)
        _kernels.settle(self._totals, self._weights, rows.start, LEAST_WEIGHT, mean)
        mean[:] = unclipped(mean, sigma)

    def _find_slant(self, frames: Sequence[U8]) -> int:
        """The direction along which sums of residuals stand out most, in the middle of the picture."""
        height, width = self._start.shape[:2]
        middle = tuple(slice(max(0, n // 2 - _MIDDLE), n // 2 + _MIDDLE) for n in (height, width))
        start = np.ascontiguousarray(self._start[middle])
        clean, scale = np.empty(start.shape[:2], np.float32), np.empty(start.shape[:2], np.float32)
        _kernels.channel_sums(start, clean)
        _kernels.by_level(clean, self._steps, scale)
        z, lines = np.empty(clean.shape, np.uint8), np.empty(clean.shape, np.uint8)
        strength = np.zeros(len(SLANTS))
        for rgb in frames:
            _kernels.residuals(np.ascontiguousarray(rgb[middle]), clean, scale, z)
            # A quarter of each, so that sums of bright streaks differ although they are cut off at HIGHEST.
            faint = ((z.astype(np.int16) - ZERO) // 4 + ZERO).astype(np.uint8)
            for i, slant in enumerate(SLANTS):
                _kernels.along_streaks(faint, self._reach, lean(len(faint), slant), 0, lines)
                above = np.maximum(lines.astype(np.float32) + LINE_STEPS * (LOWEST - 1), 0)
                strength[i] += np.square(above).mean(dtype=np.float64)
        return int(SLANTS[int(np.argmax(strength))])


class _Strip:
    """Rows of the picture that one thread works on at a time, and what is known of them.

    rows: its own; outer: those and the ones that sums along streaks reach; inner: its own among outer. before: every
    `_THIN`th row of residuals of the frame at position ``last``.
    """

    def __init__(self, rows: slice, height: int, reach: int) -> None:
        self.rows = rows
        self.outer, self.inner = _with_rim(rows, height, reach)
        self.alike = np.zeros((2, 2))
        self.last = -2
        self.before: U8 = np.empty((0, 0), np.uint8)


class _Room:
    """Room for what a thread works out of one strip; used again and again, because fresh memory takes time."""

    def __init__(self, frames: int, rows: int, width: int) -> None:
        self._z, self._lines = (np.empty((frames, rows, width), np.uint8) for _ in range(2))
        self._clean, self._scale = (np.empty((rows, width), np.float32) for _ in range(2))

    def cut(self, frames: int, rows: int) -> tuple[U8, U8, F32, F32]:
        """Residuals and sums along streaks of so many frames; and, of so many rows, what frames are compared with."""
        return self._z[:frames], self._lines[:frames], self._clean[:rows], self._scale[:rows]


def noise_of(picture: F32, noise: F32) -> F32:
    """Standard deviation of the noise at each pixel, (H, W) float32: ``noise`` (256,) at the channels' mean level."""
    out = np.empty(picture.shape[:2], np.float32)
    _kernels.channel_sums(np.ascontiguousarray(picture, np.float32), out)
    _kernels.by_level(out, np.asarray(noise, np.float32), out)
    return out


def unclipped(mean: F32, sigma: F32) -> F32:
    """Means of values that the sensor cut off at black and white, as they would be of whole bells.

    mean: (H, W, 3) float32; sigma: (H, W) float32. The mean of noise around b, cut off at 0, is σ·(tΦ(t) + φ(t)) with
    t = b/σ: that is turned round by table. Between 2.5 σ of both ends nothing is done. Returns a new array, 0…255.
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
    """Where a bell stands, in its own deviations from where it is cut off at its lower side, and its mean then."""
    t = np.linspace(-4, 3, 701)
    below = np.array([0.5 * math.erfc(-one / math.sqrt(2)) for one in t.tolist()])
    return t, t * below + np.exp(-0.5 * t * t) / math.sqrt(2 * math.pi)


def streak_reach(lines: int) -> int:
    """How many px up and down a sum along a streak goes: 7 where the shorter side has up to 480 px, 16 at 1080."""
    return min(_kernels.LARGEST_REACH, round(7 * max(1.0, lines / 480)))


def lean(rows: int, slant: float) -> NDArray[np.int32]:
    """Whole px to the right by which each row of a streak of that slant (degrees) lies, (rows,) int32."""
    return np.rint(np.arange(rows) * math.tan(math.radians(slant))).astype(np.int32)


def chances(tail: float, length: int) -> F32:
    """Chance that a value is free of rain, (LINE_SIZE, SIZE) float32, for `_kernels.accumulate`.

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
