"""Locks of long work: one process at a time is at work of one kind on a project."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rainclean.errors import RaincleanError, ResourceError


@contextmanager
def job_lock(folder: Path, name: str) -> Iterator[None]:
    """Hold long work of one kind for this process; it is free again however the process ends.

    Raises RaincleanError where another process is at it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / f".{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RaincleanError(f"{folder}: another rainclean is running `{name}` on this project; wait for it") from None
    except OSError as error:
        raise ResourceError(f"{error.filename or folder}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
