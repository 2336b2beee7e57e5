"""Backups of a project's store: consistent copies of what changed, few enough to keep.

One is made at an opening that follows changes, and after every 50 changes. A copy that SQLite finds damaged is not
kept, so that it replaces no sound one.
"""

import gzip
import logging
import os
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.partial import unique
from pipeline.project.storage import schema
from pipeline.project.storage.filesystem import sync_folder
from pipeline.text_format import quoted
from rainclean.errors import InputError, RaincleanError, ResourceError, UsageError

_log = logging.getLogger(__name__)

FOLDER = "backups"

EVERY = 50
"""Changes after which a backup is made while a project stays open."""

LAST, DAYS = 10, 30
"""Kept are the last backups, and the last one of each of the last days on which there were any."""

_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)-(\d{1,15})\.sqlite\.gz")
_TIME = "%Y-%m-%dT%H-%M-%SZ"
_KNOWN = "changes"
_MOST = 4 << 30
"""Bytes of a store that is unpacked: more is none of ours."""


@dataclass(frozen=True)
class Backup:
    """One backup. at: UTC, to the second. changes: how many the store had seen; backups are ordered by it."""

    path: Path
    at: datetime
    changes: int


@dataclass(frozen=True)
class Contents:
    """What a sound store holds. project: its UUID. changes: how many it has seen."""

    project: str
    changes: int
    decisions: int
    sequences: int


def backups(folder: Path) -> list[Backup]:
    """Return the backups of a project, the newest first. They are ordered by changes: a clock may be set back."""
    result = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for path in (folder / FOLDER).iterdir():
            if (name := _NAME.fullmatch(path.name)) is None:
                continue
            with suppress(ValueError):
                at = datetime.strptime(name[1], _TIME).replace(tzinfo=UTC)
                result.append(Backup(path, at, int(name[2])))
    return sorted(result, key=lambda b: (b.changes, b.at), reverse=True)


def kept_backups(existing: Iterable[Backup]) -> set[Backup]:
    """Return the backups that are kept, of those that exist."""
    ordered = sorted(existing, key=lambda b: (b.changes, b.at))
    of_day = {backup.at.date(): backup for backup in ordered}  # the last of each day
    days = sorted(of_day)[-DAYS:]
    return {*ordered[-LAST:], *(of_day[day] for day in days)}


def known_changes(folder: Path) -> int:
    """Return how many changes the store has seen according to files beside it; 0 where there are none."""
    return max(_noted(folder), *(backup.changes for backup in backups(folder)), 0)


def note_changes(folder: Path, changes: int) -> None:
    """Store beside the store how many changes it has seen, so that an older one in its place is noticed."""
    if changes <= _noted(folder):
        return
    with suppress(OSError):  # a disk that is full: then the newest backup tells
        (folder / FOLDER).mkdir(exist_ok=True)
        partial = unique(folder / FOLDER / _KNOWN)
        partial.write_text(f"{changes}\n")
        partial.replace(folder / FOLDER / _KNOWN)


def _noted(folder: Path) -> int:
    with suppress(OSError, ValueError):
        return int((folder / FOLDER / _KNOWN).read_text(errors="replace")[:20])
    return 0


class Keeper:
    """Makes backups of an open project as it changes.

    read: gives a consistent copy of the store. run: does a piece of work, now or in another thread, and takes in what
    it raises.
    """

    def __init__(self, folder: Path, read: Callable[[], bytes], run: Callable[[Callable[[], None]], None]) -> None:
        self._folder, self._read, self._run = folder, read, run
        self._covered: int | None = None

    def look(self, changes: int, every: int = EVERY) -> None:
        """Make a backup where there were ``every`` changes since the last one."""
        if self._covered is None or changes - self._covered >= every:
            # Other processes make backups, too.
            self._covered = max((b.changes for b in backups(self._folder)), default=0)
        if changes - self._covered >= every:
            self._covered = changes  # also where it fails: it is tried again after as many
            self._run(self._back_up)

    def _back_up(self) -> None:
        back_up(self._folder, self._read())


def back_up(folder: Path, data: bytes) -> Backup | None:
    """Store a copy of a project's store, and remove backups that are no longer kept.

    Args:
        folder: The project.
        data: A consistent copy.

    Returns:
        The backup; None where another process is making one, or where there is one of as many changes.

    Raises:
        InputError: The copy is damaged. All other backups stay.
        ResourceError: The copy cannot be written. All other backups stay.
    """
    from filelock import FileLock, Timeout

    place = folder / FOLDER
    try:
        place.mkdir(exist_ok=True)
        with FileLock(place / ".lock").acquire(timeout=0):
            existing = backups(folder)
            changes = _sound(folder, data).changes
            if any(old.changes >= changes for old in existing):
                return None
            backup = _write(place, data, changes)
            for old in {*existing, backup} - kept_backups([*existing, backup]):
                old.path.unlink(missing_ok=True)
            for left in place.glob(".*.sqlite.gz.partial"):
                left.unlink(missing_ok=True)  # of a process that was killed: the lock is ours
            _log.info("wrote the backup %s", backup.path)
            return backup
    except Timeout:
        return None
    except OSError as error:
        raise ResourceError(f"{error.filename or place}: no backup was made: {error.strerror or error}") from error


def _sound(folder: Path, data: bytes) -> Contents:
    try:
        return examine(folder, data)
    except InputError as error:
        advice = f"rainclean restore {quoted(folder)} restores what can be read"
        raise InputError(folder, f"no backup was made: the store {error.reason}", advice) from error


def unpack(path: Path) -> bytes:
    """Return the store in a backup. Raises InputError where it is damaged."""
    try:
        with gzip.open(path) as file:
            data = file.read(_MOST)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(path, f"is damaged or cannot be read ({reason})") from error
    return data


def examine(path: Path, data: bytes) -> Contents:
    """Return what the bytes of a store hold.

    Args:
        path: The file, named in errors.
        data: The bytes.

    Raises:
        InputError: The store is damaged, or not that of a project.
    """
    try:
        with closing(in_memory(data)) as db:
            problems = [str(row[0]) for row in db.execute("PRAGMA quick_check(1)")]
            mark, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
            if problems != ["ok"]:
                raise InputError(path, f"is damaged ({' '.join(problems[0].split())})")
            if mark != schema.APPLICATION_ID or not 0 < version <= len(schema.MIGRATIONS):
                raise InputError(path, "is not the store of a project, or was written by a newer rainclean")
            counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("decision", "sequence")]
            changes = "changes" if version > 3 else "0"  # column of the fourth version
            identity = db.execute(f"SELECT uuid, {changes} FROM project").fetchone() or ("", 0)
            return Contents(str(identity[0]), int(identity[1]), *counts)
    except (sqlite3.Error, UnicodeError, MemoryError) as error:
        raise InputError(path, f"is damaged ({error})") from error


def in_memory(data: bytes) -> sqlite3.Connection:
    """Return a store's bytes as a database in memory. Raises sqlite3.Error."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.deserialize(without_log(data))
    return db


def without_log(data: bytes) -> bytes:
    """Return the bytes of the same store that does not ask for a write-ahead log: alone it has none."""
    return data[:18] + b"\1\1" + data[20:] if data[18:20] == b"\2\2" else data


def _write(place: Path, data: bytes, changes: int) -> Backup:
    at = datetime.now(UTC).replace(microsecond=0)
    path = place / f"{at.strftime(_TIME)}-{changes}.sqlite.gz"
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(gzip.compress(data, 3, mtime=0))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    sync_folder(place)
    return Backup(path, at, changes)


@dataclass(frozen=True)
class Listed:
    """A backup and what is in it. damage: why it cannot be used, or ""."""

    backup: Backup
    contents: Contents | None
    damage: str = ""


def look_into(backup: Backup) -> Listed:
    """Read a backup, and return what is in it."""
    try:
        return Listed(backup, examine(backup.path, unpack(backup.path)))
    except InputError as error:
        return Listed(backup, None, error.reason)


def newest_sound(folder: Path, at: str = "") -> tuple[Listed | None, list[Listed]]:
    """The newest sound backup, and the damaged ones that are newer.

    at: only those made at or before a time, as a person says it (`check_time`).
    """
    damaged: list[Listed] = []
    for backup in backups(folder):
        if at and not _is_at_or_before(backup.at, at):
            continue
        one = look_into(backup)
        if not one.damage:
            return one, damaged
        damaged.append(one)
    return None, damaged


def local_time(at: datetime) -> str:
    """Return a time as a person reads it, and may give it."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def check_time(time: str) -> None:
    """Raise UsageError unless this is a time as `local_time` gives it, or its beginning; with a Z at the end UTC."""
    text, whole = time.removesuffix("Z").replace("T", " "), "0000-01-01 00:00:00"
    try:
        if len(text) not in (4, 7, 10, 13, 16, 19):
            raise ValueError
        datetime.strptime(text + whole[len(text) :], "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise UsageError(f"{time!a} is not a time; use 2026-05-01, or 2026-05-01T14:30:00, with Z for UTC") from None


def _is_at_or_before(at: datetime, time: str) -> bool:
    text = time.removesuffix("Z").replace("T", " ")
    printed = at.strftime("%Y-%m-%d %H:%M:%S") if time.endswith("Z") else local_time(at)
    return printed[: len(text)] <= text


def noted_once(notes: list[str]) -> Callable[[Callable[[], None]], None]:
    """Return a function that runs work at once. What a person can act on becomes a note, each only once."""

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except RaincleanError as error:
            if str(error) not in notes:
                notes.append(str(error))

    return run
