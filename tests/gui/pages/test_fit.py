"""Pages in small windows: nothing is cut, and every page is reached and left by keys and by mouse."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.jobs import Job
from gui.main_window.window import Window
from tests.gui.conftest import Open
from tests.helpers.hands import PATIENCE, press

PAGES = {"pairs": "Ctrl+2", "training": "Ctrl+3", "results": "Ctrl+4", "jobs": "Ctrl+5"}
FRAME = QSize(0, 100)
"""What menu bar, tabs and status bar take of a window, px."""

CONTROLS = (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit)


def shown_page(window: Window) -> QWidget:
    page = window.pages.currentWidget()
    assert page is not None
    return page


def is_scrolled(widget: QWidget, page: QWidget) -> bool:
    """Whether a widget lies in an area that scrolls up and down."""
    parent = widget.parentWidget()
    while parent is not None and parent is not page:
        if isinstance(parent, QScrollArea):
            return True
        parent = parent.parentWidget()
    return False


def cut(page: QWidget) -> list[str]:
    """The controls of a page that lie outside it, or are narrower than they must be."""
    found = []
    for widget in page.findChildren(QWidget):
        if not isinstance(widget, CONTROLS) or not widget.isVisible() or widget.objectName().startswith("qt_"):
            continue
        place = QRect(widget.mapTo(page, QPoint(0, 0)), widget.size())
        if is_scrolled(widget, page):
            place.setTop(0)
            place.setBottom(0)
        name = widget.accessibleName() or getattr(widget, "text", str)()
        if not page.rect().contains(place):
            found.append(f"{name}: {place.getRect()} outside {page.size().toTuple()}")
        if isinstance(widget, QPushButton) and widget.width() < widget.sizeHint().width():
            found.append(f"{name}: {widget.width()} px wide, needs {widget.sizeHint().width()}")
    return found


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_in_a_small_window(window: Window, qtbot: QtBot, name: str) -> None:
    press(window, "Shift+A")
    window.jobs.start(Job(f"Export to {'a-long-name-' * 30}", ["wait"], None, program=("/nonexistent",)))
    qtbot.waitUntil(lambda: not window.jobs.unfinished())
    press(window, PAGES[name])
    page = shown_page(window)
    needed = page.minimumSizeHint()
    page.setParent(None)
    for size in (QSize(1366, 768), QSize(1280, 720)):
        room = size - FRAME
        assert needed.width() <= room.width() and needed.height() <= room.height(), size
        page.resize(room)
        page.show()
        QApplication.processEvents()
        assert cut(page) == [], size
    page.deleteLater()


def test_an_undecided_sequence_leads_to_the_desk(open_window: Open, home: Path, qtbot: QtBot) -> None:
    window = open_window(home)
    press(window, "Ctrl+2")
    page = shown_page(window)
    button = page.sequences.decide  # type: ignore[attr-defined]
    qtbot.waitUntil(button.isVisible, timeout=PATIENCE)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert shown_page(window) is window.desk


def test_a_finished_job_leads_to_its_page(window: Window, tmp_path: Path, qtbot: QtBot) -> None:
    job = Job("Evaluate", ["evaluate", "d", "-o", str(tmp_path)], None, program=("echo", '{"dataset": {"pairs": 3}}'))
    window.jobs.start(job)
    qtbot.waitUntil(lambda: job.is_over)
    press(window, "Ctrl+5")
    card = window.jobs_panel.card(job)
    assert card.result.text().startswith("Evaluated on 3 pairs in 1 s")
    qtbot.mouseClick(card.open, Qt.MouseButton.LeftButton)
    results = shown_page(window)
    assert results is window.pages.made_pages["results"] and "is not an evaluation" in results.status.text()  # type: ignore[attr-defined]
    press(window, "Ctrl+5")
    press(window, "Ctrl+1")
    assert shown_page(window) is window.desk


def test_a_page_has_one_main_button(window: Window) -> None:
    for name, key in PAGES.items():
        press(window, key)
        mains = [button.text() for button in shown_page(window).findChildren(QPushButton)
                 if button.property("look") == "main"]  # fmt: skip
        assert mains == {"pairs": ["Export"], "training": ["Start training"], "results": ["Evaluate"]}.get(name, [])
