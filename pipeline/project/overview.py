"""Where each sequence of a project stands: what `status` shows, in a handful of queries."""

from collections.abc import Sequence as Several
from typing import Any

from pipeline.project.decisions import current
from pipeline.project.model import Decision, Overview, Sequence, State
from pipeline.project.sequences import sequences
from pipeline.project.store import Project


def overview(project: Project, names: Several[str] = ()) -> list[Overview]:
    """Where each sequence stands. Four queries, however many sequences there are."""
    chosen = sequences(project, names)
    main: dict[int, Any] = {}
    # The last sweep, else the last of any recipe: as `analyses` has it.
    for row in project.rows(
        "SELECT sequence_id, id, error FROM analysis ORDER BY json_extract(settings, '$.recipe') IS NULL, id"
    ):
        main[row["sequence_id"]] = row
    best = {
        row["analysis_id"]: row
        for row in project.rows(
            "SELECT analysis_id, count(*) AS number, min(rank), name, "
            "streaks + detail + darkening + disagreement AS score "
            "FROM candidate GROUP BY analysis_id"  # of min(), SQLite gives the columns of the row that has it
        )
    }
    decided = {
        row["id"]: row
        for row in project.rows(
            "SELECT DISTINCT candidate.id, name, streaks + detail + darkening + disagreement AS score "
            "FROM candidate JOIN decision ON candidate_id = candidate.id"
        )
    }
    made = current(project)
    return [_line(s, main.get(s.id), best, decided, made.get(s.id)) for s in chosen]


def _line(
    sequence: Sequence, analysis: Any, best: dict[int, Any], decided: dict[int, Any], decision: Decision | None
) -> Overview:
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
    )


def _state(analysis: Any, decision: Decision | None) -> State:
    if decision is None:
        return "new" if analysis is None else "failed" if analysis["error"] else "ready"
    if decision.verdict == "rejected":
        return "rejected"
    return "accepted" if decision.kind == "person" else "accepted automatically"
