"""LMDB databases of pictures, as BasicSR reads them: one for each side, with the same keys in both.

A database is a folder ``NAME.lmdb`` with ``data.mdb``. The value of a key KEY is called ``KEY.png`` here, as in its
``meta_info.txt``.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rainclean.dataset.container_base import Container, Packer
from rainclean.errors import InputError

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

DATA = "data.mdb"
SUFFIX = ".png"
"""Follows a key in the name of its value."""

MAP_BYTES = 2**30
"""Largest size of a new database. It is doubled when there is too little room; Windows makes files as large as this."""

COMMIT_BYTES = 2**26
"""Values that gather in memory before they are written to disk."""

_ADVICE = "restore it, or export again"

_lock = Lock()
_open: dict[tuple[int, Path], tuple[Any, int]] = {}
"""Databases that are being read, and by how many: LMDB refuses to open one twice in a process."""


class LmdbContainer(Container):
    """A database. It is open only while a value is read, so that other programs and processes can open it, too."""

    file = DATA
    litter = frozenset({"lock.mdb"})

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all values, sorted. Raises InputError for a damaged or cut database."""
        with self._reading() as transaction, transaction.cursor() as cursor:
            return tuple(key.decode("utf-8", "backslashreplace") + SUFFIX for key in cursor.iternext(values=False))

    def read(self, name: str) -> bytes:
        """Read a value. Raises InputError where it is missing or cannot be read."""
        with self._reading() as transaction:
            value = transaction.get(name.removesuffix(SUFFIX).encode()) if name.endswith(SUFFIX) else None
        if value is None:
            raise self.missing(name)
        return bytes(value)

    @cached_property
    def _home(self) -> Path:
        return self.path.resolve()

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        import lmdb

        key = os.getpid(), self._home
        try:
            with _lock:
                environment, readers = _open.get(key, (None, 0))
                _open[key] = (environment or self._opened(), readers + 1)
                environment = _open[key][0]
            try:
                with environment.begin() as transaction:
                    yield transaction
            finally:
                with _lock:
                    environment, readers = _open.pop(key)
                    if readers > 1:
                        _open[key] = (environment, readers - 1)
                    else:
                        environment.close()
        except lmdb.Error as error:
            raise InputError(self.path, f"is no readable LMDB database ({error})", _ADVICE) from error

    def _opened(self) -> Any:
        import lmdb

        environment = lmdb.open(str(self.path), readonly=True, lock=False, readahead=False, create=False)
        used = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
        if (self.path / DATA).stat().st_size < used:
            # Reading on would end the process: pages behind the end of a mapped file cannot be read.
            environment.close()
            raise InputError(self.path / DATA, "ends too early", _ADVICE)
        return environment


class LmdbPacker(Packer):
    """Writes one database for each side and mask, all at a time, in the order of the pairs.

    Bytes are the same each time under one version of LMDB: one writer, the same order, memory that is set to zero.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._databases: dict[str, _Database] = {}
        self._sums: dict[str, str] = {}
        self._split = ""

    def add(self, row: "ManifestRow", values: Mapping[str, bytes]) -> None:
        """Write a pair. The name of a value says which database it goes into. Splits follow one another."""
        if row.split != self._split:
            self.close()
            self._split = row.split
        for role, data in values.items():
            folder, _, name = getattr(row, role).rpartition("/")
            if folder not in self._databases:
                self._databases[folder] = _Database(self._root / folder)
            self._databases[folder].put(name.removesuffix(SUFFIX).encode("ascii"), data)

    def close(self) -> dict[str, str]:
        """Finish all databases. Returns the sum of each: LMDB may crash on changed pages."""
        while self._databases:
            folder, database = self._databases.popitem()
            database.close()
            with (self._root / folder / DATA).open("rb") as file:
                self._sums[f"{folder}/{DATA}"] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._sums


class _Database:
    """A database that is being written."""

    def __init__(self, path: Path) -> None:
        import lmdb

        path.mkdir(parents=True, exist_ok=True)
        self._path, self._count, self._gathered = path, 0, 0
        self._transaction: Any = None
        with _as_os_error(path):
            self._environment = lmdb.open(
                str(path), map_size=MAP_BYTES, lock=False, readahead=False, sync=False, mode=0o644
            )

    def put(self, key: bytes, value: bytes) -> None:
        """Write a value, and before it what has gathered in memory if that is much."""
        with _as_os_error(self._path):
            if self._gathered + len(value) > COMMIT_BYTES:
                self._commit()
            if self._transaction is None:
                self._make_room(COMMIT_BYTES + len(value))
                self._transaction = self._environment.begin(write=True)
            if not self._transaction.put(key, value, overwrite=False):
                raise ValueError(f"{self._path}: two values have the key {key!r}")
            self._count += 1
            self._gathered += len(value)

    def close(self) -> None:
        """Write the rest. Raises OSError where the database does not hold all values afterwards."""
        with _as_os_error(self._path):
            self._commit()
            self._environment.sync(True)
            count, size = self._environment.stat()["entries"], self._used()
            self._environment.close()
        os.truncate(self._path / DATA, size)
        if count != self._count:
            raise OSError(None, f"holds {count} values, not {self._count}", str(self._path))

    def _commit(self) -> None:
        if self._transaction is not None:
            self._transaction.commit()
        self._transaction, self._gathered = None, 0

    def _make_room(self, size: int) -> None:
        """Enlarge the database until it has room for values of a size and, as much again, for their pages."""
        limit = self._environment.info()["map_size"]
        while limit < self._used() + 2 * size:
            limit *= 2
        if limit > self._environment.info()["map_size"]:
            self._environment.set_mapsize(limit)

    def _used(self) -> int:
        """Return the bytes of all pages."""
        return int((self._environment.info()["last_pgno"] + 1) * self._environment.stat()["psize"])


@contextmanager
def _as_os_error(path: Path) -> Iterator[None]:
    import lmdb

    try:
        yield
    except lmdb.Error as error:
        raise OSError(None, str(error), str(path)) from error
