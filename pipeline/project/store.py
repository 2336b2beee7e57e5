"""The store of a project: one SQLite file, artefacts beside it, and the rules by which several processes use them.

Every change is one transaction on disk before the call returns. Several processes may read and write: a writer
waits for another one's transaction. Long work that must not run twice takes a `job`.
"""

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pipeline.project import schema
from pipeline.project.artefacts import Artefacts
from pipeline.project.filesystem import network_share
from pipeline.words import quoted
from rainclean import __version__
from rainclean.errors import InputError, RaincleanError, ResourceError

DATABASE = "project.sqlite"
ARTEFACTS = "artefacts"
CLIPS = "clips"

WAIT = 30.0
"""Seconds to wait for another process's transaction: they take milliseconds."""


class Project:
    """An open project, a context manager. Raises RaincleanError where it cannot be opened.

    folder: absolute path. notes: one line each that a person should know. wait: seconds to wait for another process's
    transaction. Used by one thread.
    """

    def __init__(self, folder: Path, wait: float = WAIT) -> None:
        self.folder, self._wait = folder.resolve(), wait
        if not (self.folder / DATABASE).is_file():
            what = "no such folder" if not folder.exists() else "is no project"
            raise InputError(folder, what, f"make one with: rainclean new {quoted(folder)}")
        self._open()

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make a project in a folder that is not there or empty."""
        database = folder / DATABASE
        try:
            if database.is_file() and database.stat().st_size == 0:
                database.unlink()  # a killed `new` left it
            elif database.exists():
                raise InputError(folder, "is a project already")
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise InputError(folder, "is not an empty folder", "name a new one")
            folder.mkdir(parents=True, exist_ok=True)
            database.touch()
        except OSError as error:
            raise ResourceError(f"{error.filename or folder}: {error.strerror or error}") from error
        return cls(folder)

    @property
    def uuid(self) -> str:
        """What tells this project from every other one."""
        return str(self.value("SELECT uuid FROM project"))

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query; columns by name."""
        with self._errors():
            return self._db.execute(sql, values).fetchall()

    def value(self, sql: str, *values: Any) -> Any:
        """First column of the first row of a query; None where there is no row."""
        found = self.rows(sql, *values)
        return found[0][0] if found else None

    def insert(self, table: str, **values: Any) -> int:
        """Add a row inside a transaction; returns its id."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        with self._errors():
            cursor = self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
        return int(cursor.lastrowid or 0)

    def execute(self, sql: str, *values: Any) -> None:
        """Change rows inside a transaction."""
        with self._errors():
            self._db.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: what the block changes is on disk when it ends, or not there at all when it raises."""
        with self._errors():
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            with self._errors():
                self._db.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Queries in the block see one state of the project, whatever others write meanwhile."""
        with self._errors():
            self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        # SQLite rolls back by itself where the disk fails: what went wrong must not be hidden by a second error.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    @contextmanager
    def job(self, name: str) -> Iterator[None]:
        """Hold long work of one kind for this process; it is free again however the process ends.

        Raises RaincleanError where another process is at it.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / f".{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RaincleanError(
                f"{self.folder}: another rainclean is at `{name}` on this project; wait for it"
            ) from None
        except OSError as error:
            raise ResourceError(f"{error.filename or self.folder}: {error.strerror or error}") from error
        try:
            yield
        finally:
            lock.release()

    def problems(self) -> list[str]:
        """What SQLite finds wrong with the store; empty where it is sound."""
        try:
            found = [str(row[0]) for row in self._db.execute("PRAGMA integrity_check")]
            found += [
                f"{row[0]}: row {row[1]} refers to a missing {row[2]}"
                for row in self._db.execute("PRAGMA foreign_key_check")
            ]
        except sqlite3.DatabaseError as error:
            return [str(error)]
        return [line for line in found if line != "ok"]

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self.artefacts = Artefacts(self.folder / ARTEFACTS)
        self.notes: list[str] = []
        self.read_only = not os.access(self.folder, os.W_OK) or not os.access(self.folder / DATABASE, os.W_OK)
        database = self.folder / DATABASE
        if self.read_only and database.with_name(f"{DATABASE}-wal").exists():
            raise ResourceError(f"{self.folder}: cannot be written to, and is in use or was killed; copy it first")
        # Immutable: nothing can be written beside it, and nobody else does.
        address = database.as_uri() + ("?mode=ro&immutable=1" if self.read_only else "?mode=rw")
        with self._errors():
            # Autocommit: transactions begin and end where this file says so.
            self._db = sqlite3.connect(address, uri=True, timeout=self._wait, isolation_level=None)
        try:
            self._set_up()
        except BaseException:
            self._db.close()
            raise

    def _set_up(self) -> None:
        self._db.row_factory = sqlite3.Row
        with self._errors():
            self._check_version()
            if self.read_only:
                self.notes.append("the project cannot be written to: it can be looked at and exported, not changed")
                return
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("PRAGMA synchronous = FULL")
            self._choose_journal()
            if schema.version(self._db) < len(schema.MIGRATIONS):
                schema.migrate(self._db)
        if self.value("SELECT count(*) FROM project") == 0:
            with self.transaction():
                if self.value("SELECT count(*) FROM project") == 0:
                    self.insert("project", uuid=str(uuid.uuid4()), created=now(), rainclean=__version__)

    def _check_version(self) -> None:
        found = schema.version(self._db)
        mark = self._db.execute("PRAGMA application_id").fetchone()[0]
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (found or mark or tables) and mark != schema.APPLICATION_ID:
            raise InputError(self.folder / DATABASE, "is a database of another program")
        if found > len(schema.MIGRATIONS) or (self.read_only and found < len(schema.MIGRATIONS)):
            age = "a newer" if found > len(schema.MIGRATIONS) else "an older"
            advice = "update rainclean" if found > len(schema.MIGRATIONS) else "open it once where it can be written to"
            versions = f"version {found} of the store, this one knows {len(schema.MIGRATIONS)}"
            raise InputError(self.folder, f"was written by {age} rainclean ({versions})", advice)

    def _choose_journal(self) -> None:
        """Write-ahead log on local disks; on network shares the rollback journal, which needs no shared memory."""
        share = network_share(self.folder)
        mode = "DELETE" if share else "WAL"
        if share:
            self.notes.append(
                f"the project lies on a network share ({share}): changes wait for one another longer there, and "
                "locks are only as good as the share's; a local disk is better"
            )
        took = str(self._db.execute("PRAGMA journal_mode").fetchone()[0])
        if took.upper() != mode:
            took = str(self._db.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0])
        if share and took.upper() != mode:
            raise RaincleanError(
                f"{self.folder}: in use elsewhere with a journal that is unsafe on a network share ({share})"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what SQLite says of files and locks into one line; its complaints about our SQL stay bugs."""
        folder, database = self.folder, self.folder / DATABASE
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorname", "")
            if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise RaincleanError(
                    f"{folder}: another process has been writing for {self._wait:.0f} s; try again"
                ) from error
            if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_IOERR")):
                raise ResourceError(f"{database}: {error}; is the disk full, or not writable?") from error
            raise
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorname", "")
            if code in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
                advice = "copy it back from a backup"
                raise InputError(database, f"is damaged or no store of a project ({error})", advice) from error
            raise


def now() -> str:
    """The present, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
