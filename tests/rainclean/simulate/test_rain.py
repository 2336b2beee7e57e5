"""Streaks: sizes and speeds as published, means as asked for, the kernel as its definition."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.errors import UsageError
from rainclean.simulate import PRESETS, Rain, physics
from rainclean.simulate._kernel import expose, paint
from rainclean.simulate.streaks import fall, rain_over
from tests.oracles import simulate_kernels as _reference

SIZE = (240, 352)


def streaks_of(rain: Rain, frames: int = 12) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.concatenate([fall(rain, SIZE, np.random.default_rng(i)) for i in range(frames)])


@pytest.mark.parametrize(
    ("diameter", "published"),
    [(0.8, 3.27), (1.0, 4.03), (1.6, 5.65), (2.0, 6.49), (3.0, 8.06), (4.0, 8.83), (5.0, 9.09), (5.8, 9.17)],
)
def test_drops_fall_as_gunn_and_kinzer_measured(diameter: float, published: float) -> None:
    assert physics.terminal_speed(np.array([diameter]))[0] == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize("rate", [1.0, 5.0, 25.0, 100.0])
def test_sizes_follow_marshall_and_palmer(rate: float) -> None:
    d = physics.diameters((np.arange(20000) + 0.5) / 20000, rate)
    slope = 4.1 * rate**-0.21
    assert d.min() >= physics.SMALLEST_MM and d.max() <= physics.LARGEST_MM
    # Of an exponential cut at both ends: mean beyond the smallest, and half as many a fixed step further on.
    span = physics.LARGEST_MM - physics.SMALLEST_MM
    mean = 1 / slope - span / np.expm1(slope * span)
    assert d.mean() - physics.SMALLEST_MM == pytest.approx(mean, rel=2e-3)
    step = np.log(2) / slope
    first = np.mean(d < physics.SMALLEST_MM + 0.2 * step)
    second = np.mean((d >= physics.SMALLEST_MM + step) & (d < physics.SMALLEST_MM + 1.2 * step))
    assert first / second == pytest.approx(2, rel=0.02)


def test_drops_are_spread_evenly_over_the_volume() -> None:
    z = physics.distances((np.arange(1000) + 0.5) / 1000, 3.0)
    assert np.mean(z < 2) == pytest.approx((8 - 1) / (27 - 1), abs=1e-3)


@pytest.mark.parametrize("name", ["light", "medium", "heavy", "torrent", "noisy", "night", "gradient", "codec"])
def test_a_preset_has_the_density_length_width_and_strength_that_it_names(name: str) -> None:
    rain = PRESETS[name].rain
    streaks = streaks_of(rain)
    inside = (np.abs(streaks[:, 0] - 175.5) <= 176) & (np.abs(streaks[:, 1] - 119.5) <= 120)
    assert inside.sum() / (12 * 240 * 352) == pytest.approx(rain.density, rel=0.07)
    assert streaks[:, 2].mean() == pytest.approx(rain.length, rel=0.04)
    assert streaks[:, 3].mean() == pytest.approx(rain.width, rel=0.04)
    assert np.rad2deg(streaks[:, 4].mean()) == pytest.approx(rain.slant, abs=0.3)
    opacity = streaks[:, 5] / rain.strength
    assert opacity.min() >= 0.2499 and opacity.max() <= 1.0001 and opacity.max() > 0.99
    assert opacity.mean() == pytest.approx(0.625, rel=0.03)
    assert streaks[:, 6].mean() == pytest.approx(rain.colour, abs=1)


def test_length_and_width_are_what_can_be_measured_in_the_picture() -> None:
    opacity, light = np.zeros((200, 60), np.float32), np.zeros((200, 60), np.float32)
    streak = np.array([[30, 100, 60, 4, 0, 0.8, 232]], np.float32)
    paint(streak, opacity, light)
    assert opacity.max() == pytest.approx(0.8, rel=1e-3)
    assert (opacity[:, 30] >= 0.4).sum() == pytest.approx(60, abs=1)
    assert (opacity[100] >= 0.4).sum() == pytest.approx(4, abs=1)
    assert opacity.sum() == pytest.approx(0.8 * 60 * 4 * np.sqrt(np.pi / (4 * np.log(2))), rel=0.01)
    ends = opacity[:, 30] / 0.8
    assert np.abs(np.diff(ends)).max() < 0.1  # soft, no step


def test_the_picture_holds_as_much_rain_as_the_list() -> None:
    # So thin that streaks hardly ever cross.
    rain = Rain(density=0.0002)
    streaks = streaks_of(rain, 40)
    area = np.sqrt(np.pi / (4 * np.log(2)))
    expected = rain.density * np.mean(streaks[:, 5] * streaks[:, 2] * streaks[:, 3]) * area
    seen = np.mean([rain_over(rain, (1.0, 1.0), SIZE, np.random.default_rng(i)).opacity.mean() for i in range(40)])
    assert seen == pytest.approx(expected, rel=0.06)


def test_rain_is_as_dense_at_the_border_as_in_the_middle() -> None:
    painted = [rain_over(Rain(density=0.01), (1.0, 1.0), SIZE, np.random.default_rng(i)).opacity for i in range(40)]
    mean = np.mean(painted, axis=0)
    for part in (mean[:6], mean[-6:], mean[:, :6], mean[:, -6:]):
        assert part.mean() == pytest.approx(mean.mean(), rel=0.1)


def test_near_drops_make_longer_and_wider_streaks_that_vary() -> None:
    streaks = streaks_of(PRESETS["medium"].rain)
    assert np.corrcoef(streaks[:, 2], streaks[:, 3])[0, 1] > 0.5
    assert np.quantile(streaks[:, 2], 0.99) > 2.5 * np.quantile(streaks[:, 2], 0.1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(-90, 90), st.floats(1, 60), st.floats(1, 8))
def test_the_kernel_does_what_its_numpy_twin_says(seed: int, slant: float, length: float, width: float) -> None:
    rng = np.random.default_rng(seed)
    rows = [rng.uniform(-20, 70, 6), rng.uniform(-20, 60, 6), length * rng.uniform(0.5, 2, 6)]
    rows += [width * rng.uniform(0.5, 2, 6), np.deg2rad(slant + rng.normal(0, 3, 6)), rng.random(6)]
    streaks = np.stack([*rows, rng.uniform(0, 255, 6)], axis=1).astype(np.float32)
    ours, light = np.zeros((37, 53), np.float32), np.zeros((37, 53), np.float32)
    twin, twin_light = ours.copy(), light.copy()
    paint(streaks, ours, light)
    _reference.paint(streaks, twin, twin_light)
    # At the edge where a Gaussian is taken for zero, rounding decides: what is lost there is below a percent.
    assert np.abs(ours - twin).max() < 0.012
    assert np.mean(np.abs(ours - twin) > 1e-5) < 0.01
    assert np.mean(np.abs(light - twin_light) > 1e-3) < 0.01


def test_weather_and_lens_make_the_picture() -> None:
    short = Rain.from_weather(20, exposure_s=1 / 1000)
    long = Rain.from_weather(20, exposure_s=1 / 100)
    # Ten times the exposure: ten times the way, a tenth of the opacity (Garg and Nayar).
    assert long.length == pytest.approx(10 * short.length, rel=1e-6)
    assert long.strength == pytest.approx(short.strength / 10, rel=1e-6)
    assert long.density == short.density and long.width == short.width
    assert Rain.from_weather(80).density > 1.5 * Rain.from_weather(10).density
    # Drops of 1 to 2 mm fall at 4 to 6.5 m/s: 3 to 7 cm in 1/100 s, 9 to 30 px at 2.2 to 4 m and f = 1000 px.
    assert 10 < long.length < 30


@pytest.mark.parametrize(
    "values",
    [{"density": -1}, {"length": float("nan")}, {"width": 0.5}, {"strength": 1.5}, {"length": 1.2}, {"colour": 256}],
)
def test_rain_that_cannot_be_meant_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Rain(**values)
    with pytest.raises(UsageError, match="exposure time"):
        Rain.from_weather(10, exposure_s=0)


def test_the_gradient_scales_opacity_from_top_to_bottom() -> None:
    even = rain_over(Rain(), (1.0, 1.0), SIZE, np.random.default_rng(5)).opacity
    graded = rain_over(Rain(), (1.9, 0.1), SIZE, np.random.default_rng(5)).opacity
    wanted = np.linspace(1.9, 0.1, SIZE[0])[:, None]
    assert np.allclose(graded, np.minimum(even * wanted, 1), atol=1e-6)


@pytest.mark.parametrize("noisy", [True, False])
def test_a_frame_is_put_together_as_its_numpy_twin_says(noisy: bool) -> None:
    rng = np.random.default_rng(0)
    scene = rng.uniform(0, 255, (40, 50, 3)).astype(np.float32)
    opacity, light = rng.random((40, 50), np.float32), rng.uniform(0, 255, (40, 50)).astype(np.float32)
    noise = rng.normal(0, 9, (40, 50, 3) if noisy else (0, 0, 3)).astype(np.float32)
    ours, twin = np.empty((40, 50, 3), np.uint8), np.empty((40, 50, 3), np.uint8)
    expose(scene, opacity, light, noise, 1.1, ours)
    _reference.expose(scene, opacity, light, noise, 1.1, twin)
    assert np.array_equal(ours, twin) and ours.max() == 255


def bisected(rising: Callable[[float], float], target: float) -> float:
    """Where a rising function reaches the target: halve what is left, 80 times."""
    low, high = 0.0, 1e4
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return high


@pytest.mark.parametrize("name", PRESETS)
def test_streaks_are_those_of_a_bisection(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last bit of their float32: the same seed gives the same clip, however the scales were found."""
    rain = PRESETS[name].rain
    physics.scales.cache_clear()
    found = [fall(rain, (240, 352), np.random.default_rng(seed)) for seed in range(20)]
    scales = physics.scales(rain.length, rain.width, rain.rate_mm_h, rain.depth_ratio)
    monkeypatch.setattr(physics, "_solve", bisected)
    physics.scales.cache_clear()
    expected = physics.scales(rain.length, rain.width, rain.rate_mm_h, rain.depth_ratio)
    assert scales == pytest.approx(expected, rel=1e-14)
    for seed, streaks in enumerate(found):
        np.testing.assert_array_equal(streaks, fall(rain, (240, 352), np.random.default_rng(seed)))
    physics.scales.cache_clear()
