"""The border around one thing among several: whatever goes wrong with it is told in one line, and the rest goes on."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.words import plain
from rainclean.errors import RaincleanError, StoreError, UsageError

DEBUG = "RAINCLEAN_DEBUG"
"""Environment variable: with any value, errors that nobody expected are raised with all that Python says of them."""


@contextmanager
def border(
    thing: Path | str, note: Callable[[str], object], through: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """What the block raises is noted, one line, and the work goes on behind the block.

    thing: the file or sequence that the block is about. Noted are errors that a person can act on, those of the
    system, of decoders and of memory, and programming errors by their kind (see `told`). Raised further are
    UsageError, StoreError and errors of the kinds ``through``, which are no single thing's fault, what interrupts the
    program, and with RAINCLEAN_DEBUG errors that nobody expected.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (UsageError, StoreError, *through)) or (os.environ.get(DEBUG) and not _is_expected(error)):
            raise
        note(told(error, thing))


def told(error: Exception, thing: Path | str = "") -> str:
    """An error in one line. thing: what it is about, where the error itself does not say."""
    if isinstance(error, RaincleanError):
        return plain(str(error))
    about = f"{thing}: " if str(thing) else ""
    if isinstance(error, MemoryError):
        return plain(f"{about}there is not enough memory for it; close other programs, or use smaller pictures")
    if reason := _reason(error):
        where = getattr(error, "filename", None)
        return plain((f"{where}: " if isinstance(where, str) and where else about or "output: ") + reason)
    kind = type(error).__name__
    return plain(f"{about}unexpected {kind}: {error}; {DEBUG}=1 shows where, please report it")


def _is_expected(error: Exception) -> bool:
    return isinstance(error, RaincleanError | MemoryError) or bool(_reason(error))


def _reason(error: Exception) -> str:
    """What the system or FFmpeg says; "" for errors of other kinds."""
    return str(getattr(error, "strerror", None) or "")
