"""Prepare an export in a hidden folder beside its target; rename it to the target in one step when it is complete.

Even after a kill, the target holds a complete export or none, and the next call uses what was prepared.
"""

import ctypes
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Self

from pipeline.export.foreign_files import ForeignFiles, carry_all, find_foreign
from pipeline.export.pair_record import PairRecord
from pipeline.export.report import REPORT
from pipeline.partial import Lock
from pipeline.project.storage import DATABASE
from pipeline.text_format import counted
from rainclean.dataset import is_relative
from rainclean.errors import RaincleanError, ResourceError

_PREFIX, _SUFFIX = ".", ".rainclean-export"
_PREPARED = re.compile(r"plan|data|old|sequence-\d+(\.json)?|(plan|sequence-\d+\.json)\.partial")


class Workplace:
    """Prepares one target folder, a context manager.

    Raises RaincleanError, before any work, where the target cannot be used: it is a file, holds other files than an
    earlier export, or another process is exporting to it. ``data``: the folder that becomes the target. When the block
    raises, the prepared files stay for the next call with the same plan.
    """

    def __init__(self, target: Path, plan: str) -> None:
        self.target = target.resolve()  # follow a link to the real place
        self.work = self.target.parent / f"{_PREFIX}{self.target.name}{_SUFFIX}"
        self.data = self.work / "data"
        self._old = self.work / "old"
        self._plan = plan
        self._refuse_foreign()
        # Beside the folder, not in it: the folder is removed while the lock is held.
        lock = self.work.with_name(self.work.name + ".lock")
        self._refuse_strange(lock)
        try:
            self.work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.work, error) from error
        self._lock = Lock(lock)

    def __enter__(self) -> Self:
        try:
            if not self._lock.take():
                raise RaincleanError(f"{self.target}: another rainclean is exporting to this folder; wait for it")
        except OSError as error:
            raise _unusable(self.work, error) from error
        try:
            self._resume()
        except OSError as error:
            self._lock.let_go(remove=False)
            raise _unusable(self.work, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self.work.exists() and not list(self.work.glob("*.json")):
            self.clear()  # nothing was prepared
        self._lock.let_go(remove=not self.work.exists())

    def is_stored(self, part: str) -> bool:
        """Return whether an earlier call prepared a part."""
        return (self.work / f"{part}.json").exists()

    def stored(self, part: str) -> list[PairRecord] | None:
        """Return the records of a part that is prepared, None where it is not, or its file is damaged."""
        try:
            documents = json.loads((self.work / f"{part}.json").read_text(encoding="utf-8"))
            return [PairRecord.from_json(document) for document in documents]
        except (OSError, ValueError, TypeError):
            return None

    def holds(self, part: str, sums: Mapping[str, str]) -> bool:
        """Return whether the prepared pictures of a part are complete and unchanged.

        sums: SHA-256 by name. Pictures that already have their name in the export are moved back. Raises OSError.
        """
        folder = self.work / part
        folder.mkdir(exist_ok=True)
        for name, wanted in sums.items():
            path = folder / name
            if not is_relative(name) or "/" in name or path.is_symlink():
                return False
            if not path.exists() and self._placed.get(wanted):
                self._placed[wanted].pop().replace(path)
            if not path.is_file() or _sum(path) != wanted:
                return False
        return True

    @cached_property
    def _placed(self) -> dict[str, list[Path]]:
        """Return pictures that had their final names when a call was interrupted, by SHA-256."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self.data.rglob("*.png")):
            if path.is_file() and not path.is_symlink():
                found.setdefault(_sum(path), []).append(path)
        return found

    def pictures(self, part: str) -> Path:
        """Create an empty folder for the pictures of a part."""
        folder = self.work / part
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        except OSError as error:
            raise _unusable(folder, error) from error
        return folder

    def store(self, part: str, records: Iterable[PairRecord]) -> None:
        """Record that a part is prepared."""
        try:
            _write(self.work / f"{part}.json", json.dumps([record.to_json() for record in records]).encode())
        except OSError as error:
            raise _unusable(self.work, error) from error

    def place(self, part: str, file: str, name: str) -> None:
        """Move a prepared picture to its name in the export, unless an equal one has that name already."""
        source, target = self.work / part / file, self.data / name
        if not source.exists():
            raise self._gone(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            source.replace(target)

    def prepared(self, part: str, file: str) -> bytes:
        """Read a prepared picture that has no name in the export yet."""
        source = self.work / part / file
        try:
            return source.read_bytes()
        except FileNotFoundError as error:
            raise self._gone(source) from error

    def _gone(self, source: Path) -> ResourceError:
        return ResourceError(f"{source}: this prepared image is gone; remove {self.work} and export again")

    def begin(self) -> None:
        """Discard the names of an earlier call: all pictures are named again."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir()

    def kept_words(self) -> str:
        """Return what a person should know when an export ends too early."""
        number = len(list(self.work.glob("*.json")))
        if not number:
            return "nothing was exported"
        return f"{counted(number, 'sequence')} prepared in {self.work.name} beside it will be used by the next call"

    def clear(self) -> None:
        """Discard everything that was prepared."""
        shutil.rmtree(self.work, ignore_errors=True)

    def finish(self) -> ForeignFiles:
        """Turn the prepared data into the target, replacing an earlier export there.

        Files that people added or edited stay; they are returned.
        """
        try:
            if hasattr(os, "sync"):
                os.sync()
            # Check again: files may have been added since the work began.
            self._refuse_foreign(self.data)
            kept = find_foreign(self.target, self.data)
            carry_all(kept, self.target, self.data)
            # From here on, nothing can be resumed: after a kill, the leftovers are discarded.
            (self.work / "plan").unlink()
            if not self.target.exists():
                self.data.rename(self.target)
            elif not _exchange(self.data, self.target):
                self._replace()
            self.clear()
        except OSError as error:
            raise _unusable(self.target, error) from error
        return kept

    def _replace(self) -> None:
        """Replace the target in two steps, where the system cannot exchange two folders."""
        shutil.rmtree(self._old, ignore_errors=True)
        self.target.rename(self._old)
        try:
            self.data.rename(self.target)
        except BaseException:
            self._old.rename(self.target)
            raise

    def _resume(self) -> None:
        """Keep what was prepared for the same plan; discard what was prepared for another one."""
        if self._old.exists():
            # Killed between two renamings: restore the earlier export, or remove it.
            if self.target.exists():
                shutil.rmtree(self._old)
            else:
                self._old.rename(self.target)
        note = self.work / "plan"
        if not note.exists() or note.read_bytes() != self._plan.encode():
            shutil.rmtree(self.work)
            self.work.mkdir()
            _write(note, self._plan.encode())

    def _refuse_strange(self, lock: Path) -> None:
        """Raise where files with the names of our hidden ones are not ours: ours get emptied and removed."""
        for path in (lock, self.work):
            if path.is_symlink() or (path.exists() and path.is_dir() != (path == self.work)):
                raise RaincleanError(f"{path}: has a name that the export needs, and no export made it; move it away")
        for path in self.work.iterdir() if self.work.exists() else ():
            if not _PREPARED.fullmatch(path.name) or path.is_symlink():
                raise RaincleanError(f"{path}: was not made by an export; move {self.work} away")

    def _refuse_foreign(self, new: Path | None = None) -> None:
        """Raise where the target holds files of others in the way of a new data set, or lies in a project or export."""
        for folder in self.target.resolve().parents:
            if (folder / DATABASE).exists() or (folder / REPORT).exists():
                what = "a project" if (folder / DATABASE).exists() else "an export"
                raise RaincleanError(f"{self.target}: lies in {what} ({folder}); choose another folder with -o")
        if not self.target.exists():
            return
        if not self.target.is_dir():
            raise RaincleanError(f"{self.target}: is a file; give a folder with -o")
        if self.target.is_mount():
            raise RaincleanError(f"{self.target}: is a mount point; give a folder below it with -o")
        foreign = find_foreign(self.target, new).in_the_way
        if foreign:
            others = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise RaincleanError(
                f"{self.target}: holds {foreign[0]}{others}, not written by an export; choose another folder with -o"
            )


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, so that neither is ever missing; return False where that is not possible."""
    if sys.platform != "linux":
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(data)
    partial.replace(path)


def _unusable(path: Path, error: OSError) -> ResourceError:
    return ResourceError(f"{error.filename or path}: {error.strerror or error}; choose another folder with -o")
