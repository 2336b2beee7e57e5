"""Keep the index of a large data set, so that it is made once: valid as long as no folder and no list changes.

The index is a file in a folder of the person's own (`CACHE` names another one). Pictures can be written again without
making it invalid: it holds their names, and checks the sizes that it holds against the files.
"""

import hashlib
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np

from rainclean import __version__
from rainclean.dataset.columns import Columns, StoredColumns, Texts, open_columns, texts, write_columns
from rainclean.environment import CACHE

SMALLEST = 10_000
"""Pairs from which on an index is kept; fewer are found in a moment."""

MOST_FILES = 16
"""Indexes that are kept; the one that was not used for the longest time goes first."""

_SETTLED_NS = 2_000_000_000
"""Age of the latest change of a folder from which on a further change gives it another time."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What an index was made from.

    Attributes:
        root: Folder of the data set.
        asked: What decides the pairs besides the folder: the pairing, as JSON values.
        folders: Listed folders below the root with their modification times (ns), -1 for a missing one.
        contents: Files that were read whole, below the root or absolute.
        started: When its folders began to be listed, ns since 1970.
    """

    root: Path
    asked: dict[str, str]
    folders: dict[str, int]
    contents: tuple[str, ...]
    started: int


def cache_folder() -> Path:
    """Return the folder of what rainclean can make again; it may be missing."""
    if own := os.environ.get(CACHE):
        return Path(own)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "rainclean" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "rainclean"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "rainclean"


def load(root: Path, asked: dict[str, str]) -> StoredColumns | None:
    """Return the kept index of a data set, None where there is none or the data set has changed."""
    path = _path(root, asked)
    try:
        stored = open_columns(path)
        folders = Texts(stored.further["folders.data"], stored.further["folders.stops"])
        times = stored.further["folders.times"].tolist()
        if any(_time(root / name) != known for name, known in zip(folders, times, strict=True)):
            return None
        if any(_sum(root / name) != known for name, known in stored.facts["contents"].items()):
            return None
    except (OSError, ValueError, KeyError, TypeError):  # missing, damaged, or of another version
        return None
    with suppress(OSError):
        os.utime(path)
    return stored


def keep(source: Source, columns: Columns, facts: dict[str, Any]) -> Columns:
    """Keep an index if it is large, and nothing changed while it was made or just before.

    Args:
        source: What it was made from.
        columns: The pairs.
        facts: JSON values to keep with it.

    Returns:
        The same columns, mapped from the file if they were kept.
    """
    if len(columns.rainy) < SMALLEST:
        return columns
    latest = max(*source.folders.values(), *(_time(source.root / name) for name in source.contents), 0)
    if latest > source.started - _SETTLED_NS:
        return columns
    names = texts(source.folders)
    further = {
        "folders.data": names.data,
        "folders.stops": names.stops,
        "folders.times": np.fromiter(source.folders.values(), np.int64, len(source.folders)),
    }
    sums = {name: _sum(source.root / name) for name in source.contents}
    path = _path(source.root, source.asked)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=".partial-", delete=False) as file:
            partial = Path(file.name)
        try:
            write_columns(partial, columns, further, {**facts, "contents": sums})
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        _tidy(path.parent)
        return open_columns(path).columns
    except (OSError, ValueError):  # a full disk, or a folder that cannot be written: the index is made again next time
        return columns


def _path(root: Path, asked: dict[str, str]) -> Path:
    key = json.dumps([__version__, str(root.resolve()), asked], sort_keys=True)
    name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return cache_folder() / "datasets" / f"{name}.pairs"


def _tidy(folder: Path) -> None:
    files = sorted(folder.glob("*.pairs"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[MOST_FILES:]:
        path.unlink(missing_ok=True)


def _time(path: Path) -> int:
    """Return the modification time of a folder or file in ns, -1 where it is missing."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return -1


def _sum(path: Path) -> str:
    """Return the SHA-256 of a file, "" where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
