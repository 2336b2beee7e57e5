"""Files in the folder of an export that no export wrote: an edited README.md, pictures for a page, files of the Hub."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.export.card import CARD
from pipeline.export.croissant import CROISSANT
from pipeline.export.licences import LICENCE
from pipeline.export.report import REPORT
from pipeline.export.sequence_tables import CREDITS, SEQUENCES
from pipeline.ownership import read_record
from pipeline.text_format import few
from rainclean.dataset import LAYOUTS, LISTS, NAME, PARQUET_NAME, Files, file_of, is_written_by_layout, read_manifest
from rainclean.errors import RaincleanError

EDITABLE = (CARD, LICENCE)
"""Files of an export that people may change or remove, beside previews."""

PREVIEW = "preview"
"""Folder of the previews."""

_TABLES = {REPORT, NAME, PARQUET_NAME, SEQUENCES, CREDITS, CROISSANT, *LISTS.values()}
_METADATA = re.compile(r"metadata-\w+\.(csv|parquet)")
_PREVIEW = re.compile(rf"{PREVIEW}/[\w-]+\.(webp|gif|mp4|jpg)")
_FOLDERS = {"real_world", "real_world_gt", "real_test_1000", "train", "val", "test", "exclude", "confidence"}
"""Folders that trainers list."""


@dataclass
class ForeignFiles:
    """Files that no export wrote, as names below the folder.

    Attributes:
        in_the_way: A trainer would read them, or an export needs their names.
        edited: `EDITABLE` files with other content than the export wrote.
        added: All others.
        empty_folders: Folders without anything in them, which git has.
    """

    in_the_way: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    empty_folders: list[str] = field(default_factory=list)

    @property
    def kept(self) -> list[str]:
        """Files that a new export leaves as they are."""
        return self.edited + self.added

    def notes(self) -> Iterator[str]:
        """Yield lines on what is kept."""
        if self.edited:
            yield f"edited by a person, so kept: {few(self.edited)}"
        if self.added:
            yield f"not written by rainclean, kept: {few(self.added)}"


def is_editable(name: str) -> bool:
    """Return whether people may change or remove a file of an export: the card, the licence, a preview."""
    return name in EDITABLE or _PREVIEW.fullmatch(name) is not None


def find_foreign(folder: Path, new: Path | None = None) -> ForeignFiles:
    """Find the files of an export's folder that no export wrote. In a folder without an export, all are in the way.

    new: the data set that will replace it, whose folders must be free.
    """
    found = ForeignFiles()
    if not folder.exists():
        return found
    report = _report(folder)
    ours = _written(folder, report)
    folders = _FOLDERS | {name.split("/")[0] for name in ours if "/" in name and not _PREVIEW.fullmatch(name)}
    if new is not None:
        folders |= {path.name for path in new.iterdir() if path.is_dir() and path.name != PREVIEW}
    for name in Files(folder).names():
        path = folder / name
        if name == REPORT or name in ours:
            if path.is_symlink():
                found.in_the_way.append(name)
            elif is_editable(name) and _sum(path) != report["files"][name]:
                found.edited.append(name)
        elif not report or _is_reserved(name) or name.split("/")[0] in folders:
            found.in_the_way.append(name)
        elif name in EDITABLE:
            found.edited.append(name)
        else:
            found.added.append(name)
    found.empty_folders = list(_empty_folders(folder, folders))
    return found


def carry_all(found: ForeignFiles, source: Path, target: Path) -> None:
    """Give everything that is kept a second place, in another folder. Raises OSError."""
    for name in found.kept:
        carry(source / name, target / name)
    for name in found.empty_folders:
        (target / name).mkdir(parents=True, exist_ok=True)


def carry(source: Path, target: Path) -> None:
    """Give a file a second place, in place of what is there: as a hard link where the disk has them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() or target.is_symlink():
        target.unlink()
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _report(folder: Path) -> dict[str, Any]:
    """Return the report of a finished export, {} where there is none."""
    report = read_record(folder / REPORT)
    sound = {"rainclean", "settings", "pairs"} <= report.keys() and isinstance(report.get("files"), dict)
    return report if sound else {}


def _is_reserved(name: str) -> bool:
    return name in _TABLES or _METADATA.fullmatch(name) is not None


def _written(folder: Path, report: dict[str, Any]) -> set[str]:
    """Return the files that a finished export lists, of the kinds that exports write."""
    if not report:
        return set()
    names = {name for name in report["files"] if _is_reserved(name) or is_editable(name)}
    try:
        rows = read_manifest(folder / NAME)
    except RaincleanError:
        # Its manifest is damaged: count pictures at the places of pairs as its own.
        return names | {name for name in Files(folder).names() if is_written_by_layout(name)}
    for row in rows:
        pictures = (file_of(folder / name) for name in (row.rainy, row.clean, row.exclude, row.confidence) if name)
        files = (path.relative_to(folder).as_posix() for path in pictures)
        names |= {name for name in files if is_written_by_layout(name)}
    names |= {name for name in report["files"] if is_written_by_layout(name)}
    used = LAYOUTS.get(str(report["settings"].get("layout")))
    return names | (set(used.lists(rows)) & report["files"].keys() if used is not None else set())


def _empty_folders(root: Path, without: set[str]) -> Iterator[str]:
    """Yield the empty folders below a root, as names; without: folders at the root that are left out."""
    for place, folders, files in os.walk(root):
        if place == str(root):
            folders[:] = [name for name in folders if name not in without]
        elif not folders and not files:
            yield Path(place).relative_to(root).as_posix()


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
