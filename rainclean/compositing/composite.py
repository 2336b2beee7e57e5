"""Paint masks from a person's strokes, and join several candidates to one picture by masks.

Strokes are kept as vectors (`Shape`) and replayed: a mask is a function of its shapes and of the guide picture,
byte for byte, so that undoing is leaving the last one out. Coordinates are pixels of the candidate picture,
x right, y down, the centre of the first pixel at (0.5, 0.5).
"""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Literal, Self, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.compositing import strokes
from rainclean.compositing.strokes import Point, common, grown, joined, within
from rainclean.errors import RaincleanError, UsageError
from rainclean.video import Region

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Tool = Literal["brush", "rectangle", "lasso", "fill"]

FARTHEST = 1e6
"""Px from the picture's corner that a point may lie: far beyond any picture, near enough for exact sums."""

MOST_POINTS = 100_000
"""Points of one stroke."""

LARGEST_RADIUS = 4096.0
"""Px; of a brush."""

_POINTS = {"brush": (1, MOST_POINTS), "rectangle": (2, 2), "lasso": (1, MOST_POINTS), "fill": (1, 1)}
_USES = {"brush": ("radius", "softness", "edge_aware"), "rectangle": (), "lasso": (), "fill": ("tolerance",)}
_RANGES = {"radius": (0.0, LARGEST_RADIUS), "softness": (0.0, 1.0), "tolerance": (0.0, 255.0)}


@dataclass(frozen=True, slots=True)
class Shape:
    """One finished stroke.

    What a tool does not use is set to 0, so that equal strokes are equal. Raises UsageError for values out of range.

    Attributes:
        tool: "brush", "rectangle", "lasso" or "fill".
        points: (x, y) in px, rounded to tenths; a brush's path, a lasso's outline, a rectangle's two corners, a fill's
            seed.
        radius: of a brush, px, over 0.
        softness: of a brush, 0 hard … 1 fully soft.
        edge_aware: the brush stops at edges of the guide picture.
        tolerance: of a fill, levels 0…255.
        erase: removes instead of adding.
    """

    tool: Tool
    points: tuple[Point, ...]
    radius: float = 0.0
    softness: float = 0.0
    _: KW_ONLY
    edge_aware: bool = False
    tolerance: float = 0.0
    erase: bool = False

    def __post_init__(self) -> None:
        if self.tool not in get_args(Tool):
            raise UsageError(f"a stroke with tool {self.tool!r}: use brush, rectangle, lasso or fill")
        for name, (low, high) in _RANGES.items():
            value = _number(name, getattr(self, name)) if name in _USES[self.tool] else 0.0
            if not low <= value <= high:
                raise UsageError(f"a {self.tool} stroke with {name} {value:g}: use {low:g} to {high:g}")
            object.__setattr__(self, name, value)
        if self.tool == "brush" and not self.radius:
            raise UsageError("a brush stroke with radius 0: it must be over 0")
        for name in ("edge_aware", "erase"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"a stroke with {name} {getattr(self, name)!r}: use true or false")
        if "edge_aware" not in _USES[self.tool]:
            object.__setattr__(self, "edge_aware", False)
        fewest, most = _POINTS[self.tool]
        if not fewest <= len(self.points) <= most:
            needed = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise UsageError(f"a {self.tool} stroke of {len(self.points)} point(s): {needed} needed")
        object.__setattr__(self, "points", tuple(_point(p) for p in self.points))

    def to_json(self) -> dict[str, Any]:
        """Return a dictionary for JSON, from which `from_json` makes an equal shape."""
        used = {"tool", "points", "erase", *_USES[self.tool]}
        document = {name: value for name, value in asdict(self).items() if name in used}
        return {**document, "points": [list(p) for p in self.points]}

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read a shape that `to_json` wrote.

        Args:
            document: as parsed from JSON.

        Raises:
            RaincleanError: it is no such shape.
        """
        if not isinstance(document, dict) or not isinstance(document.get("points"), list | tuple):
            raise RaincleanError("a stroke must be an object with a tool and a list of points")
        if unknown := sorted(str(key) for key in document.keys() - cls.__dataclass_fields__.keys()):
            raise RaincleanError(f"a stroke with unknown {', '.join(unknown)}")
        if not isinstance(document.get("tool"), str):
            raise RaincleanError("a stroke without a tool")
        return cls(**document)


@dataclass(frozen=True, slots=True)
class Layer:
    """One candidate painted over others where its shapes are.

    Raises UsageError for a feather out of range.

    Attributes:
        key: names the layer among those of one sequence.
        candidate: whatever names the candidate to the caller.
        shapes: in the order they were painted.
        feather: px, at least 0, by which its joins are softened inward and outward.
    """

    key: str
    candidate: int | str
    shapes: tuple[Shape, ...] = ()
    feather: float = 0.0

    def __post_init__(self) -> None:
        _feather_px(self.feather)


def paint(mask: U8, shape: Shape, guide: U8) -> Region | None:
    """Paint one shape into a mask, in place.

    Covers up to max(mask, coverage), erases down to min(mask, 255 - coverage), so that a stroke is no stronger where it
    crosses itself.

    Args:
        mask: (H, W) uint8, 0…255, changed in place.
        shape: to paint.
        guide: (H, W, 3) uint8, the picture whose edges and areas edge-aware brushes and fills follow.

    Returns:
        The part that changed, None for none.

    Raises:
        ValueError: an array has another shape or dtype.
    """
    _check(guide, mask)
    size = (mask.shape[0], mask.shape[1])
    if shape.tool == "brush":
        covered = _edge_aware(shape, guide) if shape.edge_aware else _brushed(shape, size, shape.radius, shape.softness)
    elif shape.tool == "rectangle":
        covered = strokes.rectangle(shape.points[0], shape.points[1], size)
    elif shape.tool == "lasso":
        covered = strokes.lasso(shape.points, size)
    else:
        covered = strokes.flooded(shape.points[0], shape.tolerance, guide)
    return None if covered is None else _lay(mask, *covered, erase=shape.erase)


def mask_of(shapes: Sequence[Shape], guide: U8) -> U8:
    """Paint shapes one after the other into an empty mask. The same shapes and guide give the same bytes.

    Args:
        shapes: in the order they were painted.
        guide: (H, W, 3) uint8, see `paint`.

    Returns:
        (H, W) uint8, 0…255.

    Raises:
        ValueError: the guide has another shape or dtype.
    """
    mask = np.zeros(guide.shape[:2], np.uint8)
    for shape in shapes:
        paint(mask, shape, guide)
    return mask


def exclusion_mask(shapes: Sequence[Shape], guide: U8) -> U8:
    """Return what shapes exclude: (H, W) uint8, 255 where a pixel is covered by half or more, 0 elsewhere.

    Args:
        shapes: in the order they were painted.
        guide: (H, W, 3) uint8, see `paint`.
    """
    return np.where(mask_of(shapes, guide) >= 128, np.uint8(255), np.uint8(0))


class GrowingStroke:
    """A brush stroke while it is drawn: painted point by point, in the end exactly what `paint` makes of it.

    Edge-aware strokes show the whole brush until they are finished, and then stop at edges.
    """

    def __init__(self, mask: U8, brush: Shape, guide: U8) -> None:
        """Begin a stroke.

        Args:
            mask: (H, W) uint8, painted in place.
            brush: a brush `Shape`, whose points begin the stroke.
            guide: (H, W, 3) uint8, see `paint`.

        Raises:
            ValueError: the stroke has another tool, or an array another shape or dtype.
        """
        _check(guide, mask)
        if brush.tool != "brush":
            raise ValueError(f"a growing stroke with tool {brush.tool!r}, not brush")
        self._mask, self._brush, self._guide = mask, brush, guide
        self._before = mask.copy()
        self._points = list(brush.points)
        self.changed: Region | None = None
        """The part that the stroke has changed so far."""
        for start, end in _segments(self._points):
            self._add(start, end)

    def add(self, x: float, y: float) -> Region | None:
        """Extend the stroke to a point.

        Args:
            x: px.
            y: px.

        Returns:
            The part of the mask that changed by it, None for none.

        Raises:
            UsageError: there is no such point.
        """
        if len(self._points) == MOST_POINTS:
            return None
        self._points.append(_point((x, y)))
        return self._add(*self._points[-2:])

    def finish(self) -> tuple[Shape, Region | None]:
        """Finish the stroke; return it, and the part of the mask that has changed since it began."""
        shape = replace(self._brush, points=tuple(self._points))
        if not shape.edge_aware or self.changed is None:
            return shape, self.changed
        here = within(self.changed)
        self._mask[here] = self._before[here]
        paint(self._mask, shape, self._guide)
        return shape, self.changed

    def cancel(self) -> Region | None:
        """Undo the stroke; return the part of the mask that changed by that."""
        changed, self.changed = self.changed, None
        if changed is not None:
            self._mask[within(changed)] = self._before[within(changed)]
        return changed

    def _add(self, start: Point, end: Point) -> Region | None:
        changed, size = None, (self._mask.shape[0], self._mask.shape[1])
        brush = self._brush
        for region, coverage in strokes.brush_segment(start, end, brush.radius, brush.softness, size):
            changed = joined(changed, _lay(self._mask, region, coverage, erase=brush.erase))
        self.changed = joined(self.changed, changed)
        return changed


def compose(base: U8, layers: Sequence[tuple[U8, U8, float]], region: Region | None = None) -> U8:
    """Join pictures: layers over a base, later ones on top, with softened joins.

    Sums are kept in float and rounded once: where a mask is 255 and no join near, the layer's pixels are unchanged.

    Args:
        base: (H, W, 3) uint8.
        layers: picture (H, W, 3) uint8, mask (H, W) uint8, and feather in px ≥ 0 of each.
        region: the part that is wanted; None: all of it.

    Returns:
        A new (H, W, 3) uint8, or that part of it, exactly as in the whole.

    Raises:
        ValueError: an array has another shape or dtype.
        UsageError: a feather is out of range.
    """
    height, width = base.shape[:2]
    part = Region(0, 0, width, height) if region is None else region
    if part.x < 0 or part.y < 0 or part.x + part.width > width or part.y + part.height > height:
        raise ValueError(f"region {tuple(part)} of a picture of {width}×{height} px")
    result = base[within(part)].astype(np.float32)
    for picture, mask, feather in layers:
        _check(base, mask)
        _check(picture, mask)
        _blend(result, part, picture, mask, _feather_px(feather))
    return np.rint(result).astype(np.uint8)


def soften(mask: U8, feather: float) -> U8:
    """Soften the joins of a mask, (H, W) uint8 → (H, W) uint8, as `compose` does, for display.

    Raises UsageError for a feather out of range.
    """
    return np.rint(_softened(mask, _feather_px(feather)) * np.float32(255)).astype(np.uint8)


def _blend(result: F32, part: Region, picture: U8, mask: U8, feather: int) -> None:
    """Blend a picture over part of another, in place, only where its mask reaches."""
    size = (mask.shape[0], mask.shape[1])
    near = grown(part, feather, size)
    painted = Region(*cv2.boundingRect(mask[within(near)]))
    if not painted.width:
        return
    painted = painted._replace(x=painted.x + near.x, y=painted.y + near.y)
    reach = common(grown(painted, feather, size), part)
    if reach is None:
        return
    # Softening looks as far as the feather: with that margin a part comes out as in the whole.
    around = grown(reach, feather, size)
    alpha = _softened(mask[within(around)], feather)
    alpha = alpha[within(reach._replace(x=reach.x - around.x, y=reach.y - around.y))]
    target = result[within(reach._replace(x=reach.x - part.x, y=reach.y - part.y))]
    target += alpha[..., None] * (picture[within(reach)] - target)


def _softened(mask: U8, feather: int) -> F32:
    """Return a mask as alpha 0…1, its joins spread over exactly ``feather`` px inward and outward.

    Three box filters in a row are nearly a Gaussian, end where they should, cost the same for any width, and
    come out the same on every machine since they add whole numbers.
    """
    levels: NDArray[np.uint16] = mask.astype(np.uint16) * np.uint16(257)
    for i in range(3):
        width = 2 * ((feather + i) // 3) + 1
        if width > 1:
            levels = cv2.blur(levels, (width, width), borderType=cv2.BORDER_REPLICATE).astype(np.uint16, copy=False)
    return levels.astype(np.float32) / np.float32(65535)


def _segments(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Return a brush's segments; the first is the dab where it begins, so that a growing stroke is the same."""
    return [(points[0], points[0]), *pairwise(points)]


def _brushed(shape: Shape, size: tuple[int, int], radius: float, softness: float) -> tuple[Region, U8] | None:
    """Return the coverage of a whole brush stroke, with another radius or softness where asked for."""
    low, high = (tuple(end(axis) for axis in zip(*shape.points, strict=True)) for end in (min, max))
    region = strokes.box_around(size, (low[0], low[1]), (high[0], high[1]), radius + 0.5)
    if region is None:
        return None
    mask = np.zeros(size, np.uint8)
    for start, end in _segments(shape.points):
        for part, coverage in strokes.brush_segment(start, end, radius, softness, size):
            here = mask[within(part)]
            np.maximum(here, coverage, out=here)
    return region, mask[within(region)]


def _edge_aware(shape: Shape, guide: U8) -> tuple[Region, U8] | None:
    size = (guide.shape[0], guide.shape[1])
    whole = _brushed(shape, size, shape.radius, shape.softness)
    core = _brushed(shape, size, strokes.core_radius(shape.radius), 0.0)
    if whole is None or core is None:
        return None
    region, coverage = whole
    centre = np.zeros_like(coverage)
    shift = core[0]._replace(x=core[0].x - region.x, y=core[0].y - region.y)
    centre[within(shift)] = core[1]
    return region, strokes.stopped_at_edges(coverage, centre, guide[within(region)], shape.radius)


def _lay(mask: U8, region: Region, coverage: U8, *, erase: bool) -> Region | None:
    """Add coverage to a mask, or remove it, in place; return the part that changed."""
    here = mask[within(region)]
    after = np.minimum(here, 255 - coverage) if erase else np.maximum(here, coverage)
    x, y, width, height = cv2.boundingRect(here ^ after)
    if not width:
        return None
    here[...] = after
    return Region(region.x + x, region.y + y, width, height)


def _check(picture: U8, mask: U8) -> None:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"a picture of {picture.dtype} {picture.shape}, not (H, W, 3) uint8")
    if mask.shape != picture.shape[:2] or mask.dtype != np.uint8:
        raise ValueError(f"a mask of {mask.dtype} {mask.shape} for a picture of {picture.shape}")


def _feather_px(feather: float) -> int:
    if not 0 <= _number("feather", feather) <= LARGEST_RADIUS:
        raise UsageError(f"a feather of {feather:g} px: use 0 to {LARGEST_RADIUS:g}")
    return round(feather)


def _point(point: Any) -> Point:
    if not isinstance(point, list | tuple) or len(point) != 2:
        raise UsageError(f"a stroke with point {point!r}: give x and y")
    x, y = (_number("coordinate", value) for value in point)
    if max(abs(x), abs(y)) > FARTHEST:
        raise UsageError(f"a stroke with point {x:g}, {y:g}: too far outside the image")
    return round(x, 1) + 0.0, round(y, 1) + 0.0  # never -0.0


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise UsageError(f"a stroke with {name} {value!r}: give a number")
    return float(value)
