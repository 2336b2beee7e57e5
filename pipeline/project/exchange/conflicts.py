"""Sequences on which people decided differently."""

from dataclasses import dataclass

from pipeline.project.clips import sequences
from pipeline.project.decisions import decisions
from pipeline.project.model import Decision
from pipeline.project.storage import Project


@dataclass(frozen=True)
class Conflict:
    """A sequence on which people decided differently.

    Attributes:
        sequence: Its name.
        decisions: Each person's latest current decision, the one in force first.
    """

    sequence: str
    decisions: tuple[Decision, ...]


def conflicts(project: Project) -> list[Conflict]:
    """Return the sequences on which people decided differently, in the order in which they were added."""
    pictures = {row["id"]: str(row["picture"]) for row in project.rows("SELECT id, picture FROM candidate")}
    standing = decisions.by_sequence(project)
    result = []
    for sequence in sequences(project):
        of_people = tuple(decisions.of_people(standing.get(sequence.id, ())).values())
        if decisions.differ(of_people, pictures):
            result.append(Conflict(sequence.name, of_people))
    return result
