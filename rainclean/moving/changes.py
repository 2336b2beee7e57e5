"""What frames show that a clean image does not explain: things that were missed, and scenes that change.

Rain only brightens, and it is gone in the next frame. A frame that is darker than the clean image over an area shows
something else: clearly darker, a thing that passes; a little, leaves in wind or a shadow. A place that stays brighter
over many frames in a row shows no rain either: sun that moves over it, or a clean image that is too dark because
something dark stood there most of the time. Where that happens often, no clean image is right for all frames.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.moving.residual_grid import F32, UNIT, Mask, Residuals, ellipse, holding, large

SIDE = 7
"""Cells: a frame speaks over squares of this side."""

DARKER, A_THING = 6.0, 20.0
"""Grey levels, root mean square over a square, by which a frame is darker; and from which on a thing does that."""

_AROUND = 0.5
"""Share of `DARKER` that is enough beside it."""

_NOISE = 2.0
"""Standard deviations of the noise of a cell that are darker in any case."""

BRIGHTER = 14.0
"""Grey levels by which a place is brighter in each frame of a run."""

_WET = 3.0
"""And so many times what half of the picture is brighter by in such runs: rain may be as dense as that."""

RUN = 10
"""Frames in a row that rain does not outlast."""

_OFTEN_DARKER, _OFTEN_BRIGHTER = 0.1, 0.15
"""Shares of the frames, of the runs, from which on a place changes."""

_BESIDE = 0.07
"""Share of the runs that is enough where it hangs together with such a place."""

_CHANCE = 5.0
"""Times the runs that chance makes of rain in so many frames that must be there besides: they come in bunches."""

_SMALLEST = 16
"""Cells of a place that stays brighter: rain does that to a few of many thousands."""

_THING_RIM, _RIM = 3, 5
"""Cells that are added around a thing, around a place: what is seen of them is their middle."""

_STRIP = 16


def find_changing(residuals: Residuals, clean: F32, passing: Mask, aside: Mask) -> tuple[Mask, Mask]:
    """Things that pass besides those known, (N, gh, gw) bool, and places where the scene changes, (gh, gw) bool.

    clean: (gh, gw) float32, luma of the clean image that is to explain the frames, grey levels. passing: (N, gh, gw),
    what is known to pass in each frame. aside: (gh, gw), places that are in doubt already.
    """
    off = np.rint(np.float32(UNIT) * (clean - residuals.background.luma)).astype(np.int16)
    things, darker = _darker(residuals, off, passing, aside)
    brighter = _brighter(residuals, off, passing | things, aside)
    seeds = large((brighter > _OFTEN_BRIGHTER).view(np.uint8), _SMALLEST)
    places = (darker > _OFTEN_DARKER) | holding((brighter > _BESIDE).view(np.uint8), seeds > 0)
    return things, _wider(places & ~aside, _RIM)


def _darker(residuals: Residuals, off: NDArray[np.int16], passing: Mask, aside: Mask) -> tuple[Mask, F32]:
    """Things in each frame that darken; and in which share of the frames a place is darker without one.

    off: (gh, gw), what the clean image is above that which residuals are of, in their unit.
    """
    things = np.zeros_like(passing)
    often = np.zeros(aside.shape, np.uint16)
    least = np.maximum(DARKER, _NOISE * residuals.background.sigma)
    seed, around = _squared(least), _squared(least * _AROUND)
    thing = np.maximum(_squared(A_THING), 2 * seed)
    for t, frame in enumerate(residuals.luma):
        dark = np.clip(off - frame, 0, 255).astype(np.uint8)
        dark[passing[t] | aside] = 0
        square = cv2.sqrBoxFilter(dark, cv2.CV_32F, (SIDE, SIDE))
        found = square > seed
        if not found.any():
            continue
        whole = holding((square > around).view(np.uint8), square > thing)
        things[t] = _wider(whole, _THING_RIM)
        often += found & ~whole
    return things, np.asarray(often / np.float32(len(things)), np.float32)


def _brighter(residuals: Residuals, off: NDArray[np.int16], passing: Mask, aside: Mask) -> F32:
    """Share of all runs of frames in which a place stays brighter, beyond chance, (gh, gw) float32.

    Rain falls anew in each frame: of places that it brightens in most frames it brightens some all through a run, as
    many as the share of the frames says. 0 of clips without a run.
    """
    frames = len(passing)
    often = np.zeros(aside.shape, np.float32)
    if frames < RUN or aside.all():
        return often
    mean = np.empty(passing.shape, np.uint8)
    for t, frame in enumerate(residuals.luma):
        level = np.clip(frame - off + 128, 0, 255).astype(np.uint8)
        level[passing[t] | aside] = 128
        mean[t] = cv2.blur(level, (SIDE, SIDE))
    contrast = residuals.background.contrast
    some = slice(None, None, 4)
    usual = (_least_of_runs(mean[:, some, some])[some].astype(np.float32) - 128) / contrast[some, some]
    wet = float(np.median(usual[:, ~aside[some, some]])) if not aside[some, some].all() else 0.0
    limit = 128 + np.maximum(np.float32(UNIT * BRIGHTER), np.float32(_WET * wet) * contrast)
    for top in range(0, len(often), _STRIP):  # in strips, which stay in the cache
        rows = slice(top, top + _STRIP)
        in_runs = (_least_of_runs(mean[:, rows]) > limit[rows]).mean(axis=0)
        in_frames = (mean[:, rows] > limit[rows]).mean(axis=0)
        often[rows] = in_runs - _CHANCE * in_frames**RUN
    return often


def _least_of_runs(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The least of `RUN` values in a row, along the first axis."""
    span = 1
    while span < RUN:
        step = min(span, RUN - span)
        levels = np.minimum(levels[:-step], levels[step:])
        span += step
    return levels


def _squared(levels: F32 | float) -> F32:
    return np.square(np.float32(UNIT) * np.asarray(levels, np.float32))


def _wider(mask: Mask, rim: int) -> Mask:
    if not mask.any():
        return mask
    return np.asarray(cv2.dilate(mask.astype(np.uint8), ellipse(2 * rim + 1)) > 0)
