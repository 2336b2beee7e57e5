"""Cut and damaged files: refused with numbers that are true, and salvaged exactly."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from rainclean.video import DamagedInput, open_source
from rainclean.video.source import Frame
from tests.helpers.video_clips import Clip, encode, index_of
from tests.rainclean.video.conftest import FAST_VP, HEVC, OPEN_GOP, noisy

SIZE = (160, 96)
COUNT = 30
X264 = Clip("x264.mp4", size=SIZE, options=OPEN_GOP, container_options={"movflags": "faststart"})
LOOSE = (
    X264,
    Clip("x264.mkv", size=SIZE, options=OPEN_GOP),
    Clip("hevc.mp4", codec="libx265", size=SIZE, options=HEVC, container_options={"movflags": "faststart"}),
    Clip("vp9.webm", codec="libvpx-vp9", size=SIZE, options=FAST_VP),
    Clip("mpeg4.avi", codec="mpeg4", size=SIZE, options={"bf": "2", "g": "10"}),
    Clip("mjpeg.avi", codec="mjpeg", pix_fmt="yuvj420p", size=SIZE),
)


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Clip], Path]:
    folder = tmp_path_factory.mktemp("sound")

    def make(clip: Clip) -> Path:
        path = folder / clip.name
        return path if path.exists() else encode(folder, clip, noisy(COUNT, *SIZE))

    return make


def packets(path: Path) -> list[tuple[int, int]]:
    """(offset, size) of the video packets in file order."""
    with av.open(str(path)) as video:
        return [(p.pos, p.size) for p in video.demux(video=0) if p.size and p.pos is not None]


@pytest.mark.parametrize("clip", LOOSE, ids=lambda c: c.name)
@pytest.mark.parametrize("keep", [3, 14, 28])
def test_a_cut_file(clip: Clip, keep: int, sound: Callable[[Clip], Path], tmp_path: Path) -> None:
    """Cut inside the packet behind the first ``keep`` ones: those and no others are offered and delivered."""
    whole = sound(clip)
    offset, size = packets(whole)[keep]
    path = tmp_path / clip.name
    path.write_bytes(whole.read_bytes()[: offset + size // 2])
    with pytest.raises(DamagedInput) as caught:
        open_source(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: truncated: {keep} ")
    assert message.endswith("frames can be decoded; --salvage uses those")
    assert "\n" not in message
    if path.suffix in (".mp4", ".avi"):
        assert f"{keep} of {COUNT} frames" in message

    salvaged = open_source(path, salvage=True)
    frames = list(salvaged.read())
    assert [f.index for f in frames] == list(range(salvaged.info.frame_count))
    assert len(frames) == keep == len(salvaged.times)
    assert (np.diff(salvaged.times) > 0).all()
    full = {index_of(f.rgb): f for f in open_source(whole).read()}
    for frame in frames:
        original = full[index_of(frame.rgb)]
        assert np.array_equal(frame.rgb, original.rgb)
        if clip.codec != "mpeg4":  # AVI frames are counted: a hole before the cut closes up
            assert frame.time == pytest.approx(original.time, abs=1e-6)
    middle = salvaged.info.frame_count // 2
    assert np.array_equal(next(iter(salvaged.read([middle]))).rgb, frames[middle].rgb)


def test_a_cut_file_with_its_index_at_the_end(sound: Callable[[Clip], Path], tmp_path: Path) -> None:
    whole = sound(Clip("tail.mp4", size=SIZE, options=OPEN_GOP))
    path = tmp_path / "tail.mp4"
    path.write_bytes(whole.read_bytes()[:-4000])
    for salvage in (False, True):
        with pytest.raises(Exception, match=r"tail\.mp4: truncated: .* no frame can be decoded"):
            open_source(path, salvage=salvage)


@pytest.mark.parametrize("clip", [c for c in LOOSE if ".mp4" in c.name], ids=lambda c: c.name)
def test_a_file_whose_tail_holds_no_frame(clip: Clip, sound: Callable[[Clip], Path], tmp_path: Path) -> None:
    """Missing bytes behind the last frame are no loss where the file says how many frames it has."""
    whole = sound(clip)
    offset, size = max(packets(whole))
    path = tmp_path / clip.name
    path.write_bytes(whole.read_bytes()[: offset + size])
    path.write_bytes(path.read_bytes() + b"\0\0\x10\0free")  # a box that promises more than there is
    source = open_source(path)
    assert any("no frame is missing" in note for note in source.info.notes)
    assert len(list(source.read())) == COUNT


DAMAGED = tuple(c for c in LOOSE if c.name in ("x264.mp4", "x264.mkv", "mpeg4.avi", "mjpeg.avi"))


@pytest.fixture
def damaged(request: pytest.FixtureRequest, sound: Callable[[Clip], Path], tmp_path: Path) -> tuple[Path, Path]:
    """A sound file and its copy with rubbish inside a packet, such as the decoder notices."""
    whole = sound(request.param)
    data = bytearray(whole.read_bytes())
    offset, size = packets(whole)[13]
    # Slice headers of H.264 lie right behind the block header (Matroska) and the length of the unit; rubbish
    # further in can by chance be a picture of some kind, which no decoder complains about.
    ahead = {".mp4": 5, ".mkv": 12}.get(whole.suffix, size // 4)
    data[offset + ahead : offset + size] = bytes((i * 73 + 11) % 256 for i in range(size - ahead))
    path = tmp_path / request.param.name
    path.write_bytes(data)
    return whole, path


@pytest.mark.parametrize("damaged", DAMAGED, ids=lambda c: c.name, indirect=True)
def test_a_damaged_packet_is_found_when_reading_comes_to_it(damaged: tuple[Path, Path]) -> None:
    _, path = damaged
    source = open_source(path)
    assert source.info.frame_count == COUNT
    good: list[Frame] = []
    with pytest.raises(DamagedInput, match=r"damaged: frame \d+ of 30 cannot be decoded; --salvage"):
        good.extend(source.read())
    assert 0 < len(good) < COUNT


@pytest.mark.parametrize("damaged", DAMAGED, ids=lambda c: c.name, indirect=True)
def test_salvage_delivers_only_frames_that_are_as_they_were(damaged: tuple[Path, Path]) -> None:
    whole, path = damaged
    full = {index_of(f.rgb): f.rgb for f in open_source(whole).read()}
    salvaged = open_source(path, salvage=True)
    frames = list(salvaged.read())
    assert 15 < len(frames) < COUNT
    assert any(f"salvaged: {len(frames)} of {COUNT}" in note for note in salvaged.info.notes)
    assert all(np.array_equal(f.rgb, full[index_of(f.rgb)]) for f in frames)
    again = [f.rgb for f in salvaged.read()]
    assert all(np.array_equal(f.rgb, rgb) for f, rgb in zip(frames, again, strict=True))


def test_frames_behind_the_damage_are_read_from_the_next_key_frame(
    sound: Callable[[Clip], Path], tmp_path: Path
) -> None:
    whole = sound(X264)
    data = bytearray(whole.read_bytes())
    offset, size = packets(whole)[2]
    data[offset + size // 4 : offset + size] = bytes(size - size // 4)
    path = tmp_path / "x264.mp4"
    path.write_bytes(data)
    wanted = [25, 28]
    frames = list(open_source(path).read(wanted))
    assert [index_of(f.rgb) for f in frames] == wanted


def test_salvage_changes_nothing_of_a_sound_file(sound: Callable[[Clip], Path]) -> None:
    path = sound(X264)
    plain, salvaged = open_source(path), open_source(path, salvage=True)
    assert salvaged.info == plain.info
    for a, b in zip(plain.read(), salvaged.read(), strict=True):
        assert (a.index, a.time) == (b.index, b.time)
        assert np.array_equal(a.rgb, b.rgb)
