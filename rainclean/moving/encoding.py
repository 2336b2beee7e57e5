"""Store findings of `detection` as files: where a clean image is in doubt, and foreground in each frame."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import InputError
from rainclean.json_text import parse_json
from rainclean.moving.detection import Findings
from rainclean.moving.detectors import KINDS, OTHER
from rainclean.moving.residual_grid import Grid
from rainclean.png import decode_png, encode_png

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_DOUBTFUL = 128
"""Bit of an area picture where a clean image is in doubt; bit n is KINDS[n], the next one `OTHER`."""

_BITS = (*KINDS, OTHER)

_HEADER = b"rainclean passing 1\n"
_LARGEST = 1 << 30
"""Bytes of cells that are accepted."""

_DAMAGED = "is not a file of foreground masks written by rainclean"


@dataclass(frozen=True)
class Areas:
    """Areas where a clean image is in doubt.

    Attributes:
        kinds: (h, w) bool by kind, see `detectors.KINDS`; those from outside are `OTHER`, which may be missing.
        doubtful: (h, w) bool, where a clean image is in doubt.
    """

    kinds: Mapping[str, Mask]
    doubtful: Mask

    @classmethod
    def from_findings(cls, found: Findings) -> Self:
        """Take the areas of a clip from its findings."""
        kinds = {kind: found.areas[kind] for kind in KINDS}
        others = [mask for kind, mask in found.areas.items() if kind not in KINDS]
        return cls(kinds | ({OTHER: np.logical_or.reduce(others)} if others else {}), found.doubtful)

    def encode(self) -> bytes:
        """Encode as an 8-bit grey PNG with a bit for each kind; no bytes where there is nothing."""
        bits: U8 = self.doubtful * np.uint8(_DOUBTFUL)
        for number, kind in enumerate(_BITS):
            if kind in self.kinds:
                bits |= self.kinds[kind] * np.uint8(1 << number)
        return encode_png(bits) if bits.any() else b""

    @classmethod
    def decode(cls, data: bytes, name: Path | str) -> Self:
        """Decode what `encode` returned.

        Args:
            data: bytes of the file.
            name: of the file, for messages.

        Raises:
            InputError: it is no 8-bit grey PNG.
        """
        bits = decode_png(data, name)
        if bits.ndim != 2:
            raise InputError(name, "is not a map of areas: it has colours")
        kinds = {kind: (bits >> n & 1).astype(np.bool_) for n, kind in enumerate(_BITS)}
        if not kinds[OTHER].any():
            del kinds[OTHER]
        return cls(kinds, bits >= _DOUBTFUL)


@dataclass(frozen=True)
class ForegroundMasks:
    """Foreground of each frame that has any, by frame index in the clip.

    Attributes:
        grid: cells over the clean image.
        cells: packed cells of a frame, (⌈gh·gw/8⌉,) uint8, as `numpy.packbits` returns them.
    """

    grid: Grid
    cells: dict[int, U8] = field(repr=False)

    @classmethod
    def from_findings(cls, found: Findings, indices: Sequence[int]) -> Self:
        """Take the foreground of a clip from its findings.

        Args:
            found: findings of the clip.
            indices: frame index of each position.
        """
        seen = zip(indices, found.packed, strict=True)
        return cls(found.grid, {index: packed.copy() for index, packed in seen if packed.any()})

    def mask(self, frame: int) -> Mask | None:
        """Return the foreground in a frame, (h, w) bool; None where there is none, or the frame was not examined."""
        packed = self.cells.get(frame)
        if packed is None:
            return None
        rows, columns = self.grid.cells
        return self.grid.enlarge(np.unpackbits(packed, count=rows * columns).reshape(rows, columns).astype(np.bool_))

    def encode(self) -> bytes:
        """Encode as a header in JSON and the packed cells, deflated; no bytes where there is no foreground."""
        if not self.cells:
            return b""
        frames = sorted(self.cells)
        header = {"size": [self.grid.height, self.grid.width], "step": self.grid.step, "frames": frames}
        rows = np.stack([self.cells[frame] for frame in frames])
        return _HEADER + json.dumps(header).encode() + b"\n" + zlib.compress(rows.tobytes(), 9)

    @classmethod
    def decode(cls, data: bytes, name: Path | str) -> Self:
        """Decode what `encode` returned.

        Args:
            data: bytes of the file.
            name: of the file, for messages.

        Raises:
            InputError: it is no such file.
        """
        try:
            start, header, packed = data.split(b"\n", 2)
            if start + b"\n" != _HEADER:
                raise ValueError
            stored = parse_json(header)
            height, width = map(int, stored["size"])
            grid = Grid(height, width, int(stored["step"]))
            rows, columns = grid.cells
            size = len(stored["frames"]) * -(-rows * columns // 8)
            if not 0 < size <= _LARGEST:
                raise ValueError
            inflating = zlib.decompressobj()
            unpacked = inflating.decompress(packed, size + 1)  # a kilobyte may unpack to a megabyte
            if len(unpacked) != size or not inflating.eof:
                raise ValueError
            cells = np.frombuffer(unpacked, np.uint8).reshape(len(stored["frames"]), -1)
            return cls(grid, {int(frame): row for frame, row in zip(stored["frames"], cells, strict=True)})
        except (ValueError, KeyError, TypeError, ArithmeticError, zlib.error) as error:
            raise InputError(name, _DAMAGED) from error
