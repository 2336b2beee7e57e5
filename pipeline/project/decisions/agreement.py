"""Agreement of people with each other and with the automatic choice: shares, and Cohen's κ."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from pipeline.project.decisions import decisions, opinions
from pipeline.project.journals import moment
from pipeline.project.storage import Project, schema

AUTOMATIC = "automatic"
"""Name of the automatic choice, which always takes the best-scored candidate."""

REJECTED = "rejected"

Judgements = dict[str, dict[int, str]]
"""By person and by the id of the sequence: the picture that was accepted, or REJECTED."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Agreement of two on the sequences that both judged. Shares are 0…1; None where there are no sequences.

    Attributes:
        both: How many sequences both judged.
        same_verdict: Share of them with the same verdict.
        kappa_verdict: Cohen's κ of the verdict.
        both_accepted: How many sequences both accepted.
        same_candidate: Share of them with the same picture.
        kappa_choice: Cohen's κ of the picture, or "rejected".
    """

    one: str
    other: str
    both: int
    same_verdict: float | None
    kappa_verdict: float | None
    both_accepted: int
    same_candidate: float | None
    kappa_choice: float | None


def kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's κ of two people's labels: (observed − expected) / (1 − expected) agreement, −1…1.

    None where there are no labels, or where all are the same: chance alone would agree as well.
    """
    if not pairs:
        return None
    number = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    # In whole numbers, so that 0 is 0.
    expected = sum(first[label] * second[label] for label in first)
    if expected == number * number:
        return None
    same = sum(one == other for one, other in pairs)
    return (same * number - expected) / (number * number - expected)


def judgements(project: Project, sequence_ids: Iterable[int] | None = None) -> Judgements:
    """Return each person's latest decision or opinion on each sequence, and the automatic choice.

    Args:
        project: The project.
        sequence_ids: Sequences; None for all.
    """
    wanted = None if sequence_ids is None else set(sequence_ids)
    pictures = {row["id"]: str(row["picture"]) for row in project.rows("SELECT id, picture FROM candidate")}
    latest: dict[tuple[str, int], tuple[str, str]] = {}  # time and label
    for number, current in decisions.by_sequence(project).items():
        for who, decision in decisions.of_people(current).items():
            latest[who, number] = moment(decision.at), pictures.get(decision.candidate_id or 0, REJECTED)
    for number, of_sequence in opinions.opinions(project).items():
        for opinion in of_sequence:
            judgement = moment(opinion.at), pictures.get(opinion.candidate_id or 0, REJECTED)
            latest[opinion.who, number] = max(judgement, latest.get((opinion.who, number), judgement))
    labels: Judgements = defaultdict(dict)
    for (who, number), (_, label) in latest.items():
        labels[who][number] = label
    if labels:
        labels[AUTOMATIC] = _best(project)
    if wanted is not None:
        labels = {who: {n: label for n, label in own.items() if n in wanted} for who, own in labels.items()}
    return {who: own for who, own in labels.items() if own}


def agreements(judged: Judgements) -> list[Agreement]:
    """Return the agreement of each two people, and of each person with the automatic choice, on common sequences."""
    people = sorted(judged.keys() - {AUTOMATIC})
    pairs = [*combinations(people, 2), *((who, AUTOMATIC) for who in people if AUTOMATIC in judged)]
    several = (_agreement(one, other, judged) for one, other in pairs)
    return [each for each in several if each.both]


def _agreement(one: str, other: str, judged: Judgements) -> Agreement:
    common = sorted(judged[one].keys() & judged[other].keys())
    labels = [(judged[one][number], judged[other][number]) for number in common]
    verdicts = [tuple("rejected" if label == REJECTED else "accepted" for label in pair) for pair in labels]
    accepted = [pair for pair in labels if REJECTED not in pair]
    return Agreement(
        one=one,
        other=other,
        both=len(common),
        same_verdict=_share(a == b for a, b in verdicts),
        kappa_verdict=kappa([(a, b) for a, b in verdicts]),
        both_accepted=len(accepted),
        same_candidate=_share(a == b for a, b in accepted),
        kappa_choice=kappa(labels),
    )


def _share(same: Iterable[bool]) -> float | None:
    values = list(same)
    return sum(values) / len(values) if values else None


def _best(project: Project) -> dict[int, str]:
    """Return the picture of the best-scored candidate of each sequence's main analysis."""
    rows = project.rows(
        "SELECT sequence_id, picture FROM analysis JOIN candidate ON analysis_id = analysis.id AND rank = 1 "
        f"WHERE origin = 'analysis' ORDER BY {schema.MAIN_LAST}"
    )
    return {row["sequence_id"]: str(row["picture"]) for row in rows}
