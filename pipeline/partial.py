"""Partial files: hidden beside their final place, and removed by the next process if theirs was killed.

A lock on a file shows that a process is still at work; the system releases it however the process ends. Process
numbers would not do: they are reused, and other machines and containers have the same.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

_PREFIX, _SUFFIX, _LOCK = ".rainclean-", ".partial", ".lock"
_KNOWS_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}

_swept: set[Path] = set()


class Lock:
    """A lock of this process on a file of its own. Raises OSError.

    On a file system without locks, it always succeeds.
    """

    def __init__(self, path: Path) -> None:
        from filelock import (
            FileLock,  # not above: not every writer needs it, and `status` must start fast
        )

        self._path, self._lock = path, FileLock(path)

    def take(self) -> bool:
        """Try to lock, without waiting; return whether it succeeded."""
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            if error.errno not in _KNOWS_NO_LOCKS:
                raise
        return True

    def let_go(self, *, remove: bool = True) -> None:
        """Release the lock and remove its file."""
        if remove and os.name == "posix":  # while it is held: later, the file may belong to another process
            self._path.unlink(missing_ok=True)
        self._lock.release()
        if remove and os.name != "posix":
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a name beside ``path`` for a file or folder to make and then rename to ``path``.

    It is removed in the end, unless it was renamed. Raises OSError.
    """
    if path.parent not in _swept:  # once, because a folder may hold many thousand files
        _swept.add(path.parent)
        _sweep(path.parent)
    partial = path.with_name(f"{_PREFIX}{token_hex(8)}{_SUFFIX}")
    lock = Lock(partial.with_suffix(_LOCK))
    lock.take()
    try:
        yield partial
    finally:
        remove(partial)
        lock.let_go()


def unique(path: Path) -> Path:
    """Return a unique name beside ``path``, for a file that is written at once."""
    return path.with_name(f"{_PREFIX}{token_hex(8)}{_SUFFIX}")


def remove(path: Path) -> None:
    """Remove a file or folder if it exists; the target of a link stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove leftovers of processes that ended."""
    for found in folder.glob(f"{_PREFIX}*{_LOCK}"):
        with suppress(OSError):
            lock = Lock(found)
            if lock.take():
                remove(found.with_suffix(_SUFFIX))
                lock.let_go()
