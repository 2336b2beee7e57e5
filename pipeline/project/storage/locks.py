"""The lock of a project's store: on files of its own, so that nothing which opens the store's files can drop it.

SQLite's locks on POSIX systems belong to the process, and all of them go when it closes any descriptor of the file: a
file dialog that looks for an icon is enough. These belong to the open file (flock), and to no other. On Windows
SQLite's own locks belong to the open file, too, and this one does nothing. See docs/adr/0015.
"""

import os
import random
import sys
from pathlib import Path
from time import monotonic, sleep

if sys.platform != "win32":
    import fcntl

LOCK = ".store.lock"
TURN = ".store.turn"
"""Whoever waits for the lock holds this, until the lock is theirs: nobody who comes later goes first."""

_SHORTEST, _LONGEST = 0.0002, 0.005
"""Seconds between tries."""


class StoreLock:
    """A lock, shared or exclusive, between processes and between threads; each thread has its own object.

    Args:
        folder: The project.
        wait: Seconds to wait for others.
        needed: Raise where there is no lock file and none can be made (an archive). Otherwise nothing is locked then.
    """

    def __init__(self, folder: Path, wait: float, *, needed: bool = True) -> None:
        self._wait = wait
        self._turn, self._lock = _LockFile(folder / TURN, needed=needed), _LockFile(folder / LOCK, needed=needed)

    @property
    def is_there(self) -> bool:
        """Whether there is a file to lock."""
        return self._lock.open()

    def take(self, *, exclusive: bool) -> None:
        """Acquire the lock.

        Raises:
            TimeoutError: Others do not release it.
            OSError: It cannot be acquired.
        """
        until = monotonic() + self._wait
        try:
            self._turn.take(until, exclusive=True)
            self._lock.take(until, exclusive=exclusive)
        finally:
            self._turn.let_go()

    def let_go(self) -> None:
        """Release the lock."""
        self._lock.let_go()

    def close(self) -> None:
        """Close the files, and release the lock."""
        self._turn.close()
        self._lock.close()


class _LockFile:
    """A file that is locked as a whole. It is never removed: that would take the lock from its holders."""

    def __init__(self, path: Path, *, needed: bool) -> None:
        self._path, self._needed = path, needed
        self._file: int | None = None

    def open(self) -> bool:
        """Open the file, and make it where it is missing; return False where that fails and it is not needed."""
        if self._file is None:
            plain = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | plain, 0o666)
            except OSError:
                try:
                    # Another person's may be read only: where disks are local that is enough to lock it.
                    self._file = os.open(self._path, os.O_RDONLY | plain)
                except OSError:
                    if self._needed:
                        raise
        return self._file is not None

    def take(self, until: float, *, exclusive: bool) -> None:
        """Acquire the lock, or raise TimeoutError at a time of the monotonic clock."""
        if sys.platform == "win32":
            return
        pause = _SHORTEST
        while self.open():
            assert self._file is not None
            try:
                fcntl.flock(self._file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic() >= until:
                    raise TimeoutError from None
                sleep(random.uniform(0.5, 1.0) * pause)
                pause = min(2 * pause, _LONGEST)
                continue
            if self._is_at_its_path():
                return
            self.close()  # another file is there now: others lock that one

    def let_go(self) -> None:
        """Release the lock, also for processes that were forked meanwhile."""
        if sys.platform != "win32" and self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_at_its_path(self) -> bool:
        assert self._file is not None
        mine = os.fstat(self._file)
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return False
        return (mine.st_dev, mine.st_ino) == (status.st_dev, status.st_ino)
