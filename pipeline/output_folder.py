"""A folder that a command fills: checked before the work, written beside, moved into place when whole.

The manifest (a JSON file that lists what was written) comes last: a folder with a manifest is complete. A second
run replaces what the first one wrote and touches nothing else. Files are prepared in a hidden folder inside; it is
removed when a run fails, and kept only where the run was broken off in the middle of moving, so that the next run
knows whose the files are.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from pipeline.signals import held
from rainclean.errors import RaincleanError

_PARTIAL = ".rainclean-partial-"
_OURS = re.compile(r"([A-Za-z0-9_-]+/)?[A-Za-z0-9_-]+\.[a-z][a-z0-9]*")


class OutputFolder:
    """One output folder, a context manager. Raises RaincleanError where it cannot be used, before any work.

    path: the folder, made if it is not there. manifest: name of the JSON file with the keys "rainclean" and
    "files". names: what will be written, files and folders, so that files of other origin are never replaced.
    """

    def __init__(self, path: Path, manifest: str, names: tuple[str, ...]) -> None:
        self.path, self._manifest, self._moving = path, manifest, False
        self._partial = path / f"{_PARTIAL}{os.getpid()}"
        if path.exists() and not path.is_dir():
            raise RaincleanError(f"{path}: is a file; name a folder with -o")
        self._refuse_others_at_work()
        if not self._broken_off() and not self._earlier():
            for name in names:
                if (path / name).exists():
                    raise RaincleanError(f"{path / name}: not written by rainclean; choose another folder with -o")
        # Made before the work and not after it: an hour's work should not end in "permission denied".
        self._made = [folder for folder in (path, *path.parents) if not folder.exists()]
        try:
            shutil.rmtree(self._partial, ignore_errors=True)  # of a process that had our number before us
            self._partial.mkdir(parents=True)
        except OSError as error:
            raise _unusable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the hidden folder, and the output folder if it was made for this and is still empty."""
        if self._moving:
            return
        shutil.rmtree(self._partial, ignore_errors=True)
        for folder in self._made:
            try:
                folder.rmdir()
            except OSError:
                break

    @contextmanager
    def filling(self) -> Iterator[Path]:
        """Gives the hidden folder to write into; on success all of it is moved into place, the manifest last."""
        try:
            yield self._partial
            with held():
                self._moving = True
                self._move_into_place()
                self._moving = False
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _move_into_place(self) -> None:
        new = {p.relative_to(self._partial).as_posix() for p in self._partial.rglob("*") if p.is_file()}
        earlier = self._earlier() - new
        (self.path / self._manifest).unlink(missing_ok=True)
        for name in sorted(new - {self._manifest}):
            (self.path / name).parent.mkdir(exist_ok=True)
            (self._partial / name).replace(self.path / name)
        for name in earlier:
            (self.path / name).unlink(missing_ok=True)
        (self._partial / self._manifest).replace(self.path / self._manifest)
        for leftover in self._broken_off():
            shutil.rmtree(leftover, ignore_errors=True)

    def _earlier(self) -> set[str]:
        """What an earlier run wrote, by its own manifest; names that could lead elsewhere are not believed."""
        try:
            manifest = json.loads((self.path / self._manifest).read_text(encoding="utf-8"))
            if "rainclean" not in manifest:
                return set()
            return {name for name in manifest["files"] if _OURS.fullmatch(name)}
        except (OSError, ValueError, KeyError, TypeError):
            return set()

    def _broken_off(self) -> list[Path]:
        """Hidden folders of runs that are no more."""
        return [p for p in self.path.glob(_PARTIAL + "*") if not _alive(p)] if self.path.is_dir() else []

    def _refuse_others_at_work(self) -> None:
        for partial in self.path.glob(_PARTIAL + "*") if self.path.is_dir() else ():
            if partial != self._partial and _alive(partial):
                number = partial.name.removeprefix(_PARTIAL)
                raise RaincleanError(f"{self.path}: another rainclean (process {number}) is writing into this folder")


def _alive(partial: Path) -> bool:
    number = partial.name.removeprefix(_PARTIAL)
    if not number.isdigit() or int(number) == os.getpid():
        return False
    if os.name == "nt":  # there, asking a process for a sign of life would end it
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _unusable(path: Path, error: OSError) -> RaincleanError:
    return RaincleanError(f"{error.filename or path}: {error.strerror or error}; choose another folder with -o")
