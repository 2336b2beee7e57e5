"""The strength of noise by level is found from the clip itself, under rain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.rainfree.noise import MIN_SD, NoiseSamples, noise_curve

SIZE = (120, 160)


def scene(low: float = 15, high: float = 235) -> np.ndarray:
    """(H, W, 3) of every level between two, the channels somewhat apart."""
    grey = np.linspace(low, high, SIZE[0] * SIZE[1]).reshape(SIZE)[..., None]
    return grey + np.array([-4.0, 0.0, 4.0])


def rainy(clean: np.ndarray, sigma: float | np.ndarray, frames: int, wet: float, seed: int = 0) -> np.ndarray:
    """Frames (N, H, W, 3) with noise; a share of the values of each pixel is brightened, all channels together."""
    rng = np.random.default_rng(seed)
    shape = (frames, *SIZE, 1)
    rain = (rng.random(shape) < wet) * rng.exponential(25, shape)
    made = clean + rain + sigma * rng.standard_normal((frames, *SIZE, 3))
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def curve_of(frames: np.ndarray, eta: float, start: int = 0, stop: int | None = None) -> np.ndarray:
    samples = NoiseSamples(*SIZE)
    for frame in frames:
        samples.add_frame(frame)
    return samples.curve(eta, start, stop)


def clean_percentile(wet: float) -> float:
    """The clean value is the middle of the values that are free, and rain lies above."""
    return 50 * (1 - wet)


@pytest.mark.parametrize("wet", [0.0, 0.35])
@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.5, 6.0])
def test_the_noise_is_found_under_rain(sigma: float, wet: float) -> None:
    found = curve_of(rainy(scene(), sigma, 60, wet), clean_percentile(wet))
    assert found.shape == (256,) and found.dtype == np.float32
    assert np.abs(found[30:221] / sigma - 1).max() < 0.25


def test_noise_that_grows_with_light_is_followed() -> None:
    sigma = 1 + scene() / 50
    found = curve_of(rainy(scene(), sigma, 60, 0.3), clean_percentile(0.3))
    for level in (40, 120, 200):
        assert abs(found[level] / (1 + level / 50) - 1) < 0.25
    assert found[40] < found[120] < found[200]


def test_what_black_and_white_cut_off_is_not_taken_for_little_noise() -> None:
    found = curve_of(rainy(scene(0, 255), 4.0, 60, 0.3), clean_percentile(0.3))
    assert np.abs(found / 4 - 1).max() < 0.25


def test_in_the_dark_alone_something_is_still_found() -> None:
    found = curve_of(rainy(scene(4, 30), 3.0, 60, 0.3), clean_percentile(0.3))
    assert abs(found[20] / 3 - 1) < 0.25
    assert np.abs(found / 3 - 1).max() < 0.4


def test_how_close_to_black_is_too_close_is_not_told_by_what_black_cut_off() -> None:
    # Of many black pixels the vote is low: half of hardly any value says little of the noise in the dark.
    found = curve_of(rainy(scene(0, 60), 6.0, 60, 0.3), 15.0)
    assert found[:24].min() > 0.9 * found[40]


@pytest.mark.parametrize("frames", [2, 3, 5, 10, 20])
def test_of_few_frames_it_is_found_roughly(frames: int) -> None:
    found = curve_of(rainy(scene(), 3.0, frames, 0.2), clean_percentile(0.2))
    assert (found > 1.2).all() and (found < 6).all()


def test_a_low_percentile_of_few_frames_does_not_make_noise_vanish() -> None:
    found = curve_of(rainy(scene(), 3.0, 20, 0.3), 3.0)
    assert (found > 1.5).all() and (found < 6).all()


def test_only_the_frames_asked_for_count() -> None:
    frames = np.concatenate((rainy(scene(), 1.5, 30, 0.2), rainy(scene(), 5.0, 30, 0.2)))
    eta = clean_percentile(0.2)
    assert np.array_equal(curve_of(frames, eta, 30), curve_of(frames[30:], eta))
    assert np.array_equal(curve_of(frames, eta, 0, 30), curve_of(frames[:30], eta))
    assert curve_of(frames, eta, 0, 30)[100] < 2 < 4 < curve_of(frames, eta, 30, 60)[100]


def test_a_clip_without_noise_has_what_rounding_makes() -> None:
    assert (curve_of(rainy(scene(), 0.0, 20, 0.2), 40.0) == np.float32(MIN_SD)).all()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(2, 40), st.integers(1, 300), st.floats(0, 100), st.integers(1, 256))
def test_a_curve_is_always_usable(seed: int, frames: int, pixels: int, eta: float, levels: int) -> None:
    stack = np.random.default_rng(seed).integers(0, levels, (frames, pixels, 3), np.uint8)
    found = noise_curve(np.sort(stack, axis=0), eta)
    assert found.shape == (256,) and found.dtype == np.float32
    assert np.isfinite(found).all() and (found >= np.float32(MIN_SD)).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (240, 352), (7, 12_000), (300, 510)])
def test_samples_stand_all_over_the_picture(size: tuple[int, int]) -> None:
    height, width = size
    # Columns that are noisy, one after the other: each is seen.
    rng = np.random.default_rng(0)
    samples = NoiseSamples(height, width)
    for _ in range(6):
        samples.add_frame(rng.integers(0, 256, (height, width, 3), np.uint8))
    seen = samples.curve(50.0)
    assert np.isfinite(seen).all() and seen[128] > 20
    # A corner that is all that is bright has noise of its own.
    corner, wide = NoiseSamples(height, width), height * width > 1000
    for _ in range(6):
        frame = np.full((height, width, 3), 20, np.uint8)
        below = frame[3 * height // 4 :, 3 * width // 4 :]
        below[:] = rng.integers(150, 250, below.shape, np.uint8)
        corner.add_frame(frame)
    assert not wide or corner.curve(50.0)[200] > 20


def test_a_shadow_that_lies_over_half_the_picture_for_some_frames_is_no_noise() -> None:
    frames = rainy(scene(), 3.0, 60, 0.2)
    dark = frames.copy()
    dark[:15, :, : SIZE[1] // 2] = (0.6 * dark[:15, :, : SIZE[1] // 2]).astype(np.uint8)
    eta = clean_percentile(0.2)
    plain, shadowed = curve_of(frames, eta), curve_of(dark, eta)
    assert np.abs(shadowed / plain - 1).max() < 0.4  # it was six times as much
