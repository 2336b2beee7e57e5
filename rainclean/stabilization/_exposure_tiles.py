"""One light for the whole picture, told from what changes in parts of it: lamps, lorries, patches of sun.

The light of a frame changes all tiles of the picture alike. What passes, and what its lamps shine on, changes some.
So each tile says by its own points what its light is short of, and tiles that most others contradict do not count.
Source of the reweighting: Huber and Ronchetti, "Robust Statistics", 2009, chapter 7.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled

F64 = NDArray[np.float64]

LEAST = 64
"""Points without which nothing can be told of a frame."""

OFFSET_FREE = 3.0
"""Grey levels: standard deviation that is expected of offsets; matters where a scene is flat."""

_ALIKE = 0.25  # standard deviations of the noise by which tiles may differ for rain and encoders alone
_SURELY = 3.0  # so many of the errors of a tile's own estimate more
_WEIGHED = 2.0  # what is off by less counts in full: in rain alone no tile is to be lost
_ROUNDS = 6


@compiled
def _change(sums: F64, offset: float, offsets: bool) -> tuple[float, float]:
    """Change of a light's gain and offset that sums (6,), as `_exposure_kernels.moments` makes them, ask for."""
    count, one, two, three, rest, slope = sums
    if count < LEAST / 2 or three <= 0:
        return 0.0, 0.0
    if not offsets:
        return slope / three, 0.0
    one, rest = one + 1 / OFFSET_FREE**2, rest - offset / OFFSET_FREE**2
    inverse = 1 / (one * three - two * two)
    return (one * slope - two * rest) * inverse, (three * rest - two * slope) * inverse


@compiled
def _told(sums: F64, spread: float) -> tuple[float, float, float]:
    """What a tile's sums (6,) ask for, and what changes of gain and offset by 1 take of it.

    All in what tiles may differ by.
    """
    count, two, three, slope = sums[0], sums[2], sums[3], sums[5]
    if count <= 0 or three <= 0:
        return 0.0, 0.0, 0.0
    unit = (_ALIKE + _SURELY / np.sqrt(spread * count)) * np.sqrt(three * count) * spread
    return slope / unit, three / unit, two / unit


@compiled
def step(sums: F64, lights: F64, offsets: bool) -> F64:
    """Change of lights (N, 2) that sums (N, 6), as `_exposure_kernels.moments` makes them, ask for."""
    change = np.empty(lights.shape)
    for n in range(len(lights)):
        change[n] = _change(sums[n], lights[n, 1], offsets)
    return change


@compiled
def off(sums: F64, change: F64, spread: float) -> F64:
    """How far each tile is from what a change of light makes of it, in what tiles may differ by: (N, T), 1 is much.

    sums: (N, T, 6); change: (N, 2), not yet divided by ``spread``, the share of a shift that a windowed mean follows.
    """
    apart = np.empty(sums.shape[:2])
    for n in range(sums.shape[0]):
        for t in range(sums.shape[1]):
            asked, by_gain, by_offset = _told(sums[n, t], spread)
            apart[n, t] = abs(asked - change[n, 0] * by_gain - change[n, 1] * by_offset)
    return apart


@compiled
def weights(sums: F64, lights: F64, offsets: bool, spread: float) -> F64:
    """Weight of each tile, (N, T): 1 where it says of the light what most say, falling with what it is off by.

    sums: (N, T, 6); lights: (N, 2).
    """
    weight = np.ones(sums.shape[:2])
    total, told = np.empty(sums.shape[2]), np.empty((sums.shape[1], 3))
    for n in range(sums.shape[0]):
        for t in range(len(told)):
            told[t] = _told(sums[n, t], spread)
        for _ in range(_ROUNDS):
            total[:] = 0
            for t in range(len(told)):
                for k in range(total.size):
                    total[k] += weight[n, t] * sums[n, t, k]
            gain, offset = _change(total, lights[n, 1], offsets)
            for t in range(len(told)):
                apart = abs(told[t, 0] - gain * told[t, 1] - offset * told[t, 2])
                weight[n, t] = 1 / max(apart / _WEIGHED, 1.0)
    return weight
