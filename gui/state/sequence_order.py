"""Filter and order of the list of sequences: pure functions over rows of the overview."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from pipeline.project.model import NOT_JUDGED, Overview

FILTERS: dict[str, Callable[[Overview], bool]] = {
    "All": lambda row: True,
    "To decide": lambda row: row.state in ("ready", "accepted automatically"),
    "Ready": lambda row: row.state == "ready",
    "Accepted by a person": lambda row: row.state == "accepted",
    "Accepted automatically": lambda row: row.state == "accepted automatically",
    "Rejected": lambda row: row.state == "rejected",
    "New": lambda row: row.state == "new",
    "Failed": lambda row: row.state == "failed",
    "Verdict: fit": lambda row: row.trust == "fit",
    "Verdict: look": lambda row: row.trust == "look",
    "Verdict: unfit": lambda row: row.trust == "unfit",
    NOT_JUDGED.capitalize(): lambda row: row.trust == NOT_JUDGED,
    "In conflict": lambda row: row.conflict,
    "Starred": lambda row: row.star,
    "With a note": lambda row: bool(row.note),
}
"""Name in the filter box → whether a row is listed."""

_ORDER_OF_STATES = ("ready", "accepted automatically", "failed", "new", "accepted", "rejected")

_ORDER_OF_TRUST = ("unfit", "look", NOT_JUDGED, "fit", "")

UNSURE = "Most uncertain first"

Unsure = Mapping[int, float]
"""Id of the sequence → uncertainty of the suggested candidate, 0…1."""

NOTHING_KNOWN: Unsure = MappingProxyType({})

SORTS: dict[str, Callable[[Overview, Unsure], tuple[float | str, ...]]] = {
    "As added": lambda row, unsure: (),
    "Name": lambda row, unsure: (row.sequence.name.casefold(),),
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
        filter_by: Name in FILTERS.
        sort: Name in SORTS.
        search: Words that must all occur in name, scene or notes of a row.
        unsure: Uncertainty by sequence, for the order UNSURE.
    """
    words = search.casefold().split()
    chosen = [row for row in rows if FILTERS[filter_by](row) and all(w in _text(row) for w in words)]
    return [row.sequence.id for row in sorted(chosen, key=lambda row: SORTS[sort](row, unsure))]


def _text(row: Overview) -> str:
    return f"{row.sequence.name} {row.sequence.scene} {row.sequence.notes} {row.note}".casefold()


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
