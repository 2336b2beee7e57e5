"""Small things that several panels need of widgets."""

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider, QWidget

Kind = TypeVar("Kind", bound=QWidget)


def named(widget: Kind, name: str, tip: str = "") -> Kind:
    """Give a widget a name for those who hear the screen, and a tooltip for those who see it."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip or name)
    return widget


class Slider(QSlider):
    """A level slider."""

    def __init__(self, low: int, high: int, page: int = 10) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(low, high)
        self.setPageStep(page)
