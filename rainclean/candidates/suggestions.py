"""Proposals for a person: where another candidate is better, and where no candidate is to be trusted.

Both come from the candidates of one sequence alone and are ordinary lasso strokes (`composite.Shape`), so that
accepting one is the same as drawing it. They are looked for in a smaller picture: what a person would paint is
not a matter of single pixels.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.candidates.quality import total_map
from rainclean.compositing import Shape
from rainclean.moving import Areas
from rainclean.temporal import luma
from rainclean.video import Region

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

MOST = 8
"""Suggestions of each kind: more would be noise to a person."""

GAIN = 3.0
"""Grey levels of defects by which another candidate has to be better, beyond what it is all over."""

OUTSTANDING = 3.0
"""It also has to be so many times what gains spread upward (median to upper quartile) over the picture."""

DISPUTE = 10.0
"""Grey levels that candidates have to be apart, a quarter at each end left out: noise and unlike percentiles make
1 to 5 of a still scene."""

CLEAR = 2.0
"""A proposal holds a place at which its measure is this many times the least: faint patches stay out."""

SMALLEST_SHARE = 0.0006
"""Share of the picture below which an area is a speck: 35×35 px at 1080p."""

STOOD = "somebody or something stayed here for a long time"
"""What a person is told where a passing thing hides the place in many frames."""

_PIXELS = 500_000
_SMOOTH = 15
_MARGIN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One area that a person may want to act on.

    kind: "compose", paint another candidate here; "exclude", trust no candidate here. candidate: index of the
    one to paint, None for "exclude". shapes: lassos around the area, px of the candidate picture. region: what
    they span. reason: for a person. strength: mean over the area, in grey levels; the larger, the clearer.
    """

    kind: Literal["compose", "exclude"]
    candidate: int | None
    shapes: tuple[Shape, ...]
    region: Region
    reason: str
    strength: float


def suggest(
    pictures: Iterable[U8], target: F32 | None, reference: U8, current: int, areas: Areas | None = None
) -> list[Suggestion]:
    """Suggestions of both kinds, at most `MOST` of each: where things were found to move, then strongest first.

    pictures: the candidates, (H, W, 3) uint8 RGB each; taken one after the other, so that they may be loaded on the
    way. target: (H, W) float32, see `temporal.shortest_interval_midpoint`; without it nothing says which of two
    candidates is better, and only "exclude" comes. reference: (H, W, 3) uint8, the rainy frame. current: index of the
    candidate that a person looks at. areas: where things were found to move; what is in doubt there is suggested to be
    excluded. Raises ValueError for pictures of different sizes and no such candidate.
    """
    size = (reference.shape[0], reference.shape[1])
    step = max(1, math.ceil(math.sqrt(size[0] * size[1] / _PIXELS)))
    near = None if target is None else _reduced(target, step)
    rain = _reduced(luma(reference), step)
    lumas: list[U8] = []
    defects: list[F32] = []
    for picture in pictures:
        if picture.shape != reference.shape:
            raise ValueError(f"a candidate of {picture.shape}, the reference frame of {reference.shape}")
        small = _reduced(luma(picture), step)
        lumas.append(_smoothed(small, step))
        if near is not None:
            defects.append(_defects(small, rain, near, step))
    if not 0 <= current < len(lumas):
        raise ValueError(f"candidate {current} of {len(lumas)}")
    apart = _dispute(lumas) if len(lumas) > 1 else np.zeros(lumas[0].shape, np.float32)
    moving, doubtful = _moving(areas, apart, step, size) if areas is not None else ([], np.zeros(apart.shape, np.bool_))
    found = _compositions(defects, current, step, size) if defects else []
    # What is in doubt is said once, and why.
    disputed = _exclusions(np.where(doubtful, np.float32(0), apart), step, size)[: MOST - len(moving)]
    return moving + sorted(found + disputed, key=lambda s: -s.strength)


def _moving(areas: Areas, apart: F32, step: int, size: tuple[int, int]) -> tuple[list[Suggestion], NDArray[np.bool_]]:
    """Areas in doubt by the kind of what moves there, the largest first; and where that is, (h, w) bool."""
    from rainclean.moving import OTHER, OTHER_TEXT, TEXTS

    if areas.doubtful.shape != size:
        raise ValueError(f"areas of {areas.doubtful.shape}, the reference frame of {size}")
    texts = {**TEXTS, "passing": STOOD, OTHER: OTHER_TEXT}
    found: list[tuple[int, Suggestion]] = []
    covered = np.zeros(apart.shape, np.bool_)
    for kind, mask in sorted(areas.kinds.items(), key=lambda each: each[0] == "passing"):  # the least telling last
        doubtful = (mask & areas.doubtful) if kind == "passing" else mask
        small = _reduced(doubtful.astype(np.float32), step)
        for area in _areas(small > 0.5, small, 0.0, step, size):
            strength = float(apart[area].mean())
            shown = _suggestion(area, step, size, kind="exclude", candidate=None, reason=texts[kind], strength=strength)
            found.append((int(np.count_nonzero(area & ~covered)), shown))
            covered |= area
    found.sort(key=lambda each: -each[0])
    return [shown for number, shown in found if number][:MOST], covered


def _compositions(defects: list[F32], current: int, step: int, size: tuple[int, int]) -> list[Suggestion]:
    """Areas where another candidate has far weaker defects; one candidate for each, the best over the area."""
    gain = defects[current] - np.minimum.reduce(defects)
    # A candidate that is worse all over, here more and there less, calls for another base and not for a brush.
    usual, often = np.percentile(gain, (50, 75))
    gain -= np.float32(usual)
    least = max(GAIN, OUTSTANDING * float(often - usual))
    found = []
    for area in _areas(gain > least, gain, CLEAR * least, step, size):
        here = [float(d[area].mean()) for d in defects]
        better = int(np.argmin(here))
        strength = here[current] - here[better]
        if strength > GAIN:
            reason = f"this candidate scores {strength:.0f} grey levels better"
            found.append(
                _suggestion(area, step, size, kind="compose", candidate=better, reason=reason, strength=strength)
            )
    return _strongest(found)


def _exclusions(apart: F32, step: int, size: tuple[int, int]) -> list[Suggestion]:
    """Areas where the candidates disagree: passers-by, waving branches, splashes."""
    found = []
    for area in _areas(apart > DISPUTE, apart, CLEAR * DISPUTE, step, size):
        strength = float(apart[area].mean())
        reason = f"the candidates differ by {strength:.0f} grey levels here"
        found.append(_suggestion(area, step, size, kind="exclude", candidate=None, reason=reason, strength=strength))
    return _strongest(found)


def _dispute(lumas: list[U8]) -> F32:
    """How far candidates are apart at each pixel, (h, w) float32 in grey levels, whatever a quarter of them say.

    A few outliers among candidates that agree are their own fault and no reason to exclude. Each candidate is
    first brought to the brightness of the first, since unlike percentiles are unlike all over.
    """
    levels = np.array(lumas, np.int16)
    for other in levels[1:]:
        other -= np.int16(np.median((other - levels[0])[::4, ::4]))
    levels.sort(axis=0)
    outliers = len(levels) // 4
    return (levels[len(levels) - 1 - outliers] - levels[outliers]).astype(np.float32)


def _defects(small: U8, rain: U8, near: F32, step: int) -> F32:
    return np.asarray(_smoothed(total_map(small, rain, near), step), np.float32)


def _areas(
    mask: NDArray[np.bool_], measure: F32, clear: float, step: int, size: tuple[int, int]
) -> list[NDArray[np.bool_]]:
    """Areas of a mask, those close together joined; specks, and those that are nowhere clear, dropped."""
    width = 2 * round(_SMOOTH / step / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    smallest = max(4.0, SMALLEST_SHARE * size[0] * size[1] / step**2)
    areas = []
    for i in range(1, count):
        area = parts == i
        if stats[i, cv2.CC_STAT_AREA] >= smallest and measure[area].max() >= clear:
            areas.append(area)
    return areas


def _suggestion(
    area: NDArray[np.bool_],
    step: int,
    size: tuple[int, int],
    *,
    kind: Literal["compose", "exclude"],
    candidate: int | None,
    reason: str,
    strength: float,
) -> Suggestion:
    shapes = _outlines(area, step, size)
    points = np.array([point for shape in shapes for point in shape.points])
    low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
    region = Region(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))
    return Suggestion(kind=kind, candidate=candidate, shapes=shapes, region=region, reason=reason, strength=strength)


def _outlines(area: NDArray[np.bool_], step: int, size: tuple[int, int]) -> tuple[Shape, ...]:
    """Lassos around an area, a few px wider than it, its holes filled."""
    margin = max(1, round(_MARGIN / step))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1,) * 2)
    wide = cv2.dilate(area.astype(np.uint8), kernel)
    outlines, _ = cv2.findContours(wide, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    shapes = []
    for outline in outlines:
        corners = cv2.approxPolyDP(outline, 1.0, closed=True)[:, 0].astype(np.float64)
        points = np.clip((corners + 0.5) * step, 0, size[::-1])
        shapes.append(Shape("lasso", tuple((float(x), float(y)) for x, y in points)))
    return tuple(shapes)


def _strongest(found: list[Suggestion]) -> list[Suggestion]:
    return sorted(found, key=lambda s: -s.strength)[:MOST]


def _smoothed(picture: U8 | F32, step: int) -> Any:
    width = 2 * round(_SMOOTH / step / 2) + 1
    return cv2.blur(picture, (width, width))


def _reduced(picture: U8 | F32, step: int) -> Any:
    if step == 1:
        return picture
    height, width = (-(-n // step) for n in picture.shape)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
