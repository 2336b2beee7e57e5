"""Problems of an exported data set, one line each."""

from dataclasses import dataclass
from enum import StrEnum

from rainclean.errors import printable


class Kind(StrEnum):
    """Kinds of damage. The first group keeps a data set from being read; the second breaks other readers.

    The third can only be found with the manifest (`verification`).
    """

    MISSING_LIST = "missing-list"
    BAD_LINE = "bad-line"
    MISSING_FILE = "missing-file"
    UNPAIRED = "unpaired"

    LAST_NEWLINE = "last-newline"
    CRLF = "crlf"
    SPACE = "space"
    BLANK_LINE = "blank-line"
    SLASH = "slash"
    OTHER_ROOT = "other-root"
    REPEATED_LINE = "repeated-line"
    STEMS = "stems"
    BYTE_ORDER_MARK = "byte-order-mark"
    BACKSLASH = "backslash"
    SPELLING = "spelling"
    NOT_LISTED = "not-listed"
    EXTENSIONS = "extensions"
    UNSAFE_NAME = "unsafe-name"
    DUPLICATE_STEM = "duplicate-stem"

    EXTRA_FILE = "extra-file"
    ADDED = "added"
    MOVED = "moved"
    OUTSIDE = "outside"
    DUPLICATE_ROW = "duplicate-row"
    UNDECODABLE = "undecodable"
    SIZE = "size"
    FORMAT = "format"
    RE_ENCODED = "re-encoded"
    CHANGED = "changed"
    PIXELS = "pixels"
    SWAPPED = "swapped"
    EXCHANGED = "exchanged"
    OTHER_SPLIT = "other-split"
    SCENE_SPLIT = "scene-split"
    COUNT = "count"
    DAMAGED = "damaged"


HARMLESS = frozenset({Kind.ADDED})
"""Kinds that are no damage: files that people put beside the pairs."""

BLOCKING = frozenset({Kind.MISSING_LIST, Kind.BAD_LINE, Kind.MISSING_FILE, Kind.UNPAIRED})
"""Kinds that keep a data set, or a pair of it, from being read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem.

    path: the file, relative to the root of the data set. text: what is wrong and what to do, one line without the path.
    about: further files that it explains; less specific problems of these are not reported.
    """

    path: str
    kind: Kind
    text: str
    about: tuple[str, ...] = ()

    def __str__(self) -> str:
        return printable(f"{self.path or '.'}: {self.text}")
