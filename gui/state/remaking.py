"""Pictures that the project does not keep, made again in a thread while the window stays usable."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from gui.jobs import stage_text
from gui.workers import LATER, Workers
from pipeline.project.storage import Project
from pipeline.stages import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from gui.state.image_cache import U8

MAKING = "Making this image again"

_LANE = "make again"


class Remaking(QObject):
    """Make pictures again: all that are wanted at a time in one pass over the clip, one pass at a time.

    Signals:
        made: Carries the name of a picture and the picture, (H, W, 3) uint8.
        failed: Carries the name of a picture and why it cannot be made.
        moved: The text has changed.

    Attributes:
        text: What a person should know of the work that runs; "" while none does.
    """

    made = Signal(str, object)
    failed = Signal(str, str)
    moved = Signal()

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self._workers = workers
        self._folder: Path | None = None
        self._wanted: set[str] = set()
        self._running: set[str] = set()
        self._failed: set[str] = set()
        self.text = ""
        # What is asked for in one go (the grid of candidates) shares a pass.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._start)

    def ask(self, folder: Path, name: str) -> None:
        """Make a picture again, unless that has failed already. folder: of the project."""
        if name in self._running or name in self._failed:
            return
        self._folder = folder
        self._wanted.add(name)
        if not self._running:
            self._soon.start()
            self._set_text(f"{MAKING} …")

    def makes(self, name: str) -> bool:
        """Return whether a picture is being made again, or will be."""
        return name in self._running or name in self._wanted

    def cancel(self) -> None:
        """Stop: another sequence was selected, or another project."""
        self._workers.cancel(_LANE)
        self._soon.stop()
        self._wanted, self._running, self._failed = set(), set(), set()
        self._set_text("")

    def _start(self) -> None:
        folder, names = self._folder, frozenset(self._wanted)
        if folder is None or not names:
            return
        self._running, self._wanted = set(names), set()

        def stage() -> "Generator[Progress, None, dict[str, U8]]":
            from pipeline.project.analysis import read_pictures  # it loads numba

            with Project.again(folder) as own:
                return (yield from read_pictures(own, names))

        self._workers.run_stage(
            stage, self._come, self._fail, progress=self._follow, lane=_LANE, urgency=LATER
        )  # fmt: skip

    def _follow(self, step: Progress) -> None:
        share = f" ({stage_text(step.stage)}, {100 * step.done // step.total} %)" if step.total else ""
        self._set_text(f"{MAKING} …{share}")

    def _come(self, pictures: "dict[str, U8]") -> None:
        self._end()
        for name, picture in pictures.items():
            self.made.emit(name, picture)

    def _fail(self, error: Exception) -> None:
        names = sorted(self._running)
        self._failed |= self._running
        self._end()
        self.failed.emit(names[0], str(error))

    def _end(self) -> None:
        self._running = set()
        if self._wanted:
            self._soon.start()
        else:
            self._set_text("")

    def _set_text(self, text: str) -> None:
        if text != self.text:
            self.text = text
            self.moved.emit()
