"""Sliders for percentile and number of frames: the picture follows while a person drags, and can be saved."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui.pages.desk.rows import sentence
from gui.state import LivePreview
from gui.widgets import ElidedLabel, Label, Slider, as_tip, named
from rainclean.candidates import Recipe
from rainclean.candidates.estimators import PERCENTILE, Estimator, estimators, estimators_from_outside


class LivePanel(QWidget):
    """Show the sliders, and a choice of estimators where some were registered from outside.

    Signal `keep`: a person wants to save the current slider settings as a candidate.
    """

    keep = Signal()

    def __init__(self, live: LivePreview) -> None:
        super().__init__()
        self._live = live
        self.percentile = Slider(0, 1000, page=50)
        self.percentile_box = QDoubleSpinBox()
        self.percentile_box.setDecimals(1)
        self.percentile_box.setRange(0, 100)
        self.percentile_box.setSingleStep(0.5)
        self.percentile_box.setKeyboardTracking(False)  # else the number is followed, and rewritten, after each digit
        self.frames = Slider(2, 2)
        self.frames_box = QSpinBox()
        self.frames_box.setMinimum(2)
        self.frames_box.setKeyboardTracking(False)
        self.keep_button = named(
            QPushButton("Save (K)"), "Save as a candidate", "Save the current slider settings as a candidate (K)"
        )
        self.estimator = named(QComboBox(self), "Estimator", "Choose what is made of the sorted frames")
        self.estimator.setModel(_estimator_model(self.estimator))
        self.state = named(ElidedLabel(lines=2), "State of the live picture")
        for widget, name, tip in (
            (
                self.percentile,
                "Percentile",
                "Set which percentile of each pixel's values over time is shown; "
                "[ and ] step by one, with Shift by a tenth",
            ),
            (
                self.percentile_box,
                "Percentile, number",
                "Set which percentile of each pixel's values over time is shown",
            ),
            (
                self.frames,
                "Frames",
                "Set how many frames around the reference frame are used; Ctrl+[ and Ctrl+] step by ten",
            ),
            (self.frames_box, "Frames, number", "Set how many frames around the reference frame are used"),
        ):
            named(widget, name, tip)
        grid = QGridLayout()
        for row, (name, slider, box) in enumerate(
            (("Percentile", self.percentile, self.percentile_box), ("Frames", self.frames, self.frames_box))
        ):
            label = Label(name)
            label.setBuddy(slider)
            grid.addWidget(label, row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(box, row, 2)
        self.estimator.setVisible(bool(estimators_from_outside()))
        if estimators_from_outside():
            label = Label("Estimator")
            label.setBuddy(self.estimator)
            grid.addWidget(label, 2, 0)
            grid.addWidget(self.estimator, 2, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        below = QHBoxLayout()
        below.addWidget(self.state, 1)
        below.addWidget(self.keep_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(grid)
        layout.addLayout(below)
        self.percentile.valueChanged.connect(lambda tenths: live.set_percentile(tenths / 10))
        self.percentile_box.valueChanged.connect(live.set_percentile)
        self.frames.valueChanged.connect(lambda n: self._set_frames(n, settled=not self.frames.isSliderDown()))
        self.frames.sliderReleased.connect(lambda: self._set_frames(self.frames.value(), settled=True))
        self.frames_box.valueChanged.connect(lambda n: self._set_frames(n, settled=True))
        self.estimator.activated.connect(lambda: live.set_rule(self.estimator.currentData()))
        self.keep_button.clicked.connect(self.keep)
        live.moved.connect(self._follow)
        live.prepared.connect(self._follow)
        live.picture_changed.connect(self._follow)
        live.working.connect(self._set_working)
        self._working = ""
        self._follow()

    def step_percentile(self, by: float) -> None:
        """Change the percentile by this much."""
        self._live.set_percentile(self._live.percentile + by)

    def step_frames(self, by: int) -> None:
        """Change the number of frames by this much."""
        self._set_frames(self._live.frames + by, settled=True)

    def _set_frames(self, frames: int, *, settled: bool) -> None:
        self._live.set_frames(frames, settled=settled)

    def _follow(self) -> None:
        """Show the settings of the live picture."""
        live = self._live
        stack = live.stack
        controls = (self.percentile, self.percentile_box, self.frames, self.frames_box, self.estimator)
        blockers = [QSignalBlocker(widget) for widget in controls]
        for widget in controls:
            widget.setEnabled(stack is not None)
        self.estimator.setCurrentIndex(self.estimator.findData(live.rule))
        if stack is not None:
            if self.frames.maximum() != stack.frames:  # setting it makes the window lay out everything anew
                self.frames.setMaximum(stack.frames)
                self.frames_box.setMaximum(stack.frames)
            self.percentile.setValue(round(live.percentile * 10))
            self.frames.setValue(live.frames)
            # Setting a number again would wipe out one that is being typed.
            if self.percentile_box.value() != live.percentile:
                self.percentile_box.setValue(live.percentile)
            if self.frames_box.value() != live.frames:
                self.frames_box.setValue(live.frames)
        self.keep_button.setEnabled(live.trying)
        del blockers
        self._set_working(self._working)

    def _set_working(self, text: str) -> None:
        self._working = text
        state = self._state()
        if state != self.state.text():  # setting it makes the window lay out everything anew
            self.state.setText(state)

    def _state(self) -> str:
        live = self._live
        if live.blind:
            return "Not available during a second opinion. Press O to end it."
        if not live.analysed:
            return "Available after the analysis"
        if self._working or live.stack is None:
            return self._working or "Waiting for the frames to be decoded"
        whole = live.whole
        return "Ready" if whole is None else f"Ready: η* = {whole.eta} over {whole.frames} frames"


def _estimator_model(parent: QWidget) -> QStandardItemModel:
    """Return a line for each registered estimator; those without a live picture are disabled and say so."""
    model = QStandardItemModel(parent)
    for estimator in estimators():
        item = QStandardItem(sentence(_label(estimator)))
        if estimator.not_live:
            item.setText(f"{item.text()} (not live)")
            item.setEnabled(False)
            tip = f"Not available in the live picture: {estimator.not_live}"
            item.setToolTip(as_tip(tip))
        item.setData(estimator.rule, Qt.ItemDataRole.UserRole)
        model.appendRow(item)
    return model


def _label(estimator: Estimator) -> str:
    return "percentile" if estimator.rule == PERCENTILE else estimator.label(Recipe(2, rule=estimator.rule))
