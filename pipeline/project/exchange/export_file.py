"""Decisions of a project, written as lines of JSON in which everything is named by its content.

Decisions, second opinions, stars, notes and chosen frames are written. Candidates that only a person could make
(composites, kept ones) go with their pictures into a folder beside the file.
"""

import base64
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.project.clips import clips, sequences
from pipeline.project.decisions import decisions, opinions
from pipeline.project.editing import Edit, edits
from pipeline.project.exchange.line_records import CandidateKey, SequenceKey, WrittenLine
from pipeline.project.exchange.lines import FORMAT, HEADER, pictures_folder
from pipeline.project.storage import Project
from rainclean import __version__
from rainclean.errors import InputError, RaincleanError, ResourceError


def export_decisions(project: Project, target: Path, left_out: list[str] | None = None) -> Counter[str]:
    """Write the decisions of a project to a file, and pictures into ``<target>.pictures``.

    Args:
        project: The project.
        target: The file. It is replaced where it exists.
        left_out: Takes a line for each decision whose picture or mask is damaged. Without it that is raised.

    Returns:
        How many lines of each type were written.

    Raises:
        RaincleanError: Nothing can be written, or something to be written is damaged.
    """
    with project.snapshot():
        lines = list(_lines(project))
    header = {HEADER: FORMAT, "rainclean": __version__, "project": project.uuid}
    folder = pictures_folder(target)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise RaincleanError(f"{folder}: is a link or a file where a folder for images is needed; move it away")
    partial = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    written, types = set[str](), Counter[str]()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # The file comes last: where it is, its pictures are.
        with partial.open("xb") as file:
            file.write(_encoded(header))
            # Files are read after the snapshot, as they are written before a transaction: others need not wait.
            for line in lines:
                try:
                    _put_pictures(project, folder, line, written)
                    mask = base64.b64encode(project.artefacts.read(line.exclude)).decode() if line.exclude else ""
                except InputError as error:
                    if left_out is None:
                        raise
                    left_out.append(f"{line.name}: {line.type} by {line.row.who}: {error}")
                    continue
                file.write(_encoded(line.to_json(mask)))
                types[line.type] += 1
        partial.replace(target)
    except OSError as error:
        raise ResourceError(f"{error.filename or target}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return types


def _lines(project: Project) -> Iterator[WrittenLine]:
    contents = {clip.id: clip.content for clip in clips(project)}
    named = {s.id: (SequenceKey.from_sequence(contents[s.clip_id], s), s.name) for s in sequences(project)}
    journals: tuple[list[Any], ...] = (decisions.journal(project), opinions.journal(project))
    for journal in journals:
        uuids = {row.id: row.uuid for row in journal}
        for row in journal:
            if row.sequence_id not in named:
                continue  # a person removed its sequence
            undoes = None if row.undoes is None else uuids[row.undoes]
            candidate = None if row.candidate_id is None else CandidateKey.from_candidate(project, row.candidate_id)
            key, name = named[row.sequence_id]
            yield WrittenLine(row=row, undoes=undoes, sequence=key, name=name, candidate=candidate)
    remarks = edits.all_remarks(project)
    uuids = {edit.id: edit.uuid for edit in remarks}
    for edit in remarks:
        if edit.sequence_id not in named:
            continue
        undoes = None if edit.undoes is None else uuids[edit.undoes]
        key, name = named[edit.sequence_id]
        yield WrittenLine(row=_within(edit, key), undoes=undoes, sequence=key, name=name)


def _within(edit: Edit, key: SequenceKey) -> Edit:
    """Return a choice of frames without those outside of the shot, which no other project takes."""
    frames = [frame for frame in edit.value.frames or () if key.first <= frame < key.stop]
    if edit.value.frames is None or len(frames) == len(edit.value.frames):
        return edit
    return replace(edit, value=replace(edit.value, frames=tuple(frames) or None))


def _encoded(document: dict[str, Any]) -> bytes:
    """Return a line of the file. Escapes are written where an older rainclean imported characters that are no text."""
    try:
        return (json.dumps(document, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(document) + "\n").encode()


def _put_pictures(project: Project, folder: Path, line: WrittenLine, written: set[str]) -> None:
    names = set(line.candidate.files) if line.candidate else set()
    for name in sorted(names - written):
        data = project.artefacts.read(name)
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{name}.{secrets.token_hex(4)}"
        try:
            with partial.open("xb") as file:
                file.write(data)
            partial.replace(folder / name)  # a link of that name goes; its target stays
        finally:
            partial.unlink(missing_ok=True)
        written.add(name)
