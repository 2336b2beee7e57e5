"""Walk through the places that the verdict means: the largest first, each outlined and named."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.state import Session
from gui.workers import NOW
from pipeline.project.analysis import read_areas, read_posterior
from rainclean.verdict import ASTRAY
from rainclean.video import Region

if TYPE_CHECKING:
    from pipeline.project.model import Analysis
    from pipeline.project.storage import Project

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

MAX_PLACES = 20
"""Places that are visited: a person tires of more, and the largest come first."""

JOIN_FRACTION = 0.01
"""Areas closer than this fraction of the picture's longer side are one place."""

MIN_FRACTION = 0.0002
"""Fraction of the picture below which an area is a speck, unless there are only specks."""

AROUND = 2.5
"""A place is shown with this many times its width and height."""

NAMES = {
    "moving": "moving objects",
    "unsure": "ambiguous background",
    "darker": "darker than other frames",
    "brighter": "brighter than the rainy frame",
    "blurred": "blurred",
}
"""Code of a rule with an area → its name in a line."""


class Place(NamedTuple):
    """One place. shapes: outlines, px of the picture. reason: what is wrong there."""

    region: Region
    shapes: tuple[tuple[tuple[float, float], ...], ...]
    reason: str


def places_of(mask: U8, reasons: "dict[str, Mask | None]") -> list[Place]:
    """Return the places of a verdict's mask, the largest first.

    Args:
        mask: (H, W) uint8, above 127 where the verdict's reasons are.
        reasons: Areas (H, W) bool by the codes of the verdict; None where the area is not stored.
    """
    import cv2

    marked = (mask > 127).astype(np.uint8)
    reach = 2 * max(1, round(JOIN_FRACTION * max(mask.shape) / 2)) + 1
    joined = cv2.dilate(marked, np.ones((reach, reach), np.uint8))
    count, labels = cv2.connectedComponents(joined)
    labels = labels * marked
    sizes = np.bincount(labels.ravel(), minlength=count)
    order = [int(label) for label in np.argsort(-sizes[1:], kind="stable") + 1 if sizes[label]]
    large = [label for label in order if sizes[label] >= MIN_FRACTION * mask.size] or order[:1]
    return [_place(labels == label, reasons) for label in large[:MAX_PLACES]]


def _place(where: Mask, reasons: "dict[str, Mask | None]") -> Place:
    import cv2

    contours, _ = cv2.findContours(where.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    shapes = tuple(tuple((x + 0.5, y + 0.5) for x, y in contour.reshape(-1, 2).tolist()) for contour in contours)
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    region = Region(left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)
    return Place(region, shapes, _reason(where, reasons))


def _reason(where: Mask, reasons: "dict[str, Mask | None]") -> str:
    """Return the name of the stored area that covers most of a place, else of those that are not stored."""
    known = {code: area for code, area in reasons.items() if area is not None and area.shape == where.shape}
    covered = {code: float(area[where].mean()) for code, area in known.items()}
    best = max(covered, key=lambda code: covered[code], default="")
    others = [code for code in reasons if code not in known]
    codes = [best] if best and (covered[best] >= 0.5 or not others) else others
    return " or ".join(NAMES.get(code, code) for code in codes)


class VerdictPlaces(QObject):
    """The places of the selected sequence. Signal `changed`: another place is current, or none."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._places: list[Place] | None = None
        self._number = -1
        session.selection_changed.connect(self.forget)
        session.detail_changed.connect(self.forget)

    @property
    def current(self) -> Place | None:
        """Return the current place."""
        places = self._places or []
        return places[self._number] if 0 <= self._number < len(places) else None

    @property
    def label(self) -> str:
        """Return the current place in words: ``Place 2 of 5: moving objects``."""
        place = self.current
        return f"Place {self._number + 1} of {len(self._places or ())}: {place.reason}" if place else ""

    @property
    def left(self) -> bool:
        """Return whether the verdict has places that were not visited yet."""
        summary = self._session.summary
        if summary is None or not summary.places or self._session.blind:
            return False
        return self._places is None or self._number + 1 < len(self._places)

    def next(self) -> None:
        """Go to the next place; look for them the first time, in a thread."""
        if self._places is None:
            self._find()
            return
        self._number = min(self._number + 1, len(self._places))
        self.changed.emit()

    def leave(self) -> None:
        """Leave the current place. `next` goes on after it."""
        if self.current is not None:
            self._number = len(self._places or ())
            self.changed.emit()

    def forget(self) -> None:
        """Begin anew: another sequence is selected, or this one was analysed again."""
        self._session.workers.cancel("places")
        self._places, self._number = None, -1
        self.changed.emit()

    def _find(self) -> None:
        session = self._session
        summary, analysis, project = session.summary, session.detail.analysis, session.project
        if summary is None or analysis is None or project is None:
            return
        name = summary.places
        codes = [reason.code for reason in summary.verdict.reasons] if summary.verdict else []

        def work() -> list[Place]:
            return places_of(project.artefacts.picture(name), _areas(project, analysis, codes))

        session.workers.run(work, self._found, self._fail, lane="places", urgency=NOW)

    def _fail(self, error: Exception) -> None:
        self._places = []  # J goes on with what to paint
        self._session.warning.emit(str(error))

    def _found(self, places: list[Place]) -> None:
        self._places = places
        self.next()


def _areas(project: "Project", analysis: "Analysis", codes: Sequence[str]) -> "dict[str, Mask | None]":
    """Return the areas of a verdict's reasons that can be told from what is stored, None for the others."""
    areas: dict[str, Mask | None] = {code: None for code in codes if code in NAMES or code not in _WITHOUT_AREA}
    if "moving" in areas and (stored := read_areas(project, analysis)) is not None:
        areas["moving"] = stored.doubtful
    if "unsure" in areas and (posterior := read_posterior(project, analysis)) is not None:
        areas["unsure"] = posterior.sd > ASTRAY
    return areas


_WITHOUT_AREA = frozenset(("few-fitted", "unsteady", "little-kept", "few-frames", "no-rain", "dense-rain"))
"""Codes of rules that are about the whole sequence."""


def surroundings(region: Region, width: int, height: int) -> Region:
    """Return a place with what is around it, within a picture of this size in px."""
    w, h = min(width, round(region.width * AROUND) + 40), min(height, round(region.height * AROUND) + 40)
    x = min(max(region.x + region.width // 2 - w // 2, 0), width - w)
    y = min(max(region.y + region.height // 2 - h // 2, 0), height - h)
    return Region(x, y, w, h)
