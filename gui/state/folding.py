"""Fold candidates that a person cannot tell apart: measured in a thread, remembered by the names of the pictures."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.workers import LATER, Workers

if TYPE_CHECKING:
    from pipeline.project.model import StoredCandidate

U8 = NDArray[np.uint8]

MEAN_LEVELS = 1.0
"""Mean difference of twins at most, 8-bit levels over all pixels and channels: one level is not seen when it blinks.

In the sample project (352×240 px, 20 candidates a sequence) this and LOCAL_LEVELS leave 10 of cat, 5 of launch, 6 of
portrait and 5 of table; percentile 50 and the 20-frame candidates with streaks stay. Of the clips lake (25) and
short_r1 (8), where water and leaves move, 23 and 8 stay: they differ by 6 to 30 levels in places. With 2 and 8 levels
lake would fold to 12, and candidates with visible streaks (n20-vote-minus10 of portrait, 4 levels) would be folded.
"""

LOCAL_LEVELS = 4.0
"""Difference that hardly any place of twins exceeds, 8-bit levels, mean of WINDOW × WINDOW px and of the channels."""

WINDOW = 5
"""Side in px of the places that are compared: smaller ones are noise, larger ones average a streak away."""

EXCEEDING = 0.001
"""Fraction of the places of twins that may differ by more than LOCAL_LEVELS: the quantile is 99.9 %."""

LONGEST = 960
"""Pictures are measured at this many px along the longer side: about what is seen of them when they fit the desk."""

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


def fold(pictures: dict[str, U8]) -> dict[str, str]:
    """Return each picture that looks like a better one, with the name of that one.

    Args:
        pictures: (H, W, 3) uint8 RGB by name, best first. Those of another size are no twins.
    """
    visible: dict[str, U8] = {}
    twins: dict[str, str] = {}
    for name, picture in pictures.items():
        small = _reduced(picture)
        twin = next((other for other, seen in visible.items() if look_alike(seen, small)), None)
        if twin is None:
            visible[name] = small
        else:
            twins[name] = twin
    return twins


def look_alike(one: U8, other: U8) -> bool:
    """Return whether a person cannot tell two pictures apart. one, other: (H, W, 3) uint8."""
    import cv2

    if one.shape != other.shape:
        return False
    difference = cv2.absdiff(one, other)
    if float(np.mean(cv2.mean(difference)[:3])) > MEAN_LEVELS:
        return False
    channels = np.full((1, difference.shape[2]), 1 / difference.shape[2], np.float32)
    local = cv2.blur(cv2.transform(difference.astype(np.float32), channels), (WINDOW, WINDOW))
    return int(np.count_nonzero(local > LOCAL_LEVELS)) <= EXCEEDING * local.size


def visible_of(
    candidates: "Sequence[StoredCandidate]", analysis_id: int, folding: Folding, pinned: "set[int | None]"
) -> "tuple[StoredCandidate, ...]":
    """Return the candidates without twins, in their order.

    Args:
        candidates: All of a sequence.
        analysis_id: The main analysis. What people kept or composed belongs to others, and is never folded.
        folding: Knows the twins.
        pinned: Ids of those that are never folded: displayed, compared with, accepted, suggested, painted on.
    """
    twins = folding.twins(foldable(candidates, analysis_id))
    return tuple(c for c in candidates if c.picture not in twins or c.analysis_id != analysis_id or c.id in pinned)


def foldable(candidates: "Sequence[StoredCandidate]", analysis_id: int) -> list[str]:
    """Return the pictures that may be folded, best first."""
    ours = [c for c in candidates if c.analysis_id == analysis_id]
    return [c.picture for c in sorted(ours, key=lambda c: c.score)]


def _reduced(picture: U8) -> U8:
    import cv2

    scale = LONGEST / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
