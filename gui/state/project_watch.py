"""Notices when another process changes the open project, or damages it."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from pipeline.project.storage import Project
from rainclean.errors import RaincleanError, StoreError

INTERVAL_MS = 1000
"""Milliseconds between two looks at the project."""


class ProjectWatch(QObject):
    """Looks at the open project once a second.

    Signals: `troubled` with a line on what keeps the project from being read, once for each reason, and whether the
    store is damaged; `mended` when it can be read again; `store_damaged` with the folder of a project whose store is
    damaged, or was replaced.
    """

    troubled = Signal(str, bool)
    mended = Signal()
    store_damaged = Signal(Path)

    def __init__(self, reload: Callable[[], None], parent: QObject | None = None) -> None:
        """Make a watch that calls `reload` when another process has changed the project."""
        super().__init__(parent)
        self._reload = reload
        self._project: Project | None = None
        self._version, self._last_warning = -1, ""
        self.timer = QTimer(self)
        self.timer.setInterval(INTERVAL_MS)
        self.timer.timeout.connect(self.look)

    def start(self, project: Project, version: int) -> None:
        """Watch a project from now on. version: its `version_of` when it was read."""
        self._project, self._version, self._last_warning = project, version, ""
        self.timer.start()

    def stop(self) -> None:
        """Stop watching."""
        self.timer.stop()
        self._project = None

    def look(self) -> None:
        """Reload the project where another process has changed it: a running analysis, an import."""
        if self._project is None:
            return
        try:
            version = version_of(self._project)
            if version != self._version:
                self._reload()
        except Exception as error:
            explanation = self.explain(error)
            if explanation is None:
                raise
            if explanation != self._last_warning:  # not every second
                self.troubled.emit(explanation, not self.timer.isActive())
            self._last_warning = explanation
        else:
            if self._last_warning:
                self.mended.emit()
            self._version, self._last_warning = version, ""

    def explain(self, error: BaseException) -> str | None:
        """Return a line that explains an error, None for a bug. Stops looking where the store is damaged."""
        try:
            if self._project is not None:
                self._project.explain(error)
        except StoreError as damage:
            error = damage
        if isinstance(error, StoreError):
            self.store_damaged.emit(error.path.parent)
            self.timer.stop()  # it stays as it is until it is opened again
        return str(error) if isinstance(error, RaincleanError) else None


def version_of(project: Project) -> int:
    """Return a number that differs whenever another process has changed the project."""
    return int(project.value("PRAGMA data_version"))
