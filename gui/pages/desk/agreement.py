"""Agreement between people, and between people and the automatic choice; sequences with conflicting decisions."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.pages.properties import local_time
from gui.state import Session
from gui.widgets import Label
from pipeline.project.decisions import Agreement, agreements, judgements
from pipeline.project.exchange import Conflict, conflicts
from rainclean.number_text import percent

_COLUMNS = (
    "First", "Second", "Both judged", "Same decision", "κ of decision", "Both accepted", "Same candidate",
    "κ of candidate",
)  # fmt: skip
_TIPS = (
    "A person, or the automatic choice", "Another person, or the automatic choice",
    "Number of sequences that both judged",
    "Percentage of these sequences with the same decision (accepted or rejected)",
    "Cohen's κ of the decision: 1 is full agreement, 0 is chance", "Number of sequences that both accepted",
    "Percentage of these sequences with the same candidate",
    "Cohen's κ of the chosen candidate, a rejection counted as one: 1 is full agreement, 0 is chance",
)  # fmt: skip


class AgreementDialog(QDialog):
    """Show two tables. A double click or Enter on a conflict opens its sequence."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Agreement and conflicts")
        self.resize(880, 520)
        assert session.project is not None
        self._session = session
        pairs = agreements(judgements(session.project))
        self.agreement = _table(_COLUMNS, [_row(pair) for pair in pairs])
        self.agreement.setAccessibleName("Agreement")
        for column, tip in enumerate(_TIPS):
            header = self.agreement.horizontalHeaderItem(column)
            assert header is not None
            header.setToolTip(tip)
        self._conflicts = conflicts(session.project)
        self.conflicts = _table(
            ("Sequence", "Decisions"), [(self._label(c.sequence), _decisions(c)) for c in self._conflicts]
        )
        self.conflicts.setAccessibleName("Conflicts")
        self.conflicts.setToolTip(
            "Double-click, or press Enter, to open the sequence; your next decision resolves the conflict"
        )
        self.conflicts.cellActivated.connect(self._open)
        layout = QVBoxLayout(self)
        layout.addWidget(
            Label("How often two people agree on sequences that both judged. Press O to give a second opinion.")
        )
        layout.addWidget(self.agreement if pairs else Label("No sequence has been judged by two people yet."))
        layout.addWidget(Label(f"Conflicting decisions: {len(self._conflicts)}. The latest decision counts."))
        layout.addWidget(self.conflicts, 1)
        self.conflicts.setVisible(bool(self._conflicts))
        if not self._conflicts:
            layout.addStretch(1)  # else the lines would lie apart
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)

    def _open(self, row: int, _: int) -> None:
        name = self._conflicts[row].sequence
        numbers = [number for number, row in self._session.summaries.items() if row.sequence.name == name]
        if numbers:  # nobody has removed it meanwhile
            self._session.select(numbers[0])
            self.accept()

    def _label(self, name: str) -> str:
        rows = self._session.summaries.values()
        return next((row.sequence.label for row in rows if row.sequence.name == name), name)


def _row(pair: Agreement) -> tuple[str, ...]:
    return (
        pair.one, pair.other, str(pair.both), percent(pair.same_verdict), _kappa(pair.kappa_verdict),
        str(pair.both_accepted), percent(pair.same_candidate), _kappa(pair.kappa_choice),
    )  # fmt: skip


def _decisions(conflict: Conflict) -> str:
    return ", ".join(f"{d.who}: {d.verdict} {local_time(d.at)}" for d in conflict.decisions)


def _kappa(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> QTableWidget:
    table = QTableWidget(len(rows), len(columns))
    for j, name in enumerate(columns):
        head = QTableWidgetItem(name)
        head.setTextAlignment(_side(j))
        table.setHorizontalHeaderItem(j, head)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.verticalHeader().hide()
    table.horizontalHeader().setHighlightSections(False)
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            item = QTableWidgetItem(text)
            item.setTextAlignment(_side(j))
            table.setItem(i, j, item)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setStretchLastSection(True)
    return table


def _side(column: int) -> Qt.AlignmentFlag:
    """Return how a column is aligned: names left, numbers right."""
    return Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignLeft if column < 2 else Qt.AlignmentFlag.AlignRight)
