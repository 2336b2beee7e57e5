"""Decisions: who chose which candidate when. Rows are appended; taking one back is a row too."""

import getpass
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipeline.project.analyses import all_candidates, analyses, candidates
from pipeline.project.model import Analysis, Decision, Kind, StoredCandidate, Verdict
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.sequences import sequences
from pipeline.project.store import Project, now
from pipeline.words import quoted
from rainclean.errors import InputError, RaincleanError


def journal(project: Project, sequence_id: int | None = None) -> list[Decision]:
    """All decisions in the order in which they were made, those taken back and those that take back included."""
    where, values = ("", ()) if sequence_id is None else ("WHERE sequence_id = ?", (sequence_id,))
    return [Decision(**dict(row)) for row in project.rows(f"SELECT * FROM decision {where} ORDER BY id", *values)]


def current(project: Project) -> dict[int, Decision]:
    """The decision that holds for each decided sequence, by the sequence's id.

    A person's goes before an automatic one, whichever came later; of one kind the latest not taken back.
    """
    of_sequence: dict[int, list[Decision]] = defaultdict(list)
    for decision in journal(project):
        of_sequence[decision.sequence_id].append(decision)
    found = {number: holding(made) for number, made in of_sequence.items()}
    return {number: decision for number, decision in found.items() if decision}


def holding(made: Iterable[Decision]) -> Decision | None:
    """The one that holds, of all decisions on one sequence in their order."""
    standing = _standing(made)
    return next((d for d in standing if d.kind == "person"), standing[0] if standing else None)


def _standing(made: Iterable[Decision]) -> list[Decision]:
    """Decisions that were not taken back, latest first."""
    gone: set[int] = set()
    standing = []
    for decision in reversed(list(made)):
        # Latest first: a taking back that was itself taken back is known as such before it counts.
        if decision.id in gone:
            continue
        if decision.undoes is None:
            standing.append(decision)
        else:
            gone.add(decision.undoes)
    return standing


def accept(
    project: Project, sequence: ClipSequence, name: str, who: str, note: str = "", exclude: str = ""
) -> tuple[Decision, StoredCandidate]:
    """A person chose the candidate of a name, or the one that stands for it; returns both.

    exclude: artefact with what must not be trusted, 255 there, or "". Raises InputError for an unknown name.
    """
    with project.transaction():
        candidate = candidate_of(project, sequence, name)
        return _append(project, sequence, "person", "accepted", candidate.id, who, note, exclude=exclude), candidate


def reject(project: Project, sequence: ClipSequence, who: str, note: str = "") -> Decision:
    """A person found no candidate of a sequence fit for use."""
    with project.transaction():
        return _append(project, sequence, "person", "rejected", None, who, note)


@dataclass
class BestChosen:
    """What the automatic choice did, by names of sequences.

    chosen: sequence → candidate. doubtful: those of them whose scores are so bad that they may mislead. kept: a
    person decided, or the same candidate was chosen before. failed: why not.
    """

    chosen: dict[str, str] = field(default_factory=dict)
    doubtful: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def choose_best(project: Project, names: Sequence[str] = (), note: str = "") -> BestChosen:
    """Accept the best-scored candidate of these sequences (all if none is named) as an automatic choice.

    What a person decided stays. Sequences without candidates are named in ``failed``.
    """
    from rainclean.quality import DOUBTFUL  # not above: it loads numpy, and `status` shall answer at once

    result = BestChosen()
    for sequence in sequences(project, names):
        try:
            chosen = _choose_best(project, sequence, note)
        except InputError as error:
            result.failed[sequence.name] = str(error)
            continue
        if chosen:
            result.chosen[sequence.name] = chosen.name
            if chosen.score > DOUBTFUL:
                result.doubtful.append(sequence.name)
        else:
            result.kept.append(sequence.name)
    return result


def _choose_best(project: Project, sequence: ClipSequence, note: str) -> StoredCandidate | None:
    """The candidate chosen now; None where the decision stays as it is."""
    with project.transaction():
        standing = _standing(journal(project, sequence.id))
        if any(d.kind == "person" for d in standing):
            return None
        best = candidates(project, _main(project, sequence).id)[0]
        if standing and standing[0].candidate_id == best.id:
            return None
        _append(project, sequence, "automatic", "accepted", best.id, "rainclean", note)
        return best


def undo(project: Project, sequence: ClipSequence, who: str, note: str = "") -> tuple[Decision, Decision]:
    """Take back the decision that holds; the one before it, if any, holds again. Returns it, and the undoing."""
    with project.transaction():
        taken = holding(journal(project, sequence.id))
        if taken is None:
            raise RaincleanError(f"{sequence.name}: nothing was decided, so nothing can be taken back")
        return taken, _append(project, sequence, "person", "undone", None, who, note, undoes=taken.id)


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


def _main(project: Project, sequence: ClipSequence) -> Analysis:
    """The main analysis of a sequence. Raises InputError where it has no candidates."""
    there = analyses(project, sequence.id)
    if not there or there[0].error:
        reason = f"its analysis failed: {there[0].error}" if there else "is not analysed yet"
        advice = f"run rainclean analyze {quoted(project.folder)} {sequence.name}"
        raise InputError(sequence.name, reason, advice)
    return there[0]


def _append(
    project: Project,
    sequence: ClipSequence,
    kind: Kind,
    verdict: Verdict,
    candidate_id: int | None,
    who: str,
    note: str,
    exclude: str = "",
    undoes: int | None = None,
) -> Decision:
    number = project.insert(
        "decision",
        uuid=str(uuid.uuid4()),
        sequence_id=sequence.id,
        kind=kind,
        verdict=verdict,
        candidate_id=candidate_id,
        undoes=undoes,
        exclude=exclude,
        note=note,
        who=who,
        at=now(),
    )
    return Decision(**dict(project.rows("SELECT * FROM decision WHERE id = ?", number)[0]))
