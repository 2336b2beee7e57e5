"""Candidates: the sweep of recipes, the frames they use, and their pictures, near-identical ones merged."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean import _kernels
from rainclean.candidates.estimators import (
    PERCENTILE,
    FramesEstimator,
    SortedEstimator,
    estimator_of,
    sweep_estimators,
)
from rainclean.candidates.quality import Scores
from rainclean.candidates.recipe import Recipe
from rainclean.stabilization import Bounds
from rainclean.temporal import LocalVotes, Planes, Query, Votes

U8 = NDArray[np.uint8]

SWEEP_FRAMES = (20, 40, 100, 200, 400)
"""N of the default sweep, as far as the clip goes."""

SWEEP_VERSION = 4
"""Raised when a sweep makes other candidates: sequences that an older one was made of are analysed again."""

SWEEP_OFFSETS = (0, -5, 5, -10, 10)
"""Offsets to η* of the default sweep, nearest first; the median comes on top."""

SAME_LEVELS_SHARE = 0.999
"""Share of values that must be at most one level apart for two candidates to be near-identical."""


@dataclass(frozen=True)
class Selection:
    """Which frames of a clip are used, and which of them each window holds.

    indices: rising frame indices in the clip. reference: position of the reference frame in ``indices``.
    windows: (start, stop) positions, each within the next, the last one everything.
    """

    indices: tuple[int, ...]
    reference: int
    windows: tuple[tuple[int, int], ...]

    @property
    def reference_frame(self) -> int:
        """Index of the reference frame in the clip."""
        return self.indices[self.reference]

    @property
    def sizes(self) -> tuple[int, ...]:
        """N of each window."""
        return tuple(stop - start for start, stop in self.windows)

    def around(self, reference: int) -> "Selection":
        """Windows of the same sizes around another position."""
        return replace(self, reference=reference, windows=_nested(reference, len(self.indices), self.sizes))


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One clean image and how it came about.

    percentile: looked up, 0…100. eta: η* of its window. silent_share: pixels without a vote, 0…1. row: where
    its picture lies among the candidate planes. merged: names of near-identical recipes it stands for.
    """

    recipe: Recipe
    percentile: float
    eta: int
    silent_share: float
    row: int
    merged: tuple[str, ...] = ()
    scores: Scores | None = field(default=None, compare=False)


def sweep(frame_count: int, most: int | None = None) -> list[Recipe]:
    """Recipes of the default sweep over a clip of ``frame_count`` frames, smallest window first.

    With ``most``, only that many frames around the reference frame are used. Without, at most 400: a clip of
    800 frames and more is taken by an even stride, so that those 400 span as much of it as they can. Offsets
    that the vote will clamp to the same percentile are sorted out later, by `distinct`.
    """
    longest = SWEEP_FRAMES[-1]
    stride = 1 if most is not None else max(1, frame_count // longest)
    usable = min(frame_count, longest if most is None else most)
    sizes = [*(n for n in SWEEP_FRAMES if n < usable), usable]
    return [
        recipe
        for n in sizes
        for recipe in (
            *(Recipe(n, stride=stride, offset=float(offset)) for offset in SWEEP_OFFSETS),
            Recipe(n, stride=stride, percentile=50.0),
        )
    ]


def select_frames(frame_count: int, recipes: Sequence[Recipe], reference: int | None = None) -> Selection:
    """The frames that recipes of one kind of window and one stride need, and the windows they make.

    reference: index of the reference frame in the clip, the middle one if None; for "first" windows it is
    the middle one of the frames used. Raises ValueError where the clip is too short.
    """
    stride, kind = recipes[0].stride, recipes[0].window
    if any((r.stride, r.window) != (stride, kind) for r in recipes):
        raise ValueError("recipes of different windows or strides need stacks of their own")
    sizes = sorted({r.frames for r in recipes})
    if kind == "first":
        usable, middle = range(0, frame_count, stride), 0
    else:
        chosen = frame_count // 2 if reference is None else reference
        usable = range(chosen % stride, frame_count, stride)
        middle = usable.index(chosen)
    if sizes[-1] > len(usable):
        raise ValueError(f"{len(usable)} frames, {sizes[-1]} needed")
    outer = min(max(middle - sizes[-1] // 2, 0), len(usable) - sizes[-1])
    windows = _nested(middle - outer, sizes[-1], sizes)
    indices = tuple(usable[outer : outer + sizes[-1]])
    if kind == "first" and reference is None:
        return Selection(indices, len(indices) // 2, windows)
    try:
        return Selection(indices, indices.index(usable[middle] if reference is None else reference), windows)
    except ValueError:
        raise ValueError(f"frame {reference} is not among the frames used") from None


def _nested(reference: int, count: int, sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Windows of rising sizes around a position among ``count``, shifted where frames end."""
    starts = [min(max(reference - n // 2, 0), count - n) for n in sizes]
    return tuple((start, start + n) for start, n in zip(starts, sizes, strict=True))


class Resolved(NamedTuple):
    """A recipe, its percentile in a window, and the names of other recipes with the same percentile there."""

    recipe: Recipe
    percentile: float
    merged: tuple[str, ...]


def distinct(recipes: Sequence[Recipe], eta: int) -> list[Resolved]:
    """Resolve the recipes of one window, one for each percentile, in the order of the recipes."""
    first: dict[float, list[Recipe]] = {}
    for recipe in recipes:
        first.setdefault(recipe.resolve(eta), []).append(recipe)
    return [Resolved(same[0], percentile, tuple(r.name for r in same[1:])) for percentile, same in first.items()]


class Rows:
    """The candidates of a stack: one row of the picture store each, those that are looked up window by window.

    recipes: of percentiles; others are added. sizes: N of each window as recipes name it. votes: of each window.
    wanted: what is asked of each window, for `SortedStack.percentiles`. made: recipes that are not looked up, in the
    order of their rows, which come last. refined: index of the window that recipes of other rules are made over.
    """

    def __init__(self, recipes: Sequence[Recipe], sizes: Sequence[int], votes: Sequence[Votes]) -> None:
        self.votes, self.sizes = votes, sizes
        self.wanted: list[list[Query]] = []
        self.made: list[Recipe] = []
        # One recipe of its own may be of a smaller window than that of the frames it was registered with.
        self.refined = max(i for i, size in enumerate(sizes) if any(r.frames == size for r in recipes))
        self._like = recipes[0]
        self._by_window: list[list[Candidate]] = []
        for vote, size in zip(votes, sizes, strict=True):
            same = [r for r in recipes if r.frames == size and r.rule == PERCENTILE]
            found = distinct(same, vote.eta)
            self.wanted.append([each.percentile for each in found])
            self._by_window.append([self._candidate(each.recipe, each.percentile, vote, each.merged) for each in found])

    @property
    def candidates(self) -> list[Candidate]:
        """All of them with their rows; those that are not looked up come last."""
        looked_up = [candidate for window in self._by_window for candidate in window]
        vote = self.votes[self.refined]
        looked_up += [self._candidate(recipe, float(vote.eta), vote) for recipe in self.made]
        return [replace(candidate, row=row) for row, candidate in enumerate(looked_up)]

    def add_sweep(self, window: int, local: LocalVotes) -> None:
        """Add what a sweep makes over one window beside percentiles; but not of near frames.

        local: votes of that window by neighbourhood.
        """
        self.refined = window
        for estimator in sweep_estimators():
            if isinstance(estimator, SortedEstimator | FramesEstimator):
                recipe = replace(
                    self._like, frames=self.sizes[window], percentile=None, offset=0.0, rule=estimator.rule
                )
                self.add(recipe, local)

    def add(self, recipe: Recipe, local: LocalVotes) -> None:
        """Add a recipe of another rule than the percentile. local: votes of `refined` by neighbourhood."""
        estimator = estimator_of(recipe.rule)
        if not isinstance(estimator, SortedEstimator):
            self.made.append(recipe)
            return
        vote = self.votes[self.refined]
        self.wanted[self.refined].append(estimator.query(recipe, vote, local))
        self._by_window[self.refined].append(self._candidate(recipe, recipe.resolve(vote.eta), vote))

    @staticmethod
    def _candidate(recipe: Recipe, percentile: float, vote: Votes, merged: tuple[str, ...] = ()) -> Candidate:
        return Candidate(
            recipe=recipe, percentile=percentile, eta=vote.eta, silent_share=vote.silent_share, row=0, merged=merged
        )


class PictureStore:
    """Pictures of all candidates, filled band by band from several threads, and how far they are apart.

    planes: room for (candidates, 3·P) samples. bounds: every picture is brought within them; None: there are none. Two
    candidates are known apart, and no longer compared, once
    more values than SAME_LEVELS_SHARE allows differ by more than one level.
    """

    def __init__(self, planes: Planes, shape: tuple[int, int, int], bounds: Bounds | None = None) -> None:
        self._planes, self._shape = planes, shape
        self._bounds = None if bounds is None else (bounds.lowest.reshape(-1), bounds.highest.reshape(-1))
        self._lock = Lock()
        self._apart = np.zeros((planes.rows, planes.rows), np.int64)
        self._pairs = list(combinations(range(planes.rows), 2))
        self._allowed = int((1 - SAME_LEVELS_SHARE) * planes.columns + 1e-9)

    def put(self, band: int, block: U8) -> None:
        """One band of all pictures; ``block`` (candidates, band width) uint8, which is taken over."""
        if self._bounds is not None:
            band_of = slice(*self._planes.bands[band])
            np.clip(block, self._bounds[0][band_of], self._bounds[1][band_of], out=block)
        self._planes.write(0, band, block)
        for i, j in self._pairs:
            if j < len(block) and self._apart[i, j] <= self._allowed:
                count = _kernels.count_apart(block[i], block[j])
                with self._lock:
                    self._apart[i, j] += count

    def put_last(self, pictures: Sequence[U8]) -> None:
        """Whole pictures into the last rows, after all bands of the others; (H, W, 3) uint8 each."""
        first = self._planes.rows - len(pictures)
        flat = [np.ascontiguousarray(picture).reshape(-1) for picture in pictures]
        if self._bounds is not None:
            flat = [np.clip(picture, *self._bounds) for picture in flat]
        for band, (start, stop) in enumerate(self._planes.bands):
            for n, picture in enumerate(flat):
                self._planes.write(first + n, band, picture[None, start:stop])
            alike = [(i, j) for i, j in self._pairs if j >= first and self._apart[i, j] <= self._allowed]
            if not alike:
                continue
            block = self._planes.read_band(band)
            for i, j in alike:
                self._apart[i, j] += _kernels.count_apart(block[i], block[j])

    def same(self, i: int, j: int) -> bool:
        """Whether two pictures are near-identical."""
        return bool(self._apart[min(i, j), max(i, j)] <= self._allowed)

    def picture(self, row: int) -> U8:
        """One picture, (H, W, 3) uint8 RGB; not to be written to."""
        return self._planes.read_row(row).reshape(self._shape)

    def close(self) -> None:
        """Give memory or disk space back."""
        self._planes.close()


def merge_near_identical(candidates: Sequence[Candidate], store: PictureStore) -> list[Candidate]:
    """Keep one of each group of near-identical candidates: one made of all values, else the one of the smallest N.

    A candidate goes if it is near-identical to one that stays; it is then named in that one's ``merged``.
    """
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (not c.recipe.of_all_frames, c.recipe.frames)):
        for i, other in enumerate(kept):
            if store.same(candidate.row, other.row):
                names = (candidate.recipe.name, *candidate.merged)
                kept[i] = replace(other, merged=(*other.merged, *names))
                break
        else:
            kept.append(candidate)
    return kept
