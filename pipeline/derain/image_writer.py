"""Write one picture in the format of its extension; files appear whole or not at all."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.partial import beside
from rainclean.errors import RaincleanError

Levels = NDArray[np.uint8] | NDArray[np.uint16]

LONGEST_SIDE = {".jpg": 65500, ".jpeg": 65500, ".webp": 16383}
"""Largest side in px by extension; other formats have no limit that matters."""

_DEEP = frozenset({".png", ".tif", ".tiff"})
_OPTIONS: dict[str, dict[str, Any]] = {
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".tif": {"format": "TIFF", "compression": "tiff_lzw"},
    ".tiff": {"format": "TIFF", "compression": "tiff_lzw"},
    ".bmp": {"format": "BMP"},
    ".webp": {"format": "WEBP", "lossless": True},
}
_END_OF_PNG_HEADER = 33
"""Bytes: the signature and the chunk IHDR."""


def holds_sixteen_bits(suffix: str) -> bool:
    """Return whether a picture with this extension (".png", any case) can have 16 bits per channel."""
    return suffix.lower() in _DEEP


class EncodedPicture(NamedTuple):
    """A picture as a file: its bytes, and whether its colour profile (ICC) is in it."""

    data: bytes
    has_profile: bool


def encode_picture(picture: Levels, suffix: str, profile: bytes | None) -> EncodedPicture:
    """Encode a picture as a file of this extension.

    PNG, TIFF, BMP and WebP are lossless; JPEG has quality 95 without subsampling.

    Args:
        picture: (H, W, 3) RGB, uint8, or uint16 where `holds_sixteen_bits`.
        suffix: Extension, such as ".png".
        profile: Colour profile (ICC); one that is not for RGB does not fit the pixels and is left out.
    """
    suffix = suffix.lower()
    if profile is not None and profile[16:20] != b"RGB ":
        profile = None
    if suffix == ".png":
        data = _through_opencv(picture, suffix)
        return EncodedPicture(data if profile is None else _with_profile(data, profile), profile is not None)
    if picture.dtype == np.uint16:
        return EncodedPicture(_through_opencv(picture, suffix), False)
    from PIL import Image

    kept = profile if suffix != ".bmp" else None
    file = BytesIO()
    Image.fromarray(picture).save(file, **_OPTIONS[suffix], icc_profile=kept)
    return EncodedPicture(file.getvalue(), kept is not None)


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Yield the name of an empty file next to ``path``, which becomes ``path`` when the block succeeds.

    Creates missing folders. Leaves nothing behind otherwise. Raises RaincleanError where the file cannot be written.
    """
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside(path) as partial:
            partial.touch(exist_ok=False)
            yield partial
            partial.replace(path)
    except OSError as error:
        ours = error.filename is None or Path(str(error.filename)).name.startswith(".rainclean-")
        name = path if ours else error.filename
        raise RaincleanError(f"{name}: {error.strerror or error}; choose another place with -o") from error
    finally:
        with suppress(OSError):
            for folder in made:  # those that are still empty
                folder.rmdir()


def _through_opencv(picture: Levels, suffix: str) -> bytes:
    import cv2  # Pillow writes no 16-bit RGB

    done, data = cv2.imencode(suffix, picture[..., ::-1])
    if not done:
        raise ValueError(f"an image of {picture.shape} could not be encoded as {suffix}")
    return data.tobytes()


def _with_profile(png: bytes, profile: bytes) -> bytes:
    """Put the chunk iCCP behind the header of a PNG."""
    body = b"iCCPicc\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_END_OF_PNG_HEADER] + chunk + png[_END_OF_PNG_HEADER:]
