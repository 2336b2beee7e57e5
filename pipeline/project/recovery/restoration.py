"""The stage behind ``rainclean restore``: a backup in the place of the store, with what the store still has."""

import os
import shutil
import sqlite3
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipeline.project.analysis import wanted_artefacts
from pipeline.project.recovery import salvage
from pipeline.project.recovery.condition import BESIDE, WORK, Present, State, copy_of, judge, problem_of, work_folder
from pipeline.project.storage import (
    DATABASE,
    WAIT,
    Backup,
    Project,
    StoreLock,
    backup_files,
    job_lock,
    now,
    schema,
    sync_folder,
)
from pipeline.stages import Progress
from pipeline.words import counted, quoted
from rainclean import __version__
from rainclean.errors import InputError, RaincleanError, ResourceError, UsageError

MOVED = 5
"""Stores that were replaced are kept, as many as this."""


@dataclass
class Restored:
    """What was done. was: state of the store before. backup: None where there was no sound one. kept: the store before.

    decisions, sequences: in the store now.
    """

    was: State
    reason: str
    backup: Backup | None = None
    kept: Path | None = None
    salvaged: salvage.Salvaged = field(default_factory=salvage.Salvaged)
    unreadable: int = 0
    decisions: int = 0
    sequences: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Offer:
    """What can be done about a project that cannot be opened. chosen: the backup that `restore` would take."""

    folder: Path
    state: State
    reason: str
    chosen: backup_files.Listed | None


def offer(folder: Path) -> Generator[Progress, None, Offer]:
    """Look at a project and its backups. Raises RaincleanError where there is neither store nor backup."""
    present = yield from condition(folder)
    chosen = backup_files.newest_sound(folder)[0] if present.state != "sound" else None
    return Offer(folder, present.state, present.reason, chosen)


def listed(folder: Path) -> Generator[Progress, None, list[backup_files.Listed]]:
    """All backups of a project with what is in them, the newest first. Raises InputError for what is no project."""
    _check_project(folder)
    there, found = backup_files.backups(folder), []
    for done, backup in enumerate(there):
        yield Progress("look", done, len(there))
        found.append(backup_files.look_into(backup))
    return found


def condition(folder: Path) -> Generator[Progress, None, Present]:
    """Look at the store of a project. Raises RaincleanError."""
    _check_project(folder)
    with _locked(folder, exclusive=False):
        return (yield from judge(folder))


def restore(folder: Path, at: str = "", as_it_is: bool = False) -> Generator[Progress, None, Restored]:
    """Put a backup in the place of a project's store, and add what the store has that is newer.

    at: the newest backup at or before this time; needed where the store is sound. as_it_is: no backup, but the store
    that is there, an older one put in its place by hand. The store before is kept. Killed at any moment, it leaves the
    store before or the restored one. Raises RaincleanError where nothing can be restored; nothing is changed then.
    """
    folder = folder.resolve()
    if at:
        backup_files.check_time(at)
    _check_project(folder)
    try:
        with ExitStack() as held:
            held.enter_context(_no_jobs(folder))
            held.enter_context(_locked(folder, exclusive=True))
            result = yield from _restore(folder, at, as_it_is)
    except OSError as error:
        raise ResourceError(f"{error.filename or folder}: nothing was restored: {error.strerror or error}") from error
    with Project(folder) as project:
        result.notes += project.notes
        wanted = wanted_artefacts(project)
        missing = project.artefacts.bring_back(wanted)
        if missing:
            again = f"rainclean analyze {quoted(folder)} --again makes those of candidates"
            result.notes.append(f"{missing} of {counted(len(wanted), 'picture')} are missing; {again}")
    return result


def _restore(folder: Path, at: str, as_it_is: bool) -> Generator[Progress, None, Restored]:
    """The same under all locks."""
    for left in folder.glob(f"{WORK}*"):
        shutil.rmtree(left, ignore_errors=True)  # of a process that was killed
    present = yield from judge(folder)
    result = Restored(present.state, present.reason)
    base = b""
    if as_it_is:
        if present.state != "older":
            raise UsageError(f"--as-it-is: the store is {present.state}, not older than what the project had")
        base, present = present.data, Present("sound", data=present.data, contents=present.contents)
    else:
        if present.state == "sound" and not at:
            here = f"rainclean restore {quoted(folder)}"
            raise RaincleanError(
                f"{folder}: the store is sound, so nothing was restored; {here} --at TIME goes back to the backup of "
                f"that time, {here} --list says which there are"
            )
        chosen = _choose(folder, present, at, result)
        if chosen is not None:
            base, result.backup = backup_files.unpack(chosen.backup.path), chosen.backup
    with work_folder(folder) as work:
        yield Progress("copy", 0, None)
        new = work / "new.sqlite"
        changes = yield from _build(new, base, present, backup_files.known_changes(folder), result)
        result.kept = _keep(folder, present, work)
        yield Progress("replace", 0, None)
        _replace(folder, new, present, work)
    backup_files.note_changes(folder, changes)
    return result


def _choose(folder: Path, present: Present, at: str, result: Restored) -> backup_files.Listed | None:
    """The backup to restore; None where what the store itself has is all there is."""
    chosen, damaged = backup_files.newest_sound(folder, at)
    result.notes += [f"{one.backup.path.name}: {one.damage}; the one before was taken" for one in damaged if chosen]
    if chosen is not None:
        return chosen
    if at:
        raise InputError(folder, f"has no sound backup at or before {at}", "rainclean restore --list says which it has")
    if present.found is None or not any(present.found.rows.values()):
        raise InputError(folder, f"{present.reason}, nothing in it can be read, and there is no sound backup")
    result.notes.append("there is no sound backup: the new store has what could be read of the old one")
    return None


_PARTS = (salvage.ORDER, tuple(table for table in salvage.ORDER if table != "edit"), ())
"""What is added of the old store: everything, or less where that would make the new one unsound."""


def _build(path: Path, base: bytes, present: Present, known: int, result: Restored) -> Generator[Progress, None, int]:
    """Write the new store; returns how many changes it has seen, more than any that is known."""
    problem = ""
    for tables in _PARTS:
        if problem:
            result.notes.append(f"less than could be read was added, because then the new store {problem}")
        path.write_bytes(backup_files.without_log(base))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            changes = yield from _fill(db, bool(base), present, known, tables, result)
        yield Progress("check", 0, None)
        if not (problem := problem_of(path.parent, path.read_bytes())):
            break
    else:
        raise InputError(path, f"the restored store {problem}", "choose an older backup with --at")
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return changes


def _fill(
    db: sqlite3.Connection, begun: bool, present: Present, known: int, tables: Sequence[str], result: Restored
) -> Generator[Progress, None, int]:
    """Bring a store up to date and add what was found, in one transaction. begun: it is a backup, not empty."""
    found = present.found if present.state in ("damaged", "empty", "older") else None
    identity = found.project if found is not None else None
    if schema.version(db) < len(schema.MIGRATIONS):
        schema.migrate(db)
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("BEGIN")
    if not begun:
        row = identity or {"uuid": str(uuid.uuid4()), "created": now(), "rainclean": __version__}
        values = [row[name] for name in ("uuid", "created", "rainclean")]
        db.execute("INSERT INTO project (uuid, created, rainclean) VALUES (?, ?, ?)", values)
    of, changes = db.execute("SELECT uuid, changes FROM project").fetchone()
    if identity is not None and identity["uuid"] != of:
        result.notes.append("the store was of another project: nothing was taken from it")
        found = None
    if found is not None:
        newer = identity is None or identity["changes"] >= changes
        result.salvaged = yield from salvage.merge(db, found, newer, tables)
        result.unreadable = found.unreadable + result.salvaged.missed
    changes = max(changes, known, identity["changes"] if identity else 0) + 1
    db.execute("UPDATE project SET changes = ?, changed = ?", (changes, now()))
    db.execute("COMMIT")
    counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("decision", "sequence")]
    result.decisions, result.sequences = counts
    return int(changes)


def _keep(folder: Path, present: Present, work: Path) -> Path | None:
    """Keep the store that is replaced: a sound one as a backup, another one as it is with what SQLite kept beside."""
    path = folder / DATABASE
    if present.state == "missing":
        return None
    place = folder / backup_files.FOLDER
    place.mkdir(exist_ok=True)
    if present.state == "sound":
        if (made := backup_files.back_up(folder, present.data)) is not None:
            return made.path
        if present.contents is not None:
            same = (b.path for b in backup_files.backups(folder) if b.changes == present.contents.changes)
            if (there := next(same, None)) is not None:
                return there
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    target = place / f"{present.state}-{stamp}.sqlite"
    copy = copy_of(path, work / target.name)
    for one in [*(Path(f"{copy}{suffix}") for suffix in BESIDE), copy]:  # the store last: it says that all is there
        if one.exists():
            with one.open("rb+") as file:
                os.fsync(file.fileno())
            one.replace(place / one.name)
    sync_folder(place)
    _bound(place)
    return target


def _bound(place: Path) -> None:
    """Of stores that were replaced the last ones stay."""
    moved = sorted(
        (p for p in place.glob("*.sqlite") if p.name.startswith(("damaged-", "empty-", "older-"))),
        key=lambda p: p.name.partition("-")[2],
    )
    for path in moved[:-MOVED]:
        for suffix in ("", *BESIDE):
            with suppress(OSError):
                Path(f"{path}{suffix}").unlink(missing_ok=True)


def _replace(folder: Path, new: Path, present: Present, work: Path) -> None:
    """Put the new store in place. At each moment there is a store, and what is beside it belongs to it."""
    path = folder / DATABASE
    if path.exists():
        shutil.copymode(path, new)
    beside = [one for suffix in BESIDE if (one := Path(f"{path}{suffix}")).exists()]
    if beside and present.data:
        # SQLite would play back a journal into whatever stands beside it: first what it leads to, which stays the same.
        settled = work / "settled.sqlite"
        settled.write_bytes(present.data)
        with settled.open("rb+") as file:
            os.fsync(file.fileno())
        settled.replace(path)
        sync_folder(folder)
    for one in beside:
        one.unlink()
    new.replace(path)
    sync_folder(folder)


def _check_project(folder: Path) -> None:
    if not any((folder / name).exists() for name in (DATABASE, backup_files.FOLDER)):
        raise InputError(folder, "is no project" if folder.exists() else "no such folder")


@contextmanager
def _locked(folder: Path, exclusive: bool) -> Iterator[None]:
    lock = StoreLock(folder, WAIT, needed=exclusive)
    try:
        lock.take(exclusive)
        yield
    except TimeoutError:
        raise RaincleanError(f"{folder}: another process has been using it for {WAIT:.0f} s; try again") from None
    finally:
        lock.close()


@contextmanager
def _no_jobs(folder: Path) -> Iterator[None]:
    """Hold the locks of all jobs."""
    names = {p.name[1:-5] for p in folder.glob(".*.lock") if not p.name.startswith(".store.")} | {"analyze"}
    with ExitStack() as held:
        for name in sorted(names):
            held.enter_context(job_lock(folder, name))
        yield
