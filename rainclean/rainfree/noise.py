"""Measure a clip's noise at each grey level, from the clip itself, under rain.

Samples are collected while frames are decoded; the rain-free mean needs the result. Rain only brightens: below the
clean value of a pixel there is nothing but noise. With the clean value at percentile η of a pixel's values, those below
it are one half of a bell, and the percentile η/2 is its middle, 0.674 standard deviations down. That is averaged over
pixels of similar level.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean.temporal import sort_stack

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SAMPLE_POINTS = 12_000
"""Pixels that are followed over time."""

MIN_SD = 0.6
"""Smallest standard deviation, grey levels: rounding alone makes 0.29, and codecs hide some of it."""

_HALF_NORMAL = 0.6745
_BINS = 16
_MIN_POINTS = 100
_MIN_BELOW = 4
_OUTLIER_FACTOR = 2.5  # times the lower quartile: hardly any pixel's own spread, measured over some frames, is more


class NoiseSamples:
    """Follows some pixels over the frames that are added: (3 × SAMPLE_POINTS) bytes a frame."""

    def __init__(self, height: int, width: int) -> None:
        """Choose the pixels of frames of that size, px."""
        pixels = height * width
        # Always the same places; a few are drawn twice.
        self._places = np.unique(np.random.default_rng(0).integers(0, pixels, min(pixels, SAMPLE_POINTS)))
        self._frames: list[U8] = []

    def add_frame(self, rgb: U8) -> None:
        """Take the samples of the next frame, (H, W, 3) uint8."""
        self._frames.append(rgb.reshape(-1, 3).take(self._places, axis=0))  # five times as fast as indexing

    def curve(self, eta: float, start: int = 0, stop: int | None = None) -> F32:
        """Measure the noise over some of the frames.

        Args:
            eta: percentile of the clean values over those frames, 0…100.
            start: position of the first frame.
            stop: position of the first frame that is not used; None: to the end.

        Returns:
            Standard deviation by level, (256,) float32, at the level of a pixel's three channels' mean.
        """
        return noise_curve(sort_stack(np.stack(self._frames[start:stop])), eta)


def noise_curve(stack: U8, eta: float) -> F32:
    """Measure the noise as `NoiseSamples.curve` does; stack: (N, K, 3) uint8, sorted over time."""
    frames = len(stack)
    # Where hardly any value lies below, half of hardly any says nothing: somewhat higher is somewhat too strong.
    eta = min(50.0, max(float(eta), 100 * _MIN_BELOW / max(1, frames - 1)))
    clean, below = (_percentile(stack, one) for one in (eta, eta / 2))
    level, apart = clean.mean(axis=1), (clean - below).mean(axis=1) / _HALF_NORMAL
    bins = np.minimum((level / 256 * _BINS).astype(int), _BINS - 1)
    middles = (np.arange(_BINS) + 0.5) * 256 / _BINS
    by_bin = np.array([_usual(apart[bins == b]) if (bins == b).sum() >= _MIN_POINTS else np.nan for b in range(_BINS)])
    known = ~np.isnan(by_bin)
    if not known.any():
        return np.full(256, max(MIN_SD, _usual(apart)), np.float32)
    # Close to black half of the bell is clipped, close to white the other: there the noise is that of the next bin.
    # The median over bins says how close that is: those that are clipped are too low.
    reach = 3 * np.nanmedian(by_bin)
    whole = known & (middles > reach) & (middles < 255 - reach)
    if whole.any():
        known = whole
    curve = np.interp(np.arange(256), middles[known], by_bin[known])
    return np.maximum(curve, MIN_SD).astype(np.float32)


def _usual(apart: F32) -> float:
    """Return the mean without outliers: where a shadow lay for some frames, what lies below is no noise."""
    return float(apart[apart <= _OUTLIER_FACTOR * np.percentile(apart, 25) + MIN_SD].mean())


def _percentile(stack: U8, eta: float) -> F32:
    """Take a percentile over time of a sorted stack, linear between ranks, not rounded."""
    rank, part = divmod(eta / 100 * (len(stack) - 1), 1)
    low, high = (stack[min(int(rank) + more, len(stack) - 1)].astype(np.float32) for more in (0, 1))
    return np.asarray(low + np.float32(part) * (high - low), np.float32)
