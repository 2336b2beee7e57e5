"""Scores without a truth: each defect raises its own score, and strips are no part of the result."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.morphology import white_tophat

from rainclean.candidates.quality import (
    DARK_MARGIN,
    DETAIL_MARGIN,
    STREAK_MARGIN,
    Judge,
    Scores,
    darkening,
    leftover_streaks,
    lost_detail,
    score,
    temporal_disagreement,
)
from rainclean.temporal.prior import luma, shortest_interval_midpoint, sort_stack

DEFECTS = ("streaks", "detail", "darkening", "disagreement")


def scene(height: int = 150, width: int = 180) -> np.ndarray:
    """(H, W, 3) uint8: slopes, blocks, and fine horizontal lines that make vertical edges."""
    y, x = np.mgrid[:height, :width]
    grey = 60 + 0.2 * x + 0.3 * y
    grey[height // 3 : height // 2, width // 4 : width // 2] += 50
    grey += 20 * (y % 6 < 3) * (x > width // 2)
    return np.repeat(np.rint(grey)[..., None], 3, axis=-1).astype(np.uint8)


def with_streaks(picture: np.ndarray, strength: float, seed: int = 0) -> np.ndarray:
    """Thin bright streaks, 2 px wide and 25 px long, a little slanted."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(picture.shape[:2], np.uint8)
    for _ in range(picture.shape[0] * picture.shape[1] // 600):
        x, y = rng.integers(0, picture.shape[1]), rng.integers(0, picture.shape[0])
        cv2.line(mask, (int(x), int(y)), (int(x) + 3, int(y) + 25), 1, 2)
    return np.clip(np.rint(picture + strength * mask[..., None]), 0, 255).astype(np.uint8)


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), sigma) if sigma else picture


def darkened(picture: np.ndarray, levels: float) -> np.ndarray:
    return np.rint(np.maximum(picture - levels, 0)).astype(np.uint8)


def disagreeing(picture: np.ndarray, levels: float) -> np.ndarray:
    """Off by so much, as often above as below."""
    signs = np.random.default_rng(1).choice([-1, 1], picture.shape[:2])[..., None]
    return np.clip(np.rint(picture + levels * signs), 0, 255).astype(np.uint8)


def values_of(scores: Scores) -> tuple[float, ...]:
    return tuple(scores.by_name.values())


def scored(candidate: np.ndarray) -> Scores:
    truth = scene(*candidate.shape[:2])
    return score(candidate, luma(with_streaks(truth, 60)), luma(truth).astype(np.float32))


def noise(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A candidate, a reference and a target that have nothing in common: all maps are full."""
    rng = np.random.default_rng(seed)
    target = rng.uniform(0, 255, (height, width)).astype(np.float32)
    rgb, rain = rng.integers(0, 256, (height, width, 3), np.uint8), rng.integers(0, 256, (height, width), np.uint8)
    return rgb, np.minimum(rain, target + 5).astype(np.uint8), target


def test_a_clean_picture_has_no_defect() -> None:
    assert values_of(scored(scene())) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("defect", "spoil", "strengths"),
    [
        ("streaks", with_streaks, (0, 5, 10, 20, 40, 80)),
        ("detail", blurred, (0, 0.6, 1, 1.5, 2.5, 4)),
        ("darkening", darkened, (0, *(DARK_MARGIN + more for more in (1, 3, 6, 12)))),
        ("disagreement", disagreeing, (0, 1, 2, 5, 10, 20)),
    ],
)
def test_each_defect_raises_its_score_with_its_strength(
    defect: str, spoil: Callable[[np.ndarray, float], np.ndarray], strengths: tuple[float, ...]
) -> None:
    values = [scored(spoil(scene(), strength)) for strength in strengths]
    own = [getattr(v, defect) for v in values]
    assert own[0] == 0
    assert all(weak < strong for weak, strong in pairwise(own)), own
    totals = [v.total for v in values]
    assert totals == sorted(totals)


def test_removing_a_defect_makes_its_score_fall() -> None:
    spoilt = with_streaks(darkened(scene(), DARK_MARGIN + 6), 40)
    mended = darkened(scene(), DARK_MARGIN + 6)
    assert scored(mended).streaks < scored(spoilt).streaks
    assert scored(with_streaks(scene(), 40)).darkening < scored(spoilt).darkening


def test_a_rainy_frame_comes_after_a_clean_one() -> None:
    rng = np.random.default_rng(5)
    truth = scene()
    noisy = [with_streaks(truth, 60, seed) + rng.normal(0, 1.5, truth.shape) for seed in range(40)]
    frames = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    ordered = sort_stack(frames)
    target = shortest_interval_midpoint(sort_stack(luma(frames)))
    totals = [score(picture, luma(frames[20]), target).total for picture in (ordered[16], frames[20])]
    assert totals[0] < totals[1] / 3
    ranks = [score(ordered[rank], luma(frames[20]), target).total for rank in (16, 28, 39)]
    assert ranks == sorted(ranks)
    assert score(ordered[16], luma(frames[20]), target).total < score(ordered[0], luma(frames[20]), target).total


def test_the_total_is_the_sum() -> None:
    assert Scores(streaks=1, detail=2, darkening=4, disagreement=8).total == 15


@pytest.mark.parametrize("height", [1, 2, 3, 4, 5, 127, 128, 129, 130, 131, 132, 255, 256, 257, 261, 384])
@pytest.mark.parametrize("width", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("pooled", [False, True], ids=["alone", "pool"])
def test_score_is_the_mean_of_maps_of_the_whole_picture(height: int, width: int, pooled: bool) -> None:
    candidate, reference, target = noise(height, width)
    picture = luma(candidate)
    maps = (
        leftover_streaks(picture, target),
        lost_detail(picture, reference, target),
        darkening(picture, target),
        temporal_disagreement(picture, target),
    )
    assert all(m.shape == (height, width) and m.dtype == np.float32 and (m >= 0).all() for m in maps)
    if pooled:
        with ThreadPoolExecutor(3) as pool:
            scores = score(candidate, reference, target, pool)
    else:
        scores = score(candidate, reference, target)
    expected = [float(m.mean(dtype=np.float64)) for m in maps]
    assert values_of(scores) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_large_pictures_have_strips_of_one_streak_width() -> None:
    # 1500 lines: streaks are wider than in a strip of 128 + 6 lines.
    candidate, reference, target = noise(1500, 1450)
    expected = leftover_streaks(luma(candidate), target).mean(dtype=np.float64)
    assert score(candidate, reference, target).streaks == pytest.approx(expected, rel=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 999), st.integers(1, 40), st.integers(8, 60))
def test_leftover_streaks_are_a_top_hat_beyond_the_crowds(seed: int, height: int, width: int) -> None:
    candidate, _, target = noise(height, width, seed)
    picture, whole = luma(candidate), np.rint(target).astype(np.uint8)
    across = np.ones((1, 7), np.uint8)
    thin, expected = (white_tophat(p, across).astype(int) for p in (picture, whole))
    inner = slice(6, -6)  # borders are another matter
    wanted = np.maximum(thin - expected - STREAK_MARGIN, 0)
    assert np.array_equal(leftover_streaks(picture, target)[:, inner], wanted[:, inner])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 999), st.integers(5, 30), st.integers(5, 30))
def test_darkening_is_the_mean_of_25_pixels_less_the_margin(seed: int, height: int, width: int) -> None:
    candidate, _, target = noise(height, width, seed)
    darker = np.pad(target - luma(candidate), 2, mode="reflect")
    means = np.lib.stride_tricks.sliding_window_view(darker, (5, 5)).mean(axis=(2, 3))
    assert np.allclose(darkening(luma(candidate), target), np.maximum(means - DARK_MARGIN, 0), atol=1e-3)


def test_rain_in_the_reference_is_no_lost_detail() -> None:
    truth = luma(scene())
    target = truth.astype(np.float32)
    rain = luma(with_streaks(scene(), 100))
    assert lost_detail(truth, rain, target).sum() == 0
    assert lost_detail(truth, truth, target).sum() == 0


def test_detail_that_was_added_is_not_lost() -> None:
    flat = np.full((40, 40), 100, np.uint8)
    lines = np.where(np.arange(40)[:, None] % 8 < 4, 140, 100).astype(np.uint8).repeat(40, axis=1)
    assert lost_detail(lines, flat, flat.astype(np.float32)).sum() == 0
    assert lost_detail(flat, lines, lines.astype(np.float32)).mean() > 5


def test_edges_as_faint_as_noise_are_not_missed() -> None:
    # A step of s levels is an edge of s over 2 px, of which the smoothing along it takes nothing away.
    flat = np.full((40, 40), 100, np.uint8)
    for step in (1, int(DETAIL_MARGIN), 20):
        edge = flat.copy()
        edge[20:] += np.uint8(step)
        lost = lost_detail(flat, edge, edge.astype(np.float32))
        assert lost.max() <= max(0, step - DETAIL_MARGIN)
        assert (lost.max() > 0) == (step > 2 * DETAIL_MARGIN)


def test_broad_or_horizontal_brightness_is_no_streak() -> None:
    target = np.full((80, 80), 90, np.float32)
    for where in ((slice(30, 60), slice(20, 50)), (slice(40, 42), slice(None))):
        picture = np.full((80, 80), 90, np.uint8)
        picture[where] = 150
        assert leftover_streaks(picture, target).sum() == 0
    picture = np.full((80, 80), 90, np.uint8)
    picture[10:70, 40:43] = 150
    streaks = leftover_streaks(picture, target)
    assert (streaks[10:70, 40:43] == 60 - STREAK_MARGIN).all() and streaks.sum() == streaks[10:70, 40:43].sum()


@pytest.mark.parametrize(("side", "caught"), [(100, 6), (720, 6), (1440, 12), (2160, 18)])
def test_streaks_are_caught_up_to_a_width_that_grows_with_the_picture(side: int, caught: int) -> None:
    target = np.full((side, side), 90, np.float32)
    picture = np.full((side, side), 90, np.uint8)
    picture[:, 20 : 20 + caught] = 150
    assert leftover_streaks(picture, target)[:, 20 : 20 + caught].min() == 60 - STREAK_MARGIN


def test_a_brighter_candidate_is_not_darker() -> None:
    target = np.full((20, 20), 90, np.float32)
    for off, dark in ((30, 0), (0, 0), (-DARK_MARGIN, 0), (-DARK_MARGIN - 2, 2)):
        picture = np.full((20, 20), 90 + off, np.uint8)
        assert (darkening(picture, target) == dark).all()
        assert (temporal_disagreement(picture, target) == abs(off)).all()


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_one_judge_scores_many_candidates_as_one_of_its_own_for_each(workers: int) -> None:
    _, reference, target = noise(300, 70, 1)
    candidates = [noise(300, 70, seed)[0] for seed in range(4)]
    alone = [score(candidate, reference, target) for candidate in candidates]
    with ThreadPoolExecutor(max(1, workers)) as pool:
        judge = Judge(reference, target, pool if workers else None)
        # Twice and in another order: nothing of a candidate stays behind.
        for i in (2, 0, 3, 1, 2):
            assert values_of(judge.score(candidates[i])) == values_of(alone[i])


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 999), st.sampled_from([1, 2, 5, 127, 128, 129, 134, 260]), st.integers(1, 30))
def test_a_judge_has_the_sums_of_the_maps_over_the_whole_picture(seed: int, height: int, width: int) -> None:
    candidate, reference, target = noise(height, width, seed)
    grey = luma(candidate)
    maps = (
        leftover_streaks(grey, target),
        lost_detail(grey, reference, target),
        darkening(grey, target),
        temporal_disagreement(grey, target),
    )
    found = values_of(Judge(reference, target).score(candidate))
    assert found == pytest.approx([m.mean(dtype=np.float64) for m in maps], rel=1e-6, abs=1e-9)


def test_a_judge_leaves_its_inputs_alone() -> None:
    candidate, reference, target = noise(140, 40)
    before = [a.copy() for a in (candidate, reference, target)]
    Judge(reference, target).score(candidate)
    assert all(np.array_equal(a, b) for a, b in zip(before, (candidate, reference, target), strict=True))
