"""The adaptive percentile, against a plain writing of its definition and on simulated rain, denser at one end."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean import _kernels
from rainclean.simulate.presets import preset
from rainclean.simulate.render import Renderer
from rainclean.temporal import prior
from rainclean.temporal.local_eta import (
    BLOCK_SD_CELLS,
    DISTANCE_SD_PERCENT,
    RANK_SD_PERCENT,
    SUPPORT_PIXELS,
    LocalVotes,
    block_etas,
    cell_grid,
    cell_size,
    eta_map,
    tenths,
)
from rainclean.temporal.percentiles import InitialEstimate
from rainclean.video.pictures import read_picture
from tests.conftest import ROOT

SAMPLES = ROOT / "sample_sequences"
SIZE = (240, 352)


def votes_of(frames: np.ndarray) -> tuple[LocalVotes, int, np.ndarray]:
    """Votes by cells, written out plainly, η*, and the frames sorted."""
    n, height, width, _ = frames.shape
    _, first, last = prior.mode_range(prior.sort_stack(prior.luma(frames)))
    cell = cell_size(height, width)
    counts = np.zeros((*cell_grid(height, width), n), np.int32)
    held = (np.arange(n) >= first[..., None]) & (np.arange(n) <= last[..., None])
    for row, column in np.ndindex(counts.shape[:2]):
        part = held[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
        counts[row, column] = part.sum(axis=(0, 1))
    eta = prior.count_votes(first, last, n).eta
    return LocalVotes(counts, cell, height, width), eta, prior.sort_stack(frames)


@cache
def simulated(case: str, picture: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """60 frames of a case of the ladder over a photograph, and the truth."""
    renderer = Renderer(preset(case), SIZE, 60, seed)
    scene = renderer.scene(read_picture(SAMPLES / picture / "background.png"))
    rendered = [renderer.render(i, scene) for i in range(60)]
    return np.stack([r.frame for r in rendered]), rendered[30].truth


def psnr(picture: np.ndarray, truth: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / ((picture.astype(float) - truth) ** 2).mean()))


def plain_eta(votes: LocalVotes, eta: float, row: int, column: int) -> float:
    """η of one block, sample by sample."""
    rows, columns, n = votes.counts.shape
    chances, pixels = np.zeros(n), 0.0
    for r in range(rows):
        for c in range(columns):
            weight = np.exp(-((r - row) ** 2 + (c - column) ** 2) / (2 * BLOCK_SD_CELLS**2))
            height = min(votes.height, (r + 1) * votes.cell) - r * votes.cell
            width = min(votes.width, (c + 1) * votes.cell) - c * votes.cell
            chances += weight * votes.counts[r, c]
            pixels += weight * height * width
    whole = votes.counts.sum(axis=(0, 1)) / (votes.height * votes.width)
    chances = (chances + SUPPORT_PIXELS * whole) / (pixels + SUPPORT_PIXELS)
    percent = 100 * np.arange(n) / (n - 1)
    smooth = np.zeros(n)
    for k in range(n):
        weights = np.exp(-0.5 * ((percent - percent[k]) / RANK_SD_PERCENT) ** 2)
        smooth[k] = (weights / weights.sum()) @ chances
    smooth *= np.exp(-0.5 * ((percent - eta) / DISTANCE_SD_PERCENT) ** 2)
    k = int(np.argmax(smooth))
    if 0 < k < n - 1:
        a, b, c = np.polyfit([-1, 0, 1], smooth[k - 1 : k + 2], 2)
        return percent[k] + (100 / (n - 1)) * (-b / (2 * a) if a < 0 else 0)
    return percent[k]


def test_blocks_are_as_defined() -> None:
    rng = np.random.default_rng(4)
    counts = rng.integers(0, 200, (4, 5, 60)).astype(np.int32)
    votes = LocalVotes(counts, 20, 71, 90)
    found = block_etas(votes, 33)
    for row, column in np.ndindex(4, 5):
        assert found[row, column] == pytest.approx(plain_eta(votes, 33, row, column), abs=1e-6)


def test_a_map_runs_linearly_between_the_middles_of_cells() -> None:
    votes, eta, _ = votes_of(simulated("gradient", "table", 1)[0])
    grid, found = block_etas(votes, eta), eta_map(votes, eta)
    assert found.shape == SIZE and found.dtype == np.float32
    y, x, cell = 137, 222, votes.cell
    down, across = (y + 0.5) / cell - 0.5, (x + 0.5) / cell - 0.5
    r, c = int(down), int(across)
    fy, fx = down - r, across - c
    (a, b), (d, e) = grid[r : r + 2, c : c + 2]
    assert found[y, x] == pytest.approx((1 - fy) * ((1 - fx) * a + fx * b) + fy * ((1 - fx) * d + fx * e), abs=0.051)
    assert found[0, 0] == pytest.approx(grid[0, 0], abs=0.051)
    assert found[-1, -1] == pytest.approx(grid[-1, -1], abs=0.051)
    assert np.abs(np.diff(found, axis=0)).max() <= np.abs(np.diff(grid, axis=0)).max() / cell + 0.11


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from([2, 3, 20, 100, 301]),
    st.integers(0, 100),
    st.integers(0, 9),
)
def test_maps_of_any_votes_are_percentiles_in_tenths(height: int, width: int, n: int, eta: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 9, (*cell_grid(height, width), n)).astype(np.int32)
    counts *= rng.random(counts.shape) < (0.02 if seed % 2 else 1)
    found = eta_map(LocalVotes(counts, cell_size(height, width), height, width), eta)
    assert found.shape == (height, width)
    assert found.min() >= 0 and found.max() <= 100
    assert np.allclose(found * 10, np.rint(found * 10), atol=1e-3)


def test_offsets_stay_within_percentiles() -> None:
    etas = tenths(np.array([[1.0, 50.04, 99.0]], np.float32) + np.float32(-5))
    assert np.array_equal(etas, np.array([[0.0, 45.0, 94.0]], np.float32))


@pytest.mark.parametrize("eta", [0, 30, 73, 100])
def test_without_votes_it_is_the_whole_pictures(eta: int) -> None:
    for each in (0, 7):
        votes = LocalVotes(np.full((3, 4, 101), each, np.int32), 24, 72, 96)
        assert np.abs(eta_map(votes, eta) - eta).max() < 0.11


def test_a_block_with_few_votes_stays_near_the_whole_pictures() -> None:
    counts = np.zeros((8, 8, 101), np.int32)
    counts[..., 28:33] = 500
    counts[3, 3] = 0
    counts[3, 3, 80] = 25  # of 576 pixels
    assert np.abs(block_etas(LocalVotes(counts, 24, 192, 192), 30) - 30).max() < 1
    counts[3:5, 3:5, 28:33], counts[3:5, 3:5, 38:43] = 0, 500
    assert block_etas(LocalVotes(counts, 24, 192, 192), 30)[3, 3] == pytest.approx(40, abs=2)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (240, 352), (1080, 1920), (2160, 3840), (32, 20000), (5, 10**6)])
def test_votes_take_little_memory(height: int, width: int) -> None:
    rows, columns = cell_grid(height, width)
    assert rows * columns <= 1200
    assert cell_size(height, width) >= min(16, height, width)


@pytest.mark.parametrize("picture", ["table", "portrait"])
@pytest.mark.parametrize(("case", "gain"), [("gradient", 0.4), ("medium", -0.3), ("light", -0.3)])
def test_against_one_percentile_for_the_whole_picture(case: str, gain: float, picture: str) -> None:
    frames, truth = simulated(case, picture, 1)
    votes, eta, ordered = votes_of(frames)
    local = prior.percentile_each(ordered, eta_map(votes, eta))
    assert psnr(local, truth) >= psnr(prior.percentile(ordered, eta), truth) + gain


def test_where_rain_is_denser_the_percentile_is_lower() -> None:
    votes, eta, _ = votes_of(simulated("gradient", "table", 1)[0])
    found = eta_map(votes, eta)
    assert found[:60].mean() + 2.5 < found[-60:].mean()


@pytest.mark.parametrize("case", ["medium", "gradient"])
def test_climbing_from_a_percentile_finds_the_mean_of_clean_samples(case: str) -> None:
    frames, truth = simulated(case, "table", 1)
    votes, eta, ordered = votes_of(frames)
    columns = ordered.reshape(len(ordered), -1)
    of_each = np.repeat(np.rint(10 * eta_map(votes, eta)).astype(np.int16).ravel(), 3)
    out = np.empty(columns.shape[1], np.float32)
    how = InitialEstimate(0, 0, np.full(256, 2, np.float32), above=1.0, steps=1)
    _kernels.mean_shift(columns, of_each, how.sigma, how.below, how.above, how.moved, how.steps, out)
    released = prior.percentile(ordered, eta)
    climbed = np.clip(np.rint(out), 0, 255).astype(np.uint8).reshape(truth.shape)
    assert psnr(climbed, truth) > psnr(released, truth) + 0.5
