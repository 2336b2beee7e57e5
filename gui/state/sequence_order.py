"""Which sequences the list shows and in which order: pure functions over lines of the overview."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from pipeline.project.model import NOT_JUDGED, Overview

FILTERS: dict[str, Callable[[Overview], bool]] = {
    "all": lambda row: True,
    "to decide": lambda row: row.state in ("ready", "accepted automatically"),
    "ready": lambda row: row.state == "ready",
    "accepted by a person": lambda row: row.state == "accepted",
    "accepted automatically": lambda row: row.state == "accepted automatically",
    "rejected": lambda row: row.state == "rejected",
    "new": lambda row: row.state == "new",
    "failed": lambda row: row.state == "failed",
    "verdict: fit": lambda row: row.trust == "fit",
    "verdict: look": lambda row: row.trust == "look",
    "verdict: unfit": lambda row: row.trust == "unfit",
    NOT_JUDGED: lambda row: row.trust == NOT_JUDGED,
    "in conflict": lambda row: row.conflict,
    "starred": lambda row: row.star,
    "with a note": lambda row: bool(row.note),
}
"""Name in the list's box → whether a line is shown."""

_ORDER_OF_STATES = ("ready", "accepted automatically", "failed", "new", "accepted", "rejected")

_ORDER_OF_TRUST = ("unfit", "look", NOT_JUDGED, "fit", "")

UNSURE = "most unsure first"

Unsure = Mapping[int, float]
"""How unsure it is which candidate a person would choose, 0…1, by the id of the sequence."""

NOTHING_KNOWN: Unsure = MappingProxyType({})

SORTS: dict[str, Callable[[Overview, Unsure], tuple[float | str, ...]]] = {
    "as added": lambda row, unsure: (),
    "name": lambda row, unsure: (row.sequence.name.casefold(),),
    "state": lambda row, unsure: (_ORDER_OF_STATES.index(row.state),),
    "score, worst first": lambda row, unsure: (-(row.score if row.score is not None else -1.0),),
    "disagreement, most first": lambda row, unsure: (-row.spread,),
    "verdict, worst first": lambda row, unsure: (_ORDER_OF_TRUST.index(row.trust),),
    # What a person has decided is sure, and stands behind what is left to do.
    UNSURE: lambda row, unsure: (
        (row.state in ("accepted", "rejected"), -unsure.get(row.sequence.id, 0.0)) if unsure else ()
    ),
}
"""Name in the list's box → key; of equals the one added first comes first."""


def arrange(
    rows: Iterable[Overview],
    *,
    filter_by: str = "all",
    sort: str = "as added",
    search: str = "",
    unsure: Unsure = NOTHING_KNOWN,
) -> list[int]:
    """Ids of the sequences to list. search: words that name, scene or note of a line must all contain."""
    words = search.casefold().split()
    chosen = [row for row in rows if FILTERS[filter_by](row) and all(w in _text(row) for w in words)]
    return [row.sequence.id for row in sorted(chosen, key=lambda row: SORTS[sort](row, unsure))]


def _text(row: Overview) -> str:
    return f"{row.sequence.name} {row.sequence.scene} {row.sequence.notes} {row.note}".casefold()


def neighbour(order: Sequence[int], of: int | None, step: int) -> int | None:
    """The id ``step`` places on in the order, at most the last or first; the first where ``of`` is not in it."""
    if not order:
        return None
    if of not in order:
        return order[0]
    return order[min(max(order.index(of) + step, 0), len(order) - 1)]


def nearest(order: Sequence[int], of: int, wanted: Callable[[int], bool]) -> int | None:
    """The nearest id for which ``wanted`` holds: first those after ``of``, then those before it."""
    place = order.index(of) if of in order else -1
    after, before = order[place + 1 :], order[: max(place, 0)]
    return next((other for other in (*after, *reversed(before)) if wanted(other)), None)
