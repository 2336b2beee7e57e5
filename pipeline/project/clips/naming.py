"""What sequences are called: the names of their files, in any script, as people and command lines can use them.

Files of a data set are not named by these: a layout numbers its own (`rainclean.dataset`).
"""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from rainclean.file_names import folded

_JOINERS = "\u200c\u200d"
"""Have no width and no meaning of their own, but shape letters (Persian, Indic scripts) and join emoji."""


def name_of(path: Path) -> str:
    """Return a name for a clip: its file's name, or its folder's where the file is called clip.mp4.

    Composed (NFC), without the extension. Spaces, and whatever means something to shells, file systems or the direction
    of writing, become "-" or go; letters, marks and signs of all scripts stay.
    """
    stem = path.stem if path.is_file() else path.name
    text = path.resolve().parent.name if path.is_file() and stem == "clip" else stem
    name = "".join(map(_name_character, unicodedata.normalize("NFC", text)))
    name = re.sub("[\\s-]*-[\\s-]*", "-", name).strip("-" + _JOINERS)
    while name and unicodedata.category(name[0]).startswith("M"):  # it would stand on what is written before
        name = name[1:].lstrip("-" + _JOINERS)
    return name or "clip"


def _name_character(character: str) -> str:
    """Return what a character of a file name becomes in a name."""
    if character.isascii():
        return character if character.isalnum() or character == "_" else "-"
    kind = unicodedata.category(character)
    if kind[0] == "C":
        return character if character in _JOINERS else ""
    # A wide slash or an ellipsis is ASCII to whatever composes it once more.
    wide = any(c.isascii() and not c.isalnum() for c in unicodedata.normalize("NFKC", character))
    return "-" if kind[0] == "Z" or wide else character


def looks(name: str) -> str:
    """Return a text that is the same for names which a person cannot tell apart."""
    plain = folded(unicodedata.normalize("NFKC", name))
    return "".join(c for c in plain if c not in _JOINERS and not 0xFE00 <= ord(c) <= 0xFE0F)


def unused(name: str, taken: Iterable[str]) -> str:
    """Return the name, with a number behind it where others look like it."""
    used = {looks(other) for other in taken}
    names = (name if n == 1 else f"{name}-{n}" for n in range(1, len(used) + 2))
    return next(n for n in names if looks(n) not in used)
