"""First and last frame of one or several sequences, in frames and seconds."""

from collections.abc import Sequence as Several

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QPushButton, QWidget

from gui.design import SPACE
from gui.pages.properties.fields import NumberField
from gui.widgets import Label, named
from pipeline.project.model import Clip, Sequence
from pipeline.text_format import counted

LEAST_FRAMES = 2


class RangeField(QWidget):
    """Four boxes: first and last frame, each as a number and in seconds.

    Signals:
        changed: A number has changed.
        frame_meant: A person set a point. Carries the frame, and what it is.
    """

    changed = Signal()
    frame_meant = Signal(int, str)

    def __init__(self, sequences: Several[Sequence], clips: Several[Clip]) -> None:
        """Make the boxes. clips: the clip of each sequence."""
        super().__init__()
        last = min(clip.frame_count for clip in clips) - 1
        rates = {rate_of(clip) for clip in clips}
        self._rate = rates.pop() if len(rates) == 1 else 0.0
        self._shots = {sequence.shot or (sequence.first, sequence.stop) for sequence in sequences}
        last = max(last, *(sequence.stop - 1 for sequence in sequences)) if len(sequences) == 1 else last
        self.first = NumberField(
            "First frame", [s.first for s in sequences], range(last + 1), "First frame that is used"
        )
        self.last = NumberField(
            "Last frame", [s.stop - 1 for s in sequences], range(last + 1), "Last frame that is used"
        )
        self.seconds = {box: QDoubleSpinBox(suffix=" s", decimals=2, singleStep=0.1) for box in (self.first, self.last)}
        self.amount = Label()
        self.amount.setProperty("look", "faint")
        self.whole = named(QPushButton("Whole shot"), "Whole shot", "Use all frames that the sequence was added with")
        self.whole.setAutoDefault(False)
        self.whole.setEnabled(len(self._shots) == 1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(SPACE)
        points = ((self.first, "First frame", "from frame "), (self.last, "Last frame", "to frame "))
        for row, (box, name, prefix) in enumerate(points):
            box.setPrefix(prefix)
            seconds = named(self.seconds[box], f"{name} in seconds", f"{name}, seconds from the beginning of the clip")
            seconds.setRange(0.0, last / self._rate if self._rate else 0.0)
            seconds.setVisible(self._rate > 0)
            grid.addWidget(box, row, 0)
            grid.addWidget(seconds, row, 1)
            box.valueChanged.connect(lambda _, box=box, name=name: self._set(box, name))
            seconds.valueChanged.connect(lambda value, box=box: box.setValue(round(value * self._rate)))
        grid.addWidget(self.amount, 2, 0)
        grid.addWidget(self.whole, 2, 1)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self.whole.clicked.connect(self._take_whole)
        self._show()

    @property
    def changes(self) -> tuple[int | None, int | None]:
        """Return the new first frame, and the new first frame after the last; None where unchanged."""
        last = self.last.changed_to
        return self.first.changed_to, None if last is None else last + 1

    @property
    def problem(self) -> str:
        """Return what is wrong, or ""."""
        first, last = self.first.number, self.last.number
        if first is not None and last is not None and last - first + 1 < LEAST_FRAMES:
            return "The last frame must come after the first one."
        return ""

    def _set(self, box: NumberField, name: str) -> None:
        self._show()
        if box.number is not None:
            self.frame_meant.emit(box.number, name.lower())
        self.changed.emit()

    def _show(self) -> None:
        for box, seconds in self.seconds.items():
            with QSignalBlocker(seconds):
                seconds.setValue((box.number or 0) / self._rate if self._rate else 0.0)
            seconds.setEnabled(box.number is not None)
        first, last = self.first.number, self.last.number
        if first is None or last is None:
            self.amount.setText("")
            return
        number = max(0, last - first + 1)
        duration = f", {number / self._rate:.2f} s" if self._rate else ""
        self.amount.setText(f"{counted(number, 'frame')}{duration}")

    def _take_whole(self) -> None:
        first, stop = next(iter(self._shots))
        self.first.setValue(first)
        self.last.setValue(stop - 1)


def rate_of(clip: Clip) -> float:
    """Return the mean frames per second of a clip; 0 if unknown. Its duration ends where the last frame begins."""
    return (clip.frame_count - 1) / clip.duration if clip.duration > 0 else 0.0
