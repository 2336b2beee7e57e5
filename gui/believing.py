"""How far off the shown picture may be: the expected error under the pointer, and a tint where it is large."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gui.session import Session
from gui.workers import LATER, NOW, SOON
from pipeline.project.analyses import analysis
from pipeline.project.findings import read_belief
from pipeline.project.model import Analysis
from pipeline.project.store import Project

if TYPE_CHECKING:  # scipy is loaded when a sequence has been framed for a moment, not before the window
    from rainclean.belief import Belief

U8 = NDArray[np.uint8]

FAR = 2.0
"""Expected error, grey levels, from which a pixel is tinted."""

REST_MS = 600
"""Milliseconds that a sequence is framed before its belief is read: leafing through a list costs nothing."""

SOON_MS = 120
"""Milliseconds without another picture before the tint follows: a slider makes many."""

_READ, _TINT = "belief", "confidence"


class Believing(QObject):
    """changed: the tint came, changed or went, or confidence can be told now. on: a person wants the tint."""

    changed = Signal()

    def __init__(self, session: Session, rest_ms: int = REST_MS) -> None:
        super().__init__()
        self._session = session
        self.on = False
        self.tint: U8 | None = None
        self._picture: U8 | None = None
        self._belief: Belief | None = None
        self._of: tuple[str, str] = ("", "")
        self._rest = QTimer(self, singleShot=True, interval=rest_ms)
        self._rest.timeout.connect(lambda: self._read(LATER))
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._measure)
        for signal in (session.target_changed, session.detail_changed, session.shown_changed):
            signal.connect(self._follow)

    def toggle(self) -> None:
        """Tint, or do not."""
        self.on = not self.on
        if not self.on:
            self._clear()
            self._session.said.emit("confidence is not shown any more")
        elif self._session.blind or self._names() == ("", ""):
            self.on = False
            self._session.said.emit("nothing is known of the confidence: an older rainclean analysed; analyse it again")
        else:
            self._session.said.emit(f"tinted: expected to be {FAR:g} grey levels or more off the truth")
            self._read(NOW)

    def look_at(self, picture: U8 | None, changed: bool = False) -> None:
        """This picture is shown now, (H, W, 3) uint8. changed: the same array as before with other contents."""
        if picture is self._picture and not changed:
            return
        if picture is None or self._picture is None or picture.shape != self._picture.shape:
            self._clear()
        self._picture = picture
        if self.on:
            self._soon.start()

    def at(self, x: int, y: int) -> float | None:
        """Expected error of a pixel of the shown picture, grey levels; None where nothing is known of it."""
        belief, picture = self._belief, self._picture
        if belief is None or picture is None or self._session.blind or picture.shape != belief.mean.shape:
            return None
        box = np.s_[y : y + 1, x : x + 1]
        here = type(belief)(belief.mean[box], belief.sd[box]).error(picture[box])
        return float(here[0, 0]) if here.size else None

    # -- inside --------------------------------------------------------------------------------------------------

    def _analysis(self) -> Analysis | None:
        """The analysis that the shown candidate is of."""
        session = self._session
        main, shown, project = session.detail.analysis, session.candidate(session.shown), session.project
        if main is None or shown is None or project is None or shown.analysis_id == main.id:
            return main
        return analysis(project, shown.analysis_id)

    def _names(self) -> tuple[str, str]:
        made = self._analysis()
        return ("", "") if made is None else (made.belief_mean, made.belief_sd)

    def _follow(self) -> None:
        """Another sequence or candidate may be believed otherwise; and what is blind must not be swayed."""
        if self._session.blind:
            self._clear()
            return
        names = self._names()
        if names == self._of:
            if self.on and self.tint is None:
                self._soon.start()
            return
        self._session.workers.cancel(_READ)
        self._of, self._belief = names, None
        self._clear()
        self._rest.stop()
        if names != ("", "") and self.on:
            self._read(SOON)
        elif names != ("", ""):
            self._rest.start()

    def _read(self, urgency: int) -> None:
        self._rest.stop()
        made, project = self._analysis(), self._session.project
        if made is None or project is None or self._session.blind:
            return
        if self._belief is not None:
            self._soon.start()
            return
        folder = project.folder

        def work() -> "Belief | None":
            with Project.again(folder) as own:
                return read_belief(own, made)

        self._session.workers.run(
            work, self._come, lambda e: self._session.complained.emit(str(e)), lane=_READ, urgency=urgency
        )

    def _come(self, belief: "Belief | None") -> None:
        self._belief = belief
        self.changed.emit()
        self._measure()

    def _measure(self) -> None:
        """Bring the tint to the shown picture."""
        belief, picture = self._belief, self._picture
        if not self.on or belief is None or picture is None or self._session.blind:
            return
        if picture.shape != belief.mean.shape:
            return
        picture = picture.copy()  # strokes and sliders go on in the array meanwhile

        def work() -> U8:
            return np.where(belief.error(picture) >= FAR, np.uint8(255), np.uint8(0))

        self._session.workers.run(work, self._show, lane=_TINT, urgency=SOON)

    def _show(self, tint: U8) -> None:
        if self.on:
            self.tint = tint
            self.changed.emit()

    def _clear(self) -> None:
        self._soon.stop()
        self._session.workers.cancel(_TINT)
        if self.tint is not None:
            self.tint = None
            self.changed.emit()
