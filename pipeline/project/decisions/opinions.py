"""Second opinions: what a person found fit without knowing what was decided. They change no decision."""

import json
from collections import defaultdict
from collections.abc import Sequence

from pipeline.project import journals
from pipeline.project.model import Opinion, OpinionVerdict
from pipeline.project.storage import Project


def journal(project: Project, sequence_id: int | None = None) -> list[Opinion]:
    """Return all opinions in the order in which they came in, with those taken back and those that take back."""
    where, values = ("", ()) if sequence_id is None else ("WHERE sequence_id = ?", (sequence_id,))
    return [Opinion.from_row(row) for row in project.rows(f"SELECT * FROM opinion {where} ORDER BY id", *values)]


def opinions(project: Project, sequence_id: int | None = None) -> dict[int, list[Opinion]]:
    """Return each person's latest current opinion, latest first, by the sequence's id."""
    rows = journal(project, sequence_id)
    standing = journals.standing({o.id: o.undoes for o in rows})
    current = [o for o in rows if o.id in standing and o.undoes is None]
    of_person: dict[tuple[int, str], Opinion] = {}
    for opinion in sorted(current, key=lambda o: (journals.moment(o.at), o.id), reverse=True):
        of_person.setdefault((opinion.sequence_id, opinion.who), opinion)
    of_sequence: dict[int, list[Opinion]] = defaultdict(list)
    for (number, _), opinion in of_person.items():
        of_sequence[number].append(opinion)
    return of_sequence


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
    number = journals.append(
        project, "opinion", sequence_id, who, undoes,
        verdict=verdict, candidate_id=candidate_id, note=note, reasons=json.dumps(list(reasons)),
    )  # fmt: skip
    return Opinion.from_row(project.rows("SELECT * FROM opinion WHERE id = ?", number)[0])
