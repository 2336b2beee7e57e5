"""The store of a project: one SQLite file, artefacts beside it, and the rules by which several processes use them.

Every change is one transaction on disk before the call returns. Several processes may read and write, each for the
moment of one transaction, under a lock of ours (`locks`); nothing is held in between. Long work that must not run twice
takes a `job`.
"""

import logging
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

from pipeline.project.storage import schema
from pipeline.project.storage.artefacts import Artefacts
from pipeline.project.storage.backup_files import Keeper, backups, known_changes, note_changes, noted_once
from pipeline.project.storage.connection import Connection, now
from pipeline.project.storage.filesystem import network_share, sync_folder
from pipeline.project.storage.jobs import job_lock
from pipeline.project.storage.locks import LOCK, TURN, StoreLock
from pipeline.text_format import quoted
from rainclean import __version__
from rainclean.errors import InputError, RaincleanError, ResourceError, StoreError

_log = logging.getLogger(__name__)

DATABASE = "project.sqlite"
ARTEFACTS = "artefacts"
CLIPS = "clips"

WAIT = 30.0
"""Seconds to wait for another process's transaction: they take milliseconds."""

_MAKING = ".project.sqlite.new"
"""What `create` works on until it is whole."""


class Project:
    """An open project, a context manager, for one thread. Raises RaincleanError where it cannot be opened.

    Args:
        folder: The project.
        wait: Seconds to wait for another process's transaction.
        later: Runs a piece of work (a backup) in another thread. Without it, the work is done at once.

    Attributes:
        folder: Absolute path.
        read_only: The project cannot be written to.
        notes: Lines that a person should read.
    """

    examine: ClassVar[Callable[["Project"], list[str]]]
    """What `problems` calls: only those who write rows know what a sound store holds (`pipeline.project`)."""

    def __init__(
        self, folder: Path, wait: float = WAIT, later: Callable[[Callable[[], None]], None] | None = None
    ) -> None:
        self.folder = folder.resolve()
        if not (self.folder / DATABASE).is_file():
            if backups(self.folder):
                raise StoreError(
                    self.folder / DATABASE, "is missing", f"rainclean restore {quoted(folder)} brings it back"
                )
            what = "no such folder" if not folder.exists() else "is not a project"
            raise InputError(folder, what, f"make one with: rainclean new {quoted(folder)}")
        self.artefacts = Artefacts(self.folder / ARTEFACTS)
        self._connection = Connection(self.folder / DATABASE, wait)
        self.read_only = self._connection.read_only
        self.notes: list[str] = []
        if self.read_only:
            self.notes.append("the project cannot be written to: it can be viewed and exported, but not changed")
        elif share := network_share(self.folder):
            self.notes.append(
                f"the project lies on a network share ({share}): changes are slower there, and locks are only as "
                "reliable as the share's; a local disk is better"
            )
        _log.info("opened the project %s%s", self.folder, " for reading" if self.read_only else "")
        self._backups = Keeper(self.folder, self._copied, later or noted_once(self.notes))
        if not self.read_only:
            try:
                self._look_for_newer()
                self._backups.look(self.changes, every=1)
            except BaseException as error:
                self.__exit__(type(error), error, None)
                raise

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make a project in a new or empty folder. Of several processes that try at a time one succeeds.

        Raises:
            InputError: The folder is not empty.
            ResourceError: It cannot be written to.
        """
        try:
            _check_free(folder)
            folder.mkdir(parents=True, exist_ok=True)
            lock = StoreLock(folder, WAIT)
            try:
                lock.take(exclusive=True)
                _check_free(folder)
                _make(folder)
            finally:
                lock.close()
        except TimeoutError:
            raise RaincleanError(f"{folder}: another process has been making it for {WAIT:.0f} s; try again") from None
        except sqlite3.OperationalError as error:
            raise ResourceError(f"{folder}: {error}; is the disk full?") from error
        except OSError as error:
            raise ResourceError(f"{error.filename or folder}: {error.strerror or error}") from error
        return cls(folder)

    @classmethod
    def again(cls, folder: Path, wait: float = WAIT) -> Self:
        """Open a project in another thread of a process that has it open already. No backup is made."""
        return cls(folder, wait, lambda _: None)

    @property
    def uuid(self) -> str:
        """Identity of this project."""
        return str(self.value("SELECT uuid FROM project"))

    @property
    def changes(self) -> int:
        """Number of transactions that have changed the project since it was made."""
        return int(self.value("SELECT changes FROM project"))

    def serialized(self) -> bytes:
        """Return the bytes of the whole store at one moment, as a file that SQLite opens."""
        return self._connection.serialized()

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Return all rows of a query; columns by name."""
        return self._connection.rows(sql, values)

    def value(self, sql: str, *values: Any) -> Any:
        """Return the first column of the first row of a query; None where there is no row."""
        rows = self.rows(sql, *values)
        return rows[0][0] if rows else None

    def insert(self, table: str, **values: Any) -> int:
        """Add a row, and return its id."""
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        return self._connection.change(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))

    def execute(self, sql: str, *values: Any) -> None:
        """Change rows."""
        self._connection.change(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the changes of the block all or nothing: on disk when it ends, undone when it raises.

        Others wait meanwhile, so long work is done before.
        """
        with self._connection.transaction():
            yield
        self._backups.look(self._connection.changes)

    def snapshot(self) -> AbstractContextManager[None]:
        """Let all queries in the block see one state. Writers wait meanwhile: read in it, and compute afterwards."""
        return self._connection.snapshot()

    def job(self, name: str) -> AbstractContextManager[None]:
        """Reserve long work of one kind for this process.

        Raises:
            RaincleanError: Another process does such work on this project.
        """
        return job_lock(self.folder, name)

    def problems(self) -> list[str]:
        """Return what is wrong with the store, a line each; empty where it is sound."""
        return type(self).examine(self)

    def differences(self) -> list[str]:
        """Return what differs in the tables from how they were made."""
        return self._connection.differences()

    def explain(self, error: BaseException) -> None:
        """Raise StoreError where a damaged store caused an error. A bug stays a bug."""
        if isinstance(error, RaincleanError | OSError) or not isinstance(error, Exception):
            return
        try:
            problems = self.problems()
        except RaincleanError:
            return  # cannot be told now
        if problems:
            raise self._connection.damaged(problems[0]) from error

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Let `explain` examine what the block raises."""
        try:
            yield
        except Exception as error:
            self.explain(error)
            raise

    def close(self) -> None:
        """Close the files."""
        self._connection.close()
        if self._connection.changes:
            note_changes(self.folder, self._connection.changes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is not None:
                self.explain(error)
        finally:
            self.close()

    def _look_for_newer(self) -> None:
        """Raise StoreError where what lies beside the store knows of more changes than the store."""
        mine, known = self.value("SELECT changes FROM project"), known_changes(self.folder)
        here, way = self.folder / DATABASE, f"rainclean restore {quoted(self.folder)}"
        has_sequences = self.value("SELECT EXISTS (SELECT 1 FROM sequence)")
        if mine is None or (not has_sequences and any((self.folder / ARTEFACTS).glob("??/*"))):
            raise StoreError(here, "is empty: its content is lost", f"{way} brings it back")
        if mine < known:
            raise StoreError(
                here,
                f"is older than the project was ({mine} of {known} changes)",
                f"{way} returns to the newest backup, {way} --as-it-is continues with this store",
            )

    def _copied(self) -> bytes:
        """As `serialized`, in any thread."""
        own = Connection(self.folder / DATABASE, WAIT)
        try:
            return own.serialized()
        finally:
            own.close()


def _check_free(folder: Path) -> None:
    """Raise InputError where there is anything in a folder that `create` did not leave."""
    database = folder / DATABASE
    # An empty one was left by a `new` of an older rainclean that was killed.
    if database.exists() and database.stat().st_size > 0:
        raise InputError(folder, "is a project already")
    ours = {LOCK, TURN, _MAKING, f"{_MAKING}-journal", DATABASE}
    if folder.exists() and (not folder.is_dir() or {path.name for path in folder.iterdir()} - ours):
        raise InputError(folder, "is not an empty folder", "choose a new or empty one")


def _make(folder: Path) -> None:
    """Write a new store. It gets its name when it is whole: a killed `new` leaves nothing that looks like one."""
    making = folder / _MAKING
    for left in (making, making.with_name(f"{_MAKING}-journal")):
        left.unlink(missing_ok=True)
    db = sqlite3.connect(making, isolation_level=None)
    try:
        db.execute("PRAGMA synchronous = EXTRA")
        schema.migrate(db)
        db.execute(
            "INSERT INTO project (uuid, created, rainclean) VALUES (?, ?, ?)", (str(uuid.uuid4()), now(), __version__)
        )
    finally:
        db.close()
    making.replace(folder / DATABASE)
    sync_folder(folder)
