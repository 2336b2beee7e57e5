"""Where each sequence of a project stands: what `status` shows, in a handful of queries."""

from collections.abc import Sequence as Several
from typing import Any

from pipeline.project.analysis import verdict_of
from pipeline.project.clips import sequences
from pipeline.project.decisions import by_sequence, differ, of_people
from pipeline.project.editing import edits
from pipeline.project.model import Decision, Overview, Sequence, State
from pipeline.project.storage import Project, schema

FEW = 100
"""Up to so many sequences that are named are asked for by name; above, everything is read."""


def overview(project: Project, names: Several[str] = ()) -> list[Overview]:
    """Where each sequence stands. Six queries, however many sequences there are."""
    chosen = sequences(project, names)
    ids = [s.id for s in chosen] if names and len(chosen) <= FEW else None
    among = "" if ids is None else f" AND sequence_id IN ({', '.join(map(str, ids))})"
    main: dict[int, Any] = {}
    # The last sweep, else the last of any recipe, else what a person made: as `analyses` has it.
    for row in project.rows(
        f"SELECT sequence_id, id, error, reference, spread, verdict, places FROM analysis WHERE true{among} "
        "ORDER BY json_extract(settings, '$.recipe') IS NULL, origin = 'analysis', id"
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
    decided = {
        row["id"]: row
        for row in project.rows(
            f"SELECT candidate.id, name, picture, {schema.TOTAL_SCORE} AS score "
            f"FROM candidate WHERE id IN (SELECT candidate_id FROM decision WHERE true{among})"
        )
    }
    made, said = by_sequence(project, ids), edits.said(project, ids)
    return [_line(s, main.get(s.id), best, decided, made.get(s.id, []), said.get(s.id, {})) for s in chosen]


def _line(
    sequence: Sequence,
    analysis: Any,
    best: dict[int, Any],
    decided: dict[int, Any],
    standing: list[Decision],
    said: dict[str, Any],
) -> Overview:
    decision = standing[0] if standing else None
    candidates = best.get(analysis["id"]) if analysis else None
    shown = candidates if decision is None else decided.get(decision.candidate_id or 0)
    return Overview(
        sequence,
        _state(analysis, decision),
        analysis["error"] if analysis else "",
        candidates["number"] if candidates else 0,
        shown["name"] if shown else "",
        shown["score"] if shown else None,
        decision,
        analysis["spread"] if analysis else 0.0,
        (analysis["reference"] if analysis else "") or (candidates["picture"] if candidates else ""),
        known["picture"] if (known := shown or candidates) else "",
        bool(said.get("on")),
        str(said.get("text", "")),
        len(standing) > 1 and differ(of_people(standing).values(), decided),
        verdict_of(analysis["verdict"]) if analysis else None,
        analysis["places"] if analysis else "",
    )


def _state(analysis: Any, decision: Decision | None) -> State:
    if decision is None:
        return "new" if analysis is None else "failed" if analysis["error"] else "ready"
    if decision.verdict == "rejected":
        return "rejected"
    return "accepted" if decision.kind == "person" else "accepted automatically"
