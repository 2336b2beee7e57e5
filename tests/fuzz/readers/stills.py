"""Still pictures: everywhere that they are read, by format."""

import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageCms

from rainclean.dataset.reader import read_rgb
from rainclean.errors import RaincleanError
from rainclean.png import encode_png
from rainclean.video import open_source
from rainclean.video.pictures import read_header, read_levels
from tests.fuzz.engine import Reader
from tests.helpers.video_clips import picture

SCENE = picture(5, 64, 48)
DEEP = SCENE.astype(np.uint16) * 257
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _by_pillow(suffix: str, image: Image.Image | None = None, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a scene"
    file = BytesIO()
    (image or Image.fromarray(SCENE)).save(file, suffix, exif=exif, **options)
    return file.getvalue()


def _by_tifffile(pixels: "np.ndarray[Any, Any]", **options: Any) -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, pixels, **{"photometric": "rgb", **options})
    return file.getvalue()


def samples(suffix: str, _: Path) -> Mapping[str, bytes]:
    """Small pictures of a format, with what it can carry beside the pixels."""
    grey, palette = Image.fromarray(SCENE).convert("L"), Image.fromarray(SCENE).quantize(16)
    rgba = Image.fromarray(np.dstack([SCENE, SCENE[..., :1]]))
    if suffix == "tiff":
        made = [
            _by_pillow(suffix, compression="tiff_lzw", icc_profile=PROFILE),
            _by_pillow(suffix, compression="jpeg"),
            _by_pillow(suffix, palette),
            _by_pillow(suffix, grey.convert("1"), compression="group4"),
            _by_pillow(suffix, save_all=True, append_images=[grey]),
            _by_tifffile(DEEP, compression="zlib", predictor=2, tile=(16, 32)),
            _by_tifffile(np.moveaxis(DEEP, -1, 0), planarconfig="separate", byteorder=">", bigtiff=True),
            _by_tifffile(DEEP[..., 0], photometric="miniswhite", rowsperstrip=5),
        ]
    elif suffix == "png":
        made = [_by_pillow(suffix, icc_profile=PROFILE), _by_pillow(suffix, palette, transparency=3), encode_png(DEEP)]
        made += [
            _by_pillow(suffix, rgba),
            encode_png(DEEP[..., 0]),
            _by_pillow(suffix, save_all=True, append_images=[grey.convert("RGB")]),
        ]
    elif suffix == "webp":
        made = [_by_pillow(suffix, quality=80), _by_pillow(suffix, rgba, lossless=True, icc_profile=PROFILE)]
        made += [_by_pillow(suffix, save_all=True, append_images=[grey.convert("RGB")])]
    elif suffix == "bmp":
        made = [_by_pillow(suffix), _by_pillow(suffix, palette), _by_pillow(suffix, rgba), _run_length()]
    else:
        made = [_by_pillow(suffix, icc_profile=PROFILE), _by_pillow(suffix, progressive=True), _by_pillow(suffix, grey)]
        made += [_by_pillow(suffix, Image.fromarray(SCENE).convert("CMYK"))]
    return {f"{number}.{suffix}": data for number, data in enumerate(made)}


def _run_length() -> bytes:
    """BMP of 8 bits in runs."""
    rows = b"".join(b"\x20\x01\x10\x02\x00\x04\1\2\3\4\x0c\x05\0\0" for _ in range(16)) + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, 64, 16, 1, 8, 1, len(rows), 2835, 2835, 256, 0)
    colours = b"".join(bytes((i, i, i, 0)) for i in range(256))
    at = 14 + len(head) + len(colours)
    return b"BM" + struct.pack("<IHHI", at + len(rows), 0, 0, at) + head + colours + rows


def read(path: Path) -> None:
    """As a frame of a folder, as a picture of a data set, with all its levels; of PNG also with right check sums."""
    with suppress(RaincleanError):
        read_levels(path, read_header(path))
    with suppress(RaincleanError):
        read_rgb(path)
    if path.suffix == ".png":
        data = path.read_bytes()
        path.write_bytes(_summed(data))
        with suppress(RaincleanError):
            read_levels(path, read_header(path))
        with suppress(RaincleanError), open_source(path.parent) as source:
            list(source.read())
        path.write_bytes(data)
    with open_source(path.parent) as source:
        list(source.read())


def _summed(data: bytes) -> bytes:
    """PNG whose chunks, as far as they can be told, have the check sums of what they hold."""
    out, place = data[:8], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        end = place + 8 + length
        out += data[place:end] + struct.pack(">I", zlib.crc32(data[place + 4 : end]))
        place = end + 4
    return out


TOKENS = {
    "png": tuple(b"IHDR IDAT IEND PLTE tRNS iCCP eXIf acTL fcTL fdAT iTXt zTXt sRGB gAMA \x78\x9c".split()),
    "jpeg": tuple(bytes((0xFF, marker)) for marker in b"\xc0\xc2\xc4\xd9\xda\xdb\xdd\xe0\xe1\xe2\xee"),
    "webp": tuple(b"RIFF WEBP VP8X VP8L ALPH ANIM ANMF ICCP EXIF".split()),
    "tiff": tuple(struct.pack("<HH", tag, kind) for tag in (256, 257, 258, 259, 262, 273, 277, 278, 284, 317, 320, 322,
                  324, 339, 34675) for kind in (1, 3, 4, 5, 16)),
    "bmp": (b"BM", struct.pack("<I", 40), struct.pack("<I", 108), struct.pack("<I", 124), b"\0\0\1\0", b"\0\2\xff\xff"),
}  # fmt: skip


def _reader(suffix: str) -> Reader:
    make: Callable[[Path], Mapping[str, bytes]] = partial(samples, suffix)
    return Reader(suffix, make, read, TOKENS[suffix], short=50)


READERS = [_reader(suffix) for suffix in TOKENS]
