"""Fold candidates that a person cannot tell apart: measured in a thread, remembered by the names of the pictures."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.workers import LATER, Workers
from pipeline.project.analysis import fold

if TYPE_CHECKING:
    from pipeline.project.model import StoredCandidate

U8 = NDArray[np.uint8]

MAX_REMEMBERED = 500
"""Sequences of which the twins are remembered."""


class Folding(QObject):
    """Twins by the names of the pictures. Signal `changed`: twins of some pictures are known now."""

    changed = Signal()

    def __init__(self, workers: Workers, read: Callable[[str], U8]) -> None:
        """Make it. read: decodes a picture, (H, W, 3) uint8; called in any thread."""
        super().__init__()
        self._workers, self._read = workers, read
        self._twins: dict[tuple[str, ...], dict[str, str]] = {}

    def twins(self, names: Sequence[str]) -> dict[str, str]:
        """Return each folded picture with the better one that looks the same; {} while nobody has measured.

        Args:
            names: Names of the pictures, best first.
        """
        return self._twins.get(tuple(names), {})

    def measure(self, names: Sequence[str], lane: str) -> None:
        """Measure pictures in a thread, best first. Newer work in a lane cancels older work."""
        key = tuple(names)
        if len(key) < 2 or key in self._twins:
            return
        self._workers.run(
            lambda: fold({name: self._read(name) for name in key}),
            lambda twins: self._remember(key, twins),
            lambda _: None,  # a missing picture is reported where it is shown large
            lane=lane,
            urgency=LATER,
        )

    def _remember(self, key: tuple[str, ...], twins: dict[str, str]) -> None:
        while len(self._twins) >= MAX_REMEMBERED:
            del self._twins[next(iter(self._twins))]
        self._twins[key] = twins
        if twins:
            self.changed.emit()


def visible_of(
    candidates: "Sequence[StoredCandidate]", analysis_id: int, folding: Folding, pinned: "set[int | None]"
) -> "tuple[StoredCandidate, ...]":
    """Return the candidates without twins and without those whose picture is not kept, in their order.

    Args:
        candidates: All of a sequence.
        analysis_id: The main analysis. What people kept or composed belongs to others, and is never folded.
        folding: Knows the twins.
        pinned: Ids of those that are never folded: displayed, compared with, accepted, suggested, painted on.
    """
    twins = folding.twins(foldable(candidates, analysis_id))
    return tuple(
        c for c in candidates
        if c.id in pinned or (c.kept and (c.picture not in twins or c.analysis_id != analysis_id))
    )  # fmt: skip


def foldable(candidates: "Sequence[StoredCandidate]", analysis_id: int) -> list[str]:
    """Return the pictures that may be folded, best first."""
    ours = [c for c in candidates if c.analysis_id == analysis_id and c.kept]
    return [c.picture for c in sorted(ours, key=lambda c: c.score)]
