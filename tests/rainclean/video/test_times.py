"""Times that a container gets wrong: what is right stays, what is wrong is said, and no picture is lost."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainclean.video import open_source
from rainclean.video.times import clock_of, since_start
from tests.helpers.video_clips import Clip, encode, index_of, remuxed
from tests.rainclean.video.conftest import GRADUAL, OPEN_GOP, UNEVEN

COUNT = 30
PLAIN = Clip("plain.mkv", options=GRADUAL, pts=UNEVEN)  # no B-frames, uneven times
REORDERED = Clip("reordered.mkv", options=OPEN_GOP)
MS = Fraction(1, 1000)
EARLY = 10**6  # ahead of all presentation times: what muxers ask for, and Matroska does not keep


def read(path: Path, salvage: bool = False) -> tuple[list[float], list[str]]:
    """Times and notes of a clip of which every frame is there, in order, also one by one."""
    source = open_source(path, salvage=salvage)
    assert [index_of(f.rgb) for f in source.read()] == list(range(COUNT))
    for i in (0, 7, 13, 29):
        assert [index_of(f.rgb) for f in source.read([i])] == [i]
    return source.times.tolist(), [n for n in source.info.notes if "presentation time" in n]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sound")
    return {clip.name: encode(folder, clip) for clip in (PLAIN, REORDERED)}


Change = Callable[[int, "av.Packet[av.VideoStream]"], bool]


@pytest.mark.parametrize("salvage", [False, True])
def test_times_in_the_order_of_the_file(salvage: bool, clips: dict[str, Path], tmp_path: Path) -> None:
    """A muxer that knows no reordering: B-frames, and times that rise from packet to packet."""

    def as_stored(number: int, packet: "av.Packet[av.VideoStream]") -> bool:
        packet.pts = packet.dts = 33 * number
        return True

    times, notes = read(remuxed(clips[REORDERED.name], tmp_path / "stored.mkv", as_stored), salvage)
    assert notes == ["presentation times in the file are unusable: an even rate of 30.303 frames per second is assumed"]
    assert np.allclose(times, np.arange(COUNT) * 0.033)


@pytest.mark.parametrize("salvage", [False, True])
@pytest.mark.parametrize("equal", [[14], [5, 6, 22]], ids=["one", "three"])
def test_equal_times_move_alone(equal: list[int], salvage: bool, clips: dict[str, Path], tmp_path: Path) -> None:
    right, _ = read(clips[PLAIN.name])
    before = 0

    def as_the_one_before(number: int, packet: "av.Packet[av.VideoStream]") -> bool:
        nonlocal before
        if number in equal:
            packet.pts = packet.dts = before
        before = packet.pts or 0
        return True

    times, notes = read(remuxed(clips[PLAIN.name], tmp_path / "equal.mkv", as_the_one_before), salvage)
    assert len(notes) == 1
    for i, (found, wanted) in enumerate(zip(times, right, strict=True)):
        if i in equal:
            assert times[i - 1] < found < times[i + 1]
        else:
            assert found == wanted


def test_one_time_that_goes_back_among_b_frames(clips: dict[str, Path], tmp_path: Path) -> None:
    right, _ = read(clips[REORDERED.name])
    for moved in range(11, 20):

        def back(number: int, packet: "av.Packet[av.VideoStream]", moved: int = moved) -> bool:
            packet.pts = (packet.pts or 0) - 120 * (number == moved)
            packet.dts = number - EARLY
            return True

        times, _ = read(remuxed(clips[REORDERED.name], tmp_path / "back.mkv", back))
        assert sum(abs(a - b) > 1e-9 for a, b in zip(times, right, strict=True)) <= 1


def test_time_that_begins_anew(clips: dict[str, Path], tmp_path: Path) -> None:
    """Two recordings one behind the other, and a counter that wraps around: frames in the order of the file."""
    for lower in (300, 10**7):

        def anew(number: int, packet: "av.Packet[av.VideoStream]", lower: int = lower) -> bool:
            shift = 10**7 - lower * (number > 20)
            packet.pts, packet.dts = (packet.pts or 0) + shift, number - EARLY
            return True

        _, notes = read(remuxed(clips[REORDERED.name], tmp_path / "anew.mkv", anew))
        assert "unusable" in notes[0]


def test_times_are_asked_for_from_the_first_frame(encoded: Callable[[Clip], Path]) -> None:
    from pipeline.cli.values import parse_point

    late = Clip("a second late.mp4", options=OPEN_GOP, pts=tuple(600 + 20 * i for i in range(COUNT)))
    source = open_source(encoded(late))
    assert source.times[0] == pytest.approx(1)
    for text, index in (("0s", 0), ("0.5s", 15), ("0.51s", 16), ("0.9333s", 28), ("2s", COUNT), ("15", 15)):
        assert parse_point(text, source, "--in-point") == index
    assert any("1.000 s by the file's clock" in note for note in source.info.notes)


def test_sound_times_are_what_the_container_says() -> None:
    assert clock_of([3, 40, 90], MS, None).times.tolist() == [0.003, 0.04, 0.09]
    assert clock_of([3, 40, 90], MS, None).notes == ()


@pytest.mark.parametrize(
    ("ticks", "times"),
    [
        ([0, 40, 40, 120], [0, 40, 80, 120]),
        ([0, 40, 10, 120, 160], [0, 40, 80, 120, 160]),
        ([0, 40, 9000, 120, 160], [0, 40, 80, 120, 160]),
        ([-40, 0, None, 80], [-40, 0, 40, 80]),
        ([None, 40, 80], [0, 40, 80]),
        ([0, 40, None], [0, 40, 80]),
        ([0, 10, 20, 20, 20, 50], [0, 10, 20, 30, 40, 50]),
    ],
)
def test_what_is_wrong_moves_and_the_others_stay(ticks: list[int | None], times: list[int]) -> None:
    clock = clock_of(ticks, MS, Fraction(25))
    assert np.allclose(clock.times * 1000, times)
    assert len(clock.notes) == 1


@pytest.mark.parametrize(
    "ticks", [[0, 300, 75, 20, 260, 205, 160], [None] * 5, [7] * 6, [0, 1, 2, 0, 1, 2], [2**62, 2**62 + 1]]
)
def test_times_that_are_worth_nothing_are_counted(ticks: list[int | None]) -> None:
    clock = clock_of(ticks, MS, Fraction(10))
    assert np.allclose(clock.times, np.arange(len(ticks)) / 10)
    assert "unusable" in clock.notes[0]


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 50)), max_size=60))
def test_any_times_give_times_that_rise(ticks: list[int | None]) -> None:
    times = clock_of(ticks, MS, None).times
    assert len(times) == len(ticks)
    assert np.isfinite(times).all()
    assert (np.diff(times) > 0).all()
    assert (since_start(times) >= 0).all()
