"""A process of ``python -m benchmarks gui``: opens the window on a project and says how long the first image took."""

import os
import sys
from pathlib import Path
from time import monotonic

STARTED = "RAINCLEAN_BENCH_STARTED"
"""Environment variable: when the process was asked for, by the steady clock that processes of a machine share."""


def main() -> None:
    """Print the seconds from when the process was asked for to the first painted image."""
    from gui.app import make_application, make_window

    project = Path(sys.argv[1])
    app = make_application()
    from PySide6.QtCore import QEventLoop, QSettings

    window = make_window(QSettings(str(project.parent / "start.ini"), QSettings.Format.IniFormat))
    window.show()
    window.open_project(project)
    desk = window.desk
    while desk.shown_right is None or desk.shown_left is None or desk.view.painted_serial < desk.view.serial:
        app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    seconds = monotonic() - float(os.environ[STARTED])
    sys.stdout.write(f"{seconds:.3f}\n")
    window.close()
