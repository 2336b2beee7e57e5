"""Decisions: who chose which candidate when. Rows are appended; taking one back is a row too."""

import getpass
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from pipeline.border import border
from pipeline.project.analysis import all_candidates, analyses, candidates, verdict_of
from pipeline.project.clips import sequences
from pipeline.project.decisions import journals
from pipeline.project.model import NOT_JUDGED, REASONS, Analysis, Decision, Kind, StoredCandidate, Verdict
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.words import counted, quoted
from rainclean.errors import InputError, RaincleanError, UsageError


def journal(project: Project, sequence_id: int | None = None) -> list[Decision]:
    """All decisions in the order in which they came in, those taken back and those that take back included."""
    where, values = ("", ()) if sequence_id is None else ("WHERE sequence_id = ?", (sequence_id,))
    return [Decision.of(row) for row in project.rows(f"SELECT * FROM decision {where} ORDER BY id", *values)]


def by_sequence(project: Project, sequence_ids: Sequence[int] | None = None) -> dict[int, list[Decision]]:
    """The decisions that stand, as `standing` orders them, by the id of the sequence; of all, or of these."""
    where = "" if sequence_ids is None else f"WHERE sequence_id IN ({', '.join(map(str, sequence_ids))})"
    found: dict[int, list[Decision]] = defaultdict(list)
    for decision in standing(map(Decision.of, project.rows(f"SELECT * FROM decision {where}"))):
        found[decision.sequence_id].append(decision)
    return found


def current(project: Project) -> dict[int, Decision]:
    """The decision that holds for each decided sequence, by the sequence's id.

    A person's goes before an automatic one, whichever came later; of one kind the latest not taken back.
    """
    return {number: made[0] for number, made in by_sequence(project).items()}


def standing(made: Iterable[Decision]) -> list[Decision]:
    """Decisions that were not taken back: a person's before automatic ones, then latest first.

    made: all decisions on one sequence or several, in any order. The first that is left of a sequence holds.
    """
    made = list(made)
    stand = journals.standing({d.id: d.undoes for d in made})
    left = (d for d in made if d.id in stand and d.undoes is None)
    return sorted(left, key=lambda d: (d.kind == "person", journals.moment(d.at), d.id), reverse=True)


def of_people(stand: Iterable[Decision]) -> dict[str, Decision]:
    """Each person's latest decision on one sequence, of those that stand, latest first."""
    found: dict[str, Decision] = {}
    for decision in stand:
        if decision.kind == "person":
            found.setdefault(decision.who, decision)
    return found


def differ(some: Iterable[Decision], pictures: Mapping[int, str]) -> bool:
    """Return whether decisions differ in the verdict, or in the picture.

    Args:
        some: The decisions.
        pictures: Artefacts of the candidates decided on, by the candidate's id.
    """
    return len({d.candidate_id and pictures[d.candidate_id] for d in some}) > 1


def accept(
    project: Project, sequence: ClipSequence, name: str, who: str, note: str = "", exclude: str = ""
) -> tuple[Decision, StoredCandidate]:
    """A person chose the candidate of a name, or the one that stands for it; returns both.

    exclude: artefact with what must not be trusted, 255 there, or "". Raises InputError for an unknown name.
    """
    with project.transaction():
        candidate = candidate_of(project, sequence, name)
        return append(project, sequence.id, "accepted", who, candidate.id, note=note, exclude=exclude), candidate


def reject(project: Project, sequence: ClipSequence, who: str, note: str = "", reasons: Sequence[str] = ()) -> Decision:
    """A person found no candidate of a sequence fit for use. reasons: keys of REASONS. Raises UsageError."""
    checked = known_reasons(reasons)
    with project.transaction():
        return append(project, sequence.id, "rejected", who, note=note, reasons=checked)


@dataclass(frozen=True)
class Left:
    """Why a sequence was not chosen automatically. trust: one of TRUST. reasons: of its verdict, for a person.

    taken_back: whether an automatic choice of before was.
    """

    trust: str
    reasons: tuple[str, ...] = ()
    taken_back: bool = False


_LEFT = {
    "look": "a person should look first (--include look takes these, too)",
    "unfit": "unfit, never chosen automatically",
    NOT_JUDGED: "not judged yet (rainclean analyze does that)",
}
"""What is said of sequences that were not chosen automatically."""

_MOST = 20
"""Of these that are named."""


@dataclass
class BestChosen:
    """What the automatic choice did, by names of sequences.

    chosen: sequence → candidate. doubtful: those of them whose scores are so bad that they may mislead. kept: a
    person decided, or the same candidate was chosen before. left: not chosen for its verdict → `Left`. failed: why not.
    """

    chosen: dict[str, str] = field(default_factory=dict)
    doubtful: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    left: dict[str, Left] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """What was done, and how many were left for which verdict, a line each; terminal and window say the same."""
        kept = f"; {len(self.kept)} stay as they were decided" if self.kept else ""
        lines = [f"chosen automatically: {len(self.chosen)}{kept}"]
        for trust, why in _LEFT.items():
            left = [one for one in self.left.values() if one.trust == trust]
            back = sum(one.taken_back for one in left)
            taken = f"; {counted(back, 'automatic choice')} of before taken back" if back else ""
            lines += [f"left, {why}: {len(left)}{taken}"] if left else []
        return lines

    @property
    def reasons(self) -> list[str]:
        """Why sequences were left, a line each, of the first few."""
        lines = [f"  {name}: {', '.join((one.trust, *one.reasons))}" for name, one in self.left.items()]
        more = [f"  and {len(lines) - _MOST} more: rainclean status tells"] if len(lines) > _MOST else []
        return lines[:_MOST] + more


FIT_ONLY = ("fit",)
"""Verdicts by which a sequence is chosen automatically unless more is asked for."""


def choose_best(
    project: Project, names: Sequence[str] = (), note: str = "", trusted: Sequence[str] = FIT_ONLY
) -> BestChosen:
    """Accept the best-scored candidate of these sequences (all if none is named) as an automatic choice.

    What a person decided stays. trusted: states of verdicts that will do; others are left, see `leave`. Sequences
    without candidates are named in ``failed``.
    """
    from rainclean.candidates import DOUBTFUL

    result = BestChosen()
    for sequence in sequences(project, names):
        with border(sequence.name, partial(result.failed.__setitem__, sequence.name)), project.explaining():
            if (left := leave(project, sequence, trusted)) is not None:
                result.left[sequence.name] = left
                continue
            chosen = _choose_best(project, sequence, note)
            if chosen is None:
                result.kept.append(sequence.name)
                continue
            result.chosen[sequence.name] = chosen.name
            if chosen.score > DOUBTFUL:
                result.doubtful.append(sequence.name)
    return result


def leave(project: Project, sequence: ClipSequence, trusted: Sequence[str]) -> Left | None:
    """Why a sequence is not to be chosen automatically; None where it may be, or its decision stays in any case.

    An automatic choice of before stays beside a verdict that asks for a look, but not beside "unfit": then it is taken
    back. Raises InputError where there are no candidates.
    """
    with project.transaction():
        stand = standing(journal(project, sequence.id))
        if any(d.kind == "person" for d in stand):
            return None
        verdict = verdict_of(_main(project, sequence, analysed=True).verdict)
        trust = verdict.state if verdict else NOT_JUDGED
        if trust in trusted or (stand and trust != "unfit"):
            return None
        for decision in stand:
            append(project, sequence.id, "undone", "rainclean", kind="automatic", undoes=decision.id)
        reasons = tuple(reason.words for reason in verdict.reasons) if verdict else ()
        return Left(trust, reasons, bool(stand))


def _choose_best(project: Project, sequence: ClipSequence, note: str) -> StoredCandidate | None:
    """The candidate chosen now; None where the decision stays as it is."""
    with project.transaction():
        stand = standing(journal(project, sequence.id))
        if any(d.kind == "person" for d in stand):
            return None
        best = candidates(project, _main(project, sequence, analysed=True).id)[0]
        if stand and stand[0].candidate_id == best.id:
            return None
        append(project, sequence.id, "accepted", "rainclean", best.id, kind="automatic", note=note)
        return best


def undo(project: Project, sequence: ClipSequence, who: str, note: str = "") -> tuple[Decision, Decision]:
    """Take back the decision that holds; the one before it, if any, holds again. Returns it, and the undoing."""
    with project.transaction():
        stand = standing(journal(project, sequence.id))
        if not stand:
            raise RaincleanError(f"{sequence.name}: nothing was decided, so nothing can be taken back")
        return stand[0], append(project, sequence.id, "undone", who, note=note, undoes=stand[0].id)


def candidate_of(project: Project, sequence: ClipSequence, name: str) -> StoredCandidate:
    """The candidate of a name among all of a sequence, or the one that stands for it. Raises InputError."""
    _main(project, sequence)
    there = all_candidates(project, sequence.id)
    for candidate in (*(c for c in there if c.name == name), *(c for c in there if name in c.merged)):
        return candidate
    names = ", ".join(c.name for c in there)
    raise InputError(sequence.name, f"has no candidate {name!r}", f"it has {names}")


def person() -> str:
    """Who is at work, as the system knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def known_reasons(reasons: Sequence[str]) -> tuple[str, ...]:
    """These reasons in the order of REASONS, each once. Raises UsageError for one that is unknown."""
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
    return Decision.of(project.rows("SELECT * FROM decision WHERE id = ?", number)[0])


def _main(project: Project, sequence: ClipSequence, analysed: bool = False) -> Analysis:
    """The main analysis of a sequence. Raises InputError where it has no candidates.

    analysed: a run of analyze is needed; what came with another project's decisions alone does not do.
    """
    there = [a for a in analyses(project, sequence.id) if not analysed or a.origin == "analysis"]
    if not there or there[0].error:
        reason = f"its analysis failed: {there[0].error}" if there else "is not analysed yet"
        advice = f"run rainclean analyze {quoted(project.folder)} {sequence.name}"
        raise InputError(sequence.name, reason, advice)
    return there[0]
