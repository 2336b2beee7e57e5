"""One light for the whole picture, told from what changes in parts of it: lamps, lorries, patches of sun.

The light of a frame changes all tiles of the picture alike. What passes, and what its lamps shine on, changes some.
So each tile says by its own points what its light is short of, and tiles that most others contradict do not count.
Source of the reweighting: Huber and Ronchetti, "Robust Statistics", 2009, chapter 7.
"""

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

LEAST = 64
"""Points without which nothing can be told of a frame."""

OFFSET_FREE = 3.0
"""Grey levels: standard deviation that is expected of offsets; matters where a scene is flat."""

_ALIKE = 0.25  # standard deviations of the noise by which tiles may differ for rain and encoders alone
_SURELY = 3.0  # so many of the errors of a tile's own estimate more
_WEIGHED = 2.0  # what is off by less counts in full: in rain alone no tile is to be lost
_ROUNDS = 6


def step(sums: F64, lights: F64, offsets: bool) -> F64:
    """Change of lights (N, 2) that sums (N, 6), as `_light.moments` makes them, ask for."""
    count, one, two, three, rest, slope = sums.T
    change, told = np.zeros_like(lights), (count >= LEAST / 2) & (three > 0)
    if offsets:
        one, rest = one + 1 / OFFSET_FREE**2, rest - lights[:, 1] / OFFSET_FREE**2
        inverse = told / np.where(told, one * three - two * two, 1)
        change[:, 0] = (one * slope - two * rest) * inverse
        change[:, 1] = (three * rest - two * slope) * inverse
    else:
        change[:, 0] = told * slope / np.where(told, three, 1)
    return change


def off(sums: F64, change: F64, spread: float) -> F64:
    """How far each tile is from what a change of light makes of it, in what tiles may differ by: (N, T), 1 is much.

    sums: (N, T, 6); change: (N, 2), not yet divided by ``spread``, the share of a shift that a windowed mean follows.
    """
    count, two, three, slope = (sums[..., k] for k in (0, 2, 3, 5))
    told = (count > 0) & (three > 0)
    left = slope - change[:, :1] * three - change[:, 1:] * two
    apart = np.where(told, np.abs(left), 0) / np.sqrt(np.where(told, three * count, 1)) / spread
    return np.asarray(apart / (_ALIKE + _SURELY / np.sqrt(spread * np.where(told, count, 1))))


def weights(sums: F64, lights: F64, offsets: bool, spread: float) -> F64:
    """Weight of each tile, (N, T): 1 where it says of the light what most say, falling with what it is off by."""
    weight = np.ones(sums.shape[:2])
    for _ in range(_ROUNDS):
        change = step(np.einsum("nt,ntk->nk", weight, sums), lights, offsets)
        weight = 1 / np.maximum(off(sums, change, spread) / _WEIGHED, 1)
    return np.asarray(weight)
