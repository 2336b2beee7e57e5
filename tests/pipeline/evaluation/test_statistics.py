"""Intervals and tests against tiny data written out by hand: every resample, every choice of signs."""

from itertools import product

import numpy as np
import pytest

from pipeline.evaluation.statistics import Units, compare, holm, mean_interval, units_of


def exact_signed_rank(differences: list[float]) -> tuple[float, float]:
    """Two-sided p by all choices of signs, and the effect; ranks of ties are their mean."""
    moved = [d for d in differences if d]
    ordered = sorted(abs(d) for d in moved)
    ranks = [float(np.mean([place for place, v in enumerate(ordered, 1) if v == abs(d)])) for d in moved]
    seen = sum(r for r, d in zip(ranks, moved, strict=True) if d > 0)
    middle, total = sum(ranks) / 2, 0.0
    for signs in product((0, 1), repeat=len(moved)):
        total += abs(sum(r for r, s in zip(ranks, signs, strict=True) if s) - middle) >= abs(seen - middle) - 1e-9
    return total / 2 ** len(moved), (2 * seen - sum(ranks)) / sum(ranks)


@pytest.mark.parametrize(
    "differences",
    [
        [0.3, 1.2, -0.1, 2.5, 0.9, 0.4, 1.1], [1, 1, -2, 3, 4, -2], [0, 0.5, 0.25, 0, -1.5], [0.5], [-1.0, -1.0],
        [0.1 * k * (-1) ** (k % 3) for k in range(1, 13)],
    ],
)  # fmt: skip
def test_the_signed_rank_test_is_that_of_all_signs(differences: list[float]) -> None:
    base = np.linspace(20, 30, len(differences))
    found = compare(base + np.array(differences), base, units_of([""] * len(differences)))
    assert found is not None
    p, effect = exact_signed_rank(differences)
    assert [found.p, found.effect] == pytest.approx([p, effect])
    assert found.difference == pytest.approx(np.mean(differences))
    assert (found.better, found.worse) == (sum(d > 0 for d in differences), sum(d < 0 for d in differences))


def test_scenes_are_compared_by_their_means() -> None:
    scenes = ["a", "b", "a", "c", "b", "a", "c", "d", "e", "f"]
    random = np.random.default_rng(1)
    one, other = random.normal(30, 2, 10), random.normal(29, 2, 10)
    one[0] = np.inf  # equal to its clean image: no difference
    other[3] = np.nan  # without a score
    kept = [place for place in range(10) if place not in (0, 3)]
    means = [np.mean([one[p] - other[p] for p in kept if scenes[p] == scene]) for scene in "abcdef"]
    found = compare(one, other, units_of(scenes))
    assert found is not None and found.units == 6
    assert found.p == pytest.approx(exact_signed_rank(means)[0])
    assert found.difference == pytest.approx(np.mean([one[p] - other[p] for p in kept]))
    assert compare(one[:1], other[:1], units_of(["a"])) is None


def test_equal_methods_do_not_differ() -> None:
    values = np.array([20.0, 25, 30])
    found = compare(values, values, units_of([""] * 3))
    assert found is not None and (found.difference, found.p, found.effect) == (0, 1, 0)
    assert found.interval == (0, 0)


def test_float_noise_is_a_tie() -> None:
    """Two runs of one method differ by 1e-7 dB; the report takes them as equal, and its tests as one."""
    random = np.random.default_rng(3)
    values = random.normal(30, 2, 12)
    noisy = values + 1e-7 * random.uniform(0.1, 1, 12)
    noisy[0] += 0.5
    found = compare(noisy, values, units_of([""] * 12), decimals=6)
    assert found is not None and (found.better, found.worse, found.p) == (1, 0, 1)
    without = compare(noisy, values, units_of([""] * 12))
    assert without is not None and without.better == 12 and without.p < 0.001


def test_units() -> None:
    assert units_of(["", "", ""]).of.tolist() == units_of(["a", "a", "a"]).of.tolist() == [0, 1, 2]
    assert not units_of(["a", "a"]).are_scenes
    mixed = units_of(["a", "", "b", "a", ""])
    assert mixed.of.tolist() == [0, 1, 2, 0, 3] and mixed.are_scenes and mixed.count == 4


def every_resample(sums: list[float], counts: list[float]) -> np.ndarray:
    draws = list(product(range(len(sums)), repeat=len(sums)))
    return np.sort([sum(sums[i] for i in d) / sum(counts[i] for i in d) for d in draws])


def test_intervals_are_those_of_whole_scenes() -> None:
    """The bootstrap's own distribution, by every resample of five scenes; BCa written out beside it."""
    from scipy.stats import norm

    values = np.array([20.0, 21, 30, 26, 27, 28, 33, 24, 25])
    scenes = ["a", "a", "b", "c", "c", "c", "d", "e", "e"]
    sums, counts = [41.0, 30, 81, 33, 49], [2.0, 1, 3, 1, 2]
    means = every_resample(sums, counts)
    mean = values.mean()
    below = (np.mean(means < mean) + np.mean(means <= mean)) / 2
    left_out = np.array([(values.sum() - s) / (9 - n) for s, n in zip(sums, counts, strict=True)])
    far = left_out.mean() - left_out
    bend = (far**3).sum() / (6 * ((far**2).sum()) ** 1.5)
    shift = norm.ppf(below)
    bounds = [norm.cdf(shift + (shift + norm.ppf(q)) / (1 - bend * (shift + norm.ppf(q)))) for q in (0.025, 0.975)]
    expected = np.quantile(means, bounds)
    found = mean_interval(values, units_of(scenes))
    assert found == pytest.approx(expected, abs=0.35)  # 2000 draws of 3125
    assert found.low < mean < found.high
    alone = mean_interval(values, units_of([""] * 9))
    assert alone != found and mean_interval(values, units_of(scenes)) == found


def test_large_sets_take_percentiles_and_agree_with_theory() -> None:
    values = np.random.default_rng(2).normal(30, 3, 1500)
    found = mean_interval(values, Units(np.arange(1500), are_scenes=False))
    half = 1.96 * values.std(ddof=1) / 1500**0.5
    assert found == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 8)


def test_what_has_no_interval() -> None:
    assert np.isnan(mean_interval(np.array([20.0, np.inf]), units_of(["", ""]))).all()
    assert mean_interval(np.array([20.0, 20, np.inf]), units_of([""] * 3)) == (20, 20)


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []
