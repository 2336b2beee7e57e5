"""Find what frames show that a clean image does not explain: foreground that was missed, and scenes that change.

`detection` calls this last, with the final clean image. Rain only brightens, and it is gone in the next frame. A frame
that is darker than the clean image over an area shows something else: clearly darker, foreground; a little, leaves in
wind or a shadow. A place that stays brighter
over many frames in a row shows no rain either: sun that moves over it, or a clean image that is too dark because
something dark stood there most of the time. Where that happens often, no clean image is right for all frames.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.moving._kernels import count_runs, levels_around
from rainclean.moving.residual_grid import F32, UNIT, Mask, Residuals, ellipse, holding, large

SQUARE_CELLS = 7
"""Side of the squares over which a frame is compared."""

DARKER_LEVELS, FOREGROUND_LEVELS = 6.0, 20.0
"""Grey levels, root mean square over a square, by which a frame is darker; and from which on foreground does that."""

_WEAK_FRACTION = 0.5
"""Share of `DARKER_LEVELS` that is enough beside it."""

_NOISE_FACTOR = 2.0
"""Standard deviations of the noise of a cell that are darker in any case."""

BRIGHTER_LEVELS = 14.0
"""Grey levels by which a place is brighter in each frame of a run."""

_RAIN_FACTOR = 3.0
"""And by so many times what half of the picture is brighter by in such runs: rain may be as dense as that."""

RUN_FRAMES = 10
"""Frames in a row that rain does not outlast."""

_DARKER_FRACTION, _BRIGHTER_FRACTION = 0.1, 0.15
"""Fractions of the frames, and of the runs, from which on a place changes."""

_CONNECTED_FRACTION = 0.07
"""Fraction of the runs that is enough where it is connected to such a place."""

_CHANCE_FACTOR = 5.0
"""Times the runs that rain makes by chance in so many frames; only more than that counts, as runs come in bunches."""

_MIN_CELLS = 16
"""Cells of a place that stays brighter: rain does that to a few of many thousands."""

_FOREGROUND_RIM_CELLS, _RIM_CELLS = 3, 5
"""Cells that are added around foreground, around a place: what is seen of them is their middle."""


def find_changing(residuals: Residuals, clean: F32, passing: Mask, aside: Mask) -> tuple[Mask, Mask]:
    """Find foreground besides what is known, (N, gh, gw) bool, and places where the scene changes, (gh, gw) bool.

    clean: (gh, gw) float32, luma of the clean image that is to explain the frames, grey levels. passing: (N, gh, gw),
    known foreground of each frame. aside: (gh, gw), places that are in doubt already.
    """
    off = np.rint(np.float32(UNIT) * (clean - residuals.background.luma)).astype(np.int16)
    things, darker = _darker(residuals, off, passing, aside)
    brighter = _brighter(residuals, off, passing | things, aside)
    seeds = large((brighter > _BRIGHTER_FRACTION).view(np.uint8), _MIN_CELLS)
    places = (darker > _DARKER_FRACTION) | holding((brighter > _CONNECTED_FRACTION).view(np.uint8), seeds > 0)
    return things, _wider(places & ~aside, _RIM_CELLS)


def _darker(residuals: Residuals, off: NDArray[np.int16], passing: Mask, aside: Mask) -> tuple[Mask, F32]:
    """Find foreground in each frame that darkens; and the fraction of the frames in which a place is darker without.

    off: (gh, gw), how far the clean image is above the one that residuals are of, in their unit.
    """
    things = np.zeros_like(passing)
    often = np.zeros(aside.shape, np.uint16)
    least = np.maximum(DARKER_LEVELS, _NOISE_FACTOR * residuals.background.sigma)
    seed, around = _squared(least), _squared(least * _WEAK_FRACTION)
    thing = np.maximum(_squared(FOREGROUND_LEVELS), 2 * seed)
    dark = np.empty(aside.shape, np.uint8)
    for t, frame in enumerate(residuals.luma):
        levels_around(frame, off, -1, 0, passing[t], aside, dark)
        square = cv2.sqrBoxFilter(dark, cv2.CV_32F, (SQUARE_CELLS, SQUARE_CELLS))
        found = square > seed
        if not found.any():
            continue
        whole = holding((square > around).view(np.uint8), square > thing)
        things[t] = _wider(whole, _FOREGROUND_RIM_CELLS)
        often += found & ~whole
    return things, np.asarray(often / np.float32(len(things)), np.float32)


def _brighter(residuals: Residuals, off: NDArray[np.int16], passing: Mask, aside: Mask) -> F32:
    """Return the fraction of all runs of frames in which a place stays brighter, beyond chance, (gh, gw) float32.

    Rain falls anew in each frame: of places that it brightens in most frames it brightens some all through a run, as
    many as the share of the frames says. 0 of clips without a run.
    """
    frames = len(passing)
    if frames < RUN_FRAMES or aside.all():
        return np.zeros(aside.shape, np.float32)
    mean, level = np.empty(passing.shape, np.uint8), np.empty(aside.shape, np.uint8)
    for t, frame in enumerate(residuals.luma):
        levels_around(frame, off, 1, 128, passing[t], aside, level)
        cv2.blur(level, (SQUARE_CELLS, SQUARE_CELLS), dst=mean[t])
    contrast = residuals.background.contrast
    some = slice(None, None, 4)
    usual = (_least_of_runs(mean[:, some, some])[some].astype(np.float32) - 128) / contrast[some, some]
    wet = float(np.median(usual[:, ~aside[some, some]])) if not aside[some, some].all() else 0.0
    limit = 128 + np.maximum(np.float32(UNIT * BRIGHTER_LEVELS), np.float32(_RAIN_FACTOR * wet) * contrast)
    runs, above = np.empty(aside.shape, np.int32), np.empty(aside.shape, np.int32)
    count_runs(mean, limit, RUN_FRAMES, runs, above)
    in_runs, in_frames = runs / (frames - RUN_FRAMES + 1), above / frames
    return np.asarray(in_runs - _CHANCE_FACTOR * in_frames**RUN_FRAMES, np.float32)


def _least_of_runs(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the least of `RUN_FRAMES` values in a row, along the first axis."""
    span = 1
    while span < RUN_FRAMES:
        step = min(span, RUN_FRAMES - span)
        levels = np.minimum(levels[:-step], levels[step:])
        span += step
    return levels


def _squared(levels: F32 | float) -> F32:
    return np.square(np.float32(UNIT) * np.asarray(levels, np.float32))


def _wider(mask: Mask, rim: int) -> Mask:
    if not mask.any():
        return mask
    return np.asarray(cv2.dilate(mask.astype(np.uint8), ellipse(2 * rim + 1)) > 0)
