"""Decisions: who chose which candidate when. Rows are appended; taking one back is a row, too."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pipeline.border import border
from pipeline.project import journals
from pipeline.project.analysis import all_candidates, analyses, candidates, verdict_of
from pipeline.project.clips import sequences
from pipeline.project.model import NOT_JUDGED, REASONS, Analysis, Chosen, Decision, Kind, StoredCandidate, Verdict
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project, schema
from pipeline.text_format import counted, quoted
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.verdict import LABELS

person, PERSON = journals.person, journals.PERSON
"""See `journals`."""


def journal(project: Project, sequence_id: int | None = None) -> list[Decision]:
    """Return all decisions in the order in which they came in, with those taken back and those that take back."""
    where, values = ("", ()) if sequence_id is None else ("WHERE sequence_id = ?", (sequence_id,))
    return [Decision.from_row(row) for row in project.rows(f"SELECT * FROM decision {where} ORDER BY id", *values)]


def by_sequence(project: Project, sequence_ids: Sequence[int] | None = None) -> dict[int, list[Decision]]:
    """Return the current decisions, as `standing` orders them, by the id of the sequence; of all, or of these."""
    where = "" if sequence_ids is None else f"WHERE sequence_id IN ({', '.join(map(str, sequence_ids))})"
    of_sequence: dict[int, list[Decision]] = defaultdict(list)
    for decision in standing(map(Decision.from_row, project.rows(f"SELECT * FROM decision {where}"))):
        of_sequence[decision.sequence_id].append(decision)
    return of_sequence


def current(project: Project) -> dict[int, Decision]:
    """Return the decision in force for each decided sequence, by the sequence's id.

    A person's goes before an automatic one, whichever came later. Of one kind the latest one counts.
    """
    return {number: decisions[0] for number, decisions in by_sequence(project).items()}


def standing(some: Iterable[Decision]) -> list[Decision]:
    """Return the current decisions: those not taken back, a person's before automatic ones, then latest first.

    The first one of a sequence is in force.

    Args:
        some: All decisions on one sequence or several, in any order.
    """
    rows = list(some)
    current_ids = journals.standing({d.id: d.undoes for d in rows})
    current_rows = (d for d in rows if d.id in current_ids and d.undoes is None)
    return sorted(current_rows, key=lambda d: (d.kind == "person", journals.moment(d.at), d.id), reverse=True)


def of_people(current_rows: Iterable[Decision]) -> dict[str, Decision]:
    """Return each person's latest decision, of the current ones on one sequence, latest first."""
    by_person: dict[str, Decision] = {}
    for decision in current_rows:
        if decision.kind == "person":
            by_person.setdefault(decision.who, decision)
    return by_person


def differ(some: Iterable[Decision], pictures: Mapping[int, str]) -> bool:
    """Return whether decisions differ in the verdict, or in the picture.

    Args:
        some: The decisions.
        pictures: Artefacts of the candidates decided on, by the candidate's id.
    """
    return len({d.candidate_id and pictures[d.candidate_id] for d in some}) > 1


def accept(
    project: Project, sequence: ClipSequence, name: str, who: str, *, note: str = "", exclude: str = ""
) -> tuple[Decision, StoredCandidate]:
    """Accept the candidate of a name, or the one that it was merged into.

    Args:
        project: The project.
        sequence: The sequence.
        name: Name of the candidate.
        who: The person who decides.
        note: Why.
        exclude: Artefact of the exclusion mask, or "".

    Returns:
        The decision and the candidate.

    Raises:
        InputError: The sequence has no such candidate.
    """
    with project.transaction():
        candidate = candidate_of(project, sequence, name)
        return append(project, sequence.id, "accepted", who, candidate.id, note=note, exclude=exclude), candidate


def reject(project: Project, sequence: ClipSequence, who: str, note: str = "", reasons: Sequence[str] = ()) -> Decision:
    """Reject a sequence: a person found no candidate fit for use.

    Args:
        project: The project.
        sequence: The sequence.
        who: The person who decides.
        note: Why.
        reasons: Keys of REASONS.

    Raises:
        UsageError: A reason is unknown.
    """
    checked = known_reasons(reasons)
    with project.transaction():
        return append(project, sequence.id, "rejected", who, note=note, reasons=checked)


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
        main = {
            row["sequence_id"]: row
            for row in project.rows(
                "SELECT sequence_id, error, verdict, chosen_first, chosen_last, chosen_region FROM analysis "
                f"WHERE origin = 'analysis' ORDER BY {schema.MAIN_LAST}"
            )
        }
    counts = Counter(_plan(sequence, main.get(sequence.id), decided=sequence.id in decided) for sequence in chosen)
    return AutoPlan(**counts)


def _plan(sequence: ClipSequence, analysis: Any, *, decided: bool) -> str:
    """Return the field of `AutoPlan` that a sequence counts in, given the row of its main analysis."""
    if decided or analysis is None or analysis["error"]:
        return "decided" if decided else "not_analysed" if analysis is None else "failed"
    if Chosen.from_columns(analysis) != sequence.chosen:
        return "outdated"
    verdict = verdict_of(analysis["verdict"])
    return verdict.state if verdict else "not_judged"


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


def choose_best(
    project: Project,
    names: Sequence[str] = (),
    note: str = "",
    trusted: Sequence[str] = FIT_ONLY,
    step: Step | None = None,
) -> BestChosen:
    """Accept the best-scored candidate of each sequence as an automatic choice. What a person decided stays.

    Args:
        project: The project.
        names: Sequences, all if empty.
        note: Note of the decisions.
        trusted: States of verdicts that are chosen; others are left, see `leave`.
        step: Step of a person, who can undo all of it at once; None to record none.

    Returns:
        What was done. Sequences without candidates are in ``failed``.
    """
    from rainclean.candidates import DOUBTFUL

    result = BestChosen()
    for sequence in sequences(project, names):
        with border(sequence.name, partial(result.failed.__setitem__, sequence.name)), project.explaining():
            if (left := leave(project, sequence, trusted, step)) is not None:
                result.left[sequence.name] = left
                continue
            chosen = _choose_best(project, sequence, note, step)
            if chosen is None:
                result.kept.append(sequence.name)
                continue
            result.chosen[sequence.name] = chosen.name
            if chosen.score > DOUBTFUL:
                result.doubtful.append(sequence.name)
    return result


def leave(project: Project, sequence: ClipSequence, trusted: Sequence[str], step: Step | None = None) -> Left | None:
    """Return why a sequence must not be chosen automatically; None where it may be, or where its decision stays anyway.

    An earlier automatic choice stays with the verdict "look". With the verdict "unfit" it is taken back.

    Raises:
        InputError: There are no candidates.
    """
    with project.transaction():
        decided = standing(journal(project, sequence.id))
        if any(d.kind == "person" for d in decided):
            return None
        main = _main(project, sequence, analysed=True)
        verdict = verdict_of(main.verdict)
        trust = OUTDATED if main.chosen != sequence.chosen else verdict.state if verdict else NOT_JUDGED
        if trust in trusted or (decided and trust != "unfit"):
            return None
        undone = [
            append(project, sequence.id, "undone", "rainclean", kind="automatic", undoes=decision.id).id
            for decision in decided
        ]
        if undone and step is not None:
            step.add(project, sequence.id, "undone", undone)
        reasons = tuple(reason.description for reason in verdict.reasons) if verdict else ()
        return Left(trust, reasons, bool(decided))


def _choose_best(project: Project, sequence: ClipSequence, note: str, step: Step | None) -> StoredCandidate | None:
    """Return the candidate chosen now; None where the decision does not change."""
    with project.transaction():
        decided = standing(journal(project, sequence.id))
        if any(d.kind == "person" for d in decided):
            return None
        best = candidates(project, _main(project, sequence, analysed=True).id)[0]
        if decided and decided[0].candidate_id == best.id:
            return None
        made = append(project, sequence.id, "accepted", "rainclean", best.id, kind="automatic", note=note)
        if step is not None:
            step.add(project, sequence.id, "accepted", [made.id], best.id)
        return best


def undo(project: Project, sequence: ClipSequence, who: str, note: str = "") -> tuple[Decision, Decision]:
    """Take back the decision in force. The one before it, if any, is in force again.

    Returns:
        The decision that was taken back, and the one that takes it back.

    Raises:
        RaincleanError: Nothing was decided.
    """
    with project.transaction():
        decided = standing(journal(project, sequence.id))
        if not decided:
            raise RaincleanError(f"{sequence.name}: has no decision to withdraw")
        return decided[0], append(project, sequence.id, "undone", who, note=note, undoes=decided[0].id)


def candidate_of(project: Project, sequence: ClipSequence, name: str) -> StoredCandidate:
    """Return a sequence's candidate of a name, or the one that it was merged into.

    Raises:
        InputError: The sequence has no such candidate.
    """
    _main(project, sequence)
    existing = all_candidates(project, sequence.id)
    for candidate in (*(c for c in existing if c.name == name), *(c for c in existing if name in c.merged)):
        return candidate
    names = ", ".join(c.name for c in existing)
    raise InputError(sequence.name, f"has no candidate {name!r}", f"it has {names}")


def known_reasons(reasons: Sequence[str]) -> tuple[str, ...]:
    """Return these reasons in the order of REASONS, each once.

    Raises:
        UsageError: A reason is unknown.
    """
    known = [key for key, _ in REASONS]
    if unknown := sorted(set(reasons) - set(known)):
        raise UsageError(f"reason {unknown[0]!r}: use {', '.join(known)}")
    return tuple(key for key in known if key in reasons)


def append(
    project: Project,
    sequence_id: int,
    verdict: Verdict,
    who: str,
    candidate_id: int | None = None,
    *,
    kind: Kind = "person",
    undoes: int | None = None,
    exclude: str = "",
    note: str = "",
    reasons: Sequence[str] = (),
) -> Decision:
    """Add a row inside a transaction."""
    number = journals.append(
        project, "decision", sequence_id, who, undoes,
        kind=kind, verdict=verdict, candidate_id=candidate_id, exclude=exclude, note=note,
        reasons=json.dumps(list(reasons)),
    )  # fmt: skip
    return Decision.from_row(project.rows("SELECT * FROM decision WHERE id = ?", number)[0])


def _main(project: Project, sequence: ClipSequence, *, analysed: bool = False) -> Analysis:
    """Return the main analysis of a sequence. Raises InputError where it has no candidates.

    analysed: it must be a run of analyze, not one that was imported with another project's decisions.
    """
    existing = [a for a in analyses(project, sequence.id) if not analysed or a.origin == "analysis"]
    if not existing or existing[0].error:
        reason = f"its analysis failed: {existing[0].error}" if existing else "is not analysed yet"
        advice = f"run rainclean analyze {quoted(project.folder)} {sequence.name}"
        raise InputError(sequence.name, reason, advice)
    return existing[0]
