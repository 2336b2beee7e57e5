"""Agreement between people, and between people and the automatic choice; sequences that people decided differently."""

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

from gui.state import Session
from gui.widgets import Label
from pipeline.project.decisions import Agreement, agreements, judgements
from pipeline.project.exchange import Conflict, conflicts

_COLUMNS = ("", "", "both judged", "same verdict", "κ", "both accepted", "same picture", "κ")
_TIPS = (
    "", "", "sequences that both judged", "share of them with the same verdict",
    "Cohen's κ of the verdict: 1 is full agreement, 0 what chance gives", "sequences that both accepted",
    "share of them with the same picture", "Cohen's κ of the picture, or rejection",
)  # fmt: skip


class AgreementDialog(QDialog):
    """Two tables. A double click on a conflict frames its sequence."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Agreement and conflicts")
        self.resize(820, 520)
        assert session.project is not None
        self._session = session
        pairs = agreements(judgements(session.project))
        self.agreement = _table(_COLUMNS, [_row(pair) for pair in pairs])
        self.agreement.setAccessibleName("Agreement")
        for column, tip in enumerate(_TIPS):
            header = self.agreement.horizontalHeaderItem(column)
            assert header is not None
            header.setToolTip(tip)
        found = self._conflicts = conflicts(session.project)
        self.conflicts = _table(("sequence", "who said what"), [(c.sequence, _said(c)) for c in found])
        self.conflicts.setAccessibleName("Conflicts")
        self.conflicts.setToolTip("Double-click to open the sequence; your next decision resolves the conflict")
        self.conflicts.cellDoubleClicked.connect(self._frame)
        layout = QVBoxLayout(self)
        layout.addWidget(Label("How far people agree where both judged; a second opinion is given with O."))
        layout.addWidget(self.agreement if pairs else Label("Nobody has judged anything that another has judged."))
        layout.addWidget(Label(f"Decided differently: {len(found)}. The latest decision holds."))
        layout.addWidget(self.conflicts, 1)
        self.conflicts.setVisible(bool(found))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)

    def _frame(self, row: int, _: int) -> None:
        name = self._conflicts[row].sequence
        self._session.select(next(i for i, summary in self._session.summaries.items() if summary.sequence.name == name))
        self.accept()


def _row(pair: Agreement) -> tuple[str, ...]:
    return (
        pair.one, pair.other, str(pair.both), _share(pair.same_verdict), _kappa(pair.kappa_verdict),
        str(pair.both_accepted), _share(pair.same_candidate), _kappa(pair.kappa_choice),
    )  # fmt: skip


def _said(conflict: Conflict) -> str:
    return ", ".join(f"{d.who}: {d.verdict} {d.at[:10]}" for d in conflict.decisions)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _kappa(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> QTableWidget:
    table = QTableWidget(len(rows), len(columns))
    table.setHorizontalHeaderLabels(list(columns))
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.verticalHeader().hide()
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            item = QTableWidgetItem(text)
            item.setTextAlignment(
                Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignLeft if j < 2 else Qt.AlignmentFlag.AlignRight)
            )
            table.setItem(i, j, item)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setStretchLastSection(True)
    return table
