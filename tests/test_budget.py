"""How much memory is used unless told otherwise, and what has room in it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean import budget
from rainclean.budget import LEAST_DEFAULT, MOST_DEFAULT, Budget, default_memory

GIB = 1 << 30


@pytest.mark.parametrize(("there", "used"), [(1, 1), (2, 1), (4, 1), (6, 1.5), (8, 2), (15, 3.75), (16, 4), (256, 4)])
def test_a_quarter_of_the_machine_is_used_within_bounds(there, used, monkeypatch):
    told = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": there * GIB // 4096}
    monkeypatch.setattr(budget.os, "sysconf", told.__getitem__)
    assert default_memory() == used * GIB


@pytest.mark.parametrize("error", [ValueError, OSError, AttributeError])
def test_where_the_machine_does_not_tell_the_least_is_used(error, monkeypatch):
    def untold(_: str) -> int:
        raise error("not here")

    monkeypatch.setattr(budget.os, "sysconf", untold)
    assert default_memory() == LEAST_DEFAULT


def test_a_system_without_sysconf_gets_the_least(monkeypatch):
    monkeypatch.delattr(budget.os, "sysconf")
    assert default_memory() == LEAST_DEFAULT


def test_this_machine_gets_something_between():
    assert LEAST_DEFAULT <= default_memory() <= MOST_DEFAULT


PIXELS, FRAMES = st.integers(1, 9_000_000), st.integers(2, 400)


@settings(max_examples=200)
@given(PIXELS, FRAMES, st.integers(1, 40), st.integers(1, 3), st.integers(1 << 20, 8 << 30))
def test_what_has_room_fits_beside_all_else(pixels, frames, candidates, copies, memory):
    if not Budget(memory, Path()).has_room(pixels, frames, candidates, copies):
        return
    stack, pictures, held = 4 * pixels * frames, 3 * pixels * candidates, 3 * pixels * frames * copies
    assert stack + pictures + held < memory
    # A stack that shares the memory with held frames is in memory itself, and its pictures too.
    layout = Budget(memory, Path()).layout(pixels, frames, candidates, 2)
    assert not layout.stack_on_disk and layout.scratch_bytes == 0


@settings(max_examples=200)
@given(PIXELS, FRAMES, st.integers(1, 40), st.integers(1, 3), st.integers(1 << 20, 8 << 30))
def test_less_has_room_where_more_has(pixels, frames, candidates, copies, memory):
    def room(memory: int = memory, frames: int = frames, copies: int = copies) -> bool:
        return Budget(memory, Path()).has_room(pixels, frames, candidates, copies)

    if room():
        assert room(memory=2 * memory) and room(frames=max(2, frames // 2)) and room(copies=1)
    else:
        assert not room(memory=memory // 2) and not room(frames=2 * frames) and not room(copies=copies + 1)


def test_1080p_of_100_frames_has_room_in_the_most_that_is_used_by_default():
    full_hd = Budget(MOST_DEFAULT, Path())
    assert full_hd.has_room(1920 * 1080, 100, 18, 1)
    assert not full_hd.has_room(1920 * 1080, 400, 18, 1)
    assert not Budget(LEAST_DEFAULT, Path()).has_room(1920 * 1080, 100, 18, 1)
