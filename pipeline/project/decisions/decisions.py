"""Decisions: who chose which candidate when. Rows are appended; taking one back is a row, too."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pipeline.project import journals
from pipeline.project.analysis import all_candidates, analyses
from pipeline.project.model import REASONS, Decision, Kind, StoredCandidate, Verdict
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.text_format import quoted
from rainclean.errors import InputError, RaincleanError, UsageError

person = journals.person
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
        number = append(project, sequence.id, "accepted", who, candidate.id, note=note, exclude=exclude)
        return one(project, number), candidate


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
        return one(project, append(project, sequence.id, "rejected", who, note=note, reasons=checked))


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
        number = append(project, sequence.id, "undone", who, note=note, undoes=decided[0].id)
        return decided[0], one(project, number)


def one(project: Project, number: int) -> Decision:
    """Return the decision of an id."""
    return Decision.from_row(project.rows("SELECT * FROM decision WHERE id = ?", number)[0])


def candidate_of(project: Project, sequence: ClipSequence, name: str) -> StoredCandidate:
    """Return a sequence's candidate of a name, or the one that it was merged into.

    Raises:
        InputError: The sequence has no such candidate.
    """
    main = next(iter(analyses(project, sequence.id)), None)
    if main is None or main.error:
        raise not_analysed(project, sequence, None if main is None else main.error)
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
) -> int:
    """Add a row inside a transaction, and return its id."""
    return journals.append(
        project, "decision", sequence_id, who, undoes,
        kind=kind, verdict=verdict, candidate_id=candidate_id, exclude=exclude, note=note,
        reasons=json.dumps(list(reasons)),
    )  # fmt: skip


def not_analysed(project: Project, sequence: ClipSequence, error: str | None) -> InputError:
    """Return the error of a sequence without candidates. error: that of its analysis; None where there is none."""
    reason = "is not analysed yet" if error is None else f"its analysis failed: {error}"
    return InputError(sequence.name, reason, f"run rainclean analyze {quoted(project.folder)} {sequence.name}")
