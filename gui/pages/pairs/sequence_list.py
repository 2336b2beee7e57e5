"""The list of sequences beside the pairs: how many pairs each gives, or why it gives none."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gui.design import GAP, SPACE, colours, sized
from gui.state import Session
from gui.widgets import Label, as_tip
from pipeline.project.model import Overview
from pipeline.text_format import counted

_LOOK_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_LINE_ROLE = _LOOK_ROLE + 1
_WIDTH = 216
"""Width of the list, px."""

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()

_UNDECIDED = {"new": "Not analysed yet: no pairs", "failed": "Analysis failed: no pairs"}


class PairCounts:
    """The pairs of each sequence, as the latest estimate has them.

    Attributes:
        by_name: Pairs by the name of the sequence; None before the first estimate.
        exact: Whether the numbers are exact; otherwise they are upper bounds.
        person_only: Whether automatic decisions are left out.
    """

    def __init__(self) -> None:
        self.by_name: Mapping[str, int] | None = None
        self.exact = True
        self.person_only = False

    def line(self, summary: Overview) -> tuple[str, str]:
        """Return the second line of a row, and its look."""
        if summary.state == "rejected":
            return "Rejected: no pairs", "bad"
        if summary.state not in ("accepted", "accepted automatically"):
            return _UNDECIDED.get(summary.state, "Not decided yet: no pairs"), "faint"
        if self.person_only and summary.state == "accepted automatically":
            return "Accepted automatically: left out", "faint"
        if self.by_name is None:
            return "Accepted", "good"
        number = self.by_name.get(summary.sequence.name, 0)
        return f"{'' if self.exact else 'at most '}{counted(number, 'pair')}".capitalize(), "good" if number else "warn"


class _Model(QAbstractListModel):
    """List the sequences in the order of the desk."""

    def __init__(self, session: Session, counts: PairCounts) -> None:
        super().__init__()
        self._session, self._counts = session, counts
        self.ids: list[int] = []

    def reload(self) -> None:
        """Take the sequences anew; during a second opinion there are none: states would sway it."""
        session = self._session
        ids = [] if session.blind else session.order or list(session.summaries)
        if ids != self.ids:
            self.beginResetModel()
            self.ids = list(ids)
            self.endResetModel()
        elif self.ids:
            self.dataChanged.emit(self.index(0), self.index(len(self.ids) - 1))

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return the number of sequences."""
        return 0 if parent.isValid() else len(self.ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return texts for people and screen readers, and the look for the delegate."""
        summary = self._session.summaries.get(self.ids[index.row()]) if index.isValid() else None
        if summary is None:
            return None
        name = summary.sequence.name
        line, look = self._counts.line(summary)
        if role == Qt.ItemDataRole.DisplayRole:
            return name
        if role == _LINE_ROLE:
            return line
        if role == _LOOK_ROLE:
            return look
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{name}: {line}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_tip(f"{name}: {line}")
        return None


class _Delegate(QStyledItemDelegate):
    """Paint the name of a sequence, and its pairs below it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the size of a row, the same for all."""
        return QSize(0, 2 * option.fontMetrics.lineSpacing() + 2 * GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a row."""
        palette, rect, metrics = option.palette, option.rect, option.fontMetrics
        painter.save()
        if index == self.parent().currentIndex():  # type: ignore[union-attr]
            ground = QColor(palette.highlight().color())
            ground.setAlpha(70)
            painter.fillRect(rect, ground)
            painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), palette.highlight())
        room = rect.adjusted(GAP + SPACE, GAP, -GAP, -GAP)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        look = QColor(getattr(colours(), index.data(_LOOK_ROLE)))
        lines = (
            (index.data(), palette.text().color(), Qt.TextElideMode.ElideMiddle),
            (index.data(_LINE_ROLE), look, Qt.TextElideMode.ElideRight),
        )
        for number, (text, colour, mode) in enumerate(lines):
            line = QRect(room.left(), room.top() + number * metrics.lineSpacing(), room.width(), metrics.lineSpacing())
            painter.setPen(colour)
            painter.drawText(line, left, metrics.elidedText(text, mode, line.width()))
        painter.restore()


class SequenceList(QWidget):
    """Show the sequences, and a button for one that is not decided.

    Signal `to_desk`: a person wants to decide on the desk.
    """

    to_desk = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.counts = PairCounts()
        self.model = _Model(session, self.counts)
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(_Delegate(self.view))
        self.view.setUniformItemSizes(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setAccessibleName("Sequences and their pairs")
        self.view.setToolTip("Select the sequence whose frames are shown")
        self.title = Label("Sequences")
        self.title.setFont(sized("title"))
        self.decide = QPushButton("Decide on the desk")
        self.decide.setToolTip("Show this sequence on the desk (Ctrl+1)")
        self.decide.clicked.connect(self.to_desk)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        for widget in (self.title, self.view, self.decide):
            column.addWidget(widget)
        self.setMinimumWidth(160)
        selection = self.view.selectionModel()
        selection.currentChanged.connect(self._select)
        self.refresh()

    def sizeHint(self) -> QSize:
        """Return the usual width."""
        return QSize(_WIDTH, super().sizeHint().height())

    def refresh(self) -> None:
        """Load the sequences, and mark the selected one."""
        self.model.reload()
        session = self._session
        if session.selected in self.model.ids:
            index = self.model.index(self.model.ids.index(session.selected))
            if index != self.view.currentIndex():
                selection = self.view.selectionModel()
                blocked = selection.blockSignals(True)
                selection.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
                selection.blockSignals(blocked)
                self.view.scrollTo(index)
                self.view.viewport().update()
        summary = session.summary
        undecided = summary is not None and summary.state in ("new", "failed", "ready")
        self.decide.setVisible(undecided and not session.blind)

    def set_counts(self, by_name: Mapping[str, int] | None, *, exact: bool, person_only: bool) -> None:
        """Show other numbers of pairs; None while they are not known."""
        self.counts.by_name, self.counts.exact, self.counts.person_only = by_name, exact, person_only
        self.model.reload()

    def _select(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid():
            self._session.select(self.model.ids[current.row()])
