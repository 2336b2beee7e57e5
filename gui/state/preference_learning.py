"""What is suggested, learned beside the window from what people choose."""

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from gui.workers import LATER, Workers
from pipeline.project.preference import NOTHING, Facts, Suggestions, learn, read, so_far
from pipeline.project.storage import Project

WAIT_MS = 300
"""From a change until it is learned from: what was asked for is painted by then."""

_WAIT = 3.0


class PreferenceLearning(QObject):
    """changed: something was learned. suggestions: what is known; always all of one moment."""

    changed = Signal()

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self._workers = workers
        self._folder: Path | None = None
        self._facts: Facts | None = None
        self.suggestions: Suggestions = NOTHING
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(WAIT_MS)
        self._soon.timeout.connect(self._learn)

    def open(self, folder: Path | None) -> None:
        """Learn from another project, None for none; what was learned before is forgotten."""
        self._soon.stop()
        self._workers.cancel("learn")
        self._folder, self._facts, self.suggestions = folder, None, NOTHING
        self.again()

    def again(self) -> None:
        """The project has changed."""
        if self._folder is not None:
            self._soon.start()

    def _learn(self) -> None:
        folder, before = self._folder, self._facts
        if folder is None:
            return

        def work() -> tuple[Facts | None, Suggestions | None]:
            # A connection of its own: one is used by one thread.
            with Project.again(folder, _WAIT) as project, project.snapshot():
                facts = read(project, before)
                if facts is None:
                    return None, so_far(project)
            return facts, None if facts is before else learn(facts)

        # Where it cannot be read nobody waits for it: the next change tries again.
        self._workers.run(work, self._come, lambda _: None, lane="learn", urgency=LATER)

    def _come(self, found: tuple[Facts | None, Suggestions | None]) -> None:
        self._facts, suggestions = found
        if suggestions is not None and suggestions != self.suggestions:
            self.suggestions = suggestions
            self.changed.emit()
