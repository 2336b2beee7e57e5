"""Compute where a person's strokes cover a picture: brush, rectangle, lasso, flood fill, and stopping at edges.

Coordinates are pixels, x right, y down, the centre of the first pixel at (0.5, 0.5). Coverage is uint8, 0…255.
Everything is computed for the part of the picture that a stroke can reach, and pixel by pixel from the stroke
alone: a stroke in pieces covers exactly what it covers as a whole, and the same stroke the same on each replay.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.video import Region

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
Point = tuple[float, float]

_SUBROWS = 4
"""Rows into which a row of pixels is cut for a lasso's antialiasing."""

_FRACTION = 64
"""Parts of a pixel that a lasso's crossings are rounded to: sums of whole numbers are exact in any order."""

_PIECE = 64
"""A brush segment is cut into pieces of this many px and twice its diameter: a slanted one has a small frame."""

_CORE = 0.2
"""Share of the radius around the centre line whose colours an edge-aware stroke goes by."""

_SPREADS, _LEVELS = 2.0, 10.0
"""How far a pixel may be from the mean colour under the centre line: standard deviations, plus grey levels."""

_SLOPE, _ABOVE_TEXTURE = 32.0, 2.0
"""An edge that stops a stroke is steeper than this (eighths of a grey level per px), plus so often the mean slope
under the centre line."""

_SNAP_RADIUS, _SNAP_LEVELS = 3, 5.0
"""Guided filter: px around a pixel, and levels of contrast below which it smooths."""


def box_around(size: tuple[int, int], low: Point, high: Point, margin: float = 0.0) -> Region | None:
    """Return the pixels of a picture of ``size`` (height, width) touched by a box of corners (x, y); None for none."""
    x0, y0 = max(0, math.floor(low[0] - margin)), max(0, math.floor(low[1] - margin))
    x1, y1 = min(size[1], math.ceil(high[0] + margin)), min(size[0], math.ceil(high[1] + margin))
    return Region(x0, y0, x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else None


def within(region: Region) -> tuple[slice, slice]:
    """Index of a region's rows and columns."""
    return slice(region.y, region.y + region.height), slice(region.x, region.x + region.width)


def joined(first: Region | None, second: Region | None) -> Region | None:
    """Return the smallest region that holds both; None holds nothing."""
    if first is None or second is None:
        return second if first is None else first
    x, y = min(first.x, second.x), min(first.y, second.y)
    right = max(first.x + first.width, second.x + second.width)
    bottom = max(first.y + first.height, second.y + second.height)
    return Region(x, y, right - x, bottom - y)


def common(first: Region, second: Region) -> Region | None:
    """Return what two regions share."""
    x, y = max(first.x, second.x), max(first.y, second.y)
    right = min(first.x + first.width, second.x + second.width)
    bottom = min(first.y + first.height, second.y + second.height)
    return Region(x, y, right - x, bottom - y) if right > x and bottom > y else None


def grown(region: Region, margin: int, size: tuple[int, int]) -> Region:
    """Grow a region by ``margin`` px to each side, within the picture."""
    x, y = max(0, region.x - margin), max(0, region.y - margin)
    right, bottom = min(size[1], region.x + region.width + margin), min(size[0], region.y + region.height + margin)
    return Region(x, y, right - x, bottom - y)


def brush_segment(
    start: Point, end: Point, radius: float, softness: float, size: tuple[int, int]
) -> Iterator[tuple[Region, U8]]:
    """Coverage of one straight segment with round caps, as (region, coverage) pieces that overlap.

    start, end: px; equal for a dab. radius: px, to where coverage has fallen by half (hard) or to 0 (soft);
    softness: 0, one px of antialiasing, to 1, falling from the centre line on. size: (height, width).
    """
    outer = radius + 0.5
    inner = max(0.0, radius * (1 - softness) - 0.5)
    ends = _clipped(start, end, outer + 1, size)
    if ends is None:
        return
    (ax, ay), (bx, by) = ends
    count = max(1, math.ceil(math.hypot(bx - ax, by - ay) / (_PIECE + 4 * radius)))
    cuts = [(ax + (bx - ax) * i / count, ay + (by - ay) * i / count) for i in range(count)]
    for (x0, y0), (x1, y1) in pairwise([*cuts, (bx, by)]):
        region = box_around(size, (min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1)), outer)
        if region is not None:
            yield region, _capsule(region, (x0, y0), (x1, y1), inner, outer)


def _capsule(region: Region, start: Point, end: Point, inner: float, outer: float) -> U8:
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    ux, uy = ((end[0] - start[0]) / length, (end[1] - start[1]) / length) if length else (1.0, 0.0)
    dx = np.arange(region.x + 0.5 - start[0], region.x + region.width - start[0])
    dy = np.arange(region.y + 0.5 - start[1], region.y + region.height - start[1])[:, None]
    along = np.add((dx * ux).astype(np.float32), (dy * uy).astype(np.float32))
    across = np.add((dx * -uy).astype(np.float32), (dy * ux).astype(np.float32))
    beyond = np.minimum(along, np.float32(length))
    np.maximum(beyond, np.float32(0), out=beyond)
    along -= beyond
    along *= along
    across *= across
    along += across
    # Fall-off 3t² - 2t³, t linear in the square of the distance: smooth at both ends.
    fall = 1 / (outer * outer - inner * inner)
    t = np.multiply(along, np.float32(-fall), out=along)
    t += np.float32(outer * outer * fall)
    np.minimum(t, np.float32(1), out=t)
    np.maximum(t, np.float32(0), out=t)
    np.multiply(t, np.float32(-510), out=across)
    across += np.float32(765)
    t *= t
    t *= across
    t += np.float32(0.5)
    return t.astype(np.uint8)


def _clipped(start: Point, end: Point, margin: float, size: tuple[int, int]) -> tuple[Point, Point] | None:
    """Clip a segment to what lies within ``margin`` of the picture, so that far points cost nothing."""
    low, high = 0.0, 1.0
    for a, b, extent in zip(start, end, size[::-1], strict=True):
        if a == b:
            if not -margin <= a <= extent + margin:
                return None
            continue
        first, last = sorted(((-margin - a) / (b - a), (extent + margin - a) / (b - a)))
        low, high = max(low, first), min(high, last)
    if low > high:
        return None

    def at(t: float) -> Point:
        return start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])

    return (start if low == 0 else at(low)), (end if high == 1 else at(high))


def rectangle(first: Point, second: Point, size: tuple[int, int]) -> tuple[Region, U8] | None:
    """Coverage of a rectangle with two opposite corners: how much of each pixel's area lies within."""
    low = (min(first[0], second[0]), min(first[1], second[1]))
    high = (max(first[0], second[0]), max(first[1], second[1]))
    region = box_around(size, low, high)
    if region is None:
        return None
    left = np.arange(region.x, region.x + region.width)
    top = np.arange(region.y, region.y + region.height)
    across = np.minimum(left + 1, high[0]) - np.maximum(left, low[0])
    down = np.minimum(top + 1, high[1]) - np.maximum(top, low[1])
    return region, np.rint(255 * np.outer(down, across)).astype(np.uint8)


def lasso(points: Sequence[Point], size: tuple[int, int]) -> tuple[Region, U8] | None:
    """Coverage of a closed outline: all that it goes around, however often and in whichever direction.

    Outlines without area (one or two points, a line) cover nothing.
    """
    outline = np.array(points, np.float64)
    low, high = outline.min(axis=0), outline.max(axis=0)
    region = box_around(size, (low[0], low[1]), (high[0], high[1]))
    if region is None:
        return None
    rows, columns, steps = _crossings(outline - (region.x, region.y), region.height * _SUBROWS)
    order = np.lexsort((columns, rows))
    rows, columns, steps = rows[order], columns[order], steps[order]
    # Windings sum to 0 over a closed outline's row, so that one sum over all rows starts anew in each.
    after = np.cumsum(steps)
    sign = (after != 0).astype(np.int64) - (after - steps != 0)
    place = np.clip(columns, 0, region.width * _FRACTION)
    pixel, part = np.divmod(place, _FRACTION)
    width = region.width + 2
    cell = rows // _SUBROWS * width + pixel
    area = np.bincount(cell, sign * (_FRACTION - part), region.height * width)
    area += np.bincount(cell + 1, sign * part, region.height * width)
    area = area.reshape(region.height, width)
    np.cumsum(area, axis=1, out=area)
    return region, np.rint(area[:, : region.width] * (255 / (_FRACTION * _SUBROWS))).astype(np.uint8)


class _Crossings(NamedTuple):
    """Where an outline crosses the middles of sub-rows: (N,) rows, columns in parts of a px, ±1 by direction."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    steps: NDArray[np.int64]


def _crossings(outline: F64, rows: int) -> _Crossings:
    """Find where an outline crosses the middles of sub-rows."""
    x0, y0 = outline.T
    x1, y1 = np.roll(outline, -1, axis=0).T
    # Sub-row r lies at y = (r + 0.5) / _SUBROWS; an edge crosses those in [top, bottom).
    top = np.clip(np.ceil(np.minimum(y0, y1) * _SUBROWS - 0.5), 0, rows).astype(np.int64)
    bottom = np.clip(np.ceil(np.maximum(y0, y1) * _SUBROWS - 0.5), 0, rows).astype(np.int64)
    count = bottom - top
    edge = np.repeat(np.arange(len(outline)), count)
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - top, count)
    share = ((row + 0.5) / _SUBROWS - y0[edge]) / (y1 - y0)[edge]
    column = np.rint((x0[edge] + share * (x1 - x0)[edge]) * _FRACTION).astype(np.int64)
    return _Crossings(row, column, np.where(y1 > y0, 1, -1)[edge])


def flooded(seed: Point, tolerance: float, guide: U8) -> tuple[Region, U8] | None:
    """Fill pixels joined to the seed's, up and down and sideways, through others like it.

    tolerance: levels by which each channel may differ from the seed pixel's, in whole levels. guide:
    (H, W, 3) uint8. None where the seed lies outside the picture.
    """
    height, width = guide.shape[:2]
    x, y = math.floor(seed[0]), math.floor(seed[1])
    if not (0 <= x < width and 0 <= y < height):
        return None
    reached = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    levels = (int(tolerance),) * 3
    # OpenCV asks for a picture it might write to, although it does not with these flags.
    *_, rect = cv2.floodFill(guide.copy(), reached, (x, y), (0, 0, 0), levels, levels, flags)
    region = Region(*rect)
    return region, reached[1:-1, 1:-1][within(region)]


def stopped_at_edges(coverage: U8, core: U8, guide: U8, radius: float) -> U8:
    """Coverage that keeps to what looks like the picture under the stroke's centre line and is joined to it.

    coverage, core: (h, w) uint8 of the whole stroke and of its middle (see `core_radius`); guide: (h, w, 3)
    uint8, the same part of the picture; radius: of the brush, px. A pixel belongs if its colour lies within
    the spread of the colours under the centre line near by, and no edge that stands out from the texture there
    lies between. A guided filter (He, Sun & Tang 2010, https://doi.org/10.1007/978-3-642-15549-9_1) then lays
    the border along the guide's edges.
    """
    middle = core >= 128
    near = _CoreMeans(middle, radius)
    like = (_unlikeness(near, guide) < 1) & (coverage > 0)
    edges = _edges(guide)
    free = like & (edges < _SLOPE + _ABOVE_TEXTURE * near(edges))
    free |= middle
    # Opening shuts gaps in edges; what it took off lies along edges and comes back with their near sides.
    opened = cv2.morphologyEx(free.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, parts = cv2.connectedComponents(np.where(middle, 1, opened).astype(np.uint8), connectivity=4)
    joined = np.zeros(int(parts.max()) + 1, np.uint8)
    joined[parts[middle]] = 1
    joined[0] = 0
    regained = np.where(like, cv2.dilate(joined[parts], np.ones((5, 5), np.uint8)), 0)
    solid = cv2.morphologyEx(regained.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    snapped = _guided(solid.astype(np.float64), cv2.cvtColor(guide, cv2.COLOR_RGB2GRAY).astype(np.float64))
    return np.minimum(coverage, np.rint(255 * np.clip(snapped, 0, 1)).astype(np.uint8))


def core_radius(radius: float) -> float:
    """Return the radius in px of a stroke's middle, whose colours decide at edges."""
    return min(radius, max(1.0, _CORE * radius))


class _CoreMeans:
    """Means over the part of the core that lies near a pixel, 0 where there is none."""

    def __init__(self, core: NDArray[np.bool_], radius: float) -> None:
        self._span = (2 * math.ceil(radius) + 1,) * 2
        self._weight = core.astype(np.float64)
        self._count = np.maximum(self._sum(self._weight), 1)

    def __call__(self, values: F64) -> F64:
        return self._sum(values * self._weight) / self._count

    def _sum(self, values: F64) -> F64:
        # Sums of whole numbers are exact in float64 whatever their order: the same on every machine.
        sums = cv2.boxFilter(values, cv2.CV_64F, self._span, normalize=False, borderType=cv2.BORDER_CONSTANT)
        return sums.astype(np.float64, copy=False)


def _unlikeness(near: _CoreMeans, guide: U8) -> F64:
    """Measure how far a pixel's colour is from those of the core near by; 1 at the border of what belongs."""
    variance, distance = np.zeros(guide.shape[:2]), np.zeros(guide.shape[:2])
    for channel in cv2.split(guide):
        levels = channel.astype(np.float64)
        mean = near(levels)
        variance += near(levels * levels) - mean * mean
        levels -= mean
        distance += levels * levels
    spread = np.sqrt(np.maximum(variance, 0) / 3)
    return np.sqrt(distance / 3) / (_SPREADS * spread + _LEVELS)


def _edges(guide: U8) -> F64:
    """Steepest slope of any channel, across plus down, in eighths of a grey level per px."""
    smooth = cv2.GaussianBlur(guide, (5, 5), 0)
    across = np.abs(cv2.Sobel(smooth, cv2.CV_16S, 1, 0))
    down = np.abs(cv2.Sobel(smooth, cv2.CV_16S, 0, 1))
    return np.maximum.reduce(cv2.split(across + down)).astype(np.float64)


def _guided(values: F64, guide: F64) -> F64:
    size = (2 * _SNAP_RADIUS + 1,) * 2

    def mean(array: F64) -> F64:
        return cv2.blur(array, size, borderType=cv2.BORDER_REPLICATE).astype(np.float64, copy=False)

    level, share = mean(guide), mean(values)
    slope = (mean(guide * values) - level * share) / (mean(guide * guide) - level * level + _SNAP_LEVELS**2)
    return mean(slope) * guide + mean(share - slope * level)
