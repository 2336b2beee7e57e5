"""Sequences of a project: finding them by name, and saying what they are."""

from collections.abc import Sequence as Several
from dataclasses import fields

from pipeline.project.model import ORIGIN, Sequence
from pipeline.project.store import Project
from rainclean.errors import InputError, UsageError

_COLUMNS = ", ".join(f.name for f in fields(Sequence))


def sequences(project: Project, names: Several[str] = ()) -> list[Sequence]:
    """The sequences of these names, all of them if none is given, in the order in which they were added.

    Raises InputError for a name that the project does not have.
    """
    everything = [Sequence(**dict(row)) for row in project.rows(f"SELECT {_COLUMNS} FROM sequence ORDER BY id")]
    if not names:
        return everything
    if unknown := sorted(set(names) - {s.name for s in everything}):
        raise InputError(project.folder, f"has no sequence {unknown[0]!r}", "rainclean status lists them")
    return [s for s in everything if s.name in names]


def describe(project: Project, names: Several[str], said: dict[str, str]) -> list[Sequence]:
    """Note what a person said of sequences: "scene" and the fields of ORIGIN. Returns them as they are then."""
    if "scene" in said and not said["scene"].strip():
        raise UsageError("--scene '': a scene needs a name")
    chosen = sequences(project, names)
    with project.transaction():
        for column, text in said.items():
            assert column == "scene" or column in ORIGIN
            for sequence in chosen:
                by = ", scene_by = 'person'" if column == "scene" else ""
                project.execute(f"UPDATE sequence SET {column} = ?{by} WHERE id = ?", text, sequence.id)
    return sequences(project, names)
