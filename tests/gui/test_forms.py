"""Forms: labels are at the middle of their fields."""

from PySide6.QtWidgets import QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets import Form


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
