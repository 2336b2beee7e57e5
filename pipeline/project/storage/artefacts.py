"""Files of a project that never change: each stands under the SHA-256 of its bytes."""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.partial import unique
from pipeline.project.storage.trash import OURS, TRASH, Trash
from rainclean.errors import InputError, ResourceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    U8 = NDArray[np.uint8]

REMADE = "remade"
"""Folder beside, for pictures that are not kept and were made again. It may be deleted at any time."""

MAX_REMADE_BYTES = 1 << 30
"""Of pictures made again: about 500 of 1920×1080 px. The oldest ones go."""

_ADVICE = "a candidate's image comes back with rainclean analyze --again, a mask with select --exclude"

_ABANDONED = 3600.0
"""Seconds after which a file that nothing refers to belongs to no process that is about to refer to it."""


class Artefacts:
    """Content-addressed files below one folder. Names end in a suffix, so that other programs can open them.

    What is swept lies in a folder beside, and comes back when it is wanted again. What is made again for a while lies
    in another one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._trash, self._remade = folder, Trash(folder.with_name(TRASH)), folder.with_name(REMADE)

    def put(self, data: bytes, suffix: str) -> str:
        """Keep bytes; returns their name, such as ``3f…9c.png``. On disk for good when this returns."""
        name = name_of(data, suffix)
        path = self.path(name)
        try:
            if path.exists() and path.read_bytes() == data:  # a damaged one is written anew
                return name
            _write(path, data)
        except OSError as error:
            raise ResourceError(f"{error.filename or path}: {error.strerror or error}") from error
        return name

    def put_for_now(self, data: bytes, suffix: str) -> str:
        """Keep bytes that can be made again until others need the room; returns their name.

        Nothing is kept where the project cannot be written to.
        """
        name = name_of(data, suffix)
        with suppress(OSError):
            _write(self._remade / name, data)
            self._make_room(MAX_REMADE_BYTES)
        return name

    def has(self, name: str) -> bool:
        """Return whether the file of a name can be read."""
        return self._place(name).exists()

    def settle(self, name: str) -> bool:
        """Keep what was put for now for good, if it is still there; returns whether the file is kept."""
        path = self.path(name)
        with suppress(OSError):
            if not path.exists() and (self._remade / name).exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                (self._remade / name).replace(path)
        return self._place(name) == path and path.exists()

    def remove(self, name: str) -> int:
        """Delete the file of a name for good, and return its bytes. The caller knows that it can be made again."""
        removed = 0
        path = self.path(name)
        if path.parent.is_symlink() or self._folder.is_symlink():  # what is in it may be another project's
            return 0
        for place in (path, self._trash.find(name)):
            if place is not None:
                with suppress(OSError):
                    size = place.stat().st_size
                    place.unlink()
                    removed += size
        return removed

    def adopt(self, file: Path) -> None:
        """Keep a file of another folder of artefacts under its own name: as a hard link, or a copy where that fails.

        Raises InputError where it is missing, or its bytes are not those of its name.
        """
        name = file.name
        try:
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise InputError(file, f"{error.strerror or error}") from error
        if digest != name.partition(".")[0]:
            raise InputError(file, "its bytes have changed")
        path = self.path(name)
        if not path.exists() and not file.is_symlink():
            with suppress(OSError):  # another disk, or a file system without links
                path.parent.mkdir(parents=True, exist_ok=True)
                os.link(file, path)
                return
        self.put(file.read_bytes(), file.suffix)

    def path(self, name: str) -> Path:
        """Where the file of a name stands, there or not."""
        return self._folder / name[:2] / name

    def read(self, name: str) -> bytes:
        """The bytes of a name. Raises InputError where the file is missing or no longer what it was."""
        try:
            data = self._place(name).read_bytes()
        except OSError as error:
            reason = f"{error.strerror or error}"
            raise InputError(self.path(name), reason, _ADVICE) from error
        if hashlib.sha256(data).hexdigest() != name.partition(".")[0]:
            raise InputError(self.path(name), "its bytes have changed", _ADVICE)
        return data

    def picture(self, name: str) -> "U8":
        """The picture of a name, (H, W, 3) or (H, W) uint8. Raises InputError as `read`, and for what is none."""
        from rainclean.png import decode_png  # not above: it loads numpy, and `status` shall answer at once

        return decode_png(self.read(name), self.path(name))

    def sweep(self, wanted: set[str]) -> int:
        """Move what is not wanted into the trash, if it is old enough that no process is about to want it.

        What is wanted and lies in the trash comes back; what has lain there for 30 days goes. The caller makes sure
        that ``wanted`` comes from a sound and newest store. Returns how many files were moved.
        """
        self.bring_back(wanted)
        self._trash.empty()
        moved = 0
        for path in self._folder.glob("??/*"):
            if path.name in wanted or not OURS.fullmatch(path.name):
                continue
            # Where the folder is a link, what is in it may be another project's.
            if path.parent.is_symlink() or self._folder.is_symlink():
                continue
            with suppress(OSError):  # gone already, or in use on a system that minds
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    self._trash.take(path)
                    moved += 1
        return moved

    def bring_back(self, wanted: set[str]) -> int:
        """Move what is wanted out of the trash; returns how many of them are nowhere."""
        return sum(not self._place(name).exists() for name in wanted)

    def _make_room(self, limit: int) -> None:
        """Delete the oldest of what was put for now, until the rest is within a limit in bytes."""
        found = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self._remade.iterdir())
        total = sum(size for _, size, _ in found)
        for _, size, path in found[:-1]:  # never the newest one
            if total <= limit:
                return
            if OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
                total -= size

    def _place(self, name: str) -> Path:
        """Where the file of a name can be read: at its path, to which it comes back out of the trash where it can."""
        path = self.path(name)
        if path.exists():
            return path
        if (found := self._trash.find(name)) is None:
            return remade if (remade := self._remade / name).exists() else path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            found.rename(path)
        except OSError:
            return found if found.exists() else path  # a project that cannot be written to; or another was faster
        return path


def name_of(data: bytes, suffix: str) -> str:
    """The name that bytes are kept under."""
    return hashlib.sha256(data).hexdigest() + suffix


def _write(path: Path, data: bytes) -> None:
    """Write a file beside, then give it its name. On disk for good when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = unique(path)
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
