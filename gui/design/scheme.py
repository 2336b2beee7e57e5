"""Dark, light, or as the system has it."""

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from gui.design.colours import DARK, LIGHT, make_palette
from gui.design.icons import forget_icons, window_icon
from gui.design.stylesheet import stylesheet

SCHEMES = {
    "dark": Qt.ColorScheme.Dark,
    "light": Qt.ColorScheme.Light,
    "as the system": Qt.ColorScheme.Unknown,
}
"""Name of a scheme → what Qt calls it. The first is the default: pictures are judged best in a dark window."""

KEY = "scheme"
"""Key of the scheme's name in the settings."""

_LOOK = "rainclean-look"
"""Property of the application: the look that it has."""


def apply(app: QApplication, settings: QSettings) -> None:
    """Set style, colours and icon of the application."""
    if app.property(_LOOK) is None:
        app.setStyle("Fusion")
        app.setWindowIcon(window_icon())
    set_scheme(str(settings.value(KEY, next(iter(SCHEMES)))))


def set_scheme(name: str) -> None:
    """Switch to a scheme of SCHEMES."""
    app, hints = QApplication.instance(), QGuiApplication.styleHints()
    wanted = SCHEMES.get(name, Qt.ColorScheme.Dark)
    hints.setColorScheme(wanted)
    if not isinstance(app, QApplication):
        return
    is_light = (hints.colorScheme() if wanted == Qt.ColorScheme.Unknown else wanted) == Qt.ColorScheme.Light
    look = "light" if is_light else "dark"
    if app.property(_LOOK) == look:
        return
    app.setProperty(_LOOK, look)
    scheme = LIGHT if is_light else DARK
    forget_icons()
    # A style sheet keeps widgets at the palette that they had when it was set, so it is set again.
    app.setStyleSheet("")
    app.setPalette(make_palette(scheme))
    app.setStyleSheet(stylesheet(scheme))


@contextmanager
def unstyled() -> Iterator[None]:
    """Take the style sheet away while the first widgets are made, and style them all at once afterwards.

    With a style sheet, a widget and all in it are styled anew whenever it is put into another one: that takes half of
    the time in which the window is made.
    """
    app = QApplication.instance()
    if not isinstance(app, QApplication) or app.topLevelWidgets():
        yield  # widgets that are shown would lose their style meanwhile
        return
    sheet = app.styleSheet()
    app.setStyleSheet("")
    try:
        yield
    finally:
        app.setStyleSheet(sheet)
