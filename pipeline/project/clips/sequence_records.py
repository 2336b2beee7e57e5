"""Sequences of a project: finding them by name, and saying what they are."""

from collections.abc import Sequence as Several
from dataclasses import fields

from pipeline.project.clips.naming import looks
from pipeline.project.model import ORIGIN, Sequence
from pipeline.project.storage import Project
from pipeline.words import one_line
from rainclean.errors import InputError, UsageError

_COLUMNS = ", ".join("last" if field.name == "stop" else field.name for field in fields(Sequence))


def sequences(project: Project, names: Several[str] = ()) -> list[Sequence]:
    """The sequences of these names, all of them if none is given, in the order in which they were added.

    A name that only one of them looks like means that one: keyboards and systems compose letters differently. Raises
    InputError for a name that the project does not have.
    """
    everything = [Sequence.of(row) for row in project.rows(f"SELECT {_COLUMNS} FROM sequence ORDER BY id")]
    if not names:
        return everything
    known = {s.name for s in everything}
    lookalike_names: dict[str, list[str]] = {}
    for name in known if set(names) - known else ():
        lookalike_names.setdefault(looks(name), []).append(name)
    chosen = set()
    for name in names:
        matches = [name] if name in known else lookalike_names.get(looks(name), [])
        if len(matches) != 1:
            raise InputError(project.folder, f"has no sequence {name!r}", "rainclean status lists them")
        chosen.add(matches[0])
    return [s for s in everything if s.name in chosen]


def describe(project: Project, names: Several[str], said: dict[str, str]) -> list[Sequence]:
    """Note what a person said of sequences: "scene" and the fields of ORIGIN. Returns them as they are then."""
    said = {column: one_line(text, f"--{column}") for column, text in said.items()}
    if said.get("scene") == "":
        raise UsageError("--scene '': a scene needs a name")
    chosen = sequences(project, names)
    with project.transaction():
        for column, text in said.items():
            assert column == "scene" or column in ORIGIN
            for sequence in chosen:
                by = ", scene_by = 'person'" if column == "scene" else ""
                project.execute(f"UPDATE sequence SET {column} = ?{by} WHERE id = ?", text, sequence.id)
        _follow_suggestions(project)
    return sequences(project, names)


def _follow_suggestions(project: Project) -> None:
    """Suggested scenes go with the scene of the sequence that each looks like: one place must not become two."""
    for row in project.rows("SELECT id, looks_like FROM sequence WHERE scene_by = 'suggestion' ORDER BY id"):
        # It looks like one that was added before it: in this order each takes what is settled.
        project.execute(
            "UPDATE sequence SET scene = (SELECT scene FROM sequence WHERE id = ?) WHERE id = ?",
            row["looks_like"], row["id"],
        )  # fmt: skip


def lookalikes(project: Project) -> list[tuple[str, str]]:
    """Names of sequences that look alike and yet stand in different scenes: the later one, the earlier one."""
    rows = project.rows(
        "SELECT later.name AS later, earlier.name AS earlier FROM sequence AS later "
        "JOIN sequence AS earlier ON later.looks_like = earlier.id WHERE later.scene != earlier.scene ORDER BY later.id"
    )
    return [(str(row["later"]), str(row["earlier"])) for row in rows]
