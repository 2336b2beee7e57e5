"""Find what moves in clips too short to say what is usual: places that keep one level for some frames, then another.

Rain falls anew in each frame. A place that is brighter in three frames in a row than in three others, all of them,
was covered in some of them; so few frames do not say whether by a car, a branch or a wave.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.moving.dynamic_texture import grown
from rainclean.moving.foreground import without_streaks
from rainclean.moving.residual_grid import F32, I8, UNIT, Mask, Residuals, falls_upright, whole

MIN_FRAMES = 6
"""Frames below which nothing is looked for: two levels of three frames each."""

_NOISE_FACTOR, _MIN_LEVELS, _SLOPE_FACTOR = 4.0, 3.0, 0.5
"""Levels must differ by so many standard deviations of the noise, so many grey levels, and so much of the slope of the
picture from one cell to the next, because frames are never aligned exactly."""

_RAIN_FACTOR = 1.5
"""And by so many times what neighbouring frames usually differ by: dense rain covers most of them."""

_CHROMA_LEVELS = 8.0
"""Levels of chroma, which rain hardly changes, must differ by so many grey levels."""

_WEAK_FRACTION = 0.5
"""Fraction of these that is enough beside such places."""


def find_held(residuals: Residuals) -> Mask:
    """Find places that held more than one level, (gh, gw) bool; none in fewer than `MIN_FRAMES` frames."""
    cells = residuals.luma.shape[1:]
    if len(residuals) < MIN_FRAMES:
        return np.zeros(cells, bool)
    luma = residuals.background.luma
    slope = np.hypot(*(cv2.Sobel(luma, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1))))
    least = (
        _NOISE_FACTOR * np.maximum(residuals.background.sigma, np.float32(0.7))
        + _MIN_LEVELS
        + np.float32(_SLOPE_FACTOR) * slope
    )
    upright = falls_upright(residuals)
    opened = without_streaks(residuals.luma, upright=upright)
    apart = _opened(_gap(opened) / (least + np.float32(_RAIN_FACTOR) * _steps(residuals.luma)))
    for plane in residuals.chroma:
        colour = _opened(_gap(plane) / np.float32(_CHROMA_LEVELS))
        apart = np.maximum(apart, cv2.resize(colour, (cells[1], cells[0]), interpolation=cv2.INTER_LINEAR))
    strong, weak = (apart > 1).astype(np.uint8), (apart > _WEAK_FRACTION).astype(np.uint8)
    found = grown(strong, weak, max(12, cells[0] * cells[1] // 5000))
    return whole(found, 2 * (cells[1] // 60) + 1, 2)  # what moves slowly leaves soft edges


def _gap(samples: I8) -> F32:
    """Return the difference of the brightest and darkest level that three frames in a row held, (r, c) grey levels."""
    one, two, three = (samples[i : len(samples) - 2 + i].astype(np.int16) for i in range(3))
    held_above = np.minimum(np.minimum(one, two), three).max(axis=0)
    held_below = np.maximum(np.maximum(one, two), three).min(axis=0)
    return np.asarray((held_above - held_below) / np.float32(UNIT), np.float32)


def _steps(samples: I8) -> F32:
    """Return what neighbouring frames usually differ by, (r, c) grey levels: little where hardly any rain falls."""
    steps = np.abs(np.diff(samples.astype(np.int16), axis=0))
    middle = np.partition(steps, len(steps) // 2, axis=0)[len(steps) // 2]
    return np.asarray(cv2.blur(middle.astype(np.float32), (5, 5)) / np.float32(UNIT), np.float32)


def _opened(values: NDArray[np.floating]) -> F32:
    return np.asarray(cv2.morphologyEx(values.astype(np.float32), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)))
