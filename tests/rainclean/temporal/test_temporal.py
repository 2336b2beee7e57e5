"""The temporal prior, held to its definitions (METHOD, section 1) written out pixel by pixel."""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.temporal import prior

LEVELS = np.arange(256)


def stack(seed: int, shape: tuple[int, ...], palette: int = 256) -> np.ndarray:
    """Random frames of ``palette`` different values, the extremes among them."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([[0, 255], rng.choice(LEVELS[1:-1], 254, replace=False)])[:palette]
    return rng.choice(values, shape).astype(np.uint8)


def brute_mode(series: np.ndarray) -> tuple[int, int, int]:
    ordered = sorted(series.tolist())
    counts = Counter(ordered)
    mode = min(value for value, count in counts.items() if count == max(counts.values()))
    return mode, ordered.index(mode), len(ordered) - 1 - ordered[::-1].index(mode)


def brute_votes(lumas: np.ndarray) -> tuple[list[int], int]:
    """Votes for 0…100, and the pixels without one."""
    n, votes, silent = len(lumas), [0] * 101, 0
    for series in lumas.reshape(n, -1).T:
        _, first, last = brute_mode(series)
        held = [e for e in range(101) if Fraction(100 * first, n) <= e <= Fraction(100 * last, n)]
        silent += not held
        for e in held:
            votes[e] += 1
    return votes, silent


def exact_percentile(series: list[int], tenths: int) -> int:
    ordered, place = sorted(series), Fraction(tenths, 1000) * (len(series) - 1)
    below = floor(place)
    above = min(below + 1, len(series) - 1)
    return floor(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def test_luma_is_the_exact_floor_of_bt601() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (200, 101, 3), np.uint8)
    r, g, b = np.moveaxis(rgb.astype(int), -1, 0)
    assert np.array_equal(prior.luma(rgb), (299 * r + 587 * g + 114 * b) // 1000)


def test_luma_of_grey_is_that_grey() -> None:
    assert np.array_equal(prior.luma(np.repeat(LEVELS, 3).astype(np.uint8).reshape(256, 3)), LEVELS)


def test_luma_takes_views_that_are_not_contiguous() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (9, 8, 3), np.uint8)
    assert np.array_equal(prior.luma(rgb[::2, ::-1]), prior.luma(rgb[::2, ::-1].copy()))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 999), st.integers(2, 130), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 4, 256]))
def test_mode_and_votes_are_those_of_the_definition(seed: int, n: int, height: int, width: int, palette: int) -> None:
    lumas = stack(seed, (n, height, width), palette)
    mode, first, last = prior.mode_range(prior.sort_stack(lumas))
    expected = np.array([brute_mode(series) for series in lumas.reshape(n, -1).T]).T.reshape(3, height, width)
    assert np.array_equal(np.stack([mode, first, last]), expected)
    votes = prior.count_votes(first, last, n)
    counts, silent = brute_votes(lumas)
    assert votes.counts.tolist() == counts
    assert (votes.silent, votes.pixels, votes.frames) == (silent, height * width, n)
    assert votes.eta == counts.index(max(counts))
    low, high = prior.percentile_range(first, last, n)
    assert np.allclose(low, 100 * expected[1] / n) and np.allclose(high, 100 * expected[2] / n)


def test_of_equal_modes_and_equal_votes_the_lowest_counts() -> None:
    lumas = np.array([9, 9, 3, 3, 5], np.uint8).reshape(5, 1)
    mode, first, last = prior.mode_range(prior.sort_stack(lumas))
    assert (mode[0], first[0], last[0]) == (3, 0, 1)
    votes = prior.count_votes(first, last, 5)
    assert votes.counts.tolist() == [1] * 21 + [0] * 80  # [0, 20], both ends included
    assert votes.eta == 0


def test_ends_of_a_range_are_compared_in_whole_numbers() -> None:
    # 100·7/25 is 28 exactly; in floating point 100 * (7 / 25) is above it.
    for n in (25, 50, 100, 125, 200, 300):
        for i in range(n):
            votes = prior.count_votes(np.array([i], np.int32), np.array([i], np.int32), n)
            at = Fraction(100 * i, n)
            assert votes.silent == (at.denominator != 1)
            assert votes.counts.sum() == (at.denominator == 1)
            assert votes.silent or votes.eta == at


def test_more_than_100_different_values_leave_pixels_silent() -> None:
    rng = np.random.default_rng(2)
    lumas = np.stack([rng.permutation(256)[:150] for _ in range(40)], axis=1).astype(np.uint8)
    _, first, last = prior.mode_range(prior.sort_stack(lumas))
    votes = prior.count_votes(first, last, 150)
    # All modes are the lowest value, at 0 %, which is a whole number: nobody is silent, all say 0.
    assert (votes.silent, votes.eta, votes.counts[0]) == (0, 0, 40)
    one = np.array([1], np.int32)
    assert prior.count_votes(one, one, 150).silent_share == 1


def test_votes_add_up() -> None:
    ones = [prior.count_votes(np.array([i], np.int32), np.array([i + 1], np.int32), 300) for i in range(299)]
    assert sum(ones, prior.Votes.none(300)).pixels == 299
    total = prior.count_votes(np.arange(299, dtype=np.int32), np.arange(1, 300, dtype=np.int32), 300)
    added = sum(ones, prior.Votes.none(300))
    assert np.array_equal(added.counts, total.counts) and added.silent == total.silent > 0
    assert prior.Votes.none(5).silent_share == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 999), st.integers(2, 130), st.integers(1, 40), st.integers(0, 1000))
def test_any_percentile_in_tenths_is_exact(seed: int, n: int, width: int, tenths: int) -> None:
    frames = stack(seed, (n, width))
    got = prior.percentile(prior.sort_stack(frames), tenths / 10)
    assert got.tolist() == [exact_percentile(series, tenths) for series in frames.T.tolist()]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 999), st.integers(2, 130), st.integers(0, 100))
def test_whole_percentiles_are_those_of_the_method_and_within_a_level_of_numpy(seed: int, n: int, eta: int) -> None:
    frames = stack(seed, (n, 5, 3))
    got = prior.percentile(prior.sort_stack(frames), eta)
    s = np.sort(frames, axis=0).astype(int)
    k, r = divmod(eta * (n - 1), 100)
    assert np.array_equal(got, ((100 - r) * s[k] + r * s[min(k + 1, n - 1)]) // 100)
    floats = np.percentile(frames, eta, axis=0)
    # Truncation: numpy is off by a level only where the exact value is (nearly) whole.
    apart = got != np.floor(floats)
    assert np.abs(got - np.floor(floats)).max() <= 1
    assert np.abs(floats - np.rint(floats))[apart].max(initial=0) < 1e-9


def test_percentile_ends_are_minimum_and_maximum() -> None:
    frames = stack(3, (37, 50))
    ordered = prior.sort_stack(frames)
    assert np.array_equal(prior.percentile(ordered, 0), frames.min(axis=0))
    assert np.array_equal(prior.percentile(ordered, 100), frames.max(axis=0))


@pytest.mark.parametrize("eta", [-1, -0.1, 100.1, 101, float("nan"), float("inf")])
def test_percentiles_outside_0_to_100_are_refused(eta: float) -> None:
    with pytest.raises(ValueError):
        prior.percentile(stack(1, (5, 4)), eta)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 999), st.integers(2, 130), st.integers(1, 12), st.integers(1, 12), st.integers(1, 3))
def test_sort_stack_sorts_every_sample_on_its_own(seed: int, n: int, height: int, width: int, workers: int) -> None:
    frames = stack(seed, (n, height, width, 3), palette=20)
    assert np.array_equal(prior.sort_stack(frames, workers), np.sort(frames, axis=0))


def test_sort_stack_sorts_in_several_tiles() -> None:
    frames = stack(1, (300, 8011))  # a tile of 300 frames is 3456 samples wide
    assert np.array_equal(prior.sort_stack(frames), np.sort(frames, axis=0))


@pytest.mark.parametrize("n", [2, 3, 40])
@pytest.mark.parametrize("already", [False, True], ids=["unsorted", "sorted"])
def test_no_function_changes_what_it_is_given(n: int, already: bool) -> None:
    frames = stack(4, (n, 6, 5, 3))
    if already:
        frames = np.sort(frames, axis=0)
    lumas = np.sort(prior.luma(frames), axis=0)
    before, lumas_before = frames.copy(), lumas.copy()
    prior.released(frames)
    ordered = prior.sort_stack(frames)
    prior.percentile(np.sort(frames, axis=0), 33.3)
    _, first, last = prior.mode_range(lumas)
    first_before, last_before = first.copy(), last.copy()
    prior.count_votes(first, last, n)
    prior.shortest_interval_midpoint(lumas)
    assert np.array_equal(frames, before) and np.array_equal(lumas, lumas_before)
    assert np.array_equal(first, first_before) and np.array_equal(last, last_before)
    assert not np.shares_memory(ordered, frames)
    assert not np.shares_memory(prior.percentile(ordered, 0), ordered)


@pytest.mark.parametrize(
    "function",
    [
        prior.sort_stack,
        prior.mode_range,
        lambda s: prior.percentile(s, 50),
        prior.shortest_interval_midpoint,
    ],
)
def test_too_few_frames_and_other_types_are_refused(function: Callable[[np.ndarray], object]) -> None:
    for n in (0, 1):
        with pytest.raises(ValueError, match="at least 2"):
            function(np.zeros((n, 4, 4), np.uint8))
    for kind in (np.float32, np.int64, np.uint16, bool):
        with pytest.raises(ValueError, match="uint8"):
            function(np.zeros((5, 4, 4), kind))


def test_the_released_rule_refuses_too_few_frames_and_other_types() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        prior.released(np.zeros((1, 4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        prior.released(np.zeros((5, 4, 4, 3), np.float64))


def test_luma_refuses_what_is_not_uint8() -> None:
    with pytest.raises(ValueError, match="uint8"):
        prior.luma(np.zeros((4, 4, 3), np.float64))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 999), st.integers(2, 60), st.integers(1, 7), st.integers(1, 7), st.sampled_from([3, 30, 256]))
def test_released_rule_is_the_method_written_out(seed: int, n: int, height: int, width: int, palette: int) -> None:
    frames = stack(seed, (n, height, width, 3), palette)
    r, g, b = np.moveaxis(frames.astype(int), -1, 0)
    counts, silent = brute_votes((299 * r + 587 * g + 114 * b) // 1000)
    eta = counts.index(max(counts))
    expected = [exact_percentile(series, 10 * eta) for series in frames.reshape(n, -1).T.tolist()]
    picture, votes = prior.released(frames)
    assert (votes.eta, votes.silent) == (eta, silent)
    assert picture.shape == (height, width, 3)
    assert picture.reshape(-1).tolist() == expected


def rainy(seed: int, n: int, share: float, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Clean luma (2000,) and ``n`` frames of it of which ``share`` of the samples are rain of any brightness."""
    rng = np.random.default_rng(seed)
    clean = rng.integers(10, 180, 2000)
    frames = clean + rng.normal(0, noise, (n, 2000)) if noise else np.tile(clean, (n, 1))
    rain = rng.random(frames.shape) < share
    return clean, np.clip(np.rint(frames + rain * rng.integers(5, 75, frames.shape)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("n", [40, 101, 300])
def test_crowd_is_the_clean_value_under_sparse_bright_rain(n: int) -> None:
    clean, frames = rainy(5, n, 0.4)
    assert np.array_equal(prior.shortest_interval_midpoint(prior.sort_stack(frames)), clean)


def test_crowd_is_near_the_clean_value_under_noise() -> None:
    clean, frames = rainy(6, 100, 0.2, noise=2)
    error = prior.shortest_interval_midpoint(prior.sort_stack(frames)) - clean
    assert abs(error.mean()) < 0.6
    assert np.abs(error).mean() < 1.5


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 999), st.integers(2, 70), st.sampled_from([2, 5, 256]))
def test_crowd_is_the_middle_of_the_narrowest_quarter(seed: int, n: int, palette: int) -> None:
    frames = stack(seed, (n, 6), palette)
    held = max(2, -(-n // 4))
    for got, series in zip(prior.shortest_interval_midpoint(prior.sort_stack(frames)), frames.T.tolist(), strict=True):
        s = sorted(series)
        spans = [(s[i + held - 1] - s[i], Fraction(s[i] + s[i + held - 1], 2)) for i in range(n - held + 1)]
        middles = [middle for span, middle in spans if span == min(spans)[0]]
        assert got == pytest.approx(float(sum(middles) / len(middles)), abs=1e-4)


@pytest.mark.parametrize("shape", [(2, 3, 4, 3), (100, 5, 7, 3), (33, 4, 6)])
def test_a_percentile_for_each_pixel_is_looked_up_in_each_of_its_channels(
    shape: tuple[int, int, int, int] | tuple[int, int, int],
) -> None:
    ordered = np.sort(stack(3, shape), axis=0)
    etas = (np.random.default_rng(1).integers(0, 1001, shape[1:3]) / 10).astype(np.float32)
    found = prior.percentile_each(ordered, etas)
    for place in np.ndindex(*shape[1:]):
        tenths = round(10 * float(etas[place[:2]]))
        assert found[place] == exact_percentile(ordered[:, *place].tolist(), tenths)


@pytest.mark.parametrize("eta", [0, 0.1, 33.3, 37.5, 50, 99.9, 100])
def test_the_same_percentile_for_each_pixel_is_that_percentile(eta: float) -> None:
    ordered = np.sort(stack(4, (51, 9, 8, 3)), axis=0)
    found = prior.percentile_each(ordered, np.full((9, 8), eta, np.float32))
    assert np.array_equal(found, prior.percentile(ordered, eta))


def test_percentiles_of_pixels_that_are_none_are_refused() -> None:
    ordered = np.zeros((3, 4, 5, 3), np.uint8)
    for etas in (np.zeros((5, 4)), np.full((4, 5), -0.2), np.full((4, 5), 100.2), np.full((4, 5), np.nan)):
        with pytest.raises(ValueError, match="percentiles"):
            prior.percentile_each(ordered, etas.astype(np.float32))
