"""Make a rough rain-free picture of several aligned pictures: means between two ranks over time.

`stillness` and `alignment` register frames to it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rainclean._kernels import apply_network
from rainclean.temporal import sort_network

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

_TILE = 1 << 14


def without_rain(pictures: Sequence[U8], shown: Sequence[Mask | None], low: float, high: float) -> tuple[F32, Mask]:
    """Return the mean of the samples between two ranks over time, (H, W) float32 grey levels, and where there are any.

    pictures: (H, W) uint8 each, aligned. shown: (H, W) bool each, where one shows something; None: everywhere.
    low, high: 0…1, ranks among the samples of a px. Sorts as the stack does, in tiles.
    """
    height, width = pictures[0].shape
    count = len(pictures)
    network = sort_network(count)
    everywhere = all(mask is None for mask in shown)
    flat = [p.ravel() for p in pictures]
    result, known = np.empty(height * width, np.float32), np.ones(height * width, bool)
    for start in range(0, height * width, _TILE):
        part = slice(start, start + _TILE)
        tile = np.stack([p[part] for p in flat])
        if everywhere:
            apply_network(tile, network)
            first, stop = _ranks(np.array([count]), low, high)
            result[part] = tile[first[0] : stop[0]].mean(axis=0, dtype=np.float32)
            continue
        held = np.full(tile.shape[1], 0, np.int64)
        for i, mask in enumerate(shown):
            if mask is None:
                held += 1
            else:
                inside = mask.ravel()[part]
                held += inside
                tile[i][~inside] = 255
        apply_network(tile, network)
        first, stop = _ranks(held, low, high)
        total = np.zeros(tile.shape[1], np.float32)
        for i in range(count):
            total += np.where((i >= first) & (i < stop), tile[i], 0)
        result[part] = total / np.maximum(1, stop - first)
        known[part] = held > 0
    return result.reshape(height, width), known.reshape(height, width)


def _ranks(held: NDArray[np.int64], low: float, high: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first rank used, and the first one not used, of ``held`` (T,) samples each."""
    first = np.floor(held * low).astype(np.int64)
    return first, np.maximum(first + 1, np.ceil(held * high).astype(np.int64))
