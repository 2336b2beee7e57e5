"""Long texts neither widen a page nor change when they are copied."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets import EmptyState, WrappedLabel

PATH = "/home/somebody/" + "a-very-long-folder_name." * 20 + "x" * 100


@pytest.mark.parametrize("make", [WrappedLabel, lambda text: EmptyState("pairs", text, "Open")])
def test_a_long_path_does_not_widen_a_page(qtbot: QtBot, make: Callable[[str], QWidget]) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    column = QVBoxLayout(page)
    column.addWidget(make(PATH))
    page.resize(300, 600)
    page.show()
    assert page.minimumSizeHint().width() < 200 and page.width() == 300


def test_a_long_path_is_shown_whole_and_copied_as_it_is(qtbot: QtBot) -> None:
    label = WrappedLabel(PATH, look="faint")
    qtbot.addWidget(label)
    label.resize(300, 400)
    label.show()
    assert label.text() == PATH and label.heightForWidth(300) > 4 * label.fontMetrics().lineSpacing()
    qtbot.mouseDClick(label, Qt.MouseButton.LeftButton, pos=label.rect().center())
    qtbot.keyClick(label, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().text()
    assert copied and copied in PATH
    label.clear()
    assert label.text() == ""
    label.set_look("bad")
    assert label.property("look") == "bad"
