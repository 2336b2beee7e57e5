"""What a live stack takes and gives back; several threads at it at once; its scratch file."""

import contextlib
import errno
import io
import os
import shutil
import threading
from collections import namedtuple
from contextlib import closing
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.errors import ResourceError
from rainclean.live import LiveStack, NothingSorted, scratch
from rainclean.temporal import storage
from rainclean.video import Region
from tests.helpers.live_stacks import HERE, around, clip, filled, percentile_of


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    return clip(5, 25, 20, 30, 40)


def test_frames_that_do_not_fit_are_left_out() -> None:
    each = 2 * 3 * 4 * 6
    with LiveStack(4, 6, range(50), 25, folder=HERE, limit=10 * each + each // 2) as live:
        assert live.frames == 10 and live.selection.indices == tuple(range(20, 30))
        assert live.scratch_bytes == 10 * each
    usage = namedtuple("usage", "total used free")
    for free, fits in ((10 * each, 10), (2 * each, 2), (2 * each - 1, 0), (0, 0)):
        left = usage(0, 0, free + storage.SPARE_DISK_BYTES)
        with mock.patch.object(shutil, "disk_usage", lambda _, left=left: left):
            if fits:
                assert scratch.frames_that_fit(4, 6, HERE, 1 << 30) == fits
            else:
                with pytest.raises(ResourceError, match="two frames need 288 B"):
                    LiveStack(4, 6, range(50), 25, folder=HERE)
    with pytest.raises(ResourceError, match="no such folder"):
        LiveStack(4, 6, range(50), 25, folder=HERE / "not there")


def test_the_space_that_was_promised_is_what_is_taken(film: np.ndarray) -> None:
    with filled(film) as live:
        sizes = [os.fstat(file._file.fileno()).st_size for file in (live._ranks, live._frames._file)]
        assert sum(sizes) == live.scratch_bytes


def test_closing_gives_everything_back(film: np.ndarray, tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir())) if descriptors.exists() else 0
    live = LiveStack(20, 30, range(25), 12, folder=tmp_path)
    for frame in film:
        live.add(frame)
    list(live.sort(25))
    assert list(tmp_path.iterdir()) == []  # the files have no names
    live.close()
    live.close()
    if before:
        assert len(list(descriptors.iterdir())) == before
    for look in (lambda: live.percentile(5), lambda: live.preview(9, 5, Region(0, 0, 1, 1)), lambda: live.pixel(0, 0)):
        with pytest.raises(ValueError, match="closed"):
            look()
    assert live.sorted_frames is None


def test_closing_before_all_frames_are_there(film: np.ndarray) -> None:
    live = LiveStack(20, 30, range(25), 12, folder=HERE)
    for frame in film[:7]:
        live.add(frame)
    with pytest.raises(ValueError, match="7 of 25"):
        next(live.sort(5))
    with pytest.raises(ValueError, match="7 of 25"):
        live.preview(5, 5, Region(0, 0, 1, 1))
    live.close()


def test_a_sort_that_is_broken_off_leaves_no_window_and_can_be_made_again(film: np.ndarray) -> None:
    with mock.patch("rainclean.live.sorting._STRIP_BYTES", 1), filled(film, sort=9) as live:
        expected = live.percentile(30)
        for share in live.sort(20):
            assert 0 < share < 1
            assert live.sorted_frames is None
            with pytest.raises(NothingSorted):
                live.percentile(30)
            with pytest.raises(NothingSorted):
                live.votes_in(Region(0, 0, 3, 3))
            np.testing.assert_array_equal(live.preview(9, 30, Region(0, 0, 30, 20)).picture, expected)
            break
        with pytest.raises(NothingSorted):
            _ = live.votes
        shares = list(live.sort(9))
        assert shares == sorted(shares) and shares[-1] == 1
        np.testing.assert_array_equal(live.percentile(30), expected)


def test_look_ups_from_other_threads_while_sorting(film: np.ndarray) -> None:
    """Each gives the picture of one of the windows, or says that none is sorted; never a mixture."""
    whole, done = Region(0, 0, 30, 20), threading.Event()
    wrong: list[str] = []
    pictures = {n: percentile_of(film[around(25, n, 12)], 300) for n in (9, 20)}

    def look() -> None:
        while not done.is_set():
            with contextlib.suppress(NothingSorted):
                picture = live.percentile(30)
                if not any(np.array_equal(picture, expected) for expected in pictures.values()):
                    wrong.append("percentile")
            if not np.array_equal(live.preview(20, 30, whole).picture, pictures[20]):
                wrong.append("preview")

    with filled(film, sort=9) as live:
        threads = [threading.Thread(target=look) for _ in range(3)]
        for thread in threads:
            thread.start()
        for n in (20, 9) * 10:
            list(live.sort(n))
        done.set()
        for thread in threads:
            thread.join()
    assert not wrong


def test_close_waits_for_a_look_up(film: np.ndarray) -> None:
    live = filled(film)
    reading, go_on, found = threading.Event(), threading.Event(), []
    read = live._ranks.read

    def slow(place: int, out: np.ndarray) -> None:
        reading.set()
        go_on.wait(10)
        read(place, out)

    with mock.patch.object(live._ranks, "read", slow):
        looking = threading.Thread(target=lambda: found.append(live.percentile(50)))
        looking.start()
        assert reading.wait(10)
        shutting = threading.Thread(target=live.close)
        shutting.start()
        shutting.join(0.05)
        assert shutting.is_alive()
        go_on.set()
        looking.join()
        shutting.join()
    np.testing.assert_array_equal(found[0], percentile_of(film, 500))


@pytest.mark.parametrize("at_once", [True, False])
@settings(deadline=None, max_examples=30)
@given(st.data())
def test_a_scratch_file_is_bytes_at_places(at_once: bool, data: st.DataObject) -> None:
    plain = np.zeros(500, np.uint8)
    with mock.patch.object(scratch, "AT_ONCE", at_once and scratch.AT_ONCE), closing(scratch.ScratchFile(HERE)) as file:
        file.write(0, plain)
        for number in range(data.draw(st.integers(1, 8))):
            place = data.draw(st.integers(0, 499))
            part = np.full(data.draw(st.integers(0, 500 - place)), number, np.uint8)
            file.write(place, part)
            plain[place : place + part.size] = part
            out = np.empty(data.draw(st.integers(0, 500 - place)), np.uint8)
            file.read(place, out)
            np.testing.assert_array_equal(out, plain[place : place + out.size])
        with pytest.raises(ResourceError, match="shorter"):
            file.read(499, np.empty(2, np.uint8))


def test_a_file_that_takes_little_at_a_time() -> None:
    with closing(scratch.ScratchFile(HERE)) as file, mock.patch.object(scratch, "AT_ONCE", False):
        store = io.BytesIO()
        file._file.close()
        file._file = mock.Mock(
            seek=store.seek, write=lambda data: store.write(data[:7]), readinto=lambda room: store.readinto(room[:5])
        )
        data, out = clip(1, 4, 5, 6), np.empty((4, 5, 6, 3), np.uint8)
        file.write(3, data)
        file.read(3, out)
        np.testing.assert_array_equal(out, data)


def test_a_full_disk_is_said_and_leaves_nothing(film: np.ndarray) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        LiveStack(20, 30, range(25), 12, folder=HERE) as live,
        mock.patch.object(scratch.ScratchFile, "_write_some", full),
        pytest.raises(ResourceError, match="No space"),
    ):
        for frame in film:
            live.add(frame)
    with filled(film, sort=9) as live:
        with (
            mock.patch.object(scratch.ScratchFile, "_write_some", full),
            pytest.raises(ResourceError, match="No space"),
        ):
            list(live.sort(12))
        assert live.sorted_frames is None


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_closing_while_sorting_ends_the_sort(film: np.ndarray, steps: int) -> None:
    with mock.patch("rainclean.live.sorting._STRIP_BYTES", 1), filled(film, sort=9) as live:
        sort = live.sort(20)
        for _ in range(steps):
            next(sort)
        live.close()
        with pytest.raises(ValueError, match="closed"):
            list(sort)
        assert live.sorted_frames is None


def test_the_latest_sort_counts(film: np.ndarray) -> None:
    with mock.patch("rainclean.live.sorting._STRIP_BYTES", 1), filled(film, sort=9) as live:
        early = live.sort(20)
        next(early)
        late = live.sort(7)
        next(late)
        with pytest.raises(NothingSorted, match="another window"):
            list(early)
        list(late)
        assert live.sorted_frames == 7
        np.testing.assert_array_equal(live.percentile(30), percentile_of(film[around(25, 7, 12)], 300))


def test_sorts_that_overtake_each_other_in_two_threads(film: np.ndarray) -> None:
    """As when a slider is let go twice: never ranks of one window among those of another."""
    with mock.patch("rainclean.live.sorting._STRIP_BYTES", 1), filled(film, sort=9) as live:

        def sort(n: int) -> None:
            with contextlib.suppress(NothingSorted):
                list(live.sort(n))

        for _ in range(15):
            threads = [threading.Thread(target=sort, args=(n,)) for n in (20, 7, 25)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            n = live.sorted_frames
            assert n in (20, 7, 25)
            np.testing.assert_array_equal(live.percentile(30), percentile_of(film[around(25, n, 12)], 300))
