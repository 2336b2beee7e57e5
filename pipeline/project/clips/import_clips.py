"""The stage behind ``rainclean add``: clips come into a project, each as one sequence a shot."""

import errno
import json
import shutil
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.border import border
from pipeline.partial import beside
from pipeline.project.clips.clip_files import clip as clip_by_id
from pipeline.project.clips.clip_files import content_of, find_clips, locate, place_of, relink
from pipeline.project.clips.naming import name_of, unused
from pipeline.project.model import SceneBy
from pipeline.project.storage import CLIPS, Project, now
from pipeline.stages import Progress, part_of
from pipeline.unchanged import look, unchanged
from pipeline.words import one_line
from rainclean.dataset import scene_similarity
from rainclean.errors import InputError, RaincleanError, ResourceError
from rainclean.video import FrameSource, open_source, scene_cuts, thumbnail

U8 = NDArray[np.uint8]

Alike = dict[int, float]
"""How much a shot looks like sequences, by their ids."""

_OF_COLOURS = ("colour profile", "colour matrix", "HDR", "Dolby Vision")
"""Words of notes that a person should read before the work begins."""

SHORTEST = 2
"""Frames that a shot must have to become a sequence: a temporal prior needs two."""


@dataclass(frozen=True)
class Origin:
    """What is known of clips when they are added; each is exported with the data. scene: "" where not known."""

    scene: str = ""
    source: str = ""
    author: str = ""
    licence: str = ""
    consent: str = ""
    notes: str = ""


@dataclass
class Added:
    """What became of the paths: names of new sequences, lines about known and moved clips, errors by clip.

    asked: number of clips that the paths stood for, and of paths that stood for none.
    """

    asked: int = 0
    sequences: list[str] = field(default_factory=list)
    relinked: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, one: "Added") -> None:
        """Add what became of one clip, now that it is on disk."""
        for part in ("sequences", "relinked", "known", "notes"):
            getattr(self, part).extend(getattr(one, part))


@dataclass(frozen=True)
class _Shot:
    first: int
    stop: int
    background: U8


def add(
    project: Project,
    paths: Sequence[Path],
    origin: Origin,
    copy: bool = False,
    salvage: bool = False,
    matrix: str = "",
) -> Generator[Progress, None, Added]:
    """Add clips one by one; each is in the project for good before the next is looked at.

    A path that cannot be used is named in ``failed`` and does not keep the others from being added. copy: keep
    the clip's file in the project's folder. salvage: take what can be decoded of damaged clips. matrix: the colour
    matrix ("bt601", "bt709", "bt2020") where a file does not say it.
    """
    result = Added()
    origin = Origin(*(one_line(getattr(origin, f.name), f"--{f.name}") for f in fields(Origin)))
    found: list[Path] = []
    for path in paths:
        with border(path, result.failed.append):
            found += find_clips(path)
    result.asked = len(found) + len(result.failed)
    for done, path in enumerate(found):
        failed = len(result.failed)
        with border(path, result.failed.append), project.explaining():
            added = Added()
            yield from part_of(
                _add_clip(project, path, origin, copy, salvage, matrix, added), path.name, done, len(found)
            )
            result.take(added)
        if len(result.failed) > failed:
            yield Progress("add", 1, 1).of(path.name, done, len(found))
    return result


def _add_clip(
    project: Project, path: Path, origin: Origin, copy: bool, salvage: bool, matrix: str, result: Added
) -> Generator[Progress, None, None]:
    yield Progress("identify", 0, None)
    _check_text(path)
    before = look(path)
    with unchanged(path, before):
        content = content_of(path)
    if _known(project, path, content, origin, copy, result):
        return
    with unchanged(path, before), open_source(path, salvage=salvage, matrix=matrix) as source:
        shots, left_out = yield from _shots(source)
        if not shots:
            raise InputError(path, "no shot of it has 2 frames: a temporal prior needs at least 2", "film longer")
        if copy:
            yield Progress("copy", 0, None)
        place = place_of(project, _copied(project, path, content) if copy else path)
    alike: list[Alike] = [{} for _ in shots]
    there = _others(project)
    for shot, found in zip(shots, alike, strict=True):
        _look_alike(shot, there, found)
    with project.transaction():
        # Asked again inside: another process may have added it meanwhile.
        if project.value("SELECT id FROM clip WHERE content = ?", content) is not None:
            result.known.append(f"{path}: just added by another process")
            return
        _insert(project, source, content, place, shots, alike, origin, copy, salvage, matrix, result)
    result.notes += [f"{path}: {note}" for note in source.info.notes if any(word in note for word in _OF_COLOURS)]
    if left_out:
        result.notes.append(f"{path}: {left_out} shot(s) of one frame are no sequences")


def _known(project: Project, path: Path, content: str, origin: Origin, copy: bool, result: Added) -> bool:
    """Whether the project has this clip; if that one is gone from where it was, it is linked to this path."""
    rows = project.rows("SELECT id FROM clip WHERE content = ?", content)
    if not rows:
        return False
    there = clip_by_id(project, rows[0]["id"])
    names = [
        str(r["name"]) for r in project.rows("SELECT name FROM sequence WHERE clip_id = ? ORDER BY first", there.id)
    ]
    called = ", ".join(names)
    try:
        where = locate(project, there)
    except InputError:
        relink(project, there.id, _copied(project, path, content) if copy else path, copied=copy)
        result.relinked.append(f"{path}: is {called}, found again (was {there.path})")
        return True
    if copy and not there.copied:
        relink(project, there.id, _copied(project, where, content), copied=True)
        result.known.append(f"{path}: is in the project already as {called}; now copied into it")
        return True
    unsaid = "; what is said of it stays as it is, rainclean describe changes it" if origin != Origin() else ""
    result.known.append(f"{path}: is in the project already as {called} ({where}); not added again{unsaid}")
    return True


def _check_text(path: Path) -> None:
    """Raise InputError for a name in bytes that are no text: it could not be stored, shown or exported."""
    try:
        str(path.resolve()).encode()
    except UnicodeEncodeError:
        raise InputError(ascii(str(path)), "its name is not UTF-8", "rename it") from None


def _shots(source: FrameSource) -> Generator[Progress, None, tuple[list[_Shot], int]]:
    """Decode the whole clip once: its shots with their backgrounds, and how many were too short."""
    total = source.info.frame_count
    thumbnails: list[U8] = []
    reduced: list[U8] = []
    for frame in source.read():
        thumbnails.append(thumbnail(frame.rgb))
        reduced.append(scene_similarity.reduce_frame(frame.rgb))
        yield Progress("read", len(reduced), total)
    edges = [0, *scene_cuts(np.stack(thumbnails)), len(reduced)]
    all_shots = [_Shot(a, b, scene_similarity.background(reduced[a:b])) for a, b in pairwise(edges)]
    long_enough = [shot for shot in all_shots if shot.stop - shot.first >= SHORTEST]
    return long_enough, len(all_shots) - len(long_enough)


def _insert(
    project: Project,
    source: FrameSource,
    content: str,
    place: dict[str, object],
    shots: Sequence[_Shot],
    alike: Sequence[Alike],
    origin: Origin,
    copied: bool,
    salvage: bool,
    matrix: str,
    result: Added,
) -> None:
    info, times = source.info, source.times
    clip_id = project.insert(
        "clip",
        content=content,
        **place,
        copied=copied,
        width=info.width,
        height=info.height,
        frame_count=info.frame_count,
        duration=float(times[-1] - times[0]),
        codec=info.codec,
        salvage=salvage,
        matrix=matrix,
        colours=info.colours,
        notes=json.dumps(info.notes, ensure_ascii=False),
        added=now(),
    )
    base = name_of(info.path)
    for number, (shot, known) in enumerate(zip(shots, alike, strict=True), 1):
        names = (str(row["name"]) for row in project.rows("SELECT name FROM sequence"))
        name = unused(base if len(shots) == 1 else f"{base}-shot{number}", names)
        scene, by, looks_like = _scene(project, shot, name, known, origin, result)
        project.insert(
            "sequence",
            clip_id=clip_id,
            name=name,
            first=shot.first,
            last=shot.stop,
            scene=scene,
            scene_by=by,
            source=origin.source,
            author=origin.author,
            licence=origin.licence,
            consent=origin.consent,
            notes=origin.notes,
            background=shot.background.tobytes(),
            looks_like=looks_like,
        )
        result.sequences.append(name)
    if len(shots) > 1:
        result.notes.append(f"{info.path}: scene cuts: {len(shots)} sequences")


def _others(project: Project) -> list[Any]:
    return project.rows("SELECT id, name, scene, background FROM sequence ORDER BY id")


def _look_alike(shot: _Shot, others: Sequence[Any], alike: Alike) -> None:
    """Fill in how much a shot looks like those sequences that are not in ``alike`` yet."""
    new = [row for row in others if row["id"] not in alike]
    if new:
        stored = np.frombuffer(b"".join(row["background"] for row in new), np.uint8)
        found = scene_similarity.likeness(
            shot.background, stored.reshape(-1, scene_similarity.HEIGHT, scene_similarity.WIDTH)
        )
        alike.update(zip((row["id"] for row in new), found.tolist(), strict=True))


def _scene(
    project: Project, shot: _Shot, name: str, alike: Alike, origin: Origin, result: Added
) -> tuple[str, SceneBy, int | None]:
    """Scene of a new sequence, who says so, and which earlier one it looks like: told, suggested, or its own."""
    others = _others(project)
    _look_alike(shot, others, alike)  # what came meanwhile: most was looked at before the transaction
    twin = max(others, key=lambda row: alike[row["id"]], default=None)
    if twin is not None and alike[twin["id"]] < scene_similarity.ALIKE:
        twin = None
    if origin.scene:
        return origin.scene, "person", twin["id"] if twin else None
    if twin:
        result.notes.append(f"{name}: looks like {twin['name']}: scene {twin['scene']} suggested")
        return str(twin["scene"]), "suggestion", twin["id"]
    # A sequence whose place nobody knows is a scene of its own, under a name that no other scene has.
    return unused(name, {str(r["scene"]) for r in others}), "name", None


def _copied(project: Project, path: Path, content: str) -> Path:
    """The clip's copy in the project, written beside and renamed."""
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
