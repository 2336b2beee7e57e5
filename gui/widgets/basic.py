"""Small widgets, and helpers for widgets, that several panels use."""

from html import escape
from typing import Any, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSpinBox, QHBoxLayout, QLabel, QSlider, QWidget

from gui.design import SPACE

Kind = TypeVar("Kind", bound=QWidget)


def named(widget: Kind, name: str, tip: str = "") -> Kind:
    """Give a widget a name for screen readers and a tooltip (by default the name); return the widget."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip or name)
    if isinstance(widget, QAbstractSpinBox):
        widget.lineEdit().setTextMargins(SPACE, 0, 0, 0)  # Qt does not apply the style sheet's padding to it
    return widget


class Label(QLabel):
    """A label for plain text: by default Qt would take names with angle brackets for HTML."""

    def __init__(self, text: str = "", **properties: Any) -> None:
        super().__init__(text, textFormat=Qt.TextFormat.PlainText, **properties)


def as_tip(text: str) -> str:
    """Return a tooltip that shows a text literally: tooltips may take plain text for HTML."""
    if "<" not in text and "&" not in text:
        return text
    return f"<qt>{escape(text, quote=False)}</qt>".replace("\n", "<br>")


class Slider(QSlider):
    """A horizontal slider."""

    def __init__(self, low: int, high: int, page: int = 10) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(low, high)
        self.setPageStep(page)


def beside(slider: Slider, value: QWidget) -> QWidget:
    """Return a row of a slider and the field or label with its value."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(slider, 1)
    layout.addWidget(value)
    return row
