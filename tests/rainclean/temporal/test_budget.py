"""How much memory is used unless told otherwise, and what has room in it."""

import os
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.errors import ResourceError
from rainclean.temporal.memory_budget import MAX_DEFAULT_BYTES, MIN_DEFAULT_BYTES, Budget, default_memory, least_memory

GIB = 1 << 30


class Memory(NamedTuple):
    total: int


@pytest.mark.parametrize(("there", "used"), [(1, 1), (2, 1), (4, 1), (6, 1.5), (8, 2), (15, 3.75), (16, 4), (256, 4)])
def test_a_quarter_of_the_machine_is_used_within_bounds(
    there: int, used: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(there * GIB))
    assert default_memory() == used * GIB


@pytest.mark.parametrize("error", [FileNotFoundError, psutil.AccessDenied, NotImplementedError])
def test_where_the_machine_does_not_tell_the_least_is_used(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def untold() -> Memory:
        raise error("not here")

    monkeypatch.setattr(psutil, "virtual_memory", untold)
    assert default_memory() == MIN_DEFAULT_BYTES


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="this system has no sysconf")
def test_the_memory_of_the_machine_is_what_the_system_tells() -> None:
    assert psutil.virtual_memory().total == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_this_machine_gets_something_between() -> None:
    assert MIN_DEFAULT_BYTES <= default_memory() <= MAX_DEFAULT_BYTES


PIXELS, FRAMES = st.integers(1, 9_000_000), st.integers(2, 400)


@settings(max_examples=200)
@given(PIXELS, FRAMES, st.integers(1, 40), st.integers(1 << 20, 8 << 30), st.booleans())
def test_frames_are_held_where_more_is_allowed_or_less_is_asked(
    pixels: int, frames: int, candidates: int, memory: int, refine: bool
) -> None:
    def held(memory: int = memory, frames: int = frames, refine: bool = refine) -> bool:
        try:
            return not Budget(memory, Path()).layout(pixels, frames, candidates, 2, refine=refine).stack_on_disk
        except ResourceError:
            return False

    if held():
        assert held(memory=2 * memory) and held(frames=max(2, frames // 2)) and held(refine=False)
    else:
        assert not held(memory=memory // 2) and not held(frames=2 * frames) and not held(refine=True)


def test_1080p_of_100_frames_is_held_by_default_on_any_machine() -> None:
    for memory, frames, held in (
        (MIN_DEFAULT_BYTES, 100, True),
        (MIN_DEFAULT_BYTES, 200, False),
        (MAX_DEFAULT_BYTES, 400, True),
    ):
        layout = Budget(memory, Path()).layout(1920 * 1080, frames, 18, 2, refine=True)
        assert layout.stack_on_disk != held


def test_4k_is_made_without_being_asked_for_memory_on_a_machine_of_8_gib() -> None:
    assert least_memory(3840 * 2160, 2, refined=400) < 2 * GIB
    assert not Budget(MAX_DEFAULT_BYTES, Path()).layout(3840 * 2160, 60, 18, 2, refine=True).scratch_bytes
