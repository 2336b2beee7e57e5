"""How strong a clip's noise is at each grey level, from the clip itself, under rain.

Rain only brightens: below the clean value of a pixel there is nothing but noise. With the clean value at percentile η
of a pixel's values, those below it are one half of a bell, and the percentile η/2 is its middle, 0.674 standard
deviations down. That is averaged over pixels of like level.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean.temporal import sort_stack

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

POINTS = 12_000
"""Pixels that are followed over time."""

LEAST = 0.6
"""Grey levels: rounding alone makes 0.29, and codecs hide what there is."""

_HALF_NORMAL = 0.6745
_BINS = 16
_FEW = 100
_FEWEST_BELOW = 4
_UNUSUAL = 2.5  # times the lower quartile: of a pixel's own spread, told from some frames, hardly any is


class NoiseSamples:
    """Follows some pixels over the frames that are added: (3 × POINTS) bytes a frame."""

    def __init__(self, height: int, width: int) -> None:
        pixels = height * width
        # Always the same places; a few are drawn twice.
        self._places = np.unique(np.random.default_rng(0).integers(0, pixels, min(pixels, POINTS)))
        self._frames: list[U8] = []

    def add_frame(self, rgb: U8) -> None:
        """Take the samples of the next frame, (H, W, 3) uint8."""
        self._frames.append(rgb.reshape(-1, 3).take(self._places, axis=0))  # five times as fast as indexing

    def curve(self, eta: float, start: int = 0, stop: int | None = None) -> F32:
        """Standard deviation of the noise by level, (256,) float32, from the frames at positions start…stop.

        eta: percentile of the clean values over those frames. Taken at the level of a pixel's three channels' mean.
        """
        return noise_curve(sort_stack(np.stack(self._frames[start:stop])), eta)


def noise_curve(stack: U8, eta: float) -> F32:
    """See `NoiseSamples.curve`; stack: (N, K, 3) uint8, sorted over time."""
    frames = len(stack)
    # Where hardly any value lies below, half of hardly any tells nothing: somewhat higher is somewhat too strong.
    eta = min(50.0, max(float(eta), 100 * _FEWEST_BELOW / max(1, frames - 1)))
    clean, below = (_percentile(stack, one) for one in (eta, eta / 2))
    level, apart = clean.mean(axis=1), (clean - below).mean(axis=1) / _HALF_NORMAL
    bins = np.minimum((level / 256 * _BINS).astype(int), _BINS - 1)
    middles = (np.arange(_BINS) + 0.5) * 256 / _BINS
    found = np.array([_usual(apart[bins == b]) if (bins == b).sum() >= _FEW else np.nan for b in range(_BINS)])
    known = ~np.isnan(found)
    if not known.any():
        return np.full(256, max(LEAST, _usual(apart)), np.float32)
    # Close to black half of the bell is cut off, close to white the other: there the noise is that of the next bin.
    # How close that is, most bins tell: those that are cut off say too little.
    reach = 3 * np.nanmedian(found)
    whole = known & (middles > reach) & (middles < 255 - reach)
    if whole.any():
        known = whole
    curve = np.interp(np.arange(256), middles[known], found[known])
    return np.maximum(curve, LEAST).astype(np.float32)


def _usual(apart: F32) -> float:
    """Mean without what is far too much: where a shadow lay for some frames, what lies below is no noise."""
    return float(apart[apart <= _UNUSUAL * np.percentile(apart, 25) + LEAST].mean())


def _percentile(stack: U8, eta: float) -> F32:
    """Percentile over time of a sorted stack, linear between ranks, not rounded."""
    rank, part = divmod(eta / 100 * (len(stack) - 1), 1)
    low, high = (stack[min(int(rank) + more, len(stack) - 1)].astype(np.float32) for more in (0, 1))
    return np.asarray(low + np.float32(part) * (high - low), np.float32)
