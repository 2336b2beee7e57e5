"""The store's file, opened: transactions under the lock, of the file at its path, or one line that says why not.

Nothing is held while nothing is read or written. See docs/adr/0015.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.project.storage import schema
from pipeline.project.storage.locks import LOCK, TURN, StoreLock
from pipeline.project.storage.rows import short_line
from pipeline.text_format import few, quoted
from rainclean.errors import InputError, RaincleanError, ResourceError, StoreError

_log = logging.getLogger(__name__)


class Connection:
    """One thread's connection to a store. Raises RaincleanError where it cannot be opened.

    Attributes:
        read_only: The store cannot be written to.
        changes: How many the store had seen with the last one made here; 0 before.
    """

    def __init__(self, path: Path, wait: float) -> None:
        self._path, self._wait = path, wait
        self._held = False
        self.changes = 0
        self._identity: tuple[int, int] | None = None
        folder = path.parent
        self.read_only = not os.access(folder, os.W_OK) or not os.access(path, os.W_OK)
        if self.read_only and self._beside("-wal"):
            raise self._unsettled()
        self._lock = StoreLock(folder, wait, needed=not self.read_only)
        try:
            with self._holding(exclusive=self._beside("-wal")), self._opening():
                outdated = self._is_outdated()
                if outdated:
                    # Closed before others may open it: an open store cannot change its journal.
                    self._db.close()
            if outdated:
                with self._holding(exclusive=True), self._opening():
                    self._bring_up_to_date()
        except BaseException:
            self._lock.close()
            raise

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._holding(exclusive=False), self._errors():
            return self._db.execute(sql, values).fetchall()

    def change(self, sql: str, values: tuple[Any, ...]) -> int:
        """Run a statement, in a transaction of its own unless one is open; return the id of a new row."""
        if not self._db.in_transaction:
            with self.transaction():
                return self.change(sql, values)
        with self._errors():
            return int(self._db.execute(sql, values).lastrowid or 0)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the changes of the block all or nothing, on disk when it ends."""
        with self._holding(exclusive=True):
            changes_before = self._db.total_changes
            try:
                with self._errors():
                    self._db.execute("BEGIN IMMEDIATE")
                yield
                with self._errors():
                    changed = self._db.total_changes != changes_before
                    if changed:
                        (row,) = self._db.execute(
                            "UPDATE project SET changes = changes + 1, changed = ? RETURNING changes", (now(),)
                        ).fetchall()
                    self._db.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            # Once more: what went into a file that was taken away meanwhile must not be called done.
            self._check_identity()
            if changed:
                self.changes = int(row[0])
                _log.debug("stored change %d in %s", self.changes, self._path)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all queries in the block see one state."""
        if self._db.in_transaction:
            yield
            return
        with self._holding(exclusive=False):
            try:
                with self._errors():
                    self._db.execute("BEGIN")
                yield
            finally:
                self._roll_back()

    def serialized(self) -> bytes:
        """Return the bytes of the whole store, outside of transactions."""
        # As they are in the file: nobody writes meanwhile, and SQLite takes several times as long to copy them.
        with self._holding(exclusive=False):
            try:
                return self._path.read_bytes()
            except OSError as error:
                raise ResourceError(f"{self._path}: {error.strerror or error}") from error

    def differences(self) -> list[str]:
        """Return what differs in the tables from how they were made."""
        with self._holding(exclusive=False), self._errors():
            return schema.differences(self._db)

    def damaged(self, reason: str) -> StoreError:
        """Return the error of a damaged store."""
        return StoreError(self._path, f"is damaged or no store of a project ({short_line(reason)})", self._restore)

    @property
    def _restore(self) -> str:
        return f"return to an earlier state with: rainclean restore {quoted(self._path.parent)}"

    def close(self) -> None:
        """Close the files."""
        self._db.close()
        self._lock.close()

    def _roll_back(self) -> None:
        # SQLite rolls back by itself where the disk fails: what went wrong must not be hidden by a second error.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    # -- the lock, and the file that is meant ------------------------------------------------------------------------

    @contextmanager
    def _holding(self, *, exclusive: bool) -> Iterator[None]:
        """Hold the lock, on the file that was opened; nothing more where it is held already."""
        if self._held:
            yield
            return
        try:
            self._take(exclusive=exclusive)
            if not exclusive and self._beside("-journal"):
                # Nobody is writing: a killed process left it half done. Whoever puts that right is alone.
                if self.read_only:
                    raise self._unsettled()
                self._lock.let_go()
                self._take(exclusive=True)
            self._held = True
            self._check_identity()
            yield
        finally:
            self._held = False
            self._lock.let_go()

    def _unsettled(self) -> ResourceError:
        folder = self._path.parent
        return ResourceError(
            f"{folder}: is read-only, and in use or left unfinished by a killed process; open a copy of it"
        )

    def _take(self, *, exclusive: bool) -> None:
        try:
            self._lock.take(exclusive=exclusive)
        except TimeoutError:
            raise RaincleanError(self._busy()) from None
        except FileNotFoundError:
            raise self._gone() from None
        except OSError as error:
            raise ResourceError(f"{error.filename or self._path.parent}: {error.strerror or error}") from error

    def _beside(self, suffix: str) -> bool:
        """Whether there is anything in a file that SQLite keeps beside the store."""
        try:
            return self._path.with_name(self._path.name + suffix).stat().st_size > 0
        except OSError:
            return False

    def _check_identity(self) -> None:
        """Raise StoreError where the file that was opened is no longer the one at its path."""
        if self._identity is not None and self._identity != self._at_path():
            raise self._gone()

    def _at_path(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _gone(self) -> StoreError:
        return StoreError(
            self._path, "was replaced or removed while it was open: nothing more is saved", "open the project again"
        )

    # -- opening -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Connect, and close again where the block raises. What SQLite says of a damaged store is put down to that."""
        self._identity = self._at_path()
        address = self._path.as_uri() + ("?mode=ro" if self.read_only else "?mode=rw")
        if self.read_only and not self._lock.is_there:
            address += "&immutable=1"  # an archive: nothing can be written beside it, and nobody else does
        with self._errors():
            # Autocommit: transactions begin and end where this file says so.
            self._db = sqlite3.connect(address, uri=True, timeout=self._wait, isolation_level=None)
        try:
            self._check_identity()
            with self._errors():
                self._db.execute("PRAGMA cell_size_check = ON")  # damage is found before it does harm
                self._db.execute("PRAGMA trusted_schema = OFF")
                self._db.execute("PRAGMA temp_store = MEMORY")  # the disk may be full
                self._db.execute("PRAGMA foreign_keys = ON")
                # The directory is synced, too: that the journal is gone is what makes a transaction last.
                self._db.execute("PRAGMA synchronous = EXTRA")
                self._check_version()
                yield
            self._db.row_factory = sqlite3.Row
        except (sqlite3.Error, UnicodeDecodeError) as error:
            fault = self._fault()
            self._db.close()
            if fault:
                raise self.damaged(fault) from error
            raise
        except BaseException:
            self._db.close()
            raise

    def _fault(self) -> str:
        """Return the first thing that SQLite finds wrong with the open file; "" where it is sound."""
        try:
            faults = [row[0] for row in self._db.execute("PRAGMA integrity_check(1)") if row[0] != "ok"]
            return str((faults + schema.differences(self._db) + [""])[0])
        except (sqlite3.Error, UnicodeDecodeError) as error:
            return str(error)

    def _check_version(self) -> None:
        version = schema.version(self._db)
        mark = self._db.execute("PRAGMA application_id").fetchone()[0]
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (version or mark or tables) and mark != schema.APPLICATION_ID:
            raise InputError(self._path, "is a database of another program")
        if not mark:
            raise self._empty()
        if version < 1 or not tables:
            raise self.damaged(f"version {version} with {tables} tables")
        if version > len(schema.MIGRATIONS) or (self.read_only and version < len(schema.MIGRATIONS)):
            age = "a newer" if version > len(schema.MIGRATIONS) else "an older"
            advice = (
                "update rainclean" if version > len(schema.MIGRATIONS) else "open it once where it can be written to"
            )
            versions = f"version {version} of the store, this one knows {len(schema.MIGRATIONS)}"
            raise InputError(self._path.parent, f"was written by {age} rainclean ({versions})", advice)

    def _empty(self) -> StoreError:
        """Return the error of a store that holds nothing. It tells a lost project from a new one."""
        folder = self._path.parent
        ours = {self._path.name, LOCK, TURN}
        left = sorted(p.name for p in folder.iterdir() if p.name not in ours and not p.name.startswith(self._path.name))
        if not left:
            return StoreError(self._path, "is empty", f"make a project with: rainclean new {quoted(folder)}")
        reason = f"is empty, but other parts of a project lie beside it ({few(left)}): its content is lost"
        return StoreError(self._path, reason, self._restore)

    def _is_outdated(self) -> bool:
        if self.read_only:
            return False
        return schema.version(self._db) < len(schema.MIGRATIONS) or self._journal() != "delete"

    def _bring_up_to_date(self) -> None:
        older = f"{self._path.parent}: an older rainclean has this project open; close it and try again"
        with self._errors(busy=older):
            # A write-ahead log needs locks that are held while idle. What is in it comes into the file.
            if self._journal() != "delete" and self._journal(" = DELETE") != "delete":
                raise RaincleanError(older)
            schema.migrate(self._db)

    def _journal(self, change: str = "") -> str:
        return str(self._db.execute(f"PRAGMA journal_mode{change}").fetchone()[0]).lower()

    def _busy(self) -> str:
        return f"{self._path.parent}: another process has been using it for {self._wait:.0f} s; try again"

    @contextmanager
    def _errors(self, busy: str = "") -> Iterator[None]:
        """Turn what SQLite says of files and locks into one line; its complaints about our SQL stay bugs."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except UnicodeDecodeError as error:  # of names and messages, which are part of the file
            raise self.damaged(str(error)) from error
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorname", "")
            if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise RaincleanError(busy or self._busy()) from None
            if code == "SQLITE_READONLY" and not self.read_only and os.access(self._path, os.W_OK):
                raise self.damaged(f"by its header: {error}") from error  # a format that SQLite does not write
            if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_IOERR")):
                raise ResourceError(f"{self._path}: {error}; is the disk full, or not writable?") from error
            raise
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorname", "")
            if code in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
                raise self.damaged(str(error)) from error
            raise


def now() -> str:
    """Return the present, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
