"""Files whose own index misleads: all frames are read, or it is said how many are missing."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from rainclean.video import open_source
from tests.helpers.video_clips import Clip, encode, index_of
from tests.rainclean.video.conftest import OPEN_GOP

COUNT = 30
AVIS = (
    Clip("mpeg4.avi", codec="mpeg4", options={"bf": "2", "g": "10"}),
    Clip("plain.avi", codec="mpeg4", options={"bf": "0", "g": "10"}),
    Clip("h264.avi", options=OPEN_GOP),
    Clip("mjpeg.avi", codec="mjpeg", pix_fmt="yuvj420p"),
    Clip("huffyuv.avi", codec="huffyuv", pix_fmt="yuv422p"),
)


def entries(index: bytes, change: Callable[[int, list[int]], None]) -> bytes:
    """The index of an AVI with each of its entries (id, flags, offset, size) changed."""
    out = b""
    for number, (name, *rest) in enumerate(struct.iter_unpack("<4s3I", index)):
        change(number, rest)
        out += struct.pack("<4s3I", name, *rest)
    return out


def all_in_one_place(_: int, entry: list[int]) -> None:
    entry[1] = 4


def outside(number: int, entry: list[int]) -> None:
    entry[1] = 0x7FFFFFFF - number


def shifted(_: int, entry: list[int]) -> None:
    entry[1] += 977


def no_keys(_: int, entry: list[int]) -> None:
    entry[0] = 0


WRONG: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda _: None,
    "one entry": lambda index: index[:16],
    "every other entry": lambda index: b"".join(index[i : i + 16] for i in range(0, len(index), 32)),
    "zeroed": lambda index: bytes(len(index)),
    "all in one place": lambda index: entries(index, all_in_one_place),
    "outside": lambda index: entries(index, outside),
    "shifted": lambda index: entries(index, shifted),
    "no key frames": lambda index: entries(index, no_keys),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("clip", AVIS, ids=lambda c: c.name)
def test_an_avi_whose_index_is_useless(clip: Clip, wrong: str, encoded: Callable[[Clip], Path], tmp_path: Path) -> None:
    data = encoded(clip).read_bytes()
    at = data.rindex(b"idx1")
    length = struct.unpack("<I", data[at + 4 : at + 8])[0]
    index = WRONG[wrong](data[at + 8 : at + 8 + length])
    chunk = b"" if index is None else b"idx1" + struct.pack("<I", len(index)) + index
    rest = data[:at] + chunk + data[at + 8 + length :]
    path = tmp_path / clip.name
    path.write_bytes(rest[:4] + struct.pack("<I", len(rest) - 8) + rest[8:])
    for salvage in (False, True):
        source = open_source(path, salvage=salvage)
        assert [index_of(f.rgb) for f in source.read()] == list(range(COUNT))
        for i in (0, 1, 14, 29):
            assert [index_of(f.rgb) for f in source.read([i])] == [i]


@pytest.mark.parametrize("promised", [0, 1, 9999])
def test_an_avi_whose_header_counts_wrong(promised: int, encoded: Callable[[Clip], Path], tmp_path: Path) -> None:
    data = bytearray(encoded(AVIS[3]).read_bytes())
    for chunk, field in ((b"avih", 16), (b"strh", 32)):
        at = data.index(chunk) + 8 + field
        data[at : at + 4] = struct.pack("<I", promised)
    path = tmp_path / "header.avi"
    path.write_bytes(data)
    source = open_source(path)
    assert [index_of(f.rgb) for f in source.read()] == list(range(COUNT))
    said = "the file announces 9999 frames, but holds 30" in source.info.notes
    assert said == (promised == 9999)


def test_an_mp4_whose_tables_disagree(tmp_path: Path) -> None:
    """Thirty sizes, but chunks that hold only twelve of them: that eighteen are missing is said."""
    data = bytearray(encode(tmp_path, Clip("sound.mp4", options=OPEN_GOP)).read_bytes())
    at = data.index(b"stsc") + 8
    count = struct.unpack(">I", data[at : at + 4])[0]
    assert count == 1  # one kind of chunk: one chunk of thirty
    data[at + 8 : at + 12] = struct.pack(">I", 12)
    path = tmp_path / "tables.mp4"
    path.write_bytes(data)
    source = open_source(path)
    assert source.info.frame_count == len(list(source.read())) < COUNT
    assert any(f"announces {COUNT} frames" in note for note in source.info.notes)
