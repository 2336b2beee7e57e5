"""A person's hands: keys to the window, the mouse in px of the picture."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from gui.compare import CompareView
from gui.main_window.window import Window

PATIENCE = 180_000
"""ms that a job may take, a process of its own which loads torch perhaps: on a busy machine that alone is a minute."""


def press(window: Window, keys: str) -> None:
    """Press a key, written as in the table of actions: ``A``, ``Ctrl+Z``, ``Shift+X``."""
    from PySide6.QtGui import QKeySequence

    combination = QKeySequence(keys)[0]  # type: ignore[index]  # the stubs do not know it
    QTest.keyClick(window, combination.key(), combination.keyboardModifiers())


def activate(widget: QWidget) -> None:
    """Make a window the active one: what was opened or closed before may not have handed the focus on yet."""
    widget.activateWindow()
    for _ in range(500):
        if QApplication.activeWindow() is widget:
            return
        QTest.qWait(10)
    raise AssertionError(f"{widget} does not become active")


def at(view: CompareView, place: tuple[float, float]) -> QPoint:
    """Where a place of the picture is in the view."""
    return view.to_widget(*place).toPoint()


def click(view: CompareView, place: tuple[float, float]) -> None:
    """Click a place of the picture."""
    QTest.mouseMove(view, at(view, place))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, place))


def draw(view: CompareView, way: Sequence[tuple[float, float]], release: bool = True) -> None:
    """Drag along a way, px of the picture."""
    QTest.mouseMove(view, at(view, way[0]))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at(view, way[0]))
    for place in way[1:]:
        QTest.mouseMove(view, at(view, place))
    if release:
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(view, way[-1]))


def middle(view: CompareView) -> QPointF:
    """The middle of the view."""
    return QPointF(view.width() / 2, view.height() / 2)
