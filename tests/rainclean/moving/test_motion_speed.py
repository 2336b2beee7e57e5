"""What is left out, or compiled, to find moving things faster changes nothing that is found."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.moving import _kernels, foreground
from rainclean.moving.changes import _least_of_runs
from rainclean.moving.dynamic_texture import _lines, _offsets, _usually, cut_off, less_mean
from rainclean.moving.foreground import _bodies, _may_last, _tracks, find_foreground
from rainclean.moving.residual_grid import UNIT, Residuals
from rainclean.simulate.presets import preset
from rainclean.stabilization import _exposure_tiles
from tests.helpers.motion_scenes import clip, estimate, found_in


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(6, 14), st.integers(1, 3))
def test_frames_that_are_not_looked_at_hold_nothing_that_lasts(seed: int, frames: int, things: int) -> None:
    random = np.random.default_rng(seed)
    size = (int(random.integers(40, 150)), int(random.integers(40, 150)))
    cores, weak, faint = (np.zeros((frames, *size), np.uint8) for _ in range(3))
    for _ in range(things):
        x, y = random.uniform(0, size[1]), random.uniform(0, size[0])
        for t in range(*sorted(random.integers(0, frames + 1, 2))):
            x, y = x + random.normal(0, 25), y + random.normal(0, 10)
            cv2.circle(cores[t], (round(x), round(y)), int(random.integers(2, 7)), 1, -1)
    for planes, share in ((weak, 0.1), (faint, random.choice([0.1, 0.5, 0.7]))):
        planes[:] = random.random(planes.shape) < share
        for t in range(frames):
            planes[t] = cv2.medianBlur(planes[t], 5) | cores[t]
    every = [_bodies(*planes) for planes in zip(cores, weak, faint, strict=True)]
    some = np.zeros(cores.shape, bool)
    for t in _may_last(cores):
        some[t] = every[t]
    nowhere, reach = np.zeros(size, bool), np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13)), np.uint8)
    all_of_them = np.array([body & core.any() for body, core in zip(every, cores, strict=True)])
    one, other = (_tracks(found, nowhere, reach) if found.any() else found for found in (some, all_of_them))
    np.testing.assert_array_equal(one, other)


def test_what_comes_and_goes_at_once_is_not_looked_at() -> None:
    cores = np.zeros((12, 60, 200), np.uint8)
    for t in (0, 1, 2, 5, 8):
        cores[t, 20:26, 30:36] = 1
    assert _may_last(cores) == []
    cores[3, 50:56, 160:166] = 1  # too far off to be the same thing
    assert _may_last(cores) == []
    cores[3, 28:34, 38:44] = 1
    assert _may_last(cores) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["walker", "heavy"])
def test_a_clip_has_the_same_passing_things_with_every_frame_looked_at(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames, _, _ = clip(name)
    seen: list[np.ndarray] = []

    def find(residuals: Residuals, restless: Callable[[], np.ndarray]) -> np.ndarray:
        seen.append(find_foreground(residuals, restless))
        with monkeypatch.context() as patch:
            patch.setattr(foreground, "_may_last", lambda cores: np.flatnonzero(cores.any(axis=(1, 2))))
            seen.append(find_foreground(residuals, restless))
        return seen[0]

    monkeypatch.setattr("rainclean.moving.detectors.find_foreground", find)
    found_in(frames, estimate(frames), preset(name).noise)
    assert bool(seen[0].any()) == (name == "walker")
    one, other = seen
    np.testing.assert_array_equal(one, other)


def test_samples_are_cut_off() -> None:
    random = np.random.default_rng(1)
    samples = random.integers(-128, 128, (5, 7, 9), dtype=np.int8)
    usual, below, above = (random.uniform(0, 20, (7, 9)).astype(np.float32) for _ in range(3))
    levels = np.empty(samples.shape, np.float32)
    cut_off(samples, usual, below, above, levels)
    np.testing.assert_array_equal(levels, np.clip(samples / np.float32(UNIT) - usual, -below, above))


@settings(deadline=None)
@given(st.integers(2, 13), st.integers(0, 1000))
def test_means_squares_and_products_over_time(count: int, seed: int) -> None:
    before = np.random.default_rng(seed).normal(3, 8, (count, 4, 6)).astype(np.float32)
    levels, power, both = before.copy(), np.empty((4, 6), np.float32), np.empty((4, 6), np.float32)
    less_mean(levels, power, both)
    exact = before.astype(np.float64) - before.astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(levels, exact, atol=1e-4)
    np.testing.assert_allclose(power, np.square(exact).mean(axis=0), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(both, (exact[1:] * exact[:-1]).mean(axis=0), rtol=1e-4, atol=1e-2)


@settings(deadline=None)
@given(st.integers(1, 12), st.sampled_from([0.6, 0.76]), st.integers(0, 1000))
def test_what_most_parts_have_is_a_rank(count: int, often: float, seed: int) -> None:
    maps = list(np.random.default_rng(seed).normal(0, 1, (count, 3, 5)).astype(np.float32))
    before = np.array(maps)
    np.testing.assert_array_equal(_usually(maps, often), np.sort(before, axis=0)[int((count - 1) * (1 - often))])
    np.testing.assert_array_equal(before, maps)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60), st.floats(0, 1), st.integers(1, 40))
def test_parts_that_are_large_are_those_of_opencv(seed: int, rows: int, columns: int, share: float, least: int) -> None:
    mask = (np.random.default_rng(seed).random((rows, columns)) < share).astype(np.uint8)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least
    keep[0] = False
    out = np.full_like(mask, 7)
    _kernels.keep_large(mask, least, out)
    np.testing.assert_array_equal(out, keep[parts])


def test_parts_are_joined_by_what_comes_later() -> None:
    fork = np.array([[1, 0, 1, 0, 1], [1, 0, 1, 0, 1], [1, 1, 1, 0, 1], [0, 0, 0, 1, 0]], np.uint8)
    out = np.empty_like(fork)
    _kernels.keep_large(fork, int(fork.sum()), out)
    np.testing.assert_array_equal(out, fork)
    _kernels.keep_large(fork, int(fork.sum()) + 1, out)
    assert not out.any()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 30), st.integers(1, 30), st.integers(1, 4))
def test_medians_are_subtracted(seed: int, frames: int, rows: int, columns: int, step: int) -> None:
    random = np.random.default_rng(seed)
    levels = random.normal(0, 5, (frames, rows, columns)).astype(np.float32)
    if random.random() < 0.5:
        levels = np.rint(levels)  # many of them equal
    expected = levels - np.median(levels[:, ::step, ::step], axis=(1, 2))[:, None, None]
    _kernels.subtract_medians(levels, step)
    np.testing.assert_array_equal(levels, expected)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_steps_are_added_up(seed: int, frames: int) -> None:
    random = np.random.default_rng(seed)
    samples = random.integers(-128, 128, (frames, 5, 7), dtype=np.int8)
    usual, most, wet, noise, *sums = (random.uniform(0, 20, (5, 7)).astype(np.float32) for _ in range(7))
    steps, rain, falls = (each.copy() for each in sums)
    for before, after in pairwise(samples.astype(np.float32)):
        steps += np.minimum(np.abs(after - before), most)
        rain += after - usual > wet
        falls += np.maximum(after - usual - noise, np.float32(0))
    _kernels.add_steps(samples, usual, most, wet, noise, *sums)
    for one, other in zip(sums, (steps, rain, falls), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(-1, 0), (1, 128)]))
def test_levels_around_a_clean_image(seed: int, how: tuple[int, int]) -> None:
    (sign, base), random = how, np.random.default_rng(seed)
    frame, off = random.integers(-128, 128, (5, 7), dtype=np.int8), random.integers(-600, 600, (5, 7), dtype=np.int16)
    passing, aside = random.random((2, 5, 7)) < 0.2
    expected = np.clip(base + sign * (frame - off), 0, 255)
    expected[passing | aside] = base
    out = np.empty((5, 7), np.uint8)
    _kernels.levels_around(frame, off, sign, base, passing, aside, out)
    np.testing.assert_array_equal(out, expected)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(10, 40))
def test_runs_are_counted(seed: int, frames: int) -> None:
    random = np.random.default_rng(seed)
    levels = random.integers(100, 256, (frames, 4, 6), dtype=np.uint8)
    limit = random.uniform(90, 300, (4, 6)).astype(np.float32)
    runs, above = np.full((2, 4, 6), 77, np.int32)
    _kernels.count_runs(levels, limit, 10, runs, above)
    np.testing.assert_array_equal(runs, (_least_of_runs(levels) > limit).sum(axis=0))
    np.testing.assert_array_equal(above, (levels > limit).sum(axis=0))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_deviations_of_one_plane_and_the_next(seed: int) -> None:
    random = np.random.default_rng(seed)
    most = np.zeros((5, 7), np.float32)
    planes = [[random.uniform(1, 20, (5, 7)).astype(np.float32) for _ in range(3)] for _ in range(2)]
    for grey, middle, spread in planes:
        _kernels.deviation(grey, middle, spread, most)
    np.testing.assert_array_equal(most, np.maximum(*(np.abs(a - b) / c for a, b, c in planes)))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 40), st.integers(3, 40), st.booleans(), st.sampled_from([1, 3, 7, 9]))
def test_streaks_are_removed_as_opencv_would(seed: int, rows: int, columns: int, upright: bool, line: int) -> None:
    samples = np.random.default_rng(seed).integers(-128, 128, (2, rows, columns), dtype=np.int8)
    out = np.empty_like(samples)
    _kernels.remove_streaks(samples, upright, line, out)
    for frame, opened in zip(samples, out, strict=True):
        smooth = cv2.blur(frame.view(np.uint8) ^ np.uint8(128), (1, 5) if upright else (5, 1))
        shape = np.ones((1, line) if upright else (line, 1), np.uint8)
        expected = np.asarray(cv2.morphologyEx(smooth, cv2.MORPH_OPEN, shape), np.uint8)
        np.testing.assert_array_equal(opened.view(np.uint8) ^ np.uint8(128), expected)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.booleans())
def test_splashes_are_counted_as_opencv_would(seed: int, frames: int, upright: bool) -> None:
    random = np.random.default_rng(seed)
    size = (int(random.integers(3, 50)), int(random.integers(3, 50)))
    samples = np.zeros((frames, *size), np.int8)
    for frame in samples:
        for _ in range(random.integers(0, 6)):
            x, y = (int(random.integers(0, n)) for n in size[::-1])
            cv2.circle(frame.view(np.uint8), (x, y), int(random.integers(1, 4)), int(random.integers(40, 120)), -1)
            cv2.line(frame.view(np.uint8), (y, x), (y + int(random.integers(0, 4)), x + 12), 100)
    samples = np.maximum(samples, random.integers(-20, 20, samples.shape, dtype=np.int8))
    scale, least = random.uniform(0.3, 2, size).astype(np.float32), random.integers(1, 60, size, dtype=np.uint8)
    shapes = [line if upright else np.ascontiguousarray(line.T) for line in _lines(9)]
    across = np.ones((1, 3) if upright else (3, 1), np.uint8)
    events, lasting = np.zeros((2, *size), np.float32)
    before = [np.zeros(size, np.uint8)] * 3
    for frame in samples:
        bright = np.clip(frame * scale, 0, 150).astype(np.uint8)
        round_ = cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        wide = cv2.dilate(bright, across)
        streaks = np.maximum.reduce([cv2.morphologyEx(wide, cv2.MORPH_OPEN, shape) for shape in shapes])
        event = (cv2.subtract(round_, streaks) > least).astype(np.uint8)
        events += event
        lasting += event & before[-3]
        before.append(event)
    one, other = np.zeros((2, *size), np.float32)
    lines = np.stack([_offsets(shape, 9) for shape in shapes])
    _kernels.count_splashes(samples, scale, 150.0, least, lines, _offsets(across, 3), 3, one, other)
    np.testing.assert_array_equal(one, events)
    np.testing.assert_array_equal(other, lasting)


@settings(deadline=None)
@given(st.integers(0, 1000), st.booleans(), st.floats(0.3, 1.0))
def test_tiles_are_weighed_as_written_down(seed: int, offsets: bool, spread: float) -> None:
    random = np.random.default_rng(seed)
    frames, tiles = 6, 20
    sums = np.zeros((frames, tiles, 6))
    for n, t in np.ndindex(frames, tiles):
        scene, count = random.uniform(0, 200, size := int(random.integers(0, 40))), size
        weight, off = np.full(size, 0.25), random.normal(random.choice([0, 6]), 1, size)
        sums[n, t] = count, weight.sum(), weight @ scene, weight @ scene**2, weight @ off, (weight * scene) @ off
    lights = np.stack([random.uniform(0.8, 1.2, frames), random.normal(0, 2, frames)], axis=1)
    weights = _exposure_tiles.weights(sums, lights, offsets, spread)
    for n in range(frames):
        kept = np.ones(tiles)
        for _ in range(6):
            change = _least_squares(kept @ sums[n], lights[n, 1], offsets)
            kept = np.array([1 / max(_apart(tile, change, spread) / 2, 1) for tile in sums[n]])
        np.testing.assert_allclose(weights[n], kept, rtol=1e-6)
        whole = _exposure_tiles.step((kept @ sums[n])[None], lights[n : n + 1], offsets)
        np.testing.assert_allclose(whole[0], _least_squares(kept @ sums[n], lights[n, 1], offsets), atol=1e-9)
    apart = _exposure_tiles.off(sums, np.ones((frames, 2)), spread)
    np.testing.assert_allclose(apart, [[_apart(tile, np.ones(2), spread) for tile in row] for row in sums])


def _least_squares(sums: np.ndarray, offset: float, offsets: bool) -> np.ndarray:
    """Change of gain and offset: normal equations, offsets held near 0 by 3 grey levels."""
    if sums[0] < 32 or sums[3] <= 0:
        return np.zeros(2)
    if not offsets:
        return np.array([sums[5] / sums[3], 0])
    matrix = np.array([[sums[3], sums[2]], [sums[2], sums[1] + 1 / 9]])
    return np.linalg.solve(matrix, [sums[5], sums[4] - offset / 9])


def _apart(sums: np.ndarray, change: np.ndarray, spread: float) -> float:
    """How far a tile's own slope is off, in a quarter of the noise and three errors of it."""
    if sums[0] <= 0 or sums[3] <= 0:
        return 0.0
    left = abs(sums[5] - change @ [sums[3], sums[2]]) / np.sqrt(sums[3] * sums[0]) / spread
    return float(left / (0.25 + 3 / np.sqrt(spread * sums[0])))
