"""Passing and moving things: those of simulated clips are found where they are, and rain is called none of them."""

import cv2
import numpy as np
import pytest

from rainclean.moving import detectors
from rainclean.moving.detection import MotionDetector
from rainclean.moving.detectors import KINDS
from rainclean.moving.residual_grid import Background, Grid, most_of, percentiles_over_time, residual
from rainclean.simulate.presets import preset
from rainclean.simulate.render import Renderer
from tests.helpers.motion_scenes import (
    FRAMES,
    SIZE,
    clip,
    encoded,
    estimate,
    found_in,
    leaves,
    mask_of,
    overlaid,
    picture,
    rained,
    recall_and_precision,
    splashing,
    swaying,
    water,
)


@pytest.mark.parametrize("name", ["heavy", "torrent", "night", "noisy", "gradient", "drift"])
def test_rain_is_nothing_that_moves(name: str) -> None:
    frames, _, _ = clip(name)
    findings = found_in(frames, estimate(frames), preset(name).noise)
    assert set(findings.areas) == set(KINDS)
    for kind, area in findings.areas.items():
        assert area.shape == SIZE and area.mean() < 0.001, kind
    assert findings.doubtful.mean() < 0.001 and not findings.share.any()
    assert findings.labels == []


@pytest.mark.parametrize("truth_known", [True, False])
def test_a_passer_by_is_found_in_each_frame(truth_known: bool) -> None:
    frames, truth, passers = clip("walker")
    findings = found_in(frames, truth.astype(np.float32) if truth_known else estimate(frames))
    masks = np.array([findings.per_frame(i) for i in range(FRAMES)])
    recall, precision = recall_and_precision(masks, passers)
    # Whole, rather than close: a rim of one px around such a figure is an eighth of it.
    assert recall > 0.95 and precision > 0.65
    np.testing.assert_allclose(findings.share, masks.mean(axis=(1, 2)), atol=1e-9)
    np.testing.assert_array_equal(findings.areas["passing"], masks.any(axis=0))
    assert len(findings.labels) == 1 and "passes in" in findings.labels[0]
    # Somebody who walks through leaves the clean image as good as it was.
    assert findings.doubtful.mean() < 0.001


@pytest.mark.parametrize("level", [25, 215])
def test_a_figure_of_either_sign_that_stops_puts_its_place_in_doubt(level: int) -> None:
    still = picture() // 2 + 50
    scenes, true = [], np.zeros((FRAMES, *SIZE), bool)
    for t in range(FRAMES):
        scene = still.copy()
        left = min(150, 10 * (t - 6)) if t < 36 else 150 + 10 * (t - 36)  # walks in, stands in 14 frames, walks on
        if 0 <= left < SIZE[1] - 30:
            true[t, 60:120, left : left + 30] = True
            scene[true[t]] = level
        scenes.append(scene)
    findings = found_in(rained(scenes), still.astype(np.float32))
    recall, precision = recall_and_precision(np.array([findings.per_frame(t) for t in range(FRAMES)]), true)
    assert recall > 0.8 and precision > 0.8
    stayed = true.mean(axis=0) > 0.27
    assert findings.doubtful[stayed].mean() > 0.8
    assert findings.doubtful[true.mean(axis=0) < 0.2].mean() < 0.01


def test_a_flash_in_one_frame_is_no_passing_thing() -> None:
    frames = rained([picture()] * FRAMES)
    frames[20][40:100, 60:120] = 30
    assert not found_in(frames, picture().astype(np.float32)).share.any()


def test_foliage_sways() -> None:
    place = np.s_[20:110, 120:225]
    scene = leaves(picture(), place)
    frames = rained(swaying(scene, place, FRAMES), "heavy")
    findings = found_in(frames, estimate(frames))
    recall, precision = recall_and_precision(findings.areas["swaying"], mask_of(place, SIZE))
    assert recall > 0.9 and precision > 0.6
    assert not findings.areas["water"].any() and findings.areas["passing"].mean() < 0.01
    np.testing.assert_array_equal(findings.doubtful, findings.doubtful | findings.areas["swaying"])
    assert any("sways" in line for line in findings.labels)


def test_ground_that_grows_wet_does_not_sway() -> None:
    dry, rng = picture()[::2, ::2], np.random.default_rng(4)
    coarse = rng.standard_normal((2, 6, 9)).astype(np.float32)
    fields = [cv2.resize(f, dry.shape[1::-1], interpolation=cv2.INTER_CUBIC) * 4 for f in coarse]
    scenes = []
    for t in range(150):  # a drift, and a change to and fro in 5 seconds
        change = fields[0] * (t / 75 - 1) + fields[1] * np.sin(2 * np.pi * t / 150)
        scenes.append(np.clip(dry + change[..., None], 0, 255).astype(np.uint8))
    frames = rained(scenes, "light")
    findings = found_in(frames, estimate(frames[:50]))
    assert findings.doubtful.mean() < 0.001 and findings.labels == []


def test_a_water_surface_is_told_from_foliage() -> None:
    place = np.s_[95:155, 5:235]
    frames = rained(water(picture(), place, FRAMES))
    findings = found_in(frames, estimate(frames))
    recall, precision = recall_and_precision(findings.areas["water"], mask_of(place, SIZE))
    assert recall > 0.9 and precision > 0.8
    assert findings.areas["swaying"].mean() < 0.005
    assert any("water" in line for line in findings.labels)


def test_high_waves_are_no_rain_where_all_else_is_free_of_noise() -> None:
    place, still = np.s_[88:160, 0:240], picture()
    # A picture that an encoder has frozen, over a lake whose waves are higher than any noise.
    frames = rained(water(still, place, FRAMES, height=40.0), "light", noise=0.4)
    findings = found_in(frames, estimate(frames), 0.4)
    recall, precision = recall_and_precision(findings.areas["water"], mask_of(place, SIZE))
    assert recall > 0.9 and precision > 0.9


def test_a_thing_is_found_whole_that_is_in_part_like_what_is_behind_it() -> None:
    still = picture() // 2 + 50
    scenes, true = [], np.zeros((30, *SIZE), bool)
    for t in range(30):
        scene, left = still.copy(), 9 * t - 60
        box = np.s_[40:130, max(0, left) : max(0, left + 60)]
        true[t][box] = True
        scene[40:74, box[1]] = scene[96:130, box[1]] = (30, 60, 90)
        scenes.append(scene)
    findings = found_in(rained(scenes), still.astype(np.float32))
    recall, precision = recall_and_precision(np.array([findings.per_frame(t) for t in range(30)]), true)
    assert recall > 0.95 and precision > 0.8


@pytest.mark.parametrize("frames", [8, 10, 15])
def test_a_slow_car_is_found_in_few_frames(frames: int) -> None:
    still, true, scenes = picture() // 2 + 50, np.zeros(SIZE, bool), []
    for t in range(frames):
        scene, left = still.copy(), 80 + 4 * t
        scene[70:100, left : left + 40] = (150, 40, 40)
        true[70:100, left : left + 40] = True
        scenes.append(scene)
    decoded = encoded(rained(scenes), 23)
    findings = found_in(decoded, estimate(decoded))
    recall, precision = recall_and_precision(findings.doubtful, true)
    assert recall > 0.7 and precision > 0.6
    assert [line for line in findings.labels if "something moves in" in line]


@pytest.mark.parametrize("name", ["heavy", "torrent", "night", "noisy"])
def test_rain_in_few_frames_is_nothing_that_moves(name: str) -> None:
    frames = rained([picture()] * 14, name)
    for some in (frames, frames[:9]):
        findings = found_in(some, estimate(some), preset(name).noise)
        assert findings.doubtful.mean() < 0.002, name


def test_splashes_are_found_where_they_are_many() -> None:
    place = np.s_[100:150, 20:200]
    scene = picture() // 2
    frames = rained(splashing([scene] * FRAMES, place, rate=0.008), "light")
    findings = found_in(frames, estimate(frames))
    recall, precision = recall_and_precision(findings.areas["splashes"], mask_of(place, SIZE))
    assert recall > 0.8 and precision > 0.75
    assert any("splash" in line for line in findings.labels)


def test_patches_of_sun_are_no_splashes() -> None:
    rng, scene, scenes = np.random.default_rng(2), picture() // 2, []
    spots = [(int(x), int(y), int(t)) for x, y, t in zip(rng.integers(20, 200, 200), rng.integers(100, 150, 200),
                                                         rng.integers(-9, FRAMES, 200), strict=True)]  # fmt: skip
    for t in range(FRAMES):
        lit = scene.copy()
        for x, y, begins in spots:
            if begins <= t < begins + 10:
                cv2.circle(lit, (x, y), 2, (150, 140, 120), -1, cv2.LINE_AA)
        scenes.append(lit)
    frames = rained(scenes, "light")
    assert found_in(frames, estimate(frames)).areas["splashes"].mean() < 0.002


def test_a_mark_and_a_clock_are_overlays() -> None:
    frames, true = overlaid(rained([picture()] * FRAMES), clock=True)
    findings = found_in(frames, estimate(frames))
    recall, precision = recall_and_precision(findings.areas["overlay"], true)
    assert recall > 0.7 and precision > 0.5
    assert any("an overlay" in line for line in findings.labels)


def test_a_mark_is_found_in_what_an_encoder_left() -> None:
    marked, true = overlaid(rained([picture()] * FRAMES))
    for frames, is_marked in ((marked, True), (rained([picture()] * FRAMES), False)):
        decoded = encoded(frames, 23)
        area = found_in(decoded, estimate(decoded)).areas["overlay"]
        if is_marked:
            recall, precision = recall_and_precision(area, true)
            assert recall > 0.5 and precision > 0.6
        else:
            assert not area.any()


def test_streaks_over_dark_spots_are_no_splashes() -> None:
    spotted = picture() // 4 + 150
    for y, x in ((y, x) for y in range(6, SIZE[0] - 4, 14) for x in range(6, SIZE[1] - 4, 14)):
        spotted[y : y + 4, x : x + 4] = 50
    frames = rained([spotted] * FRAMES, "medium")
    assert not found_in(frames, estimate(frames)).areas["splashes"].any()


def test_a_passer_by_at_night() -> None:
    renderer = Renderer(preset("walker", light=0.25, noise=3.0), SIZE, FRAMES, 0)
    scene = renderer.scene(picture())
    rendered = [renderer.render(i, scene) for i in range(FRAMES)]
    frames = [r.frame for r in rendered]
    passers = np.array([r.passers > 127 for r in rendered if r.passers is not None])
    findings = found_in(frames, estimate(frames), 3.0)
    masks = np.array([findings.per_frame(i) for i in range(FRAMES)])
    recall, precision = recall_and_precision(masks, passers)
    assert recall > 0.9 and precision > 0.7


def test_a_large_picture_is_judged_on_a_grid_and_answered_in_px() -> None:
    large = (Grid.over((1080, 1920), 100), Grid.over((2161, 3841), 400))
    assert large[0].step == 5 and large[0].cells == (216, 384)
    assert large[1].cells[0] * large[1].cells[1] <= 110_000
    assert large[1].enlarge(np.ones(large[1].cells, bool)).shape == (2161, 3841)
    still = np.repeat(np.repeat(picture(), 3, axis=0), 3, axis=1)[:479, :718]
    grain = np.random.default_rng(0).normal(0, 2, still.shape)
    moving, true = MotionDetector(still.shape[:2], 30), np.zeros((30, *still.shape[:2]), bool)
    moving.compare_with(still.astype(np.float32), np.full(still.shape[:2], 2, np.float32))
    for t in range(30):
        true[t, 200:400, 20 * t : 20 * t + 80] = True
        frame = still.copy()
        frame[true[t]] = 20
        noisy = np.clip(frame + np.roll(grain, 31 * t, axis=1), 0, 255).astype(np.uint8)
        moving.add_frame(noisy, t)
    findings = moving.result()
    recall, precision = recall_and_precision(np.array([findings.per_frame(t) for t in range(30)]), true)
    assert findings.grid.step == 2 and recall > 0.99 and precision > 0.85


def test_order_and_gaps_do_not_matter() -> None:
    frames, truth, _ = clip("walker")
    clean, sigma = truth.astype(np.float32), np.full(SIZE, 1.4, np.float32)
    forward, backward = MotionDetector(SIZE, FRAMES + 1), MotionDetector(SIZE, FRAMES + 1)
    for moving in (forward, backward):
        moving.compare_with(clean, sigma)
    for i in range(FRAMES):
        forward.add_frame(frames[i], i)
        backward.add_frame(frames[FRAMES - 1 - i], FRAMES - 1 - i)
    a, b = forward.result(), backward.result()
    np.testing.assert_array_equal(a.packed, b.packed)
    assert not a.per_frame(FRAMES).any() and a.share[FRAMES] == 0
    with pytest.raises(IndexError):
        a.per_frame(FRAMES + 1)


def test_little_or_nothing_seen_is_nothing_found() -> None:
    assert not MotionDetector(SIZE, 5).result().doubtful.any()
    few = found_in([picture()] * 3, picture().astype(np.float32))
    assert not few.doubtful.any() and few.labels == ["3 frames are too few to look for what moves: nothing is excluded"]


def test_what_does_not_fit_is_refused() -> None:
    moving = MotionDetector(SIZE, 2)
    clean, sigma = picture().astype(np.float32), np.ones(SIZE, np.float32)
    with pytest.raises(ValueError, match="compare_with"):
        moving.add_frame(picture(), 0)
    for other, noise in ((clean[:-1], sigma), (clean, sigma[:, 1:])):
        with pytest.raises(ValueError, match="sigma"):
            moving.compare_with(other, noise)
    moving.compare_with(clean, sigma)
    with pytest.raises(IndexError):
        moving.add_frame(picture(), 2)
    with pytest.raises(ValueError):
        moving.add_frame(picture()[:-1], 0)


@pytest.mark.parametrize("size", [(61, 83), (480, 720)])
def test_residuals_are_means_over_cells(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    grid = Grid.over(size, 100)
    rgb = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    background = Background.from_clean(
        grid, rng.uniform(0, 255, (*size, 3)).astype(np.float32), np.ones(size, np.float32)
    )
    luma, chroma = residual(grid, rgb, background)
    (rows, columns), step = grid.cells, grid.step
    cells = rgb[: rows * step, : columns * step].reshape(rows, step, columns, step, 3).mean(axis=(1, 3))
    grey = cells @ (0.299, 0.587, 0.114)
    off = grey - background.luma
    seen = 1 - np.clip(off / background.contrast, 0, 1)
    np.testing.assert_allclose(luma, np.clip(2 * off, -127, 127), atol=0.51)
    for plane, (channel, hue) in zip(chroma, ((2, 0), (0, 1)), strict=True):
        colour = cells[..., channel] - grey - background.chroma[..., hue] * seen
        high, wide = plane.shape
        small = colour[: 2 * high, : 2 * wide].reshape(high, 2, wide, 2).mean(axis=(1, 3))
        np.testing.assert_allclose(plane, np.clip(2 * small, -127, 127), atol=0.51)


def test_percentiles_are_ranks() -> None:
    samples = np.random.default_rng(0).integers(-128, 128, (41, 20, 3)).astype(np.int8)
    got = percentiles_over_time(samples, (0, 25, 50, 100))
    np.testing.assert_array_equal(got, np.percentile(samples, (0, 25, 50, 100), axis=0))


def test_stayed_is_a_share_of_frames() -> None:
    assert 0 < detectors.STAYED_FRACTION < 0.5


def test_most_of_a_square_is_its_median() -> None:
    mask = (np.random.default_rng(3).random((40, 55)) < 0.4).astype(np.uint8)
    for side in (3, 5):
        np.testing.assert_array_equal(most_of(mask, side), cv2.medianBlur(mask, side))
