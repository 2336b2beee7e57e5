"""Store rows of samples, in memory or in a scratch file, cut into bands of columns.

A row is one picture (all its samples in a line), a band a range of columns in all rows. Rows come in one
after the other as frames are decoded; sorting over time wants bands. The scratch file is therefore laid out
band by band, so that a band is read in one piece and a run of rows is written in one piece per band. It is
read and written as a file, not mapped: mapped pages would count as resident memory.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import IO

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import ResourceError

U8 = NDArray[np.uint8]
Band = tuple[int, int]

MEMORY_BAND_BYTES = 2 << 20
"""Size of a band over all rows in memory: about a core's second-level cache; with smaller ones calls take longer."""

SCRATCH_BAND_BYTES = 4 << 20
"""Size of a band over all rows on disk: a compromise between the cache and fewer, larger pieces."""

SPARE_DISK_BYTES = 256 << 20
"""Left free on the scratch disk, so that other programs go on running."""


class Planes:
    """Samples (rows, columns) uint8 in memory. Bands may be read and written from several threads."""

    def __init__(self, rows: int, columns: int, bands: Sequence[Band] | None = None) -> None:
        """Make room.

        Args:
            rows: pictures.
            columns: samples of a picture.
            bands: column ranges to cut into, where they are to be those of other planes.
        """
        self.rows, self.columns = rows, columns
        self.bands = tuple(bands or cut_bands(rows, columns, MEMORY_BAND_BYTES))
        # One array a row: memory that decoding gave back can be used again, which is not so for one large block.
        self._array = [np.empty(columns, np.uint8) for _ in range(rows)]

    def write(self, row: int, band: int, block: U8) -> None:
        """Write rows of a band.

        Args:
            row: the first of them.
            band: index of the band.
            block: (R, band width) uint8, for rows ``row`` ≤ i < ``row``+R.
        """
        start, stop = self.bands[band]
        for line, own in zip(self._array[row : row + len(block)], block, strict=True):
            line[start:stop] = own

    def read_band(self, band: int) -> U8:
        """Copy all rows of a band, (rows, band width), C-contiguous; the caller's to change."""
        start, stop = self.bands[band]
        return np.stack([line[start:stop] for line in self._array])

    def read_row(self, row: int) -> U8:
        """Return one whole row, (columns,); not to be written to."""
        return self._array[row]

    def close(self) -> None:
        """Give the memory or the disk space back."""
        self._array = []


class ScratchPlanes(Planes):
    """Planes in a scratch file. The file has no name: its space is free again however the process ends."""

    def __init__(self, rows: int, columns: int, folder: Path, bands: Sequence[Band] | None = None) -> None:
        super().__init__(0, 0)
        self.rows, self.columns = rows, columns
        self.bands = tuple(bands or cut_bands(rows, columns, SCRATCH_BAND_BYTES))
        self._lock = Lock()
        self._buffers: dict[int, U8] = {}
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            reason = f"{folder}: {error.strerror}; choose another place for scratch space with --scratch"
            raise ResourceError(reason) from error

    def buffer(self, rows: int, side: int) -> U8:
        """Return room to fill with a run of rows, (rows, columns); then `write` each band of it.

        Args:
            rows: in the run.
            side: 0 or 1: the two sides may be in use at the same time.
        """
        if side not in self._buffers or len(self._buffers[side]) < rows:
            self._buffers[side] = np.empty((rows, self.columns), np.uint8)
        return self._buffers[side][:rows]

    def drop_buffers(self) -> None:
        """Release the buffers, once all rows are written."""
        self._buffers.clear()

    def write(self, row: int, band: int, block: U8) -> None:
        """Write rows of a band.

        Args:
            row: see `Planes.write`.
            band: index of the band.
            block: (R, band width) uint8.

        Raises:
            ResourceError: the disk is full.
        """
        start, stop = self.bands[band]
        data = np.ascontiguousarray(block).data.cast("B")
        try:
            with self._lock:
                self._file.seek(start * self.rows + row * (stop - start))
                while data:
                    data = data[self._file.write(data) :]
        except OSError as error:
            raise ResourceError(f"scratch space: {error.strerror}; choose another place with --scratch") from error

    def read_band(self, band: int) -> U8:
        """See `Planes.read_band`."""
        start, stop = self.bands[band]
        out = np.empty((self.rows, stop - start), np.uint8)
        self._read(start * self.rows, out)
        return out

    def read_row(self, row: int) -> U8:
        """Copy a row; see `Planes.read_row`."""
        out = np.empty(self.columns, np.uint8)
        for start, stop in self.bands:
            self._read(start * self.rows + row * (stop - start), out[start:stop])
        return out

    def close(self) -> None:
        """See `Planes.close`."""
        self._buffers.clear()
        self._file.close()

    def _read(self, offset: int, out: U8) -> None:
        wanted = out.data.cast("B")
        with self._lock:
            self._file.seek(offset)
            while wanted:
                got = self._file.readinto(wanted)  # type: ignore[attr-defined]
                if not got:
                    raise ResourceError("scratch space: the file is shorter than what was written to it")
                wanted = wanted[got:]


def cut_bands(rows: int, columns: int, band_bytes: int) -> list[Band]:
    """Cut columns into ranges of about ``band_bytes`` over all rows, in multiples of 64 columns.

    Args:
        rows: pictures.
        columns: samples of a picture.
        band_bytes: size of a band over all rows.

    Example:
        >>> cut_bands(10, 150, 640)
        [(0, 64), (64, 128), (128, 150)]
    """
    width = max(64, band_bytes // max(rows, 1) // 64 * 64)
    return [(start, min(start + width, columns)) for start in range(0, columns, width)]


def refuse_if_too_little(needed: int, folder: Path) -> None:
    """Raise ResourceError unless ``folder`` has room for ``needed`` bytes and SPARE_DISK_BYTES beside them."""
    if not folder.is_dir():
        raise ResourceError(f"{folder}: no such folder for scratch space; choose one with --scratch")
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_DISK_BYTES:
        raise ResourceError(
            f"{folder}: {format_bytes(needed)} of scratch space needed (and {format_bytes(SPARE_DISK_BYTES)} "
            f"must stay free), {format_bytes(free)} free; "
            "choose another place with --scratch, fewer frames with --frames, or more memory with --memory"
        )


def format_bytes(count: int) -> str:
    """Format a number of bytes for a person.

    Example:
        >>> format_bytes(3 << 29)
        '1.5 GiB'
    """
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
