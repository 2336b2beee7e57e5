"""Describe one pixel over time, and what it votes for."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.temporal import prior

U8 = NDArray[np.uint8]


class Rgb(NamedTuple):
    """A colour, 0…255 each."""

    red: int
    green: int
    blue: int


@dataclass(frozen=True, kw_only=True)
class PixelHistory:
    """Values of one pixel over the N frames of a window.

    Attributes:
        x: px.
        y: px.
        indices: of the frames in the clip.
        values: (N, 3) uint8 RGB, in order of time.
        luma: (N,) uint8, in order of time.
        mode: most frequent luma, the lowest of equals.
        low: lower end of its percentile range, R_min, 0…100.
        high: upper end, R_max.
        votes: the whole percentiles that it votes for; none where the pixel is silent.
    """

    x: int
    y: int
    indices: tuple[int, ...]
    values: U8
    luma: U8
    mode: int
    low: float
    high: float
    votes: range

    @classmethod
    def from_values(cls, x: int, y: int, indices: tuple[int, ...], values: U8) -> "PixelHistory":
        """Compute the history of a pixel from its values.

        Args:
            x: px.
            y: px.
            indices: of the frames in the clip.
            values: (N, 3) uint8, in order of time.
        """
        luma, n = prior.luma(values), len(values)
        modes, firsts, lasts = prior.mode_range(np.sort(luma)[:, None])
        first, last = int(firsts[0]), int(lasts[0])
        whole = range(-(-100 * first // n), 100 * last // n + 1)
        return cls(
            x=x,
            y=y,
            indices=indices,
            values=values,
            luma=luma,
            mode=int(modes[0]),
            low=100 * first / n,
            high=100 * last / n,
            votes=whole,
        )

    def at(self, percentile: float) -> Rgb:
        """Return RGB of the pixel at a percentile, 0…100 in tenths: each channel on its own, as in the picture."""
        red, green, blue = prior.percentile(np.sort(self.values, axis=0), percentile)
        return Rgb(int(red), int(green), int(blue))
