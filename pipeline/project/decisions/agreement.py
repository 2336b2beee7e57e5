"""How far people agree with each other, and with the automatic choice: shares, and Cohen's κ beside chance."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from pipeline.project.decisions import decisions, opinions
from pipeline.project.decisions.journals import moment
from pipeline.project.storage import Project

AUTOMATIC = "automatic"
"""Who it is that always takes the best-scored candidate."""

REJECTED = "rejected"

Judgements = dict[str, dict[int, str]]
"""By person and by the id of the sequence: the picture that was accepted, or REJECTED."""


@dataclass(frozen=True)
class Agreement:
    """How far two agree on the sequences that both judged. Shares 0…1; None where there is nothing to tell from.

    both: sequences that both judged. same_verdict: share with the same verdict. kappa_verdict: Cohen's κ of that.
    both_accepted: sequences that both accepted. same_candidate: share of them with the same picture. kappa_choice:
    Cohen's κ of the picture, or "rejected".
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
    """Cohen's κ of two people's labels: (observed − expected) / (1 − expected) agreement, −1…1.

    None where there are no labels, or only one in all: chance alone would agree as well.
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
    """What each person said last of each sequence, as a decision or an opinion; and what is chosen automatically."""
    wanted = None if sequence_ids is None else set(sequence_ids)
    pictures = {row["id"]: str(row["picture"]) for row in project.rows("SELECT id, picture FROM candidate")}
    said: dict[tuple[str, int], tuple[str, str]] = {}
    for number, stand in decisions.by_sequence(project).items():
        for who, decision in decisions.of_people(stand).items():
            said[who, number] = moment(decision.at), pictures.get(decision.candidate_id or 0, REJECTED)
    for number, stated in opinions.opinions(project).items():
        for opinion in stated:
            made = moment(opinion.at), pictures.get(opinion.candidate_id or 0, REJECTED)
            said[opinion.who, number] = max(made, said.get((opinion.who, number), made))
    found: Judgements = defaultdict(dict)
    for (who, number), (_, label) in said.items():
        found[who][number] = label
    if found:
        found[AUTOMATIC] = _best(project)
    if wanted is not None:
        found = {who: {n: label for n, label in its.items() if n in wanted} for who, its in found.items()}
    return {who: its for who, its in found.items() if its}


def agreements(judged: Judgements) -> list[Agreement]:
    """Each pair of people, and each person with the automatic choice, that judged a sequence in common."""
    people = sorted(judged.keys() - {AUTOMATIC})
    pairs = [*combinations(people, 2), *((who, AUTOMATIC) for who in people if AUTOMATIC in judged)]
    found = (_agreement(one, other, judged) for one, other in pairs)
    return [each for each in found if each.both]


def _agreement(one: str, other: str, judged: Judgements) -> Agreement:
    common = sorted(judged[one].keys() & judged[other].keys())
    labels = [(judged[one][number], judged[other][number]) for number in common]
    verdicts = [tuple("rejected" if label == REJECTED else "accepted" for label in pair) for pair in labels]
    accepted = [pair for pair in labels if REJECTED not in pair]
    return Agreement(
        one,
        other,
        len(common),
        _share(a == b for a, b in verdicts),
        kappa([(a, b) for a, b in verdicts]),
        len(accepted),
        _share(a == b for a, b in accepted),
        kappa(labels),
    )


def _share(same: Iterable[bool]) -> float | None:
    found = list(same)
    return sum(found) / len(found) if found else None


def _best(project: Project) -> dict[int, str]:
    """The picture of the best-scored candidate of each sequence's main analysis."""
    rows = project.rows(
        "SELECT sequence_id, picture FROM analysis JOIN candidate ON analysis_id = analysis.id AND rank = 1 "
        "WHERE origin = 'analysis' ORDER BY json_extract(settings, '$.recipe') IS NULL, analysis.id"
    )
    return {row["sequence_id"]: str(row["picture"]) for row in rows}
