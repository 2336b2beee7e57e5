"""The candidates of the selected sequence: thumbnail, recipe, score, difference from the displayed one."""

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.actions import Actions
from gui.design import GAP
from gui.jobs import Jobs
from gui.pages.desk import rows
from gui.pages.desk.analysis_state import AnalysisState
from gui.pages.desk.notes import NotesBox
from gui.state import Session, Thumbnails
from pipeline.project.model import StoredCandidate
from rainclean.candidates import PERCENTILE, defect_label

ROW = 72
MEASURE_MS = 250
_THUMB = QSize(88, 58)
CANDIDATE_ROLE = int(Qt.ItemDataRole.UserRole) + 1

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class CandidatesModel(QAbstractListModel):
    """List the session's candidates, and the difference of each from the displayed one."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.listed: tuple[StoredCandidate, ...] = ()
        self.differences: dict[int, float] = {}

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        """Return the number of candidates."""
        return 0 if parent.isValid() else len(self.listed)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return texts for people and screen readers, and the candidate itself for the delegate."""
        if not index.isValid() or index.row() >= len(self.listed):
            return None
        candidate = self.listed[index.row()]
        if role == CANDIDATE_ROLE:
            return candidate
        reason = self.suggested(candidate)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._session.label(candidate)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._session.label(candidate) + (f", {reason}" if reason else "")
        if role == Qt.ItemDataRole.ToolTipRole:
            difference = self.differences.get(candidate.id)
            differs = "" if not difference else f"\nMean difference to the displayed candidate: {difference:.2f} levels"
            return None if self._session.blind else tip(candidate) + differs + (f"\n{reason}" if reason else "")
        return None

    def suggested(self, candidate: StoredCandidate) -> str:
        """Return why this candidate is suggested: ``suggested because of …``, or "" if it is not."""
        suggestion = self._session.suggested
        return suggestion.label if suggestion is not None and suggestion.candidate_id == candidate.id else ""

    def reset(self) -> None:
        """Load the candidates again after they changed."""
        self.beginResetModel()
        self.listed = self._session.listed
        self.differences.clear()
        self.endResetModel()

    def relist(self) -> None:
        """List other candidates of the same sequence, if others can be told apart now."""
        if self._session.listed != self.listed:
            self.beginResetModel()
            self.listed = self._session.listed
            self.endResetModel()


def tip(candidate: StoredCandidate) -> str:
    """Return the recipe and the scores of a candidate, one line each."""
    duplicates = f"\nMerged near-duplicates: {', '.join(candidate.merged)}" if candidate.merged else ""
    is_percentile = candidate.recipe.rule == PERCENTILE
    recipe = f"percentile {candidate.percentile:g} (η* = {candidate.eta})" if is_percentile else candidate.label
    parts = " + ".join(f"{defect_label(name)} {score:.2f}" for name, score in candidate.scores.items())
    return f"{candidate.name}: {recipe}\nScore {candidate.score:.2f} levels, lower is better: {parts}{duplicates}"


class _Delegate(QStyledItemDelegate):
    def __init__(self, session: Session, model: CandidatesModel, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._model, self._thumbnails = session, model, thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the size of a row, the same for all."""
        return QSize(220, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a candidate."""
        candidate: StoredCandidate = index.data(CANDIDATE_ROLE)
        session, palette, rect = self._session, option.palette, option.rect
        painter.save()
        shown = candidate.id == session.displayed
        if shown:
            rows.tint(painter, rect, palette)
        room = rows.thumbnail(painter, rect, _THUMB, self._thumbnails.get(candidate.picture))
        number = f"{index.row() + 1}  " if index.row() < 9 else ""
        title = f"{number}{rows.sentence(session.label(candidate))}"
        rows.heading(painter, room, title, font=option.font, bold=shown, palette=palette)
        painter.setPen(palette.placeholderText().color())
        rows.line(painter, room, 27, "" if session.blind else self._scores(candidate))
        rows.line(painter, room, 47, rows.sentence(self._marks(candidate)), prose=True)
        if shown:
            rows.outline(painter, rect, palette)
        painter.restore()

    def _scores(self, candidate: StoredCandidate) -> str:
        difference = self._model.differences.get(candidate.id)
        differs = (
            "" if difference is None or candidate.id == self._session.displayed else f", differs by {difference:.2f}"
        )
        return f"Score {candidate.score:.2f}{differs} levels"

    def _marks(self, candidate: StoredCandidate) -> str:
        session = self._session
        decision = session.summary.decision if session.summary else None
        marks = []
        if not session.blind and decision and decision.candidate_id == candidate.id:
            marks.append("✓ Accepted" + (" automatically" if decision.kind == "automatic" else ""))
        if session.compared_with == candidate.id:
            marks.append("◧ Comparison image")
        if session.detail.draft.base == candidate.id and session.detail.draft.layers:
            marks.append("✎ Base of the composite")
        if not candidate.kept and session.pictures.peek(candidate.picture) is None:
            marks.append("Not kept: made again when shown")
        if reason := self._model.suggested(candidate):
            marks.append(reason)
        return "   ".join(marks)


class CandidatesPanel(QWidget):
    """Show the list of candidates.

    Signal `paint_with`: a person wants to paint with the candidate of this id.
    """

    paint_with = Signal(int)

    def __init__(self, session: Session, jobs: Jobs, thumbnails: Thumbnails, actions: Actions) -> None:
        super().__init__()
        self._session = session
        self.model = CandidatesModel(session)
        self.view = QListView(uniformItemSizes=True)
        self.view.setAccessibleName("Candidates")
        self.view.setToolTip("Click a candidate to display it, double-click to compare with it, right-click for more")
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.setModel(self.model)
        self.view.setItemDelegate(_Delegate(session, self.model, thumbnails, self.view))
        self.state = AnalysisState(session, jobs, actions)
        self.notes = NotesBox(session)
        self.twins = QToolButton()
        self.twins.setToolTip(actions["all_candidates"].toolTip())
        self.twins.setAccessibleName("Candidates that look the same")
        self.twins.clicked.connect(actions["all_candidates"].trigger)
        self.twins.setProperty("look", "flat")
        self.twins.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GAP, 0, 0)
        layout.addWidget(self.state)
        layout.addWidget(self.notes)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.twins, 0, Qt.AlignmentFlag.AlignLeft)
        self.view.clicked.connect(lambda index: session.show(index.data(CANDIDATE_ROLE).id))
        self.view.doubleClicked.connect(lambda index: session.compare_with(index.data(CANDIDATE_ROLE).id))
        self.view.customContextMenuRequested.connect(self._menu)
        session.selection_changed.connect(self._reset)
        session.detail_changed.connect(self._reset)
        session.suggestions_changed.connect(self._relist)
        session.folded.connect(self._relist)
        session.displayed_changed.connect(self._follow)
        session.draft_changed.connect(self.view.viewport().update)
        session.sequences_changed.connect(self.view.viewport().update)
        session.sequences_changed.connect(self._relist)
        # Differences wait until the pictures that were asked for are on the screen.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(MEASURE_MS)
        self._soon.timeout.connect(self._measure)
        session.pictures.loaded.connect(lambda _: self._measure_soon())
        thumbnails.loaded.connect(lambda _: self.view.viewport().update())
        self._reset()

    def _reset(self) -> None:
        self.model.reset()
        self.view.setVisible(bool(self.model.listed))
        self._count_twins()
        self._follow()

    def _relist(self) -> None:
        """List what can be told apart now. What is displayed always is, so this follows each step."""
        self.model.relist()
        self._count_twins()
        self.view.viewport().update()

    def _count_twins(self) -> None:
        """Say how many candidates are folded."""
        session = self._session
        folded = len(session.detail.candidates) - len(self.model.listed)
        offered = not session.blind and (folded > 0 or (session.all_listed and len(self.model.listed) > 1))
        self.twins.setVisible(offered)
        same = "look the same" if all(c.kept for c in session.detail.candidates) else "look the same, or are not kept"
        text = f"{folded} more {same} (Shift+C)" if folded else "Fold those that look the same (Shift+C)"
        self.twins.setText(text)

    def _follow(self) -> None:
        self._relist()
        ids = [c.id for c in self.model.listed]
        if self._session.displayed in ids:
            self.view.scrollTo(self.model.index(ids.index(self._session.displayed)))
        self.model.differences.clear()
        self._measure_soon()
        self.view.viewport().update()

    def _measure_soon(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _measure(self) -> None:
        """Measure each candidate's mean difference in levels from the displayed one, over a grid of pixels.

        Only pictures in memory are measured.
        """
        session = self._session
        shown = session.candidate(session.displayed)
        displayed = session.pictures.peek(shown.picture) if shown else None
        if displayed is not None:
            step = max(1, displayed.shape[0] // 90)
            for candidate in self.model.listed:
                other = session.pictures.peek(candidate.picture)
                if candidate.id not in self.model.differences and other is not None and other.shape == displayed.shape:
                    difference = abs(other[::step, ::step].astype("int16") - displayed[::step, ::step])
                    self.model.differences[candidate.id] = float(difference.mean())
        self.view.viewport().update()

    def _menu(self, place: QPoint) -> None:
        index = self.view.indexAt(place)
        if not index.isValid():
            return
        candidate: StoredCandidate = index.data(CANDIDATE_ROLE)
        menu = QMenu(self)
        menu.addAction("Show", lambda: self._session.show(candidate.id))
        menu.addAction("Compare with this", lambda: self._session.compare_with(candidate.id))
        menu.addAction("Compare with the rainy frame", lambda: self._session.compare_with(None))
        menu.addAction("Paint with this", lambda: self.paint_with.emit(candidate.id))
        menu.addAction("Accept", lambda: self._session.accept(candidate.id))
        menu.exec(self.view.viewport().mapToGlobal(place))
        menu.deleteLater()
