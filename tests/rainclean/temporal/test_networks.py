"""Sorting networks, held to the zero-one principle: what sorts all columns of 0 and 1 sorts everything."""

from itertools import accumulate, pairwise
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.temporal.sorting_networks import merge_network, sort_network, sort_runs_network


def applied(pairs: np.ndarray, columns: np.ndarray) -> np.ndarray:
    out = columns.copy()
    for i, j in pairs:
        out[i], out[j] = np.minimum(out[i], out[j]), np.maximum(out[i], out[j])
    return out


def zeros_and_ones(rows: int, columns: int = 300) -> np.ndarray:
    """All columns of 0 and 1 where they are few, else random ones with every number of ones."""
    if rows <= 10:
        return (np.arange(2**rows) >> np.arange(rows)[:, None] & 1).astype(np.uint8)
    rng = np.random.default_rng(rows)
    return (rng.random((rows, columns)) < rng.random(columns)).astype(np.uint8)


def assert_well_formed(pairs: np.ndarray, first: int, stop: int) -> None:
    assert pairs.dtype == np.int32
    assert pairs.shape == (len(pairs), 2)
    if len(pairs):
        assert pairs.min() >= first
        assert pairs.max() < stop
        assert (pairs[:, 0] < pairs[:, 1]).all()


@pytest.mark.parametrize("rows", [*range(71), 100, 127, 128, 129, 200, 255, 256, 257, 300, 400])
def test_sort_network_sorts(rows: int) -> None:
    pairs = sort_network(rows)
    assert_well_formed(pairs, 0, rows)
    columns = zeros_and_ones(rows)
    assert np.array_equal(applied(pairs, columns), np.sort(columns, axis=0))
    levels = np.random.default_rng(rows).integers(0, 256, (rows, 20), np.uint8)
    assert np.array_equal(applied(pairs, levels), np.sort(levels, axis=0))


@pytest.mark.parametrize("rows", [2, 3, 5, 20, 31, 32, 33, 100, 200, 257, 400, 1000])
def test_sort_network_has_at_most_n_log2_n_comparators_squared(rows: int) -> None:
    assert len(sort_network(rows)) <= rows * log2(rows) ** 2


@pytest.mark.parametrize("power", range(1, 10))
def test_powers_of_two_take_as_many_comparators_as_batcher_counted(power: int) -> None:
    assert 4 * len(sort_network(2**power)) == (power**2 - power + 4) * 2**power - 4


@pytest.mark.parametrize("left", range(21))
def test_merge_network_merges_all_sorted_runs_of_zeros_and_ones(left: int) -> None:
    for right in range(21):
        pairs = merge_network(left, right)
        assert_well_formed(pairs, 0, left + right)
        runs = [
            [0] * (left - a) + [1] * a + [0] * (right - b) + [1] * b for a in range(left + 1) for b in range(right + 1)
        ]
        columns = np.array(runs, np.uint8).T.reshape(left + right, len(runs))
        assert np.array_equal(applied(pairs, columns), np.sort(columns, axis=0)), (left, right)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 200), st.integers(0, 200))
def test_merge_network_merges_long_runs(left: int, right: int) -> None:
    rng = np.random.default_rng(left * 201 + right)
    columns = zeros_and_ones(left + right + 11)[: left + right]
    columns = np.concatenate([columns, rng.integers(0, 256, (left + right, 20), np.uint8)], axis=1)
    runs = np.concatenate([np.sort(columns[:left], axis=0), np.sort(columns[left:], axis=0)])
    assert np.array_equal(applied(merge_network(left, right), runs), np.sort(columns, axis=0))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 9), st.lists(st.integers(1, 40), max_size=8), st.integers(0, 9))
def test_sort_runs_network_sorts_sorted_runs_and_leaves_rows_outside_alone(
    before: int, lengths: list[int], after: int
) -> None:
    edges = tuple(accumulate(lengths, initial=before))
    pairs = sort_runs_network(edges)
    assert_well_formed(pairs, before, edges[-1])
    columns = zeros_and_ones(edges[-1] + after + 11)[: edges[-1] + after]
    for start, stop in pairwise(edges):
        columns[start:stop] = np.sort(columns[start:stop], axis=0)
    expected = columns.copy()
    expected[before : edges[-1]] = np.sort(columns[before : edges[-1]], axis=0)
    assert np.array_equal(applied(pairs, columns), expected)


def test_merging_runs_takes_fewer_comparators_than_sorting_all_rows_anew() -> None:
    assert len(sort_runs_network((0, 32, 64, 96, 100))) < len(sort_network(100)) / 2


def test_a_single_run_and_no_rows_need_no_comparator() -> None:
    for edges in ((), (0,), (5,), (5, 9)):
        assert sort_runs_network(edges).shape == (0, 2)
