"""The offer to restore a project that cannot be opened: its store is replaced with the newest backup."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from gui.widgets import Label, named
from gui.workers import Workers
from pipeline.project.recovery import Offer, Restored, offer, restore, salvaged_text
from pipeline.project.storage import local_time
from pipeline.stages import Progress
from pipeline.text_format import counted
from rainclean.errors import RaincleanError
from rainclean.number_text import percent

_LANE = "restore"

_DOING = {
    "look": "checking the store and its backups",
    "read": "reading the damaged store",
    "salvage": "adding what is still readable",
}


class RestoreOffer(QFrame):
    """A frame that is hidden until `look` finds something to restore.

    Signals: `restored` with the folder of a project that can be opened again; `warning` with a line on what could not
    be done; `message` with a line on what was done.
    """

    restored = Signal(Path)
    warning = Signal(str)
    message = Signal(str)

    def __init__(self, workers: Workers) -> None:
        super().__init__(frameShape=QFrame.Shape.StyledPanel)
        self._workers = workers
        self._folder = Path()
        self.reason, self.explanation = Label(wordWrap=True), Label(wordWrap=True)
        font = self.reason.font()
        font.setBold(True)
        self.reason.setFont(font)
        self.button = named(
            QPushButton("Restore"), "Restore the project", "Replace the store by the backup and keep the old store"
        )
        self.as_it_is = named(
            QPushButton("Use the older store"),
            "Use the older store",
            "Open the older store unchanged; later decisions are lost",
        )
        self.cancel = named(QPushButton("Cancel"), "Cancel restoring", "Leave everything unchanged")
        self.button.clicked.connect(lambda: self._restore(as_it_is=False))
        self.as_it_is.clicked.connect(lambda: self._restore(as_it_is=True))
        self.cancel.clicked.connect(self._cancel)
        buttons = QHBoxLayout()
        for button in (self.button, self.as_it_is, self.cancel):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.reason)
        layout.addWidget(self.explanation)
        layout.addLayout(buttons)
        self.hide()

    def look(self, folder: Path) -> None:
        """Check in a thread whether a project that could not be opened can be restored."""
        self.hide()
        self._folder = folder
        self._workers.run_stage(partial(offer, folder), self._show, self._look_failed, lane=_LANE)

    def forget(self) -> None:
        """Withdraw the offer."""
        self._workers.cancel(_LANE)
        self.hide()

    def _show(self, offered: Offer) -> None:
        if offered.state == "sound":
            return  # it cannot be opened for another reason
        name = offered.folder.name
        self.reason.setText(f"{name} cannot be opened: {offered.reason}.")
        if offered.chosen is not None and offered.chosen.contents is not None:
            contents = offered.chosen.contents
            holds = f"{counted(contents.decisions, 'decision')} on {counted(contents.sequences, 'sequence')}"
            text = f"The newest intact backup was made on {local_time(offered.chosen.backup.at)}. It has {holds}. "
            text += (
                "Restoring adds everything that is still readable in the damaged store. "
                if offered.state == "damaged"
                else ""
            )
        else:
            text = "There is no intact backup. Restoring makes a new store from what is still readable in this one. "
        self.explanation.setText(f"{text}The old store stays in the folder “backups”.")
        self.as_it_is.setVisible(offered.state == "older")
        self._set_idle(True)
        self.show()

    def _restore(self, *, as_it_is: bool) -> None:
        self._set_idle(False)
        self._workers.run_stage(
            partial(restore, self._folder, as_it_is=as_it_is),
            self._done, self._failed, progress=self._show_progress, lane=_LANE,
        )  # fmt: skip

    def _cancel(self) -> None:
        self._workers.cancel(_LANE)
        self.look(self._folder)

    def _show_progress(self, step: Progress) -> None:
        share = f" {percent(step.done / step.total)}" if step.total else ""
        self.explanation.setText(f"Restoring: {_DOING.get(step.stage, step.stage)}{share}")

    def _done(self, result: Restored) -> None:
        self.hide()
        more = f", {salvaged_text(result.salvaged)} added" if salvaged_text(result.salvaged) else ""
        notes = "".join(f"; {note}" for note in (*result.salvaged.notes, *result.notes))
        self.restored.emit(self._folder)
        self.message.emit(f"Restored: {counted(result.decisions, 'decision')}{more}{notes}")

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, RaincleanError):
            raise error
        self._set_idle(True)
        self.explanation.setText(str(error))
        self.warning.emit(str(error))

    def _look_failed(self, error: Exception) -> None:
        if not isinstance(error, RaincleanError):
            raise error  # the window has shown already that it is no project

    def _set_idle(self, idle: bool) -> None:
        """Enable the buttons to begin, or the one to cancel."""
        self.button.setEnabled(idle)
        self.as_it_is.setEnabled(idle)
        self.cancel.setVisible(not idle)
