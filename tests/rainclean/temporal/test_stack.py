"""The sorted stack gives what `temporal` gives on each window's frames, and leaves nothing behind."""

import errno
import gc
import io
import shutil
import tempfile
import threading
import time
import warnings
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rainclean.errors import ResourceError
from rainclean.temporal import prior, storage
from rainclean.temporal.local_eta import cell_grid, cell_size
from rainclean.temporal.memory_budget import (
    BANDS_FRACTION,
    IN_FLIGHT_BYTES,
    MEAN_BYTES,
    RESERVE_FRACTION,
    Budget,
    least_memory,
)
from rainclean.temporal.percentiles import InitialEstimate
from rainclean.temporal.sorted_stack import SortedStack
from tests.helpers.steps import drained
from tests.oracles import kernels as _reference

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ROOMY = 1 << 30
ETAS = (0, 50, 100, 37.5, 12, 99.9)


def tight(pixels: int) -> int:
    """The least memory that frames of this many pixels get along with: 3 frames and more go to disk."""
    return least_memory(pixels, 2) + 1


def clip(seed: int, n: int, height: int, width: int, palette: int = 256) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.choice(256, palette, replace=False)
    return rng.choice(values, (n, height, width, 3)).astype(np.uint8)


def filled(
    frames: np.ndarray,
    windows: list[tuple[int, int]] | None = None,
    memory: int = ROOMY,
    folder: str | Path = "",
    candidates: int = 1,
    workers: int = 2,
) -> SortedStack:
    n, height, width, _ = frames.shape
    budget = Budget(memory, Path(folder or tempfile.gettempdir()))
    stack = SortedStack(height, width, windows or [(0, n)], budget, candidates=candidates, workers=workers)
    for frame in frames:
        stack.add(frame)
    stack.finish()
    return stack


def looked_up(stack: SortedStack, wanted: Sequence[Sequence[float]]) -> np.ndarray:
    """Pictures of all percentiles, (K, H, W, 3)."""
    count = sum(map(len, wanted))
    planes = stack.picture_planes(count)
    shares = list(stack.percentiles(wanted, lambda band, block: planes.write(0, band, block)))
    assert shares[-1] == 1 and shares == sorted(shares)
    pictures = np.array([planes.read_row(row) for row in range(count)])
    planes.close()
    return pictures.reshape(count, stack.height, stack.width, 3)


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Whether work comes to an end in time; it is left alone if not, so that the suite goes on."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


@pytest.fixture
def no_threads_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@st.composite
def nested_windows(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Windows of 2 to 60 frames, each within the next, from any side, sometimes the same twice."""
    start, stop = 0, draw(st.integers(2, 60))
    windows = [(start, stop)]
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(start, stop - 2))
        stop = draw(st.integers(start + 2, stop))
        windows.insert(0, (start, stop))
    return windows


@settings(deadline=None, max_examples=60)
@given(
    nested_windows(),
    st.integers(1, 20),
    st.integers(1, 20),
    st.sampled_from([2, 6, 256]),
    st.sampled_from([1, 2, 5, 40, None]),
    st.integers(1, 3),
    st.booleans(),
    st.integers(0, 4),
)
@example([(0, 2)], 1, 1, 2, 1, 1, True, 0)
@example([(20, 40), (10, 50), (0, 60)], 20, 20, 6, 1, 2, True, 1)
@example([(58, 60), (40, 60), (40, 60), (0, 60)], 7, 9, 6, None, 2, True, 2)
def test_stack_equals_temporal_on_each_window(
    windows: list[tuple[int, int]],
    height: int,
    width: int,
    palette: int,
    runs: int | None,
    workers: int,
    narrow: bool,
    of: int,
) -> None:
    frames = clip(1, windows[-1][1], height, width, palette)
    of %= len(windows)
    memory = ROOMY if runs is None else runs * tight(height * width)
    band = 1 if narrow else 1 << 20  # bands of 64 columns, or one band
    with (
        mock.patch.object(storage, "MEMORY_BAND_BYTES", band),
        mock.patch.object(storage, "SCRATCH_BAND_BYTES", band),
        filled(frames, windows, memory, workers=workers) as stack,
    ):
        shares, (votes, midpoint) = drained(stack.votes(of))
        assert shares[-1] == 1
        pictures = iter(looked_up(stack, [ETAS] * len(windows)))
    for (start, stop), vote in zip(windows, votes, strict=True):
        _, expected = prior.released(frames[start:stop])
        assert np.array_equal(vote.counts, expected.counts)
        assert (vote.eta, vote.silent, vote.pixels, vote.frames) == (
            expected.eta,
            expected.silent,
            height * width,
            stop - start,
        )
        ordered = prior.sort_stack(frames[start:stop])
        for eta in ETAS:
            assert np.array_equal(next(pictures), prior.percentile(ordered, eta))
    lumas = prior.luma(frames[slice(*windows[of])])
    assert np.array_equal(midpoint, prior.shortest_interval_midpoint(np.sort(lumas, axis=0)))


def test_the_crowd_is_that_of_the_largest_window_unless_told_otherwise() -> None:
    frames = clip(2, 20, 8, 9)
    with filled(frames, [(5, 15), (0, 20)]) as stack:
        assert np.array_equal(drained(stack.votes())[1][1], drained(stack.votes(1))[1][1])


def test_on_disk_and_in_memory_really_are_two_ways(tmp_path: Path) -> None:
    frames = clip(2, 10, 8, 9)
    with filled(frames) as roomy, filled(frames, memory=tight(72), folder=tmp_path) as tightly:
        assert roomy.layout.scratch_bytes == 0
        assert tightly.layout.scratch_bytes >= 4 * 72 * 10
        assert not list(tmp_path.iterdir())
        assert np.array_equal(looked_up(roomy, [[50]]), looked_up(tightly, [[50]]))


def test_percentiles_may_be_asked_twice_and_in_any_number(tmp_path: Path) -> None:
    frames = clip(3, 40, 5, 6)
    ordered, inner = prior.sort_stack(frames), prior.sort_stack(frames[10:30])
    for memory in (ROOMY, tight(30)):
        with filled(frames, [(10, 30), (0, 40)], memory) as stack:
            for _ in range(2):
                two = looked_up(stack, [[], [10, 90]])
                assert np.array_equal(two, [prior.percentile(ordered, eta) for eta in (10, 90)])
                assert np.array_equal(looked_up(stack, [[33.3], []])[0], prior.percentile(inner, 33.3))


@settings(deadline=None, max_examples=30)
@given(nested_windows(), st.integers(1, 20), st.integers(1, 40), st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_percentiles_of_each_pixel_and_a_start(
    windows: list[tuple[int, int]], height: int, width: int, narrow: bool, on_disk: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    frames = clip(seed % 7, windows[-1][1], height, width, 6)
    maps = [(rng.integers(0, 1001, (height, width)) / 10).astype(np.float32) for _ in windows]
    at = int(rng.integers(len(windows)))
    sigma = rng.uniform(0.5, 40, 256).astype(np.float32)
    band = 1 if narrow else 1 << 20
    pictures = np.empty((2 * len(windows), height, width, 3), np.uint8)
    flat = pictures.reshape(len(pictures), -1)

    with (
        mock.patch.object(storage, "MEMORY_BAND_BYTES", band),
        mock.patch.object(storage, "SCRATCH_BAND_BYTES", band),
        filled(frames, windows, tight(height * width) if on_disk else ROOMY) as stack,
    ):
        planes = stack.picture_planes(1)
        bands = planes.bands
        planes.close()

        def use(index: int, block: np.ndarray) -> None:
            flat[:, slice(*bands[index])] = block

        _, started = drained(
            stack.percentiles([[each, 40] for each in maps], use, InitialEstimate(at, maps[at], sigma))
        )
        _, level = drained(stack.percentiles([[]] * len(windows), lambda *_: None, InitialEstimate(at, 30.0, sigma)))
    for index, (start, stop) in enumerate(windows):
        ordered = prior.sort_stack(frames[start:stop])
        assert np.array_equal(pictures[2 * index], prior.percentile_each(ordered, maps[index]))
        assert np.array_equal(pictures[2 * index + 1], prior.percentile(ordered, 40))
    columns = prior.sort_stack(frames[slice(*windows[at])]).reshape(-1, 3 * height * width)
    for found, tenths in ((started, np.rint(10 * maps[at])), (level, np.full((height, width), 300))):
        expected = np.empty(columns.shape[1], np.float32)
        begin, moved = np.repeat(tenths.astype(np.int16).ravel(), 3), InitialEstimate(at, 0.0, sigma).moved
        _reference.mean_shift(columns, begin, sigma, 2.5, 1.5, moved, 3, expected)
        assert found is not None
        assert np.array_equal(found, expected.reshape(height, width, 3))


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 70), (70, 5), (50, 90), (33, 32)])
def test_votes_by_cells_are_those_of_each_cell(
    height: int, width: int, on_disk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MEMORY_BAND_BYTES", 1)
    monkeypatch.setattr(storage, "SCRATCH_BAND_BYTES", 1)
    frames, windows = clip(9, 12, height, width, 5), [(4, 9), (0, 12)]
    with filled(frames, windows, tight(height * width) if on_disk else ROOMY) as stack:
        assert stack.local_votes == []
        for _ in range(2):  # a second time they are not added up
            drained(stack.votes())
    (rows, columns), cell = cell_grid(height, width), cell_size(height, width)
    for (start, stop), votes in zip(windows, stack.local_votes, strict=True):
        _, first, last = prior.mode_range(np.sort(prior.luma(frames[start:stop]), axis=0))
        held = (np.arange(stop - start) >= first[..., None]) & (np.arange(stop - start) <= last[..., None])
        for row in range(rows):
            for column in range(columns):
                of_cell = held[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
                assert np.array_equal(votes.counts[row, column], of_cell.sum(axis=(0, 1)))
        assert (votes.cell, votes.height, votes.width, votes.frames) == (cell, height, width, stop - start)


@pytest.mark.parametrize(
    ("percentile", "words"),
    [
        (-0.1, "between 0 and 100"),
        (100.5, "between 0 and 100"),
        (np.full((4, 5), 101, np.float32), "between 0 and 100"),
        (np.full((4, 5), np.nan, np.float32), "between 0 and 100"),
        (np.zeros((5, 4), np.float32), "shape"),
        (np.zeros((4, 5, 3), np.float32), "shape"),
    ],
)
def test_percentiles_that_are_none_are_refused(percentile: float | np.ndarray, words: str) -> None:
    sigma = np.ones(256, np.float32)
    with filled(clip(1, 6, 4, 5)) as stack:
        with pytest.raises(ValueError, match=words):
            next(stack.percentiles([[percentile]], lambda *_: None))
        with pytest.raises(ValueError, match=words):
            next(stack.percentiles([[50]], lambda *_: None, InitialEstimate(0, percentile, sigma)))


@pytest.mark.parametrize("sigma", [np.ones(255), np.zeros(256), np.full(256, np.nan), np.full(256, np.inf)])
def test_tables_of_noise_that_are_none_are_refused(sigma: np.ndarray) -> None:
    with filled(clip(1, 6, 4, 5)) as stack, pytest.raises(ValueError, match="256 levels"):
        next(stack.percentiles([[50]], lambda *_: None, InitialEstimate(0, 30, sigma.astype(np.float32))))


def test_frames_given_in_are_not_changed(tmp_path: Path) -> None:
    frames = clip(4, 12, 6, 7)
    with SortedStack(6, 7, [(0, 12)], Budget(ROOMY, tmp_path), candidates=1, workers=2) as stack:
        given = frames.copy()
        for frame in given:
            stack.add(frame)
        stack.finish()
        assert np.array_equal(given, frames)
        assert np.array_equal(looked_up(stack, [[50]])[0], prior.percentile(prior.sort_stack(frames), 50))


@pytest.mark.parametrize("memory", [ROOMY, tight(30)], ids=["memory", "disk"])
def test_wrong_frames_are_refused(memory: int, tmp_path: Path, no_threads_left: None) -> None:
    frames = clip(5, 5, 5, 6)
    with SortedStack(5, 6, [(0, 5)], Budget(memory, tmp_path), candidates=1, workers=2) as stack:
        for shape in ((6, 5, 3), (5, 6), (5, 6, 4), (5, 6, 1), (1, 5, 6, 3)):
            with pytest.raises(ValueError, match="shape"):
                stack.add(np.zeros(shape, np.uint8))
        for done, frame in enumerate(frames):
            with pytest.raises(ValueError, match=f"{done} of 5 frames"):
                stack.finish()
            stack.add(frame)
        with pytest.raises(ValueError, match="more than the 5 frames"):
            stack.add(frames[0])
        stack.finish()
        assert np.array_equal(looked_up(stack, [[0]])[0], frames.min(axis=0))


def test_frames_that_are_not_uint8_are_refused(tmp_path: Path) -> None:
    with (
        SortedStack(2, 2, [(0, 2)], Budget(ROOMY, tmp_path), candidates=1, workers=1) as stack,
        pytest.raises(ValueError, match="uint8"),
    ):
        stack.add(np.full((2, 2, 3), 0.5))


@pytest.mark.parametrize(
    "windows", [[], [(1, 5)], [(0, 1)], [(0, 3), (2, 5)], [(0, 5), (0, 4)], [(2, 3), (0, 5)], [(-1, 3), (0, 5)]]
)
def test_windows_that_are_not_nested_are_refused(
    windows: list[tuple[int, int]], tmp_path: Path, no_threads_left: None
) -> None:
    with pytest.raises(ValueError):
        SortedStack(4, 4, windows, Budget(ROOMY, tmp_path), candidates=1, workers=1)


Usage = namedtuple("Usage", "total used free")


def test_too_little_disk_is_refused_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_threads_left: None
) -> None:
    free = storage.SPARE_DISK_BYTES + 1000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free, 0, free))
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: pytest.fail("a file was opened"))
    with pytest.raises(
        ResourceError, match=r"46\.9 KiB of scratch space needed \(and 256\.0 MiB must stay free\), 256\.0 MiB free"
    ) as caught:
        SortedStack(
            10, 10, [(0, 90)], Budget(tight(100), tmp_path), candidates=40, workers=2
        )  # 4·100·90 + 3·100·40 bytes
    assert "\n" not in str(caught.value)


def test_enough_memory_asks_nothing_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 0))
    with filled(clip(1, 5, 4, 4), folder=tmp_path / "missing") as stack:
        assert stack.layout.scratch_bytes == 0


@pytest.mark.parametrize("refine", [False, True])
@pytest.mark.parametrize("megapixels", [0.5, 2, 8.3, 100])
def test_memory_too_small_for_a_frame_is_refused_with_advice_that_holds(
    megapixels: float, refine: bool, tmp_path: Path
) -> None:
    pixels = int(megapixels * 1e6)
    with pytest.raises(ResourceError, match=r"megapixels need more memory than 1\.0 MiB") as caught:
        Budget(1 << 20, tmp_path).layout(pixels, 100, 1, 2, refine=refine)
    message = str(caught.value)
    assert "\n" not in message
    advised = int(message.split("--memory ")[1].removesuffix("MiB"))
    assert Budget(advised << 20, tmp_path).layout(pixels, 100, 1, 2, refine=refine).run_length >= 1
    with pytest.raises(ResourceError):
        Budget((advised - 1) << 20, tmp_path).layout(pixels, 100, 1, 2, refine=refine)


def test_memory_too_small_for_a_frame_leaves_nothing(tmp_path: Path, no_threads_left: None) -> None:
    with pytest.raises(ResourceError, match="--memory"):
        SortedStack(100, 100, [(0, 9)], Budget(1000, tmp_path), candidates=1, workers=1)
    assert not list(tmp_path.iterdir())


@settings(deadline=None)
@given(st.integers(1, 10**8), st.integers(2, 5000), st.integers(1, 60), st.integers(1 << 16, 1 << 34), st.booleans())
def test_what_a_budget_keeps_in_memory_fits_into_it(
    pixels: int, frames: int, candidates: int, memory: int, refine: bool
) -> None:
    held, pictures, mean = 3 * pixels * frames, 3 * pixels * candidates, MEAN_BYTES * pixels * refine
    refined = frames if refine else 0
    try:
        layout = Budget(memory, Path()).layout(pixels, frames, candidates, 2, refine=refine)
    except ResourceError:
        usable_at_least = (1 - RESERVE_FRACTION) * ((1 - BANDS_FRACTION) * memory - IN_FLIGHT_BYTES * pixels)
        assert memory < least_memory(pixels, 2, refined) + 99
        assert held > usable_at_least - least_memory(pixels, 2, refined) - 99
        return
    kept = 0 if layout.pictures_on_disk else pictures
    assert layout.scratch_bytes == 4 * pixels * frames * layout.stack_on_disk + (pictures - kept)
    if layout.stack_on_disk:
        # Runs while frames are decoded; pictures, and the mean beside the decoder, when they are gone.
        assert max(2 * 4 * pixels * layout.run_length, kept + mean) + IN_FLIGHT_BYTES * pixels <= memory
    else:
        # The decoder is gone when there is a mean.
        assert held + kept + max(IN_FLIGHT_BYTES * pixels, mean) <= memory


@pytest.mark.parametrize("memory", [ROOMY, tight(64)], ids=["memory", "disk"])
@pytest.mark.parametrize("added", [0, 1, 33, 70])
def test_closing_early_leaves_no_threads_and_no_files(
    memory: int, added: int, tmp_path: Path, no_threads_left: None
) -> None:
    frames = clip(6, 70, 8, 8)
    stack = SortedStack(8, 8, [(20, 50), (0, 70)], Budget(memory, tmp_path), candidates=1, workers=3)
    for frame in frames[:added]:
        stack.add(frame)
    stack.close()
    stack.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("memory", [ROOMY, tight(600)], ids=["memory", "disk"])
def test_closing_between_bands_leaves_no_threads(
    memory: int, tmp_path: Path, no_threads_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MEMORY_BAND_BYTES", 1)
    monkeypatch.setattr(storage, "SCRATCH_BAND_BYTES", 1)
    with filled(clip(7, 20, 20, 30), memory=memory, folder=tmp_path) as stack:
        for steps in (stack.votes(), stack.percentiles([[50]], lambda band, block: None)):
            assert 0 < next(steps) < 1
            steps.close()
        unfinished = stack.votes()
        next(unfinished)
        del unfinished
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["votes", "percentiles"])
def test_steps_left_open_while_the_stack_is_closed_end_all_the_same(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So it goes where an exception (Ctrl-C) between two steps holds on to the frames it passed.
    monkeypatch.setattr(storage, "MEMORY_BAND_BYTES", 1)
    stack = filled(clip(7, 50, 60, 60), folder=tmp_path, workers=1)
    steps = stack.votes() if kind == "votes" else stack.percentiles([[50]], lambda *_: time.sleep(0.01))
    next(steps)
    stack.close()
    assert within(3, steps.close), "waits for ever for work that was cancelled"


def test_an_abandoned_stack_leaves_nothing(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    stack = SortedStack(8, 8, [(0, 70)], Budget(tight(64), tmp_path), candidates=1, workers=2)
    for frame in clip(8, 50, 8, 8):
        stack.add(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del stack
        gc.collect()
        for thread in set(threading.enumerate()) - before:
            thread.join(5)
        gc.collect()
    assert not list(tmp_path.iterdir())
    assert set(threading.enumerate()) <= before


class FillsUp(io.FileIO):
    """A scratch file on a disk with room for only so many bytes more."""

    room = 0

    def write(self, data: "ReadableBuffer") -> int:
        size = memoryview(data).nbytes
        if FillsUp.room < size:
            raise OSError(errno.ENOSPC, "No space left on device")
        FillsUp.room -= size
        return super().write(data)


@pytest.mark.parametrize("room", [0, 5_000, 13_000])  # of 15 360 bytes
def test_a_disk_that_fills_up_is_one_line_and_no_hang(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_threads_left: None
) -> None:
    def temporary_file(dir: Path, buffering: int) -> FillsUp:
        FillsUp.room = room
        path = Path(dir) / "scratch"
        file = FillsUp(path, "w+b" if not path.exists() else "r+b")
        path.unlink()
        return file

    monkeypatch.setattr(tempfile, "TemporaryFile", temporary_file)
    caught = []

    def work() -> None:
        try:
            filled(clip(9, 60, 8, 8), memory=tight(64), folder=tmp_path)
        except ResourceError as error:
            caught.append(str(error))

    stacks: list[SortedStack] = []
    monkeypatch.setattr(SortedStack, "finish", _noting(stacks, SortedStack.finish))
    monkeypatch.setattr(SortedStack, "add", _noting(stacks, SortedStack.add))
    assert within(20, work)
    assert len(caught) == 1 and "No space left on device" in caught[0] and "\n" not in caught[0]
    assert within(5, stacks[0].close)


def _noting(stacks: list[SortedStack], method: Callable[..., None]) -> Callable[..., None]:
    def noted(self: SortedStack, *args: Any) -> None:
        stacks.append(self)
        method(self, *args)

    return noted


def test_an_error_in_use_comes_out_of_percentiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_threads_left: None
) -> None:
    monkeypatch.setattr(storage, "MEMORY_BAND_BYTES", 1)

    def full(band: int, block: np.ndarray) -> None:
        if band == 3:
            raise ResourceError("full")

    with filled(clip(7, 20, 20, 30)) as stack, pytest.raises(ResourceError, match="full"):
        list(stack.percentiles([[50]], full))


def test_in_scratch_space_early_runs_are_sorted_before_the_last_frame_is_there(tmp_path: Path) -> None:
    frames = clip(10, 70, 50, 50)
    with SortedStack(50, 50, [(0, 70)], Budget(tight(2500), tmp_path), candidates=1, workers=1) as stack:
        for frame in frames[:-1]:
            stack.add(frame)
        waited = time.monotonic() + 5
        while not stack.clock.seconds("sort") and time.monotonic() < waited:
            time.sleep(0.001)
        assert stack.clock.seconds("sort") > 0
        stack.add(frames[-1])
        stack.finish()


def test_in_scratch_space_the_next_run_is_filled_while_one_is_still_being_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    write = storage.ScratchPlanes.write

    def held_up(self: storage.ScratchPlanes, *args: Any) -> None:
        go_on.wait(10)
        write(self, *args)

    monkeypatch.setattr(storage.ScratchPlanes, "write", held_up)
    frames = clip(12, 150, 10, 10)

    def add_some() -> None:
        for frame in frames[:60]:
            stack.add(frame)

    with SortedStack(10, 10, [(0, 150)], Budget(36_500, tmp_path), candidates=1, workers=2) as stack:
        assert stack.layout.scratch_bytes
        assert within(5, add_some)
        go_on.set()
        for frame in frames[60:]:
            stack.add(frame)
        stack.finish()
        assert np.array_equal(looked_up(stack, [[50]])[0], prior.percentile(prior.sort_stack(frames), 50))


def test_the_clock_counts_every_kind_of_work_by_name(tmp_path: Path) -> None:
    with filled(clip(11, 40, 30, 30)) as stack:
        drained(stack.votes())
        looked_up(stack, [[50]])
        for name in ("sort", "votes", "percentiles", "score"):
            assert stack.clock.seconds(name) > 0
        assert stack.clock.seconds("no such work") == 0
