"""Compile the loop that turns codes of HDR video into levels. Importing it takes half a second."""

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
F32 = NDArray[np.float32]


@compiled
def show(red: U16, green: U16, blue: U16, light: F32, mixed: F32, levels: U8, out: U8) -> None:
    """Convert codes (H, ≥ W) of each channel to levels, ``out`` (H, W, 3): by tables and a matrix between them.

    light: (codes,) of a code. mixed: (3, 3), which then mixes the channels. levels: (steps,) by the square root of
    light from 0 to 1, as which less and more than that are taken.
    """
    width, last = out.shape[1], np.float32(levels.size - 1)
    none, whole, half = np.float32(0), np.float32(1), np.float32(0.5)
    lit, places = np.empty((3, width), np.float32), np.empty((3, width), np.int32)
    for y in range(out.shape[0]):
        # Three loops, because the compiler makes vectors of the middle one.
        for x in range(width):
            lit[0, x], lit[1, x], lit[2, x] = light[red[y, x]], light[green[y, x]], light[blue[y, x]]
        for x in range(width):
            r, g, b = lit[0, x], lit[1, x], lit[2, x]
            for c in range(3):
                mix = min(max(mixed[c, 0] * r + mixed[c, 1] * g + mixed[c, 2] * b, none), whole)
                places[c, x] = np.int32(np.sqrt(mix) * last + half)
        for x in range(width):
            for c in range(3):
                out[y, x, c] = levels[places[c, x]]
