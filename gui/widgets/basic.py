"""Small things that several panels need of widgets."""

from html import escape
from typing import Any, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSlider, QWidget

Kind = TypeVar("Kind", bound=QWidget)


def named(widget: Kind, name: str, tip: str = "") -> Kind:
    """Give a widget a name for those who hear the screen, and a tooltip for those who see it."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip or name)
    return widget


class Label(QLabel):
    """A label that shows its text as it is: Qt takes names with angle brackets for HTML otherwise."""

    def __init__(self, text: str = "", **properties: Any) -> None:
        super().__init__(text, textFormat=Qt.TextFormat.PlainText, **properties)


def as_tip(text: str) -> str:
    """A tooltip that shows a text with names in it as it is; tooltips know no plain text."""
    if "<" not in text and "&" not in text:
        return text
    return f"<qt>{escape(text, quote=False)}</qt>".replace("\n", "<br>")


class Slider(QSlider):
    """A level slider."""

    def __init__(self, low: int, high: int, page: int = 10) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(low, high)
        self.setPageStep(page)
