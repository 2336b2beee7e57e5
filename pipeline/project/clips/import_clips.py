"""The stage behind ``rainclean add``: clips are added to a project, each as one sequence a shot."""

import errno
import json
import shutil
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.border import border
from pipeline.partial import beside
from pipeline.project.clips.clip_files import ClipPlace, content_of, find_clips, locate, relink
from pipeline.project.clips.clip_files import clip as clip_by_id
from pipeline.project.clips.naming import name_of, unused
from pipeline.project.clips.properties import set_removed
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.journals import person
from pipeline.project.model import Clip, SceneBy
from pipeline.project.storage import CLIPS, Project, now
from pipeline.stages import Progress, part_of
from pipeline.text_format import counted, one_line
from pipeline.unchanged import look, unchanged
from rainclean.dataset import scene_similarity
from rainclean.errors import InputError, RaincleanError, ResourceError
from rainclean.video import FrameSource, open_source, scene_cuts, thumbnail

U8 = NDArray[np.uint8]

Likeness = dict[int, float]
"""How much a shot looks like sequences, by their ids."""

_COLOUR_NOTES = ("colour profile", "colour matrix", "HDR", "Dolby Vision")
"""Words of notes that a person should read before the work begins."""

MIN_FRAMES = 2
"""Frames that a shot must have to become a sequence: a temporal prior needs two."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What is known of clips when they are added. It is exported with the data; "" where nothing is known."""

    scene: str = ""
    source: str = ""
    author: str = ""
    licence: str = ""
    consent: str = ""
    notes: str = ""


@dataclass(kw_only=True)
class Added:
    """What became of paths that were to be added.

    Attributes:
        asked: Number of clips that the paths stood for, and of paths without a clip.
        sequences: Names of new sequences.
        relinked: A line on each known clip that was found at a new place.
        known: A line on each clip that the project has already.
        returned: A line on each clip whose removed sequences are back.
        failed: A line on each clip or path that could not be added.
        notes: What a person should know.
    """

    asked: int = 0
    sequences: list[str] = field(default_factory=list)
    relinked: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def extend(self, one: "Added") -> None:
        """Add what became of one clip, once it is on disk."""
        for part in ("sequences", "relinked", "known", "returned", "notes"):
            getattr(self, part).extend(getattr(one, part))


@dataclass(frozen=True)
class _Shot:
    """Frames ``first`` to ``stop`` − 1 of a clip. background: reduced picture that scenes are compared by."""

    first: int
    stop: int
    background: U8


@dataclass(frozen=True, kw_only=True)
class _Options:
    origin: Origin
    copy: bool
    salvage: bool
    matrix: str


@dataclass(frozen=True, kw_only=True)
class _NewClip:
    """A clip that was decoded and is to be stored. likeness: of each shot."""

    source: FrameSource
    content: str
    place: ClipPlace
    shots: Sequence[_Shot]
    likeness: Sequence[Likeness]


class _Scene(NamedTuple):
    """Scene of a new sequence, who named it, the id of the earlier sequence that it looks like, and notes."""

    name: str
    named_by: SceneBy
    looks_like: int | None
    notes: tuple[str, ...] = ()


def add(
    project: Project,
    paths: Sequence[Path],
    origin: Origin,
    *,
    copy: bool = False,
    salvage: bool = False,
    matrix: str = "",
) -> Generator[Progress, None, Added]:
    """Add clips one by one; each is on disk before the next one is read.

    A path that cannot be used is named in ``failed``, and the others are added.

    Args:
        project: The project.
        paths: Files and folders, as `find_clips` takes them.
        origin: What is known of them.
        copy: Keep a copy of each clip in the project's folder.
        salvage: Use what can be decoded of damaged clips.
        matrix: Colour matrix ("bt601", "bt709", "bt2020") where a file does not name it.

    Returns:
        What became of each.

    Raises:
        UsageError: A text of the origin cannot be stored.
    """
    result = Added()
    texts = {field.name: one_line(getattr(origin, field.name), f"--{field.name}") for field in fields(Origin)}
    options = _Options(origin=Origin(**texts), copy=copy, salvage=salvage, matrix=matrix)
    clip_paths: list[Path] = []
    for path in paths:
        with border(path, result.failed.append):
            clip_paths += find_clips(path)
    result.asked = len(clip_paths) + len(result.failed)
    for done, path in enumerate(clip_paths):
        failed = len(result.failed)
        with border(path, result.failed.append), project.explaining():
            added = Added()
            yield from part_of(_add_clip(project, path, options, added), path.name, done, len(clip_paths))
            result.extend(added)
        if len(result.failed) > failed:
            yield Progress("add", 1, 1).as_part(path.name, done, len(clip_paths))
    return result


def _add_clip(project: Project, path: Path, options: _Options, result: Added) -> Generator[Progress, None, None]:
    yield Progress("identify", 0, None)
    _check_text(path)
    before = look(path)
    with unchanged(path, before):
        content = content_of(path)
    if _is_known(project, path, content, options, result):
        return
    with unchanged(path, before), open_source(path, salvage=options.salvage, matrix=options.matrix) as source:
        shots, left_out = yield from _shots(source)
        if not shots:
            raise InputError(path, "every shot has 1 frame; at least 2 are needed", "film longer")
        if options.copy:
            yield Progress("copy", 0, None)
        place = ClipPlace.from_path(project, _copied(project, path, content) if options.copy else path)
    likeness: list[Likeness] = [{} for _ in shots]
    others = _others(project)
    for shot, known in zip(shots, likeness, strict=True):
        _compare(shot, others, known)
    new_clip = _NewClip(source=source, content=content, place=place, shots=shots, likeness=likeness)
    with project.transaction():
        # Asked again inside: another process may have added it meanwhile.
        if project.value("SELECT id FROM clip WHERE content = ?", content) is not None:
            result.known.append(f"{path}: was just added by another process")
            return
        _insert(project, new_clip, options, result)
    result.notes += [f"{path}: {note}" for note in source.info.notes if any(word in note for word in _COLOUR_NOTES)]
    if left_out:
        result.notes.append(f"{path}: {counted(left_out, 'shot')} of one frame left out")


def _is_known(project: Project, path: Path, content: str, options: _Options, result: Added) -> bool:
    """Return whether the project has this clip. If its file is gone, the clip is linked to this path."""
    rows = project.rows("SELECT id FROM clip WHERE content = ?", content)
    if not rows:
        return False
    known = clip_by_id(project, rows[0]["id"])
    _bring_back(project, path, known, result)
    called = ", ".join(
        str(row["name"]) for row in project.rows("SELECT name FROM sequence WHERE clip_id = ? ORDER BY first", known.id)
    )
    try:
        place = locate(project, known)
    except InputError:
        target = _copied(project, path, content) if options.copy else path
        relink(project, known.id, target, copied=options.copy)
        result.relinked.append(f"{path}: found again as {called} (was at {known.path})")
        return True
    if options.copy and not known.copied:
        relink(project, known.id, _copied(project, place, content), copied=True)
        result.known.append(f"{path}: is in the project already as {called}; now copied into it")
        return True
    unchanged_origin = "; its description was not changed: rainclean describe changes it"
    hint = unchanged_origin if options.origin != Origin() else ""
    result.known.append(f"{path}: is in the project already as {called} ({place}); not added again{hint}")
    return True


def _bring_back(project: Project, path: Path, known: Clip, result: Added) -> None:
    """Bring back sequences of a clip that a person removed; add a line on it to ``returned``."""
    removed = [s for s in sequences(project, which="removed") if s.clip_id == known.id]
    if removed:
        with project.transaction():
            set_removed(project, [s.id for s in removed], person(), removed=False)
        result.returned.append(f"{path}: is back as {', '.join(s.name for s in removed)}")


def _check_text(path: Path) -> None:
    """Raise InputError for a name that is not UTF-8: it could not be stored, shown or exported."""
    try:
        str(path.resolve()).encode()
    except UnicodeEncodeError:
        raise InputError(ascii(str(path)), "its name is not UTF-8", "rename it") from None


def _shots(source: FrameSource) -> Generator[Progress, None, tuple[list[_Shot], int]]:
    """Decode the whole clip once; return its shots with their backgrounds, and how many were too short."""
    total = source.info.frame_count
    thumbnails: list[U8] = []
    reduced: list[U8] = []
    for frame in source.read():
        thumbnails.append(thumbnail(frame.rgb))
        reduced.append(scene_similarity.reduce_frame(frame.rgb))
        yield Progress("read", len(reduced), total)
    edges = [0, *scene_cuts(np.stack(thumbnails)), len(reduced)]
    all_shots = [_Shot(a, b, scene_similarity.background(reduced[a:b])) for a, b in pairwise(edges)]
    long_enough = [shot for shot in all_shots if shot.stop - shot.first >= MIN_FRAMES]
    return long_enough, len(all_shots) - len(long_enough)


def _insert(project: Project, clip: _NewClip, options: _Options, result: Added) -> None:
    source, origin = clip.source, options.origin
    info, times = source.info, source.times
    clip_id = project.insert(
        "clip",
        content=clip.content,
        **clip.place.columns(),
        copied=options.copy,
        width=info.width,
        height=info.height,
        frame_count=info.frame_count,
        duration=float(times[-1] - times[0]),
        codec=info.codec,
        salvage=options.salvage,
        matrix=options.matrix,
        colours=info.colours,
        notes=json.dumps(info.notes, ensure_ascii=False),
        added=now(),
    )
    base = name_of(info.path)
    for number, (shot, likeness) in enumerate(zip(clip.shots, clip.likeness, strict=True), 1):
        names = (str(row["name"]) for row in project.rows("SELECT name FROM sequence"))
        name = unused(base if len(clip.shots) == 1 else f"{base}-shot{number}", names)
        scene = _scene(project, shot, name, likeness, origin)
        result.notes += scene.notes
        project.insert(
            "sequence",
            clip_id=clip_id,
            name=name,
            first=shot.first,
            last=shot.stop,
            scene=scene.name,
            scene_by=scene.named_by,
            source=origin.source,
            author=origin.author,
            licence=origin.licence,
            consent=origin.consent,
            notes=origin.notes,
            background=shot.background.tobytes(),
            looks_like=scene.looks_like,
        )
        result.sequences.append(name)
    if len(clip.shots) > 1:
        result.notes.append(f"{info.path}: scene cuts: {len(clip.shots)} sequences")


def _others(project: Project) -> list[Any]:
    return project.rows("SELECT id, name, scene, background, removed FROM sequence ORDER BY id")


def _compare(shot: _Shot, others: Sequence[Any], likeness: Likeness) -> None:
    """Fill in how much a shot looks like those sequences that are not in ``likeness`` yet."""
    new = [row for row in others if row["id"] not in likeness]
    if new:
        stored = np.frombuffer(b"".join(row["background"] for row in new), np.uint8)
        values = scene_similarity.likeness(
            shot.background, stored.reshape(-1, scene_similarity.HEIGHT, scene_similarity.WIDTH)
        )
        likeness.update(zip((row["id"] for row in new), values.tolist(), strict=True))


def _scene(project: Project, shot: _Shot, name: str, likeness: Likeness, origin: Origin) -> _Scene:
    """Return the scene of a new sequence: the one given, a suggested one, or its own."""
    others = _others(project)
    _compare(shot, others, likeness)  # with sequences that were added meanwhile; most were compared before
    present = [row for row in others if not row["removed"]]
    twin = max(present, key=lambda row: likeness[row["id"]], default=None)
    if twin is not None and likeness[twin["id"]] < scene_similarity.ALIKE:
        twin = None
    if origin.scene:
        return _Scene(origin.scene, "person", twin["id"] if twin else None)
    if twin:
        note = f"{name}: looks like {twin['name']}: scene {twin['scene']} suggested"
        return _Scene(str(twin["scene"]), "suggestion", twin["id"], (note,))
    # A sequence whose place nobody knows is a scene of its own, under a name that no other scene has.
    return _Scene(unused(name, {str(r["scene"]) for r in others}), "name", None)


def _copied(project: Project, path: Path, content: str) -> Path:
    """Return the clip's copy in the project, written under another name and renamed."""
    target = project.folder / CLIPS / (content + (path.suffix.lower() if path.is_file() else ""))
    if target.exists():
        return target
    try:
        target.parent.mkdir(exist_ok=True)
        with beside(target) as partial:
            if path.is_file():
                shutil.copyfile(path, partial)
            else:
                shutil.copytree(path, partial)
            if content_of(partial) != content:
                raise RaincleanError(f"{path}: changed while it was copied; add it again")
            partial.replace(target)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)  # the copy's disk, although the clip is what is named
        where = target.parent if full else error.filename or target
        raise ResourceError(f"{where}: {error.strerror or error}") from error
    return target
