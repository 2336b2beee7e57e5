"""Which sequences the list shows and in which order: pure functions over lines of the overview."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from pipeline.project.model import NOT_JUDGED, Overview

FILTERS: dict[str, Callable[[Overview], bool]] = {
    "all": lambda line: True,
    "to decide": lambda line: summary.state in ("ready", "accepted automatically"),
    "ready": lambda line: summary.state == "ready",
    "accepted by a person": lambda line: summary.state == "accepted",
    "accepted automatically": lambda line: summary.state == "accepted automatically",
    "rejected": lambda line: summary.state == "rejected",
    "new": lambda line: summary.state == "new",
    "failed": lambda line: summary.state == "failed",
    "verdict: fit": lambda line: summary.trust == "fit",
    "verdict: look": lambda line: summary.trust == "look",
    "verdict: unfit": lambda line: summary.trust == "unfit",
    NOT_JUDGED: lambda line: summary.trust == NOT_JUDGED,
    "in conflict": lambda line: summary.conflict,
    "starred": lambda line: summary.star,
    "with a note": lambda line: bool(summary.note),
}
"""Name in the list's box → whether a line is shown."""

_ORDER_OF_STATES = ("ready", "accepted automatically", "failed", "new", "accepted", "rejected")

_ORDER_OF_TRUST = ("unfit", "look", NOT_JUDGED, "fit", "")

UNSURE = "most unsure first"

Unsure = Mapping[int, float]
"""How unsure it is which candidate a person would choose, 0…1, by the id of the sequence."""

NOTHING_KNOWN: Unsure = MappingProxyType({})

SORTS: dict[str, Callable[[Overview, Unsure], tuple[float | str, ...]]] = {
    "as added": lambda line, unsure: (),
    "name": lambda line, unsure: (summary.sequence.name.casefold(),),
    "state": lambda line, unsure: (_ORDER_OF_STATES.index(summary.state),),
    "score, worst first": lambda line, unsure: (-(summary.score if summary.score is not None else -1.0),),
    "disagreement, most first": lambda line, unsure: (-summary.spread,),
    "verdict, worst first": lambda line, unsure: (_ORDER_OF_TRUST.index(summary.trust),),
    # What a person has decided is sure, and stands behind what is left to do.
    UNSURE: lambda line, unsure: (
        (summary.state in ("accepted", "rejected"), -unsure.get(summary.sequence.id, 0.0)) if unsure else ()
    ),
}
"""Name in the list's box → key; of equals the one added first comes first."""


def arrange(
    lines: Iterable[Overview],
    shown: str = "all",
    sort: str = "as added",
    search: str = "",
    unsure: Unsure = NOTHING_KNOWN,
) -> list[int]:
    """Ids of the sequences to list. search: words that name, scene or note of a line must all contain."""
    words = search.casefold().split()
    chosen = [line for line in lines if FILTERS[shown](line) and all(w in _text(line) for w in words)]
    return [summary.sequence.id for line in sorted(chosen, key=lambda line: SORTS[sort](line, unsure))]


def _text(summary: Overview) -> str:
    return f"{summary.sequence.name} {summary.sequence.scene} {summary.sequence.notes} {summary.note}".casefold()


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
