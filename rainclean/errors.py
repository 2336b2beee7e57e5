"""Errors that a person can act on. Each message is one line: what, what is wrong, what to do."""

from pathlib import Path
from unicodedata import category


class RaincleanError(Exception):
    """Something that the user can put right; its text is one line and needs no traceback."""


class InputError(RaincleanError):
    """A file or folder that cannot be used.

    ``path`` and ``reason`` are kept apart, so that a table or a window can show them in columns;
    ``advice`` says what to do about it.
    """

    def __init__(self, path: Path | str, reason: str, advice: str = "") -> None:
        self.path = Path(path)
        self.reason = reason
        self.advice = advice
        super().__init__(printable(f"{path}: {reason}" + (f"; {advice}" if advice else "")))


class StoreError(InputError):
    """The store of a project is damaged, empty, or another file than the one that was opened.

    Nothing can be done with the project, so that work in parts stops at it.
    """


class UsageError(RaincleanError):
    """A value that was asked for and cannot be meant, whatever the file; the command line exits with 2."""


class ResourceError(RaincleanError):
    """Too little memory or disk space for what was asked; as far as can be known, before the work starts."""


def printable(text: str) -> str:
    """A text in one line, whatever a file's name in it is made of: what cannot be printed is written as an escape.

    Spaces and joiners of other scripts stay.
    """
    return text if text.isprintable() else "".join(c if _is_printable(c) else ascii(c)[1:-1] for c in text)


def _is_printable(character: str) -> bool:
    return character.isprintable() or character in "\u200c\u200d" or category(character) == "Zs"
