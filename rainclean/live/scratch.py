"""Read and write bytes at places of a scratch file, from several threads at once.

`storage.ScratchPlanes` reads and writes bands of a stack whose bands never change. A live stack reads two rows, or the
lines of a region, from two threads at a time. The file has no name: its space is free
again however the process ends. It is read into arrays, not mapped: mapped pages would count as resident memory.
"""

import os
import shutil
import tempfile
from pathlib import Path
from threading import Lock
from typing import IO

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import ResourceError
from rainclean.temporal import storage

U8 = NDArray[np.uint8]

AT_ONCE = hasattr(os, "preadv") and hasattr(os, "pwrite")
"""Whether the system reads at a place without moving the file's own, so that threads need not wait for each other."""


class ScratchFile:
    """Bytes at places in a file without a name. Raises ResourceError where there is no room for it."""

    def __init__(self, folder: Path) -> None:
        self._lock = Lock()
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise ResourceError(f"{folder}: {error.strerror}; choose another place for scratch space") from error

    def read(self, place: int, out: U8) -> None:
        """Fill ``out``, C-contiguous uint8 of any shape, with the bytes from ``place`` on."""
        room = out.data.cast("B")
        while room:
            got = self._read_some(place, room)
            if not got:
                raise ResourceError("scratch space: the file is shorter than what was written to it")
            place, room = place + got, room[got:]

    def write(self, place: int, data: U8) -> None:
        """Put ``data``, C-contiguous uint8 of any shape, at ``place``. Raises ResourceError where the disk is full."""
        left = data.data.cast("B")
        try:
            while left:
                done = self._write_some(place, left)
                place, left = place + done, left[done:]
        except OSError as error:
            raise ResourceError(f"scratch space: {error.strerror}; choose another place for it") from error

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()

    def _read_some(self, place: int, room: memoryview) -> int:
        if AT_ONCE:
            return os.preadv(self._file.fileno(), [room], place)
        with self._lock:
            self._file.seek(place)
            return int(self._file.readinto(room) or 0)  # type: ignore[attr-defined]

    def _write_some(self, place: int, left: memoryview) -> int:
        if AT_ONCE:
            return os.pwrite(self._file.fileno(), left, place)
        with self._lock:
            self._file.seek(place)
            return self._file.write(left)


def frames_that_fit(height: int, width: int, folder: Path, limit: int) -> int:
    """Return how many frames a live stack has room for: each is kept twice, in order of time and sorted.

    Up to ``limit`` bytes in ``folder``, and what its disk has free except `storage.SPARE_DISK_BYTES`.
    Raises ResourceError where that is less than two.
    """
    if not folder.is_dir():
        raise ResourceError(f"{folder}: no such folder for scratch space; choose another")
    free = shutil.disk_usage(folder).free - storage.SPARE_DISK_BYTES
    each = 2 * 3 * height * width
    count = min(limit, free) // each
    if count < 2:
        raise ResourceError(
            f"{folder}: two frames need {storage.format_bytes(2 * each)} of scratch space, there are "
            f"{storage.format_bytes(max(0, min(limit, free)))}; choose another place for it, or allow more"
        )
    return int(count)
