"""What people accepted in a project, and among which candidates: suggestions are learned from that.

Current decisions and second opinions count. Automatic choices do not count, and a rejection prefers nothing.
"""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.project.decisions import decisions, opinions
from pipeline.project.storage import Project, schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.project.editing import Composite, Part

MIN_SEQUENCES = 12
"""Judged sequences from which on there are suggestions. `rainclean.candidates.preference` has the same, but loads
numpy, which `status` avoids."""

VALUES = ("rank", "percentile", "eta", "streaks", "detail", "darkening", "disagreement")
"""Columns of the table of candidates."""


@dataclass(frozen=True)
class Choice:
    """What a person accepted on a sequence, by ids; of a composite its base.

    group: the analysis it was chosen among, its own or, of what a person kept, the main one. besides: was painted
    with, so that nothing is said of it.
    """

    sequence_id: int
    candidate_id: int
    group: int
    besides: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Facts:
    """What of a project a suggestion is made from, as it was read at one moment.

    key, kept: what it was read from, of judgements and candidates; of candidates alone. ids: of all candidates, those
    of one analysis next to each other, best-scored first. values: (K, 7) float64 of them, columns as VALUES. recipes:
    (K, 2) float64, number of frames and index of the rule. analysis: that each is of. begin: of each analysis the first
    row and the one after the last. origins, scoring_targets, spreads: of each analysis, as it has them. main: of each
    sequence the main analysis, if its candidates can be chosen automatically. choices: what people accepted. people:
    how many.
    """

    key: tuple[object, ...]
    kept: tuple[object, ...]
    ids: list[int]
    values: "NDArray[np.float64]"
    recipes: "NDArray[np.float64]"
    analysis: list[int]
    begin: dict[int, tuple[int, int]]
    origins: dict[int, str]
    scoring_targets: dict[int, str]
    spreads: dict[int, float]
    main: dict[int, int]
    choices: tuple[Choice, ...]
    people: int

    @cached_property
    def rows(self) -> dict[int, int]:
        """The row of each candidate."""
        return {number: row for row, number in enumerate(self.ids)}


def read(project: Project, before: Facts | None = None) -> Facts | None:
    """Read what suggestions are made from; return None while too few sequences were judged.

    Args:
        project: The project.
        before: What was read earlier. It is returned itself where nothing has changed since, and what has not changed
            is not read again. It is not modified, so another thread may learn from it meanwhile.
    """
    kept = _kept(project)
    key = _key(project), kept
    if before is not None and before.key == key:
        return before
    acceptances = accepted(project)
    if len({one.sequence_id for one in acceptances}) < MIN_SEQUENCES:
        return None
    facts = before if before is not None and before.kept == kept else _candidates(project, kept)
    choices = tuple(
        c for c in (_choice(project, facts, one.sequence_id, one.candidate_id) for one in acceptances) if c is not None
    )
    people = len({one.who for one in acceptances})
    return replace(facts, key=key, choices=choices, people=people)


def _key(project: Project) -> tuple[object, ...]:
    """Another one whenever somebody has judged, where rows are only appended, or has removed a sequence."""
    return tuple(
        project.rows(
            "SELECT (SELECT max(id) FROM decision), (SELECT max(id) FROM opinion), "
            "(SELECT group_concat(id) FROM sequence WHERE removed)"
        )[0]
    )


def _kept(project: Project) -> tuple[object, ...]:
    """Another one whenever candidates have changed; they are many, and mostly somebody has only judged."""
    return tuple(
        project.rows(
            "SELECT count(*), total(id), max(finished), (SELECT max(id) FROM candidate), "
            "(SELECT group_concat(id || ' ' || coalesce(chosen_first, '') || ' ' || coalesce(chosen_last, '') || "
            "chosen_region) FROM sequence "
            "WHERE chosen_first IS NOT NULL OR chosen_last IS NOT NULL OR chosen_region != '') FROM analysis"
        )[0]
    )


class Acceptance(NamedTuple):
    """A person accepted a candidate of a sequence."""

    sequence_id: int
    who: str
    candidate_id: int


def accepted(project: Project) -> list[Acceptance]:
    """Return what people accepted, as a decision or an opinion; the same by one person counts once.

    Sequences that a person removed do not count.
    """
    removed = {int(row["id"]) for row in project.rows("SELECT id FROM sequence WHERE removed")}
    result = {
        Acceptance(d.sequence_id, d.who, d.candidate_id): None
        for current in decisions.by_sequence(project).values()
        for d in decisions.of_people(current).values()
        if d.candidate_id is not None
    }
    for several in opinions.opinions(project).values():
        result |= {
            Acceptance(o.sequence_id, o.who, o.candidate_id): None for o in several if o.candidate_id is not None
        }
    return [one for one in result if one.sequence_id not in removed]


def _candidates(project: Project, kept: tuple[object, ...]) -> Facts:
    """All candidates, without what was chosen of them."""
    import numpy as np

    rows = project.rows(
        f"SELECT analysis_id, id, recipe_hash, {', '.join(VALUES)} FROM candidate ORDER BY analysis_id, rank"
    )
    recipes = {
        row["recipe_hash"]: _recipe(row["recipe"])
        for row in project.rows("SELECT recipe_hash, recipe, min(id) FROM candidate GROUP BY recipe_hash")
    }
    begin: dict[int, tuple[int, int]] = {}
    for place, row in enumerate(rows):
        begin[row[0]] = begin.get(row[0], (place, 0))[0], place + 1
    main: dict[int, int] = {}
    of_analysis: dict[int, Any] = {}
    # The main one as `overview` has it: the last of these.
    for row in project.rows(
        f"SELECT sequence_id, id, error, spread, origin, scoring_target FROM analysis ORDER BY {schema.MAIN_LAST}"
    ):
        main[row["sequence_id"]], of_analysis[row["id"]] = row["id"], row
    sound = {a for a, row in of_analysis.items() if row["origin"] == "analysis" and not row["error"] and a in begin}
    return Facts(
        key=(),
        kept=kept,
        ids=[row[1] for row in rows],
        values=np.array([tuple(row)[3:] for row in rows], np.float64).reshape(-1, len(VALUES)),
        recipes=np.array([recipes[row[2]] for row in rows], np.float64).reshape(-1, 2),
        analysis=[row[0] for row in rows],
        begin=begin,
        origins={a: row["origin"] for a, row in of_analysis.items()},
        scoring_targets={a: row["scoring_target"] for a, row in of_analysis.items()},
        spreads={a: row["spread"] for a, row in of_analysis.items()},
        main={s: a for s, a in main.items() if a in sound},
        choices=(),
        people=0,
    )


def _recipe(text: str) -> tuple[float, float]:
    """Number of frames, and index of the rule; recipes from before there were several go by a percentile."""
    from rainclean.candidates import RULES

    try:
        recipe = json.loads(text)
        rule, frames = recipe.get("rule", RULES[0]), float(recipe.get("frames") or 100)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return 100.0, float(len(RULES) - 1)  # of an older rainclean that took it in from elsewhere unseen
    return frames, float(RULES.index(rule if rule in RULES else RULES[-1]))


def _choice(project: Project, facts: Facts, sequence_id: int, candidate_id: int) -> Choice | None:
    """What accepting a candidate says; None where it says nothing.

    A composite says that its base was the one to begin with, and nothing of what was painted over it. What a person
    kept, or an analysis of one recipe made, was chosen among the main analysis' candidates, if it was scored alike.
    """
    if candidate_id not in facts.rows:
        return None
    of = facts.analysis[facts.rows[candidate_id]]
    if facts.origins[of] == "composite":
        composite = _composite(project, candidate_id)
        if composite is None:
            return None
        base = _number_of(project, sequence_id, composite.base)
        layers = {_number_of(project, sequence_id, layer.part) for layer in composite.layers}
        choice = None if base is None else _choice(project, facts, sequence_id, base)
        besides = tuple(number for number in layers if number is not None and number in facts.rows)
        return None if choice is None else replace(choice, besides=besides)
    begin, end = facts.begin[of]
    if end - begin > 1:
        return Choice(sequence_id, candidate_id, of)
    main = facts.main.get(sequence_id)
    alike = main is not None and facts.scoring_targets[of] and facts.scoring_targets[of] == facts.scoring_targets[main]
    return Choice(sequence_id, candidate_id, main) if main is not None and alike else None


def _composite(project: Project, candidate_id: int) -> "Composite | None":
    """Return what a composite was joined of; None where an older rainclean imported it without a check."""
    from pipeline.project.editing import composite_of

    try:
        recipe = json.loads(project.value("SELECT recipe FROM candidate WHERE id = ?", candidate_id))
    except (ValueError, TypeError, RecursionError):
        return None
    return composite_of(recipe)


def _number_of(project: Project, sequence_id: int, part: "Part") -> int | None:
    """Return the id of the candidate that a composite names by its content; None where the sequence has none."""
    number = project.value(
        "SELECT candidate.id FROM candidate JOIN analysis ON analysis_id = analysis.id "
        "WHERE sequence_id = ? AND recipe_hash = ? AND picture = ? AND origin != 'composite'",
        sequence_id, part.recipe, part.picture,
    )  # fmt: skip
    return None if number is None else int(number)
