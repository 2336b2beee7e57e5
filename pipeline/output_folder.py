"""A folder that a command fills: checked before the work, written beside, moved into place when whole.

The manifest (a JSON file that lists what was written, with check sums) comes last: a folder with a manifest is
complete. A second run replaces what the first one wrote and touches nothing else: neither what somebody put there or
changed, nor anything outside, be it through a link. Files are prepared in a hidden folder inside; it is removed when a
run fails, and kept only where the run was broken off in the middle of moving, so that the next run knows whose the
files are.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, Self

from pipeline.ownership import Mark, is_contained, mark, read_record, sha256
from pipeline.partial import Lock, remove
from pipeline.signals import held
from rainclean.errors import RaincleanError

_OWN = ".rainclean-"
_PARTIAL, _LOCK = f"{_OWN}partial-", f"{_OWN}lock"
_OURS = re.compile(r"([A-Za-z0-9_-]+/)?[A-Za-z0-9_-]+\.[a-z][a-z0-9]*")
_RECORD = ".moving.json"
"""In the hidden folder, while files are moved: check sums of what is ours then, by name."""

ELSEWHERE = "choose another folder with -o"


class OutputFolder:
    """One output folder, a context manager. Raises RaincleanError where it cannot be used, before any work.

    path: the folder, made if it is not there. manifest: name of the JSON file with the keys "rainclean", "files" and
    "sums" (`sums`). names: what will be written, files and folders. forms: what files may be called, as a pattern for
    the whole name; by default anything plain in those folders. keys: what a manifest of this command has beside.
    is_ours: whether one without sums, of an older rainclean, is about what lies there.
    """

    def __init__(
        self,
        path: Path,
        manifest: str,
        names: tuple[str, ...],
        *,
        forms: str = "",
        keys: tuple[str, ...] = (),
        is_ours: Callable[[dict[str, Any]], bool] | None = None,
    ) -> None:
        self.path, self._manifest, self._names, self._moving = path, manifest, names, False
        self._forms, self._is_ours, self._keys = re.compile(forms) if forms else None, is_ours, keys
        self._sums: dict[str, str] = {}
        if path.exists() and not path.is_dir():
            raise RaincleanError(f"{path}: is a file; name a folder with -o")
        # Made before the work and not after it: an hour's work should not end in "permission denied".
        self._made = [folder for folder in (path, *path.parents) if not folder.exists()]
        self._partial = path / f"{_PARTIAL}{token_hex(8)}"
        self._lock = Lock(path / _LOCK)
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not self._lock.take():
                raise RaincleanError(f"{path}: another rainclean is writing into this folder; wait for it")
            try:
                self._earlier = self._found()
                self._refuse_foreign()
                self._partial.mkdir()
            except BaseException:
                self._lock.let_go()
                raise
        except OSError as error:
            raise _unusable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the hidden folder, and the output folder if it was made for this and is still empty."""
        if not self._moving:
            remove(self._partial)
        self._lock.let_go()
        for folder in self._made:
            try:
                folder.rmdir()
            except OSError:
                break

    def sums(self) -> dict[str, str]:
        """SHA-256 of all that stands in the hidden folder, by name: goes into the manifest, which is written last."""
        self._sums = {name: sha256(self._partial / name) for name in self._prepared() if name != self._manifest}
        return self._sums

    @contextmanager
    def filling(self) -> Iterator[Path]:
        """Gives the hidden folder to write into; on success all of it is moved into place, the manifest last."""
        try:
            yield self._partial
            with held():
                new = self._prepared()
                for name in {*new, *self._earlier}:
                    self._check_place(name)
                self._moving = True
                self._move_into_place(new)
                self._moving = False
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _prepared(self) -> list[str]:
        found = (p.relative_to(self._partial).as_posix() for p in self._partial.rglob("*") if p.is_file())
        return sorted(name for name in found if name != _RECORD)

    def _move_into_place(self, new: list[str]) -> None:
        ours = {name: sha256(self.path / name) for name in self._earlier}
        moving = {"new": {n: self._sums.get(n) or sha256(self._partial / n) for n in new}, "earlier": ours}
        (self._partial / _RECORD).write_text(json.dumps(moving), encoding="utf-8")
        (self.path / self._manifest).unlink(missing_ok=True)
        for name in (*(n for n in new if n != self._manifest), *(n for n in self._earlier if n not in new)):
            self._check_place(name)  # once more: the folder is not ours alone
            if name in new:
                (self.path / name).parent.mkdir(exist_ok=True)
                (self._partial / name).replace(self.path / name)
            else:
                (self.path / name).unlink(missing_ok=True)
        (self._partial / self._manifest).replace(self.path / self._manifest)
        for leftover in self._broken_off():
            remove(leftover)

    def _check_place(self, name: str) -> None:
        """Raise RaincleanError unless a file may come, or go, under a name now."""
        if not is_contained(self.path, name):
            raise RaincleanError(f"{self.path / name}: lies behind a link, out of the folder; {ELSEWHERE}")
        if os.path.lexists(self.path / name) and mark(self.path / name) != self._earlier.get(name, ""):
            raise RaincleanError(f"{self.path / name}: not written by rainclean; {ELSEWHERE}")

    def _found(self) -> dict[str, Mark]:
        """What earlier runs wrote and nobody has changed since, by name."""
        record = read_record(self.path / self._manifest)
        files, sums = record.get("files"), record.get("sums")
        known: dict[str, set[str]] = {}
        if isinstance(files, list) and record.keys() >= {"rainclean", *self._keys} and self._is_sure(record):
            known[self._manifest] = set()  # no file tells its own sum
            for name in (name for name in files if isinstance(name, str) and name != self._manifest):
                known[name] = {str(sums.get(name))} if isinstance(sums, dict) else set()
        for leftover in self._broken_off():
            for of in read_record(leftover / _RECORD).values():
                for name, told in of.items() if isinstance(of, dict) else ():
                    known.setdefault(name, {str(told)}).add(str(told))
        self._taken_up = bool(known)
        found = {}
        for name, wanted in known.items():
            path = self.path / name
            if not self._has_form(name) or not is_contained(self.path, name):
                continue
            there = mark(path)
            if there is not None and (not wanted or sha256(path) in wanted):
                found[name] = there
        return found

    def _is_sure(self, record: dict[str, Any]) -> bool:
        return isinstance(record.get("sums"), dict) or self._is_ours is None or self._is_ours(record)

    def _has_form(self, name: str) -> bool:
        if self._forms is not None:
            return bool(self._forms.fullmatch(name))
        return name.partition("/")[0] in self._names and bool(_OURS.fullmatch(name))

    def _refuse_foreign(self) -> None:
        """Raise RaincleanError where what is to be written is there and not ours, or behind a link."""
        record = read_record(self.path / self._manifest)
        for name in self._names:
            path = self.path / name
            if not os.path.lexists(path):
                continue
            if not is_contained(self.path, name):
                raise RaincleanError(f"{path}: is a link, and nothing is written through it; {ELSEWHERE}")
            if name in self._earlier or (path.is_dir() and self._taken_up and "." not in name):
                continue
            changed = name in record.get("sums", ()) if isinstance(record.get("sums"), dict) else False
            why = "was changed since rainclean wrote it; move it away, or" if changed else "not written by rainclean;"
            raise RaincleanError(f"{path}: {why} {ELSEWHERE}")
        if self._forms is None:
            return
        for folder in (self.path / name for name in self._names if "." not in name):
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                name = f"{folder.name}/{file.name}"
                if self._has_form(name) and name not in self._earlier:
                    raise RaincleanError(f"{file}: not written by rainclean, or changed since; {ELSEWHERE}")

    def _broken_off(self) -> list[Path]:
        """Hidden folders of runs that are no more: one that is at work would hold the lock."""
        return [p for p in self.path.glob(_PARTIAL + "*") if p != self._partial]


def _unusable(path: Path, error: OSError) -> RaincleanError:
    ours = error.filename is None or any(part.startswith(_OWN) for part in Path(error.filename).parts)
    return RaincleanError(f"{path if ours else error.filename}: {error.strerror or error}; {ELSEWHERE}")
