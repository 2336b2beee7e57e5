"""Encode and decode pictures of a data set as PNG, and compute check sums of them.

OpenCV and numpy are loaded when first needed.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rainclean.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    U8 = NDArray[np.uint8]
    U16 = NDArray[np.uint16]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
_DAMAGED = "is a damaged PNG image"
_ADVICE = "restore the file from where it came, or export again"


@dataclass(frozen=True, slots=True)
class PngHeader:
    """Header of a PNG file. depth: bits a channel; colour: ``grey``, ``RGB``, ``palette``, …"""

    width: int
    height: int
    depth: int
    colour: str


def encode_png(picture: "U8 | U16") -> bytes:
    """Encode a picture as PNG, the same bytes each time.

    Args:
        picture: (H, W, 3) RGB or (H, W) grey, uint8 or uint16.

    Raises:
        ValueError: it is another array.
    """
    import cv2
    import numpy as np

    known = picture.dtype in (np.uint8, np.uint16) and (picture.ndim == 2 or picture.shape[2:] == (3,))
    if picture.size == 0 or not known:
        raise ValueError(f"a picture of {picture.dtype} {picture.shape}, not (H, W, 3) or (H, W) uint8 or uint16")
    # OpenCV's own choice of filters: within 12 % of the smallest size in a third of the time.
    done, data = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1] if picture.ndim == 3 else picture))
    if not done:
        raise ValueError(f"a picture of {picture.shape} could not be encoded")
    return data.tobytes()


def png_header(data: bytes, name: Path | str) -> PngHeader:
    """Read the header of a PNG file that is complete and undamaged (by its own check sums).

    Args:
        data: bytes of the file.
        name: of the file, for messages.

    Raises:
        InputError: it is anything else.
    """
    if not data:
        raise InputError(name, "is empty", _ADVICE)
    if not data.startswith(_SIGNATURE):
        raise InputError(name, "is not a PNG image", _ADVICE)
    # OpenCV accepts some damaged files and reports others on stderr: so the chunks are checked first.
    view, place, kind = memoryview(data), len(_SIGNATURE), b""
    while kind != b"IEND":
        if place + 12 > len(data):
            raise InputError(name, f"{_DAMAGED}: it ends too early", _ADVICE)
        (length,) = struct.unpack_from(">I", data, place)
        kind, end = data[place + 4 : place + 8], place + 8 + length
        if end + 4 > len(data):
            raise InputError(name, f"{_DAMAGED}: it ends too early", _ADVICE)
        if zlib.crc32(view[place + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise InputError(name, f"{_DAMAGED}: wrong check sum at byte {place}", _ADVICE)
        place = end + 4
    if data[12:16] != b"IHDR" or data[8:12] != b"\0\0\0\r":
        raise InputError(name, f"{_DAMAGED}: it has no header", _ADVICE)
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    return PngHeader(width, height, depth, _COLOURS.get(colour, "unknown"))


def png_size(data: bytes, name: Path | str) -> tuple[int, int]:
    """Return width and height of a PNG file in px, from its first chunk. Raises InputError where that is damaged."""
    head = len(_SIGNATURE) + 8
    if not data.startswith(_SIGNATURE) or data[head - 4 : head] != b"IHDR" or len(data) < head + 8:
        raise InputError(Path(name), "is damaged or no PNG image", "restore it, or export again")
    return int.from_bytes(data[head : head + 4], "big"), int.from_bytes(data[head + 4 : head + 8], "big")


def decode_png(data: bytes, name: Path | str) -> "U8":
    """Decode a PNG file.

    Args:
        data: bytes of the file.
        name: of the file, for messages.

    Returns:
        (H, W, 3) uint8 RGB, or (H, W) uint8 where the file is grey.

    Raises:
        InputError: the file is damaged, or neither 8-bit grey nor 8-bit RGB.
    """
    import cv2
    import numpy as np

    header = png_header(data, name)
    if header.depth != 8 or header.colour not in ("grey", "RGB"):
        raise InputError(name, f"is {header.depth}-bit {header.colour}, not 8-bit grey or RGB")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError(name, f"cannot be decoded ({error.err})", _ADVICE) from error
    # Checked again: transparency, for one, is in a chunk of its own.
    shape = (header.height, header.width, 3)[: 3 if header.colour == "RGB" else 2]
    if picture is None or picture.shape != shape or picture.dtype != np.uint8:
        raise InputError(name, "cannot be decoded", _ADVICE)
    return np.asarray(np.ascontiguousarray(picture[..., ::-1]) if picture.ndim == 3 else picture, np.uint8)


def pixels_sha256(picture: "U8") -> str:
    """Return the SHA-256 of shape, type and values of a picture, however it is encoded: 64 hexadecimal digits."""
    import numpy as np

    digest = hashlib.sha256(f"{picture.dtype.str} {'x'.join(map(str, picture.shape))}\n".encode())
    digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()
