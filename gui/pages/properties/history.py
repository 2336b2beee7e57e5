"""The history of a sequence: what was done to it, by whom and when."""

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.design import GAP, PAD, SPACE
from gui.widgets import Label, named
from pipeline.project.history import HistoryEntry, history
from pipeline.project.model import Sequence
from pipeline.project.storage import Project

_COLUMNS = ("When", "Who", "What")

RAINCLEAN = "rainclean"
"""Who did what no person did."""


class HistoryDialog(QDialog):
    """List what was done to a sequence, latest first. Rows can be copied as text."""

    def __init__(self, project: Project, sequence: Sequence, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"History of {sequence.label}")
        self.resize(760, 480)
        self.entries = history(project, sequence)[::-1]
        self.table = named(QTableWidget(len(self.entries), len(_COLUMNS)), "History", "")
        self.table.setHorizontalHeaderLabels(list(_COLUMNS))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.setStyleSheet(f"QTableWidget::item {{ padding: {SPACE}px {SPACE + 2}px; }}")  # as its header
        self.table.setWordWrap(True)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for row, entry in enumerate(self.entries):
            for column, text in enumerate(_cells(entry)):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
                if entry.undone:
                    font = item.font()
                    font.setStrikeOut(True)
                    item.setFont(font)
                    item.setForeground(self.palette().placeholderText())
                self.table.setItem(row, column, item)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        note = Label("Times are local. What was undone is struck out.")
        note.setProperty("look", "faint")
        copy = named(QPushButton("Copy"), "Copy", "Copy the selected lines, or all, as text (Ctrl+C)")
        copy.setAutoDefault(False)
        copy.clicked.connect(self.copy)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        QShortcut(QKeySequence("Ctrl+C"), self).activated.connect(self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        layout.setSpacing(GAP)
        layout.addWidget(self.table, 1)
        layout.addWidget(note)
        layout.addWidget(buttons)
        buttons.button(QDialogButtonBox.StandardButton.Close).setFocus()

    def copy(self) -> None:
        """Copy the selected lines, or all if none is selected, one entry a line."""
        chosen = sorted({index.row() for index in self.table.selectedIndexes()}) or range(len(self.entries))
        QApplication.clipboard().setText("\n".join("\t".join(_cells(self.entries[row])) for row in chosen))


def local_time(at: str) -> str:
    """Return a stored time (UTC, ISO) in the local time zone: ``2026-03-01 14:05``. Unreadable ones stay as stored."""
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return at


def _cells(entry: HistoryEntry) -> list[str]:
    return [local_time(entry.at), entry.who or RAINCLEAN, entry.text[:1].upper() + entry.text[1:]]
