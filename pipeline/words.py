"""Numbers, lists and names as a person reads them, and text of any origin as a terminal may show it."""

import json
import os
import re
import shlex
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rainclean.errors import UsageError

_BREAKS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")
# Control characters, those that turn the direction of writing or have no width, and halves of characters, which stand
# for bytes of a file name that are no UTF-8. Joiners stay: scripts need them.
_STEERING = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def counted(number: int, thing: str) -> str:
    """``1 pair``, ``2 pairs``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def few(names: Sequence[str], most: int = 5) -> str:
    """The first of some names: ``a, b, c, …``."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def plain(text: str) -> str:
    """Text of any origin as one line that a terminal shows and is not steered by.

    Line ends become spaces, other characters that are not to be seen escapes such as ``\\x1b``.
    """
    return _STEERING.sub(_escaped, _BREAKS.sub(" ", text.strip("\n\r")).replace("\t", " ")).rstrip()


def columns(text: str) -> int:
    """Columns that a line takes on a terminal: letters of East Asia and most emoji take two, marks none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Me", "Cf") for c in text)


def as_json(document: Any, indent: int | None = None) -> str:
    """A document as JSON that a terminal shows and is not steered by; it says the same as the document."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    return _STEERING.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def quoted(path: Path | str) -> str:
    """A path as it can be pasted into a command."""
    text = str(path)
    if plain(text) == text:
        return shlex.quote(text)
    known = {ord("'"): "\\'", ord("\\"): "\\\\"}
    return "$'" + "".join(known.get(b, chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in os.fsencode(text)) + "'"


def one_line(text: str, flag: str) -> str:
    """What a person said, as one line that everything can store: spaces of all kinds as one, accents composed.

    Raises UsageError for characters that stand for nothing to be read.
    """
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in line):
        raise UsageError(f"{flag} {text!a}: holds characters that are no text")
    return line


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00  # the byte that it stands for
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
