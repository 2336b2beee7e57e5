"""Light is found under rain and undone; where it is steady, pictures come back as they are."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.simulate._kernel import expose
from rainclean.simulate.camera import generator, sensor_noise
from rainclean.simulate.presets import preset
from rainclean.simulate.render import Renderer
from rainclean.simulate.streaks import rain_over
from rainclean.stabilization import _exposure_kernels
from rainclean.stabilization._exposure_samples import scatter
from rainclean.stabilization.exposure import Exposure, ExposureSamples, constant_exposure
from rainclean.stabilization.exposure_bounds import ALLOWED, Bounds

SIZE = (120, 176)


def backdrop(seed: int = 0) -> np.ndarray:
    """(h, w, 3) uint8 with slopes, patches and fine texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:170, 0:240]
    rgb = np.stack((50 + 0.6 * x, 40 + 0.8 * y, 110 + 70 * np.sin(x / 31) * np.cos(y / 23)), axis=2)
    rgb += rng.integers(-25, 26, (17, 24, 3)).repeat(10, 0).repeat(10, 1)
    return np.clip(rgb + rng.integers(-6, 7, rgb.shape), 0, 255).astype(np.uint8)


def exposure_of(case: str, frames: int = 40, seed: int = 0, **changes: float) -> tuple[Exposure, np.ndarray]:
    """The exposure found in a simulated clip, and the true gains relative to its middle frame."""
    renderer = Renderer(preset(case, **changes), SIZE, frames, seed)
    scene, samples = renderer.scene(backdrop()), ExposureSamples(SIZE[1], SIZE[0])
    whole = np.vstack((renderer.path.transforms[frames // 2], (0, 0, 1)))
    for i in range(frames):
        own = np.vstack((renderer.path.transforms[i], (0, 0, 1)))
        matrix = np.linalg.inv(own) @ whole if renderer.simulation.moves else None
        samples.add_frame(renderer.render(i, scene).frame, matrix)
    return samples.result(frames // 2), renderer.path.gains / renderer.path.gains[frames // 2]


def seen(frames: list[np.ndarray], reference: int) -> Exposure:
    samples = ExposureSamples(frames[0].shape[1], frames[0].shape[0])
    for frame in frames:
        samples.add_frame(frame)
    return samples.result(reference)


def exposed(gains: np.ndarray, offsets: np.ndarray, sigma: float = 2.0) -> list[np.ndarray]:
    """Frames of the backdrop without rain, under gains and offsets (N, 3)."""
    rng, scene = np.random.default_rng(1), backdrop()[: SIZE[0], : SIZE[1]].astype(float)
    lit = [scene * g + o + sigma * rng.standard_normal(scene.shape) for g, o in zip(gains, offsets, strict=True)]
    return [np.clip(np.rint(frame), 0, 255).astype(np.uint8) for frame in lit]


@pytest.mark.parametrize("case", ["drift", "flicker"])
def test_gains_are_found_under_rain(case: str) -> None:
    exposure, true = exposure_of(case)
    assert exposure.changes and exposure.fits.all()
    assert (exposure.offsets == 0).all()
    off = exposure.gains - true[:, None]
    # A sixth of the points of the ladder's clips: rain and noise weigh more.
    assert np.sqrt(np.mean(off**2)) < 0.002
    assert abs(off.mean()) < 0.0015


def test_gains_are_found_while_the_camera_moves() -> None:
    exposure, true = exposure_of("jitter", drift=0.06)
    assert exposure.changes
    assert np.sqrt(np.mean((exposure.gains - true[:, None]) ** 2)) < 0.003


@pytest.mark.parametrize("case", ["clear", "light", "heavy", "noisy", "night", "gradient", "walker", "pan"])
def test_steady_light_is_found_steady(case: str) -> None:
    exposure, _ = exposure_of(case, seed=3)
    assert not exposure.changes
    assert (exposure.gains == 1).all() and (exposure.offsets == 0).all()


def test_rain_that_sets_in_is_not_taken_for_light() -> None:
    light, torrent = (Renderer(preset(case, noise=2.0), SIZE, 40, 7) for case in ("light", "torrent"))
    samples, scene = ExposureSamples(SIZE[1], SIZE[0]), light.scene(backdrop())
    for i in range(40):
        samples.add_frame((light if i < 20 else torrent).render(i, scene).frame)
    found = samples.result(25)
    assert not found.changes and found.fits.all()


def test_channels_have_gains_of_their_own() -> None:
    gains = np.ones((30, 3))
    gains[:, 0], gains[:, 2] = np.linspace(0.96, 1.04, 30), np.linspace(1.05, 0.95, 30)
    exposure = seen(exposed(gains, np.zeros((30, 3))), 10)
    assert np.abs(exposure.gains - gains / gains[10]).max() < 0.004


def test_offsets_are_found_where_there_are_any() -> None:
    offsets = np.repeat(6 * np.sin(np.arange(30) / 5)[:, None], 3, axis=1)
    exposure = seen(exposed(np.ones((30, 3)), offsets), 4)
    off = exposure.offsets - (offsets - offsets[4])
    levels = backdrop()[: SIZE[0], : SIZE[1]].reshape(-1, 1, 3)[::50]
    assert np.sqrt(np.mean((levels * (exposure.gains - 1) + off) ** 2)) < 0.3
    assert np.abs(off).max() < 1.6
    assert np.abs(exposure.gains - 1).max() < 0.015


def test_a_step_of_exposure_halfway() -> None:
    gains = np.repeat(np.where(np.arange(30) < 12, 1.0, 0.7)[:, None], 3, axis=1)
    exposure = seen(exposed(gains, np.zeros((30, 3))), 20)
    assert np.abs(exposure.gains - gains / 0.7).max() < 0.01


def test_a_frame_of_something_else_does_not_fit() -> None:
    frames = exposed(np.repeat(np.linspace(0.95, 1.05, 20)[:, None], 3, axis=1), np.zeros((20, 3)))
    frames[7] = np.zeros_like(frames[7])
    frames[9] = np.full_like(frames[9], 255)
    exposure = seen(frames, 10)
    assert exposure.changes
    assert list(np.flatnonzero(~exposure.fits)) == [7, 9]
    assert (exposure.gains[[7, 9]] == 1).all()


def test_light_of_one_frame_and_of_tiny_frames_is_steady() -> None:
    assert not seen([backdrop()], 0).changes
    tiny = [np.full((3, 4, 3), level, np.uint8) for level in (50, 100, 150)]
    assert not seen(tiny, 1).changes


def test_black_clips_are_steady() -> None:
    assert not seen([np.zeros((60, 80, 3), np.uint8)] * 5, 2).changes


def lorry_clip(glow: float, gains: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """Dark lorries that cover a third of most frames, in rain; their lamps shine red on what is around them."""
    case, rng, frames = preset("medium"), np.random.default_rng(seed), []
    height, width = SIZE
    y, x = np.mgrid[:height, :width].astype(np.float32)
    body = np.clip(rng.normal(50, 15, (height, width, 3)), 0, 255)
    for i, gain in enumerate(gains):
        scene, left = backdrop()[:height, :width].astype(np.float32), (11 * i) % (2 * width) - width // 2
        away = np.hypot(x - left, y - 0.7 * height) / height
        across = np.s_[height // 3 : height - 8, max(0, left) : max(0, left + width // 2)]
        scene[across] = body[across]
        scene += glow * np.exp(-4 * away)[..., None] * (1.0, 0.3, 0.2)
        rain = rain_over(case.rain, case.gradient, SIZE, generator(seed, "rain", i))
        frame = np.empty((*SIZE, 3), np.uint8)
        expose(np.clip(scene, 0, 255).astype(np.float32), rain.opacity, rain.light,
               sensor_noise(case, SIZE, seed, i), float(gain), frame)  # fmt: skip
        frames.append(frame)
    return frames


def test_lamps_of_lorries_are_not_the_light_of_the_picture() -> None:
    exposure = seen(lorry_clip(60, np.ones(40)), 20)
    assert exposure.parts and not exposure.changes
    assert (exposure.gains == 1).all()


def test_light_is_told_by_what_stays_where_lorries_pass() -> None:
    gains = 1 + 0.06 * np.sin(np.arange(40) / 6)
    exposure = seen(lorry_clip(0, gains), 20)
    assert exposure.changes and not exposure.parts
    off = exposure.gains / (gains / gains[20])[:, None] - 1
    assert np.sqrt(np.mean(off[exposure.fits] ** 2)) < 0.006 and exposure.fits.mean() > 0.9


def test_bounds_are_what_frames_showed_before_their_light_was_undone() -> None:
    rng, bounds = np.random.default_rng(0), Bounds((20, 30))
    shown = rng.integers(20, 200, (5, 20, 30, 3)).astype(np.uint8)
    for frame, gain in zip(shown, (0.9, 1.0, 1.1, 1.2, 0.8), strict=True):
        exposure = exposure_with(gain, 4.0)
        bounds.add_frame(exposure.undo_u8(0, frame), exposure.gains[0], exposure.offsets[0])
    # Undoing exposure rounds to whole grey levels, and so does taking it back.
    assert np.abs(bounds.lowest.astype(int) - (shown.min(axis=0).astype(int) - ALLOWED)).max() <= 1
    assert np.abs(bounds.highest.astype(int) - (shown.max(axis=0).astype(int) + ALLOWED)).max() <= 1
    picture = np.full((20, 30, 3), 120, np.float32)
    bounds.clip(picture)
    assert (picture == np.clip(120, bounds.lowest, bounds.highest)).all()


def test_the_reference_frame_stays_bit_identical() -> None:
    exposure, _ = exposure_of("drift", frames=12)
    picture = backdrop()
    assert (exposure.undo_u8(6, picture) == picture).all()
    assert (exposure.undo(6, picture) == picture).all()


def test_steady_light_undoes_nothing() -> None:
    exposure, picture = constant_exposure(3, 1), backdrop()
    assert exposure.undo_u8(0, picture) is picture
    assert (exposure.undo(2, picture) == picture).all()
    assert exposure.undo(2, picture).dtype == np.float32


def exposure_with(gain: float, offset: float) -> Exposure:
    return replace(constant_exposure(1, 0), gains=np.full((1, 3), gain), offsets=np.full((1, 3), offset), changes=True)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 2), st.floats(-20, 20))
def test_undoing_is_the_inverse_between_black_and_white(gain: float, offset: float) -> None:
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    undone = exposure_with(gain, offset).undo(0, levels)
    expected = (levels.astype(float) - offset) / gain
    inside = (levels >= 2) & (levels <= 253)
    assert np.abs(undone - np.clip(expected, 0, 255))[inside].max() < 1e-3
    assert undone[levels == 255].min() == 255
    assert undone[levels == 0].max() == 0
    grey = exposure_with(gain, offset).undo(0, levels.astype(np.float32))
    assert np.abs(grey - undone).max() < 1e-4
    assert (exposure_with(gain, offset).undo_u8(0, levels) == np.rint(undone)).all()


def test_undoing_never_turns_order_around() -> None:
    for gain, offset in ((0.7, 5.0), (1.3, -8.0), (1.3, 8.0)):
        table = exposure_with(gain, offset).table(0)
        assert (np.diff(table, axis=0) >= 0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 5000))
def test_points_lie_in_the_frame_and_are_few_enough(width: int, height: int, most: int) -> None:
    points = scatter(width, height, most)
    assert len(points) <= most and len(points) % 2 == 0
    assert len(np.unique(points, axis=0)) == len(points)
    assert ((points >= 0) & (points < (width, height))).all()


def test_samples_of_a_moved_frame_are_those_of_the_moved_points() -> None:
    picture = np.asarray(cv2.GaussianBlur(backdrop(), (0, 0), 3), np.uint8)
    height, width = picture.shape[:2]
    samples = ExposureSamples(width, height)
    shift = np.array([[1, 0, 7], [0, 1, -4], [0, 0, 1]], float)
    samples.add_frame(picture, shift)
    got, (x, y) = samples._frames[0].astype(float), (samples.points + np.array((7, -4))).T
    surely = (x < width - 1) & (y >= 1)  # samples lie between pixels, at most half a one away
    assert np.abs(got[:, surely] - picture[y[surely], x[surely]].T).max() < 8
    assert np.abs((got[:, surely] - picture[y[surely], x[surely]].T).mean()) < 0.6
    outside = (x >= width) | (y < -1)
    assert (got[:, outside] == _exposure_kernels.NONE).all()


def test_wrong_sizes_and_positions_are_refused() -> None:
    samples = ExposureSamples(20, 10)
    with pytest.raises(ValueError, match="a frame of shape"):
        samples.add_frame(np.zeros((20, 10, 3), np.uint8))
    with pytest.raises(IndexError):
        samples.result(0)


def kernels_data(seed: int, points: int = 64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scene, shape = rng.uniform(5, 250, points).astype(np.float32), (9, points)
    samples = np.clip(np.rint(scene + 3 * rng.standard_normal(shape) + 20 * (rng.random(shape) < 0.2)), 0, 255)
    samples[rng.random(shape) < 0.1] = _exposure_kernels.NONE
    return samples.astype(np.uint8), scene, rng.uniform(1, 4, points).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_moments_are_those_of_plain_numpy(seed: int) -> None:
    samples, scene, sigma = kernels_data(seed, 1500)
    exposures = np.stack((np.linspace(0.95, 1.05, 9), np.linspace(-1, 1, 9)), axis=1)
    window, out, edges = np.array([-2.5, 0.5, -0.4]), np.empty((9, 3, 6)), np.array([0, 200, 850, 1500])
    _exposure_kernels.moments(samples, scene, sigma, exposures, window, 9.0, edges, out)
    should = exposures[:, :1] * scene.astype(float) + exposures[:, 1:]
    z = (samples - should) / sigma
    told = (z > -2.5) & (z < 0.5) & (samples != 255) & (should > 9) & (should < 246)
    b, w, r = scene.astype(float), told / sigma.astype(float) ** 2, (z + 0.4) * sigma
    sums = np.stack([told, w, w * b, w * b * b, w * r, w * b * r])
    expected = np.stack([part.sum(axis=2) for part in np.split(sums, edges[1:-1], axis=2)], axis=2).transpose(1, 2, 0)
    assert out == pytest.approx(expected, rel=1e-3, abs=0.5)


def test_ratios_to_the_scene_are_counted_as_plain_numpy_does() -> None:
    samples, scene, _ = kernels_data(3, 1500)
    samples[0] = 3  # too dark to say anything
    logs, weights = np.log(np.arange(1, 256), dtype=np.float32), np.square(scene)
    counts, shown = np.zeros((9, 101)), np.zeros(9, np.int64)
    _exposure_kernels.count_ratios(samples, logs, np.log(scene), weights, counts, shown)
    for row, found, said in zip(samples, counts, shown, strict=True):
        told = (row > 4) & (row != 255)
        steps = np.rint((np.log(row[told], dtype=np.float32) - np.log(scene[told])) * 200).astype(int).clip(-50, 50)
        assert (found == np.bincount(steps + 50, weights[told], 101)).all()
        assert said == told.sum()


@pytest.mark.parametrize("seed", range(2))
def test_a_step_of_the_scene_is_that_of_plain_numpy(seed: int) -> None:
    samples, scene, sigma = kernels_data(seed)
    exposures = np.stack((np.linspace(0.95, 1.05, 9), np.linspace(-1, 1, 9)), axis=1)
    gains, stepped = exposures[:, :1], scene.copy()
    _exposure_kernels.rescene(samples, stepped, sigma, exposures, np.array([-2.5, 0.5, -0.4]), 0.8)
    z = (samples - (gains * scene.astype(float) + exposures[:, 1:])) / sigma
    told = (z > -2.5) & (z < 0.5) & (samples != 255)
    step = sigma * (told * gains * (z + 0.4)).sum(axis=0) / np.maximum((told * gains**2).sum(axis=0), 1e-9)
    assert stepped == pytest.approx(scene + 0.8 * step, rel=1e-4, abs=1e-2)


def test_squares_below_the_scene_are_those_of_plain_numpy() -> None:
    samples, scene, _ = kernels_data(1)
    exposures = np.stack((np.linspace(0.9, 1.1, 9), np.linspace(-1, 1, 9)), axis=1)
    squares, counts = np.empty(64, np.float32), np.empty(64, np.float32)
    _exposure_kernels.below(samples, exposures, scene, 6.0, squares, counts)
    off = samples - (exposures[:, :1] * scene + exposures[:, 1:])
    told = (off < 0) & (off > -6) & (samples != 255)
    assert squares == pytest.approx((told * off**2).sum(axis=0), abs=1e-2)
    assert (counts == told.sum(axis=0)).all()


def test_a_percentile_of_each_point() -> None:
    samples, _, _ = kernels_data(5)
    exposures, scene = np.stack((np.linspace(0.9, 1.1, 9), np.zeros(9)), axis=1), np.zeros(64, np.float32)
    _exposure_kernels.percentile(samples, exposures, 0.3, scene)
    for point in range(64):
        kept = samples[:, point] != _exposure_kernels.NONE
        undone = samples[kept, point] / exposures[kept, 0]
        if kept.any() and undone.max() < 250:
            # Half a level lower fewer samples lie below, half a level higher at least as many.
            assert np.mean(undone < scene[point] - 0.51) <= 0.3 <= np.mean(undone < scene[point] + 0.51)
