"""Clips that were cut without encoding them anew: what looks back over the cut is left out, the rest is there."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from rainclean.video import FrameSource, open_source
from tests.helpers.video_clips import Clip, encode, index_of, picture, remuxed
from tests.rainclean.video.conftest import HEVC, OPEN_GOP

X265_OPEN = {"x265-params": f"{HEVC['x265-params']}:open-gop=1:min-keyint=10:scenecut=0:b-adapt=0"}
MPEG2 = {"g": "10", "bf": "2", "qscale": "2"}
GROUPS = (
    Clip("x264.mkv", options=OPEN_GOP),
    Clip("x264.mp4", options=OPEN_GOP),
    Clip("x264.avi", options=OPEN_GOP),
    Clip("x265.mkv", codec="libx265", options=X265_OPEN),
    Clip("x265.mp4", codec="libx265", options=X265_OPEN),
    Clip("mpeg2.mkv", codec="mpeg2video", options=MPEG2),
    Clip("mpeg4.mp4", codec="mpeg4", options=MPEG2),
    Clip("mpeg4.avi", codec="mpeg4", options=MPEG2),
)


def read(source: FrameSource) -> list[int]:
    """The numbers that are written in the frames; asked for all at once, alone and in part they are the same."""
    numbers = [index_of(f.rgb) for f in source.read()]
    assert source.info.frame_count == len(source.times) == len(numbers)
    assert all(b > a for a, b in pairwise(source.times))
    for i in range(len(numbers)):
        (frame,) = source.read([i])
        assert (index_of(frame.rgb), frame.time) == (numbers[i], source.times[i])
    assert [index_of(f.rgb) for f in source.read(range(1, len(numbers), 4))] == numbers[1::4]
    return numbers


def second_group_on() -> Callable[[int, "av.Packet[av.VideoStream]"], bool]:
    """Keep the packets from the second key frame on, as players' cutting tools do."""
    keys = 0

    def keep(number: int, packet: "av.Packet[av.VideoStream]") -> bool:
        nonlocal keys
        keys += packet.is_keyframe
        return keys > 1

    return keep


@pytest.mark.parametrize("clip", GROUPS, ids=lambda c: c.name)
def test_a_clip_that_begins_with_an_open_group(clip: Clip, tmp_path: Path) -> None:
    whole = encode(tmp_path, clip)
    cut = remuxed(whole, tmp_path / f"cut{whole.suffix}", second_group_on())
    source = open_source(cut)
    numbers = read(source)
    assert numbers == list(range(numbers[0], clip.count))
    assert 8 <= numbers[0] <= 12  # where the encoder began its second group
    if whole.suffix != ".mp4":  # there an edit list leaves out what looks back
        (note,) = [n for n in source.info.notes if "cut off" in n]
        with av.open(str(cut)) as video:
            left_out = sum(p.size > 0 for p in video.demux(video=0)) - len(numbers)
        many = "frame needs" if left_out == 1 else f"{left_out} frames need"
        assert note.startswith(f"cut ahead of a key frame: the first {many} data that was cut off, and ")
    salvaged = open_source(cut, salvage=True)
    assert read(salvaged) == numbers
    assert salvaged.times.tolist() == source.times.tolist()


@pytest.mark.parametrize("clip", [c for c in GROUPS if c.name != "mpeg4.avi"], ids=lambda c: c.name)
def test_a_clip_without_a_key_frame_at_its_beginning(clip: Clip, tmp_path: Path) -> None:
    """Nothing that is built on what was cut off is read, though some decoders make something up."""
    cut = remuxed(encode(tmp_path, clip), tmp_path / f"cut{Path(clip.name).suffix}", lambda number, _: number > 3)
    for salvage in (False, True):
        numbers = read(open_source(cut, salvage=salvage))
        assert numbers == list(range(numbers[0], clip.count))
        assert 8 <= numbers[0] <= 12


@pytest.mark.parametrize("clip", [c for c in GROUPS if "x264" in c.name or "mpeg4" in c.name], ids=lambda c: c.name)
def test_after_damage_all_but_the_leading_pictures_of_the_next_group_is_kept(clip: Clip, tmp_path: Path) -> None:
    whole = encode(tmp_path, clip)
    data = bytearray(whole.read_bytes())
    with av.open(str(whole)) as video:
        at, size = [(p.pos or 0, p.size) for p in video.demux(video=0)][2]
    data[at + 8 : at + size] = bytes((i * 73 + 11) % 256 for i in range(size - 8))
    path = tmp_path / f"damaged{whole.suffix}"
    path.write_bytes(data)
    numbers = read(open_source(path, salvage=True))
    behind = [n for n in numbers if n > 9]
    assert behind == list(range(behind[0], clip.count))
    assert behind[0] <= 12


def test_pictures_that_are_shown_ahead_of_a_closed_key_frame_stay(tmp_path: Path) -> None:
    """Leading pictures that do not look back (RADL) decode at the beginning of a file, and are frames."""
    closed = {"x265-params": f"{HEVC['x265-params']}:open-gop=0:radl=2:min-keyint=10:scenecut=0:b-adapt=0"}
    whole = encode(tmp_path, Clip("closed.mkv", codec="libx265", options=closed))
    cut = remuxed(whole, tmp_path / "cut.mkv", second_group_on())
    numbers = read(open_source(cut))
    assert numbers == list(range(numbers[0], 30))
    assert read(open_source(cut, salvage=True)) == numbers
    assert not any("cut off" in note for note in open_source(cut).info.notes)


def test_noise_of_the_pictures_is_the_codecs_own(tmp_path: Path) -> None:
    """What is read behind the cut is to the last level what the whole clip has there."""
    whole = encode(tmp_path, GROUPS[3], [picture(i, 96, 64, seed=3) for i in range(30)])
    cut = open_source(remuxed(whole, tmp_path / "cut.mkv", second_group_on()))
    full = [f.rgb for f in open_source(whole).read()]
    for frame in cut.read():
        assert np.array_equal(frame.rgb, full[index_of(frame.rgb)])
