"""Errors of one item among several: note them in one line each, and go on with the others."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.text_format import plain
from rainclean.environment import DEBUG
from rainclean.errors import RaincleanError, StoreError, UsageError


@contextmanager
def border(
    thing: Path | str, note: Callable[[str], object], through: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Note an error of the block in one line, and go on behind the block.

    UsageError and StoreError pass, because no single item causes them; so do interrupts and, with RAINCLEAN_DEBUG,
    unexpected errors.

    Args:
        thing: The file or sequence that the block is about.
        note: Called with the line (see `told`).
        through: Further kinds of errors that pass.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (UsageError, StoreError, *through)) or (os.environ.get(DEBUG) and not _is_expected(error)):
            raise
        note(told(error, thing))


def told(error: Exception, thing: Path | str = "") -> str:
    """Return an error in one line. thing: what it is about, where the error does not say."""
    if isinstance(error, RaincleanError):
        return plain(str(error))
    error = of_system(error)
    about = f"{thing}: " if str(thing) else ""
    if isinstance(error, MemoryError):
        return plain(f"{about}not enough memory; close other programs, or use smaller images")
    if isinstance(error, UnicodeEncodeError):
        return plain(f"{about}{error.object[:80]!a} holds bytes that are not UTF-8; type it again, or rename it")
    if reason := _reason(error):
        where = getattr(error, "filename", None)
        return plain((f"{where}: " if isinstance(where, str) and where else about or "output: ") + reason)
    kind = type(error).__name__
    return plain(f"{about}unexpected {kind}: {error}; please report it ({DEBUG}=1 shows the traceback)")


def of_system(error: Exception) -> Exception:
    """Return the error of the system behind that of pathlib about links in a circle; any other error itself."""
    cause = error.__context__
    is_circle = isinstance(error, RuntimeError) and isinstance(cause, OSError) and cause.errno == errno.ELOOP
    return cause if is_circle and isinstance(cause, OSError) else error


def _is_expected(error: Exception) -> bool:
    return isinstance(error, RaincleanError | MemoryError | UnicodeEncodeError) or bool(_reason(of_system(error)))


def _reason(error: Exception) -> str:
    """Return the message of the system or FFmpeg; "" for errors of other kinds."""
    return str(getattr(error, "strerror", None) or "")
