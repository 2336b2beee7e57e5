"""Read TIFF: its header, and pictures of 8 and 16 bits in the usual arrangements.

The header is read here because libraries fail on damaged ones, and because only the header says what a library would
read wrongly. OpenCV gets a new header that calls all samples one grey channel: it then neither turns, inverts nor mixes
anything, does not see other tags, and samples are put together here. Pillow reads what is not plain. Header and pixels
share all tags, so both stay in this file.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.video.damage import DamagedInput

Levels = NDArray[np.uint8] | NDArray[np.uint16]

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _PLANAR = 273, 274, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 317, 322, 323, 324, 325
_COLOUR_MAP, _EXTRA, _SAMPLE_FORMAT, _PROFILE = 320, 338, 339, 34675

_TYPES = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_UNSIGNED, _SIGNED, _FLOAT, _UNDEFINED = 1, 2, 3, 4
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK = 0, 1, 2, 3, 5
_MODES = {_WHITE_IS_ZERO: "L", _BLACK_IS_ZERO: "L", _RGB: "RGB", _PALETTE: "P", _CMYK: "CMYK"}
_ASSOCIATED = 1
"""Extra sample: transparency that the colours were multiplied with."""
_COMPRESSIONS = {
    2: "CCITT", 3: "CCITT", 4: "CCITT", 6: "old JPEG", 7: "JPEG", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP"
}  # fmt: skip
_PHOTOMETRICS = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "CIELAB"}
_TOGETHER, _APART = 1, 2
_DIFFERENCES = 2
"""Predictor: each sample but the first of a row is stored as the difference to the one before."""

_PREDICTED = frozenset({5, 8, 32946})
"""Compressions that have a predictor: LZW, deflate (twice)."""
_DECODED = _PREDICTED | {1, 32773}
"""Compressions that OpenCV knows: none and PackBits beside these."""

_MOST_EXTRA = 4
_LONGEST_BLOCK = 1 << 16
_MOST_TAGS, _MOST_BLOCKS, _MOST_PAGES = 4096, 1 << 20, 10_000
_AT_ONCE = 16 << 20
"""Bytes of pixels that are worked on at a time: what is made beside a picture stays small."""
_WAY_OUT = "remove it or replace it; --salvage skips it"


class Tiff(NamedTuple):
    """Header of the first picture in a TIFF file: tags as the file has them, sizes in pixels as stored.

    order: "<" or ">", how numbers are written. pages: pictures in the file.
    """

    order: str
    tags: dict[int, tuple[int, ...]]
    profile: bytes
    pages: int

    def one(self, tag: int, default: int) -> int:
        """Return the first value of a tag."""
        return next(iter(self.tags.get(tag, ())), default)

    @property
    def width(self) -> int:
        """Pixels."""
        return self.one(_WIDTH, 0)

    @property
    def height(self) -> int:
        """Pixels."""
        return self.one(_HEIGHT, 0)

    @property
    def orientation(self) -> int:
        """As in EXIF: 1 to 8, other values mean nothing."""
        return self.one(_ORIENTATION, 1)

    @property
    def samples(self) -> int:
        """Values a pixel."""
        return self.one(_SAMPLES, 1)

    @property
    def bits(self) -> set[int]:
        """Bits a sample."""
        return set(self.tags.get(_BITS, (1,)))

    @property
    def alpha(self) -> bool:
        """Whether there are more samples than colours."""
        colours = {_RGB: 3, _CMYK: 4, 6: 3, 8: 3}.get(self.photometric, 1)
        return self.samples > colours

    @property
    def description(self) -> str:
        """What it holds, for a person: ``16-bit floating-point RGB``."""
        bits = "/".join(map(str, sorted(self.bits)))
        formats = set(self.tags.get(_SAMPLE_FORMAT, (_UNSIGNED,)))
        kind = "floating-point " if _FLOAT in formats else "signed " if _SIGNED in formats else ""
        colours = _PHOTOMETRICS.get(self.photometric, f"colours of kind {self.photometric}")
        return f"{bits}-bit {kind}{colours}"

    @property
    def photometric(self) -> int:
        """What the samples mean."""
        return self.one(_PHOTOMETRIC, _WHITE_IS_ZERO)

    @property
    def mode(self) -> str:
        """Pillow's word for the pixels of a plain picture."""
        return "I;16" if self.is_sixteen and self.photometric != _RGB else _MODES[self.photometric]

    @property
    def is_sixteen(self) -> bool:
        """Whether it has 16 bits a sample."""
        return self.bits == {16}

    @property
    def is_plain(self) -> bool:
        """Whether `decode` reads it; everything else of 8 bits and less is Pillow's."""
        colours = {_RGB: 3, _CMYK: 4}.get(self.photometric, 1)
        deep = self.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
        return (
            ((self.bits == {8} and self.photometric in _MODES) or (self.is_sixteen and deep))
            and colours <= self.samples <= colours + _MOST_EXTRA
            and self.one(_COMPRESSION, 1) in _DECODED
            and self.one(_FILL_ORDER, 1) == 1
            and self.one(_PLANAR, _TOGETHER) in (_TOGETHER, _APART)
            and self.one(_PREDICTOR, 1) in (1, _DIFFERENCES)
        )

    @property
    def unreadable(self) -> str:
        """Why nothing here reads it, or ""."""
        formats = set(self.tags.get(_SAMPLE_FORMAT, (_UNSIGNED,)))
        if not self.bits <= {1, 2, 4, 8, 16} or len(self.bits) > 1 or not formats <= {_UNSIGNED, _UNDEFINED}:
            return f"TIFF with {self.description} pixels is not read"
        if self.is_sixteen and not self.is_plain:
            compression = self.one(_COMPRESSION, 1)
            if compression not in _DECODED:
                packed = _COMPRESSIONS.get(compression, f"of kind {compression}")
                return f"TIFF with {self.description} pixels in compression {packed} is not read"
            return f"TIFF with {self.description} pixels, {self.samples} values each, in this arrangement is not read"
        return ""


def read_tiff(path: Path) -> Tiff:
    """Read the header. Raises DamagedInput for what is no TIFF, or a damaged one, OSError where the disk fails."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        magic = struct.unpack(order + "H", head[2:4])[0] if order and len(head) >= 8 else 0
        if magic == 43 and len(head) == 16:
            reader = _Reader(path, file, size, order, big=True)
            place = struct.unpack(order + "Q", head[8:16])[0]
        elif magic == 42:
            reader = _Reader(path, file, size, order, big=False)
            place = struct.unpack(order + "I", head[4:8])[0]
        else:
            raise DamagedInput(path, "damaged or not an image", _WAY_OUT)
        tags, following = reader.directory(place)
        read = {tag: reader.values(*entry) for tag, entry in tags.items() if tag != _PROFILE and entry.kind in _TYPES}
        if not tags.keys() & {_STRIP_OFFSETS, _TILE_OFFSETS}:
            raise DamagedInput(path, "damaged image (its header names no pixels)", _WAY_OUT)
        profile = reader.raw(*tags[_PROFILE]) if _PROFILE in tags else b""
        return Tiff(order, read, profile, 1 + reader.further(following, {place}))


class _Entry(NamedTuple):
    """An entry of a directory: number of its type, count of its values, and those or their offset."""

    kind: int
    length: int
    value: bytes


class _Reader:
    """Directories of a TIFF file; whatever lies outside the file is damage."""

    def __init__(self, path: Path, file: BinaryIO, size: int, order: str, *, big: bool) -> None:
        self._path, self._file, self._size, self._order = path, file, size, order
        self._count, self._word = ("Q", "Q") if big else ("H", "I")

    def directory(self, place: int) -> tuple[dict[int, _Entry], int]:
        """Read entries by tag, and the offset of the next directory."""
        width = struct.calcsize(self._word)
        count = self._number(self._count, place)
        if not 0 < count <= _MOST_TAGS:
            raise self._damaged(f"{count} tags in its header")
        step = 4 + 2 * width
        begin = place + struct.calcsize(self._count)
        data = self._bytes(begin, count * step)
        following = self._bytes(begin + count * step, width, needed=False)
        entries: dict[int, _Entry] = {}
        for at in range(0, count * step, step):
            tag, kind, values = struct.unpack_from(f"{self._order}HH{self._word}", data, at)
            entries.setdefault(tag, _Entry(kind, values, data[at + 4 + width : at + step]))
        return entries, struct.unpack(self._order + self._word, following)[0] if len(following) == width else 0

    def values(self, kind: int, count: int, value: bytes) -> tuple[int, ...]:
        """Read the whole numbers of an entry."""
        if count > _MOST_BLOCKS:
            return ()  # text and thumbnails can be long; what matters here is not
        letter = _TYPES[kind]
        data = self._content(struct.calcsize(letter) * count, value)
        return struct.unpack(f"{self._order}{count}{letter}", data)

    def raw(self, kind: int, count: int, value: bytes) -> bytes:
        """Read the bytes of an entry, b"" for another type."""
        return self._content(count, value) if kind in (1, 2, 7) else b""

    def further(self, place: int, seen: set[int]) -> int:
        """Count the directories that follow; a chain that is broken or circular ends there."""
        found = 0
        while place and place not in seen and found < _MOST_PAGES:
            seen.add(place)
            try:
                _, place = self.directory(place)
            except DamagedInput:
                break
            found += 1
        return found

    def _content(self, length: int, value: bytes) -> bytes:
        if length <= len(value):
            return value[:length]
        return self._bytes(struct.unpack(self._order + self._word, value)[0], length)

    def _number(self, letter: str, place: int) -> int:
        return int(struct.unpack(self._order + letter, self._bytes(place, struct.calcsize(letter)))[0])

    def _bytes(self, place: int, length: int, *, needed: bool = True) -> bytes:
        if needed and place + length > self._size:
            raise self._damaged("its header points outside the file")
        self._file.seek(min(place, self._size))
        return self._file.read(length)

    def _damaged(self, what: str) -> DamagedInput:
        return DamagedInput(self._path, f"damaged image ({what})", _WAY_OUT)


def decode(path: Path, tiff: Tiff) -> Levels:
    """Decode a plain picture, as stored, not turned: (H, W, 1) grey, (H, W, 3) RGB or (H, W, 4) CMYK, uint8 or uint16.

    Black is 0 in grey; palettes are looked up; further samples are dropped. Raises DamagedInput.
    """
    wanted = {_RGB: 3, _CMYK: 4}.get(tiff.photometric, 1)
    associated = tiff.tags.get(_EXTRA, ())[:1] == (_ASSOCIATED,) and tiff.samples > wanted
    needed = wanted + 1 if associated else wanted
    if tiff.one(_PLANAR, _TOGETHER) == _APART and tiff.samples > 1:
        picture = np.empty((tiff.height, tiff.width, needed), np.uint16 if tiff.is_sixteen else np.uint8)
        for plane in range(needed):
            picture[..., plane] = _channels(path, tiff, 1, plane)[..., 0]
    else:
        picture = _channels(path, tiff, tiff.samples, 0)[..., :needed]
    if tiff.photometric == _PALETTE:
        return _looked_up(path, tiff, picture[..., 0])
    if associated:
        picture = _divided(picture, wanted)
    if tiff.photometric == _WHITE_IS_ZERO:
        np.subtract(np.iinfo(picture.dtype).max, picture, out=picture)
    return picture


def _looked_up(path: Path, tiff: Tiff, picture: Levels) -> Levels:
    colours = np.array(tiff.tags.get(_COLOUR_MAP, ()), np.int64) >> 8
    if len(colours) != 3 * 256:
        raise DamagedInput(path, f"damaged image (a palette of {len(colours)} numbers)", _WAY_OUT)
    palette: Levels = colours.reshape(3, 256).T.astype(np.uint8)[picture]
    return palette


def _divided(picture: Levels, wanted: int) -> Levels:
    """Divide colours by the transparency they were multiplied with; fully transparent ones stay unchanged."""
    full = int(np.iinfo(picture.dtype).max)
    for rows in np.array_split(picture, 1 + picture.nbytes // _AT_ONCE):
        alpha = rows[..., wanted:].astype(np.uint32)
        divided = np.minimum(rows[..., :wanted].astype(np.uint64) * full // np.maximum(alpha, 1), full)
        rows[..., :wanted] = np.where(alpha == 0, rows[..., :wanted], divided)
    return picture[..., :wanted]


def _channels(path: Path, tiff: Tiff, samples: int, plane: int) -> Levels:
    """Decode the (H, W, samples) values of one plane."""
    grid = _Grid.from_tiff(path, tiff)
    if tiff.one(_COMPRESSION, 1) == 1:
        return _plain_channels(path, tiff, grid, samples, plane)
    import cv2

    data = np.frombuffer(_as_grey(path, tiff, grid, samples, plane), np.uint8)
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        flat = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DamagedInput(path, f"damaged image ({error.err})", _WAY_OUT) from error
    finally:
        cv2.utils.logging.setLogLevel(level)
    if flat is None or flat.shape != (tiff.height, tiff.width * samples):
        raise DamagedInput(path, "damaged image (its pixels do not decode)", _WAY_OUT)
    picture: Levels = flat.reshape(tiff.height, tiff.width, samples)  # type: ignore[assignment]
    if tiff.one(_PREDICTOR, 1) == _DIFFERENCES and tiff.one(_COMPRESSION, 1) in _PREDICTED:
        for rows in np.array_split(picture, 1 + picture.nbytes // _AT_ONCE):
            for x in range(0, tiff.width, grid.across):
                tile = rows[:, x : x + grid.across]
                np.cumsum(tile, axis=1, dtype=picture.dtype, out=tile)
    return picture


class _Grid(NamedTuple):
    """The blocks, strips or tiles, that a plane is cut into: their size in pixels and how many there are."""

    tiled: bool
    across: int
    down: int
    columns: int
    rows: int

    @classmethod
    def from_tiff(cls, path: Path, tiff: Tiff) -> "_Grid":
        tiled = _TILE_OFFSETS in tiff.tags
        across = tiff.one(_TILE_WIDTH, 0) if tiled else tiff.width
        down = tiff.one(_TILE_HEIGHT, 0) if tiled else min(tiff.one(_STRIP_ROWS, tiff.height), tiff.height)
        if not (0 < across <= _LONGEST_BLOCK and 0 < down <= _LONGEST_BLOCK):
            raise DamagedInput(path, f"damaged image (blocks of {across}×{down} px)", _WAY_OUT)
        return cls(tiled, across, down, -(-tiff.width // across), -(-tiff.height // down))


def _plain_channels(path: Path, tiff: Tiff, grid: _Grid, samples: int, plane: int) -> Levels:
    """Read what `_channels` returns where nothing is compressed."""
    kind = np.dtype(tiff.order + "u2") if tiff.is_sixteen else np.dtype(np.uint8)
    picture = np.empty((tiff.height, tiff.width, samples), kind.newbyteorder("="))
    for number, block in enumerate(_blocks(path, tiff, grid, samples, plane)):
        y, x = (n * side for n, side in zip(divmod(number, grid.columns), (grid.down, grid.across), strict=True))
        place = picture[y : y + grid.down, x : x + grid.across]
        rows = grid.down if grid.tiled else len(place)
        values = rows * grid.across * samples
        if len(block) < values * kind.itemsize:
            raise DamagedInput(path, "damaged image (it ends too early)", _WAY_OUT)
        stored = np.frombuffer(block, kind, values).reshape(rows, grid.across, samples)
        place[...] = stored[: len(place), : place.shape[1]]
    return picture


def _as_grey(path: Path, tiff: Tiff, grid: _Grid, samples: int, plane: int) -> bytearray:
    """Make a TIFF file of one plane: its blocks of data unchanged, under a header that calls them one grey channel."""
    tags: dict[int, tuple[int, ...]] = {
        _WIDTH: (tiff.width * samples,),
        _HEIGHT: (tiff.height,),
        _BITS: (16 if tiff.is_sixteen else 8,),
        _COMPRESSION: (tiff.one(_COMPRESSION, 1),),
        _PHOTOMETRIC: (_BLACK_IS_ZERO,),
        _SAMPLES: (1,),
        _PLANAR: (_TOGETHER,),
    }
    if grid.tiled:
        tags |= {_TILE_WIDTH: (grid.across * samples,), _TILE_HEIGHT: (grid.down,)}
    else:
        tags |= {_STRIP_ROWS: (grid.down,)}
    places, lengths, file = [], [], bytearray(8)
    for block in _blocks(path, tiff, grid, samples, plane):  # into one piece: it can be as large as the picture
        places.append(len(file))
        lengths.append(len(block))
        file += block
    tags[_TILE_OFFSETS if grid.tiled else _STRIP_OFFSETS] = tuple(places)
    tags[_TILE_BYTES if grid.tiled else _STRIP_BYTES] = tuple(lengths)
    file += b"\0" * (len(file) % 2)
    file[:8] = _head(tiff.order, len(file))
    file += _directory(tiff.order, tags, len(file))
    return file


def _blocks(path: Path, tiff: Tiff, grid: _Grid, samples: int, plane: int) -> Iterator[bytes]:
    """Yield the strips or tiles of a plane, as they are stored."""
    number = grid.columns * grid.rows
    places = tiff.tags.get(_TILE_OFFSETS if grid.tiled else _STRIP_OFFSETS, ())
    lengths = tiff.tags.get(_TILE_BYTES if grid.tiled else _STRIP_BYTES, ())
    if not lengths and tiff.one(_COMPRESSION, 1) == 1:  # old writers left them out
        lengths = (grid.across * grid.down * samples * (1 + tiff.is_sixteen),) * len(places)
    planes = tiff.samples if tiff.one(_PLANAR, _TOGETHER) == _APART else 1
    if min(len(places), len(lengths)) < number * planes:
        raise DamagedInput(path, f"damaged image ({len(places)} of {number * planes} blocks)", _WAY_OUT)
    with path.open("rb") as file:
        left = file.seek(0, 2)
        for place, length in zip(places[plane * number :][:number], lengths[plane * number :][:number], strict=True):
            file.seek(place)
            # Blocks that overlap would make more of a file than it has.
            block = file.read(min(length, left))
            if not block:
                raise DamagedInput(path, "damaged image (it ends too early)", _WAY_OUT)
            left -= len(block)
            yield block


def _head(order: str, directory: int) -> bytes:
    return {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, directory)


def _directory(order: str, tags: dict[int, tuple[int, ...]], place: int) -> bytes:
    """Make a directory whose tags all hold unsigned long numbers; place: its offset in the file."""
    entries, beyond = b"", b""
    after = place + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        values = struct.pack(f"{order}{len(tags[tag])}I", *tags[tag])
        if len(values) > 4:
            values, beyond = struct.pack(f"{order}I", after + len(beyond)), beyond + values
        entries += struct.pack(f"{order}HHI", tag, 4, len(tags[tag])) + values
    return struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + beyond
