"""Frames: the same from the same seed, brighter by rain only, moved, exposed and noisy as asked for."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cli.simulate import Simulate
from rainclean.errors import UsageError
from rainclean.simulate import PRESETS, Rain, Simulation, preset
from rainclean.simulate.camera import fit
from rainclean.simulate.render import Rendered, Renderer
from tests.helpers.simulated_scenes import scene

DRY = replace(PRESETS["clear"], noise=0.0)
SIZE = (240, 352)


def renderer(simulation: Simulation, size: tuple[int, int] = (64, 96), frames: int = 80, seed: int = 3) -> Renderer:
    return Renderer(simulation, size, frames, seed)


def rendered(simulation: Simulation, index: int, size: tuple[int, int] = SIZE, **settings: int) -> Rendered:
    made = renderer(simulation, size, **settings)
    return made.render(index, made.scene(scene(*size)))


def same(one: Rendered, other: Rendered) -> bool:
    pairs = [(one.frame, other.frame), (one.truth, other.truth), (one.rain, other.rain), (one.passers, other.passers)]
    return all(np.array_equal(a, b) for a, b in pairs if a is not None and b is not None)


@pytest.mark.parametrize("name", PRESETS)
def test_any_frame_alone_is_the_frame_of_the_run(name: str) -> None:
    run = renderer(PRESETS[name], frames=9)
    background = run.scene(scene())
    frames = [run.render(i, background) for i in range(9)]
    assert same(rendered(PRESETS[name], 7, (64, 96), frames=9), frames[7])


def test_another_seed_or_frame_is_other_rain() -> None:
    one = rendered(PRESETS["medium"], 0, (64, 96))
    assert not same(one, rendered(PRESETS["medium"], 0, (64, 96), seed=4))
    assert not same(one, rendered(PRESETS["medium"], 1, (64, 96)))
    assert np.array_equal(one.truth, rendered(PRESETS["medium"], 1, (64, 96), seed=4).truth)


def test_without_rain_noise_and_motion_the_frame_is_the_scene() -> None:
    made = rendered(PRESETS["clear"], 5, (64, 96))
    assert np.array_equal(made.frame, scene()) and np.array_equal(made.truth, scene())
    assert not made.rain.any() and made.passers is None


@settings(max_examples=40, deadline=None)
@given(
    rain=st.builds(
        Rain,
        density=st.floats(0, 0.05),
        length=st.floats(8, 80),
        width=st.floats(1, 8),
        slant=st.floats(-90, 90),
        strength=st.floats(0, 1),
        colour=st.floats(0, 255),
    ),
    light=st.floats(0, 2),
    veil=st.floats(0, 1),
    drift=st.floats(-0.5, 0.5),
    jitter=st.floats(0, 3),
    gradient=st.tuples(st.floats(0, 3), st.floats(0, 3)),
    seed=st.integers(0, 2**40),
)
def test_rain_never_darkens(rain: Rain, seed: int, **values: float) -> None:
    simulation = Simulation(rain=rain, noise=0.0, flicker=0.1, **values)  # type: ignore[arg-type]
    made = Renderer(simulation, (48, 64), 10, seed)
    for picture in (scene(48, 64), np.full((48, 64, 3), 255, np.uint8)):
        shown = made.render(4, made.scene(picture))
        assert (shown.truth <= shown.frame.astype(int) + 1).all()


def test_noise_has_the_spread_asked_for_and_no_bias() -> None:
    grey = np.full((*SIZE, 3), 128, np.uint8)
    made = renderer(replace(DRY, noise=6.0), SIZE)
    noise = made.render(2, grey).frame.astype(float) - 128
    assert noise.std() == pytest.approx(np.sqrt(36 + 1 / 12), rel=0.01) and abs(noise.mean()) < 0.05
    other = made.render(3, grey).frame.astype(float) - 128
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.01


def test_exposure_drifts_from_one_end_to_the_other() -> None:
    grey = np.full((16, 16, 3), 100, np.uint8)
    made = renderer(replace(DRY, drift=0.06), (16, 16))
    levels = [made.render(i, grey).frame.mean() for i in (0, 79)]
    assert levels == [94, 106]
    assert made.path.gains[0] == pytest.approx(0.94) and np.diff(made.path.gains).std() < 1e-12


def test_exposure_flickers_with_its_period() -> None:
    gains = renderer(preset("flicker"), (16, 16), frames=970).path.gains
    assert gains.max() == pytest.approx(1.03, abs=1e-3) and gains.min() == pytest.approx(0.97, abs=1e-3)
    spectrum = np.abs(np.fft.rfft(gains - gains.mean()))
    assert 970 / int(spectrum.argmax()) == pytest.approx(9.7)


def test_the_pan_is_as_long_as_it_says_and_shows_no_border() -> None:
    made = renderer(replace(DRY, pan=24.0), SIZE)
    rng = np.random.default_rng(1)
    blocks = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    background = made.scene(cv2.GaussianBlur(blocks, (0, 0), 2).astype(np.uint8))
    window = cv2.createHanningWindow(SIZE[::-1], cv2.CV_32F)
    grey = [made.render(i, background).truth[..., 1].astype(np.float32) for i in (0, 40, 79)]
    for later, expected in ((1, 24 * 40 / 79), (2, 24.0)):
        (x, y), _ = cv2.phaseCorrelate(grey[later], grey[0], window)
        assert x == pytest.approx(expected, abs=0.15) and abs(y) < 0.1
    # Every pixel of the last frame is a pixel of the scene: nothing was made up at the border.
    x0, y0 = made.path.transforms[79, :, 2]
    assert made.path.scene_size[1] >= x0 + SIZE[1] and made.path.scene_size[0] >= y0 + SIZE[0]


@pytest.mark.parametrize("seed", range(5))
def test_no_transform_leaves_the_scene(seed: int) -> None:
    path = Renderer(replace(PRESETS["jitter"], pan=-33.3, walk=2.0), SIZE, 200, seed).path
    shift = path.transforms[:, :, 2]
    assert shift.min() >= 2  # room for interpolation
    assert (shift.max(axis=0) + SIZE[::-1] + 2 <= path.scene_size[::-1]).all()


def test_jitter_has_the_spread_asked_for() -> None:
    path = Renderer(replace(DRY, jitter=0.8), SIZE, 4000, 1).path
    assert path.transforms[:, :, 2].std(axis=0) == pytest.approx([0.8, 0.8], rel=0.05)
    walk = np.diff(Renderer(replace(DRY, walk=0.3), SIZE, 4000, 1).path.transforms[:, :, 2], axis=0)
    assert walk.std(axis=0) == pytest.approx([0.3, 0.3], rel=0.05)


def test_a_walker_has_its_size_and_speed_and_is_not_in_the_truth() -> None:
    made = renderer(replace(DRY, walkers=1), SIZE)
    background = made.scene(scene(*SIZE))
    centres, widths = {}, []
    for i in range(25, 56):
        shown = made.render(i, background)
        assert shown.passers is not None
        assert np.array_equal(shown.truth, background)
        assert np.array_equal(shown.frame[shown.passers == 0], background[shown.passers == 0])
        rows, columns = np.nonzero(shown.passers > 127)
        assert np.ptp(rows) + 1 == pytest.approx(80, abs=2)
        widths.append(np.ptp(columns) + 1)
        weight = shown.passers.astype(float).sum(axis=0)
        centres[i] = float((weight * np.arange(SIZE[1])).sum() / weight.sum())
        covered = shown.frame[shown.passers == 255].astype(float)
        assert covered.std() > 10  # textured
    assert max(widths) == pytest.approx(34, abs=2)
    assert (centres[50] - centres[30]) / 20 == pytest.approx(9.5, abs=0.05)
    assert sum(bool(made.render(i, background).passers.any()) for i in (0, 79)) == 0  # type: ignore[union-attr]


def test_night_and_veil_are_part_of_the_truth() -> None:
    grey = np.full((16, 16, 3), 100, np.uint8)
    dark, misty = (renderer(case, (16, 16)) for case in (replace(DRY, light=0.25), replace(DRY, veil=0.5)))
    assert (dark.render(0, dark.scene(grey)).truth == 25).all()
    assert (misty.render(0, misty.scene(grey)).truth == 150).all()


def test_a_picture_is_scaled_to_cover_and_cut_around_its_middle() -> None:
    picture = scene(100, 100)
    assert fit(picture, (100, 100)) is picture
    assert np.array_equal(fit(picture, (100, 60)), picture[:, 20:80])
    assert fit(picture, (48, 64)).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("values", "said"),
    [({"noise": -1.0}, "noise"), ({"crf": 60}, "crf"), ({"flicker_period": 0.0}, "flicker period"),
     ({"walkers": -1}, "walkers"), ({"light": float("inf")}, "light")],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(values: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        preset("medium", **values)


def test_presets_are_the_ladder() -> None:
    with pytest.raises(UsageError, match=r"no preset 'wet'; use one of clear, light, medium.*everything"):
        preset("wet")
    assert preset("codec").crf == 23 and preset("codec", crf=18).crf == 18
    assert preset("night").light == 0.25 and preset("torrent").rain.density == 0.018
    for simulation in PRESETS.values():
        assert Simulation.from_json(simulation.to_json()) == simulation
    said = " ".join((Simulate.__doc__ or "").split())
    assert f"Presets: {', '.join(PRESETS)}." in said
