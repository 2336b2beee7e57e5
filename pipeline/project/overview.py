"""The state of each sequence of a project: what `status` shows, in a handful of queries."""

from collections.abc import Sequence as Several
from dataclasses import dataclass
from typing import Any

from pipeline.project.analysis import verdict_of
from pipeline.project.clips import MAX_NAMED, Which, sequences
from pipeline.project.decisions import by_sequence, differ, of_people
from pipeline.project.editing import edits
from pipeline.project.model import Chosen, Decision, Overview, Sequence, State
from pipeline.project.storage import Project, schema


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Rows of a project that its overview is made of.

    Attributes:
        main: Row of the main analysis, by the sequence's id.
        best: Row of the best-scored candidate, with how many there are, by the analysis' id.
        chosen: Rows of candidates that were decided on, by id.
        pictures: Artefacts of these.
        current: Current decisions by the sequence's id.
        remarks: Stars and notes by the sequence's id.
    """

    main: dict[int, Any]
    best: dict[int, Any]
    chosen: dict[int, Any]
    pictures: dict[int, str]
    current: dict[int, list[Decision]]
    remarks: dict[int, edits.Remarks]


def overview(project: Project, names: Several[str] = (), which: Which = "present") -> list[Overview]:
    """Return the state of each sequence. Six queries, however many sequences there are.

    Args:
        project: The project.
        names: Sequences, all if empty.
        which: Those that are in the project ("present"), those that a person removed, or all.

    Raises:
        InputError: The project does not have a sequence of such a name.
    """
    wanted = sequences(project, names, which)
    ids = [s.id for s in wanted] if names and len(wanted) <= MAX_NAMED else None
    among = "" if ids is None else f" AND sequence_id IN ({', '.join(map(str, ids))})"
    main: dict[int, Any] = {}
    # The last sweep, else the last of any recipe, else what a person made: as `analyses` has it.
    for row in project.rows(
        "SELECT sequence_id, id, error, reference, spread, verdict, places, chosen_first, chosen_last, chosen_region "
        f"FROM analysis WHERE true{among} ORDER BY {schema.MAIN_LAST}"
    ):
        main[row["sequence_id"]] = row
    of_main = "" if ids is None else f"WHERE analysis_id IN ({', '.join(str(row['id']) for row in main.values())}) "
    best = {
        row["analysis_id"]: row
        for row in project.rows(
            "SELECT analysis_id, count(*) AS number, min(rank), name, picture, "
            f"{schema.TOTAL_SCORE} AS score FROM candidate {of_main}"
            "GROUP BY analysis_id"  # of min(), SQLite gives the columns of the row that has it
        )
    }
    chosen = {
        row["id"]: row
        for row in project.rows(
            f"SELECT candidate.id, name, picture, {schema.TOTAL_SCORE} AS score "
            f"FROM candidate WHERE id IN (SELECT candidate_id FROM decision WHERE true{among})"
        )
    }
    rows = _Rows(
        main=main,
        best=best,
        chosen=chosen,
        pictures={number: str(row["picture"]) for number, row in chosen.items()},
        current=by_sequence(project, ids),
        remarks=edits.remarks(project, ids),
    )
    return [_overview(sequence, rows) for sequence in wanted]


def _overview(sequence: Sequence, rows: _Rows) -> Overview:
    current, remarks = rows.current.get(sequence.id, []), rows.remarks.get(sequence.id, edits.Remarks())
    analysis, decision = rows.main.get(sequence.id), current[0] if current else None
    best = rows.best.get(analysis["id"]) if analysis else None
    displayed = best if decision is None else rows.chosen.get(decision.candidate_id or 0)
    pictured = displayed or best
    return Overview(
        sequence=sequence,
        state=_state(analysis, decision),
        error=analysis["error"] if analysis else "",
        candidates=best["number"] if best else 0,
        chosen=displayed["name"] if displayed else "",
        score=displayed["score"] if displayed else None,
        decision=decision,
        spread=analysis["spread"] if analysis else 0.0,
        thumbnail=(analysis["reference"] if analysis else "") or (best["picture"] if best else ""),
        picture=pictured["picture"] if pictured else "",
        star=remarks.starred,
        note=remarks.note,
        conflict=len(current) > 1 and differ(of_people(current).values(), rows.pictures),
        verdict=verdict_of(analysis["verdict"]) if analysis else None,
        places=analysis["places"] if analysis else "",
        outdated=bool(analysis and not analysis["error"]) and Chosen.from_columns(analysis) != sequence.chosen,
    )


def _state(analysis: Any, decision: Decision | None) -> State:
    if decision is None:
        return "new" if analysis is None else "failed" if analysis["error"] else "ready"
    if decision.verdict == "rejected":
        return "rejected"
    return "accepted" if decision.kind == "person" else "accepted automatically"
