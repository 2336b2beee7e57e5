"""Define errors that a person can act on. Each message is one line: what happened, why, what to do."""

from pathlib import Path
from unicodedata import category


class RaincleanError(Exception):
    """Something that the user can fix; its text is one line and needs no traceback."""


class InputError(RaincleanError):
    """A file or folder that cannot be used.

    Attributes:
        path: of the file or folder.
        reason: what is wrong; apart from the path, so that a table or a window can show both in columns.
        advice: what to do about it, or "".
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
    """A value that is invalid whatever the file; the command line exits with 2."""


class ResourceError(RaincleanError):
    """Too little memory or disk space for what was asked; raised before the work starts where that is known."""


def printable(text: str) -> str:
    """Write a text in one line, whatever a file name in it contains: what cannot be printed becomes an escape.

    Spaces and joiners of other scripts stay.

    Example:
        >>> printable("a" + chr(10) + "b")
        'a\\\\nb'
    """
    return text if text.isprintable() else "".join(c if _is_printable(c) else ascii(c)[1:-1] for c in text)


def _is_printable(character: str) -> bool:
    return character.isprintable() or character in "\u200c\u200d" or category(character) == "Zs"
