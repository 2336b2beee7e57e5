"""Two people who work in the window: one with the mouse only, one with the keys only.

Both use what the window shows. A control that is hidden, covered or not reached by Tab fails the test.
"""

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFileDialog,
    QMenu,
    QScrollArea,
    QSpinBox,
    QStyle,
    QStyleOptionSpinBox,
    QTabBar,
    QWidget,
)

from gui.actions import TABLE
from gui.main_window.window import Window
from tests.helpers.hands import activate

MOST_TABS = 120
"""Presses of Tab after which a control counts as out of reach."""


class Person(Protocol):
    """Someone at the window."""

    def act(self, action: str) -> None:
        """Trigger an action, by its id in the table."""

    def push(self, button: QAbstractButton) -> None:
        """Press a button."""

    def set_number(self, box: QSpinBox, value: int) -> None:
        """Set a number in a form."""

    def choose(self, box: QComboBox, index: int) -> None:
        """Choose an entry of a box."""


class MousePerson:
    """Uses the mouse only."""

    def __init__(self, window: Window) -> None:
        self.window = window

    def act(self, action: str) -> None:
        """Open a menu and click an entry."""
        group = next(row.group for row in TABLE if row.id == action)
        bar, entry = self.window.menuBar(), self.window.commands[action]
        head = next(head for head in bar.actions() if head.text().replace("&", "") == group)
        assert entry.isEnabled(), action
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.actionGeometry(head).center())
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu) and entry in menu.actions(), action
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(entry).center())

    def push(self, button: QAbstractButton) -> None:
        """Click where the button is seen."""
        self.click(button)

    def go(self, page: str) -> None:
        """Click the tab of a page."""
        bar = self.window.pages.tabBar()
        index = next(n for n in range(bar.count()) if bar.tabText(n).startswith(page))
        assert isinstance(bar, QTabBar)
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(index).center())

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """Click a widget that is seen: neither hidden nor covered by another."""
        scroll_to(widget)
        place = widget.rect().center() if at is None else at
        top = widget.window()
        hit = top.childAt(widget.mapTo(top, place))
        assert widget.isVisible() and widget.isEnabled(), f"{name_of(widget)} cannot be clicked"
        assert hit is not None and (hit is widget or widget.isAncestorOf(hit)), f"{name_of(widget)} is covered by {hit}"
        QTest.mouseClick(hit, Qt.MouseButton.LeftButton, pos=hit.mapFrom(widget, place))

    def set_number(self, box: QSpinBox, value: int) -> None:
        """Click the arrows until the number is there."""
        scroll_to(box)
        option = QStyleOptionSpinBox()
        box.initStyleOption(option)
        while box.value() != value:
            before = box.value()
            part = QStyle.SubControl.SC_SpinBoxDown if before > value else QStyle.SubControl.SC_SpinBoxUp
            arrow = box.style().subControlRect(QStyle.ComplexControl.CC_SpinBox, option, part, box)
            QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=arrow.center())
            assert abs(box.value() - value) < abs(before - value), f"{name_of(box)} stays at {before}"

    def choose(self, box: QComboBox, index: int) -> None:
        """Open the list at its arrow and click an entry."""
        self.click(box, QPoint(box.width() - 10, box.height() // 2))
        view = box.view()
        QTest.qWait(50)
        assert view.isVisible(), name_of(box)
        place = view.visualRect(box.model().index(index, 0)).center()
        QTest.mouseMove(view.viewport(), place)
        QTest.qWait(QApplication.doubleClickInterval() + 50)  # the click that opened the list may not choose, too
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert box.currentIndex() == index, name_of(box)

    def drop(self, *files: str) -> None:
        """Drop files on the window."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(name) for name in files])
        keys, button = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
        self.window.dropEvent(QDropEvent(QPointF(100, 100), Qt.DropAction.CopyAction, data, button, keys))


class KeyPerson:
    """Uses the keys only."""

    def __init__(self, window: Window) -> None:
        self.window = window

    def act(self, action: str) -> None:
        """Press the first key of an action, which its menu entry shows."""
        entry = self.window.commands[action]
        assert entry.isEnabled() and not entry.shortcut().isEmpty(), action
        self.press(next(row.keys[0] for row in TABLE if row.id == action))

    def press(self, *keys: str) -> None:
        """Press keys where the focus is, written as in the table of actions."""
        for text in keys:
            combination = QKeySequence(text)[0]  # type: ignore[index]  # the stubs do not know it
            QTest.keyClick(self.focus(), combination.key(), combination.keyboardModifiers())

    def write(self, text: str) -> None:
        """Type a text over what is in the field that has the focus."""
        self.press("Ctrl+A")
        QTest.keyClicks(self.focus(), text)

    def focus(self) -> QWidget:
        """Return where keys go."""
        return QApplication.focusWidget() or QApplication.activeModalWidget() or self.window

    def tab_to(self, widget: QWidget) -> None:
        """Press Tab until a control has the focus."""
        wanted = widget.focusProxy() or widget
        seen = []
        for _ in range(MOST_TABS):
            if QApplication.focusWidget() is wanted:
                return
            seen.append(name_of(self.focus()))
            QTest.keyClick(self.focus(), Qt.Key.Key_Tab)
        raise AssertionError(f"Tab does not reach {name_of(widget)}: {seen}")

    def push(self, button: QAbstractButton) -> None:
        """Go to a button and press Space."""
        self.tab_to(button)
        QTest.keyClick(button, Qt.Key.Key_Space)

    def set_number(self, box: QSpinBox, value: int) -> None:
        """Type a number."""
        self.tab_to(box)
        self.write(str(value))
        assert box.value() == value, name_of(box)

    def choose(self, box: QComboBox, index: int) -> None:
        """Press Down or Up until an entry is chosen."""
        self.tab_to(box)
        for _ in range(box.count()):
            if box.currentIndex() != index:
                self.press("Down" if box.currentIndex() < index else "Up")
        assert box.currentIndex() == index, name_of(box)

    def answer_file_dialog(self, path: str) -> None:
        """Type a path into the file dialog that opens next, and press Enter."""
        timer = QTimer(self.window, interval=50)

        def answer() -> None:
            dialog = QApplication.activeModalWidget()
            if isinstance(dialog, QFileDialog) and dialog.isVisible():
                timer.stop()
                activate(dialog)
                self.write(path)
                self.press("Return")
                QTimer.singleShot(300, dialog, dialog.reject)  # a dialog that is still open would block the test

        timer.timeout.connect(answer)
        timer.start()


def scroll_to(widget: QWidget) -> None:
    """Turn the wheel until a widget is seen."""
    above = widget.parentWidget()
    while above is not None:
        if isinstance(above, QScrollArea):
            above.ensureWidgetVisible(widget)
        above = above.parentWidget()


def name_of(widget: QWidget) -> str:
    """Return a name of a widget for messages."""
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return widget.accessibleName() or text or widget.objectName() or type(widget).__name__


def shown(window: Window, kind: type[QWidget]) -> Callable[[], QWidget | None]:
    """Return a function that returns the visible dialog of a kind, None where there is none."""
    return lambda: next((found for found in window.findChildren(kind) if found.isVisible()), None)
