"""What in a folder is ours to replace or to remove: what our own record names, is still as we wrote it, and lies in it.

A record is a file that anybody may have written or copied there: names in it are believed only where they are plain,
of a form that the command writes, and lead through no link.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rainclean.dataset import is_relative

_LONGEST = 1 << 26
"""Bytes of a record above which it is none of ours."""


@dataclass(frozen=True)
class Mark:
    """What tells a file from another one that takes its place: bytes, time of the last change in ns, inode."""

    size: int
    modified_ns: int
    inode: int


def mark(path: Path) -> Mark | None:
    """Of a plain file; None for what is not there, a link, or a folder."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return Mark(found.st_size, found.st_mtime_ns, found.st_ino) if _is_plain_file(path) else None


def is_contained(root: Path, name: str) -> bool:
    """Whether a name below a folder stays in it and goes through no link, whether there is such a file or not."""
    if not is_relative(name):
        return False
    place = root
    for part in name.split("/"):
        place = place / part
        if place.is_symlink():
            return False
    # Junctions of Windows are no links to Python 3.11, but lead elsewhere when resolved.
    wanted = Path(os.path.realpath(root), *name.split("/"))
    return os.path.normcase(os.path.realpath(place)) == os.path.normcase(wanted)


def read_record(path: Path) -> dict[str, Any]:
    """A record as JSON gives it; {} for what is no object, no plain file, or too long."""
    try:
        if not _is_plain_file(path) or path.stat().st_size > _LONGEST:
            return {}
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def sha256(path: Path) -> str:
    """Of a file's bytes, 64 hexadecimal digits; "" where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
