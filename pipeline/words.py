"""Numbers and lists as a person reads them."""

import shlex
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from rainclean.errors import UsageError


def counted(number: int, thing: str) -> str:
    """``1 pair``, ``2 pairs``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def few(names: Sequence[str], most: int = 5) -> str:
    """The first of some names: ``a, b, c, …``."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def quoted(path: Path) -> str:
    """A path as it can be pasted into a command."""
    return shlex.quote(str(path))


def one_line(text: str, flag: str) -> str:
    """What a person said, as one line that everything can store: spaces of all kinds as one, accents composed.

    Raises UsageError for characters that stand for nothing to be read.
    """
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in line):
        raise UsageError(f"{flag} {text!a}: holds characters that are no text")
    return line
