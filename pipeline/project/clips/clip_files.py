"""Clips of a project: what identifies them, and where they are now."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.project.model import Clip
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.unchanged import Look, look
from pipeline.words import quoted
from rainclean.errors import InputError
from rainclean.file_names import is_passed_over
from rainclean.video import CONVERTED, SUFFIXES, FrameSource, check_name, images_in, open_source

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi"})

FEWEST_IMAGES = 10
"""Images that make a folder a clip where nobody named it: fewer are thumbnails, or the odd photograph."""

_SIMULATED = "truth.json"
_WRITTEN = frozenset({"report.json", "export.json", "project.sqlite"})  # of clean, export and new


def find_clips(path: Path) -> list[Path]:
    """The clips that a path stands for: a file is itself, a folder what lies in it.

    A folder with images and no videos is one clip. Any other folder gives the videos below it and each folder below
    it that holds at least FEWEST_IMAGES images and no video. What rainclean wrote is passed over, but for the rainy
    clips of `simulate`. Raises InputError where there is nothing.
    """
    place = check_name(path)
    if place.is_file() or _images(place):
        return [place]
    found: list[Path] = []
    for folder in sorted(_folders_below(place)):
        found += _videos_in(folder) or ([folder] if _images(folder) >= FEWEST_IMAGES else [])
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
    """(bytes, time of the last change in ns) of a file; of a folder of images, bytes and a sum over all of them.

    A clip that was changed changes these, and looking at them is quick.
    """
    return look(path, sampled=False).trace


def place_of(project: Project, path: Path) -> dict[str, Any]:
    """Columns of a clip that say where it is; the relative path is "" where there is none (another drive)."""
    absolute = path.resolve()
    size, modified = trace_of(absolute)
    try:
        relative = Path(os.path.relpath(absolute, project.folder)).as_posix()
    except ValueError:
        relative = ""
    return {"path": str(absolute), "relative": relative, "bytes": size, "modified_ns": modified}


def relink(project: Project, clip_id: int, path: Path, copied: bool = False) -> None:
    """Note where a clip is now."""
    place = place_of(project, path)
    with project.transaction():
        project.execute(
            "UPDATE clip SET path = ?, relative = ?, bytes = ?, modified_ns = ?, copied = ? WHERE id = ?",
            place["path"], place["relative"], place["bytes"], place["modified_ns"], copied, clip_id,
        )  # fmt: skip


def clip(project: Project, clip_id: int) -> Clip:
    """One clip by its id."""
    return Clip.of(project.rows("SELECT * FROM clip WHERE id = ?", clip_id)[0])


def clips(project: Project) -> list[Clip]:
    """All clips in the order in which they were added."""
    return [Clip.of(row) for row in project.rows("SELECT * FROM clip ORDER BY id")]


def locate(project: Project, wanted: Clip) -> Path:
    """Where a clip is now: at its path, or as it was beside the project.

    Raises InputError where it is neither, or is no longer the same.
    """
    return located(project, wanted)[0]


def located(project: Project, wanted: Clip) -> tuple[Path, Look]:
    """As `locate`, with what it was when it was found to be the same."""
    changed = False
    for path in places(project, wanted):
        if not path.exists():
            continue
        found = look(path, sampled=False)
        if found.trace == (wanted.bytes, wanted.modified_ns):
            return path, found
        if found.trace[0] == wanted.bytes and content_of(path) == wanted.content:
            return path, found
        changed = True
    reason = "is another file than the one that was added" if changed else "is not there any more"
    advice = f"give its new place: rainclean add {quoted(project.folder)} FILE-OR-FOLDER"
    raise InputError(wanted.path, reason, advice)


def places(project: Project, wanted: Clip) -> Sequence[Path]:
    """Paths at which a clip may be, the likeliest first."""
    beside = [project.folder / wanted.relative] if wanted.relative else []
    return [*beside, wanted.path] if wanted.copied else [wanted.path, *beside]


def open_clip(project: Project, wanted: Clip) -> FrameSource:
    """Open a clip wherever it is now, and note that place where it is new. Raises InputError.

    Frames are those that were there when it was added: an older rainclean left colour profiles alone, and its clean
    images go with such rainy ones. Where it turned pictures otherwise, the clip is refused.
    """
    path = locate(project, wanted)
    new = str(path.resolve()) != str(wanted.path) or trace_of(path) != (wanted.bytes, wanted.modified_ns)
    if new and not project.read_only:
        relink(project, wanted.id, path, wanted.copied)
    as_stored = not any(CONVERTED in note for note in wanted.notes)
    source = open_source(path, salvage=wanted.salvage, as_stored=as_stored, matrix=wanted.matrix)
    size, then = (source.info.width, source.info.height), (wanted.width, wanted.height)
    if size != then:
        source.close()
        reason = f"is read as {size[0]}×{size[1]} px, an older rainclean read it as {then[0]}×{then[1]}"
        raise InputError(path, reason, "add it to a new project")
    return source


def open_sequence(project: Project, sequence: ClipSequence) -> FrameSource:
    """Open the clip of a sequence, as `open_clip`. Raises InputError where it no longer has the sequence's frames."""
    source = open_clip(project, clip(project, sequence.clip_id))
    if sequence.stop > source.info.frame_count:
        source.close()
        reason = f"has {source.info.frame_count} frames now, sequence {sequence.name} needs {sequence.stop}"
        raise InputError(source.info.path, reason, "add the clip to a new project")
    return source


def _folders_below(folder: Path) -> Iterator[Path]:
    for name, subfolders, files in os.walk(folder):
        if _WRITTEN.intersection(files):
            subfolders.clear()
            continue
        subfolders[:] = [s for s in subfolders if not is_passed_over(s)]
        yield Path(name)


def _videos_in(folder: Path) -> list[Path]:
    videos = sorted(
        p for p in folder.iterdir()
        if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file() and not is_passed_over(p.name)
    )  # fmt: skip
    return [p for p in videos if p.stem == "clip"] if (folder / _SIMULATED).is_file() else videos


def _images(folder: Path) -> int:
    """Number of images directly in a folder; 0 where there are videos beside them."""
    if not folder.is_dir() or _videos_in(folder):
        return 0
    return sum(p.suffix.lower() in SUFFIXES and not is_passed_over(p.name) for p in folder.iterdir())
