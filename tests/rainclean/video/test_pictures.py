"""Colour and depth of what is delivered: ranges, grey, 16 bits, palettes, transparency."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rainclean.video import open_source
from rainclean.video.pictures import read_header, read_picture
from tests.helpers.video_clips import Clip, encode, index_of, picture
from tests.rainclean.video.conftest import OPEN_GOP

RAMP = np.tile(np.arange(256), (64, 1))


def encode_ramp(path: Path, pix_fmt: str, full: bool, codec: str, options: dict[str, str]) -> None:
    """Write luma codes of a ramp from black to white by hand: no converter is trusted with it."""
    bits = 10 if "10" in pix_fmt else 8
    dtype = np.uint16 if bits == 10 else np.uint8
    top = (1 << bits) - 1
    codes = RAMP * top / 255 if full else (16 + RAMP * 219 / 255) * (1 << bits - 8)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 256, 64, pix_fmt
        stream.codec_context.color_range = 2 if full else 1
        frame = av.VideoFrame(256, 64, pix_fmt)
        for i, plane in enumerate(frame.planes):
            values = np.full((plane.height, plane.line_size // np.dtype(dtype).itemsize), 1 << bits - 1, dtype)
            if i == 0:
                values[:, :256] = np.rint(codes).astype(dtype)
            plane.update(values.tobytes())
        frame.color_range = 2 if full else 1
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


LOSSLESS = {"qp": "0", "preset": "ultrafast", "x264-params": "threads=1"}
HEVC_LOSSLESS = {"preset": "ultrafast", "x265-params": "lossless=1:log-level=none:pools=1:frame-threads=1:bframes=0"}


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize(
    ("pix_fmt", "codec", "options", "within"),
    [
        ("yuv420p", "libx264", LOSSLESS, 1),
        ("yuv444p", "libx264", LOSSLESS, 1),
        ("yuv420p", "ffv1", {}, 1),
        # swscale's own 10-bit conversion, which defines RGB here, is up to two levels off.
        ("yuv420p10le", "ffv1", {}, 2),
        ("yuv420p10le", "libx265", HEVC_LOSSLESS, 2),
        ("gray", "ffv1", {}, 1),
        ("gray", "libx264", LOSSLESS, 1),
        ("gray10le", "ffv1", {}, 1),
    ],
)
def test_black_and_white_are_0_and_255(
    pix_fmt: str, codec: str, options: dict[str, str], within: int, full: bool, tmp_path: Path
) -> None:
    path = tmp_path / "ramp.mkv"
    encode_ramp(path, pix_fmt, full, codec, options)
    source = open_source(path)
    assert source.info.full_range == full
    (frame,) = source.read()
    assert np.abs(frame.rgb.astype(int) - RAMP[..., None]).max() <= within
    stretched = any("stretched" in note for note in source.info.notes)
    assert stretched == (source.info.pixel_format.startswith("gray") and not full)


def test_notes_on_what_a_person_should_know(tmp_path: Path) -> None:
    uneven = Clip("uneven.mkv", count=4, pts=(0, 20, 60, 80), primaries=9)
    notes = open_source(encode(tmp_path, uneven)).info.notes
    assert any(note.startswith("variable frame times: 33.0 to 6") for note in notes)
    assert any("BT.2020" in note for note in notes)


def test_interlaced_clips_say_so(tmp_path: Path) -> None:
    woven = {"x264-params": "tff=1:threads=1", "flags": "+ilme+ildct"}
    notes = open_source(encode(tmp_path, Clip("woven.mp4", count=3, options=woven))).info.notes
    assert any(note.startswith("interlaced") for note in notes)


def test_frames_before_an_edit_list_are_not_shown(tmp_path: Path) -> None:
    """Five frames lie before the container's zero: no player shows them, and they have no index here."""
    early = {"avoid_negative_ts": "disabled", "use_editlist": "1"}
    ticks = tuple(20 * i - 100 for i in range(30))
    clip = Clip("edited.mp4", options=OPEN_GOP, pts=ticks, container_options=early)
    source = open_source(encode(tmp_path, clip))
    frames = list(source.read())
    assert [index_of(f.rgb) for f in frames] == list(range(5, 30))
    assert [f.index for f in frames] == list(range(25))
    assert source.times[0] == 0.0
    assert np.array_equal(next(iter(source.read([13]))).rgb, frames[13].rgb)


def save(folder: Path, image: Image.Image, name: str = "frame0.png") -> NDArray[np.uint8]:
    image.save(folder / name)
    (frame,) = open_source(folder).read()
    return frame.rgb


SCENE = picture(5, 96, 64)


def test_grey_palette_and_two_level_images(tmp_path: Path) -> None:
    grey = Image.fromarray(SCENE).convert("L")
    assert np.array_equal(save(tmp_path, grey), np.repeat(np.array(grey)[..., None], 3, axis=2))
    palette = Image.fromarray(SCENE).quantize(64)
    assert np.array_equal(save(tmp_path, palette), np.array(palette.convert("RGB")))
    two = grey.convert("1")
    assert set(np.unique(save(tmp_path, two))) == {0, 255}


def test_transparency_is_dropped_and_said(tmp_path: Path) -> None:
    rgba = Image.fromarray(np.dstack([SCENE, np.full(SCENE.shape[:2], 7, np.uint8)]))
    assert np.array_equal(save(tmp_path, rgba), SCENE)
    assert any("transparency: dropped" in note for note in open_source(tmp_path).info.notes)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_rounded(suffix: str, channels: int, tmp_path: Path) -> None:
    values = np.random.default_rng(3).integers(0, 65536, (40, 50, channels), dtype=np.uint16)
    stored = values[..., 0] if channels == 1 else values[..., [2, 1, 0, 3][:channels]]
    path = tmp_path / f"deep.{suffix}"
    assert cv2.imwrite(str(path), stored)
    source = open_source(tmp_path)
    (frame,) = source.read()
    wanted = np.rint(values[..., :3] / 257).astype(np.uint8)
    assert np.array_equal(frame.rgb, np.broadcast_to(wanted, (40, 50, 3)))
    assert any("16 bits" in note for note in source.info.notes)


def test_floating_point_tiff_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((8, 8), np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(Exception, match=r"float\.tif: TIFF with 32-bit floating-point grey pixels is not read"):
        open_source(tmp_path)


def test_a_header_is_read_without_its_pixels(tmp_path: Path) -> None:
    path = tmp_path / "half.png"
    Image.fromarray(SCENE).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    header = read_header(path)
    assert (header.width, header.height) == (96, 64)
    with pytest.raises(Exception, match="damaged"):
        read_picture(path, header)
