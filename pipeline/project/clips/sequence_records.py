"""Sequences of a project: found by name, and described."""

from collections.abc import Sequence as Several
from dataclasses import fields

from pipeline.project.clips.naming import looks
from pipeline.project.model import ORIGIN, Sequence
from pipeline.project.storage import Project
from pipeline.text_format import one_line
from rainclean.errors import InputError, UsageError

_COLUMNS = ", ".join("last" if field.name == "stop" else field.name for field in fields(Sequence))


def sequences(project: Project, names: Several[str] = ()) -> list[Sequence]:
    """Return the sequences of these names, all if none is given, in the order in which they were added.

    A name that looks like that of one sequence only means that one: keyboards and systems compose letters differently.

    Raises:
        InputError: The project does not have a name.
    """
    everything = [Sequence.from_row(row) for row in project.rows(f"SELECT {_COLUMNS} FROM sequence ORDER BY id")]
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


def describe(project: Project, names: Several[str], texts: dict[str, str]) -> list[Sequence]:
    """Describe sequences.

    Args:
        project: The project.
        names: Their names.
        texts: "scene" and fields of ORIGIN → text.

    Returns:
        The sequences, as they are then.

    Raises:
        InputError: The project does not have a name.
        UsageError: A text cannot be stored, or a scene is "".
    """
    texts = {column: one_line(text, f"--{column}") for column, text in texts.items()}
    if texts.get("scene") == "":
        raise UsageError("--scene '': a scene needs a name")
    chosen = sequences(project, names)
    with project.transaction():
        for column, text in texts.items():
            assert column == "scene" or column in ORIGIN
            for sequence in chosen:
                by = ", scene_by = 'person'" if column == "scene" else ""
                project.execute(f"UPDATE sequence SET {column} = ?{by} WHERE id = ?", text, sequence.id)
        _follow_suggestions(project)
    return sequences(project, names)


def _follow_suggestions(project: Project) -> None:
    """Set suggested scenes to the scene of the sequence that each looks like: one place must not become two scenes."""
    for row in project.rows("SELECT id, looks_like FROM sequence WHERE scene_by = 'suggestion' ORDER BY id"):
        # It looks like one that was added before it, so in this order each gets a final scene.
        project.execute(
            "UPDATE sequence SET scene = (SELECT scene FROM sequence WHERE id = ?) WHERE id = ?",
            row["looks_like"], row["id"],
        )  # fmt: skip


def lookalikes(project: Project) -> list[tuple[str, str]]:
    """Return the names of each two sequences that look alike but have different scenes, the later one first."""
    rows = project.rows(
        "SELECT later.name AS later, earlier.name AS earlier FROM sequence AS later "
        "JOIN sequence AS earlier ON later.looks_like = earlier.id WHERE later.scene != earlier.scene ORDER BY later.id"
    )
    return [(str(row["later"]), str(row["earlier"])) for row in rows]
