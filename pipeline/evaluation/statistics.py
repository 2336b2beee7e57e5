"""Intervals of means, and tests between methods, over units that are independent of each other.

Frames of a scene are alike, so the unit is the scene where scenes are named: whole scenes are drawn in the bootstrap,
and means of scenes are compared in the test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

LEVEL = 0.95
"""Confidence level of intervals."""

RESAMPLES = 2000
SEED = 0

MOST_BCA = 500
"""Units up to which the bootstrap is bias-corrected and accelerated (BCa); its jackknife takes their square."""

_BATCH = 2_000_000
"""Values that the bootstrap draws at once."""

_MOST_EXACT, _MOST_PERMUTED = 50, 13
"""Units up to which p is exact: without ties by the distribution of ranks, with ties by all 2^n signs."""

_DECIMALS = 9
"""Differences are rounded to this many decimals: means of equal values must tie."""


class Interval(NamedTuple):
    """Bounds of a mean at `LEVEL`; NaN where there are fewer than two units."""

    low: float
    high: float


NO_INTERVAL = Interval(nan, nan)


@dataclass(frozen=True)
class Units:
    """What is drawn in the bootstrap and compared in tests.

    of: (N,) int64, for each picture the number of its unit. are_scenes: whether they are scenes; else pictures.
    """

    of: I64
    are_scenes: bool

    @property
    def count(self) -> int:
        """Return the number of units."""
        return int(self.of.max(initial=-1)) + 1


def units_of(scenes: Sequence[str]) -> Units:
    """Return the units of some pictures.

    Args:
        scenes: scene of each picture, "" where it is not known. Such a picture is a unit of its own; with fewer than
            two named scenes every picture is.
    """
    are_scenes = len(set(scenes) - {""}) > 1
    keys = [scene if are_scenes and scene else place for place, scene in enumerate(scenes)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return Units(np.array([numbers[key] for key in keys], np.int64), are_scenes)


def mean_interval(values: F64, units: Units) -> Interval:
    """Return the bootstrap interval of the mean over pictures, drawn by units.

    Args:
        values: (N,) float64 of each picture; those that are not finite are left out.
        units: of the same pictures.
    """
    from scipy.stats import bootstrap

    sums, counts = _by_unit(values, units)
    if len(sums) < 2:
        return NO_INTERVAL
    means = np.round(sums / counts, _DECIMALS)
    if (means == means[0]).all():  # a bootstrap of equal values has no spread to correct
        return Interval(float(sums.sum() / counts.sum()), float(sums.sum() / counts.sum()))
    found = bootstrap(
        (sums, counts),
        _ratio,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=max(1, _BATCH // len(sums)),
        confidence_level=LEVEL,
        method="BCa" if len(sums) <= MOST_BCA else "percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    low, high = float(found.low), float(found.high)
    return Interval(low, high) if isfinite(low) and isfinite(high) else NO_INTERVAL


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Paired differences between two methods.

    images: pictures with a finite score by both. difference: mean over them of the first method minus the other;
    interval: of that, drawn by units. units: number of those compared. better, worse: units in which the first method
    has the higher or lower mean. statistic, p: of Wilcoxon's signed-rank test, two-sided, over means of units. effect:
    matched-pairs rank-biserial correlation, 1 where the first method is better in every unit, −1 where it is worse.
    """

    images: int
    difference: float
    interval: Interval
    units: int
    better: int
    worse: int
    statistic: float
    p: float
    effect: float


def compare(first: F64, other: F64, units: Units, decimals: int = _DECIMALS) -> Comparison | None:
    """Compare two methods over the pictures for which both have a finite score; None where there are none.

    Args:
        first: (N,) float64, scores of the first method.
        other: (N,) float64, of the other one for the same pictures.
        units: of these pictures.
        decimals: to which differences of units are rounded: smaller ones are ties.
    """
    with np.errstate(invalid="ignore"):
        differences = first - other
    finite = np.isfinite(differences)
    if not finite.any():
        return None
    sums, counts = _by_unit(differences, units)
    means = np.round(sums / counts, decimals)
    test = _signed_rank(means)
    return Comparison(
        images=int(finite.sum()),
        difference=float(differences[finite].mean()),
        interval=mean_interval(differences, units),
        units=len(means),
        better=int((means > 0).sum()),
        worse=int((means < 0).sum()),
        statistic=test.statistic,
        p=test.p,
        effect=test.effect,
    )


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected by Holm's method, in the same order."""
    corrected, largest = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda place: values[place])):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = largest
    return corrected


class _SignedRank(NamedTuple):
    """Statistic, two-sided p and effect size of a signed-rank test."""

    statistic: float
    p: float
    effect: float


def _signed_rank(differences: F64) -> _SignedRank:
    """Compute Wilcoxon's signed-rank test; zeros are left out."""
    from scipy.stats import PermutationMethod, rankdata, wilcoxon

    moved = differences[differences != 0]
    if len(moved) == 0:
        return _SignedRank(0.0, 1.0, 0.0)
    ranks = rankdata(np.abs(moved))
    effect = float(ranks[moved > 0].sum() - ranks[moved < 0].sum()) / float(ranks.sum())
    if len(np.unique(ranks)) == len(ranks) <= _MOST_EXACT:
        found = wilcoxon(moved, method="exact")
    elif len(moved) <= _MOST_PERMUTED:
        found = wilcoxon(moved, method=PermutationMethod(n_resamples=1 << len(moved)))
    else:
        found = wilcoxon(moved, method="approx")
    return _SignedRank(float(found.statistic), min(1.0, float(found.pvalue)), effect)


def _by_unit(values: F64, units: Units) -> tuple[F64, F64]:
    """Return sums and counts of the finite values in each unit that has any."""
    finite = np.isfinite(values)
    of = units.of[finite]
    counts = np.bincount(of, minlength=units.count).astype(np.float64)
    sums = np.bincount(of, weights=values[finite], minlength=units.count).astype(np.float64)
    return sums[counts > 0], counts[counts > 0]


def _ratio(sums: F64, counts: F64, axis: int = -1) -> F64:
    return np.asarray(sums.sum(axis) / counts.sum(axis))
