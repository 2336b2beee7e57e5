"""The application: one Qt application object, one window, errors that are reported instead of lost."""

import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from gui import environment
from pipeline import signals
from rainclean.errors import RaincleanError

if TYPE_CHECKING:
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from gui.main_window import Window


def run(project: Path | None) -> int:
    """Show the window until it is closed; returns the exit code.

    project: folder of a project, or a clip or folder of clips to begin one with; None opens the start page.
    """
    environment.prepare()
    from PySide6.QtCore import QTimer

    app = make_application()
    window = make_window()
    window.show()
    if project is not None:
        # When the window is there: what cannot be opened is said in it.
        QTimer.singleShot(0, lambda: window.open_paths([project]))
    # From the event loop, not from whatever the signal has interrupted.
    signals.instead(lambda: QTimer.singleShot(0, window.end))
    # Python answers signals only while it runs: let it, now and then.
    ticking = QTimer()
    ticking.timeout.connect(lambda: None)
    ticking.start(300)
    return app.exec()


def make_application() -> "QApplication":
    """The application object, with its name, look and way to report errors; the one there is, if there is one.

    Raises RaincleanError where there is no screen.
    """
    environment.prepare()
    from PySide6.QtCore import QCoreApplication, QSettings
    from PySide6.QtWidgets import QApplication

    from gui import theme

    QCoreApplication.setOrganizationName("rainclean")
    QCoreApplication.setApplicationName("rainclean")
    existing = QApplication.instance()
    if existing is None:
        _need_screen()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    theme.apply(app, QSettings())
    return app


def _need_screen() -> None:
    """Raise RaincleanError where Qt would not find a screen: it ends the process then, without a word that helps."""
    if not sys.platform.startswith("linux"):
        return
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0]
    needed = {
        "": ("DISPLAY", "WAYLAND_DISPLAY"), "xcb": ("DISPLAY",), "wayland": ("WAYLAND_DISPLAY", "DISPLAY"),
    }.get(platform)  # fmt: skip
    if needed is not None and not any(os.environ.get(name) for name in needed):
        raise RaincleanError(
            f"there is no screen to show the window on: {' and '.join(needed)} not set; start it from a desktop, "
            "over ssh -X, or under xvfb-run (packages: xvfb libxcb-cursor0 libxkbcommon-x11-0)"
        )


def make_window(settings: "QSettings | None" = None) -> "Window":
    """The window as it was left, empty."""
    from PySide6.QtCore import QSettings

    from gui.main_window import Window

    settings = QSettings() if settings is None else settings
    window = Window(settings)
    who = settings.value("who")
    if who:
        window.session.set_user(str(who))
    geometry = settings.value("geometry")
    if geometry:
        window.restoreGeometry(geometry)
    sys.excepthook = lambda kind, error, trace: _report(window, kind, error, trace)
    return window


def _report(window: "Window", kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A line where the project explains it; else a bug: the window stays, and the person is told what to send."""
    if window.session.explain(error):
        return
    traceback.print_exception(kind, error, trace)
    window.report_bug("".join(traceback.format_exception(kind, error, trace)))
