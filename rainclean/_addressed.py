"""Compiled kernels that read frames at their addresses. Plain numpy twins are in `tests/oracles/kernels.py`.

Frames of a clip are separate arrays, and a list of arrays would have to be walked under the interpreter lock, on which
threads would wait for each other. So kernels get addresses, and whoever passes them keeps the arrays alive. Kernels
take positional arguments only, because the compiler does.

All of them are in this module: numba caches compiled code by the file of the kernel that was called, and would not
notice a change of one in another file that this one calls.
"""

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from rainclean._numba import compiled

U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]
F32 = NDArray[np.float32]

_CHUNK = 256  # px whose sums stay in the first-level cache


def addresses_of(pictures: Sequence[U8]) -> U64:
    """Return the address of each picture, (N,) uint64; they are C-contiguous. The caller keeps them alive."""
    return np.array([picture.ctypes.data for picture in pictures], np.uint64)


@intrinsic
def _pointer(typing: Any, address: Any) -> Any:
    """Turn an address into a pointer to bytes."""

    def made(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.uint8)(types.uint64), made  # type: ignore[no-untyped-call]


@compiled
def samples_at(address: int, first: int, count: int) -> U8:
    """Return samples of a picture at an address (uint64), from number ``first`` on, (count,) uint8; for kernels."""
    return numba.carray(_pointer(np.uint64(address) + np.uint64(first)), count)  # type: ignore


@compiled
def copy_columns(addresses: U64, first: int, tile: U8) -> None:
    """Copy the same range of samples of N pictures, one below the other.

    ``addresses`` (N,) uint64 as from `addresses_of`; ``first``: number of the first sample wanted; out: ``tile``
    (N, T) uint8.
    """
    for i in range(tile.shape[0]):
        samples, row = samples_at(addresses[i], first, tile.shape[1]), tile[i]
        for c in range(row.size):
            row[c] = samples[c]


@compiled
def accumulate(addresses: U64, z: U8, first: int, lines: U8, chance: F32, total: F32, weight: F32) -> None:
    """Add some frames to the sums of the rain-free mean, each pixel by its chance of being free of rain.

    ``addresses`` (n,) uint64: of the first sample of row 0 of each frame, its rows one after the other, in memory that
    the caller keeps alive. ``z``, ``lines`` (n, ≥ R, W) uint8, as from `residuals`, where row ``first`` is
    row 0, and from `along_streaks`. ``chance`` (LINE_SIZE, SIZE) float32: of being clean, by sum along the streak and
    own residual. Adds chance times grey level to ``total`` (R, W, 3) and the chance to ``weight`` (R, W), float32.
    Several frames at a time, because the sums cross memory once then.
    """
    rows, width = weight.shape
    flat, size = chance.reshape(-1), np.uint32(chance.shape[1])
    free = np.empty(_CHUNK, np.float32)
    of_samples = np.empty(3 * _CHUNK, np.float32)
    for y in range(rows):
        for left in range(0, width, _CHUNK):
            count = min(_CHUNK, width - left)
            sums, weights = total[y].reshape(-1)[3 * left : 3 * (left + count)], weight[y, left : left + count]
            for n in range(addresses.size):
                own, around = z[n, first + y, left : left + count], lines[n, y, left : left + count]
                for x in range(count):
                    free[x] = flat[np.uint32(around[x]) * size + np.uint32(own[x])]
                for x in range(count):
                    weights[x] += free[x]
                for x in range(count):
                    q = free[x]
                    of_samples[3 * x] = q
                    of_samples[3 * x + 1] = q
                    of_samples[3 * x + 2] = q
                samples = samples_at(addresses[n], 3 * (width * y + left), 3 * count)
                for i in range(3 * count):
                    sums[i] += of_samples[i] * np.float32(samples[i])
