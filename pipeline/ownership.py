"""Files in a folder that rainclean may replace or remove: those that its record lists, unchanged, inside the folder.

Anybody may have written or copied a record. So its names count only where they are plain, of a form that the command
writes, and lead through no link.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rainclean.dataset import is_relative

_LONGEST = 1 << 26
"""Largest size of a record, bytes."""


@dataclass(frozen=True)
class Mark:
    """Identity of a file: bytes, time of the last change in ns, inode."""

    size: int
    modified_ns: int
    inode: int


def mark(path: Path) -> Mark | None:
    """Return the mark of a plain file; None for a missing file, a link or a folder."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return Mark(found.st_size, found.st_mtime_ns, found.st_ino) if _is_plain_file(path) else None


def is_contained(root: Path, name: str) -> bool:
    """Return whether a name stays inside a folder and goes through no link; the file need not exist."""
    if not is_relative(name):
        return False
    place = root
    for part in name.split("/"):
        place = place / part
        if place.is_symlink():
            return False
    # Python 3.11 does not see Windows junctions as links, but they lead elsewhere when resolved.
    wanted = Path(os.path.realpath(root), *name.split("/"))
    return os.path.normcase(os.path.realpath(place)) == os.path.normcase(wanted)


def read_record(path: Path) -> dict[str, Any]:
    """Read a record as JSON; {} for anything but an object in a plain file of moderate size."""
    try:
        if not _is_plain_file(path) or path.stat().st_size > _LONGEST:
            return {}
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits; "" where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
