"""The list of sequences: thumbnails, states, filter, sort, search. One is selected, and keys act on that one only."""

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gui.design import colours
from gui.jobs import Jobs
from gui.pages.desk import rows
from gui.state import FILTERS, NOTHING_KNOWN, SORTS, UNSURE, Session, Thumbnails, Unsure, arrange
from gui.widgets import Label, as_tip, named
from pipeline.project.model import Overview
from pipeline.text_format import counted

ROW = 76
_THUMB = QSize(96, 64)

STATE_COLOURS = {
    "new": "faint",
    "analysing": "busy",
    "ready": "warn",
    "accepted": "good",
    "accepted automatically": "good",
    "rejected": "bad",
    "failed": "bad",
}
"""State → its colour in `gui.design.Colours`. The word always stands beside it: not everybody sees the colours."""

LINE_ROLE = int(Qt.ItemDataRole.UserRole) + 1

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class SequencesModel(QAbstractListModel):
    """List the session's rows in the session's order."""

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self._session, self._jobs = session, jobs
        self.unsure: Unsure = NOTHING_KNOWN
        """Shown in the rows while the list is ordered by it."""

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        """Return the number of listed sequences."""
        return 0 if parent.isValid() else len(self._session.order)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return texts for people and screen readers, and the row itself for the delegate."""
        summary = self._session.summaries.get(self._session.order[index.row()]) if index.isValid() else None
        if summary is None:
            return None
        if role == LINE_ROLE:
            return summary
        if role == Qt.ItemDataRole.DisplayRole:
            return summary.sequence.name
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            sequence = summary.sequence
            text = f"{sequence.name}, scene {sequence.scene}: {self.state(summary)}{self._verdict(summary)}"
            return as_tip(text) if role == Qt.ItemDataRole.ToolTipRole else text
        return None

    def state(self, summary: Overview) -> str:
        """Return the state of a sequence as text, with progress or the reason of a failure."""
        progress = self.share(summary)
        if progress is not None:
            return f"analysing, {progress:.0%}"
        if self._session.blind and summary.state not in ("new", "failed"):
            editor = self._session.editor
            return "judged" if editor and editor.has_opinion(summary.sequence.id) else "to judge"
        text = f"failed: {summary.error}" if summary.state == "failed" else summary.state
        return f"{text}, in conflict" if summary.conflict else text

    def _verdict(self, summary: Overview) -> str:
        """Return the verdict as text, "" during a second opinion, which it would sway."""
        if self._session.blind or not summary.trust:
            return ""
        return f"\nVerdict: {summary.verdict.description if summary.verdict else summary.trust}"

    def share(self, summary: Overview) -> float | None:
        """Return the finished fraction of a sequence's analysis, 0…1; None if none is running."""
        for job in self._jobs.running():
            step = job.progress
            if job.kind == "analyze" and step is not None and step.part == summary.sequence.name:
                share = job.fraction
                return None if share is None else min(max(share * step.parts_total - step.parts_done, 0.0), 1.0)
        return None

    def reset(self) -> None:
        """Load the list again after its order changed."""
        self.beginResetModel()
        self.endResetModel()

    def touch(self) -> None:
        """Update the rows after contents changed, but not the order."""
        if self._session.order:
            self.dataChanged.emit(self.index(0), self.index(len(self._session.order) - 1))


class _Delegate(QStyledItemDelegate):
    """Paint one sequence: thumbnail, name, state, verdict, score, star, and an outline around the selected one."""

    def __init__(self, session: Session, model: SequencesModel, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._model, self._thumbnails = session, model, thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the size of a row, the same for all."""
        return QSize(220, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a row."""
        sequence: Overview = index.data(LINE_ROLE)
        blind, palette, rect = self._session.blind, option.palette, option.rect
        painter.save()
        selected = sequence.sequence.id == self._session.selected
        if selected:
            rows.tint(painter, rect, palette)
        room = rows.thumbnail(painter, rect, _THUMB, self._thumbnails.get(sequence.thumbnail))
        marks = "" if blind else f"{'⚡ ' if sequence.conflict else ''}{'★ ' if sequence.star else ''}"
        title = f"{marks}{sequence.sequence.name}"
        rows.heading(painter, room, title, font=option.font, bold=True, palette=palette)
        self._state(painter, room, sequence)
        if not blind:
            painter.setPen(palette.text().color())
            space = rows.verdict(painter, room, 48, sequence.trust)
            painter.setPen(palette.placeholderText().color())
            rows.line(painter, space, 48, _figures(sequence, self._model.unsure.get(sequence.sequence.id)))
        self._progress(painter, room, palette, self._model.share(sequence))
        if selected:
            rows.outline(painter, rect, palette)
        painter.restore()

    def _state(self, painter: QPainter, room: QRect, sequence: Overview) -> None:
        state = self._model.state(sequence)
        colour = STATE_COLOURS.get(state.partition(",")[0].partition(":")[0], STATE_COLOURS["new"])
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(colours(), colour)))
        painter.drawEllipse(room.left(), room.top() + 32, 8, 8)
        painter.restore()
        rows.line(painter, room.adjusted(14, 0, 0, 0), 27, rows.sentence(state))

    def _progress(self, painter: QPainter, room: QRect, palette: QPalette, share: float | None) -> None:
        if share is not None:
            bar = QRect(room.left(), room.bottom() - 5, room.width(), 3)
            painter.fillRect(bar, palette.mid())
            bar.setWidth(round(room.width() * share))
            painter.fillRect(bar, QColor(colours().busy))


def _figures(sequence: Overview, unsure: float | None) -> str:
    if unsure is not None and sequence.state in ("ready", "accepted automatically"):
        return f"{sequence.chosen}  {unsure:.0%} unsure"
    chosen = "composite" if sequence.chosen.startswith("composite-") else sequence.chosen
    score = "" if sequence.score is None else f"score {sequence.score:.2f}"
    return "  ".join(part for part in (chosen, score) if part)


class SequencesPanel(QWidget):
    """Show the list with its search, filter and order."""

    def __init__(self, session: Session, jobs: Jobs, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._session = session
        self.search = QLineEdit(placeholderText="Search name, scene or note", clearButtonEnabled=True)
        self.filter, self.sort = QComboBox(), QComboBox()
        self.filter.addItems(list(FILTERS))
        self.sort.addItems(list(SORTS))
        self.count = Label(wordWrap=True)
        self.view = QListView(uniformItemSizes=True)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys act on the selected sequence, wherever the focus is
        self.model = SequencesModel(session, jobs)
        self._unsure: Unsure = NOTHING_KNOWN
        self.view.setModel(self.model)
        self.view.setItemDelegate(_Delegate(session, self.model, thumbnails, self.view))
        for widget, name, tip in (
            (
                self.search,
                "Search",
                "List sequences with these words in name, scene or note (Ctrl+F); Enter selects the first",
            ),
            (self.filter, "Filter", "Choose which sequences are listed"),
            (self.sort, "Order", f"Choose the order of the list; choose “{UNSURE}” again to update it"),
            (self.view, "Sequences", "Click, or press Up and Down, to select a sequence"),
        ):
            named(widget, name, tip)
        self._lay_out()
        self.search.textChanged.connect(self.arrange)
        self.search.returnPressed.connect(self._select_first)
        self.filter.currentTextChanged.connect(self.arrange)
        self.sort.activated.connect(self._sort_anew)
        self.sort.currentTextChanged.connect(self.arrange)
        self.view.clicked.connect(lambda index: session.select(session.order[index.row()]))
        session.sequences_changed.connect(self.arrange)
        session.opened.connect(self._sort_anew)
        session.suggestions_changed.connect(self._on_learned)
        session.selection_changed.connect(self._follow)
        thumbnails.loaded.connect(lambda _: self.view.viewport().update())
        jobs.changed.connect(lambda _: self.view.viewport().update())

    def arrange(self) -> None:
        """List what search, filter and order ask for; the selected sequence stays selected, listed or not."""
        session = self._session
        # States, scores and notes reveal what others decided: a second opinion sees the list in order of addition.
        blind = session.blind
        shown, sort = ("All", "As added") if blind else (self.filter.currentText(), self.sort.currentText())
        for box in (self.filter, self.sort, self.search):
            box.setEnabled(not blind)
        self.model.unsure = self._unsure if sort == UNSURE else NOTHING_KNOWN
        order = arrange(
            session.summaries.values(),
            filter_by=shown,
            sort=sort,
            search="" if blind else self.search.text(),
            unsure=self._unsure,
        )
        if order == session.order and self.model.rowCount() == len(order):
            self.model.touch()
        else:
            session.set_order(order)
            self.model.reset()
            self._follow()
        total = len(session.summaries)
        text = counted(total, "sequence") if len(order) == total else f"{len(order)} of {counted(total, 'sequence')}"
        unknown = sort == UNSURE and not self._unsure and total > 0
        self.count.setText(f"{text}\nSuggested candidates: {session.suggestions.label}" if unknown else text)

    def _sort_anew(self) -> None:
        """Sort by the current estimates. Each decision changes them, but a list must not jump about by itself."""
        self._unsure = self._session.suggestions.unsure
        self.arrange()

    def _on_learned(self) -> None:
        if not self._unsure:
            self._sort_anew()

    def _select_first(self) -> None:
        """Select the first hit, and give the keys back to the desk."""
        if self._session.order:
            self._session.select(self._session.order[0])
            self.search.clearFocus()

    def _follow(self) -> None:
        """Keep the selected sequence in view."""
        session = self._session
        if session.selected in session.order:
            self.view.scrollTo(self.model.index(session.order.index(session.selected)))
        self.view.viewport().update()

    def _lay_out(self) -> None:
        boxes = QHBoxLayout()
        boxes.addWidget(self.filter, 1)
        boxes.addWidget(self.sort, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 0, 6)
        layout.addWidget(self.search)
        layout.addLayout(boxes)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.count)
