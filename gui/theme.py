"""Light and dark: as the system has it, or as a person chose."""

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

SCHEMES = {
    "as the system": Qt.ColorScheme.Unknown,
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
}

KEY = "scheme"

_FOCUS = """
QToolTip { padding: 3px; }
QToolButton:focus, QPushButton:focus, QCheckBox:focus, QSlider:focus, QTabBar:focus {
    outline: none; border: 2px solid palette(highlight); border-radius: 3px;
}
"""
"""The style draws the focus of fields well, that of buttons hardly."""


def apply(app: QApplication, settings: QSettings) -> None:
    """Give the application its look."""
    app.setStyle("Fusion")
    app.setStyleSheet(_FOCUS)
    set_scheme(str(settings.value(KEY, "as the system")))


def set_scheme(name: str) -> None:
    """Light, dark, or as the system."""
    QGuiApplication.styleHints().setColorScheme(SCHEMES.get(name, Qt.ColorScheme.Unknown))
