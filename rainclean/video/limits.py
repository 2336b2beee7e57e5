"""Limit what is read at all: which containers, how large a picture, and nothing that names another file.

A file is judged by its first bytes, before FFmpeg sees it, and FFmpeg then gets the container by name: it never
guesses, so a playlist disguised as ``clip.mp4`` cannot reach a demuxer that opens addresses.
"""

import re
from enum import Enum
from pathlib import Path

from rainclean.errors import InputError

PIXEL_LIMIT = 100_000_000
"""Largest picture in pixels: 300 MB of RGB. Checked from headers, before anything is decoded."""

DEEP_PIXEL_LIMIT = 50_000_000
"""Largest still picture of 16 bits a channel: decoding it takes up to 1.2 GB."""

WEBP_PIXEL_LIMIT = 40_000_000
"""Largest WebP picture: its decoder holds it several times over, 1.3 GB."""

RUNS_PIXEL_LIMIT = 4_000_000
"""Largest BMP in runs (RLE): these are decoded one pixel after another, 2 s at the limit."""

SMALL_PICTURE, PIXELS_PER_BYTE = 9_000_000, 500
"""Pixels of a picture that any video may claim, 4K; and how many more for each byte of the file: a second of 8K from a
camera has a hundred times the bytes. A file of 2 kB must not take the memory of a large one."""

READ_FORMATS = "MP4, MOV, MKV, WebM and AVI"

_HEAD = 4096
_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
_PICTURE_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif"}
_LISTS = (
    (re.compile(rb"#EXT(M3U|INF|-X-)"), "an M3U/HLS playlist"),
    (re.compile(rb"ffconcat\s+version|file\s+\S"), "an FFmpeg concat list"),
    (re.compile(rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<MPD\b", re.DOTALL), "a DASH manifest"),
    (re.compile(rb"(<\?xml[^>]*>\s*)?<(smil|asx|playlist|SmoothStreamingMedia)\b", re.I), "a playlist"),
    (re.compile(rb"v=0\r?\n"), "an SDP session description"),
    (re.compile(rb"\[playlist\]|\[Reference\]|RTSPtext", re.IGNORECASE), "a playlist"),
)
_PICTURE = re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0{4}|II\*\0|MM\0\*|RIFF.{4}WEBP", re.DOTALL)


class Container(Enum):
    """A container that is read; the value is FFmpeg's name of the one demuxer that may open it."""

    MP4 = "mov"
    MATROSKA = "matroska"
    AVI = "avi"


def most_pixels(path: Path) -> int:
    """Return the largest picture that is accepted of a file: PIXEL_LIMIT, less for small ones."""
    return min(PIXEL_LIMIT, max(SMALL_PICTURE, PIXELS_PER_BYTE * path.stat().st_size))


def check_pixels(path: Path, width: int, height: int, limit: int = PIXEL_LIMIT, kind: str = "") -> None:
    """Refuse pictures of more than ``limit`` pixels, or of none.

    Args:
        path: of the file, for messages.
        width: of the picture, px.
        height: of the picture, px.
        limit: pixels.
        kind: of pictures that the limit is for, for messages.

    Raises:
        InputError: the picture is too large, or has no size.
    """
    most = f"{limit // 1_000_000} megapixels"
    if width <= 0 or height <= 0:
        # FFmpeg itself is given the limit and forgets a size beyond it.
        reason = f"its header gives no usable image size (none, or over the limit of {most}{kind and ' '}{kind})"
        raise InputError(path, reason, "scale it down or copy it again")
    if width * height > limit:
        reason = f"{width}×{height} px is over the limit of {most} for an image{kind and ' '}{kind}"
        raise InputError(path, reason, "scale it down first")


def container_of(path: Path) -> Container:
    """Find the container from the first bytes of an existing file.

    Args:
        path: of the file.

    Raises:
        InputError: it is anything else; the message says what, where that is known.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise InputError(path, f"cannot be opened: {error.strerror or error}") from error
    if not head:
        raise InputError(path, "the file is empty", "copy or download it again")
    if head.startswith(b"\x1aE\xdf\xa3"):
        return Container.MATROSKA
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"AVI\x19"):
        return Container.AVI
    if head[4:8] in _BOXES and not (head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS):
        return Container.MP4
    raise _refusal(path, head)


def container_label(path: Path, container: Container) -> str:
    """Return the name people use: MP4, MOV, MKV, WebM or AVI."""
    with path.open("rb") as file:
        head = file.read(64)
    if container is Container.MATROSKA:
        return "WebM" if b"webm" in head else "MKV"
    if container is Container.MP4:
        return "MOV" if head[8:12] == b"qt  " or head[4:8] != b"ftyp" else "MP4"
    return "AVI"


def _refusal(path: Path, head: bytes) -> InputError:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, kind in _LISTS:
        if pattern.match(text):
            reason = f"{kind} names other files or addresses and is never followed"
            return InputError(path, reason, "give the video itself")
    if _PICTURE.match(head) or head[8:12] in _PICTURE_BRANDS:
        return InputError(path, "an image, not a video", "give the folder that holds the images")
    advice = f"convert it first; rainclean reads {READ_FORMATS}"
    return InputError(path, "not a video that rainclean reads", advice)


def check_name(path: Path | str) -> Path:
    """Turn what a person typed into a path that exists; addresses and protocols are refused.

    Args:
        path: as typed.

    Raises:
        InputError: there is no such file or folder, or it is neither.
    """
    text = str(path)
    place = Path(path)
    try:
        if text not in ("-", "") and (place.is_file() or place.is_dir()):
            return place
        exists = text not in ("-", "") and place.exists()
    except (OSError, ValueError) as error:
        raise InputError(text.replace("\0", "?"), f"not a usable path: {error}") from error
    if text in ("-", ""):
        raise InputError(text or "''", "standard input is not read", "give a file or a folder")
    if exists:
        raise InputError(place, "neither a file nor a folder", "devices and pipes are not read")
    # One letter before the colon is a Windows drive.
    if re.match(r"[A-Za-z][A-Za-z0-9+.\-]+:", text):
        raise InputError(text, "an address or protocol, not a file", "only local files are opened: download it first")
    if re.search(r"%0?\d*d", text):
        raise InputError(place, "no such file", "for numbered images give their folder")
    raise InputError(place, "no such file or folder")
