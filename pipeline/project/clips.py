"""Clips of a project: what identifies them, and where they are now."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.project.model import Clip
from pipeline.project.store import Project
from rainclean.errors import InputError
from rainclean.video import FrameSource, open_source
from rainclean.video.images import images_in
from rainclean.video.limits import check_name
from rainclean.video.pictures import SUFFIXES

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi"})

_SIMULATED = "truth.json"


def find_clips(path: Path) -> list[Path]:
    """The clips that a path stands for: a file is itself, a folder what lies in it.

    A folder with images and no videos is one clip. Any other folder gives the videos below it, or, where there
    are none, each folder of images below it. Of a folder that `simulate` wrote, the rainy clip alone is taken.
    Raises InputError where there is nothing.
    """
    place = check_name(path)
    if place.is_file() or _holds_images(place):
        return [place]
    folders = sorted(_folders_below(place))
    videos = [video for folder in folders for video in _videos_in(folder)]
    found = videos or [folder for folder in folders if _holds_images(folder)]
    if not found:
        raise InputError(path, "no clip in this folder", f"it may hold {', '.join(sorted(VIDEO_SUFFIXES))} or images")
    return found


def content_of(path: Path) -> str:
    """SHA-256 of a file's bytes, or of a folder's images in their order; 64 hexadecimal digits."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        whole = hashlib.sha256(b"images")
        for image in images_in(path)[0]:
            with image.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        return whole.hexdigest()
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}") from error


def trace_of(path: Path) -> tuple[int, int]:
    """(bytes, time of the last change in ns) of a file, or over a folder's images: a changed clip changes these."""
    try:
        stats = [p.stat() for p in ([path] if path.is_file() else images_in(path)[0])]
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}") from error
    return sum(s.st_size for s in stats), max(s.st_mtime_ns for s in stats)


def place_of(project: Project, path: Path) -> dict[str, Any]:
    """Columns of a clip that say where it is; the relative path is "" where there is none (another drive)."""
    absolute = path.resolve()
    size, modified = trace_of(absolute)
    try:
        relative = Path(os.path.relpath(absolute, project.folder)).as_posix()
    except ValueError:
        relative = ""
    return {"path": str(absolute), "relative": relative, "bytes": size, "modified_ns": modified}


def relink(project: Project, clip_id: int, path: Path) -> None:
    """Note where a clip is now."""
    place = place_of(project, path)
    with project.transaction():
        project.execute(
            "UPDATE clip SET path = ?, relative = ?, bytes = ?, modified_ns = ?, copied = 0 WHERE id = ?",
            place["path"], place["relative"], place["bytes"], place["modified_ns"], clip_id,
        )  # fmt: skip


def clip(project: Project, clip_id: int) -> Clip:
    """One clip by its id."""
    return _clip(project.rows("SELECT * FROM clip WHERE id = ?", clip_id)[0])


def clips(project: Project) -> list[Clip]:
    """All clips in the order in which they were added."""
    return [_clip(row) for row in project.rows("SELECT * FROM clip ORDER BY id")]


def locate(project: Project, wanted: Clip) -> Path:
    """Where a clip is now; a clip that was moved together with the project is noted at its new place.

    Raises InputError where it is neither at its path nor beside the project as before, or is no longer the same.
    """
    changed = False
    for path in places(project, wanted):
        if not path.exists():
            continue
        size, modified = trace_of(path)
        if (size, modified) == (wanted.bytes, wanted.modified_ns):
            return path
        if size == wanted.bytes and content_of(path) == wanted.content:
            if not wanted.copied:
                relink(project, wanted.id, path)
            return path
        changed = True
    reason = "is another file than the one that was added" if changed else "is not there any more"
    advice = f"give its new place: rainclean add {project.folder} FILE-OR-FOLDER"
    raise InputError(wanted.path, reason, advice)


def places(project: Project, wanted: Clip) -> Sequence[Path]:
    """Paths at which a clip may be, the likeliest first."""
    beside = [project.folder / wanted.relative] if wanted.relative else []
    return [*beside, wanted.path] if wanted.copied else [wanted.path, *beside]


def open_clip(project: Project, wanted: Clip) -> FrameSource:
    """Open a clip wherever it is now. Raises InputError."""
    return open_source(locate(project, wanted), salvage=wanted.salvage)


def _clip(row: Any) -> Clip:
    values = dict(row)
    values["path"] = Path(values["path"])
    values["copied"], values["salvage"] = bool(values["copied"]), bool(values["salvage"])
    values["notes"] = tuple(json.loads(values["notes"]))
    return Clip(**values)


def _folders_below(folder: Path) -> Iterator[Path]:
    for name, subfolders, _ in os.walk(folder):
        subfolders[:] = [s for s in subfolders if not s.startswith(".")]
        yield Path(name)


def _videos_in(folder: Path) -> list[Path]:
    videos = sorted(
        p for p in folder.iterdir()
        if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file() and not p.name.startswith(".")
    )  # fmt: skip
    return [p for p in videos if p.stem == "clip"] if (folder / _SIMULATED).is_file() else videos


def _holds_images(folder: Path) -> bool:
    if not folder.is_dir() or _videos_in(folder):
        return False
    return any(p.suffix.lower() in SUFFIXES and not p.name.startswith(".") for p in folder.iterdir())
