"""Opens the window within a screen, whatever screens there were the last time."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSettings, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

KEY = "geometry"

SIZE = QSize(1500, 920)
"""Size of the window the first time, px."""


def place(window: QMainWindow, settings: QSettings) -> None:
    """Give the window its size and place of the last time, as far as they are on a screen."""
    remembered = settings.value(KEY)
    known = bool(remembered) and window.restoreGeometry(remembered)
    screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
    # A drawing without a screen has whatever size it is given.
    if not screens or QGuiApplication.platformName() == "offscreen" or window.isMaximized() or window.isFullScreen():
        return
    wanted = window.geometry() if known else _centred(SIZE, screens[0])
    window.setGeometry(within(wanted, screens))


def within(wanted: QRect, screens: Sequence[QRect]) -> QRect:
    """Return a rectangle moved and shrunk into the screen that shows most of it; the first if none shows any.

    Args:
        wanted: The rectangle, px.
        screens: What each screen can show, px.
    """

    def shown(screen: QRect) -> int:
        part = screen.intersected(wanted)
        return max(part.width(), 0) * max(part.height(), 0)

    screen = max(screens, key=shown)  # the first of equals
    size = wanted.size().boundedTo(screen.size())
    left = min(max(wanted.left(), screen.left()), screen.right() - size.width() + 1)
    top = min(max(wanted.top(), screen.top()), screen.bottom() - size.height() + 1)
    return QRect(left, top, size.width(), size.height())


def _centred(size: QSize, screen: QRect) -> QRect:
    rectangle = QRect(screen.topLeft(), size.boundedTo(screen.size()))
    rectangle.moveCenter(screen.center())
    return rectangle
