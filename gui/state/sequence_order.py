"""Filter and order of the list of sequences: pure functions over rows of the overview."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from pipeline.project.model import NOT_JUDGED, Overview

VERDICTS = {"fit": "Fit", "look": "Needs a look", "unfit": "Unfit", NOT_JUDGED: "No verdict yet"}
"""Verdict → what a person reads, in the list and in the filter box."""

REMOVED = "Removed"
"""Name in the filter box of what is listed instead of the sequences of the project."""

SCENE = "Scene: "
"""Beginning of a name in the filter box; the scene follows."""

FILTERS: dict[str, Callable[[Overview], bool]] = {
    "All": lambda row: True,
    "To decide": lambda row: row.state in ("ready", "accepted automatically"),
    "Ready": lambda row: row.state == "ready",
    "Accepted by a person": lambda row: row.state == "accepted",
    "Accepted automatically": lambda row: row.state == "accepted automatically",
    "Rejected": lambda row: row.state == "rejected",
    "New": lambda row: row.state == "new",
    "Failed": lambda row: row.state == "failed",
    VERDICTS["fit"]: lambda row: row.trust == "fit",
    VERDICTS["look"]: lambda row: row.trust == "look",
    VERDICTS["unfit"]: lambda row: row.trust == "unfit",
    VERDICTS[NOT_JUDGED]: lambda row: row.trust == NOT_JUDGED,
    "Out of date": lambda row: row.outdated,
    "Scene suggested": lambda row: row.sequence.scene_by == "suggestion",
    "In conflict": lambda row: row.conflict,
    "Starred": lambda row: row.star,
    "With a note": lambda row: bool(row.note),
    REMOVED: lambda row: row.sequence.removed,
}
"""Name in the filter box → whether a row is listed. Scenes are listed by names that begin with SCENE."""

_ORDER_OF_STATES = ("ready", "accepted automatically", "failed", "new", "accepted", "rejected")

_ORDER_OF_TRUST = ("unfit", "look", NOT_JUDGED, "fit", "")

UNSURE = "Most uncertain first"

Unsure = Mapping[int, float]
"""Id of the sequence → uncertainty of the suggested candidate, 0…1."""

NOTHING_KNOWN: Unsure = MappingProxyType({})

SORTS: dict[str, Callable[[Overview, Unsure], tuple[float | str, ...]]] = {
    "As added": lambda row, unsure: (),
    "Name": lambda row, unsure: (row.sequence.label.casefold(),),
    "Scene": lambda row, unsure: (row.sequence.scene.casefold(),),
    "State": lambda row, unsure: (_ORDER_OF_STATES.index(row.state),),
    "Score, worst first": lambda row, unsure: (-(row.score if row.score is not None else -1.0),),
    "Difference between candidates, largest first": lambda row, unsure: (-row.spread,),
    "Verdict, worst first": lambda row, unsure: (_ORDER_OF_TRUST.index(row.trust),),
    # Sequences that a person has decided come last.
    UNSURE: lambda row, unsure: (
        (row.state in ("accepted", "rejected"), -unsure.get(row.sequence.id, 0.0)) if unsure else ()
    ),
}
"""Name in the order box → sort key. Of equal rows the one added first comes first."""


def arrange(
    rows: Iterable[Overview],
    *,
    filter_by: str = "All",
    sort: str = "As added",
    search: str = "",
    unsure: Unsure = NOTHING_KNOWN,
) -> list[int]:
    """Return the ids of the sequences to list, in the order of the list.

    Args:
        rows: All rows, in the order in which they were added.
        filter_by: Name in FILTERS, or SCENE with a scene.
        sort: Name in SORTS.
        search: Words that must all occur in name, display name, scene or notes of a row.
        unsure: Uncertainty by sequence, for the order UNSURE.
    """
    words = search.casefold().split()
    wanted = _filter(filter_by)
    chosen = [row for row in rows if wanted(row)]
    if words:
        chosen = [row for row in chosen if all(word in _text(row) for word in words)]
    key = SORTS[sort]
    return [row.sequence.id for row in sorted(chosen, key=lambda row: key(row, unsure))]


def shared_scenes(rows: Iterable[Overview]) -> list[str]:
    """Return the scenes of two sequences or more, by name. A scene of one sequence is found by a search."""
    scenes = Counter(row.sequence.scene for row in rows)
    return sorted((scene for scene, number in scenes.items() if number > 1), key=str.casefold)


def _filter(name: str) -> Callable[[Overview], bool]:
    if name in FILTERS:
        return FILTERS[name]
    scene = name.removeprefix(SCENE)
    return lambda row: row.sequence.scene == scene


def _text(row: Overview) -> str:
    sequence = row.sequence
    return f"{sequence.name} {sequence.display_name} {sequence.scene} {sequence.notes} {row.note}".casefold()


def neighbour(order: Sequence[int], of: int | None, step: int) -> int | None:
    """Return the id ``step`` places after ``of``, at most the last or first; the first if ``of`` is not listed."""
    if not order:
        return None
    if of not in order:
        return order[0]
    return order[min(max(order.index(of) + step, 0), len(order) - 1)]


def nearest(order: Sequence[int], of: int, wanted: Callable[[int], bool]) -> int | None:
    """Return the nearest id for which ``wanted`` holds: first those after ``of``, then those before it."""
    place = order.index(of) if of in order else -1
    after, before = order[place + 1 :], order[: max(place, 0)]
    return next((other for other in (*after, *reversed(before)) if wanted(other)), None)
