"""Judging a clean image without the truth: four defects, each a map over the picture in grey levels.

All compare the candidate with what the clip itself says: with the target of each pixel
(`temporal.shortest_interval_midpoint`, where its values over time lie closest together) and with the rainy reference
frame. A defect's score is the mean of its map; the total is their sum, so 0 is perfect and lower is better. Healthy
candidates owe most of their total to temporal disagreement: the other three leave a margin for noise and speak up when
something is really wrong.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled
from rainclean.candidates.defects import OUR_DEFECTS, defects_from_outside
from rainclean.temporal import luma

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]
Result = TypeVar("Result")

STREAK_MARGIN = 2
"""Grey levels by which thin bright structure may exceed the target's: what noise does."""

DARK_MARGIN = 3.0
"""Grey levels by which a neighbourhood may be darker than its target: what a well chosen percentile does."""

DETAIL_MARGIN = 4.0
"""Grey levels by which a vertical edge may be weaker than in the rainy frame: what noise there does."""

RAIN_MARGIN = 6.0
"""A pixel of the rainy frame this much brighter than its target is taken for rain."""

_HALO = 3
_STRIP = 128


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Defects of one candidate in grey levels, lower is better.

    more: by name, of defects that were registered from outside.
    """

    streaks: float
    detail: float
    darkening: float
    disagreement: float
    more: Mapping[str, float] = field(default_factory=dict)

    def judged(self, error: float) -> "Scores":
        """The same with an expected error (`evidence`) in the place of the distance from the target."""
        return replace(self, disagreement=error)

    @property
    def total(self) -> float:
        """Sum of all: what candidates are ordered by."""
        return self.streaks + self.detail + self.darkening + self.disagreement + sum(self.more.values())

    @property
    def ours(self) -> dict[str, float]:
        """Those of rainclean's own defects, by name."""
        return {defect.name: float(getattr(self, defect.name)) for defect in OUR_DEFECTS}

    @property
    def by_name(self) -> dict[str, float]:
        """All of them."""
        return {**self.ours, **self.more}


def leftover_streaks(candidate: U8, target: F32) -> F32:
    """Streaks that were left: thin bright structure that the target does not have.

    candidate: (H, W) uint8 luma, target: (H, W) float32; returns (H, W) float32 in grey levels. Thin and
    bright: what a white top-hat over 7 px across takes away (more in pictures of over 720 lines, see
    `_streak_width`), which catches streaks narrower than that at any slant but the horizontal.
    """
    width = _streak_width(target)
    return _left_over(_thin(candidate, width), _thin(np.rint(target).clip(0, 255).astype(np.uint8), width))


def lost_detail(candidate: U8, reference: U8, target: F32) -> F32:
    """Detail that was lost: vertical edges of the rainy frame that are weaker in the candidate.

    candidate, reference: (H, W) uint8 luma, target: (H, W) float32; returns (H, W) float32 in grey levels per
    px. Rain falls, so a streak has hardly any vertical edge but its ends; pixels of the rainy frame that are
    brighter than their target are left out together with their neighbours.
    """
    return _lost(_vertical_edges(candidate), _vertical_edges(reference), _under_rain(reference, target))


def darkening(candidate: U8, target: F32) -> F32:
    """How much darker than its target a neighbourhood of 5×5 px has become, as low percentiles make it.

    candidate: (H, W) uint8 luma, target: (H, W) float32; returns (H, W) float32 in grey levels.
    """
    return np.maximum(cv2.blur(target - candidate, (5, 5)) - np.float32(DARK_MARGIN), 0)


def temporal_disagreement(candidate: U8, target: F32) -> F32:
    """Distance of each pixel from where its values over time lie densest, in grey levels.

    candidate: (H, W) uint8 luma, target: (H, W) float32; returns (H, W) float32.
    """
    return np.abs(candidate - target)


def total_map(candidate: U8, reference: U8, target: F32) -> F32:
    """All defects of each pixel added up.

    candidate, reference: (H, W) uint8 luma, target: (H, W) float32; returns (H, W) float32 in grey levels.
    """
    total = leftover_streaks(candidate, target)
    total += lost_detail(candidate, reference, target)
    total += darkening(candidate, target)
    total += temporal_disagreement(candidate, target)
    for defect in defects_from_outside():
        assert defect.measure is not None
        total += np.float32(defect.weight) * defect.measure(candidate, reference, target)
    return total


class Judge:
    """Scores candidates of one sequence; what they are compared with is made ready once.

    reference: (H, W) uint8 luma of the rainy frame; target: (H, W) float32, a robust estimate of the clean luma.
    """

    def __init__(self, reference: U8, target: F32, pool: ThreadPoolExecutor | None = None) -> None:
        """pool: runs strips side by side, here and in `score`."""
        self._target, self._reference, self._pool = target, reference, pool
        self._width = _streak_width(target)
        self._expected = np.empty(target.shape, np.uint8)
        self._edges = np.empty(target.shape, np.float32)
        self._rain = np.empty(target.shape, np.bool_)

        def strip(top: int) -> None:
            outer, inner = self._strip(top)
            near, rainy = target[outer], reference[outer]
            rows = slice(top, min(top + _STRIP, len(target)))
            self._expected[rows] = _thin(np.rint(near).clip(0, 255).astype(np.uint8), self._width)[inner]
            self._edges[rows] = _vertical_edges(rainy)[inner]
            self._rain[rows] = _under_rain(rainy, near)[inner]

        self._each(strip)

    def score(self, candidate: U8) -> Scores:
        """Scores of one candidate, (H, W, 3) uint8 RGB.

        Works in strips, so that a 4K picture needs no large temporaries.
        """

        def strip(top: int) -> NDArray[np.float64]:
            # Maps look up to 3 px beyond a pixel: strips overlap by that and the overlap is not counted twice.
            outer, inner = self._strip(top)
            picture, near = luma(candidate[outer]), self._target[outer]
            darker = np.asarray(cv2.blur(near - picture, (5, 5)), np.float32)
            thin, edges = _thin(picture, self._width), _vertical_edges(picture)
            rows = slice(outer.start + inner.start, outer.start + inner.stop)
            sums = np.zeros((4, near.shape[1]), np.float32)
            _add_up(
                picture[inner], thin[inner], edges[inner], darker[inner],
                self._target[rows], self._expected[rows], self._edges[rows], self._rain[rows], sums,
            )  # fmt: skip
            return np.asarray(sums.sum(axis=1, dtype=np.float64))

        sums = np.sum(self._each(strip), axis=0)
        streaks, detail, darker, disagreement = (float(s) / self._target.size for s in sums)
        return Scores(
            streaks=streaks, detail=detail, darkening=darker, disagreement=disagreement, more=self._more(candidate)
        )

    def _more(self, candidate: U8) -> dict[str, float]:
        """Scores by what was registered from outside."""
        more, picture = {}, None
        for defect in defects_from_outside():
            assert defect.measure is not None
            picture = luma(candidate) if picture is None else picture
            found = defect.measure(picture, self._reference, self._target)
            more[defect.name] = defect.weight * float(found.mean(dtype=np.float64))
        return more

    def _strip(self, top: int) -> tuple[slice, slice]:
        """Rows that a strip looks at, and which of those are its own."""
        height = len(self._target)
        start, stop = max(0, top - _HALO), min(height, top + _STRIP + _HALO)
        return slice(start, stop), slice(top - start, min(top + _STRIP, height) - start)

    def _each(self, job: Callable[[int], Result]) -> list[Result]:
        tops = range(0, len(self._target), _STRIP)
        return list(self._pool.map(job, tops) if self._pool else map(job, tops))


def score(candidate: U8, reference: U8, target: F32, pool: ThreadPoolExecutor | None = None) -> Scores:
    """Scores of one candidate, (H, W, 3) uint8 RGB; see `Judge`."""
    return Judge(reference, target, pool).score(candidate)


@compiled
def _add_up(
    picture: U8, thin: U8, edges: F32, darker: F32, target: F32, expected: U8, due: F32, rain: Mask, sums: F32
) -> None:
    """The four maps of a strip (R, W), added up by column: ``sums`` (4, W) float32, added to.

    The same as `_left_over`, `_lost`, `darkening` and `temporal_disagreement`, without a picture of each.
    """
    none = np.float32(0)
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            over = np.float32(thin[y, x]) - np.float32(expected[y, x]) - np.float32(STREAK_MARGIN)
            sums[0, x] += max(over, none)
        for x in range(picture.shape[1]):
            lost = max(due[y, x] - edges[y, x] - np.float32(DETAIL_MARGIN), none)
            sums[1, x] += none if rain[y, x] else lost
        for x in range(picture.shape[1]):
            sums[2, x] += max(darker[y, x] - np.float32(DARK_MARGIN), none)
        for x in range(picture.shape[1]):
            sums[3, x] += abs(np.float32(picture[y, x]) - target[y, x])


def _vertical_edges(picture: U8) -> F32:
    """Absolute vertical difference over 2 px, smoothed across, in grey levels: (H, W) uint8 → float32."""
    smooth: F32 = cv2.GaussianBlur(picture.astype(np.float32), (3, 3), 0).astype(np.float32, copy=False)
    edges: F32 = np.empty_like(smooth)
    edges[0] = edges[-1] = 0
    if len(edges) > 2:
        cv2.absdiff(smooth[2:], smooth[:-2], dst=edges[1:-1])
    return edges


def _thin(picture: U8, width: int) -> U8:
    """Bright structure narrower than ``width`` px across."""
    return np.asarray(cv2.morphologyEx(picture, cv2.MORPH_TOPHAT, np.ones((1, width), np.uint8)), np.uint8)


def _left_over(thin: U8, expected: U8) -> F32:
    return np.maximum(thin.astype(np.float32) - expected - np.float32(STREAK_MARGIN), 0)


def _under_rain(reference: U8, target: F32) -> NDArray[np.bool_]:
    """Pixels of the rainy frame that are brighter than their target, and their neighbours."""
    rain = (reference - target > RAIN_MARGIN).astype(np.uint8)
    return np.asarray(cv2.dilate(rain, np.ones((5, 5), np.uint8)) > 0)


def _lost(edges: F32, expected: F32, rain: NDArray[np.bool_]) -> F32:
    lost = np.maximum(expected - edges - np.float32(DETAIL_MARGIN), 0)
    lost[rain] = 0
    return lost


def _streak_width(picture: F32) -> int:
    """Width of the top-hat in px, odd: 7 up to a shorter side of 720 px, 9 at 1080, 19 at 2160."""
    return 2 * round(3 * max(1.0, min(picture.shape) / 720)) + 1
