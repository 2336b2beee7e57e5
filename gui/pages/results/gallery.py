"""The gallery of an evaluation: cases worst first, and the pictures and scores of the selected one."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QIcon, QImageReader, QKeyEvent, QKeySequence, QPixmap, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from gui.pages.results.evaluation import Case, Evaluation
from gui.pages.results.score_tables import fill, score_table
from gui.pages.results.synchronised import Pane, SharedView
from gui.widgets import ElidedLabel, as_tip

_THUMB = QSize(96, 64)

_PANES = (
    ("rainy", "picture"), ("", "picture"), ("rainy", "clean"),
    ("rainy", "error"), ("", "error"), ("", "attention"),
)  # fmt: skip
"""Method ("" for the chosen one) and what is shown, row by row."""


class _Cases(QListWidget):
    """List the cases. Its own keys come before shortcuts, so it handles left and right itself."""

    def __init__(self, step: Callable[[int], None]) -> None:
        super().__init__()
        self._step = step

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step through the cases with left and right, as with up and down."""
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if by is None:
            super().keyPressEvent(event)
        else:
            self._step(by)


class Gallery(QWidget):
    """Show the cases of one evaluation. Left and right step through them."""

    def __init__(self) -> None:
        super().__init__()
        self._evaluation: Evaluation | None = None
        # One visible picture at a time: the window answers in between.
        self._thumbs = QTimer(self, interval=0)
        self._thumbs.timeout.connect(self._read_thumb)
        self.cases = _Cases(self.step)
        self.cases.setIconSize(_THUMB)
        self.cases.setUniformItemSizes(True)
        self.cases.setAccessibleName("Pairs, worst first")
        self.cases.setToolTip("Pairs with the lowest PSNR first; Left and Right step through them")
        self.cases.currentRowChanged.connect(self._show_case)
        self.cases.verticalScrollBar().valueChanged.connect(lambda _: self._thumbs.start())
        self.shared = SharedView(self)
        self.panes = [Pane(self.shared) for _ in _PANES]
        self.name = ElidedLabel()
        self.method = QComboBox()
        self.method.setAccessibleName("Method")
        self.method.setToolTip("Choose the method whose output is shown")
        self.method.currentIndexChanged.connect(lambda _: self._show_pictures())
        self.scores = score_table("Scores of this pair")
        self._lay_out()
        for key, step in ((Qt.Key.Key_Left, -1), (Qt.Key.Key_Right, 1)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda by=step: self.step(by))

    def show_evaluation(self, evaluation: Evaluation | None) -> None:
        """Show the cases of an evaluation; None for none."""
        self._evaluation = evaluation
        self.cases.clear()
        self.method.blockSignals(True)
        self.method.clear()
        self.method.addItems(evaluation.methods[1:] if evaluation is not None else ())
        self.method.blockSignals(False)
        self.method.setVisible(self.method.count() > 1)
        for number, case in enumerate(evaluation.cases if evaluation is not None else (), 1):
            psnr = "∞ dB" if case.psnr is None else f"{case.psnr:.2f} dB"
            item = QListWidgetItem(f"{number}. {psnr}\n{case.image.rpartition('/')[2]}")
            item.setToolTip(as_tip(case.image))
            item.setSizeHint(QSize(0, _THUMB.height() + 8))
            self.cases.addItem(item)
        self.cases.setCurrentRow(0 if self.cases.count() else -1)
        self._show_case()
        self._thumbs.start()

    def step(self, by: int) -> None:
        """Select another case, ``by`` places further down the list."""
        if self.cases.count():
            self.cases.setCurrentRow(min(self.cases.count() - 1, max(0, self.cases.currentRow() + by)))

    @property
    def case(self) -> Case | None:
        """The selected case."""
        row = self.cases.currentRow()
        return None if self._evaluation is None or row < 0 else self._evaluation.cases[row]

    def _show_case(self) -> None:
        case, evaluation = self.case, self._evaluation
        if case is None or evaluation is None:
            self.name.setText("")
            self.scores.setRowCount(0)
        else:
            scene = f", scene {case.scene}" if case.scene else ""
            self.name.setText(f"{case.image}{scene}")
            fill(self.scores, evaluation, case.scores)
        self._show_pictures()

    def _show_pictures(self) -> None:
        case = self.case
        for pane, (method, shows) in zip(self.panes, _PANES, strict=True):
            name = method or self.method.currentText()
            picture = None if case is None else case.pictures.get((name, shows))
            pane.show_picture(picture, _caption(name, shows))

    def _read_thumb(self) -> None:
        """Read one visible thumbnail that is missing."""
        visible = self.cases.viewport().rect()
        for row in range(self.cases.count()):
            item = self.cases.item(row)
            if item.icon().isNull() and self.cases.visualItemRect(item).intersects(visible):
                item.setIcon(self._thumb(row))
                return
        self._thumbs.stop()

    def _thumb(self, row: int) -> QIcon:
        assert self._evaluation is not None
        case = self._evaluation.cases[row]
        picture = case.pictures.get((self._evaluation.ranked_by.method, "picture"))
        reader = QImageReader(str(picture.small) if picture is not None else "")
        if not reader.size().isEmpty():
            reader.setScaledSize(reader.size().scaled(_THUMB, Qt.AspectRatioMode.KeepAspectRatio))
        image = reader.read()
        if image.isNull():  # not asked for again
            blank = QPixmap(_THUMB)
            blank.fill(self.palette().mid().color())
            return QIcon(blank)
        return QIcon(QPixmap.fromImage(image))

    def _lay_out(self) -> None:
        top, grid, right = QHBoxLayout(), QGridLayout(), QWidget()
        top.addWidget(self.name, 1)
        top.addWidget(self.method)
        for text, zoom, tip in (
            ("Fit", None, "Show the whole images (F)"),
            ("1:1", 1.0, "Show each pixel as one pixel of the screen (1)"),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(lambda _, to=zoom: self.shared.set_zoom(to))
            top.addWidget(button)
        grid.setSpacing(4)
        for place, pane in enumerate(self.panes):
            grid.addWidget(pane, *divmod(place, 3))
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(top)
        column.addLayout(grid, 1)
        column.addWidget(self.scores)
        split = QSplitter()
        split.addWidget(self.cases)
        split.addWidget(right)
        split.setStretchFactor(1, 1)
        split.setSizes([230, 800])
        split.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)


def _caption(method: str, shows: str) -> str:
    if shows == "clean":
        return "Clean image"
    if shows == "attention":
        return "Attention map (white = 1)"
    if shows == "error":
        return f"Error of {method} ×8 (grey = none)"
    return "Rainy" if method == "rainy" else f"Output of {method}"
