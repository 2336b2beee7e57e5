"""The candidate that a person would choose, learned from what people chose in this project, and how unsure that is.

`rainclean.candidates.suggestions` is something else: areas to paint or to exclude.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline.project.decisions import FIT_ONLY, BestChosen, Pick, Step, choose_best
from pipeline.project.preference.judgements import MIN_SEQUENCES, Facts, accepted, read
from pipeline.project.storage import Project
from pipeline.text_format import counted

if TYPE_CHECKING:
    from rainclean.candidates import Judgement, Lesson, Table


@dataclass(frozen=True)
class Suggested:
    """What is suggested for a sequence. chance: how likely a person chooses it, 0…1. reasons: for a person."""

    candidate_id: int
    chance: float
    reasons: tuple[str, ...]

    @property
    def label(self) -> str:
        """``suggested because of fewer leftover streaks (0.21 against 0.34)``."""
        return "suggested" + (f" because of {', '.join(self.reasons)}" if self.reasons else "")


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """What was learned.

    Attributes:
        sequences: How many it was learned from.
        judgements: How many it was learned from.
        people: How many judged.
        hits: Of those sequences, each left out in turn: how many were chosen as learned from the others.
        hits_of_scores: How many were chosen as the scores order the candidates.
        learned: Whether suggestions go by what was learned.
        unsure: Sequence's id → how likely a person chooses another candidate than the first, 0…1; empty while that is
            unknown.
    """

    sequences: int = 0
    judgements: int = 0
    people: int = 0
    hits: float = 0.0
    hits_of_scores: float = 0.0
    learned: bool = False
    unsure: dict[int, float] = field(default_factory=dict)
    _tops: dict[int, tuple[int, int]] = field(default_factory=dict, repr=False)
    _facts: Facts | None = field(default=None, repr=False, compare=False)
    _lesson: "Lesson | None" = field(default=None, repr=False, compare=False)

    def for_sequence(self, sequence_id: int) -> Suggested | None:
        """Return what is suggested for a sequence; None while nothing is learned, or where there are no candidates."""
        if not self.learned or sequence_id not in self._tops:
            return None
        from rainclean.candidates import reasons

        assert self._facts is not None and self._lesson is not None and self._lesson.preference is not None
        first, second = self._tops[sequence_id]
        begin, end = self._facts.begin[self._facts.main[sequence_id]]
        # It is told from what would be first without it; where that is the same, from what comes next.
        against = begin if first != begin else second
        table = _table(self._facts, [range(begin, end)], [self._facts.main[sequence_id]])
        why = reasons(self._lesson.preference, table, first - begin, against - begin) if first != against else ()
        return Suggested(self._facts.ids[first], 1 - self.unsure[sequence_id], why)

    @property
    def label(self) -> str:
        """A line on what suggestions go by."""
        people = "1 person" if self.people == 1 else f"{self.people} people"
        seen = f"{counted(self.judgements, 'judgement')} by {people}"
        if self.sequences < MIN_SEQUENCES:
            return f"none yet: people have judged {self.sequences} of the {MIN_SEQUENCES} sequences needed"
        on = f"{counted(self.sequences, 'sequence')} ({seen})"
        if self.learned:
            against = f"this predicts {self.hits:.0f} of these choices, the scores predict {self.hits_of_scores:.0f}"
            return f"learned from {on}; {against}"
        if self.unsure:
            return f"by score: what was learned from {on} predicts no better"
        return f"none: neither the scores nor a learned rule predicts the choices on {on}"

    def to_json(self) -> dict[str, Any]:
        """Return it for programs. order: "learned", "scores" (how unsure is known), or None."""
        return {
            "order": "learned" if self.learned else "scores" if self.unsure else None,
            "sequences": self.sequences,
            "judgements": self.judgements,
            "people": self.people,
            "needed": MIN_SEQUENCES,
            "hits": round(self.hits, 3),
            "hits_of_scores": round(self.hits_of_scores, 3),
        }


NOTHING = Suggestions()
"""Where nothing is known."""


def learn(facts: Facts) -> Suggestions:
    """Learn from what was read. It takes some ten milliseconds and needs no project."""
    from rainclean.candidates import preference

    lines: list[Sequence[int]] = []
    judged: list[Judgement] = []
    offset = 0
    for choice in facts.choices:
        members = list(range(*facts.begin[choice.group]))
        row = facts.rows[choice.candidate_id]
        if row not in members:
            members.append(row)
        left = {facts.rows[number] for number in choice.besides} | {row}
        others = tuple(offset + place for place, member in enumerate(members) if member not in left)
        judged.append(preference.Judgement(offset + members.index(row), others, choice.sequence_id))
        lines.append(members)
        offset += len(members)
    if not judged:
        return NOTHING
    lesson = preference.learn(_table(facts, lines, [c.group for c in facts.choices]), judged)
    result = Suggestions(
        sequences=lesson.sequences,
        judgements=lesson.judgements,
        people=facts.people,
        hits=lesson.hits,
        hits_of_scores=lesson.hits_of_scores,
        _facts=facts,
        _lesson=lesson,
    )
    if lesson.preference is None or not facts.main:
        return result
    table = _table(facts, [range(*facts.begin[number]) for number in facts.main.values()], list(facts.main.values()))
    first, second, chance = lesson.preference.tops(table)
    # Rows of the table are those of the line-ups, one after the other.
    start = table.starts[:-1]
    begin = [facts.begin[number][0] for number in facts.main.values()]
    tops = zip((first - start + begin).tolist(), (second - start + begin).tolist(), strict=True)
    return replace(
        result,
        learned=lesson.preference.order == "learned",
        unsure=dict(zip(facts.main, (1 - chance).tolist(), strict=True)),
        _tops=dict(zip(facts.main, tops, strict=True)),
    )


def suggestions(project: Project) -> Suggestions:
    """Learn from a project as it is now."""
    with project.snapshot():
        facts = read(project)
        if facts is None:
            return so_far(project)
    return learn(facts)


def so_far(project: Project) -> Suggestions:
    """Return how much was judged, where that is too little to learn from."""
    acceptances = accepted(project)
    return Suggestions(
        sequences=len({one.sequence_id for one in acceptances}),
        judgements=len(acceptances),
        people=len({one.who for one in acceptances}),
    )


def choose_suggested(
    project: Project,
    names: Sequence[str] = (),
    note: str = "",
    trusted: Sequence[str] = FIT_ONLY,
    who: str = "",
) -> tuple[BestChosen, Suggestions]:
    """Accept the suggested candidate of each sequence as an automatic choice; the best-scored one where there is none.

    What a person decided stays.

    Args:
        project: The project.
        names: Sequences, all if empty.
        note: Note of the decisions. What was learned is added to it.
        trusted: States of verdicts that are chosen; other sequences are left.
        who: The person who runs it. All of it is one step that this person can undo; without a name none is recorded.

    Returns:
        What was done, and what the suggestions were learned from.
    """
    learned, step = suggestions(project), Step(who) if who else None

    def suggest(sequence_id: int) -> Pick | None:
        suggested = learned.for_sequence(sequence_id)
        return None if suggested is None else Pick(suggested.candidate_id, f"{suggested.label}; {learned.label}")

    return choose_best(project, names, note, trusted, step=step, suggest=suggest), learned


def _table(facts: Facts, lines: Iterable[Sequence[int]], of: Sequence[int]) -> "Table":
    """Return line-ups of these rows. of: the analysis whose spread each has."""
    import numpy as np

    from rainclean.candidates import Table

    lines = list(lines)
    rows = np.fromiter((row for line in lines for row in line), np.int64)
    starts = np.cumsum([0, *(len(line) for line in lines)])
    values, recipes = facts.values[rows], facts.recipes[rows]
    rank = values[:, 0].copy()
    totals = values[:, 3:].sum(axis=1)
    for place, line in enumerate(lines):
        begin, end = facts.begin[of[place]]
        if len(line) > end - begin:
            # The last was kept by a person, the first of an analysis of its own: it stands where its total puts it.
            a, last = starts[place], starts[place + 1] - 1
            rank[last] = 0.5 + np.count_nonzero(totals[a:last] < totals[last])
    return Table(
        starts=starts,
        defects=values[:, 3:],
        rank=rank,
        percentile=values[:, 1],
        eta=values[:, 2],
        frames=recipes[:, 0],
        rule=recipes[:, 1].astype(np.int64),
        spread=np.array([facts.spreads[number] for number in of], np.float64),
    )
