"""Clips of a project: their identity, and the files that hold them now."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from pipeline.project.model import Clip
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.text_format import quoted
from pipeline.unchanged import Look, look
from rainclean.errors import InputError
from rainclean.file_names import is_passed_over
from rainclean.video import CONVERTED, SUFFIXES, FrameSource, check_name, images_in, open_source

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi"})

MIN_IMAGES = 10
"""Images that make a folder a clip where nobody named it: fewer are thumbnails, or the odd photograph."""

_SIMULATED = "truth.json"
_WRITTEN = frozenset({"report.json", "export.json", "project.sqlite"})  # of clean, export and new


def find_clips(path: Path) -> list[Path]:
    """Return the clips that a path stands for: a file itself, or what a folder holds.

    A folder with images and no videos is one clip. Any other folder gives the videos below it and each folder below
    it that holds at least MIN_IMAGES images and no video. What rainclean wrote is left out, except the rainy clips of
    `simulate`.

    Raises:
        InputError: There is no clip.
    """
    place = check_name(path)
    if place.is_file() or _images(place):
        return [place]
    result: list[Path] = []
    for folder in sorted(_folders_below(place)):
        result += _videos_in(folder) or ([folder] if _images(folder) >= MIN_IMAGES else [])
    if not result:
        raise InputError(path, "has no clip in it", f"a folder may hold {', '.join(sorted(VIDEO_SUFFIXES))} or images")
    return result


def content_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, or of a folder's images in their order: 64 hexadecimal digits.

    Raises:
        InputError: A file cannot be read.
    """
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
    """Return the bytes of a file and the time of its last change, ns; of a folder of images, sums over all of them.

    They are read fast, and a clip that was changed has others.
    """
    return look(path, sampled=False).trace


@dataclass(frozen=True)
class ClipPlace:
    """Where a clip is, as it is stored.

    Attributes:
        path: Absolute.
        relative: From the project's folder; "" where there is no such path (another drive).
        bytes: Size.
        modified_ns: Time of the last change, ns.
    """

    path: str
    relative: str
    bytes: int
    modified_ns: int

    @classmethod
    def from_path(cls, project: Project, path: Path) -> Self:
        """Return the place of a clip at a path."""
        absolute = path.resolve()
        size, modified = trace_of(absolute)
        try:
            relative = Path(os.path.relpath(absolute, project.folder)).as_posix()
        except ValueError:
            relative = ""
        return cls(str(absolute), relative, size, modified)

    def columns(self) -> dict[str, Any]:
        """Return its columns."""
        return asdict(self)


class Located(NamedTuple):
    """A clip that was found. look: its trace when it was found to be the same."""

    path: Path
    look: Look


def relink(project: Project, clip_id: int, path: Path, *, copied: bool = False) -> None:
    """Store where a clip is now. copied: whether that is a copy in the project's folder."""
    place = ClipPlace.from_path(project, path)
    with project.transaction():
        project.execute(
            "UPDATE clip SET path = ?, relative = ?, bytes = ?, modified_ns = ?, copied = ? WHERE id = ?",
            place.path, place.relative, place.bytes, place.modified_ns, copied, clip_id,
        )  # fmt: skip


def clip(project: Project, clip_id: int) -> Clip:
    """Return one clip by its id."""
    return Clip.from_row(project.rows("SELECT * FROM clip WHERE id = ?", clip_id)[0])


def clips(project: Project) -> list[Clip]:
    """Return all clips in the order in which they were added."""
    return [Clip.from_row(row) for row in project.rows("SELECT * FROM clip ORDER BY id")]


def locate(project: Project, wanted: Clip) -> Path:
    """Return where a clip is now: at its path, or at its place relative to the project.

    Raises:
        InputError: It is at neither, or was changed.
    """
    return located(project.folder, wanted).path


def located(folder: Path, wanted: Clip) -> Located:
    """Return where a clip of the project in a folder is now, as `locate`, with its trace when it was found.

    Raises:
        InputError: As `locate`.
    """
    changed = False
    for path in places(folder, wanted):
        if not path.exists():
            continue
        seen = look(path, sampled=False)
        if seen.trace == (wanted.bytes, wanted.modified_ns):
            return Located(path, seen)
        if seen.trace[0] == wanted.bytes and content_of(path) == wanted.content:
            return Located(path, seen)
        changed = True
    reason = "is not the file that was added" if changed else "is not there any more"
    advice = f"link it again: rainclean find {quoted(folder)} FILE-OR-FOLDER"
    raise InputError(wanted.path, reason, advice)


def places(folder: Path, wanted: Clip) -> Sequence[Path]:
    """Return the paths at which a clip of the project in a folder may be, the likeliest first."""
    relative = [folder / wanted.relative] if wanted.relative else []
    return [*relative, wanted.path] if wanted.copied else [wanted.path, *relative]


def open_clip(project: Project, wanted: Clip) -> FrameSource:
    """Open a clip wherever it is now, as `open_found`, and store that place where it is new.

    Raises:
        InputError: It cannot be found or opened, or has another size.
    """
    path = locate(project, wanted)
    new = str(path.resolve()) != str(wanted.path) or trace_of(path) != (wanted.bytes, wanted.modified_ns)
    if new and not project.read_only:
        relink(project, wanted.id, path, copied=wanted.copied)
    return open_found(path, wanted)


def open_found(path: Path, wanted: Clip) -> FrameSource:
    """Open a clip at the path where it was found.

    Frames are read as when it was added: an older rainclean did not apply colour profiles, and its clean images go with
    such rainy frames. A clip that it rotated otherwise is refused.

    Args:
        path: Where it is.
        wanted: The clip.

    Raises:
        InputError: It cannot be opened, or has another size.
    """
    source = open_source(path, salvage=wanted.salvage, as_stored=is_as_stored(wanted), matrix=wanted.matrix)
    size, then = (source.info.width, source.info.height), (wanted.width, wanted.height)
    if size != then:
        source.close()
        reason = f"is now read as {size[0]}×{size[1]} px; an older rainclean read it as {then[0]}×{then[1]}"
        raise InputError(path, reason, "add it to a new project")
    return source


def open_sequence(project: Project, sequence: ClipSequence) -> FrameSource:
    """Open the clip of a sequence, as `open_clip`.

    Raises:
        InputError: As `open_clip`, and where the clip no longer has the sequence's frames.
    """
    return with_frames_of(sequence, open_clip(project, clip(project, sequence.clip_id)))


def is_as_stored(wanted: Clip) -> bool:
    """Return whether colours of a clip are read without its colour profile, as when it was added."""
    return not any(CONVERTED in note for note in wanted.notes)


def with_frames_of(sequence: ClipSequence, source: FrameSource) -> FrameSource:
    """Return an open clip that has the frames of a sequence.

    Raises:
        InputError: It does not have them. It is closed then.
    """
    if sequence.stop > source.info.frame_count:
        source.close()
        reason = f"has {source.info.frame_count} frames now, but sequence {sequence.name} needs {sequence.stop}"
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
    """Return the number of images directly in a folder; 0 where there are videos, too."""
    if not folder.is_dir() or _videos_in(folder):
        return 0
    return sum(p.suffix.lower() in SUFFIXES and not is_passed_over(p.name) for p in folder.iterdir())
