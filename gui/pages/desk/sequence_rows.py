"""Rows of the list of sequences: what they say, and how they are painted."""

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gui.design import SPACE, colours, icon
from gui.jobs import Jobs
from gui.pages.desk import rows
from gui.state import NOTHING_KNOWN, VERDICTS, Session, Thumbnails, Unsure
from gui.widgets import as_tip
from pipeline.project.model import Overview
from rainclean.number_text import percent

_THUMB = QSize(84, 60)
_LINES = 4
_MARK = 16
"""Side of a mark beside the name, px."""

_TICK = (QPoint(4, 9), QPoint(8, 13), QPoint(14, 5))
"""Line of a check mark in a box of 18 px."""

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
    """List rows of the session: those in its order, or the removed ones."""

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self._session, self._jobs = session, jobs
        self.ids: list[int] = []
        """The listed sequences."""
        self.unsure: Unsure = NOTHING_KNOWN
        """Shown in the rows while the list is ordered by it."""

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        """Return the number of listed sequences."""
        return 0 if parent.isValid() else len(self.ids)

    def row(self, sequence_id: int) -> Overview | None:
        """Return the row of a sequence, present or removed."""
        return self._session.summaries.get(sequence_id) or self._session.removed.get(sequence_id)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return texts for people and screen readers, and the row itself for the delegate."""
        summary = self.row(self.ids[index.row()]) if index.isValid() and index.row() < len(self.ids) else None
        if summary is None:
            return None
        if role == LINE_ROLE:
            return summary
        if role == Qt.ItemDataRole.DisplayRole:
            return summary.sequence.label
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_tip(self.describe(summary))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            marked = ", marked" if summary.sequence.id in self._session.marked else ""
            return self.describe(summary) + marked
        return None

    def describe(self, summary: Overview) -> str:
        """Return all that a row says, and what it has no room for."""
        sequence, blind = summary.sequence, self._session.blind
        title = sequence.name if sequence.label == sequence.name else f"{sequence.label} ({sequence.name})"
        suggested = " (suggested)" if sequence.scene_by == "suggestion" else ""
        lines = [f"{title}, scene {sequence.scene}{suggested}: {self.state(summary)}"]
        if not blind:
            if summary.trust:
                verdict = VERDICTS[summary.trust]
                reasons = [reason.description for reason in summary.verdict.reasons] if summary.verdict else []
                lines.append(f"Verdict: {verdict}" + (f": {', '.join(reasons)}" if reasons else ""))
            if summary.outdated:
                lines.append("Out of date: frames or region were changed since the analysis")
            if summary.chosen:
                score = "" if summary.score is None else f", {score_text(summary.score)}"
                lines.append(f"Candidate: {summary.chosen}{score}")
            if summary.note:
                lines.append(f"Note: {summary.note}")
        return "\n".join(lines)

    def state(self, summary: Overview) -> str:
        """Return the state of a sequence as text, with progress or the reason of a failure."""
        if summary.sequence.removed:
            return "removed"
        progress = self.share(summary)
        if progress is not None:
            return f"analysing, {percent(progress)}"
        if self._session.blind and summary.state not in ("new", "failed"):
            editor = self._session.editor
            return "judged" if editor and editor.has_opinion(summary.sequence.id) else "to judge"
        text = f"failed: {summary.error}" if summary.state == "failed" else summary.state
        return f"{text}, in conflict" if summary.conflict else text

    def share(self, summary: Overview) -> float | None:
        """Return the finished fraction of a sequence's analysis, 0…1; None if none is running."""
        for job in self._jobs.running():
            step = job.progress
            if job.kind == "analyze" and step is not None and step.part == summary.sequence.name:
                share = job.fraction
                return None if share is None else min(max(share * step.parts_total - step.parts_done, 0.0), 1.0)
        return None

    def set_ids(self, ids: list[int]) -> None:
        """List these sequences."""
        self.beginResetModel()
        self.ids = ids
        self.endResetModel()

    def touch(self) -> None:
        """Update the rows after contents changed, but not the order."""
        if self.ids:
            self.dataChanged.emit(self.index(0), self.index(len(self.ids) - 1))


class SequenceDelegate(QStyledItemDelegate):
    """Paint one sequence: thumbnail, name, marks, state, verdict, score; an outline around the selected one."""

    def __init__(self, session: Session, model: SequencesModel, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._model, self._thumbnails = session, model, thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the size of a row, the same for all."""
        return QSize(220, max(_THUMB.height() + 3 * SPACE, _LINES * _step(option.fontMetrics) + 2 * SPACE))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a row."""
        summary: Overview | None = index.data(LINE_ROLE)
        if summary is None:
            return
        number, blind, palette, rect = summary.sequence.id, self._session.blind, option.palette, option.rect
        painter.save()
        selected, marked = number == self._session.selected, number in self._session.marked
        if marked or (selected and not self._session.marked):
            rows.tint(painter, rect, palette)
        room = rows.thumbnail(painter, rect, _THUMB, self._thumbnails.get(summary.thumbnail))
        if marked:
            _check(painter, rect, palette)
        titled = room if blind else _marks(painter, room, summary)
        rows.heading(painter, titled, summary.sequence.label, font=option.font, bold=True, palette=palette)
        step = _step(painter.fontMetrics())
        self._state(painter, room, SPACE + 2 + step, summary)
        if not blind:
            self._figures(painter, room, SPACE + 2 + 2 * step, palette, summary)
        self._progress(painter, room, palette, self._model.share(summary))
        if selected:
            rows.outline(painter, rect, palette)
        painter.restore()

    def _state(self, painter: QPainter, room: QRect, top: int, summary: Overview) -> None:
        state = self._model.state(summary)
        colour = STATE_COLOURS.get(state.partition(",")[0].partition(":")[0], STATE_COLOURS["new"])
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(colours(), colour)))
        painter.drawEllipse(room.left(), room.top() + top + painter.fontMetrics().height() // 2 - 4, 8, 8)
        painter.restore()
        text = rows.sentence(state.replace("accepted automatically", "accepted (auto)"))  # the row is narrow
        if summary.outdated and not self._session.blind:
            text += " · out of date"
        rows.line(painter, room.adjusted(14, 0, 0, 0), top, text)

    def _figures(self, painter: QPainter, room: QRect, top: int, palette: QPalette, summary: Overview) -> None:
        """Paint the verdict, and a line of numbers below it."""
        if summary.trust in rows.TRUST:
            mark, colour = rows.TRUST[summary.trust]
            painter.setPen(QColor(getattr(colours(), colour)))
            painter.drawText(room.left(), room.top() + top + painter.fontMetrics().ascent(), mark)
            painter.setPen(palette.text().color())
            rows.line(painter, room.adjusted(14, 0, 0, 0), top, VERDICTS[summary.trust])
        painter.setPen(palette.placeholderText().color())
        figures = _numbers(summary, self._model.unsure.get(summary.sequence.id))
        rows.line(painter, room.adjusted(14, 0, 0, 0), top + _step(painter.fontMetrics()), figures)

    def _progress(self, painter: QPainter, room: QRect, palette: QPalette, share: float | None) -> None:
        if share is not None:
            bar = QRect(room.left(), room.bottom() - 5, room.width(), 3)
            painter.fillRect(bar, palette.mid())
            bar.setWidth(round(room.width() * share))
            painter.fillRect(bar, QColor(colours().busy))


def score_text(score: float) -> str:
    """Return a score with its unit: the sum of all defects in grey levels."""
    return f"score {score:.2f} levels"


def _step(metrics: QFontMetrics) -> int:
    """Return the distance from one line of a row to the next, px."""
    return metrics.height() + 2


def _marks(painter: QPainter, room: QRect, summary: Overview) -> QRect:
    """Paint the marks at the right of the name; return the space that is left for the name."""
    shown = [
        name
        for name, wanted in (
            ("conflict", summary.conflict),
            ("scene", summary.sequence.scene_by == "suggestion"),
            ("outdated", summary.outdated),
            ("note", bool(summary.note)),
            ("star_filled", summary.star),
        )
        if wanted
    ]
    right = room.right()
    for name in shown:
        icon(name).paint(painter, QRect(right - _MARK, room.top() + SPACE + 1, _MARK, _MARK))
        right -= _MARK + 2
    return QRect(room.left(), room.top(), right - room.left() - (SPACE if shown else 0), room.height())


def _check(painter: QPainter, rect: QRect, palette: QPalette) -> None:
    """Paint the check mark of a marked row on its thumbnail."""
    box = QRect(rect.left() + 10, rect.top() + 8, 18, 18)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(palette.highlight())
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(QPen(palette.highlightedText().color(), 2))
    painter.drawPolyline([box.topLeft() + p for p in _TICK])
    painter.restore()


def _numbers(summary: Overview, unsure: float | None) -> str:
    if unsure is not None and summary.state in ("ready", "accepted automatically"):
        return f"{percent(unsure)} uncertain"
    return "" if summary.score is None else score_text(summary.score)
