"""Compiled loops that paint streaks and put a frame together.

Plain numpy twins are in `tests/oracles/simulate_kernels.py`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

SIGMA_PER_WIDTH = 1 / math.sqrt(8 * math.log(2))
"""Standard deviation of a Gaussian over its full width at half height."""

SOFT_ENDS = 0.08
"""Standard deviation of a streak's ends over its length: shutters take a share of the exposure to open and close."""

REACH = 3.0
"""Where a Gaussian is taken for zero, in standard deviations."""


@compiled
def paint(streaks: F32, opacity: F32, light: F32) -> None:
    """Paint streaks over what is there: ``streaks`` (N, 7) float32 into ``opacity``, ``light`` (H, W) float32.

    A row of ``streaks``: x and y of its middle, length, width (full widths at half height, px), angle off vertical
    (radians), largest opacity, grey level. A streak is a Gaussian spot that moved along a line while the shutter
    was open. Where streaks cross, the one of larger opacity counts; ``light`` is its grey level.
    """
    rows, columns = opacity.shape
    for k in range(streaks.shape[0]):
        x, y, length, width = streaks[k, 0], streaks[k, 1], streaks[k, 2], streaks[k, 3]
        sine, cosine = math.sin(streaks[k, 4]), math.cos(streaks[k, 4])
        peak, level = streaks[k, 5], streaks[k, 6]
        sigma = width * SIGMA_PER_WIDTH
        ends = math.sqrt(sigma * sigma + (SOFT_ENDS * length) ** 2)
        half = 0.5 * length + REACH * ends
        reach = REACH * sigma
        high = abs(cosine) * half + abs(sine) * reach
        wide = abs(sine) * half + abs(cosine) * reach
        for row in range(max(0, math.ceil(y - high)), min(rows - 1, math.floor(y + high)) + 1):
            dy = row - y
            left, right = x - wide, x + wide
            if abs(cosine) > 0.01:  # only the part of the row that the streak crosses
                middle = x + dy * sine / cosine
                left = max(left, middle - reach / abs(cosine))
                right = min(right, middle + reach / abs(cosine))
            for column in range(max(0, math.ceil(left)), min(columns - 1, math.floor(right)) + 1):
                dx = column - x
                along = dx * sine + dy * cosine
                across = (dx * cosine - dy * sine) / sigma
                if abs(along) > half or abs(across) > REACH:
                    continue
                passed = math.erf((along + 0.5 * length) / (math.sqrt(2.0) * ends))
                passed -= math.erf((along - 0.5 * length) / (math.sqrt(2.0) * ends))
                a = peak * 0.5 * passed * math.exp(-0.5 * across * across)
                if a > opacity[row, column]:
                    opacity[row, column] = a
                    light[row, column] = level


@compiled
def expose(scene: F32, opacity: F32, light: F32, noise: F32, gain: float, out: U8) -> None:
    """Compute a frame from what is behind the rain: ``scene`` (H, W, 3) float32 grey levels → ``out`` (H, W, 3) uint8.

    ``opacity``, ``light`` (H, W) float32 as from `paint`. A drop does not darken: the brighter of its light and the
    scene counts. Then ``gain``, ``noise`` (H, W, 3) float32 in grey levels (or (0, 0, 3): none), and rounding.
    """
    noisy = noise.shape[0] > 0
    factor = np.float32(gain)
    for row in range(scene.shape[0]):
        for column in range(scene.shape[1]):
            a, level = opacity[row, column], light[row, column]
            for channel in range(3):
                grey = scene[row, column, channel]
                grey = (grey + a * max(level - grey, np.float32(0))) * factor
                if noisy:
                    grey = grey + noise[row, column, channel]
                out[row, column, channel] = np.uint8(min(max(np.rint(grey), np.float32(0)), np.float32(255)))
