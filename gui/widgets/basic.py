"""Small widgets, and helpers for widgets, that several panels use."""

from html import escape
from typing import Any, TypeVar

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayoutItem,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from gui.design import SPACE

Kind = TypeVar("Kind", bound=QWidget)


def named(widget: Kind, name: str, tip: str = "") -> Kind:
    """Give a widget a name for screen readers and a tooltip (by default the name); return the widget."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip or name)
    if isinstance(widget, QAbstractSpinBox):
        widget.lineEdit().setTextMargins(SPACE + 2, 0, 0, 0)  # Qt does not apply the style sheet's padding to it
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


class Form(QFormLayout):
    """A form whose labels are at the middle of their fields; of a field with lines below it, at that of its first line.

    Qt lets a label grow to 7/4 of its text's height only, which is too little for fields with padding.
    """

    def add_field(self, text: str, field: QWidget, line: QWidget, buddy: QWidget | None = None) -> QWidget:
        """Add a field with a line directly below it, such as what is wrong with it; in the field's column.

        Args:
            text: Label; ``&`` marks its key.
            field: Field, or a row of field and button.
            line: What is below it; it takes no room while it is hidden.
            buddy: Widget that the label's key leads to, where it is not `field`.

        Returns:
            The widget with both: the form's row is found by it.
        """
        both = QWidget()
        column = QVBoxLayout(both)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(field)
        column.addWidget(line)
        label = Label(text)
        label.setBuddy(buddy or field)
        label.setToolTip((buddy or field).toolTip())
        self.addRow(label, both)
        return both

    def setGeometry(self, rect: QRect) -> None:
        """Place the rows, then make labels as high as what is beside them."""
        super().setGeometry(rect)
        for row in range(self.rowCount()):
            label = self.itemAt(row, QFormLayout.ItemRole.LabelRole)
            field = self.itemAt(row, QFormLayout.ItemRole.FieldRole)
            if label is None or field is None:
                continue
            place, height = label.geometry(), _height_of_first_line(field)
            is_beside = place.top() == field.geometry().top()
            if is_beside and place.height() < height < 3 * place.height():  # not a text of several lines
                place.setHeight(height)
                label.setGeometry(place)


def _height_of_first_line(field: QLayoutItem) -> int:
    """Return the height of the first row of a field that is a column, else of the field, px."""
    widget = field.widget()
    layout = widget.layout() if widget is not None else field.layout()
    first = layout.itemAt(0) if isinstance(layout, QVBoxLayout | QGridLayout) else None
    if first is None:
        return field.geometry().height()
    # What is in a column is placed after the form.
    part = first.widget()
    inner = part.layout() if part is not None else None
    top = inner.itemAt(0) if isinstance(inner, QGridLayout) else None
    return (top or first).sizeHint().height()
