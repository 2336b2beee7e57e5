"""Tables of scores: means with intervals, comparisons of methods, means by rain amount."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QTabWidget

from gui.pages.results.evaluation import Evaluation
from gui.widgets import as_tip

_MOST_LINES = 6
"""Lines of rows that a table shows without scrolling."""


_MOST_STRETCHED = 8
"""Columns that share the width; more, as with scores by masks, keep the width of their texts and are scrolled."""


def score_table(name: str) -> QTableWidget:
    """Return a table for reading, as high as its rows."""
    table = QTableWidget()
    table.setAccessibleName(name)
    table.setToolTip("PSNR in dB / SSIM; scores of different protocols cannot be compared")
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.horizontalHeader().setHighlightSections(False)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    return table


def fill(table: QTableWidget, evaluation: Evaluation, rows: Mapping[str, tuple[str, ...]]) -> None:
    """Fill a table with one row per method.

    Args:
        table: from `score_table`.
        evaluation: whose protocols are the columns.
        rows: scores by method, one for each protocol.
    """
    heads = [(f"{name}\nPSNR (dB) / SSIM", evaluation.protocol_labels[name]) for name in evaluation.protocols]
    _fill(table, [("Method", ""), *heads], [(method, *scores) for method, scores in rows.items()])


def fill_comparisons(table: QTableWidget, evaluation: Evaluation) -> None:
    """Fill a table with the differences between methods by the protocol that ranks the cases."""
    protocol = evaluation.ranked_by.protocol
    test = "Wilcoxon's signed-rank test, with Holm's correction; small if the difference is not chance"
    effect = "Rank-biserial correlation: 1 if the first method is better everywhere, −1 if it is worse"
    heads = [
        ("Methods", "The second method is subtracted from the first"),
        (f"{protocol}\nPSNR difference (dB)", evaluation.statistics),
        ("\np", test),
        ("\nEffect", effect),
        (f"{protocol}\nSSIM difference", evaluation.statistics),
        ("\np", test),
        ("\nEffect", effect),
    ]
    _fill(table, heads, evaluation.comparisons)
    for column, (text, _) in enumerate(heads):
        if text in ("\np", "\nEffect"):
            table.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)


def fill_ranges(table: QTableWidget, evaluation: Evaluation) -> None:
    """Fill a table with means by the share of pixels with rain, by the protocol that ranks the cases."""
    protocol = evaluation.ranked_by.protocol
    about = f"of the pixels have rain; protocol {protocol}"
    heads = [(f"{name}\nPSNR (dB) / SSIM", f"Images where {name} {about}") for name in evaluation.ranges]
    _fill(table, [("Method", ""), *heads], evaluation.by_rain)


def fit_tabs(tabs: QTabWidget) -> None:
    """Make tabs as high as the table on show: the gallery below gets the rest."""
    table = tabs.currentWidget()
    if table is not None:
        tabs.setFixedHeight(table.height() + tabs.tabBar().sizeHint().height() + 6)


def _fill(table: QTableWidget, heads: Sequence[tuple[str, str]], rows: Sequence[tuple[str, ...]]) -> None:
    table.setColumnCount(len(heads))
    for column, (text, tip) in enumerate(heads):
        head = QTableWidgetItem(text)
        head.setToolTip(as_tip(tip))
        head.setTextAlignment(_side(column))
        table.setHorizontalHeaderItem(column, head)
    table.setRowCount(len(rows))
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setTextAlignment(_side(column))
            table.setItem(row, column, item)
    header = table.horizontalHeader()
    is_wide = len(heads) > _MOST_STRETCHED
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents if is_wide else QHeaderView.ResizeMode.Stretch)
    lines = 1 + max((text.count("\n") for texts in rows for text in texts), default=0)
    row_height = lines * table.fontMetrics().height() + 6
    table.verticalHeader().setDefaultSectionSize(row_height)
    shown = min(len(rows), _MOST_LINES // lines)
    bar = table.horizontalScrollBar().sizeHint().height() if is_wide else 0
    table.setFixedHeight(header.sizeHint().height() + shown * row_height + 2 * table.frameWidth() + 2 + bar)


def _side(column: int) -> Qt.AlignmentFlag:
    """Return how a column is aligned: names left, numbers right."""
    return Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft)
