"""Forms: labels are at the middle of their fields."""

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets import Form, PathField, WrappedLabel


def test_labels_are_level_with_their_fields(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    form = Form(page)
    number, button, text = QSpinBox(), QPushButton("Browse…"), QLabel("a\n" * 8)
    number.setMinimumHeight(36)
    button.setMinimumHeight(36)
    column = QVBoxLayout()
    column.addWidget(button)
    column.addWidget(QLabel("It does not exist.\nChoose another one."))
    form.addRow("Number", number)
    form.addRow("Folder", column)
    form.addRow("Long", text)
    page.show()
    for label, field in ((form.labelForField(number), number), (form.labelForField(column), button)):
        assert abs(label.geometry().center().y() - field.geometry().center().y()) <= 1
    assert form.labelForField(text).height() < text.height() / 2, "beside the first lines of a long text"


def test_a_line_is_below_its_field_in_its_column(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    form = Form(page)
    path, line, number = PathField("Folder", "folder", "Choose it"), WrappedLabel("It does not exist."), QSpinBox()
    both = form.add_field("&Folder", path, line)
    form.addRow("A longer label", number)
    page.show()
    label = form.labelForField(both)
    assert isinstance(label, QLabel) and label.buddy() is path
    at, below = (QRect(each.mapTo(page, QPoint(0, 0)), each.size()) for each in (path, line))
    assert (below.left(), below.right()) == (at.left(), at.right()) and 0 < below.top() - at.bottom() <= 4
    assert abs(label.geometry().center().y() - at.center().y()) <= 1
    before = number.y()
    line.hide()
    QApplication.processEvents()
    assert number.y() < before, "no room for a hidden line"
