"""The application: one Qt application, one window, and a report for every unexpected error."""

import contextlib
import gc
import os
import sys
import traceback
from collections.abc import Iterator
from functools import cache
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
    """Show the window until it is closed.

    Args:
        project: Folder of a project, or a clip or folder of clips to begin one with; None for the start page.

    Returns:
        The exit code.
    """
    environment.prepare()
    from PySide6.QtCore import QTimer

    app = make_application()
    window = make_window()
    window.show()
    if project is not None:
        # Once the window is visible, so that it can show why something cannot be opened.
        QTimer.singleShot(0, lambda: window.open_paths([project]))
    # From the event loop, not from the code that the signal has interrupted.
    signals.instead(lambda: QTimer.singleShot(0, window.end))
    # Python handles signals only while Python code runs: let some run now and then.
    timer = QTimer()
    timer.timeout.connect(lambda: None)
    timer.start(300)
    return app.exec()


def make_application() -> "QApplication":
    """Return the application object with its name and look; the existing one if there is one.

    Raises:
        RaincleanError: There is no screen.
    """
    with _uncollected():
        environment.prepare()
        from PySide6.QtCore import QCoreApplication, QSettings
        from PySide6.QtWidgets import QApplication

        from gui import design

        QCoreApplication.setOrganizationName("rainclean")
        QCoreApplication.setApplicationName("rainclean")
        existing = QApplication.instance()
        if existing is None:
            _need_screen()
        app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
        design.apply(app, QSettings())
    return app


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: what is imported and made stays, and looking through it takes long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@cache
def _freeze() -> None:
    """Never look for garbage among what exists now. Once: a second window may leave some of the first behind."""
    gc.freeze()


def _need_screen() -> None:
    """Raise RaincleanError if Qt would not find a screen: Qt would end the process without an explanation."""
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
    """Return the window without a project, with the size and user name of the last time.

    Args:
        settings: Where size, user name and recent projects are stored; the user's settings by default.
    """
    with _uncollected():
        from PySide6.QtCore import QSettings

        from gui import design
        from gui.main_window import Window, geometry

        settings = QSettings() if settings is None else settings
        with design.unstyled():
            window = Window(settings)
        _freeze()
    who = settings.value("who")
    if who:
        window.session.set_user(str(who))
    geometry.place(window, settings)
    sys.excepthook = lambda kind, error, trace: _report(window, kind, error, trace)
    return window


def _report(window: "Window", kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show a line if the project explains the error; else show a report of the bug, and keep the window open."""
    if window.session.explain(error):
        return
    traceback.print_exception(kind, error, trace)
    window.report_bug("".join(traceback.format_exception(kind, error, trace)))
