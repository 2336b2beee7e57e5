"""Clips that the video tests share: encoded once a session."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.helpers.video_clips import Clip, encode, picture

# B-frames and open groups, as cameras and x264 make them; one thread and no rate control, so that every run
# gives the same file.
OPEN_GOP = {"x264-params": "bframes=3:keyint=10:min-keyint=10:open-gop=1:scenecut=0:threads=1:sync-lookahead=0:qp=18"}
GRADUAL = {"x264-params": "intra-refresh=1:keyint=10:bframes=0:scenecut=0:threads=1"}
HEVC = {"x265-params": "log-level=none:keyint=10:bframes=3:pools=1:frame-threads=1"}
FAST_VP = {"deadline": "realtime", "cpu-used": "8", "g": "10"}
UNEVEN = tuple(int(t) for t in np.cumsum([0, *([20, 17, 33] * 10)[:29]]))

CLIPS = (
    Clip("h264.mp4", options=OPEN_GOP),
    Clip("faststart.mp4", options=OPEN_GOP, container_options={"movflags": "faststart"}),
    Clip("fragmented.mp4", options=OPEN_GOP, container_options={"movflags": "frag_keyframe+empty_moov"}),
    Clip("turned.mov", options=OPEN_GOP, rotation=-90),
    Clip("upside down.mp4", options=OPEN_GOP, rotation=180),
    Clip("turned left.mkv", options=OPEN_GOP, rotation=90),
    Clip("mirrored.mp4", options=OPEN_GOP, hflip=True),
    Clip("mirrored and turned.mp4", options=OPEN_GOP, rotation=90, hflip=True),
    Clip("uneven times.mkv", options=OPEN_GOP, pts=UNEVEN),
    Clip("uneven times.mp4", options=OPEN_GOP, pts=UNEVEN),
    Clip("late start.mp4", options=OPEN_GOP, pts=tuple(600 + 20 * i for i in range(30))),
    Clip("full range.mp4", options=OPEN_GOP, full_range=True),
    Clip("hevc ten bits.mp4", codec="libx265", pix_fmt="yuv420p10le", options=HEVC),
    Clip("vp9.webm", codec="libvpx-vp9", options=FAST_VP),
    Clip("vp8.webm", codec="libvpx", options=FAST_VP),
    Clip("mpeg4.avi", codec="mpeg4", options={"bf": "2", "g": "10"}),
    Clip("h264.avi", options=OPEN_GOP),
    Clip("mjpeg.avi", codec="mjpeg", pix_fmt="yuvj420p", full_range=True),
    Clip("prores.mov", codec="prores_ks", pix_fmt="yuv422p10le"),
    Clip("grey.mkv", codec="ffv1", pix_fmt="gray", full_range=True),
    Clip("odd size.mkv", codec="ffv1", pix_fmt="yuv444p", size=(97, 65)),
    Clip("odd size turned.mp4", pix_fmt="yuv444p", size=(97, 65), options=OPEN_GOP, rotation=-90),
    Clip("100% odd: näme.mp4", options=OPEN_GOP),
    Clip("gradual refresh.mp4", options=GRADUAL),
    Clip("live.mkv", options=OPEN_GOP, container_options={"live": "1"}),
    Clip("huffyuv.avi", codec="huffyuv", pix_fmt="yuv422p"),
    Clip("one frame.mp4", options=OPEN_GOP, count=1),
)


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="session")
def encoded(clip_folder: Path) -> Callable[[Clip], Path]:
    """Encode a clip, once."""

    def make(clip: Clip) -> Path:
        path = clip_folder / clip.name
        return path if path.exists() else encode(clip_folder, clip)

    return make


def noisy(count: int, width: int, height: int) -> list[NDArray[np.uint8]]:
    """Frames that do not compress: their bytes are pictures and not headers."""
    rng = np.random.default_rng(0)
    clean = (picture(i, width, height).astype(np.int16) for i in range(count))
    return [np.clip(p + rng.normal(0, 12, p.shape), 0, 255).astype(np.uint8) for p in clean]


def write_images(folder: Path, count: int = 12, suffix: str = "png") -> Path:
    """frame1 … frame12 without leading zeros: natural order is not the order of the letters."""
    folder.mkdir()
    for i in range(count):
        Image.fromarray(picture(i, 96, 64)).save(folder / f"frame{i + 1}.{suffix}")
    return folder


def exif_images(folder: Path, tag: int, count: int = 3) -> Path:
    """The same pictures, stored so that EXIF orientation ``tag`` brings them upright."""
    folder.mkdir()
    # The inverse of what the tag asks for, in Pillow's words (an independent reading of EXIF).
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for i in range(count):
        image = Image.fromarray(picture(i, 96, 64))
        exif = Image.Exif()
        exif[0x0112] = tag
        stored = image if tag == 1 else image.transpose(undo[tag])
        stored.save(folder / f"{i}.png", exif=exif)
    return folder
