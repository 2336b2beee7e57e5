"""What films have besides rain: depth, things that pass, light, water, signs; and what is said to be true of them."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rainclean.errors import UsageError
from rainclean.simulate import PRESETS, Rain, Simulation, passers, preset, truth, water
from rainclean.simulate.ingredients import Crowd, Overlay, Sun, Traffic, Trip, Water
from rainclean.simulate.layers import FINER, Layer, averaged, paint
from rainclean.simulate.presets import FILMED
from rainclean.simulate.render import Renderer
from rainclean.simulate.trip import FOCAL, Pose, pose
from tests.helpers.simulated_scenes import U8, frames_of, make, scene

DRY = Simulation(rain=Rain(density=0), noise=0.0)
SIZE = (90, 128)
WHITE, BLACK = (np.full((*SIZE, 3), level, np.uint8) for level in (255, 0))


def rendered(simulation: Simulation, index: int, picture: U8 | None = None, frames: int = 12) -> "tuple[U8, U8, U8]":
    """Frame, truth and passers, of which there are none where there are none."""
    made = Renderer(simulation, SIZE, frames, 2)
    shown = made.render(index, made.scene(scene(*SIZE) if picture is None else picture))
    return shown.frame, shown.truth, np.zeros(SIZE, np.uint8) if shown.passers is None else shown.passers


def middle(seen: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> tuple[float, float]:
    weight = seen[..., 0].astype(float)
    yy, xx = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    return float((weight * xx).sum() / weight.sum()), float((weight * yy).sum() / weight.sum())


@pytest.mark.parametrize("z", [4.0, 16.0])
def test_things_are_seen_where_a_pinhole_has_them(z: float) -> None:
    square = np.full((8, 8, 4), 255, np.uint8)
    tall = 0.02 * z
    x, foot = 0.03 * z, -0.05 * z
    layer = Layer.upright(square, x, z, tall, foot)
    at = Pose(np.array([0.11, -0.02, 0.4]), np.eye(3))
    canvas = np.zeros((FINER * SIZE[0], FINER * SIZE[1], 3), np.float32)
    paint(canvas, layer, at, SIZE, 0.0)
    focal, depth = FOCAL * SIZE[1], z - 0.4
    expected = (
        (SIZE[1] - 1) / 2 + focal * (x - 0.11) / depth,
        (SIZE[0] - 1) / 2 + focal * (foot - tall / 2 + 0.02) / depth,
    )
    assert middle(averaged(canvas)) == pytest.approx(expected, abs=0.12)


def test_a_turn_to_the_right_moves_the_scene_to_the_left() -> None:
    trip = Trip(turn=10)
    ahead = np.array([0.0, 0, 9])
    places = [pose(trip, t, 11, 0).to_frame(SIZE) @ ahead for t in (0, 10)]
    x = [place[0] / place[2] - (SIZE[1] - 1) / 2 for place in places]
    assert x == pytest.approx([FOCAL * SIZE[1] * np.tan(np.deg2rad(a)) for a in (5, -5)])


def test_near_things_pass_faster_than_far_ones() -> None:
    """A copy of the last frame's ground and backdrop, found again in the first one."""
    import cv2

    made = Renderer(replace(DRY, stage="street", trip=Trip(sideways=0.02)), (240, 352), 11, 1)
    picture = made.scene(scene(240, 352))
    first, last = (made.render(i, picture).truth[..., 1].astype(np.float32) for i in (0, 10))

    def moved(rows: slice) -> float:
        window = cv2.createHanningWindow((352, rows.stop - rows.start), cv2.CV_32F)
        (x, _), _ = cv2.phaseCorrelate(last[rows], first[rows], window)
        return float(x)

    # A row of the ground 1.5 m below shows it at f·1.5/(row − horizon) m; the picture is 45 m away.
    near = moved(slice(183, 205))
    assert near == pytest.approx(0.2 * (194 - 119.5) / 1.5, rel=0.12)
    assert 0.2 < moved(slice(0, 60)) < 0.35 * near


def test_things_are_followed_from_frame_to_frame() -> None:
    """The oracle is the picture: what is followed looks the same, and without following it does not."""
    import cv2

    simulation = replace(DRY, stage="park", trip=Trip(forward=0.05, sideways=0.02, bob=0.03, roll=2, shake=1))
    made = Renderer(simulation, SIZE, 12, 2)
    picture = made.scene(scene(*SIZE))
    here, there = (made.render(i, picture).truth.astype(np.float32) for i in (6, 1))
    x, y, known = made.scenery.follow(6, 1)
    brought = cv2.remap(there, x, y, cv2.INTER_CUBIC)
    assert 0.5 < known.mean() < 0.95
    followed, left = (np.abs(seen - here)[known].mean() for seen in (brought, there))
    assert followed < 0.4 * left


def test_what_wind_moves_is_not_followed() -> None:
    made = Renderer(replace(DRY, stage="garden", sway=0.05), SIZE, 12, 2)
    x, y, known = made.scenery.follow(6, 1)
    columns, rows = np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0]))
    assert np.allclose(x[known], columns[known], atol=1e-3) and np.allclose(y[known], rows[known], atol=1e-3)
    picture = made.scene(scene(*SIZE))
    one, other = (made.render(i, picture).truth[known] for i in (6, 1))
    assert np.array_equal(one, other)
    assert 0.2 < known.mean() < 0.9


@pytest.mark.parametrize(
    "simulation",
    [
        replace(DRY, stage="park", crowd=Crowd(people=5)),
        replace(DRY, crowd=Crowd()),
        replace(DRY, traffic=Traffic(kind="lorry", gap=8, lights=4)),
        replace(DRY, stage="street", traffic=Traffic(kind="car", gap=8), trip=Trip(sideways=0.05, shutter=0.3)),
    ],
)
def test_what_passes_is_not_in_the_truth_and_told_where_it_is(simulation: Simulation) -> None:
    frame, known, cover = rendered(simulation, 5)
    _, still, _ = rendered(replace(simulation, crowd=None, traffic=None), 5)
    assert np.array_equal(known, still)
    assert np.abs(frame[cover == 0].astype(int) - known[cover == 0]).max() <= 1  # opacity under 1/510
    assert 0.01 < (cover > 0).mean() < 0.9
    assert np.abs(frame[cover == 255].astype(int) - known[cover == 255]).mean() > 15


def test_a_crowd_is_dark_and_always_there() -> None:
    simulation = replace(DRY, crowd=Crowd(people=8))
    covers = [rendered(simulation, i, WHITE, frames=400)[2] for i in (0, 120, 399)]
    assert all(0.02 < (cover > 127).mean() < 0.5 for cover in covers)
    frame, _, cover = rendered(simulation, 0, WHITE, frames=400)
    assert np.median(frame[cover == 255]) < 60


def test_what_stands_nearer_hides_what_passes() -> None:
    simulation = replace(DRY, stage="street", traffic=Traffic(kind="lorry", gap=4, distance=9))
    made = Renderer(simulation, (240, 352), 4, 0)
    made.scenery._stage(0, made.scene(scene()))
    fronts = [cover for distance, cover in made.scenery._stage(0, made.scene(scene())).fronts if distance < 8]
    hidden = np.zeros((480, 704), np.float32)
    for cover in fronts:
        hidden[cover.box] = np.maximum(hidden[cover.box], cover.opacity[..., 0])
    seen = made.render(2, made.scene(scene())).passers
    assert seen is not None and (seen > 0).mean() > 0.1
    assert not seen[averaged(hidden[..., None])[..., 0] == 1].any()


def test_exposure_follows_lamps_late_and_the_truth_with_it() -> None:
    simulation = replace(DRY, traffic=Traffic(kind="lorry", gap=20, speed=0.4, distance=7, lights=9), auto_exposure=0.6)
    made = Renderer(simulation, SIZE, 40, 1)
    assert np.ptp(made.gains) > 0.05
    assert np.abs(np.diff(made.gains)).max() < 0.1
    assert np.array_equal(Renderer(replace(simulation, auto_exposure=0.0), SIZE, 40, 1).gains, np.ones(40))
    index = int(made.gains.argmin())
    picture = made.scene(scene(*SIZE))
    assert np.array_equal(made.render(index, picture).truth, np.rint(picture * np.float32(made.gains[index])))


def test_lamps_are_whiter_than_white() -> None:
    simulation = replace(DRY, traffic=Traffic(kind="lorry", gap=24, distance=7, lights=9), auto_exposure=0.6)
    made = Renderer(simulation, SIZE, 12, 2)
    picture = made.scene(scene(*SIZE))
    assert max((made.render(i, picture).frame == 255).all(axis=2).sum() for i in range(0, 12, 3)) > 20


def test_sun_brightens_places_and_moves() -> None:
    simulation = replace(DRY, sun=Sun(strength=0.5))
    picture = np.full((*SIZE, 3), 100, np.uint8)
    early, late = (rendered(simulation, i, picture)[1] for i in (0, 11))
    for known in (early, late):
        assert known.min() == 100 and 140 <= known.max() <= 170
    assert (early != late).mean() > 0.05


def test_water_lies_below_and_no_two_frames_show_the_same() -> None:
    simulation = replace(DRY, water=Water(share=0.4))
    made = Renderer(simulation, SIZE, 12, 0)
    picture = made.scene(scene(*SIZE))
    shown = [made.render(i, picture) for i in (3, 4)]
    assert shown[0].water is not None
    wet = shown[0].water > 0
    assert wet.mean() == pytest.approx(0.4, abs=0.01) and wet[-1].all()
    assert np.array_equal(shown[0].truth[~wet], picture[~wet])
    changed = (shown[0].truth != shown[1].truth).any(axis=2)
    assert changed[wet].mean() > 0.7 and not changed[~wet].any()


@pytest.mark.parametrize("seed", range(4))
def test_a_sign_has_an_opacity_of_its_own_in_frame_and_truth(seed: int) -> None:
    simulation = replace(PRESETS["heavy"], overlay=Overlay(0.3, 0.6))
    made = Renderer(simulation, SIZE, 3, seed)
    # What is left of the difference of two scenes is what the sign lets through.
    through = (made.render(1, WHITE).truth[..., 0].astype(float) - made.render(1, BLACK).truth[..., 0]) / 255
    assert 0.395 < through.min() < 0.705 and (through < 0.95).mean() > 0.01
    shown = made.render(1, BLACK)
    noise = made.render(1, BLACK).frame[shown.rain == 0].astype(float) - shown.truth[shown.rain == 0]
    assert abs(noise.mean()) < 2


def test_frozen_frames_show_an_earlier_one_again() -> None:
    made = Renderer(replace(PRESETS["drift"], frozen=0.5, pan=20.0), SIZE, 30, 4)
    picture = made.scene(scene(*SIZE))
    frames = [made.render(i, picture) for i in range(30)]
    same = [np.array_equal(a.frame, b.frame) for a, b in pairwise(frames)]
    assert 8 <= sum(same) <= 21
    assert [made.gains[i + 1] == made.gains[i] for i in range(29)] == same
    assert (made.transforms[1:] == made.transforms[:-1]).all(axis=(1, 2)).tolist() == same


def test_leaves_sway_and_posts_do_not() -> None:
    one, other = (rendered(replace(DRY, stage="garden", sway=0.1), i, frames=30)[1] for i in (0, 20))
    changed = (np.abs(one.astype(int) - other).max(axis=2) > 8).mean(axis=1)
    assert changed[: SIZE[0] // 2].max() > 0.2 and changed[-10:].max() == 0
    one, other = (rendered(replace(DRY, stage="garden"), i)[1] for i in (0, 9))
    assert np.array_equal(one, other)


def test_the_shutter_blurs_what_moves() -> None:
    trip = Trip(sideways=0.15)
    sharp, blurred = (
        rendered(replace(DRY, stage="street", trip=replace(trip, shutter=s)), 5)[1].astype(float) for s in (0.0, 0.8)
    )
    ground = np.s_[-30:]
    assert np.abs(np.diff(blurred[ground], axis=1)).mean() < 0.8 * np.abs(np.diff(sharp[ground], axis=1)).mean()


def test_masks_and_truths_are_written_and_read(tmp_path: Path) -> None:
    simulation = replace(preset("water"), stage="flat", crowd=Crowd(), overlay=Overlay(), crf=None)
    out = make(tmp_path, simulation, frames=3, seed=5)
    names = {"clip.mkv", "truth.mkv", "rain.mkv", "passers.mkv", "water.mkv", "overlay.png", "truth.json"}
    assert {path.name for path in out.iterdir()} == names
    made = Renderer(simulation, (64, 96), 3, 5)
    shown = made.render(2, made.scene(scene()))
    assert np.array_equal(truth(out, 2), shown.truth) and np.array_equal(frames_of(out / "clip.mkv")[2], shown.frame)
    assert shown.passers is not None and shown.water is not None
    assert np.array_equal(water(out, 2), shown.water) and np.array_equal(passers(out, 2), shown.passers)


def test_a_film_is_as_long_as_its_preset_says(tmp_path: Path) -> None:
    assert len(frames_of(make(tmp_path, preset("short-cars")) / "clip.mkv")) == FILMED["short-cars"].frames == 10


@pytest.mark.parametrize(
    ("make_it", "said"),
    [
        (lambda: preset("walking", pan=3.0), "leave them out"),
        (lambda: preset("medium", stage="moon"), "one of flat, park"),
        (lambda: Trip(forward=9), "forward 9"),
        (lambda: Traffic(kind="tram"), "car or lorry"),
        (lambda: Overlay(0.6, 0.3), "strongest 0.3"),
        (lambda: preset("medium", frozen=1.0), "frozen 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(make_it: "object", said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_it()  # type: ignore[operator]
