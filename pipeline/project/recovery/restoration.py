"""The stage behind ``rainclean restore``: it replaces the store by a backup, and adds what the store still holds."""

import os
import shutil
import sqlite3
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipeline.project.analysis import release_absent, wanted_artefacts
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
from pipeline.text_format import counted, quoted
from rainclean import __version__
from rainclean.errors import InputError, RaincleanError, ResourceError, UsageError

MAX_REPLACED = 5
"""Stores that were replaced and are kept."""


@dataclass(kw_only=True)
class Restored:
    """What a restoration did.

    Attributes:
        was: State of the store before.
        reason: What was wrong with it.
        backup: None where there was no sound one.
        kept: File with the store before.
        salvaged: What was added from the store before.
        unreadable: Rows of it that could not be read.
        decisions: How many the store has now.
        sequences: How many the store has now.
        notes: What a person should know.
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
    """What can be done about a project that cannot be opened. chosen: the backup that `restore` would use."""

    folder: Path
    state: State
    reason: str
    chosen: backup_files.Listed | None


def offer(folder: Path) -> Generator[Progress, None, Offer]:
    """Examine a project and its backups.

    Raises:
        RaincleanError: There is neither a store nor a backup.
    """
    present = yield from condition(folder)
    chosen = backup_files.newest_sound(folder)[0] if present.state != "sound" else None
    return Offer(folder, present.state, present.reason, chosen)


def listed(folder: Path) -> Generator[Progress, None, list[backup_files.Listed]]:
    """Return all backups of a project with what is in them, the newest first.

    Raises:
        InputError: The folder is not a project.
    """
    _check_project(folder)
    existing, result = backup_files.backups(folder), []
    for done, backup in enumerate(existing):
        yield Progress("look", done, len(existing))
        result.append(backup_files.look_into(backup))
    return result


def condition(folder: Path) -> Generator[Progress, None, Present]:
    """Examine the store of a project. Raises RaincleanError where it is in use, or cannot be read."""
    _check_project(folder)
    with _locked(folder, exclusive=False):
        return (yield from judge(folder))


def restore(folder: Path, at: str = "", *, as_it_is: bool = False) -> Generator[Progress, None, Restored]:
    """Replace a project's store by a backup, and add what the store holds that is newer.

    The store before is kept. Killed at any moment, it leaves the store before or the restored one.

    Args:
        folder: The project.
        at: Use the newest backup at or before this time. It is needed where the store is sound.
        as_it_is: Use no backup, but the present store: an older one that a person put there.

    Returns:
        What was done.

    Raises:
        RaincleanError: Nothing can be restored. Then nothing is changed.
    """
    folder = folder.resolve()
    if at:
        backup_files.check_time(at)
    _check_project(folder)
    try:
        with ExitStack() as held:
            held.enter_context(_no_jobs(folder))
            held.enter_context(_locked(folder, exclusive=True))
            result = yield from _restore(folder, at, as_it_is=as_it_is)
    except OSError as error:
        raise ResourceError(f"{error.filename or folder}: nothing was restored: {error.strerror or error}") from error
    with Project(folder) as project:
        result.notes += project.notes
        release_absent(project)
        wanted = wanted_artefacts(project)
        missing = project.artefacts.bring_back(wanted)
        if missing:
            again = f"rainclean analyze {quoted(folder)} --again makes those of candidates again"
            result.notes.append(f"{missing} of {counted(len(wanted), 'image')} are missing; {again}")
    return result


def _restore(folder: Path, at: str, *, as_it_is: bool) -> Generator[Progress, None, Restored]:
    """Restore while all locks are held."""
    for left in folder.glob(f"{WORK}*"):
        shutil.rmtree(left, ignore_errors=True)  # of a process that was killed
    present = yield from judge(folder)
    result = Restored(was=present.state, reason=present.reason)
    base = b""
    if as_it_is:
        if present.state != "older":
            raise UsageError(
                f"--as-it-is is only for a store that is older than the project was; this one is {present.state}"
            )
        base, present = present.data, Present(state="sound", data=present.data, contents=present.contents)
    else:
        if present.state == "sound" and not at:
            command = f"rainclean restore {quoted(folder)}"
            raise RaincleanError(
                f"{folder}: the store is sound, so nothing was restored; {command} --list lists the "
                f"backups, {command} --at TIME returns to one"
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
    """Return the backup to restore; None where there is only what the store itself holds."""
    chosen, damaged = backup_files.newest_sound(folder, at)
    result.notes += [f"{one.backup.path.name}: {one.damage}; the one before was used" for one in damaged if chosen]
    if chosen is not None:
        return chosen
    if at:
        raise InputError(folder, f"has no sound backup at or before {at}", "rainclean restore --list lists the backups")
    if present.found is None or not any(present.found.rows.values()):
        raise InputError(folder, f"{present.reason}, nothing in it can be read, and there is no sound backup")
    result.notes.append("there is no sound backup: the new store has what could be read of the old one")
    return None


_PARTS = (salvage.ORDER, tuple(table for table in salvage.ORDER if table != "edit"), ())
"""Tables that are added from the old store: all, or fewer where the new store would be damaged by them."""


def _build(path: Path, base: bytes, present: Present, known: int, result: Restored) -> Generator[Progress, None, int]:
    """Write the new store; return how many changes it has seen, more than any number known."""
    problem = ""
    for tables in _PARTS:
        if problem:
            result.notes.append(f"some of what could be read was not added, because with it the new store {problem}")
        path.write_bytes(backup_files.without_log(base))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            changes = yield from _fill(db, present, known, tables, result, from_backup=bool(base))
        yield Progress("check", 0, None)
        if not (problem := problem_of(path.parent, path.read_bytes())):
            break
    else:
        raise InputError(path, f"the restored store {problem}", "choose an older backup with --at")
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return changes


def _fill(
    db: sqlite3.Connection,
    present: Present,
    known: int,
    tables: Sequence[str],
    result: Restored,
    *,
    from_backup: bool,
) -> Generator[Progress, None, int]:
    """Bring a store up to date and add what was found, in one transaction. from_backup: it is one, not empty."""
    found = present.found if present.state in ("damaged", "empty", "older") else None
    identity = found.project if found is not None else None
    if schema.version(db) < len(schema.MIGRATIONS):
        schema.migrate(db)
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("BEGIN")
    if not from_backup:
        row = identity or {"uuid": str(uuid.uuid4()), "created": now(), "rainclean": __version__}
        values = [row[name] for name in ("uuid", "created", "rainclean")]
        db.execute("INSERT INTO project (uuid, created, rainclean) VALUES (?, ?, ?)", values)
    own_uuid, changes = db.execute("SELECT uuid, changes FROM project").fetchone()
    if identity is not None and identity["uuid"] != own_uuid:
        result.notes.append("the store belongs to another project: nothing was added from it")
        found = None
    if found is not None:
        newer = identity is None or identity["changes"] >= changes
        result.salvaged = yield from salvage.merge(db, found, tables, newer=newer)
        result.unreadable = found.unreadable + result.salvaged.missed
    changes = max(changes, known, identity["changes"] if identity else 0) + 1
    db.execute("UPDATE project SET changes = ?, changed = ?", (changes, now()))
    db.execute("COMMIT")
    counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("decision", "sequence")]
    result.decisions, result.sequences = counts
    return int(changes)


def _keep(folder: Path, present: Present, work: Path) -> Path | None:
    """Keep the store that is replaced: a sound one as a backup, another one unchanged with SQLite's files beside it."""
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
            if (existing := next(same, None)) is not None:
                return existing
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    target = place / f"{present.state}-{stamp}.sqlite"
    copy = copy_of(path, work / target.name)
    for one in [*(Path(f"{copy}{suffix}") for suffix in BESIDE), copy]:  # the store last: where it is, the others are
        if one.exists():
            with one.open("rb+") as file:
                os.fsync(file.fileno())
            one.replace(place / one.name)
    sync_folder(place)
    _bound(place)
    return target


def _bound(place: Path) -> None:
    """Remove all but the latest stores that were replaced."""
    moved = sorted(
        (p for p in place.glob("*.sqlite") if p.name.startswith(("damaged-", "empty-", "older-"))),
        key=lambda p: p.name.partition("-")[2],
    )
    for path in moved[:-MAX_REPLACED]:
        for suffix in ("", *BESIDE):
            with suppress(OSError):
                Path(f"{path}{suffix}").unlink(missing_ok=True)


def _replace(folder: Path, new: Path, present: Present, work: Path) -> None:
    """Put the new store in place. At each moment there is a store, and the files beside it belong to it."""
    path = folder / DATABASE
    if path.exists():
        shutil.copymode(path, new)
    sidecars = [sidecar for suffix in BESIDE if (sidecar := Path(f"{path}{suffix}")).exists()]
    if sidecars and present.data:
        # SQLite would play back a journal into any store beside it. So first the store that it leads to is put there.
        settled = work / "settled.sqlite"
        settled.write_bytes(present.data)
        with settled.open("rb+") as file:
            os.fsync(file.fileno())
        settled.replace(path)
        sync_folder(folder)
    for sidecar in sidecars:
        sidecar.unlink()
    new.replace(path)
    sync_folder(folder)


def _check_project(folder: Path) -> None:
    if not any((folder / name).exists() for name in (DATABASE, backup_files.FOLDER)):
        raise InputError(folder, "is not a project" if folder.exists() else "no such folder")


@contextmanager
def _locked(folder: Path, *, exclusive: bool) -> Iterator[None]:
    lock = StoreLock(folder, WAIT, needed=exclusive)
    try:
        lock.take(exclusive=exclusive)
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
