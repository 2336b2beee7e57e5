"""The store of a project as it is now: sound, damaged, empty, older than what the project had, or missing."""

import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.project.recovery import salvage
from pipeline.project.storage import ARTEFACTS, DATABASE, Contents, Project, backup_files, without_log
from pipeline.stages import Progress
from rainclean.errors import InputError, ResourceError, StoreError

State = Literal["sound", "damaged", "empty", "older", "missing"]

BESIDE = ("-journal", "-wal", "-shm")
"""What SQLite keeps beside a store."""

WORK = ".restoring-"
"""Beginning of the names of folders that are worked in; a killed process leaves one."""


@dataclass(frozen=True, kw_only=True)
class Present:
    """The store as it is. reason: what is wrong with it. data: its bytes, with half done work taken back."""

    state: State
    reason: str = ""
    data: bytes = b""
    contents: Contents | None = None
    found: salvage.Found | None = None


def judge(folder: Path) -> Generator[Progress, None, Present]:
    """Look at the store; the caller holds its lock. Raises RaincleanError where it cannot be read, or is too new."""
    path = folder / DATABASE
    yield Progress("look", 0, None)
    if not path.is_file():
        return Present(state="missing", reason="there is no store")
    try:
        data = _settled(path)
    except OSError as error:
        raise ResourceError(f"{error.filename or path}: {error.strerror or error}") from error
    if not data:
        return Present(state="empty", reason="the store is empty")
    problem = problem_of(folder, data)
    found = yield from salvage.read(data)
    if problem:
        return Present(state="damaged", reason=f"the store {problem}", data=data, contents=None, found=found)
    contents = backup_files.examine(path, data)
    state, reason = _age(folder, contents)
    return Present(state=state, reason=reason, data=data, contents=contents, found=found)


def problem_of(folder: Path, data: bytes) -> str:
    """What is wrong with the bytes of a store, as every command would find; "" for nothing. folder: to work in."""
    with work_folder(folder) as work:
        (work / DATABASE).write_bytes(without_log(data))
        try:
            with Project.again(work) as copy:
                problems = copy.problems()
        except StoreError as error:
            return error.reason
        except InputError as error:
            if "newer rainclean" in error.reason:
                raise
            return error.reason
    return f"is damaged ({problems[0]})" if problems else ""


def _age(folder: Path, contents: Contents) -> tuple[State, str]:
    known = backup_files.known_changes(folder)
    if not contents.project or (not contents.sequences and _had_sequences(folder)):
        return "empty", "the store is empty, and there are backups or images beside it"
    if contents.changes < known:
        return "older", f"the store is older than the project was ({contents.changes} of {known} changes)"
    return "sound", ""


def _had_sequences(folder: Path) -> bool:
    newest, _ = backup_files.newest_sound(folder)
    of_newest = newest.contents.sequences if newest is not None and newest.contents is not None else 0
    return of_newest > 0 or any((folder / ARTEFACTS).glob("??/*"))


def _settled(path: Path) -> bytes:
    """The bytes of a store as SQLite would open it: what a killed process left half done is taken back, in a copy."""
    sidecars = [Path(f"{path}{suffix}") for suffix in BESIDE]
    if not any(_has_bytes(sidecar) for sidecar in sidecars):
        return path.read_bytes()
    with work_folder(path.parent) as work:
        copy = copy_of(path, work / "settled.sqlite")
        try:
            with closing(sqlite3.connect(copy, isolation_level=None)) as db:
                db.execute("PRAGMA journal_mode = DELETE").fetchone()
                db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error:
            return path.read_bytes()  # damaged all the more: page by page something may be read
        return copy.read_bytes()


@contextmanager
def work_folder(folder: Path) -> Iterator[Path]:
    """A folder in a project's to work in."""
    work = Path(tempfile.mkdtemp(prefix=WORK, dir=folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def copy_of(path: Path, to: Path) -> Path:
    """A copy of a store with what SQLite keeps beside it."""
    for suffix in ("", *BESIDE):
        if (one := Path(f"{path}{suffix}")).is_file():
            shutil.copyfile(one, f"{to}{suffix}")
    return to


def _has_bytes(path: Path) -> bool:
    with suppress(OSError):
        return path.stat().st_size > 0
    return False
