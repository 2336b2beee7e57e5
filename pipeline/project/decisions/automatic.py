"""Choose a candidate of each sequence automatically: what that would meet, and the choice itself."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from pipeline.border import border
from pipeline.project import journals
from pipeline.project.analysis import verdict_of
from pipeline.project.clips import sequences
from pipeline.project.decisions.decisions import append, by_sequence, not_analysed
from pipeline.project.model import NOT_JUDGED, Chosen, Decision, Verdict
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project, schema
from pipeline.text_format import counted
from rainclean.errors import InputError
from rainclean.verdict import LABELS


@dataclass(frozen=True)
class Left:
    """Why a sequence was not chosen automatically.

    Attributes:
        trust: One of TRUST, or OUTDATED.
        reasons: Reasons of its verdict, for a person.
        taken_back: Whether an earlier automatic choice was taken back.
    """

    trust: str
    reasons: tuple[str, ...] = ()
    taken_back: bool = False


OUTDATED = "out of date"
"""Why a sequence is left whose frames or region were changed since its analysis."""

_LEFT = {
    OUTDATED: "out of date: frames or region were changed (rainclean analyze analyses them again)",
    "look": "verdict needs a look (--include look accepts these, too)",
    "unfit": "verdict unfit (never accepted automatically)",
    NOT_JUDGED: "no verdict yet (rainclean analyze makes one)",
}
"""Verdict → how a person reads why sequences were not chosen automatically."""

_MAX_NAMED = 20
"""Sequences left out that are named."""


@dataclass(kw_only=True)
class BestChosen:
    """What the automatic choice did, by names of sequences.

    Attributes:
        chosen: Sequence → candidate.
        doubtful: Those of them whose scores are so bad that they may mislead.
        kept: A person decided, or the same candidate was chosen before.
        left: Sequence that its verdict keeps from being chosen → why.
        failed: Sequence → error.
    """

    chosen: dict[str, str] = field(default_factory=dict)
    doubtful: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    left: dict[str, Left] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> list[str]:
        """What was done, and how many were left for which verdict, a line each; terminal and window show the same."""
        kept = f"; {len(self.kept)} decided before" if self.kept else ""
        lines = [f"chosen automatically: {len(self.chosen)}{kept}"]
        for trust, why in _LEFT.items():
            left = [one for one in self.left.values() if one.trust == trust]
            back = sum(one.taken_back for one in left)
            taken = f"; {counted(back, 'earlier automatic choice')} withdrawn" if back else ""
            lines += [f"skipped, {why}: {len(left)}{taken}"] if left else []
        return lines

    @property
    def reasons(self) -> list[str]:
        """Why sequences were left, a line each, of the first few."""
        lines = [
            f"  {name}: {', '.join((LABELS.get(one.trust, one.trust), *one.reasons))}"
            for name, one in self.left.items()
        ]
        more = [f"  and {len(lines) - _MAX_NAMED} more, see rainclean status"] if len(lines) > _MAX_NAMED else []
        return lines[:_MAX_NAMED] + more


@dataclass(frozen=True, kw_only=True)
class AutoPlan:
    """What the automatic choice would meet: numbers of sequences. Each is counted once.

    Attributes:
        fit: Fit and not decided: these would be accepted.
        look: Not decided; a person should look first.
        unfit: Not decided, and never chosen automatically.
        not_judged: Not decided; an older rainclean analysed them.
        outdated: Not decided; frames or region were changed since the analysis.
        decided: Decided by a person, or automatically before.
        failed: Their analysis failed.
        not_analysed: Not analysed yet.
    """

    fit: int = 0
    look: int = 0
    unfit: int = 0
    not_judged: int = 0
    outdated: int = 0
    decided: int = 0
    failed: int = 0
    not_analysed: int = 0


def auto_plan(project: Project, names: Sequence[str] = ()) -> AutoPlan:
    """Return what the automatic choice would meet, in three queries.

    Args:
        project: The project.
        names: Sequences, all if empty.
    """
    with project.snapshot():
        chosen, decided = sequences(project, names), by_sequence(project)
        main = _main_analyses(project)
    counts = Counter(_plan(sequence, main.get(sequence.id), decided=sequence.id in decided) for sequence in chosen)
    return AutoPlan(**counts)


def _main_analyses(project: Project) -> dict[int, Any]:
    """Return the rows of the main analyses that analyze made, by the id of the sequence."""
    rows = project.rows(
        "SELECT id, sequence_id, error, verdict, chosen_first, chosen_last, chosen_region FROM analysis "
        f"WHERE origin = 'analysis' ORDER BY {schema.MAIN_LAST}"
    )
    return {row["sequence_id"]: row for row in rows}


def _plan(sequence: ClipSequence, analysis: Any, *, decided: bool) -> str:
    """Return the field of `AutoPlan` that a sequence counts in, given the row of its main analysis."""
    if decided or analysis is None or analysis["error"]:
        return "decided" if decided else "not_analysed" if analysis is None else "failed"
    trust = _trust(sequence, analysis)
    return {OUTDATED: "outdated", NOT_JUDGED: "not_judged"}.get(trust, trust)


def _trust(sequence: ClipSequence, analysis: Any) -> str:
    """Return one of TRUST, or OUTDATED, given the row of the main analysis."""
    if Chosen.from_columns(analysis) != sequence.chosen:
        return OUTDATED
    verdict = verdict_of(analysis["verdict"])
    return verdict.state if verdict else NOT_JUDGED


@dataclass(frozen=True)
class Step:
    """One step that a person can undo: the edits of one run of the automatic choice.

    Attributes:
        who: Who ran it.
        batch: Name of the batch.
    """

    who: str
    batch: str = field(default_factory=journals.new_batch)

    def add(
        self,
        project: Project,
        sequence_id: int,
        verdict: Verdict,
        numbers: Sequence[int],
        candidate_id: int | None = None,
    ) -> None:
        """Add the edit of some decisions on a sequence, inside a transaction."""
        journals.append(
            project, "edit", sequence_id, self.who,
            batch=self.batch, kind="decision", candidate_id=candidate_id,
            value=json.dumps({"verdict": verdict, "decisions": list(numbers)}),
        )  # fmt: skip


FIT_ONLY = ("fit",)
"""Verdicts by which a sequence is chosen automatically unless more is asked for."""


class Pick(NamedTuple):
    """A candidate to accept: its id, and why, for the note of the decision."""

    candidate_id: int
    why: str


def choose_best(
    project: Project,
    names: Sequence[str] = (),
    note: str = "",
    trusted: Sequence[str] = FIT_ONLY,
    *,
    step: Step | None = None,
    suggest: Callable[[int], Pick | None] = lambda _: None,
) -> BestChosen:
    """Accept a candidate of each sequence as an automatic choice, in one transaction. What a person decided stays.

    A sequence whose verdict is not trusted is left. An earlier automatic choice on it stays where the verdict is
    "look", and is taken back where it is "unfit".

    Args:
        project: The project.
        names: Sequences, all if empty.
        note: Note of the decisions.
        trusted: States of verdicts that are chosen; others are left.
        step: Step of a person, who can undo all of it at once; None to record none.
        suggest: Gives the candidate to accept by the id of a sequence; where it gives None, the best-scored one is
            accepted.

    Returns:
        What was done. Sequences without candidates are in ``failed``.
    """
    from rainclean.candidates import DOUBTFUL

    result = BestChosen()
    with project.explaining(), project.transaction():
        chosen, decided, main = sequences(project, names), by_sequence(project), _main_analyses(project)
        best = _best_scored(project) if len(chosen) > 1 else None
        for sequence in chosen:
            with border(sequence.name, partial(result.failed.__setitem__, sequence.name)):
                current = decided.get(sequence.id, [])
                if any(decision.kind == "person" for decision in current):
                    result.kept.append(sequence.name)
                    continue
                analysis = main.get(sequence.id)
                if analysis is None or analysis["error"]:
                    raise not_analysed(project, sequence, None if analysis is None else analysis["error"])
                if (left := _leave(project, sequence, analysis, current, trusted=trusted, step=step)) is not None:
                    result.left[sequence.name] = left
                    continue
                pick = suggest(sequence.id)
                row = _row(project, sequence, analysis["id"], pick, best)
                if current and current[0].candidate_id == row["id"]:
                    result.kept.append(sequence.name)
                    continue
                why = note if pick is None else "; ".join(part for part in (note, pick.why) if part)
                _accept(project, sequence, row["id"], why, step)
                result.chosen[sequence.name] = row["name"]
                if row["score"] > DOUBTFUL:
                    result.doubtful.append(sequence.name)
    return result


def _leave(
    project: Project,
    sequence: ClipSequence,
    analysis: Any,
    current: Sequence[Decision],
    *,
    trusted: Sequence[str],
    step: Step | None,
) -> Left | None:
    """Return why a sequence must not be chosen automatically; None where it may be, or where its decision stays."""
    trust = _trust(sequence, analysis)
    if trust in trusted or (current and trust != "unfit"):
        return None
    undone = [
        append(project, sequence.id, "undone", "rainclean", kind="automatic", undoes=decision.id)
        for decision in current
    ]
    if undone and step is not None:
        step.add(project, sequence.id, "undone", undone)
    verdict = verdict_of(analysis["verdict"])
    reasons = tuple(reason.description for reason in verdict.reasons) if verdict else ()
    return Left(trust, reasons, bool(current))


_SELECT = f"SELECT candidate.id, analysis_id, name, {schema.TOTAL_SCORE} AS score FROM candidate"


def _best_scored(project: Project) -> dict[int, Any]:
    """Return id, name and score of the best-scored candidate of every analysis, by the id of the analysis."""
    rows = project.rows(
        f"{_SELECT} WHERE rank = (SELECT min(rank) FROM candidate AS its WHERE its.analysis_id = candidate.analysis_id)"
    )
    return {row["analysis_id"]: row for row in reversed(rows)}


def _row(
    project: Project, sequence: ClipSequence, analysis_id: int, pick: Pick | None, best: Mapping[int, Any] | None
) -> Any:
    """Return id, name and score of the candidate to accept."""
    if pick is not None:
        # What a suggestion was learned from may be older than this transaction, and another process may have analysed.
        rows = project.rows(
            f"{_SELECT} JOIN analysis ON analysis_id = analysis.id WHERE candidate.id = ? AND sequence_id = ?",
            pick.candidate_id,
            sequence.id,
        )
        if not rows:
            raise InputError(sequence.name, "was analysed again meanwhile", "repeat the command")
        return rows[0]
    if best is not None:
        return best[analysis_id]
    return project.rows(f"{_SELECT} WHERE analysis_id = ? ORDER BY rank LIMIT 1", analysis_id)[0]


def _accept(project: Project, sequence: ClipSequence, candidate_id: int, why: str, step: Step | None) -> None:
    made = append(project, sequence.id, "accepted", "rainclean", candidate_id, kind="automatic", note=why)
    if step is not None:
        step.add(project, sequence.id, "accepted", [made], candidate_id)
