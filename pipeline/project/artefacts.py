"""Files of a project that never change: each stands under the SHA-256 of its bytes."""

import hashlib
import os
import time
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING

from rainclean.errors import InputError, ResourceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    U8 = NDArray[np.uint8]

_ADVICE = "a candidate's picture comes back with rainclean analyze --again, a mask with select --exclude"

_ABANDONED = 3600.0
"""Seconds after which a file that nothing refers to belongs to no process that is about to refer to it."""


class Artefacts:
    """Content-addressed files below one folder. Names end in a suffix, so that other programs can open them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes, suffix: str) -> str:
        """Keep bytes; returns their name, such as ``3f…9c.png``. On disk for good when this returns."""
        name = hashlib.sha256(data).hexdigest() + suffix
        path = self.path(name)
        partial = path.with_name(f".{name}.{os.getpid()}.{get_ident()}")
        try:
            if path.exists() and path.read_bytes() == data:  # a damaged one is written anew
                return name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with partial.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise ResourceError(f"{error.filename or path}: {error.strerror or error}") from error
        return name

    def path(self, name: str) -> Path:
        """Where the file of a name stands, there or not."""
        return self._folder / name[:2] / name

    def read(self, name: str) -> bytes:
        """The bytes of a name. Raises InputError where the file is missing or no longer what it was."""
        try:
            data = self.path(name).read_bytes()
        except OSError as error:
            reason = f"{error.strerror or error}"
            raise InputError(self.path(name), reason, _ADVICE) from error
        if hashlib.sha256(data).hexdigest() != name.partition(".")[0]:
            raise InputError(self.path(name), "its bytes have changed", _ADVICE)
        return data

    def picture(self, name: str) -> "U8":
        """The picture of a name, (H, W, 3) or (H, W) uint8. Raises InputError as `read`, and for what is none."""
        from rainclean.formats.png import decode_png  # not above: it loads numpy, and `status` shall answer at once

        return decode_png(self.read(name), self.path(name))

    def sweep(self, wanted: set[str]) -> int:
        """Remove what is not wanted and old enough that no process is about to want it; returns how many files."""
        removed = 0
        for path in self._folder.glob("??/*"):
            if path.name in wanted:
                continue
            try:
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    path.unlink()
                    removed += 1
            except OSError:
                continue  # gone already, or in use on a system that minds
        return removed
