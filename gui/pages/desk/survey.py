"""The survey: the candidates of the selected sequence in a grid over the picture view."""

from PySide6.QtCore import QEvent, QObject, Qt

from gui.compare import MOST, Cell, CompareView, SurveyGrid
from gui.pages.desk.rows import sentence
from gui.state import LivePreview, Session
from pipeline.project.model import StoredCandidate


class Survey(QObject):
    """Opens the grid, keeps it up to date, and displays the candidate that a person chooses."""

    def __init__(self, session: Session, view: CompareView, live: LivePreview) -> None:
        super().__init__(view)
        self._session, self._view, self._live = session, view, live
        self._hint = ""
        self.grid = SurveyGrid(view)
        self.grid.hide()
        self.grid.chosen.connect(self._choose)
        self.grid.left.connect(self.close)
        for signal in (session.selection_changed, session.displayed_changed, session.detail_changed):
            signal.connect(self._show)
        session.pictures.loaded.connect(lambda _: self._show())
        view.tone_changed.connect(self._show)
        for signal in (live.previewed, live.picture_changed):
            signal.connect(self._close_for_live)
        view.installEventFilter(self)

    def is_open(self) -> bool:
        """Return whether the grid covers the view."""
        return not self.grid.isHidden()

    def toggle(self) -> None:
        """Open or close the grid."""
        if self.is_open():
            self.close()
            return
        count = len(self._session.listed)
        if count < 2:
            why = "There is only one candidate" if count else "There are no candidates yet"
            self._session.message.emit(f"{why}: nothing to survey")
            return
        self._live.leave()
        self._view.interrupt()
        self.grid.setGeometry(self._view.rect())
        self.grid.show()
        self.grid.raise_()
        self._show()
        if not self._view.fitted:
            self.grid.show_place(*self._view.centre, self._view.zoom)
        else:
            self.grid.fit()
        self.grid.setFocus(Qt.FocusReason.OtherFocusReason)
        rest = f" The first {MOST} of {count}." if count > MOST else ""
        self._hint = f"Click a candidate or press its number. Esc goes back.{rest}"
        self._session.message.emit(self._hint)

    def close(self) -> None:
        """Go back to the view, to the place that the grid shows."""
        if not self.is_open():
            return
        if not self.grid.fitted:
            self._view.show_place(*self.grid.centre, self.grid.zoom)
        self.grid.hide()
        self._session.withdrawn.emit(self._hint)
        self.grid.show_cells((), -1, self._view.tone)  # keeps no pictures in memory
        self._view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _close_for_live(self) -> None:
        """Show the live picture when a slider is moved: the grid would cover it."""
        if self._live.trying:
            self.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt: an event of the view; the grid covers all of it."""
        if event.type() == QEvent.Type.Resize:
            self.grid.setGeometry(self._view.rect())
        return super().eventFilter(watched, event)

    def _listed(self) -> list[StoredCandidate]:
        """Return the first candidates of the list, the displayed one among them."""
        session = self._session
        listed = list(session.listed[:MOST])
        displayed = session.candidate(session.displayed)
        if displayed is not None and displayed not in listed:
            listed[-1] = displayed
        return listed

    def _show(self) -> None:
        if not self.is_open():
            return
        session, listed = self._session, self._listed()
        if len(listed) < 2:
            self.close()
            return
        cells = [Cell(sentence(session.label(c)), session.pictures.get(c.picture)) for c in listed]
        marked = next((place for place, c in enumerate(listed) if c.id == session.displayed), -1)
        self.grid.show_cells(cells, marked, self._view.tone)

    def _choose(self, place: int) -> None:
        listed = self._listed()
        self.close()
        if 0 <= place < len(listed):
            self._session.show(listed[place].id)
