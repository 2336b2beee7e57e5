"""The region of one or several sequences, in numbers."""

from collections.abc import Sequence as Several
from typing import Literal

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QSpinBox, QWidget

from gui.design import SPACE
from gui.pages.properties.fields import DIFFERENT
from gui.widgets import Label, named
from rainclean.video import Region

_NAMES = ("x", "y", "width", "height")
_TIPS = ("Left edge", "Upper edge", "Width", "Height")


class RegionField(QWidget):
    """A check box for the whole picture, and the four numbers of a part of it.

    Signals: `changed` with the region, None for the whole picture.
    """

    changed = Signal(object)

    def __init__(self, regions: Several[Region | None], width: int, height: int) -> None:
        """Make the boxes.

        Args:
            regions: The present region of each sequence.
            width: Of the upright frame, px.
            height: Of the upright frame, px.
        """
        super().__init__()
        self._size = (width, height)
        self._differing = len(set(regions)) > 1
        self._before = regions[0]
        self._touched = False
        self.whole = named(QCheckBox("Whole picture"), "Whole picture", "Use the whole picture")
        self.whole.setTristate(self._differing)
        self.note = Label(DIFFERENT if self._differing else "")
        self.note.setProperty("look", "faint")
        self.boxes = [QSpinBox(suffix=" px") for _ in _NAMES]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(SPACE)
        grid.addWidget(self.whole, 0, 0, 1, 2)
        grid.addWidget(self.note, 0, 2, 1, 2)
        for column, (box, name, tip) in enumerate(zip(self.boxes, _NAMES, _TIPS, strict=True)):
            box.setAccelerated(True)
            named(box, f"Region: {tip.lower()}", f"{tip} of the region")
            box.setPrefix(f"{name} ")
            grid.addWidget(box, 1, column)
        self._write(self._before if not self._differing else None)
        if self._differing:
            self.whole.setCheckState(Qt.CheckState.PartiallyChecked)
        self.whole.checkStateChanged.connect(self._switch)
        for box in self.boxes:
            box.valueChanged.connect(self._set)

    @property
    def region(self) -> Region | None:
        """Return the region that the boxes show; None for the whole picture, and while regions differ."""
        if self.whole.checkState() != Qt.CheckState.Unchecked:
            return None
        x, y, width, height = (box.value() for box in self.boxes)
        return None if (x, y, width, height) == (0, 0, *self._size) else Region(x, y, width, height)

    @property
    def value(self) -> Region | Literal["whole"] | None:
        """Return the new region; None if it is unchanged."""
        if not self._touched or self.whole.checkState() == Qt.CheckState.PartiallyChecked:
            return None
        if not self._differing and self.region == self._before:
            return None
        return self.region or "whole"

    def set_region(self, region: Region | None) -> None:
        """Show another region, as a person drew it."""
        self._touched = True
        self._write(region)
        self.changed.emit(self.region)

    def _switch(self, state: Qt.CheckState) -> None:
        self._touched = True
        self.whole.setTristate(False)
        for box in self.boxes:
            box.setEnabled(state == Qt.CheckState.Unchecked)
        self.note.setText("")
        self.changed.emit(self.region)

    def _set(self) -> None:
        self._touched = True
        self._limit()
        self.changed.emit(self.region)

    def _write(self, region: Region | None) -> None:
        width, height = self._size
        blockers = [QSignalBlocker(widget) for widget in (self.whole, *self.boxes)]
        self.whole.setChecked(region is None)
        for box, value, most in zip(self.boxes, region or (0, 0, width, height), self._size * 2, strict=True):
            box.setRange(0, most)
            box.setValue(value)
            box.setEnabled(region is not None)
        self._limit()
        del blockers
        if self._touched:
            self.note.setText("")

    def _limit(self) -> None:
        """Keep the region inside of the picture: a larger offset leaves less width."""
        x, y, width, height = self.boxes
        x.setMaximum(self._size[0] - 1)
        y.setMaximum(self._size[1] - 1)
        width.setRange(1, self._size[0] - x.value())
        height.setRange(1, self._size[1] - y.value())
