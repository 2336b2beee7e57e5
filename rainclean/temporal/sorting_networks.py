"""Make sorting networks: which rows to compare, in which order, to sort a stack of pictures over time.

A network is data, so one compiled kernel (`_kernels.apply_network`) runs the network of every N, and a
comparison of two rows is a minimum and a maximum over all their pixels, which vectorises on uint8.

Networks here are Batcher's odd-even merges (Batcher, "Sorting networks and their applications", AFIPS 1968,
doi:10.1145/1468075.1468121): N·log²N/4 comparators, and runs that are sorted already can be merged, so that
frames are sorted in runs while later ones are still being decoded.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int32]


@lru_cache(maxsize=512)
def merge_network(left: int, right: int) -> Pairs:
    """Return comparators that merge two adjacent sorted runs of ``left`` and ``right`` rows, any lengths ≥ 0.

    (C, 2) int32: row pairs (i, j), i < j, relative to the first row of the left run; each puts the smaller value into
    i. Batcher's merge joins runs of one power of two; shorter runs count as filled up with −∞ before the left and +∞
    behind the right one, which no comparator would ever move.
    """
    if not left or not right:
        return np.empty((0, 2), np.int32)
    half = 1
    while half < max(left, right):
        half *= 2
    pairs: list[tuple[int, int]] = []
    first, end = half - left, half + right  # the rows that exist among the 2·half
    step = half
    while step >= 1:
        # The first step compares the runs with each other; later ones repair the seams it leaves.
        start = 0 if step == half else step
        for block in range(start, 2 * half - step, 2 * step):
            low, high = max(block, first), min(block + step, end - step)
            pairs.extend((i - first, i + step - first) for i in range(low, high))
        step //= 2
    return np.array(pairs, np.int32).reshape(-1, 2)


@lru_cache(maxsize=512)
def sort_network(rows: int) -> Pairs:
    """Return comparators that sort ``rows`` rows: (C, 2) int32 as in `merge_network`."""
    return sort_runs_network(tuple(range(rows + 1)))


@lru_cache(maxsize=512)
def sort_runs_network(edges: tuple[int, ...]) -> Pairs:
    """Return comparators that sort the rows ``edges[0]``…``edges[-1]``, of which each run between edges is sorted.

    Rows are numbered absolutely. Runs are merged pairwise as a balanced tree, so that a row takes part in
    a number of merges that grows with the logarithm of the number of runs.
    """
    if len(edges) <= 2:
        return np.empty((0, 2), np.int32)
    middle = _balanced_edge(edges)
    return np.concatenate(
        [
            sort_runs_network(edges[: middle + 1]),
            sort_runs_network(edges[middle:]),
            edges[0] + merge_network(edges[middle] - edges[0], edges[-1] - edges[middle]),
        ]
    ).astype(np.int32)


def _balanced_edge(edges: Sequence[int]) -> int:
    """Choose the inner edge at which to split: the largest power of two below the length, as Batcher splits.

    A split in equal halves would leave every merge a little longer than a power of two.
    """
    length = edges[-1] - edges[0]
    target = 1
    while 2 * target < length:
        target *= 2
    return min(range(1, len(edges) - 1), key=lambda i: abs(edges[i] - edges[0] - target))
