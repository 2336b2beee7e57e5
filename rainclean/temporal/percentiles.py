"""Query a sorted stack: percentiles of the picture or of each pixel, and the initial estimate of a rain-free mean.

`SortedStack.percentiles` calls this band by band.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from math import erf, exp, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from rainclean import _kernels
from rainclean.temporal.prior import each_tenths, split_percentile
from rainclean.temporal.storage import Band

U8 = NDArray[np.uint8]
I16 = NDArray[np.int16]
F32 = NDArray[np.float32]

Percentile = float | F32
"""One for the whole picture, or (H, W) float32 with one for each pixel; 0…100 in tenths."""

SortedFunction = Callable[[U8], U8]
"""From values sorted over time, (N, T) uint8, not to be written to, to one for each sample, (T,) uint8."""

Query = Percentile | SortedFunction
"""What is asked of the sorted values of a window."""


@dataclass(frozen=True)
class InitialEstimate:
    """How to make the initial estimate of a rain-free mean, by mean shift; see `_kernels.mean_shift`.

    ``steps`` times the mean is taken of the samples from ``below`` standard deviations below the value to ``above``
    above it (what is brighter may be rain). With 0 steps it is the percentile, not rounded.

    Attributes:
        window: index of the window.
        percentile: to begin with.
        sigma: (256,) float32, standard deviation of clean samples of a channel by level, in levels, above 0.
        below: standard deviations below the value.
        above: standard deviations above the value.
        steps: of the mean shift.
    """

    window: int
    percentile: Percentile
    sigma: F32
    _: KW_ONLY
    below: float = 2.5
    above: float = 1.5
    steps: int = 3

    @property
    def moved(self) -> float:
        """Standard deviations by which cutting moves the mean of clean noise: down where more is cut above."""
        inside = (erf(self.above / sqrt(2)) + erf(self.below / sqrt(2))) / 2
        return (exp(-(self.below**2) / 2) - exp(-(self.above**2) / 2)) / sqrt(2 * pi) / inside


class PercentileQuery:
    """What is wanted of each window, and an initial estimate if asked for; queried band by band in threads.

    windows: (start, stop) of each. shape: height and width of the picture in px. Raises ValueError for percentiles
    beyond 0…100, maps of another shape, and what is no table of standard deviations.
    """

    def __init__(
        self,
        wanted: Sequence[Sequence[Query]],
        start: InitialEstimate | None,
        windows: Sequence[tuple[int, int]],
        shape: tuple[int, int],
    ) -> None:
        self.count = sum(map(len, wanted))
        self._wanted = [
            [_prepared(query, shape, stop - begin) for query in queries]
            for queries, (begin, stop) in zip(wanted, windows, strict=True)
        ]
        self._start = start
        self.initial_estimate: F32 | None = None
        if start is not None:
            self._sigma = _checked(start.sigma)
            self._begin = each_tenths(start.percentile, shape)
            self.initial_estimate = np.empty((*shape, 3), np.float32)

    def window(self, index: int, tile: U8, band: Band, rows: Iterator[U8]) -> None:
        """Query one band of one window. The initial estimate goes into ``initial_estimate``, (H, W, 3) float32.

        Args:
            index: of the window.
            tile: (N, T) uint8, sorted.
            band: its samples in the interleaved RGB picture.
            rows: each answer goes into the next one, (T,) uint8.
        """
        for query in self._wanted[index]:
            if isinstance(query, tuple):
                _kernels.percentile(tile, *query, next(rows))
            elif isinstance(query, np.ndarray):
                _kernels.percentile_per_pixel(tile, _of_channels(query, band), next(rows))
            else:
                next(rows)[:] = query(tile)
        if self._start is not None and self.initial_estimate is not None and index == self._start.window:
            out = self.initial_estimate.reshape(-1)[slice(*band)]
            begin, how = _of_channels(self._begin, band), self._start
            _kernels.mean_shift(tile, begin, self._sigma, float(how.below), float(how.above), how.moved, how.steps, out)


def _prepared(query: Query, shape: tuple[int, int], frames: int) -> "tuple[int, int] | I16 | SortedFunction":
    """Ranks of one percentile, or tenths of each pixel's; a function stays what it is."""
    if isinstance(query, np.ndarray):
        return each_tenths(query, shape)
    return query if callable(query) else split_percentile(query, frames)


def _of_channels(of_pixels: I16, band: Band) -> I16:
    """Repeat values of pixels for the samples of a band of interleaved channels."""
    start, stop = band
    first = start // 3
    return np.repeat(of_pixels[first : -(-stop // 3)], 3)[start - 3 * first :][: stop - start]


def _checked(sigma: F32) -> F32:
    if sigma.shape != (256,) or not (np.isfinite(sigma).all() and (sigma > 0).all()):
        raise ValueError("sigma must hold a standard deviation above 0 for each of 256 levels")
    return np.ascontiguousarray(sigma, np.float32)
