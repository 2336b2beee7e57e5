"""What is not read is refused in one line that names the file and the reason, and opens nothing else."""

import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from rainclean.errors import InputError
from rainclean.video import open_here, open_source
from rainclean.video.limits import PIXEL_LIMIT
from tests.helpers.video_clips import Clip, encode, picture
from tests.rainclean.video.conftest import OPEN_GOP, write_images


def refusal(path: Path | str, reading: bool = False) -> str:
    """The one line that refuses this input."""
    with pytest.raises(InputError) as caught:
        source = open_source(path)
        if reading:
            list(source.read())
    message = str(caught.value)
    assert "\n" not in message
    assert Path(path).name in message
    return message


def test_missing(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "gone.mp4")
    assert "give their folder" in refusal(tmp_path / "img%03d.png")


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "nothing.mp4").touch()
    assert "empty" in refusal(tmp_path / "nothing.mp4")


def test_not_a_video(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_bytes(os.urandom(5000) + b"\1")
    assert "not a video" in refusal(path)
    Image.fromarray(picture(0, 96, 64)).save(tmp_path / "one.png")
    assert "folder that holds" in refusal(tmp_path / "one.png")


def test_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "private.mp4"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("running as root: no file is unreadable")
    assert "cannot be opened" in refusal(path)


def test_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "neither a file nor a folder" in refusal(tmp_path / "pipe.mp4")


NAMES = (
    "http://127.0.0.1:{port}/y.mp4",
    "concat:{clip}|{clip}",
    "file:{clip}",
    "-",
    "pipe:0",
    "data:video/mp4,x",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_no_paths(name: str, encoded: Callable[[Clip], Path]) -> None:
    clip = encoded(Clip("plain.mp4", options=OPEN_GOP))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        text = name.format(port=server.getsockname()[1], clip=clip)
        with pytest.raises(InputError) as caught:
            open_source(text)
        assert "\n" not in str(caught.value)
        with pytest.raises(BlockingIOError):
            server.accept()  # nobody called


LISTS = {
    "hls.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{target}'\n",
    "old list.txt": "file '{target}'\n",
    "dash.mpd": '<?xml version="1.0"?>\n<MPD><Period><BaseURL>{target}</BaseURL></Period></MPD>',
    "bare dash.mpd": "<!-- x -->\n<MPD><Period><BaseURL>{target}</BaseURL></Period></MPD>",
    "talk.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "radio.pls": "[playlist]\nFile1={target}\n",
    "show.smil": "<smil><body><video src='{target}'/></body></smil>",
}


@pytest.mark.parametrize("suffix", ["", ".mp4", ".mkv"], ids=["own suffix", "as mp4", "as mkv"])
@pytest.mark.parametrize("name", LISTS)
def test_playlists(
    name: str, suffix: str, tmp_path: Path, encoded: Callable[[Clip], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = encoded(Clip("plain.mp4", options=OPEN_GOP))
    path = tmp_path / (name + suffix)
    path.write_text("\ufeff" + LISTS[name].format(target=clip))

    def never(*_: object, **__: object) -> None:
        raise AssertionError("FFmpeg was asked to look at a playlist")

    monkeypatch.setattr(av, "open", never)
    with pytest.raises(InputError, match="never followed"):
        open_here(path)


def test_ffmpeg_may_use_no_other_demuxer_or_protocol(tmp_path: Path) -> None:
    """The second line of defence: even past the check of the first bytes, nothing but bytes is read."""
    from rainclean.video.decoding import open_video
    from rainclean.video.limits import Container

    path = tmp_path / "hls.mp4"
    path.write_text(LISTS["hls.m3u8"].format(target="http://127.0.0.1:9/x.ts"))
    for container in Container:
        with pytest.raises(InputError), open_video(path, container):
            pass


def test_external_data_references_stay_closed(tmp_path: Path, encoded: Callable[[Clip], Path]) -> None:
    """A MOV whose samples are said to lie in another file: that file is not opened."""
    data = encoded(Clip("plain.mp4", options=OPEN_GOP)).read_bytes()
    inside = b"url \0\0\0\1"
    assert inside in data
    path = tmp_path / "elsewhere.mov"
    path.write_bytes(data.replace(inside, b"url \0\0\0\0"))
    opened: list[str] = []

    def hook(event: str, details: tuple[object, ...]) -> None:
        if event == "open" and watching:
            opened.append(str(details[0]))

    watching = True
    import sys

    sys.addaudithook(hook)
    try:
        open_here(path)
    except InputError:
        pass
    finally:
        watching = False
    assert {name for name in opened if name.endswith((".mp4", ".mov"))} == {str(path)}


def test_no_video_stream(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=44100, layout="mono")
        for i in range(3):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 44100, 1024 * i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert "no video stream" in refusal(path)


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuvj420p"
        stream.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(picture(0, 96, 64), format="rgb24").reformat(format="yuvj420p")
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with av.open(str(path)) as back:
        if not back.streams.video[0].disposition & av.stream.Disposition.attached_pic:
            pytest.skip("this muxer does not keep the mark of a cover picture")
    assert "no video stream" in refusal(path)


def test_a_size_that_changes(tmp_path: Path) -> None:
    """Two H.264 streams in one track, as a camera that was reconfigured writes them."""
    intra = {"x264-params": "bframes=0:keyint=1:threads=1:repeat-headers=1:annexb=1"}
    a = encode(tmp_path, Clip("a.mkv", count=5, options=intra))
    b = encode(tmp_path, Clip("b.mkv", count=5, size=(128, 96), options=intra))
    path = tmp_path / "both.mkv"
    with av.open(str(path), "w") as out, av.open(str(a)) as first, av.open(str(b)) as second:
        stream = out.add_stream_from_template(first.streams.video[0])
        for part, shift in ((first, 0), (second, 200)):
            for packet in part.demux(video=0):
                if packet.size:
                    assert packet.pts is not None
                    packet.stream = stream
                    packet.pts, packet.dts = packet.pts + shift, packet.pts + shift
                    out.mux(packet)
    source = open_source(path)
    assert source.info.frame_count == 10
    message = refusal(path, reading=True)
    assert "changes at frame 5 from 96×64 to 128×96" in message


def test_an_angle_that_is_no_multiple_of_ninety(tmp_path: Path) -> None:
    path = encode(tmp_path, Clip("tilted.mp4", count=3, rotation=30))
    assert "90°" in refusal(path)


def test_too_many_pixels_in_a_video(tmp_path: Path) -> None:
    """Only the header is made to say so: the refusal has to come before anything is decoded."""
    path = encode(tmp_path, Clip("vast.mkv", codec="ffv1", pix_fmt="gray", count=1, size=(256, 256)))
    data = path.read_bytes()
    width, height = b"\xb0\x82\x01\x00", b"\xba\x82\x01\x00"
    assert width in data
    assert height in data
    vast = data.replace(width, b"\xb0\x82\x75\x30").replace(height, b"\xba\x82\x75\x30")
    path.write_bytes(vast)
    assert "megapixels" in refusal(path)


def huge_png(path: Path, side: int) -> None:
    """A PNG header that claims a large picture, with no pixels behind it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


@pytest.mark.parametrize("side", [10_001, 50_000])
def test_too_many_pixels_in_an_image(tmp_path: Path, side: int) -> None:
    assert side**2 > PIXEL_LIMIT
    folder = write_images(tmp_path / "frames", 2)
    huge_png(folder / "frame3.png", side)
    with pytest.raises(InputError, match=r"frame3.png: .*megapixels"):
        open_source(folder)


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    assert "no images" in refusal(tmp_path)


def test_mixed_sizes_name_the_odd_one_and_both_sizes(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "frames", 4)
    Image.fromarray(picture(0, 64, 96)).save(folder / "frame3.png")
    with pytest.raises(InputError, match=r"frame3.png: it is 64×96 px, .* 96×64"):
        open_source(folder)


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "frames", 4)
    whole = (folder / "frame3.png").read_bytes()
    (folder / "frame3.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"frame3\.png: damaged"):
        list(open_source(folder).read())
    (folder / "frame2.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"frame2\.png: damaged"):
        open_source(folder)
    salvaged = open_source(folder, salvage=True)
    assert salvaged.info.frame_count == 2
    assert len(list(salvaged.read())) == 2
    assert any("2 damaged image(s)" in note for note in salvaged.info.notes)
