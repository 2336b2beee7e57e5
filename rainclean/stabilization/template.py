"""What several pictures that lie over one another show without rain, roughly: means between two ranks over time."""

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
    """Mean of the samples between two ranks over time: (H, W) float32 grey levels, and where there are samples.

    pictures: (H, W) uint8 each, laid over one another. shown: (H, W) bool each, where one shows something; None:
    everywhere. low, high: 0…1, ranks among the samples of a px. Sorts as the stack does, in tiles.
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
            first, last = _ranks(np.array([count]), low, high)
            result[part] = tile[first[0] : last[0]].mean(axis=0, dtype=np.float32)
            continue
        held = np.full(tile.shape[1], 0, np.int64)
        for i, mask in enumerate(shown):
            if mask is None:
                held += 1
            else:
                there = mask.ravel()[part]
                held += there
                tile[i][~there] = 255
        apply_network(tile, network)
        first, last = _ranks(held, low, high)
        total = np.zeros(tile.shape[1], np.float32)
        for i in range(count):
            total += np.where((i >= first) & (i < last), tile[i], 0)
        result[part] = total / np.maximum(1, last - first)
        known[part] = held > 0
    return result.reshape(height, width), known.reshape(height, width)


def _ranks(held: NDArray[np.int64], low: float, high: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first = np.floor(held * low).astype(np.int64)
    return first, np.maximum(first + 1, np.ceil(held * high).astype(np.int64))
