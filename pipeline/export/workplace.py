"""Where an export is prepared: a hidden folder beside its target, which it becomes in one step when it is whole.

Whatever is killed when, the target holds a whole export or none, and the next call goes on with what is prepared.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from rainclean.errors import RaincleanError, ResourceError
from rainclean.formats.files import Files

REPORT = "export.json"

_PREFIX, _SUFFIX = ".", ".rainclean-export"


class Workplace:
    """Prepares one target folder, a context manager.

    Raises RaincleanError, before any work, where the target cannot be used: a file, or a folder with other
    things in it than an earlier export, or one that another process is exporting to. ``data``: what becomes the
    target. What is prepared is kept when the block raises, for the next call with the same plan.
    """

    def __init__(self, target: Path, plan: str) -> None:
        self.target = target.absolute()
        self.work = self.target.parent / f"{_PREFIX}{self.target.name}{_SUFFIX}"
        self.data = self.work / "data"
        self._old = self.work / "old"
        self._plan = plan
        self._refuse_foreign()
        try:
            self.work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.work, error) from error
        # Beside the folder, not in it: the folder goes while the lock is held.
        self._lock = FileLock(self.work.with_name(self.work.name + ".lock"))

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RaincleanError(f"{self.target}: another rainclean is exporting to this folder; wait for it") from None
        try:
            self._resume()
        except OSError as error:
            self._lock.release()
            raise _unusable(self.work, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        if not self.work.exists():
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def stored(self, part: str) -> list[dict[str, Any]] | None:
        """Rows of a part that is prepared, None where it is not."""
        try:
            rows = json.loads((self.work / f"{part}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return list(rows)

    def pictures(self, part: str) -> Path:
        """Folder for the pictures of a part, there and empty."""
        folder = self.work / part
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def store(self, part: str, rows: list[dict[str, Any]]) -> None:
        """Note that a part is prepared."""
        _write(self.work / f"{part}.json", json.dumps(rows).encode())

    def place(self, part: str, file: str, name: str) -> None:
        """Give a prepared picture its name in the export; done already is no error."""
        source, target = self.work / part / file, self.data / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        elif not target.exists():
            raise ResourceError(f"{source}: what was prepared is gone; remove {self.work} and export again")

    def finish(self) -> None:
        """Make the prepared data the target, in place of an earlier export there."""
        try:
            if hasattr(os, "sync"):
                os.sync()
            if self.target.exists():
                # Looked at again: things may have been put there since the work began.
                self._refuse_foreign()
                shutil.rmtree(self._old, ignore_errors=True)
                self.target.rename(self._old)
            self.data.rename(self.target)
            shutil.rmtree(self.work, ignore_errors=True)
        except OSError as error:
            raise _unusable(self.target, error) from error

    def _resume(self) -> None:
        """Go on with what was prepared for the same plan; throw away what was prepared for another one."""
        if self._old.exists():
            # Killed between two renamings: the earlier export back to where it was, or out of the way.
            if self.target.exists():
                shutil.rmtree(self._old)
            else:
                self._old.rename(self.target)
        note = self.work / "plan"
        if not note.exists() or note.read_text(encoding="utf-8") != self._plan:
            shutil.rmtree(self.work)
            self.work.mkdir()
            _write(note, self._plan.encode())

    def _refuse_foreign(self) -> None:
        """Raise where the target holds what no export of ours wrote."""
        if not self.target.exists():
            return
        if not self.target.is_dir():
            raise RaincleanError(f"{self.target}: is a file; name a folder with -o")
        there = Files(self.target).names()
        known = {REPORT, *_listed(self.target)}
        foreign = [name for name in there if name not in known]
        if foreign:
            others = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise RaincleanError(
                f"{self.target}: holds {foreign[0]}{others}, which no export wrote; choose another folder with -o"
            )


def _listed(folder: Path) -> set[str]:
    """Names of the files that a finished export says it consists of."""
    from rainclean.formats.manifest import NAME, read_manifest

    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        if "rainclean" not in report:
            return set()
        names = set(report["files"])
        for row in read_manifest(folder / NAME):
            names |= {row.rainy, row.clean, row.exclude, row.confidence}
    except (OSError, ValueError, KeyError, TypeError, RaincleanError):
        return set()
    return names


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(data)
    partial.replace(path)


def _unusable(path: Path, error: OSError) -> ResourceError:
    return ResourceError(f"{error.filename or path}: {error.strerror or error}; choose another folder with -o")
