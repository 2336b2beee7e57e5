"""Choose the points at which `exposure` samples frames, and sample a frame there."""

import math

import numpy as np
from numpy.typing import NDArray

from rainclean.stabilization._exposure_kernels import NONE

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Points = NDArray[np.int64]

_TILES = 6  # tiles across the longer side: two halves of the points, like the fields of a chessboard


def scatter(width: int, height: int, most: int) -> Points:
    """Scatter points (S, 2) int64 px (x, y), at most ``most``: one at random in each cell of a grid, always the same.

    At random, for the blocks of a codec are regular. The first half of them lies in the white fields of a chessboard,
    the second in the black ones, each field by field (`tile_of`); both have as many.
    """
    columns = max(1, min(width, most, round(math.sqrt(most * width / height))))
    rows = max(1, min(height, most // columns))
    row, column = np.mgrid[0:rows, 0:columns]
    jitter = np.random.default_rng(6).random((2, rows, columns))
    x = ((column + jitter[0]) * width / columns).astype(np.int64)
    y = ((row + jitter[1]) * height / rows).astype(np.int64)
    flat = np.unique(y.ravel() * width + x.ravel())
    x, y = flat % width, flat // width
    points = np.stack((x, y), axis=1)
    tile = tile_of(points, max(width, height))
    black = tile.sum(axis=1) % 2 == 1
    halves = [np.flatnonzero(~black), np.flatnonzero(black)]
    each = min(map(len, halves))
    # Those left out lie anywhere, not all at the bottom.
    kept = [half[(np.arange(each) * len(half)) // max(each, 1)] for half in halves]
    return np.concatenate([points[half[np.lexsort(tile[half].T)]] for half in kept])


def tile_of(points: Points, side: int) -> Points:
    """Return column and row of the field that each point lies in, (S, 2); side: the longer one of the frame, px."""
    return np.asarray(points * _TILES // side)


def edges_of(points: Points, side: int) -> Points:
    """Find where the points of each field begin in the order of `scatter`, and their number: (T + 1,)."""
    tile = tile_of(points, side)
    return np.asarray(np.r_[0, np.flatnonzero((np.diff(tile, axis=0) != 0).any(axis=1)) + 1, len(points)])


def sample(rgb: U8, points: Points, matrix: F64) -> U8:
    """Sample a frame of a registered camera, (S, 3) uint8.

    Between pixels in every frame, the reference frame, too: interpolation smooths noise, in all of them alike.
    """
    import cv2

    height, width = rgb.shape[:2]
    between = points + np.random.default_rng(6).uniform(-0.5, 0.5, points.shape)
    x, y, w = np.asarray(matrix, np.float64) @ np.vstack((between.T, np.ones(len(points))))
    ahead = w > 0
    x, y = x / np.where(ahead, w, 1), y / np.where(ahead, w, 1)
    inside = ahead & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    across, down = (np.where(inside, v, 0).astype(np.float32)[:, None] for v in (x, y))
    halves = [slice(0, len(points) // 2), slice(len(points) // 2, None)]  # OpenCV's limit is 32 767 rows
    samples = np.concatenate([cv2.remap(rgb, across[h], down[h], cv2.INTER_LINEAR) for h in halves]).reshape(-1, 3)
    samples[~inside] = NONE
    return np.asarray(samples, np.uint8)
