"""What the start page offers where a project cannot be opened: the newest backup in the place of its store."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from gui.widgets import Label, named
from gui.workers import Workers
from pipeline.project.recovery import Offer, Restored, offer, restore, salvaged_text
from pipeline.project.storage import local_time
from pipeline.stages import Progress
from pipeline.words import counted
from rainclean.errors import RaincleanError

_LANE = "restore"

_DOING = {
    "look": "looking at the store and its backups",
    "read": "reading what is left",
    "salvage": "adding what is left",
}


class RestoreOffer(QFrame):
    """Hidden until `look` finds something to restore.

    restored: a project can be opened again. complained: a line on what could not be done; told: on what was.
    """

    restored = Signal(Path)
    complained = Signal(str)
    told = Signal(str)

    def __init__(self, workers: Workers) -> None:
        super().__init__(frameShape=QFrame.Shape.StyledPanel)
        self._workers = workers
        self._folder = Path()
        self.reason, self.words = Label(wordWrap=True), Label(wordWrap=True)
        font = self.reason.font()
        font.setBold(True)
        self.reason.setFont(font)
        self.button = named(
            QPushButton("Restore"), "Restore the project", "Puts the backup in the place of the store, which is kept"
        )
        self.as_it_is = named(
            QPushButton("Go on with the older store"),
            "Go on with the older store",
            "It was put there on purpose: what came later is given up",
        )
        self.cancel = named(QPushButton("Cancel"), "Cancel restoring", "Leaves everything as it was")
        self.button.clicked.connect(partial(self._restore, False))
        self.as_it_is.clicked.connect(partial(self._restore, True))
        self.cancel.clicked.connect(self._cancel)
        buttons = QHBoxLayout()
        for button in (self.button, self.as_it_is, self.cancel):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.reason)
        layout.addWidget(self.words)
        layout.addLayout(buttons)
        self.hide()

    def look(self, folder: Path) -> None:
        """Find out, beside the window, whether a project that could not be opened can be restored."""
        self.hide()
        self._folder = folder
        self._workers.run_stage(partial(offer, folder), self._show, self._not_told, lane=_LANE)

    def forget(self) -> None:
        """Offer nothing any more."""
        self._workers.cancel(_LANE)
        self.hide()

    def _show(self, found: Offer) -> None:
        if found.state == "sound":
            return  # something else keeps it from being opened
        name = found.folder.name
        self.reason.setText(f"{name} cannot be opened: {found.reason}.")
        if found.chosen is not None and found.chosen.contents is not None:
            there = found.chosen.contents
            holds = f"{counted(there.decisions, 'decision')} on {counted(there.sequences, 'sequence')}"
            words = f"The newest sound backup is of {local_time(found.chosen.backup.at)}, with {holds}. "
            words += "What can still be read of the store is added." if found.state == "damaged" else ""
        else:
            words = "There is no sound backup. A new store is made of what can still be read of this one."
        self.words.setText(f"{words.strip()} The store as it is is kept in the folder backups.")
        self.as_it_is.setVisible(found.state == "older")
        self._let(True)
        self.show()

    def _restore(self, as_it_is: bool) -> None:
        self._let(False)
        self._workers.run_stage(
            partial(restore, self._folder, as_it_is=as_it_is),
            self._done, self._failed, progress=self._show_progress, lane=_LANE,
        )  # fmt: skip

    def _cancel(self) -> None:
        self._workers.cancel(_LANE)
        self.look(self._folder)

    def _show_progress(self, step: Progress) -> None:
        share = f" {step.done / step.total:.0%}" if step.total else ""
        self.words.setText(f"Restoring: {_DOING.get(step.stage, step.stage)}{share}")

    def _done(self, result: Restored) -> None:
        self.hide()
        more = f", {salvaged_text(result.salvaged)} added" if salvaged_text(result.salvaged) else ""
        notes = "".join(f"; {note}" for note in (*result.salvaged.notes, *result.notes))
        self.restored.emit(self._folder)
        self.told.emit(f"restored: {counted(result.decisions, 'decision')}{more}{notes}")

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, RaincleanError):
            raise error
        self._let(True)
        self.words.setText(str(error))
        self.complained.emit(str(error))

    def _not_told(self, error: Exception) -> None:
        if not isinstance(error, RaincleanError):
            raise error  # that it is no project was said already

    def _let(self, begin: bool) -> None:
        """Either it can be begun, or cancelled."""
        self.button.setEnabled(begin)
        self.as_it_is.setEnabled(begin)
        self.cancel.setVisible(not begin)
