"""Compiled loops of the rain-free mean: residuals, sums along streaks, and the mean of the sums.

Kernels take positional arguments only, because the compiler does. Plain numpy twins are in `tests/oracles/kernels.py`.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

STEPS = 15
"""Steps of a residual to a standard deviation; sums along streaks have a third as many, LINE_STEPS."""

LINE_STEPS = 5

LOWEST, HIGHEST = -6, 10
"""Residuals and sums beyond these, in standard deviations, count as these."""

ZERO = -LOWEST * STEPS
"""The residual 0, in steps from LOWEST."""

SIZE, LINE_SIZE = (HIGHEST - LOWEST) * STEPS + 1, (HIGHEST - LOWEST) * LINE_STEPS + 1


LARGEST_REACH = 100
"""px up and down: sums of 2·100 + 1 residuals fit 16 bits."""


@compiled
def by_level(total: F32, table: F32, out: F32) -> None:
    """Look up a table by the mean level of the channels, rounded: ``total`` (R, W) float32 as from `channel_sums`.

    ``table`` (256,) float32; ``out`` (R, W) float32, may be ``total``. Levels outside 0…255 count as these.
    """
    levels = np.empty(out.shape[1], np.uint8)
    for y in range(out.shape[0]):
        row, found = total[y], out[y]
        for x in range(levels.size):
            level = row[x] * np.float32(1 / 3) + np.float32(0.5)
            levels[x] = np.uint8(np.int32(min(max(level, np.float32(0)), np.float32(255))))
        for x in range(levels.size):
            found[x] = table[levels[x]]


@compiled
def channel_sums(picture: F32, out: F32) -> None:
    """Add up the channels, in their order: ``picture`` (R, W, 3) float32 → ``out`` (R, W) float32."""
    for y in range(out.shape[0]):
        row, found = picture[y].reshape(-1), out[y]
        for x in range(found.size):
            found[x] = row[3 * x] + row[3 * x + 1] + row[3 * x + 2]


@compiled
def residuals(frame: U8, clean: F32, scale: F32, out: U8) -> None:
    """Compute how much brighter than clean a frame is: the channels' mean, in steps of its noise.

    ``frame`` (R, W, 3) uint8; ``clean`` (R, W) float32, sum of the channels in levels; ``scale`` (R, W) float32, steps
    to a level of the sum; ``out`` (R, W) uint8, steps from LOWEST standard deviations on, at most SIZE − 1.
    """
    zero, top = np.float32(ZERO + 0.5), np.float32(SIZE - 0.5)
    # Each loop does one thing, so that the compiler makes vector instructions of it: a fifth of the time.
    total = np.empty(out.shape[1], np.int32)
    for y in range(out.shape[0]):
        row, due, by, found = frame[y].reshape(-1), clean[y], scale[y], out[y]
        for x in range(total.size):
            total[x] = np.int32(row[3 * x]) + np.int32(row[3 * x + 1]) + np.int32(row[3 * x + 2])
        for x in range(total.size):
            place = (np.float32(total[x]) - due[x]) * by[x] + zero
            place = min(max(place, np.float32(0)), top)
            found[x] = np.uint8(np.int32(place))


@compiled
def along_streaks(z: U8, reach: int, offsets: I32, first: int, out: U8) -> None:
    """Add up residuals along the direction in which streaks fall, over the root of their number.

    ``z`` (R, W) uint8 as from `residuals`; a sum takes row y−reach to y+reach, LARGEST_REACH at most, shifted sideways
    by the differences of ``offsets`` (R,) int32 as from `lean`, as far as there are such rows; at the sides rows that
    lie outside count as residual 0. out: (r, W) uint8, for the rows from ``first`` on, in line steps from LOWEST on,
    at most LINE_SIZE − 1.
    """
    rows, width = z.shape
    # In columns that lean as streaks do, a sum is a running sum; `sheared` holds one for each such column. They
    # fit 16 bits, of which twice as many go into a vector as of 32.
    left, right = min(offsets[0], offsets[rows - 1]), max(offsets[0], offsets[rows - 1])
    sheared = np.zeros(width + right - left, np.int16)
    zero, top_place = np.float32(-LOWEST * LINE_STEPS + 0.5), np.float32(LINE_SIZE - 0.5)
    top, bottom = 0, 0
    for y in range(out.shape[0]):
        row = first + y
        start, stop = max(0, row - reach), min(rows, row + reach + 1)
        while bottom < stop:
            line, sums = z[bottom], sheared[right - offsets[bottom] :]
            for x in range(width):
                sums[x] += np.int16(line[x]) - np.int16(ZERO)
            bottom += 1
        while top < start:
            line, sums = z[top], sheared[right - offsets[top] :]
            for x in range(width):
                sums[x] -= np.int16(line[x]) - np.int16(ZERO)
            top += 1
        share = np.float32(LINE_STEPS / STEPS / np.sqrt(stop - start))
        found, sums = out[y], sheared[right - offsets[row] :]
        for x in range(width):
            place = np.float32(sums[x]) * share + zero
            place = min(max(place, np.float32(0)), top_place)
            found[x] = np.uint8(np.int32(place))


@compiled
def squares_above(lines: U8, least: int) -> int:
    """Add up squares of how far ``lines`` (R, W) uint8 are above ``least`` (0…255), those that are."""
    total, none = 0, np.uint8(least)
    for y in range(lines.shape[0]):
        row, squares = lines[y], np.uint32(0)
        for x in range(row.size):
            over = np.uint32(max(row[x], none) - none)
            squares += over * over
        total += int(squares)
    return total


@compiled
def settle(totals: F32, weights: F32, top: int, least: float, mean: F32) -> None:
    """Write the mean over both halves of the frames over the initial estimate.

    ``totals`` (2, H, W, 3) and ``weights`` (2, H, W) float32 as from `accumulate`; ``mean`` (R, W, 3) float32, rows of
    the initial estimate from row ``top`` on, which stays where the weights of both halves add up to less than
    ``least``.
    """
    width = weights.shape[2]
    share = np.empty(width, np.float32)
    for y in range(mean.shape[0]):
        one, other = weights[0, top + y], weights[1, top + y]
        a, b, out = totals[0, top + y].reshape(-1), totals[1, top + y].reshape(-1), mean[y].reshape(-1)
        enough = True
        for x in range(width):
            whole = one[x] + other[x]
            share[x] = np.float32(1) / max(whole, np.float32(least))
            enough &= whole >= np.float32(least)
        for x in range(width):
            if enough or one[x] + other[x] >= np.float32(least):
                for i in range(3 * x, 3 * x + 3):
                    out[i] = (a[i] + b[i]) * share[x]


@compiled
def variance_of_halves(totals: F32, weights: F32, top: int, out: F32) -> None:
    """Compute the variance of a mean over both halves, from what the means of the halves differ by.

    ``totals`` (2, H, W, 3) and ``weights`` (2, H, W) float32 as from `accumulate`; ``out`` (R, W) float32, the mean of
    the channels' variances, of the rows from ``top`` on.
    """
    little, third = np.float32(1e-3), np.float32(1 / 3)
    for y in range(out.shape[0]):
        a, b = totals[0, top + y], totals[1, top + y]
        for x in range(out.shape[1]):
            one, other = max(weights[0, top + y, x], little), max(weights[1, top + y, x], little)
            squares = np.float32(0)
            for c in range(3):
                off = a[x, c] / one - b[x, c] / other
                squares += off * off
            whole = one + other
            out[y, x] = squares * third * (one * other / (whole * whole))


@compiled
def correlate(one: U8, other: U8, sums: NDArray[np.float64]) -> None:
    """Add up products of two pictures of residuals, and squares: their ratio is the correlation.

    ``one``, ``other`` (R, W) uint8 as from `residuals`; what lies beyond two standard deviations is left out as rain
    or foreground. ``sums`` (2,) float64, added to.
    """
    for y in range(one.shape[0]):
        products, squares = np.int32(0), np.int32(0)
        for x in range(one.shape[1]):
            a, b = np.int32(one[y, x]) - np.int32(ZERO), np.int32(other[y, x]) - np.int32(ZERO)
            if abs(a) < 2 * STEPS and abs(b) < 2 * STEPS:
                products += a * b
                squares += a * a + b * b
        sums[0] += 2 * products
        sums[1] += squares
