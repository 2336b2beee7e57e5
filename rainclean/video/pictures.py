"""Single images through Pillow and OpenCV: header first, pixels when wanted, 16 bits kept or rounded to 8."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import InputError
from rainclean.video.damage import DamagedInput
from rainclean.video.limits import PIXEL_LIMIT, check_pixels
from rainclean.video.orientation import Orientation, from_exif
from rainclean.video.source import Region

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
_EIGHT_BIT = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"})
_WITH_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_EXIF_ORIENTATION = 0x0112
_WAY_OUT = "remove it or replace it; --salvage skips it"
_TIFF_BITS, _TIFF_SAMPLES = 258, 339


class Header(NamedTuple):
    """What an image says of itself; sizes in pixels as stored."""

    width: int
    height: int
    orientation: Orientation
    kind: str
    sixteen_bit: bool
    alpha: bool
    pictures: int


def read_header(path: Path) -> Header:
    """Read the header alone. Raises InputError for what is no image, too large, or of an odd kind."""
    with _opened(path) as image:
        check_pixels(path, *image.size)
        bits = _bits(image, path)
        if bits not in (8, 16):
            reason = f"{image.format} with {image.mode} pixels is not read"
            raise InputError(path, reason, "save it with 8 or 16 bits")
        alpha = image.mode in _WITH_ALPHA or "transparency" in image.info
        # Asking a PNG without EXIF for it would decode the picture to look behind it.
        exif = image.getexif() if image.format != "PNG" or "exif" in image.info else {}
        orientation = from_exif(exif.get(_EXIF_ORIENTATION))
        pictures = getattr(image, "n_frames", 1) if image.format in ("TIFF", "WEBP", "PNG") else 1
        kind = f"{image.format} {image.mode}"
        return Header(*image.size, orientation, kind, bits == 16, alpha, pictures)


def decode_picture(path: Path, header: Header) -> NDArray[np.uint8]:
    """Decode to (H, W, 3) uint8 RGB as stored (not turned). Transparency is dropped, not blended.

    16-bit values v become round(v / 257). Raises InputError where the file is damaged.
    """
    if header.sixteen_bit:
        return ((_decode_sixteen(path).astype(np.uint32) + 128) // 257).astype(np.uint8)
    with _opened(path) as image:
        try:
            # RGBA → RGB drops alpha; a palette's colours come through unchanged.
            return np.array(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError, IndexError) as error:
            raise _broken(path, error) from error


def read_upright(path: Path, header: Header) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Decode to (H, W, 3) RGB, upright, with every level: uint16 where ``header.sixteen_bit``, else uint8.

    Transparency is dropped, not blended. Raises InputError where the file is damaged.
    """
    stored: Any = _decode_sixteen(path) if header.sixteen_bit else decode_picture(path, header)
    width, height = header.orientation.size(stored.shape[1], stored.shape[0])
    upright: Any = header.orientation.upright(stored, Region(0, 0, width, height))
    return upright


def read_profile(path: Path) -> bytes | None:
    """The colour profile (ICC) that an image carries, None where it has none. Raises InputError."""
    with _opened(path) as image:
        profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile else None


def _opened(path: Path) -> "Image":
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Pillow warns where its own limit begins; ours is checked right after.
            warnings.simplefilter("ignore")
            return Image.open(path, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        reason = f"it is over the limit of {PIXEL_LIMIT // 1_000_000} megapixels a picture"
        raise InputError(path, reason, "scale it down first") from error
    except UnidentifiedImageError as error:
        reason = "the file is empty" if path.stat().st_size == 0 else "damaged or not an image"
        raise DamagedInput(path, reason, _WAY_OUT) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise _broken(path, error) from error


def _bits(image: "Image", path: Path) -> int:
    """Bits a channel: 8 or 16, 0 for kinds that are not read. Pillow shows 16-bit RGB as if it had 8."""
    if image.format == "PNG":
        with path.open("rb") as file:
            depth = file.read(25)[24]
        return 16 if depth == 16 else 8
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        floating = any(v == 3 for v in np.atleast_1d(tags.get(_TIFF_SAMPLES, 1)))
        bits = {int(b) for b in np.atleast_1d(tags.get(_TIFF_BITS, 1))}
        if floating or len(bits) > 1 or not bits <= {1, 2, 4, 8, 16}:
            return 0
        if bits == {16}:
            return 16
    return 8 if image.mode in _EIGHT_BIT else 0


def _decode_sixteen(path: Path) -> NDArray[np.uint16]:
    import cv2  # Pillow cuts 16-bit RGB to its upper 8 bits

    data = np.frombuffer(path.read_bytes(), np.uint8)  # imdecode: OpenCV's own open() fails on odd names
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise _broken(path, error) from error
    if picture is None or picture.dtype != np.uint16:
        raise _broken(path, "its 16-bit pixels do not decode")
    if picture.ndim == 2:
        picture = picture[..., None]
    channels = picture[..., [2, 1, 0]] if picture.shape[2] >= 3 else picture[..., [0, 0, 0]]
    return np.asarray(channels, np.uint16)


def _broken(path: Path, error: object) -> DamagedInput:
    return DamagedInput(path, f"damaged image ({error})", _WAY_OUT)
