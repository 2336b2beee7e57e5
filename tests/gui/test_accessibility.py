"""Every control has a name, the focus goes as the eye does, and keys are shown where they can be learned."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPlainTextEdit,
    QScrollBar,
    QSplitterHandle,
    QTabBar,
    QTextEdit,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.actions import HELD, TABLE
from gui.help import keys_html
from gui.jobs.queue import Job
from gui.main_window.window import Window
from gui.widgets import dialogs
from tests.gui.conftest import Open
from tests.helpers.hands import press

PAGES = ("desk", "pairs", "training", "results", "jobs")
DIALOGS = ("reject", "agreement", "help", "bug")

CONTROLS = (
    QAbstractButton, QComboBox, QAbstractSpinBox, QAbstractSlider, QAbstractItemView, QLineEdit, QPlainTextEdit,
    QTextEdit,
)  # fmt: skip

WITHIN = (QComboBox, QAbstractSpinBox, QTabBar, QLineEdit, QAbstractItemView, QFileDialog)
"""Widgets whose own parts have no name of their own."""

TOLERANCE = 8
"""Px by which the next control may begin above, or left of, the one before in a row."""


def is_part(widget: QWidget) -> bool:
    """Whether a widget is a part of another control, or one of Qt's own around it."""
    parent = widget.parentWidget()
    while parent is not None and not parent.isWindow():
        if isinstance(parent, WITHIN):
            return True
        parent = parent.parentWidget()
    return widget.objectName().startswith("qt_") or isinstance(widget, QScrollBar | QSplitterHandle)


def controls(of: QWidget) -> list[QWidget]:
    """The visible controls of a page or dialog: what can be clicked, typed into, or reached by Tab."""
    return [
        each
        for each in of.findChildren(QWidget)
        if each.isVisible()
        and each.window() is of.window()
        and not is_part(each)
        and (isinstance(each, CONTROLS) or each.focusPolicy() & Qt.FocusPolicy.TabFocus)
    ]


def name_of(widget: QWidget) -> str:
    """The name that a screen reader says: its own, its text, or that of the label that it is the buddy of.

    Qt is not asked: its interfaces are deleted twice when Python has held them.
    """
    own = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")
    labels = widget.window().findChildren(QLabel)
    return (own or next((label.text() for label in labels if label.buddy() is widget), "")).replace("&", "").strip()


def described(widget: QWidget) -> str:
    """A line by which a person finds a control: its name, kind, and the kinds of what it lies in."""
    kinds = [type(widget).__name__]
    parent = widget.parentWidget()
    while parent is not None and len(kinds) < 4:
        kinds.append(type(parent).__name__)
        parent = parent.parentWidget()
    return f"{name_of(widget) or widget.toolTip()!r} {' in '.join(kinds)}"


def place(widget: QWidget) -> QRect:
    return QRect(widget.mapToGlobal(QPoint(0, 0)), widget.size())


def focus_chain(of: QWidget) -> list[QWidget]:
    """The controls of a page or dialog in the order in which Tab reaches them."""
    chain: list[QWidget] = []
    if not controls(of):
        return []
    first = min(controls(of), key=lambda each: (place(each).top(), place(each).left()))
    first.setFocus()
    for _ in range(300):
        widget = QApplication.focusWidget()
        if widget is None or widget in chain:
            break
        chain.append(widget)
        of.window().focusNextPrevChild(True)
    return [widget for widget in chain if of.isAncestorOf(widget) and not is_part(widget)]


def panel(widget: QWidget, page: QWidget) -> QWidget:
    """The panel of a page that a control lies in: the widget below the nearest splitter, or the page."""
    here = widget
    while here is not page:
        parent = here.parentWidget()
        assert parent is not None
        if type(parent).__name__ in ("QSplitter", "QStackedWidget"):
            return here
        here = parent
    return page


def steps_back(of: QWidget) -> Iterator[str]:
    """Yield each step of Tab within a panel that goes back: up, or left within a row."""
    chain = focus_chain(of)
    for one, other in pairwise(chain):
        if panel(one, of) is not panel(other, of):
            continue
        first, second = place(one), place(other)
        in_row = min(first.bottom(), second.bottom()) - max(first.top(), second.top()) > 0
        if in_row and second.left() < first.left() - TOLERANCE and second.top() < first.bottom() - TOLERANCE:
            yield f"left: {described(one)} -> {described(other)}"
        elif second.bottom() < first.top() + TOLERANCE and second.left() < first.right() - TOLERANCE:
            yield f"up: {described(one)} -> {described(other)}"


@pytest.fixture
def large(window: Window, qtbot: QtBot) -> Window:
    """The window with a decision and two jobs, at a size at which nothing is cut."""
    window.resize(1600, 1000)
    press(window, "Shift+A")
    for _ in range(2):
        window.jobs.start(Job("Wait", ["wait"], None, program=("/nonexistent",)))
    qtbot.waitUntil(lambda: not window.jobs.unfinished())
    return window


@pytest.fixture
def show(large: Window, qtbot: QtBot) -> Callable[[str], QWidget]:
    """Opens a page or dialog by its name."""

    def run(name: str) -> QWidget:
        if name in PAGES:
            large.commands[name].trigger()
            page = large.pages.currentWidget()
            assert page is not None
            qtbot.waitUntil(lambda: bool(controls(page)))
            if name == "pairs":
                qtbot.waitUntil(lambda: page.form.isEnabled())  # type: ignore[attr-defined]
            return page
        if name == "bug":
            large.report_bug("Traceback")
        else:
            large.commands[name].trigger()
        dialog = next(each for each in large.findChildren(QDialog) if each.isVisible())
        qtbot.waitUntil(dialog.isActiveWindow)
        return dialog

    return run


def test_every_control_of_the_start_page_has_a_name(open_window: Open, home: Path) -> None:
    window = open_window(home)
    press(window, "Ctrl+W")
    shown = controls(window.start_page)
    assert shown
    assert [described(each) for each in shown if not name_of(each)] == []
    assert list(steps_back(window.start_page)) == []


@pytest.mark.parametrize("name", [*PAGES, *DIALOGS])
def test_controls_have_names_the_focus_goes_as_the_eye_does_and_buttons_show_keys(
    show: Callable[[str], QWidget], name: str
) -> None:
    shown = show(name)
    assert controls(shown)
    assert [described(each) for each in controls(shown) if not name_of(each)] == []
    for button in shown.findChildren(QToolButton):
        action = button.defaultAction()
        if action is not None and not action.shortcut().isEmpty():
            key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            assert key in button.toolTip(), described(button)
    if name != "bug":
        assert focus_chain(shown)
        assert list(steps_back(shown)) == []


def test_tabs_of_the_desk_have_names_and_order(large: Window) -> None:
    for index in range(large.desk.tabs.count()):
        large.desk.tabs.setCurrentIndex(index)
        page = large.desk.tabs.widget(index)
        assert page is not None
        assert [described(each) for each in controls(page) if not name_of(each)] == []
        assert list(steps_back(page)) == []


def test_every_key_is_in_its_menu(window: Window) -> None:
    menus = {menu.title().replace("&", ""): menu for menu in window.menuBar().findChildren(QMenu)}
    for action in TABLE:
        entry = window.commands[action.id]
        assert entry in menus[action.group].actions(), action.id
        assert entry.shortcuts() == [QKeySequence(key) for key in action.keys]
        for key in action.keys:
            text = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
            assert text in entry.toolTip(), f"{action.id}: {text} is not in its tooltip"


def test_every_held_key_is_in_the_help() -> None:
    for held in HELD:
        assert held.key in keys_html() and held.tip in keys_html()


def test_the_file_dialog_has_names(window: Window, tmp_path: Path) -> None:
    kinds: tuple[dialogs.Kind, ...] = ("folder", "new folder", "file", "files", "new file")
    for kind in kinds:
        dialog = dialogs.make_dialog(window, "Choose", kind, tmp_path)
        field = dialog.findChild(QLineEdit)
        assert dialog.windowTitle() == "Choose" and field is not None and name_of(field), kind
        dialog.deleteLater()


def test_a_bug_report_can_be_closed_by_key(large: Window, show: Callable[[str], QWidget]) -> None:
    box = show("bug")
    assert isinstance(box, QMessageBox)
    QTest.keyClick(box, Qt.Key.Key_Escape)
    assert not box.isVisible()
