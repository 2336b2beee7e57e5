"""The picture between two side panels, which hide together, and whose widths are remembered."""

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

LEFT, RIGHT = 270, 330
"""Widths of the panels at first, px."""

LEFT_LEAST, RIGHT_LEAST = 200, 316
"""Least widths of the panels, px. The right one has room for the tools for composing beside their scroll bar."""

KEY = "desk/panels"


class SidePanels(QSplitter):
    """Give the panels their widths, and the picture the rest. Only a person changes the widths, never a text."""

    def __init__(self, left: QWidget, centre: QWidget, right: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._sides, self._placed = (left, right), False
        self._left, self._right = LEFT, RIGHT
        self.setChildrenCollapsible(False)
        for widget, stretch in ((left, 0), (centre, 1), (right, 0)):
            self.addWidget(widget)
            self.setStretchFactor(self.count() - 1, stretch)
        left.setMinimumWidth(LEFT_LEAST)
        right.setMinimumWidth(RIGHT_LEAST)

    @property
    def hidden(self) -> bool:
        """Return whether the panels are hidden."""
        return self._sides[0].isHidden()

    def toggle(self) -> None:
        """Hide both panels, or show them again in their widths."""
        hide = not self.hidden
        for side in self._sides:
            side.setVisible(not hide)

    def remember(self, settings: QSettings) -> None:
        """Store the widths of the panels."""
        if self._placed and not self.hidden:
            left, _, right = self.sizes()
            settings.setValue(KEY, f"{left} {right}")

    def restore(self, settings: QSettings) -> None:
        """Give the panels the widths that they had when they were stored last."""
        widths = str(settings.value(KEY, "")).split()
        if len(widths) == 2 and all(width.isdecimal() for width in widths):
            self._left, self._right = map(int, widths)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the panels their first widths once the window has its size."""
        super().resizeEvent(event)
        width = event.size().width()
        if not self._placed and width >= self._left + self._right:
            self._placed = True
            self.setSizes([self._left, max(1, width - self._left - self._right), self._right])
