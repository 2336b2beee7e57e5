"""An icon that stands beside a text and follows the scheme."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui.design import ICON, icon


class IconMark(QWidget):
    """Show an icon. It says nothing that the text beside it does not say."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._icon = icon(name)
        self.setFixedSize(QSize(ICON, ICON))

    def set_name(self, name: str) -> None:
        """Show another icon."""
        self._icon = icon(name)
        self.update()

    def paintEvent(self, _: QPaintEvent) -> None:
        """Paint it."""
        self._icon.paint(QPainter(self), self.rect())
