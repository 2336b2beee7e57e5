"""Sequences of a project: found by name, and described."""

from collections.abc import Sequence as Several
from typing import Literal

from pipeline.project.clips.naming import looks
from pipeline.project.clips.properties import Properties, set_properties
from pipeline.project.journals import person
from pipeline.project.model import ORIGIN, Sequence
from pipeline.project.storage import Project
from pipeline.text_format import quoted
from rainclean.errors import InputError

_COLUMNS = (
    f"id, clip_id, name, first, last, scene, scene_by, {', '.join(ORIGIN)}, display_name, chosen_first, chosen_last, "
    "chosen_region, removed"
)

MAX_NAMED = 100
"""Sequences that are asked for by name. Of more, all are read."""

Which = Literal["present", "removed", "all"]


def sequences(project: Project, names: Several[str] = (), which: Which = "present") -> list[Sequence]:
    """Return the sequences of these names, all if none is given, in the order in which they were added.

    A name that looks like that of one sequence only means that one: keyboards and systems compose letters differently.

    Args:
        project: The project.
        names: Names; all if empty.
        which: Those that are in the project ("present"), those that a person removed, or all.

    Raises:
        InputError: The project does not have a name.
    """
    if 0 < len(names) <= MAX_NAMED:
        marks = ", ".join("?" * len(names))
        rows = project.rows(f"SELECT {_COLUMNS} FROM sequence WHERE name IN ({marks}) ORDER BY id", *names)
        found = [s for s in map(Sequence.from_row, rows) if which == "all" or s.removed == (which == "removed")]
        if len(found) == len(set(names)):
            return found
    # Some name is not there as it is written, so it is compared with all of them.
    everything = [Sequence.from_row(row) for row in project.rows(f"SELECT {_COLUMNS} FROM sequence ORDER BY id")]
    wanted = [s for s in everything if which == "all" or s.removed == (which == "removed")]
    if not names:
        return wanted
    known = {s.name for s in wanted}
    lookalike_names: dict[str, list[str]] = {}
    for name in known if set(names) - known else ():
        lookalike_names.setdefault(looks(name), []).append(name)
    chosen = set()
    for name in names:
        matches = [name] if name in known else lookalike_names.get(looks(name), [])
        if len(matches) != 1:
            if which == "present" and any(s.removed and s.name == name for s in everything):
                advice = f"bring it back with: rainclean remove {quoted(project.folder)} {name} --undo"
                raise InputError(project.folder, f"sequence {name!r} was removed", advice)
            raise InputError(project.folder, f"has no sequence {name!r}", "rainclean status lists them")
        chosen.add(matches[0])
    return [s for s in wanted if s.name in chosen]


def describe(project: Project, names: Several[str], changes: Properties, who: str = "") -> list[Sequence]:
    """Change properties of sequences, as `set_properties`.

    Args:
        project: The project.
        names: Their names.
        changes: What is changed.
        who: The person; by default who is logged in.

    Returns:
        The sequences, as they are then.

    Raises:
        InputError: The project does not have a name.
        UsageError: As `set_properties`.
    """
    with project.transaction():
        set_properties(project, sequences(project, names), changes, who or person())
    return sequences(project, names)


def lookalike(project: Project, sequence: Sequence) -> Sequence | None:
    """Return the earlier sequence whose background looks like that of a sequence; None where there is none."""
    number = project.value("SELECT looks_like FROM sequence WHERE id = ?", sequence.id)
    return next((one for one in sequences(project, which="all") if one.id == number), None)


def lookalikes(project: Project) -> list[tuple[str, str]]:
    """Return the names of each two sequences that look alike but have different scenes, the later one first."""
    rows = project.rows(
        "SELECT later.name AS later, earlier.name AS earlier FROM sequence AS later "
        "JOIN sequence AS earlier ON later.looks_like = earlier.id WHERE later.scene != earlier.scene "
        "AND NOT later.removed AND NOT earlier.removed ORDER BY later.id"
    )
    return [(str(row["later"]), str(row["earlier"])) for row in rows]
