"""A folder that a command fills: checked before the work, written beside, moved into place when whole.

The manifest (a JSON file that lists what was written, with check sums) comes last: a folder with a manifest is
complete. A second run replaces what the first one wrote, and nothing else: neither files that somebody added or
changed, nor anything outside, not even through a link. Files are prepared in a hidden folder inside. It is removed when
a run fails, and kept only if the run was interrupted while moving files, so that the next run knows which are its own.
"""

import json
import logging
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

_log = logging.getLogger(__name__)

_OWN = ".rainclean-"
_PARTIAL, _LOCK = f"{_OWN}partial-", f"{_OWN}lock"
_OURS = re.compile(r"([A-Za-z0-9_-]+/)?[A-Za-z0-9_-]+\.[a-z][a-z0-9]*")
_RECORD = ".moving.json"
"""In the hidden folder, while files are moved: checksums of our files, by name."""

ELSEWHERE = "choose another folder with -o"


class OutputFolder:
    """One output folder, a context manager. Raises RaincleanError where it cannot be used, before any work.

    path: the folder, created if missing. manifest: name of the JSON file with the keys "rainclean", "files" and "sums"
    (`sums`). names: files and folders that will be written. forms: pattern for whole file names; by default any plain
    name in those folders. keys: further keys of this command's manifest. is_ours: returns whether a manifest without
    sums, of an older rainclean, describes the files in the folder.
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
            raise RaincleanError(f"{path}: is a file; give a folder with -o")
        # Created before the work, so that an hour's work does not end in "permission denied".
        self._made = [folder for folder in (path, *path.parents) if not folder.exists()]
        self._partial = path / f"{_PARTIAL}{token_hex(8)}"
        self._lock = Lock(path / _LOCK)
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not self._lock.take():
                raise RaincleanError(f"{path}: another rainclean is writing to this folder; wait for it")
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
        """Remove the hidden folder, and the output folder if it is new and still empty."""
        if not self._moving:
            remove(self._partial)
        self._lock.let_go()
        for folder in self._made:
            try:
                folder.rmdir()
            except OSError:
                break

    def sums(self) -> dict[str, str]:
        """Return the SHA-256 of all files in the hidden folder, by name, for the manifest, which is written last."""
        self._sums = {name: sha256(self._partial / name) for name in self._prepared() if name != self._manifest}
        return self._sums

    @contextmanager
    def filling(self) -> Iterator[Path]:
        """Yield the hidden folder to write to; on success, move all of it into place, the manifest last."""
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
            self._check_place(name)  # again, because others may use the folder, too
            if name in new:
                (self.path / name).parent.mkdir(exist_ok=True)
                (self._partial / name).replace(self.path / name)
            else:
                (self.path / name).unlink(missing_ok=True)
        (self._partial / self._manifest).replace(self.path / self._manifest)
        _log.info("wrote %d files to %s", len(new), self.path)
        for leftover in self._broken_off():
            remove(leftover)

    def _check_place(self, name: str) -> None:
        """Raise RaincleanError unless a file of this name may be written or removed now."""
        if not is_contained(self.path, name):
            raise RaincleanError(f"{self.path / name}: leads out of the folder through a link; {ELSEWHERE}")
        if os.path.lexists(self.path / name) and mark(self.path / name) != self._earlier.get(name, ""):
            raise RaincleanError(f"{self.path / name}: not written by rainclean; {ELSEWHERE}")

    def _found(self) -> dict[str, Mark]:
        """Return the unchanged files of earlier runs, by name."""
        record = read_record(self.path / self._manifest)
        files, sums = record.get("files"), record.get("sums")
        known: dict[str, set[str]] = {}
        if isinstance(files, list) and record.keys() >= {"rainclean", *self._keys} and self._is_sure(record):
            known[self._manifest] = set()  # a file cannot hold its own sum
            for name in (name for name in files if isinstance(name, str) and name != self._manifest):
                known[name] = {str(sums.get(name))} if isinstance(sums, dict) else set()
        for leftover in self._broken_off():
            for of in read_record(leftover / _RECORD).values():
                for name, digest in of.items() if isinstance(of, dict) else ():
                    known.setdefault(name, {str(digest)}).add(str(digest))
        self._taken_up = bool(known)
        found = {}
        for name, wanted in known.items():
            path = self.path / name
            if not self._has_form(name) or not is_contained(self.path, name):
                continue
            present = mark(path)
            if present is not None and (not wanted or sha256(path) in wanted):
                found[name] = present
        return found

    def _is_sure(self, record: dict[str, Any]) -> bool:
        return isinstance(record.get("sums"), dict) or self._is_ours is None or self._is_ours(record)

    def _has_form(self, name: str) -> bool:
        if self._forms is not None:
            return bool(self._forms.fullmatch(name))
        return name.partition("/")[0] in self._names and bool(_OURS.fullmatch(name))

    def _refuse_foreign(self) -> None:
        """Raise RaincleanError where a file to write exists and is not ours, or lies behind a link."""
        record = read_record(self.path / self._manifest)
        for name in self._names:
            path = self.path / name
            if not os.path.lexists(path):
                continue
            if not is_contained(self.path, name):
                raise RaincleanError(f"{path}: is a link; {ELSEWHERE}")
            if name in self._earlier or (path.is_dir() and self._taken_up and "." not in name):
                continue
            changed = name in record.get("sums", ()) if isinstance(record.get("sums"), dict) else False
            why = "was changed after rainclean wrote it; move it away, or" if changed else "not written by rainclean;"
            raise RaincleanError(f"{path}: {why} {ELSEWHERE}")
        if self._forms is None:
            return
        for folder in (self.path / name for name in self._names if "." not in name):
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                name = f"{folder.name}/{file.name}"
                if self._has_form(name) and name not in self._earlier:
                    raise RaincleanError(f"{file}: not written by rainclean, or changed since; {ELSEWHERE}")

    def _broken_off(self) -> list[Path]:
        """Return hidden folders of runs that ended: a running one would hold the lock."""
        return [p for p in self.path.glob(_PARTIAL + "*") if p != self._partial]


def _unusable(path: Path, error: OSError) -> RaincleanError:
    ours = error.filename is None or any(part.startswith(_OWN) for part in Path(error.filename).parts)
    return RaincleanError(f"{path if ours else error.filename}: {error.strerror or error}; {ELSEWHERE}")
