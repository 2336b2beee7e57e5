"""Light and dark colours: those of the system, or those that the person chose."""

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

SCHEMES = {
    "as the system": Qt.ColorScheme.Unknown,
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
}

KEY = "scheme"

_FOCUS = """
QToolTip { padding: 3px; }
QToolButton:focus, QPushButton:focus, QCheckBox:focus, QSlider:focus {
    outline: none; border: 2px solid palette(highlight); border-radius: 3px;
}
QToolButton:checked {
    background: palette(highlight); color: palette(highlighted-text); border-radius: 3px; padding: 3px 5px;
}
"""
"""Fusion hardly shows the focus of buttons, and in dark colours hardly which tool is chosen."""


def apply(app: QApplication, settings: QSettings) -> None:
    """Set style and colours of the application."""
    app.setStyle("Fusion")
    app.setStyleSheet(_FOCUS)
    set_scheme(str(settings.value(KEY, "as the system")))


def set_scheme(name: str) -> None:
    """Switch to a scheme of SCHEMES."""
    wanted, hints = SCHEMES.get(name, Qt.ColorScheme.Unknown), QGuiApplication.styleHints()
    hints.setColorScheme(wanted)
    app = QApplication.instance()
    if isinstance(app, QApplication) and wanted != Qt.ColorScheme.Unknown and hints.colorScheme() != wanted:
        # A platform without themes ignores schemes. A style sheet keeps widgets at the palette that they had when it
        # was set, so it is set again.
        app.setStyleSheet("")
        app.setPalette(_palette(dark=wanted == Qt.ColorScheme.Dark))
        app.setStyleSheet(_FOCUS)


def _palette(*, dark: bool) -> QPalette:
    window, base, text, faint = (
        ("#2b2d30", "#1e1f22", "#e6e6e6", "#8c8f94") if dark else ("#efefef", "#ffffff", "#111111", "#7a7a7a")
    )
    palette = QPalette(QColor(window))
    for role, colour in (
        (QPalette.ColorRole.Window, window),
        (QPalette.ColorRole.Base, base),
        (QPalette.ColorRole.AlternateBase, window),
        (QPalette.ColorRole.Button, window),
        (QPalette.ColorRole.ToolTipBase, window),
        (QPalette.ColorRole.WindowText, text),
        (QPalette.ColorRole.Text, text),
        (QPalette.ColorRole.ButtonText, text),
        (QPalette.ColorRole.ToolTipText, text),
        (QPalette.ColorRole.PlaceholderText, faint),
        (QPalette.ColorRole.Highlight, "#308cc6"),
        (QPalette.ColorRole.HighlightedText, "#ffffff"),
    ):
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(faint))
    return palette
