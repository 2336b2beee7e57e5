"""Format numbers, lists and names for a person, and make text of any origin safe for a terminal."""

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
# Control characters, characters that change the writing direction or have no width, and lone surrogates, which stand
# for bytes of a file name that are not UTF-8. Joiners stay: scripts need them.
_STEERING = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def counted(number: int, thing: str) -> str:
    """Return a number with its noun: ``1 pair``, ``2 pairs``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def size_in_words(size: float) -> str:
    """Return a size such as ``873 kB``, ``3.4 MB`` or ``21 GB``; units are powers of 1000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.1f} {unit}" if unit in ("MB", "GB") and size < 9.95 else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def few(names: Sequence[str], most: int = 5) -> str:
    """Return the first of some names: ``a, b, c, …``."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def plain(text: str) -> str:
    """Return text of any origin as one line without control characters.

    Line ends become spaces; other invisible characters become escapes such as ``\\x1b``.
    """
    return _STEERING.sub(_escaped, _BREAKS.sub(" ", text.strip("\n\r")).replace("\t", " ")).rstrip()


def columns(text: str) -> int:
    """Return the columns of a line on a terminal: East Asian letters and most emoji take two, marks none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.category(c) in ("Mn", "Me", "Cf") for c in text)


def as_json(document: Any, indent: int | None = None) -> str:
    """Return a document as equivalent JSON without control characters."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    return _STEERING.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def quoted(path: Path | str) -> str:
    """Return a path quoted for a shell."""
    text = str(path)
    if plain(text) == text:
        return shlex.quote(text)
    known = {ord("'"): "\\'", ord("\\"): "\\\\"}
    return "$'" + "".join(known.get(b, chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in os.fsencode(text)) + "'"


def one_line(text: str, flag: str) -> str:
    """Return text of a person as one line: runs of spaces become one, accents are composed.

    Raises UsageError for characters that are not text.
    """
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in line):
        raise UsageError(f"{flag} {text!a}: holds characters that are not text")
    return line


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00  # the byte that it encodes
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
