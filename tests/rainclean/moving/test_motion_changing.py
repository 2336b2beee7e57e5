"""What frames show that a clean image does not explain is found where it is; rain explains itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.moving.changes import RUN_FRAMES, _least_of_runs
from rainclean.simulate.presets import preset
from tests.helpers.motion_scenes import FRAMES, SIZE, clip, found_in, picture, rained, recall_and_precision

DIM = picture() // 2 + 40


@pytest.mark.parametrize("name", ["light", "heavy", "torrent", "night", "noisy", "gradient", "drift"])
def test_rain_contradicts_no_right_clean_image(name: str) -> None:
    frames, scene, _ = clip(name)
    truth = scene.astype(np.float32)
    findings = found_in(frames, truth, preset(name).noise, shown=truth)
    assert findings.areas["changing"].mean() < 0.001 and not findings.share.any() and findings.labels == []


def test_sun_that_moves_over_a_place_is_a_scene_that_changes() -> None:
    scenes, lit = [], np.zeros((FRAMES, *SIZE), bool)
    for t in range(FRAMES):
        lit[t, 50:110, max(0, 3 * t - 60) : 3 * t] = True
        scenes.append(np.where(lit[t][..., None], np.minimum(DIM * 1.4, 230), DIM).astype(np.uint8))
    findings = found_in(rained(scenes), DIM.astype(np.float32), shown=DIM)
    recall, precision = recall_and_precision(findings.areas["changing"], lit.mean(axis=0) > 0.35)
    assert recall > 0.9 and precision > 0.6
    assert findings.doubtful[findings.areas["changing"]].all()
    assert any(line.startswith("the scene keeps changing") for line in findings.labels)


def test_something_dark_in_one_frame_is_excluded_in_that_frame() -> None:
    frames = rained([DIM] * FRAMES)
    frames[20][40:100, 60:120] = 20
    findings = found_in(frames, DIM.astype(np.float32), shown=DIM)
    there = findings.per_frame(20)
    assert there[40:100, 60:120].all() and there.mean() < 0.15
    assert np.count_nonzero(findings.share) == 1 and not findings.doubtful.any()


def test_a_clean_image_that_shows_what_only_stood_there_is_in_doubt() -> None:
    """Something dark hides a place now and then, and is in the clean image, and frames without it are no rain."""
    stained = DIM.copy()
    stained[60:120, 80:180] = 25
    scenes = [DIM if t % 24 < 15 else stained for t in range(FRAMES)]
    changing = found_in(rained(scenes), stained.astype(np.float32), shown=stained).areas["changing"]
    assert changing[60:120, 80:180].mean() > 0.95
    assert changing[:50].mean() < 0.01 and changing[130:].mean() < 0.01


def test_a_clean_image_that_is_too_bright_is_in_doubt() -> None:
    stained = DIM.copy()
    stained[60:90, 80:120] = np.minimum(stained[60:90, 80:120].astype(int) + 60, 255)
    findings = found_in(rained([DIM] * FRAMES), DIM.astype(np.float32), shown=stained)
    assert findings.doubtful[60:90, 80:120].all() and findings.doubtful.mean() < 0.1


def test_leaves_that_blow_to_and_fro_are_in_doubt() -> None:
    """Each frame shows them elsewhere: now darker than the clean image, now brighter."""
    rng, place = np.random.default_rng(4), np.s_[40:120, 60:180]
    mottled = np.kron(rng.integers(60, 150, (20, 30)), np.ones((4, 4)))[..., None].repeat(3, 2)
    scenes = []
    for _ in range(FRAMES):
        scene = DIM.copy()
        scene[place] = np.roll(mottled, rng.integers(-4, 5, 2), axis=(0, 1))
        scenes.append(scene)
    shown = np.mean(scenes, axis=0)
    findings = found_in(rained(scenes), shown.astype(np.float32), shown=shown)
    recall, precision = recall_and_precision(findings.doubtful, ~np.isclose(shown, DIM).all(axis=2))
    assert recall > 0.9 and precision > 0.75


def test_what_came_out_counts_and_not_what_residuals_are_of() -> None:
    begun = DIM.copy()
    begun[60:90, 80:120] = 20
    frames = rained([DIM] * FRAMES)
    assert not found_in(frames, begun.astype(np.float32), shown=DIM).areas["changing"].any()


@pytest.mark.parametrize("frames", [1, 5, 6, 9, 10])
def test_few_frames(frames: int) -> None:
    findings = found_in(rained([DIM] * frames), DIM.astype(np.float32), shown=DIM)
    assert not findings.areas["changing"].any() and not findings.doubtful.any()


@settings(max_examples=30, deadline=None)
@given(st.integers(RUN_FRAMES, 40), st.integers(0, 2**32 - 1))
def test_the_least_of_each_run(frames: int, seed: int) -> None:
    levels = np.random.default_rng(seed).integers(0, 256, (frames, 3, 4), np.uint8)
    expected = np.stack([levels[t : t + RUN_FRAMES].min(axis=0) for t in range(frames - RUN_FRAMES + 1)])
    np.testing.assert_array_equal(_least_of_runs(levels), expected)
