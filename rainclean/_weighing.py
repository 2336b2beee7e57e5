"""Compiled kernels of the rain-free mean: one frame's part in it. Plain numpy twins are in `_reference`."""

import math

import numpy as np
from numpy.typing import NDArray

from rainclean._kernels import _kernel

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

STEPS = 15
"""Steps of a residual to a standard deviation; sums along streaks are told in thirds of that, LINE_STEPS."""

LINE_STEPS = 5

LOWEST, HIGHEST = -6, 10
"""Residuals and sums beyond these, in standard deviations, count as these."""

ZERO = -LOWEST * STEPS
"""The residual 0, in steps from LOWEST."""

SIZE, LINE_SIZE = (HIGHEST - LOWEST) * STEPS + 1, (HIGHEST - LOWEST) * LINE_STEPS + 1


@_kernel
def residuals(frame: U8, clean: F32, scale: F32, out: U8) -> None:
    """How much brighter than clean a frame is: the channels' mean, in steps of its noise.

    ``frame`` (R, W, 3) uint8; ``clean`` (R, W) float32, sum of the channels in levels; ``scale`` (R, W) float32, steps
    to a level of the sum; ``out`` (R, W) uint8, steps from LOWEST standard deviations on, at most SIZE − 1.
    """
    zero, top = np.float32(ZERO + 0.5), np.float32(SIZE - 0.5)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            total = np.float32(np.int32(frame[y, x, 0]) + np.int32(frame[y, x, 1]) + np.int32(frame[y, x, 2]))
            place = (total - clean[y, x]) * scale[y, x] + zero
            out[y, x] = np.uint8(np.int32(min(max(place, np.float32(0)), top)))


@_kernel
def along_streaks(z: U8, reach: int, offsets: I32, first: int, out: U8) -> None:
    """Sums of residuals along the direction in which streaks fall, over the root of their number.

    ``z`` (R, W) uint8 as from `residuals`; a sum takes row y−reach to y+reach, shifted sideways by the differences of
    ``offsets`` (R,) int32, as far as there are such rows; at the sides rows that lie outside count as residual 0. out:
    (r, W) uint8, for the rows from ``first`` on, in line steps from LOWEST on, at most LINE_SIZE − 1.
    """
    rows, width = z.shape
    lean = offsets[rows - 1]
    # In columns that lean as streaks do, a sum is a running sum; `sheared` holds one for each such column.
    most = max(0, lean)
    sheared = np.zeros(width + abs(lean), np.int32)
    zero, top_place = np.float32(-LOWEST * LINE_STEPS + 0.5), np.float32(LINE_SIZE - 0.5)
    top, bottom = 0, 0
    for y in range(out.shape[0]):
        row = first + y
        start, stop = max(0, row - reach), min(rows, row + reach + 1)
        while bottom < stop:
            shift = most - offsets[bottom]
            line = z[bottom]
            for x in range(width):
                sheared[x + shift] += np.int32(line[x]) - np.int32(ZERO)
            bottom += 1
        while top < start:
            shift = most - offsets[top]
            line = z[top]
            for x in range(width):
                sheared[x + shift] -= np.int32(line[x]) - np.int32(ZERO)
            top += 1
        share = np.float32(LINE_STEPS / STEPS / np.sqrt(stop - start))
        shift = most - offsets[row]
        for x in range(width):
            place = np.float32(sheared[x + shift]) * share + zero
            out[y, x] = np.uint8(np.int32(min(max(place, np.float32(0)), top_place)))


@_kernel
def weigh(frame: U8, z: U8, lines: U8, chance: F32, total: F32, weight: F32) -> None:
    """Add one frame to the mean, each pixel by its chance of being free of rain.

    ``frame`` (R, W, 3) uint8; ``z``, ``lines`` (R, W) uint8 as from `residuals` and `along_streaks`; ``chance``
    (LINE_SIZE, SIZE) float32: of being clean, by sum along the streak and own residual. Adds chance times grey level
    to ``total`` (R, W, 3) and the chance to ``weight`` (R, W), float32.
    """
    rows, width = z.shape
    of_samples = np.empty(3 * width, np.float32)
    for y in range(rows):
        for x in range(width):
            q = chance[lines[y, x], z[y, x]]
            of_samples[3 * x] = q
            of_samples[3 * x + 1] = q
            of_samples[3 * x + 2] = q
            weight[y, x] += q
        samples, sums = frame[y].reshape(-1), total[y].reshape(-1)
        for i in range(3 * width):
            sums[i] += of_samples[i] * np.float32(samples[i])


@_kernel
def chance_within(picture: F32, mean: F32, sd: F32, out: F32) -> None:
    """Chance that a picture is less than one grey level off in each channel.

    ``picture``, ``mean`` (R, W, 3) float32, ``sd`` (R, W) float32: a Gaussian belief of the truth; ``out`` (R, W).
    """
    root = math.sqrt(2.0)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            scale = 1.0 / (root * max(float(sd[y, x]), 1e-3))
            chance = 1.0
            for c in range(3):
                off = float(picture[y, x, c]) - float(mean[y, x, c])
                chance *= 0.5 * (math.erf((off + 1.0) * scale) - math.erf((off - 1.0) * scale))
            out[y, x] = chance


@_kernel
def correlate(one: U8, other: U8, sums: NDArray[np.float64]) -> None:
    """Adds up products of two pictures of residuals, and squares: their ratio is the correlation.

    ``one``, ``other`` (R, W) uint8 as from `residuals`; every 8th row counts, and what lies beyond two standard
    deviations is left out as rain or something that passes. ``sums`` (2,) float64, added to.
    """
    for y in range(0, one.shape[0], 8):
        products, squares = np.int32(0), np.int32(0)
        for x in range(one.shape[1]):
            a, b = np.int32(one[y, x]) - np.int32(ZERO), np.int32(other[y, x]) - np.int32(ZERO)
            if abs(a) < 2 * STEPS and abs(b) < 2 * STEPS:
                products += a * b
                squares += a * a + b * b
        sums[0] += 2 * products
        sums[1] += squares
