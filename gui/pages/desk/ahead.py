"""Loads what may be wanted next once what is wanted now has been painted: pictures, and how they will be shown."""

from contextlib import suppress
from functools import partial

from PySide6.QtCore import QObject, QTimer

from gui.compare import CompareView
from gui.state import Session
from gui.workers import SOON
from pipeline.project.analysis import candidate
from rainclean.errors import RaincleanError

_PAUSE_MS = 150
"""Milliseconds from a change of the pictures until others are loaded ahead."""

_AROUND = (1, 2, -1)
"""Sequences of the list, counted from the selected one, whose pictures are loaded ahead."""


class LookAhead(QObject):
    """Load pictures ahead, and scale those of the sequence that a decision leads to."""

    def __init__(self, session: Session, view: CompareView, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._view = session, view
        self._following: list[str] = []
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._look)
        session.pictures.loaded.connect(self._scale)

    def soon(self) -> None:
        """Load ahead when nothing has changed for a moment."""
        self._pause.start()

    def _look(self) -> None:
        with suppress(RaincleanError):  # Nobody waits for this. Whatever is read next says what is wrong.
            self._following = self._pictures_after_decision()
            self._session.pictures.expect(self._expected())
            self._session.fold_ahead()
            for name in self._following:
                self._scale(name)

    def _expected(self) -> list[str]:
        """Return the pictures that may be needed next: neighbouring candidates, next sequences, the rest."""
        session = self._session
        listed = session.listed
        ids = [c.id for c in listed]
        place = ids.index(session.displayed) if session.displayed in ids else 0
        around = sorted(range(len(ids)), key=lambda i: min((i - place) % len(ids), (place - i) % len(ids)))
        near = [listed[i].picture for i in around]
        row = session.order.index(session.selected) if session.selected in session.order else -1
        ahead = list(self._following)
        for by in _AROUND:
            if row >= 0 and 0 <= row + by < len(session.order):
                summary = session.summaries[session.order[row + by]]
                ahead += [summary.thumbnail, summary.picture]
        return [*near[:5], *ahead, *near[5:]]

    def _pictures_after_decision(self) -> list[str]:
        """Return what is shown first of the nearest undecided sequence: rainy frame and candidate."""
        session, number = self._session, self._session.following
        if number is None or session.project is None or session.blind:  # blind, the candidates have no order yet
            return []
        first = session.first_candidate(number)
        return [] if first is None else [session.summaries[number].thumbnail, candidate(session.project, first).picture]

    def _scale(self, name: str) -> None:
        """Scale a picture in a thread to how it will be shown, if it is one of the following sequence."""
        picture = self._session.pictures.peek(name) if name in self._following else None
        work = self._view.scaling(picture) if picture is not None else None
        if picture is not None and work is not None:
            self._session.workers.run(work, partial(self._view.keep_scaled, picture), urgency=SOON)
