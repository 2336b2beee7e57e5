"""Separate exposure, which changes the whole picture, from what changes parts of it: lamps, lorries, patches of sun.

`exposure` calls this in every turn. The exposure of a frame changes all tiles of the picture alike. Foreground, and
what its lamps shine on, changes some. So each tile says by its own points how its exposure is off, and tiles that most
others contradict do not count. Source of the reweighting: Huber and Ronchetti, "Robust Statistics", 2009, chapter 7.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled

F64 = NDArray[np.float64]

MIN_POINTS = 64
"""Points without which the exposure of a frame cannot be measured."""

OFFSET_SD = 3.0
"""Grey levels: standard deviation that is expected of offsets; matters where a scene is flat."""

_TILE_NOISE = 0.25  # standard deviations of the noise by which tiles may differ for rain and encoders alone
_TILE_ERRORS = 3.0  # so many of the errors of a tile's own estimate more
_FULL_WEIGHT = 2.0  # what is off by less counts in full: in rain alone no tile is to be lost
_ROUNDS = 6


@compiled
def _change(sums: F64, offset: float, offsets: bool) -> tuple[float, float]:
    """Solve for the change of gain and offset that sums (6,), as `_exposure_kernels.moments` makes them, ask for."""
    count, one, two, three, rest, slope = sums
    if count < MIN_POINTS / 2 or three <= 0:
        return 0.0, 0.0
    if not offsets:
        return slope / three, 0.0
    one, rest = one + 1 / OFFSET_SD**2, rest - offset / OFFSET_SD**2
    inverse = 1 / (one * three - two * two)
    return (one * slope - two * rest) * inverse, (three * rest - two * slope) * inverse


@compiled
def _demand(sums: F64, spread: float) -> tuple[float, float, float]:
    """Return what a tile's sums (6,) ask for, and what changes of gain and offset by 1 take of it.

    All in units of what tiles may differ by. A plain tuple, because it is compiled.
    """
    count, two, three, slope = sums[0], sums[2], sums[3], sums[5]
    if count <= 0 or three <= 0:
        return 0.0, 0.0, 0.0
    unit = (_TILE_NOISE + _TILE_ERRORS / np.sqrt(spread * count)) * np.sqrt(three * count) * spread
    return slope / unit, three / unit, two / unit


@compiled
def step(sums: F64, exposures: F64, offsets: bool) -> F64:
    """Solve for the change of exposures (N, 2) that sums (N, 6), as `_exposure_kernels.moments` makes them, ask for."""
    change = np.empty(exposures.shape)
    for n in range(len(exposures)):
        change[n] = _change(sums[n], exposures[n, 1], offsets)
    return change


@compiled
def off(sums: F64, change: F64, spread: float) -> F64:
    """Measure how far each tile is from a change of exposure, (N, T), in units of what tiles may differ by: 1 is much.

    sums: (N, T, 6); change: (N, 2), not yet divided by ``spread``, the fraction of a shift that a windowed mean
    follows.
    """
    distance = np.empty(sums.shape[:2])
    for n in range(sums.shape[0]):
        for t in range(sums.shape[1]):
            asked, by_gain, by_offset = _demand(sums[n, t], spread)
            distance[n, t] = abs(asked - change[n, 0] * by_gain - change[n, 1] * by_offset)
    return distance


@compiled
def weights(sums: F64, exposures: F64, offsets: bool, spread: float) -> F64:
    """Weigh each tile, (N, T): 1 where its exposure is what most say, falling with what it is off by.

    sums: (N, T, 6); exposures: (N, 2).
    """
    weight = np.ones(sums.shape[:2])
    total, demand = np.empty(sums.shape[2]), np.empty((sums.shape[1], 3))
    for n in range(sums.shape[0]):
        for t in range(len(demand)):
            demand[t] = _demand(sums[n, t], spread)
        for _ in range(_ROUNDS):
            total[:] = 0
            for t in range(len(demand)):
                for k in range(total.size):
                    total[k] += weight[n, t] * sums[n, t, k]
            gain, offset = _change(total, exposures[n, 1], offsets)
            for t in range(len(demand)):
                distance = abs(demand[t, 0] - gain * demand[t, 1] - offset * demand[t, 2])
                weight[n, t] = 1 / max(distance / _FULL_WEIGHT, 1.0)
    return weight
