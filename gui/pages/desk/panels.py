"""The picture between two side panels, which hide together, and whose widths are remembered."""

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

LEFT, RIGHT = 270, 330
"""Widths of the panels at first, px."""

KEY = "desk/panels"


class SidePanels(QSplitter):
    """Give the panels their widths, and the picture the rest. Only a person changes the widths, never a text."""

    def __init__(self, left: QWidget, centre: QWidget, right: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._sides, self._placed = (left, right), False
        self.setChildrenCollapsible(False)
        for widget, stretch in ((left, 0), (centre, 1), (right, 0)):
            self.addWidget(widget)
            self.setStretchFactor(self.count() - 1, stretch)
        left.setMinimumWidth(200)
        right.setMinimumWidth(260)

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
        if self._placed:
            settings.setValue(KEY, self.saveState())

    def restore(self, settings: QSettings) -> None:
        """Give the panels the widths that they had when they were stored last."""
        state = settings.value(KEY)
        if isinstance(state, QByteArray) and self.restoreState(state):
            self._placed = True
            self.setChildrenCollapsible(False)  # part of the state

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the panels their first widths once the window has its size."""
        super().resizeEvent(event)
        if not self._placed and event.size().width() >= LEFT + RIGHT:
            self._placed = True
            self.setSizes([LEFT, max(1, event.size().width() - LEFT - RIGHT), RIGHT])
