"""Read still pictures, the one way to do it: header first, pixels when needed, upright, in sRGB.

Pillow and OpenCV decode; whatever they fail on is one line about the file.
"""

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import InputError, RaincleanError
from rainclean.png import png_header
from rainclean.video import pulse, tiff
from rainclean.video.damage import DamagedInput
from rainclean.video.hdr import TRANSFERS
from rainclean.video.limits import DEEP_PIXEL_LIMIT, PIXEL_LIMIT, RUNS_PIXEL_LIMIT, WEBP_PIXEL_LIMIT, check_pixels
from rainclean.video.orientation import Orientation, from_exif
from rainclean.video.profiles import Conversion, conversion
from rainclean.video.source import Region

if TYPE_CHECKING:
    from PIL.Image import Image

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_EIGHT_BIT = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"})
_WITH_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_GREY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B"})
_EXIF_ORIENTATION = 0x0112
_WAY_OUT = "remove it or replace it; --salvage skips it"
_SAVE_AS = "save it with 8 or 16 bits, as PNG"
_TO_SRGB = "convert it to sRGB first"
_LONGEST_WEBP = 16383
"""Pixels of a side; only the canvas of an animation could be larger."""
_AT_ONCE = 4 << 20
"""Pixels that are converted at a time, so that temporary arrays stay small."""

_STANDARD_ERROR = threading.Lock()


class Header(NamedTuple):
    """Header of an image; sizes in pixels as stored.

    Attributes:
        width: px.
        height: px.
        orientation: how stored pixels become upright.
        kind: format and Pillow's mode, "PNG RGB".
        sixteen_bit: 16 bits a channel.
        alpha: with transparency.
        pictures: in the file.
        profile: its colour profile, b"" without one.
        conversion: what its colour profile does, None without one.
        hdr: "PQ" or "HLG" where it is coded so, else "".
        notes: what a person should know about its pixels.
    """

    width: int
    height: int
    orientation: Orientation
    kind: str
    sixteen_bit: bool
    alpha: bool
    pictures: int
    profile: bytes = b""
    conversion: Conversion | None = None
    hdr: str = ""
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Upright (width, height) in pixels."""
        return self.orientation.size(self.width, self.height)


def read_header(path: Path) -> Header:
    """Read the header of an image alone.

    Args:
        path: of the file.

    Raises:
        InputError: it is no image, too large, or of a kind that is not read.
    """
    with _border(path):
        with path.open("rb") as file:
            head = file.read(30)
        if head.startswith(_TIFF):
            return _tiff_header(path)
        _check_canvas(path, head)
        with _opened(path, _FORMATS) as image:
            sixteen = image.format == "PNG" and head[24] == 16
            _check_size(path, image.size, "deep" if sixteen else _in_runs(image) or image.format or "")
            if not sixteen and image.mode not in _EIGHT_BIT:
                raise InputError(path, f"{image.format} with {image.mode} pixels is not read", _SAVE_AS)
            # Asking a PNG without EXIF for it would decode the picture to look behind it.
            orientation, sound = _orientation(image) if image.format != "PNG" or "exif" in image.info else (1, True)
            notes = [] if sound else ["its EXIF data is damaged: taken for upright"]
            alpha = image.mode in _WITH_ALPHA or "transparency" in image.info
            pictures = getattr(image, "n_frames", 1) if image.format in ("WEBP", "PNG") else 1
            profile = image.info.get("icc_profile")
            kind = f"{image.format} {image.mode}"
            found = Header(*image.size, from_exif(orientation), kind, sixteen, alpha, int(pictures), notes=tuple(notes))
            hdr = _hdr_of_png(path) if image.format == "PNG" else ""
            return _with_profile(found, profile, image.mode)._replace(hdr=hdr)


def read_picture(
    path: Path, header: Header | None = None, region: Region | None = None, *, as_stored: bool = False
) -> U8:
    """Decode an image to 8-bit RGB, upright; in sRGB if its profile can be used.

    16-bit values v become round(v / 257), and their colours are converted after that. Transparency is dropped, not
    blended.

    Args:
        path: of the file.
        header: as `read_header` returned it; None: read it now.
        region: of the upright picture; None: all of it.
        as_stored: leave the values as the file has them, whatever its profile says.

    Returns:
        (H, W, 3) uint8 RGB; the array is the receiver's to keep.

    Raises:
        InputError: the file is damaged, or HDR and not ``as_stored``.
    """
    header = header or read_header(path)
    if header.hdr and not as_stored:
        refuse_hdr(path, header.hdr)
    decoded, orientation = _decoded(path, header, None if as_stored else header.conversion)
    return orientation.upright(decoded, region or Region(0, 0, *header.size))


def refuse_hdr(path: Path, transfer: str) -> NoReturn:
    """Raise InputError for a picture whose brightness is coded for HDR."""
    raise InputError(path, f"its brightness is coded for HDR ({transfer}), which is read in videos only", _TO_SRGB)


def read_levels(path: Path, header: Header) -> U8 | U16:
    """Decode an image upright, with every level, whatever its profile says. Transparency is dropped, not blended.

    Args:
        path: of the file.
        header: as `read_header` returned it.

    Returns:
        (H, W, 3) RGB, uint16 where ``header.sixteen_bit``, else uint8.

    Raises:
        InputError: the file is damaged.
    """
    if not header.sixteen_bit:
        return read_picture(path, header, as_stored=True)
    with _border(path):
        stored: Any = np.broadcast_to(_samples(path, header), (header.height, header.width, 3))  # type: ignore[arg-type]
    upright: Any = header.orientation.upright(stored, Region(0, 0, *header.size))
    return upright


def _tiff_header(path: Path) -> Header:
    found = tiff.read_tiff(path)
    _check_size(path, (found.width, found.height), "deep" if found.is_sixteen else "TIFF")
    if found.unreadable:
        raise InputError(path, found.unreadable, _SAVE_AS)
    if found.is_plain:
        mode = found.mode
    else:
        with _opened(path, ("TIFF",), found) as image:
            if image.mode not in _EIGHT_BIT:
                raise InputError(path, f"TIFF with {image.mode} pixels is not read", _SAVE_AS)
            mode = image.mode
    upright = from_exif(found.orientation)
    alpha = found.alpha or mode in _WITH_ALPHA
    header = Header(found.width, found.height, upright, f"TIFF {mode}", found.is_sixteen, alpha, found.pages)
    return _with_profile(header, found.profile, mode)


def _with_profile(header: Header, profile: object, mode: str) -> Header:
    """Add to a header what its colour profile does to pixels of a mode."""
    if not isinstance(profile, bytes) or not profile:
        return header
    way = conversion(profile, _colours(mode))
    notes = (*header.notes, way.note) if way.note else header.notes
    return header._replace(profile=profile, conversion=way, notes=notes)


def _colours(mode: str) -> str:
    """Return how colour profiles call the colours of a mode of Pillow, palettes being RGB."""
    return "L" if mode in _GREY else "CMYK" if mode == "CMYK" else "RGB"


def _hdr_of_png(path: Path) -> str:
    """Return the HDR transfer of a PNG (chunk cICP, before the pixels), or ""."""
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
            if head[4:] == b"cICP":
                return TRANSFERS.get(int.from_bytes(file.read(2)[1:]), "")
            file.seek(int.from_bytes(head[:4]) + 4, os.SEEK_CUR)
    return ""


def _check_canvas(path: Path, head: bytes) -> None:
    """Check the size of a WebP picture, whose decoder takes memory for all of it when it is opened."""
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return
    if head[12:16] == b"VP8X" and len(head) == 30:
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        if max(width, height) > _LONGEST_WEBP:
            raise DamagedInput(path, f"damaged image (a WebP image of {width}×{height} px)", _WAY_OUT)
        _check_size(path, (width, height), "WEBP")


def _check_size(path: Path, size: tuple[int, int], kind: str) -> None:
    """Check the size of a picture by its kind: "deep", "runs", "WEBP" or another format."""
    if kind == "deep":
        check_pixels(path, *size, DEEP_PIXEL_LIMIT, "of 16 bits")
    elif kind == "runs":
        check_pixels(path, *size, RUNS_PIXEL_LIMIT, "as BMP in runs")
    elif kind == "WEBP":
        check_pixels(path, *size, WEBP_PIXEL_LIMIT, "as WebP")
    else:
        check_pixels(path, *size)


def _in_runs(image: "Image") -> str:
    """Return "runs" for a BMP that Pillow decodes in Python, pixel by pixel, else ""."""
    tiles = getattr(image, "tile", None)
    return "runs" if image.format == "BMP" and tiles and tiles[0][0] == "bmp_rle" else ""


def _orientation(image: "Image") -> tuple[int | None, bool]:
    """Return the EXIF orientation of an image, and whether its EXIF data could be read."""
    try:
        return image.getexif().get(_EXIF_ORIENTATION), True
    except Exception:  # whatever: the pixels are none the worse for it
        return None, False


def _decoded(path: Path, header: Header, way: Conversion | None) -> tuple[U8, Orientation]:
    """Decode to (H, W, 3) uint8 RGB; also return how that is still to be turned."""
    with _border(path):
        samples = _samples(path, header)
        if samples is not None:
            return _of_samples(samples, way), header.orientation
        is_tiff = header.kind.startswith("TIFF")
        with _opened(path, ("TIFF",) if is_tiff else _FORMATS) as image:
            if not is_tiff:
                return _rgb(path, image, way, (header.width, header.height)), header.orientation
            # Pillow turns pictures of this format, and of no other, by itself: by its tag, or by what XMP says.
            image.info.pop("xmp", None)
            with _libtiff_silent():
                return _rgb(path, image, way, header.size), Orientation()


def _rgb(path: Path, image: "Image", way: Conversion | None, size: tuple[int, int]) -> U8:
    image.load()
    if image.size != size:
        raise _broken(path, f"{image.size[0]}×{image.size[1]} px, not {size[0]}×{size[1]} as its header says")
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    step = max(1, _AT_ONCE // image.width)
    for top in range(0, image.height, step):
        bottom = min(top + step, image.height)
        part = image if step >= image.height else image.crop((0, top, image.width, bottom))
        rgb[top:bottom] = np.asarray(_converted(part, way))
    return rgb


def _converted(part: "Image", way: Conversion | None) -> "Image":
    if part.mode in ("RGBa", "La"):
        part = part.convert(part.mode.upper())
    if way is None or way.transform is None:
        # RGBA → RGB drops alpha; a palette's colours come through unchanged.
        return part if part.mode == "RGB" else part.convert("RGB")
    colours = _colours(part.mode)
    return way.applied(part if part.mode == colours else part.convert(colours))


def _samples(path: Path, header: Header) -> U8 | U16 | None:
    """Decode RGB (H, W, 3), grey (H, W, 1) or CMYK (H, W, 4), not turned, every level; None for what Pillow reads."""
    if header.kind.startswith("TIFF"):
        found = tiff.read_tiff(path)
        return tiff.decode(path, found) if found.is_plain else None
    return _sixteen_bit_png(path, header) if header.sixteen_bit else None


def _sixteen_bit_png(path: Path, header: Header) -> U16:
    import cv2  # Pillow cuts 16-bit RGB to its upper 8 bits

    data = path.read_bytes()  # imdecode: OpenCV's own open() fails on odd names
    try:
        png_header(data, path)  # OpenCV takes damaged files, too
    except InputError as error:
        raise DamagedInput(path, error.reason, _WAY_OUT) from error
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None or picture.dtype != np.uint16 or picture.shape[:2] != (header.height, header.width):
        raise _broken(path, "its 16-bit pixels do not decode")
    return np.asarray(picture[..., None] if picture.ndim == 2 else picture[..., 2::-1], np.uint16)


def _of_samples(samples: U8 | U16, way: Conversion | None) -> U8:
    """Convert samples to (H, W, 3) RGB of 8 bits."""
    from PIL import Image

    height, width, channels = samples.shape
    rgb = np.empty((height, width, 3), np.uint8)
    step = max(1, _AT_ONCE // width)
    for top in range(0, height, step):
        part = samples[top : top + step]
        if part.dtype == np.uint16:
            part = ((part.astype(np.uint32) + 128) // 257).astype(np.uint8)
        if channels == 4 or (way is not None and way.transform is not None):
            mode = {1: "L", 3: "RGB", 4: "CMYK"}[channels]
            image = Image.frombytes(mode, (width, len(part)), part.tobytes())
            part = np.asarray(_converted(image, way))
        rgb[top : top + step] = part
    return rgb


def _opened(path: Path, formats: tuple[str, ...], found: tiff.Tiff | None = None) -> "Image":
    """Open an image, only its header read. found: the header of a TIFF, for messages where Pillow does not read it."""
    from PIL import Image, UnidentifiedImageError

    pulse.beat()
    try:
        with warnings.catch_warnings():
            # Pillow warns where its own limit begins; ours is checked right after.
            warnings.simplefilter("ignore")
            return Image.open(path, formats=formats)
    except UnidentifiedImageError as error:
        if found is not None:
            reason = f"TIFF with {found.description} pixels and {found.samples} values each is not read"
            raise InputError(path, reason, _SAVE_AS) from error
        reason = "the file is empty" if path.stat().st_size == 0 else "damaged or not an image"
        raise DamagedInput(path, reason, _WAY_OUT) from error


@contextmanager
def _libtiff_silent() -> Iterator[None]:
    """Keep Pillow's libtiff, which knows no other way, from reporting damage on standard error."""
    with _STANDARD_ERROR:
        try:
            kept = os.dup(2)
        except OSError:  # closed
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


@contextmanager
def _border(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises into an error about this file."""
    from PIL import Image

    try:
        yield
    except RaincleanError:
        raise
    except Image.DecompressionBombError as error:
        reason = f"it is over the limit of {PIXEL_LIMIT // 1_000_000} megapixels an image"
        raise InputError(path, reason, "scale it down first") from error
    except MemoryError as error:
        raise _broken(path, "it asks for more memory than there is") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise InputError(path, f"cannot be opened: {error.strerror or error}") from error
        raise _broken(path, error) from error


def _broken(path: Path, error: object) -> DamagedInput:
    line = " ".join(str(error).split())
    words = line if line.isprintable() and " " in line else type(error).__name__ + (f": {line!a}" if line else "")
    return DamagedInput(path, f"damaged image ({words})", _WAY_OUT)
