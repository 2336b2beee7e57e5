"""Every compiled kernel against its plain numpy twin, with ties, extreme values and odd widths."""

import inspect
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rainclean import _addressed, _kernels
from rainclean.temporal.percentiles import InitialEstimate
from tests.oracles import kernels as _reference

FRAMES = st.one_of(st.integers(2, 130), st.sampled_from([131, 255, 256, 257, 300, 301, 333]))
WIDTHS = st.one_of(st.integers(1, 300), st.sampled_from([1, 2, 3, 63, 65, 255, 257, 1025, 2049]))
PALETTES = st.one_of(
    st.lists(st.integers(0, 255), min_size=1, max_size=5),
    st.just([0, 255]),
    st.just([254, 255]),
    st.just(list(range(256))),
)


@st.composite
def tiles(draw: st.DrawFn, ordered: bool = True) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    tile = rng.choice(np.array(draw(PALETTES), np.uint8), (draw(FRAMES), draw(WIDTHS)))
    return np.sort(tile, axis=0) if ordered else tile


many = settings(deadline=None, max_examples=50)


def modes(module: ModuleType, tile: np.ndarray) -> tuple[np.ndarray, ...]:
    width = tile.shape[1]
    # Outputs start with rubbish: a kernel has to write all of them.
    out = np.full(width, 77, np.uint8), np.full(width, 777, np.int32), np.full(width, 777, np.int32)
    module.mode_range(tile, *out)
    return out


def test_every_kernel_has_a_twin_with_the_same_arguments() -> None:
    modules = (_kernels, _addressed)
    kernels = [(m, name) for m in modules for name, value in vars(m).items() if hasattr(value, "py_func")]
    assert len(kernels) >= 10
    for module, name in kernels:
        kernel = inspect.signature(getattr(module, name).py_func)
        assert list(kernel.parameters) == list(inspect.signature(getattr(_reference, name)).parameters)


@many
@given(st.integers(0, 2**32), PALETTES, st.integers(1, 9), st.integers(1, 200))
def test_changes_are_counted_by_size(seed: int, palette: list[int], rows: int, width: int) -> None:
    before, now = np.random.default_rng(seed).choice(np.array(palette, np.uint8), (2, rows, width))
    found = []
    for module in (_kernels, _reference):
        counts, change = np.ones(511, np.int64), np.full((rows, width), -7, np.float32)
        module.count_steps(before, now, counts, change)
        found.append((counts, change))
    assert all((one == other).all() for one, other in zip(*found, strict=True))


@many
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 200), st.data())
def test_gather_takes_the_same_range_of_each_picture(seed: int, frames: int, samples: int, data: st.DataObject) -> None:
    pictures = list(np.random.default_rng(seed).integers(0, 256, (frames, samples), np.uint8))
    first = data.draw(st.integers(0, samples - 1))
    width = data.draw(st.integers(1, samples - first))
    one, other = np.full((frames, width), 7, np.uint8), np.full((frames, width), 8, np.uint8)
    _addressed.copy_columns(_addressed.addresses_of(pictures), first, one)
    _reference.copy_columns(_addressed.addresses_of(pictures), first, other)
    assert np.array_equal(one, other)
    assert np.array_equal(one, np.array(pictures)[:, first : first + width])


@many
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 9), st.integers(1, 20), st.booleans())
def test_means_over_squares(seed: int, rows: int, columns: int, step: int, white: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = rows * step + int(rng.integers(0, 3)), columns * step + int(rng.integers(0, 3)), 3
    rgb = np.full(shape, 255, np.uint8) if white else rng.integers(0, 256, shape, np.uint8)
    means = np.full((2, rows, columns, 3), 9, np.float32)
    for module, out in zip((_kernels, _reference), means, strict=True):
        module.square_means(rgb.reshape(shape[0], -1), step, out)
    assert np.array_equal(*means)
    for y, x in ((0, 0), (rows - 1, columns - 1)):
        square = rgb[y * step : (y + 1) * step, x * step : (x + 1) * step]
        assert np.abs(means[0, y, x] - square.mean(axis=(0, 1))).max() < 1e-3


@pytest.mark.parametrize("side", [16, 17, 257])
def test_means_over_the_largest_squares_do_not_wrap(side: int) -> None:
    lines, means = np.full((side, 3 * side), 255, np.uint8), np.empty((1, 1, 3), np.float32)
    _kernels.square_means(lines, side, means)
    assert np.allclose(means, 255)


@many
@given(st.integers(0, 2**32), WIDTHS, PALETTES)
def test_luma(seed: int, width: int, palette: int) -> None:
    rgb = np.random.default_rng(seed).choice(np.array(palette, np.uint8), 3 * width)
    one, other = np.full(width, 7, np.uint8), np.full(width, 8, np.uint8)
    _kernels.luma(rgb, one)
    _reference.luma(rgb, other)
    assert np.array_equal(one, other)


@many
@given(tiles(ordered=False), st.integers(0, 2**32), st.integers(0, 200))
def test_apply_network(tile: np.ndarray, seed: int, comparators: int) -> None:
    pairs = np.random.default_rng(seed).integers(0, len(tile), (comparators, 2)).astype(np.int32)
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    twin = tile.copy()
    _kernels.apply_network(tile, pairs)
    _reference.apply_network(twin, pairs)
    assert np.array_equal(tile, twin)


@many
@given(tiles())
def test_mode_range(tile: np.ndarray) -> None:
    for one, other in zip(modes(_kernels, tile), modes(_reference, tile), strict=True):
        assert np.array_equal(one, other)


@many
@given(tiles(), st.integers(0, 3))
def test_count_votes_adds_to_what_is_there(tile: np.ndarray, already: int) -> None:
    _, first, last = modes(_reference, tile)
    one, other = np.full(101, already, np.int64), np.full(101, already, np.int64)
    silent = _kernels.count_votes(first, last, len(tile), one)
    assert silent == _reference.count_votes(first, last, len(tile), other)
    assert np.array_equal(one, other)


@many
@given(st.integers(2, 1200), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=50))
def test_count_votes_of_any_range(n: int, shares: list[tuple[float, float]]) -> None:
    ends = np.sort(np.array([[int(a * (n - 1)), int(b * (n - 1))] for a, b in shares], np.int32), axis=1)
    first, last = ends.T.copy()
    one, other = np.zeros(101, np.int64), np.zeros(101, np.int64)
    assert _kernels.count_votes(first, last, n, one) == _reference.count_votes(first, last, n, other)
    assert np.array_equal(one, other)


@many
@given(tiles(), st.floats(0, 1), st.integers(0, 999))
def test_look_up(tile: np.ndarray, where: float, part: int) -> None:
    rank = int(where * (len(tile) - 1))
    part = 0 if rank == len(tile) - 1 else part
    one, other = np.full(tile.shape[1], 7, np.uint8), np.full(tile.shape[1], 8, np.uint8)
    _kernels.percentile(tile, rank, part, one)
    _reference.percentile(tile, rank, part, other)
    assert np.array_equal(one, other)


@many
@given(tiles(), st.integers(1, 90), st.integers(0, 500), st.integers(1, 40))
def test_count_in_cells(tile: np.ndarray, width: int, begin: int, cell: int) -> None:
    _, first, last = modes(_reference, tile)
    top, bottom = begin // width // cell, (begin + first.size - 1) // width // cell
    one = np.full((bottom - top + 1, -(-width // cell), len(tile) + 1), 5, np.int32)
    other = one.copy()
    _kernels.count_in_cells(first, last, begin, width, cell, one)
    _reference.count_in_cells(first, last, begin, width, cell, other)
    assert np.array_equal(one, other)


@many
@given(tiles(), st.integers(0, 2**32))
def test_look_up_each(tile: np.ndarray, seed: int) -> None:
    tenths = np.random.default_rng(seed).integers(0, 1001, tile.shape[1:]).astype(np.int16)
    tenths[:2] = [0, 1000][: tile.shape[1]]
    one, other = np.full(tile.shape[1], 7, np.uint8), np.full(tile.shape[1], 8, np.uint8)
    _kernels.percentile_per_pixel(tile, tenths, one)
    _reference.percentile_per_pixel(tile, tenths, other)
    assert np.array_equal(one, other)


@pytest.mark.parametrize("rows", [2, 3, 100, 257, 600])
@pytest.mark.parametrize("tenths", [0, 1, 375, 500, 999, 1000])
def test_look_up_each_of_one_percentile_is_look_up(rows: int, tenths: int) -> None:
    tile = np.sort(np.random.default_rng(rows).integers(0, 256, (rows, 333), np.uint8), axis=0)
    one, other = np.empty(333, np.uint8), np.empty(333, np.uint8)
    _kernels.percentile_per_pixel(tile, np.full(333, tenths, np.int16), one)
    rank, part = divmod(tenths * (rows - 1), 1000)
    _kernels.percentile(tile, rank, part, other)
    assert np.array_equal(one, other)


@many
@given(tiles(), st.integers(0, 2**32), st.sampled_from([0.05, 0.2, 1, 3, 20, 300]))
def test_climb(tile: np.ndarray, seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    tenths = rng.integers(0, 1001, tile.shape[1:]).astype(np.int16)
    sigma = (noise * rng.uniform(0.5, 2, 256)).astype(np.float32)
    one, other = np.full(tile.shape[1], 7, np.float32), np.full(tile.shape[1], 8, np.float32)
    how = float(rng.uniform(0.5, 3)), float(rng.uniform(0, 2)), float(rng.uniform(-0.5, 0)), int(rng.integers(0, 5))
    _kernels.mean_shift(tile, tenths, sigma, *how, one)
    _reference.mean_shift(tile, tenths, sigma, *how, other)
    assert np.array_equal(one, other)


@pytest.mark.parametrize("rows", [255, 256, 257, 700])
def test_sums_of_many_samples_far_apart_do_not_overflow(rows: int) -> None:
    tile = np.sort(np.random.default_rng(1).choice(np.array([0, 255], np.uint8), (rows, 5000), p=(0.01, 0.99)), axis=0)
    out = np.empty(5000, np.float32)
    _kernels.mean_shift(tile, np.full(5000, 500, np.int16), np.full(256, 1000, np.float32), 2.5, 1.5, -0.1, 3, out)
    assert np.allclose(out, tile.mean(axis=0) + 100)


@pytest.mark.parametrize(("below", "above"), [(2.5, 1.5), (2.5, 1), (2.5, 0.5), (1, 2), (2, 2)])
def test_cutting_moves_the_mean_of_clean_noise_by_what_is_said(below: float, above: float) -> None:
    noise = np.random.default_rng(1).normal(size=1_000_000)
    cut = noise[(noise >= -below) & (noise <= above)]
    assert abs(cut.mean() - InitialEstimate(0, 50, np.ones(256, np.float32), below=below, above=above).moved) < 0.003


def test_climbing_from_the_median_of_clean_noise_stays_at_its_mean() -> None:
    tile = np.sort(np.random.default_rng(2).normal(100.3, 4, (400, 2000)).round().astype(np.uint8), axis=0)
    out, start = np.empty(2000, np.float32), InitialEstimate(0, 50, np.full(256, 4, np.float32))
    half = np.full(2000, 500, np.int16)
    _kernels.mean_shift(tile, half, start.sigma, start.below, start.above, start.moved, start.steps, out)
    assert abs(out.mean() - 100.3) < 0.1


def test_no_step_is_the_percentile_before_truncation() -> None:
    tile = np.sort(np.random.default_rng(2).integers(0, 256, (37, 500), np.uint8), axis=0)
    out = np.empty(500, np.float32)
    _kernels.mean_shift(tile, np.full(500, 335, np.int16), np.ones(256, np.float32), 2.5, 1.5, 0.0, 0, out)
    assert np.allclose(out, np.percentile(tile, 33.5, axis=0), atol=1e-3)


@many
@given(tiles(), st.floats(0, 1))
def test_crowd_centre(tile: np.ndarray, share: float) -> None:
    held = 2 + int(share * (len(tile) - 2))
    one, other = np.full(tile.shape[1], -1, np.float32), np.full(tile.shape[1], -2, np.float32)
    _kernels.shortest_interval_midpoint(tile, held, one)
    _reference.shortest_interval_midpoint(tile, held, other)
    assert np.array_equal(one, other)


@many
@given(tiles(ordered=False))
def test_count_apart(tile: np.ndarray) -> None:
    assume(len(tile) >= 2)
    assert _kernels.count_apart(tile[0], tile[1]) == _reference.count_apart(tile[0], tile[1])


@pytest.mark.parametrize(("one", "other", "apart"), [(0, 1, 0), (1, 0, 0), (0, 2, 1), (255, 0, 1), (0, 255, 1)])
def test_count_apart_does_not_wrap(one: int, other: int, apart: int) -> None:
    assert _kernels.count_apart(np.array([one], np.uint8), np.array([other], np.uint8)) == apart


WORK = """
import tempfile
from pathlib import Path
import numpy as np
from rainclean import _kernels
from rainclean.temporal import prior as temporal
from rainclean.candidates.selection import PictureStore
from rainclean.temporal.memory_budget import Budget
from rainclean.temporal.percentiles import InitialEstimate
from rainclean.temporal.sorted_stack import SortedStack

_kernels.load()
kernels = [value for value in vars(_kernels).values() if hasattr(value, "py_func")]
print([len(kernel.signatures) for kernel in kernels])
frames = np.random.default_rng(0).integers(0, 256, (40, 20, 20, 3), np.uint8)
for memory in (1 << 30, 1 << 15):
    budget = Budget(memory, Path(tempfile.gettempdir()))
    with SortedStack(20, 20, [(5, 15), (0, 40)], budget, candidates=1, workers=2) as stack:
        for frame in frames:
            stack.add(frame)
        stack.finish()
        list(stack.votes())
        store = PictureStore(stack.picture_planes(3), (20, 20, 3))
        start = InitialEstimate(1, 30, np.ones(256, np.float32))
        list(stack.percentiles([[1.5, np.ones((20, 20), np.float32)], [50]], store.put, start))
        store.close()
temporal.released(frames)
temporal.shortest_interval_midpoint(temporal.sort_stack(temporal.luma(frames)))
print([len(kernel.signatures) for kernel in kernels])
"""


def test_loading_compiles_each_kernel_once_and_work_compiles_none() -> None:
    done = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True, check=True)
    loaded, worked = done.stdout.splitlines()
    assert loaded == worked
    assert set(loaded) == set("[1, ]")


@many
@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 30), st.integers(1, 5))
def test_every_few_pixels_are_added(seed: int, height: int, width: int, step: int) -> None:
    frames = np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), np.uint8)
    one, other = np.zeros((2, -(-height // step), -(-width // step), 3), np.float32)
    for frame in frames:
        _kernels.add_every(frame, step, one)
        _reference.add_every(frame, step, other)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, frames[:, ::step, ::step].sum(axis=0, dtype=np.float32))
