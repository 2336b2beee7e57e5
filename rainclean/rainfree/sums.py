"""Turn the sums of a rain-free mean into its posterior: the mean, and how far off it may be (docs/adr/0013).

`RainfreeMean.finish` returns these sums. What the two halves of the frames differ by is the evidence.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rainclean.rainfree import _kernels
from rainclean.rainfree.posterior import Posterior

F32 = NDArray[np.float32]

TAIL = 20.0
"""Mean brightening by rain in levels; half or twice of it changes the result by less than 0.3 dB."""

MIN_WEIGHT = 0.5
"""Sum of chances below which the initial estimate stays: nothing was free of rain."""

STRIP_ROWS = 32
"""Rows that are processed at a time in the end."""

_SHARED_PX = 9  # across: neighbours that share their uncertainty
_HIDDEN_RAIN = 0.2  # of the noise, times the rainy share: rain too faint to be separated from noise
_SENSOR_CORRELATION = 0.06  # of neighbours, that a sensor may have; from a third more on a codec is certain
_CODEC = (4.1, 2.3, 3.2)  # what a codec does to all frames alike: see `RainfreeSums._codec_sd`
_EVEN_FRACTION = 0.2  # of what a codec does where frames are alike: all over; the rest goes with the finest detail
_INDEPENDENT_VALUES = 50  # of a pixel at most: over longer times exposure and codecs drift
_FLOOR_SD = 0.05  # grey levels
_OFFSET_PX = 0.02  # by which registered frames together are off the reference frame
_FINE_FRACTION = 0.02  # of the finest detail around: what interpolating all but one frame changes
_DETAIL = np.array([[1, -4, 6, -4, 1]], np.float32)  # across or down, highest where grey levels alternate


@dataclass(frozen=True, kw_only=True)
class RainfreeSums:
    """Sums over the first and the second half of the frames; what the two differ by is evidence.

    Attributes:
        mean: (H, W, 3) float32, the rain-free mean in levels, not rounded.
        totals: (2, H, W, 3) float32, sums of chance times level.
        weights: (2, H, W) float32, sums of chances.
        frames: how many.
        slant: of streaks, degrees off vertical.
        noise: (256,) float32, standard deviation by level.
        beside: correlation of residuals with those of the next pixel: sensors have hardly any, codecs have some.
        after: the same with those of the next frame.
    """

    mean: F32
    totals: F32
    weights: F32
    frames: int
    slant: int
    noise: F32
    beside: float
    after: float

    @cached_property
    def share(self) -> float:
        """Mean fraction of values that are free of rain, 0…1."""
        return float(self.weights.sum(dtype=np.float64)) / self.weights[0].size / self.frames

    def posterior(self, *, registered: bool = False, workers: int = 1) -> Posterior:
        """Return the posterior: the mean and its standard deviation; see docs/adr/0013.

        Args:
            registered: whether frames were warped to the reference frame.
            workers: threads.
        """
        sd = np.empty(self.weights.shape[1:], np.float32)
        rows_of_strips = strips(len(sd), STRIP_ROWS)

        def spread(rows: slice) -> tuple[float, float]:
            sd[rows] = self._variance(rows)
            single = self._single(sd[rows], self._whole(rows)).sum(dtype=np.float64)
            return float(single), float(_detail(self.mean, rows).sum(dtype=np.float64)) if self._codec_sd else 1.0

        with ThreadPoolExecutor(workers, thread_name_prefix="rainclean-posterior") as pool:
            usual, detail = np.sum(list(pool.map(spread, rows_of_strips)), axis=0) / sd.size
            usual_by = float(usual), float(usual) / max(float(detail), 1e-3)
            list(pool.map(lambda rows: self._add_errors(rows, sd, usual_by, registered=registered), rows_of_strips))
        return Posterior(self.mean, sd)

    @property
    def _time_correlation(self) -> float:
        """Correlation of residuals from frame to frame, 0…0.5: beyond that it contains slow changes of the scene."""
        return min(0.5, max(0.0, self.after))

    @cached_property
    def _codec_sd(self) -> float:
        """Error that a codec makes in all frames alike, over the sd of single values; halves do not differ by it.

        It shows in residuals that are correlated in neighbouring pixels (in fine texture only from frame to frame):
        a sensor's are not. The higher that correlation, the coarser the codec. The higher the correlation from frame to
        frame, the less of the error shows in single values. And rain takes the bits that the scene would have had.
        Fitted to H.264 of CRF 12 to 35 with a fifth to three quarters of the values free of rain.
        """
        whole, by_time, by_share = _CODEC
        coarse = max(0.0, self.beside, self.after / 2)
        certain = min(1.0, max(0.0, 3 * (coarse / _SENSOR_CORRELATION - 1)))
        seen = math.exp(by_time * self._time_correlation - by_share * min(self.share, 0.75))
        return certain * whole * math.sqrt(coarse) * seen

    def _single(self, variance: F32, whole: F32) -> F32:
        """Return the variance of single values, from that of the mean of ``whole`` of them."""
        return np.asarray(variance * np.clip(whole, 1, _INDEPENDENT_VALUES), np.float32)

    def _whole(self, rows: slice) -> F32:
        """Return the weights of both halves together, of some rows."""
        return np.asarray(self.weights[0, rows] + self.weights[1, rows])

    def _variance(self, rows: slice) -> F32:
        """Return the variance of the mean, from its two halves; neighbours share it, as two halves alone say little."""
        import cv2

        outer, inner = with_rim(rows, self.weights.shape[1], _SHARED_PX // 2)
        variance = np.empty(self.weights[0, outer].shape, np.float32)
        _kernels.variance_of_halves(self.totals, self.weights, outer.start, variance)
        # A running sum may come out a little below 0 where there is nothing to add.
        return np.asarray(np.maximum(cv2.blur(variance, (_SHARED_PX, _SHARED_PX))[inner], 0), np.float32)

    def _add_errors(self, rows: slice, sd: F32, usual: tuple[float, float], *, registered: bool) -> None:
        """Turn variances of some rows, in ``sd``, into standard deviations with all that the halves do not differ by.

        usual: mean variance of single values, and the same over the mean of the finest detail.
        """
        variance, whole = sd[rows], self._whole(rows)
        detail = _detail(self.mean, rows) if registered or self._codec_sd else np.float32(0)
        rainy = 1 - np.minimum(whole / self.frames, 1)
        hidden = np.float32(_HIDDEN_RAIN) * noise_of(self.mean[rows], self.noise) * rainy
        # The more alike frames are, the less single values of a place say about its error; its detail says more.
        by_detail = _EVEN_FRACTION * usual[0] + (1 - _EVEN_FRACTION) * usual[1] * detail
        single = (1 - self._time_correlation) * self._single(variance, whole) + self._time_correlation * by_detail
        coded = np.float32(self._codec_sd**2) * np.asarray(single, np.float32)
        total = variance + np.square(hidden) + coded + np.float32(_FLOOR_SD**2)
        if registered:
            total += np.square(_OFFSET_PX * _slope(self.mean, rows)) + np.square(_FINE_FRACTION * detail)
        result = np.sqrt(total)
        sd[rows] = np.where(whole < MIN_WEIGHT, np.maximum(result, np.float32(TAIL / 2)), result)


def _grey(picture: F32) -> F32:
    """Return the mean over the channels, (r, W) float32: the same as numpy's, in a twentieth of the time."""
    out = np.empty(picture.shape[:2], np.float32)
    _kernels.channel_sums(picture, out)
    out /= np.float32(3)
    return out


def _slope(mean: F32, rows: slice) -> F32:
    """Return the slope of the grey levels of some rows, levels per px: (r, W) float32."""
    import cv2

    outer, inner = with_rim(rows, len(mean), 1)
    grey = _grey(mean[outer])
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *axis, scale=1 / 8)[inner] for axis in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(across, down), np.float32)


def _detail(mean: F32, rows: slice) -> F32:
    """Measure the finest detail within 2 px, levels: (r, W) float32.

    It is what interpolation removes (or adds, as ringing), and what a codec drops first.
    """
    import cv2

    outer, inner = with_rim(rows, len(mean), 4)
    grey = _grey(mean[outer])
    power = sum(np.square(cv2.filter2D(grey, cv2.CV_32F, kernel)) for kernel in (_DETAIL, _DETAIL.T))
    # A running sum may come out a little below 0 where there is nothing to add.
    return np.asarray(np.sqrt(np.maximum(cv2.blur(np.asarray(power), (5, 5)), 0)), np.float32)[inner]


def strips(height: int, rows: int) -> list[slice]:
    """Cut a height into slices of so many rows."""
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def with_rim(rows: slice, height: int, rim: int) -> tuple[slice, slice]:
    """Return rows with ``rim`` more to both sides, as far as they exist; and where among these the rows are."""
    outer = slice(max(0, rows.start - rim), min(height, rows.stop + rim))
    return outer, slice(rows.start - outer.start, rows.stop - outer.start)


def noise_of(picture: F32, noise: F32) -> F32:
    """Return the standard deviation of the noise at each pixel, (H, W) float32.

    Args:
        picture: (H, W, 3) float32 levels.
        noise: (256,) float32, by level; taken at the channels' mean.
    """
    out = np.empty(picture.shape[:2], np.float32)
    _kernels.channel_sums(np.ascontiguousarray(picture, np.float32), out)
    _kernels.by_level(out, np.asarray(noise, np.float32), out)
    return out
