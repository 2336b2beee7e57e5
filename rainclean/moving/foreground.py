"""Find foreground and separate it from rain: people, cars, animals.

Rain brightens, hardly colours, is thin, and falls anew in each frame. Whatever darkens or colours an area of some
size, or brightens one that is wider than streaks in several frames in a row, and is found close by in the frames
before or after, is no rain.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.moving._kernels import deviation, remove_streaks
from rainclean.moving.residual_grid import (
    F32,
    I8,
    UNIT,
    Mask,
    Residuals,
    closed,
    ellipse,
    falls_upright,
    filled,
    holding,
    large,
    most_of,
    percentiles_over_time,
    whole,
)

DARKER, COLOURED, BRIGHTER = 4.0, 5.0, 5.0
"""Deviations from what a place usually shows, in its own spread, that are taken for foreground."""

WEAK_FRACTION = 0.65
"""Fraction of these that is enough beside something found: its faint parts."""

FAINT_FRACTION = 0.3
"""Fraction of `COLOURED` that is enough for what is connected to it: rain does not colour, so little else does."""

MIN_FRAMES = 4
"""Frames in a row in which foreground has to be seen; rain that clumps is seen in one, ripples in three."""

MIN_AREA_FRACTION = 0.0004
"""Fraction of the picture that foreground covers at least: 29×29 px at 1080p."""

_STREAK_CELLS = 7
"""Cells: brighter structure narrower than this is taken for streaks."""

_WIDE_CELLS = 13
"""Cells: brighter areas have to be as wide as this, where nothing else indicates foreground."""

_LIMB_CELLS = 41
"""Cells, diameter: how far faint parts may lie from something found."""

_EDGE_FRACTION = 0.65
"""Fraction of the strength beside it below which a place lies outside of an object's edge."""

_MAX_GAP_FACTOR = 0.6
"""Times the side of the largest part found: the largest gap between parts of one object."""

_MOTION_CELLS = 13
"""Cells, diameter: how far apart the outlines in neighbouring frames may be."""

_COARSE_CELLS = 4
"""Cells: side of the squares by which it is first found out whether anything lasts."""


@dataclass(frozen=True)
class _Usual:
    """Levels of a place without foreground: middle and spread, in grey levels, each (r, c) float32."""

    middle: F32
    below: F32
    above: F32

    @cached_property
    def wider(self) -> F32:
        """The larger of both spreads."""
        return np.asarray(np.maximum(self.below, self.above), np.float32)

    @classmethod
    def measure(cls, samples: I8, least: float, width: int) -> "_Usual":
        q10, q25, q50, q75, q90 = percentiles_over_time(samples, (10, 25, 50, 75, 90)) / np.float32(UNIT)
        # The quartiles hold although an object stands for a quarter of the clip; the outer ranks contain more rain.
        below = np.maximum((q50 - q25) / 0.674, np.minimum((q50 - q10) / 1.28, 2 * (q50 - q25) / 0.674))
        above = np.maximum((q75 - q50) / 0.674, (q90 - q50) / 1.28)
        return cls(q50, _spread(below, least, width), _spread(above, least, width))

    def darker(self, deviations: float) -> I8:
        """Return the level, (r, c) int8, below which samples are so many deviations darker."""
        return _to_samples(np.ceil(np.float32(UNIT) * (self.middle - np.float32(deviations) * self.below)))

    def brighter(self, deviations: float) -> I8:
        """Return the level, (r, c) int8, above which samples are so many deviations brighter."""
        return _to_samples(np.floor(np.float32(UNIT) * (self.middle + np.float32(deviations) * self.above)))


def _to_samples(levels: F32) -> I8:
    return np.asarray(np.clip(levels, -128, 127), np.int8)


def _spread(own: F32, least: float, width: int) -> F32:
    smooth = cv2.blur(np.maximum(own, np.float32(least)), (width, width))
    return np.asarray(np.minimum(smooth, 4 * max(least, float(np.median(smooth)))), np.float32)


def find_foreground(residuals: Residuals, restless: Callable[[], Mask]) -> Mask:
    """Find the foreground of each frame, (N, gh, gw) bool.

    restless: returns where the scene moves all the time, (gh, gw) bool; called in the end, if at all.
    """
    frames, cells = len(residuals), residuals.luma.shape[1:]
    found = np.zeros(residuals.luma.shape, bool)
    if frames < MIN_FRAMES + 2:
        return found
    upright = falls_upright(residuals)
    opened = without_streaks(residuals.luma, upright=upright)
    luma = _Usual.measure(opened, 0.6, 15)
    chroma = [_Usual.measure(plane, 0.6, 9) for plane in residuals.chroma]
    bright = _brighter(opened, luma)
    darker, a_bit_darker, a_bit_brighter = (
        luma.darker(DARKER),
        luma.darker(WEAK_FRACTION * DARKER),
        luma.brighter(WEAK_FRACTION * BRIGHTER),
    )
    reach = ellipse(_MOTION_CELLS)
    near = [np.asarray(cv2.dilate(mask, reach), np.uint8) if mask.any() else mask for mask in bright]
    least = max(12, round(MIN_AREA_FRACTION * cells[0] * cells[1]))
    cores = np.zeros(found.shape, np.uint8)
    for t in range(frames):
        strong = (opened[t] < darker).view(np.uint8) | _clearly(_colour(residuals, t, chroma), cells)
        strong |= bright[t] & near[max(0, t - 1)] & near[min(frames - 1, t + 1)]
        cores[t] = _core(strong, least)
    for t in _may_last(cores):
        coloured = _coloured(_colour(residuals, t, chroma), cells)
        weak = (opened[t] < a_bit_darker) | (coloured > WEAK_FRACTION) | (opened[t] > a_bit_brighter)
        found[t] = _bodies(cores[t], weak.astype(np.uint8), (coloured > FAINT_FRACTION).astype(np.uint8))
    if found.any():
        found = _tracks(found, restless(), reach)
        for mask in found:
            if mask.any():
                mask[:] = whole(mask, _gaps(mask))
    return found


def _gaps(found: Mask) -> int:
    """Return how many cells between the parts of one object may have been missed, by the size of the largest part."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    size = math.sqrt(int(stats[1:, cv2.CC_STAT_AREA].max()))
    return int(min(max(_STREAK_CELLS, _MAX_GAP_FACTOR * size), min(found.shape) / 6)) | 1


def without_streaks(frames: I8, *, upright: bool) -> I8:
    """Remove thin bright structure from residuals, (N, gh, gw) int8: streaks are longer than wide, at whatever slant.

    upright: they are longer downwards than sideways.
    """
    opened = np.empty_like(frames)
    remove_streaks(frames, upright, _STREAK_CELLS, opened)
    return opened


def _brighter(opened: I8, usual: _Usual) -> list[NDArray[np.uint8]]:
    """Find what is brighter in each frame and wider than streaks, (gh, gw) uint8 each."""
    least, wide = np.maximum(usual.brighter(BRIGHTER), np.int8(5 * UNIT)), np.ones((5, _WIDE_CELLS), np.uint8)
    high = (opened > least).view(np.uint8)
    return [np.asarray(cv2.morphologyEx(frame, cv2.MORPH_OPEN, wide), np.uint8) for frame in high]


def _colour(residuals: Residuals, t: int, usual: list[_Usual]) -> F32:
    """Return the deviation of chroma in its own spread, the larger of both, (ch, cw) float32."""
    most: F32 = np.zeros(residuals.chroma.shape[2:], np.float32)
    for plane, u in zip(residuals.chroma, usual, strict=True):
        grey = cv2.blur(plane[t].astype(np.float32) / np.float32(UNIT), (3, 3))
        deviation(np.asarray(grey, np.float32), u.middle, u.wider, most)
    return most


def _coloured(most: F32, cells: tuple[int, ...]) -> F32:
    """Divide the deviation of chroma by its threshold, (gh, gw) float32, nowhere more than the largest of ``most``."""
    # Chroma is coarse and often smeared by the encoder: a soft edge is cut about half way up.
    inner = cv2.erode(cv2.dilate(most, np.ones((5, 5), np.uint8)), np.ones((3, 3), np.uint8))
    most = np.where(most > _EDGE_FRACTION * inner, most, 0)
    large = cv2.resize(most / np.float32(COLOURED), (cells[1], cells[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)


def _clearly(most: F32, cells: tuple[int, ...]) -> NDArray[np.uint8]:
    """Find where chroma deviates by more than its threshold, (gh, gw) uint8; most: as `_colour` returns it."""
    if most.max() <= COLOURED:
        return np.zeros(cells, np.uint8)
    return (_coloured(most, cells) > 1).view(np.uint8)


def _core(strong: NDArray[np.uint8], least: int) -> NDArray[np.uint8]:
    """Keep what is strong without specks, (gh, gw) uint8, in parts of the size of an object."""
    # A median over 5×5 makes one of thirteen at the most out of each that is there.
    if 25 * np.count_nonzero(strong) < 13 * least:
        return np.zeros_like(strong)
    return large(most_of(strong, 5), least)


def _may_last(cores: NDArray[np.uint8]) -> list[int]:
    """Find frames with something that may be seen in `MIN_FRAMES` frames in a row, whatever is connected to it.

    cores: (N, gh, gw) uint8. In most clips rain makes such areas now and then, and none of them lasts.
    """
    small = (-(-cores.shape[2] // _COARSE_CELLS), -(-cores.shape[1] // _COARSE_CELLS))
    # All that a body may be wider by than its core, and half of what outlines in two frames may be apart by.
    beside = np.ones((2 * -(-(_LIMB_CELLS + _MOTION_CELLS) // (2 * _COARSE_CELLS)) + 5,) * 2, np.uint8)
    wide = np.zeros((len(cores), small[1], small[0]), bool)
    for t in np.flatnonzero(cores.any(axis=(1, 2))):
        coarse = cv2.resize(cores[t] * np.uint8(255), small, interpolation=cv2.INTER_AREA)
        wide[t] = filled(np.asarray(cv2.dilate((coarse > 0).view(np.uint8), beside), np.uint8))
    if not wide.any():
        return []
    lasting = _tracks(wide, np.zeros(wide.shape[1:], bool), np.ones((3, 3), np.uint8))
    return [int(t) for t in np.flatnonzero(lasting.any(axis=(1, 2)))]


def _bodies(core: NDArray[np.uint8], weak: NDArray[np.uint8], faint: NDArray[np.uint8]) -> Mask:
    """Fill outlines around what is strong, with what is weak close by and what is faint and connected to it.

    All (gh, gw), the result bool.
    """
    body = closed(core, 7)
    beside = most_of(weak, 3) & np.asarray(cv2.dilate(body, np.ones((3, 3), np.uint8)), np.uint8)
    limbs = most_of(faint, 5) | body
    if np.count_nonzero(limbs) > np.count_nonzero(body):
        # A dilation by as large an ellipse takes several times as long.
        near = (cv2.distanceTransform(1 - body, cv2.DIST_L2, cv2.DIST_MASK_5) <= _LIMB_CELLS / 2).astype(np.uint8)
        body = body | holding(limbs & near, body > 0).view(np.uint8)
    body = closed(body | beside, 5)
    return filled(body).astype(bool)


def _tracks(found: Mask, restless: Mask, reach: NDArray[np.uint8]) -> Mask:
    """Keep what is seen in `MIN_FRAMES` frames in a row or more, outside of places that move all the time."""
    empty = np.zeros(restless.shape, np.int32)
    parts = [cv2.connectedComponents(mask.astype(np.uint8))[1] if mask.any() else empty for mask in found]
    first = np.cumsum([0] + [int(p.max()) for p in parts])
    root = np.arange(first[-1])

    def top(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = int(root[i])
        return i

    for t in range(len(parts) - 1):
        if first[t + 1] == first[t] or first[t + 2] == first[t + 1]:
            continue
        wide = _widened(parts[t], reach)
        both = (wide > 0) & (parts[t + 1] > 0)
        for pair in np.unique(np.stack((wide[both], parts[t + 1][both]), axis=1), axis=0):
            root[top(int(first[t] + pair[0] - 1))] = top(int(first[t + 1] + pair[1] - 1))
    tops = np.array([top(i) for i in range(len(root))], int)
    frame_of = np.repeat(np.arange(len(parts)), np.diff(first))
    out = np.zeros_like(found)
    held = [p for p in parts if p is not empty]
    size = np.concatenate([np.bincount(p.ravel())[1:] for p in held])
    quiet = np.concatenate([np.bincount(p[~restless].ravel(), minlength=int(p.max()) + 1)[1:] for p in held])
    for track in np.unique(tops):
        members = tops == track
        lasts = len(np.unique(frame_of[members])) >= MIN_FRAMES
        if lasts and quiet[members].sum() > 0.5 * size[members].sum():
            for i in np.flatnonzero(members):
                t = frame_of[i]
                out[t] |= parts[t] == i - first[t] + 1
    return out


def _widened(parts: NDArray[np.int32], reach: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Widen parts by a rim; where rims meet, the higher number stays."""
    return np.asarray(cv2.dilate(parts.astype(np.float32), reach)).astype(np.int32)
