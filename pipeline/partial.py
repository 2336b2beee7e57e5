"""What is written and has no name yet: hidden beside its place, and removed by the next one if its process was killed.

Whether a process is still at it is told by a lock on a file, which the system lets go of when the process ends in
whatever way. Numbers of processes would not tell: they come again, and other machines and containers have the same.
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
    """A lock of this process on a file that is made for it. Raises OSError.

    On a disk that knows no locks it is always had.
    """

    def __init__(self, path: Path) -> None:
        from filelock import (
            FileLock,  # not above: not all that writes a file needs it, and `status` shall answer at once
        )

        self._path, self._lock = path, FileLock(path)

    def take(self) -> bool:
        """Whether it could be had; does not wait."""
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            if error.errno not in _KNOWS_NO_LOCKS:
                raise
        return True

    def let_go(self, remove: bool = True) -> None:
        """Release it and remove its file."""
        if remove and os.name == "posix":  # while it is held: the file that is there later may be another one's
            self._path.unlink(missing_ok=True)
        self._lock.release()
        if remove and os.name != "posix":
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Gives the name of a file or folder in the folder of ``path``, which is to be made and to become ``path``.

    It is removed in the end, unless it has become that. Raises OSError.
    """
    if path.parent not in _swept:  # once: a folder may hold many thousand files
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
    """A name beside ``path`` that nobody else has, for what is written in a moment."""
    return path.with_name(f"{_PREFIX}{token_hex(8)}{_SUFFIX}")


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there; what a link leads to stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what processes have left that are no more."""
    for found in folder.glob(f"{_PREFIX}*{_LOCK}"):
        with suppress(OSError):
            lock = Lock(found)
            if lock.take():
                remove(found.with_suffix(_SUFFIX))
                lock.let_go()
