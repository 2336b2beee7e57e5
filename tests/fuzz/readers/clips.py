"""Video files: everything that ``probe`` does with one, which decodes each frame."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from pipeline.probe import probe
from rainclean.errors import InputError
from rainclean.video import open_source
from tests.fuzz.engine import Reader
from tests.helpers.video_clips import Clip, encode

_GROUPS = "bframes=2:keyint=6:min-keyint=6:scenecut=0:threads=1:sync-lookahead=0"
_small = partial(Clip, size=(96, 64), count=14)
H264, HEVC = {"x264-params": _GROUPS}, {"x265-params": "log-level=none:keyint=6:bframes=2:pools=1:frame-threads=1"}

CLIPS = {
    "MP4 H.264": (
        _small("plain.mp4", options=H264),
        _small("fragments.mp4", options=H264, container_options={"movflags": "frag_keyframe+empty_moov"}),
        _small("turned.mp4", options=H264, rotation=90),
    ),
    "MP4 HEVC": (
        _small("plain.mp4", codec="libx265", options=HEVC),
        _small("deep.mp4", codec="libx265", pix_fmt="yuv420p10le", options=HEVC),
    ),
    "MP4 MPEG-4": (_small("plain.mp4", codec="mpeg4", options={"bf": "2", "g": "6"}),),
    "MKV VP9": (
        _small("plain.mkv", codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8", "g": "6"}),
        _small("old.mkv", codec="libvpx", options={"deadline": "realtime", "cpu-used": "8", "g": "6"}),
    ),
    "AVI MJPEG": (
        _small("plain.avi", codec="mjpeg", pix_fmt="yuvj420p"),
        _small("mpeg4.avi", codec="mpeg4", options={"bf": "2", "g": "6"}),
    ),
}
BOXES = (
    "ftyp moov mvhd trak tkhd mdia mdhd hdlr minf stbl stsd stts ctts stsc stsz stco co64 stss edts elst moof mfhd "
    "traf tfhd tfdt trun mdat free skip avc1 avcC hvc1 hvcC mp4v esds colr pasp dref url_ sidx meta udta"
)
TOKENS = {
    "MP4": tuple(BOXES.replace("_", " ").encode().split()),
    "MKV": (
        b"\x1aE\xdf\xa3",
        b"\x18S\x80g",
        b"\x16T\xaek",
        b"\x1fC\xb6u",
        b"\x1cS\xbbk",
        b"\xa3",
        b"\xae",
        b"\xff" * 8,
    ),
    "AVI": tuple(b"RIFF LIST hdrl avih strl strh strf movi idx1 00dc 00db indx ix00 JUNK odml dmlh vids MJPG".split()),
}


def samples(kind: str, folder: Path) -> Mapping[str, bytes]:
    return {clip.name: encode(folder, clip).read_bytes() for clip in CLIPS[kind]}


def read(path: Path) -> None:
    """Probe; then two of its frames behind a jump, and what ``--salvage`` reads."""
    for _ in probe(path):
        pass
    for salvage in (False, True):
        try:
            with open_source(path, salvage=salvage) as source:
                last = source.info.frame_count - 1
                list(source.read(sorted({last // 2, last})))
        except InputError as error:
            assert "\n" not in str(error)


def _reader(kind: str) -> Reader:
    make: Callable[[Path], Mapping[str, bytes]] = partial(samples, kind)
    return Reader(kind, make, read, TOKENS[kind.split()[0]], short=40)


READERS = [_reader(kind) for kind in CLIPS]
