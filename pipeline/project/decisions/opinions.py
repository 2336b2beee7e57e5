"""Second opinions: what somebody found fit without knowing what was decided. They change no decision."""

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence

from pipeline.project.decisions import journals
from pipeline.project.model import Opinion, OpinionVerdict
from pipeline.project.storage import Project


def journal(project: Project, sequence_id: int | None = None) -> list[Opinion]:
    """All opinions in the order in which they came in, those taken back and those that take back included."""
    where, values = ("", ()) if sequence_id is None else ("WHERE sequence_id = ?", (sequence_id,))
    return [Opinion.of(row) for row in project.rows(f"SELECT * FROM opinion {where} ORDER BY id", *values)]


def opinions(project: Project, sequence_id: int | None = None) -> dict[int, list[Opinion]]:
    """Each person's latest opinion that stands, latest first, by the sequence's id."""
    made = journal(project, sequence_id)
    stand = journals.standing({o.id: o.undoes for o in made})
    left = [o for o in made if o.id in stand and o.undoes is None]
    of_person: dict[tuple[int, str], Opinion] = {}
    for opinion in sorted(left, key=lambda o: (journals.moment(o.at), o.id), reverse=True):
        of_person.setdefault((opinion.sequence_id, opinion.who), opinion)
    found: dict[int, list[Opinion]] = defaultdict(list)
    for (number, _), opinion in of_person.items():
        found[number].append(opinion)
    return found


def append(
    project: Project,
    sequence_id: int,
    verdict: OpinionVerdict,
    who: str,
    candidate_id: int | None = None,
    *,
    undoes: int | None = None,
    note: str = "",
    reasons: Sequence[str] = (),
) -> Opinion:
    """Add a row inside a transaction."""
    number = project.insert(
        "opinion",
        uuid=str(uuid.uuid4()),
        sequence_id=sequence_id,
        verdict=verdict,
        candidate_id=candidate_id,
        undoes=undoes,
        reasons=json.dumps(list(reasons)),
        note=note,
        who=who,
        at=journals.stamp(project, "opinion", sequence_id),
    )
    return Opinion.of(project.rows("SELECT * FROM opinion WHERE id = ?", number)[0])
