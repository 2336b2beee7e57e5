"""Candidates: the sweep, the frames it uses, what counts as the same picture."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.candidates.recipe import Recipe
from rainclean.candidates.selection import (
    Candidate,
    PictureStore,
    Rows,
    Selection,
    distinct,
    merge_near_identical,
    select_frames,
    sweep,
)
from rainclean.temporal.local_eta import LocalVotes, cell_grid, cell_size, eta_map
from rainclean.temporal.prior import Votes
from rainclean.temporal.storage import Planes

# The sweep.


@pytest.mark.parametrize(
    ("frames", "most", "sizes", "stride"),
    [
        (2, None, [2], 1),
        (5, None, [5], 1),
        (20, None, [20], 1),
        (21, None, [20, 21], 1),
        (40, None, [20, 40], 1),
        (100, None, [20, 40, 100], 1),
        (376, None, [20, 40, 100, 200, 376], 1),
        (400, None, [20, 40, 100, 200, 400], 1),
        (401, None, [20, 40, 100, 200, 400], 1),
        (799, None, [20, 40, 100, 200, 400], 1),
        (800, None, [20, 40, 100, 200, 400], 2),
        (5000, None, [20, 40, 100, 200, 400], 12),
        (5000, 2, [2], 1),
        (5000, 30, [20, 30], 1),
        (5000, 100, [20, 40, 100], 1),
        (5000, 500, [20, 40, 100, 200, 400, 500], 1),
        (30, 100, [20, 30], 1),
        (5, 100, [5], 1),
    ],
)
def test_sweep_sizes(frames: int, most: int | None, sizes: list[int], stride: int) -> None:
    recipes = sweep(frames, most)
    assert sorted({r.frames for r in recipes}) == sizes
    assert [r.frames for r in recipes] == sorted(r.frames for r in recipes)
    assert {(r.stride, r.window) for r in recipes} == {(stride, "centre")}
    assert len({r.name for r in recipes}) == len(recipes) == 6 * len(sizes)
    rules = [(r.percentile, r.offset) for r in recipes if r.frames == sizes[0]]
    assert rules == [(None, 0), (None, -5), (None, 5), (None, -10), (None, 10), (50, 0)]


@settings(deadline=None, max_examples=200)
@given(st.integers(2, 20_000), st.none() | st.integers(2, 3000))
def test_the_frames_of_every_sweep_are_there(frames: int, most: int | None) -> None:
    recipes = sweep(frames, most)
    selection = select_frames(frames, recipes)
    largest = max(r.frames for r in recipes)
    assert len(selection.indices) == largest
    assert largest <= (400 if most is None else most)
    assert largest >= (min(frames, 200) if most is None else min(frames, most))


# The frames used.


def brute_window(frames: int, stride: int, n: int, reference: int) -> tuple[int, ...]:
    """The n frames, stride apart, around the reference frame; shifted where the clip ends."""
    start = reference - n // 2 * stride
    while start < 0:
        start += stride
    while start + (n - 1) * stride >= frames:
        start -= stride
    return tuple(range(start, start + n * stride, stride))


def used(selection: Selection, window: int) -> tuple[int, ...]:
    start, stop = selection.windows[window]
    return selection.indices[start:stop]


@settings(deadline=None, max_examples=200)
@given(st.data(), st.integers(2, 900), st.integers(1, 7))
def test_windows_lie_around_the_reference_frame(data: st.DataObject, frames: int, stride: int) -> None:
    reference = data.draw(st.none() | st.integers(0, frames - 1))
    middle = frames // 2 if reference is None else reference
    there = len(range(middle % stride, frames, stride))
    if there < 2:
        return
    sizes = sorted(data.draw(st.sets(st.integers(2, there), min_size=1, max_size=5)))
    recipes = [Recipe(n, stride=stride, offset=o) for n in data.draw(st.permutations(sizes)) for o in (0.0, 5.0)]
    selection = select_frames(frames, recipes, reference)
    assert selection.reference_frame == middle
    assert [stop - start for start, stop in selection.windows] == sizes
    assert selection.windows[-1] == (0, sizes[-1])
    for (a, b), (c, d) in zip(selection.windows, selection.windows[1:], strict=False):
        assert c <= a < b <= d
    for i, n in enumerate(sizes):
        assert used(selection, i) == brute_window(frames, stride, n, middle)
        assert middle in used(selection, i)


def test_windows_are_shifted_at_the_ends() -> None:
    recipes = [Recipe(4), Recipe(6)]
    assert select_frames(20, recipes).indices == (7, 8, 9, 10, 11, 12)
    assert used(select_frames(20, recipes), 0) == (8, 9, 10, 11)
    for reference, inner in ((0, (0, 1, 2, 3)), (2, (0, 1, 2, 3)), (19, (16, 17, 18, 19))):
        selection = select_frames(20, recipes, reference)
        assert used(selection, 0) == inner and selection.reference_frame == reference


def test_first_windows_start_with_the_clip() -> None:
    recipes = [Recipe(5, window="first"), Recipe(3, window="first")]
    selection = select_frames(30, recipes)
    assert (selection.indices, selection.windows) == ((0, 1, 2, 3, 4), ((0, 3), (0, 5)))
    assert selection.reference_frame == 2
    assert select_frames(30, recipes, 4).reference_frame == 4
    assert select_frames(30, [Recipe(5, window="first", stride=3)]).indices == (0, 3, 6, 9, 12)
    with pytest.raises(ValueError, match="not among"):
        select_frames(30, recipes, 5)


def test_too_short_clips_and_mixed_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="10 frames, 11 needed"):
        select_frames(10, [Recipe(11)])
    with pytest.raises(ValueError, match="5 frames, 6 needed"):
        select_frames(10, [Recipe(6, stride=2)])
    for other in (Recipe(4, window="first"), Recipe(4, stride=2)):
        with pytest.raises(ValueError, match="of their own"):
            select_frames(10, [Recipe(4), other])


# Joining and merging.


def test_offsets_clamped_to_one_percentile_are_joined() -> None:
    recipes = sweep(20)
    assert [(r.name, p, names) for r, p, names in distinct(recipes, 3)] == [
        ("n20-vote", 3, ()),
        ("n20-vote-minus5", 0, ("n20-vote-minus10",)),
        ("n20-vote-plus5", 8, ()),
        ("n20-vote-plus10", 13, ()),
        ("n20-p50", 50, ()),
    ]
    assert next((r.name, names) for r, p, names in distinct(recipes, 100)) == (
        "n20-vote",
        ("n20-vote-plus5", "n20-vote-plus10"),
    )
    assert next((r.name, names) for r, p, names in distinct(recipes, 50)) == ("n20-vote", ("n20-p50",))


@settings(deadline=None)
@given(st.integers(0, 100))
def test_joining_loses_no_recipe(eta: int) -> None:
    joined = distinct(sweep(20), eta)
    percentiles = [percentile for _, percentile, _ in joined]
    assert len(set(percentiles)) == len(percentiles)
    assert sorted(name for r, _, names in joined for name in (r.name, *names)) == sorted(r.name for r in sweep(20))
    assert all(Recipe.parse(name).resolve(eta) == p for r, p, names in joined for name in (r.name, *names))


def store_of(pictures: np.ndarray, band: int = 100) -> PictureStore:
    """A store filled with (K, C) pictures of C values, band by band."""
    count, columns = pictures.shape
    bands = [(start, min(start + band, columns)) for start in range(0, columns, band)]
    store = PictureStore(Planes(count, columns, bands), (1, columns // 3, 3))
    for i, (start, stop) in enumerate(bands):
        store.put(i, pictures[:, start:stop])
    return store


def candidates_of(frames: Sequence[int]) -> list[Candidate]:
    return [
        Candidate(recipe=Recipe(n, offset=float(row)), percentile=50.0, eta=50, silent_share=0.0, row=row)
        for row, n in enumerate(frames)
    ]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 999), st.sampled_from([999, 1000 * 3, 1998, 3003, 30]), st.sampled_from([64, 300, 5000]))
def test_same_is_a_count_of_values_more_than_a_level_apart(seed: int, columns: int, band: int) -> None:
    rng = np.random.default_rng(seed)
    pictures = np.repeat(rng.integers(0, 250, (1, columns)), 6, axis=0)
    for picture in pictures[1:]:
        where = rng.choice(columns, rng.integers(0, min(8, columns)), replace=False)
        picture[where] += rng.integers(-3, 4, len(where))
        picture += rng.integers(0, 2)
    pictures = np.clip(pictures, 0, 255).astype(np.uint8)
    store = store_of(pictures, band)
    for i in range(6):
        for j in range(6):
            apart = int((np.abs(pictures[i].astype(int) - pictures[j]) > 1).sum())
            assert store.same(i, j) == (1000 * apart <= columns), (i, j)
        assert np.array_equal(store.picture(i).reshape(-1), pictures[i])


@pytest.mark.parametrize("columns", [3000, 9000, 27_000, 300_000])
def test_999_of_1000_values_make_the_boundary(columns: int) -> None:
    pictures = np.full((3, columns), 100, np.uint8)
    pictures[1, : columns // 1000] = 102
    pictures[2, -columns // 1000 - 1 :] = 98
    store = store_of(pictures, 1000)
    assert store.same(0, 1) and store.same(1, 0)
    assert not store.same(0, 2) and not store.same(2, 0)


def test_a_store_filled_by_many_threads_counts_right() -> None:
    rng = np.random.default_rng(3)
    pictures = np.full((4, 60_000), 50, np.uint8)
    for row, apart in enumerate((0, 60, 61, 30_000)):
        pictures[row, rng.choice(60_000, apart, replace=False)] = 60
    for _ in range(5):
        planes = Planes(4, 60_000, [(start, start + 100) for start in range(0, 60_000, 100)])
        store = PictureStore(planes, (100, 200, 3))
        blocks = [pictures[:, start:stop] for start, stop in planes.bands]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(store.put, range(600), blocks))
        assert [store.same(0, row) for row in range(4)] == [True, True, False, False]


def test_of_near_identical_candidates_the_smallest_n_stays() -> None:
    levels = np.array([10, 100, 11, 10, 100], np.uint8)
    store = store_of(np.repeat(levels[:, None], 300, axis=1))
    candidates = candidates_of([100, 40, 20, 40, 20])
    candidates[0] = replace(candidates[0], merged=("n100-p50",))
    kept = merge_near_identical(candidates, store)
    assert [(c.recipe.frames, c.row) for c in kept] == [(20, 2), (20, 4)]
    assert kept[0].merged == (candidates[3].recipe.name, candidates[0].recipe.name, "n100-p50")
    assert kept[1].merged == (candidates[1].recipe.name,)


def test_a_chain_of_near_identical_candidates_is_not_merged_beyond_its_neighbours() -> None:
    store = store_of(np.repeat(np.array([[10], [11], [12]], np.uint8), 300, axis=1))
    kept = merge_near_identical(candidates_of([20, 40, 100]), store)
    assert [(c.row, len(c.merged)) for c in kept] == [(0, 1), (2, 0)]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(2, 6), st.integers(0, 5)), min_size=1, max_size=8))
def test_merging_loses_no_candidate_and_leaves_none_that_are_alike(items: list[tuple[int, int]]) -> None:
    store = store_of(np.repeat(np.array([[level] for _, level in items], np.uint8), 30, axis=1))
    candidates = candidates_of([n for n, _ in items])
    kept = merge_near_identical(candidates, store)
    names = [name for c in kept for name in (c.recipe.name, *c.merged)]
    assert sorted(names) == sorted(c.recipe.name for c in candidates)
    assert not any(store.same(a.row, b.row) for a in kept for b in kept if a is not b)
    by_name = {c.recipe.name: c for c in candidates}
    for c in kept:
        for name in c.merged:
            assert store.same(c.row, by_name[name].row)
            assert c.recipe.frames <= by_name[name].recipe.frames


# A picture that comes after the others.


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 999), st.sampled_from([999, 3000, 3003, 30]), st.sampled_from([64, 300, 5000]))
def test_a_picture_put_last_is_compared_as_if_it_had_come_with_the_others(seed: int, columns: int, band: int) -> None:
    rng = np.random.default_rng(seed)
    levels = np.repeat(rng.integers(4, 250, (1, columns)), 4, axis=0)
    for picture in levels[1:]:
        where = rng.choice(columns, rng.integers(0, min(8, columns)), replace=False)
        picture[where] += rng.integers(-3, 4, len(where))
    pictures = levels.astype(np.uint8)
    together = store_of(pictures, band)
    bands = [(start, min(start + band, columns)) for start in range(0, columns, band)]
    later = PictureStore(Planes(4, columns, bands), (1, columns // 3, 3))
    for i, (start, stop) in enumerate(bands):
        later.put(i, pictures[:3, start:stop])
    later.put_last([pictures[3].reshape(1, -1, 3)])
    for i in range(4):
        assert np.array_equal(later.picture(i), together.picture(i))
        assert [later.same(i, j) for j in range(4)] == [together.same(i, j) for j in range(4)]


def test_a_picture_put_last_need_not_lie_in_one_piece() -> None:
    store = PictureStore(Planes(1, 60, [(0, 25), (25, 60)]), (4, 5, 3))
    wide = np.arange(120, dtype=np.uint8).reshape(4, 10, 3)
    store.put_last([wide[:, ::2]])
    assert np.array_equal(store.picture(0), wide[:, ::2])


def test_a_rain_free_mean_stays_though_its_window_is_the_largest() -> None:
    store = store_of(np.repeat(np.array([[10], [10], [11], [90]], np.uint8), 300, axis=1))
    candidates = candidates_of([20, 40, 100, 20])
    candidates[2] = replace(candidates[2], recipe=Recipe(100, rule="rainfree"))
    kept = merge_near_identical(candidates, store)
    assert [c.row for c in kept] == [2, 3]
    assert set(kept[0].merged) == {candidates[0].recipe.name, candidates[1].recipe.name}


# Rows.


def votes_of(*etas: int, frames: Sequence[int]) -> list[Votes]:
    return [
        Votes(np.bincount([eta], minlength=101).astype(np.int64), 5 * i, 100, n)
        for i, (eta, n) in enumerate(zip(etas, frames, strict=True))
    ]


def local_of(height: int, width: int, frames: int, seed: int = 0) -> LocalVotes:
    cell = cell_size(height, width)
    counts = np.random.default_rng(seed).integers(0, cell * cell, (*cell_grid(height, width), frames), np.int32)
    return LocalVotes(counts, cell, height, width)


def test_rows_are_candidates_in_the_order_in_which_they_are_looked_up() -> None:
    recipes = sweep(40)
    rows = Rows(recipes, (20, 40), votes_of(30, 3, frames=(20, 40)))
    assert rows.wanted == [[30, 25, 35, 20, 40, 50], [3, 0, 8, 13, 50]]
    assert [c.percentile for c in rows.candidates] == [p for window in rows.wanted for p in window]
    assert [c.row for c in rows.candidates] == list(range(11))
    assert [(c.eta, c.silent_share) for c in rows.candidates] == 6 * [(30, 0.0)] + 5 * [(3, 0.05)]
    names = [name for c in rows.candidates for name in (c.recipe.name, *c.merged)]
    assert sorted(names) == sorted(r.name for r in recipes)
    assert rows.refined == 1 and rows.made == []


@pytest.mark.parametrize("window", [0, 1])
@pytest.mark.parametrize("steady", [False, True])
def test_local_and_rainfree_are_made_over_the_window_asked_for(window: int, steady: bool) -> None:
    recipes = [replace(recipe, steady=steady) for recipe in sweep(40)]
    votes, local = votes_of(30, 3, frames=(20, 40)), local_of(48, 64, (20, 40)[window])
    rows = Rows(recipes, (20, 40), votes)
    plain = rows.candidates
    rows.add_sweep(window, local)
    *others, last = rows.candidates
    size, eta = (20, 40)[window], (30, 3)[window]
    assert last.recipe == Recipe(size, rule="rainfree", steady=steady) and last.eta == eta
    assert len(others) == len(plain) + 1 and [c.row for c in rows.candidates] == list(range(len(plain) + 2))
    [own] = [c for c in others if c.recipe.rule == "local"]
    assert own.recipe == Recipe(size, rule="local", steady=steady) and own.percentile == eta
    # The rain-free mean is not looked up; all others are, in the order of their rows.
    looked_up = [p for wanted in rows.wanted for p in wanted]
    assert len(looked_up) == len(others)
    own_map = looked_up[own.row]
    assert isinstance(own_map, np.ndarray)
    assert np.array_equal(own_map, eta_map(local, eta))
    assert [(c.percentile, p) for c, p in zip(others, looked_up, strict=True) if c is not own] == [
        (c.percentile, c.percentile) for c in plain
    ]
    assert rows.refined == window


@pytest.mark.parametrize("offset", [0.0, -5.0, 80.0])
def test_local_by_name_is_moved_by_its_offset_within_0_to_100(offset: float) -> None:
    recipe, local = Recipe(20, rule="local", offset=offset), local_of(48, 64, 20)
    rows = Rows([recipe], (20,), votes_of(30, frames=(20,)))
    assert rows.candidates == [] and rows.wanted == [[]]
    rows.add(recipe, local)
    [candidate], [wanted] = rows.candidates, rows.wanted[0]
    assert isinstance(wanted, np.ndarray)
    moved = np.clip(eta_map(local, 30).astype(np.float64) + offset, 0, 100)
    assert np.abs(wanted - moved).max() <= 0.05 + 1e-5
    assert candidate.percentile == min(100.0, 30 + offset)


# The same windows around another frame.


@settings(deadline=None, max_examples=100)
@given(st.data(), st.integers(2, 300))
def test_windows_around_another_frame_have_the_same_sizes(data: st.DataObject, frames: int) -> None:
    sizes = sorted(data.draw(st.sets(st.integers(2, frames), max_size=4)) | {frames})
    selection = select_frames(frames, [Recipe(n) for n in sizes])
    other = data.draw(st.integers(0, frames - 1))
    around = selection.around(other)
    assert around.indices == selection.indices and around.sizes == selection.sizes == tuple(sizes)
    assert around.reference_frame == around.indices[other]
    for i, n in enumerate(sizes):
        assert used(around, i) == brute_window(frames, 1, n, other)
    assert selection.around(selection.reference) == selection
