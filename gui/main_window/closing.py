"""The question before the window closes while jobs run: keep them running, stop them, or stay."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from gui.jobs import Job, State
from pipeline.text_format import counted, few

Answer = Literal["keep", "stop", "cancel"]


def ask(parent: QWidget, unfinished: Sequence[Job]) -> Answer:
    """Ask what becomes of jobs that are not over. Keeping them is the default, where they can go on."""
    kept = [job for job in unfinished if job.can_be_kept]
    box = QMessageBox(
        QMessageBox.Icon.Question, "Jobs are running", text(unfinished), QMessageBox.StandardButton.NoButton, parent
    )
    box.setTextFormat(Qt.TextFormat.PlainText)  # file names are in it
    box.setInformativeText(details(unfinished))
    keep = box.addButton("Keep running", QMessageBox.ButtonRole.AcceptRole) if kept else None
    stop = box.addButton("Stop and quit", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
    if keep is not None:
        keep.setProperty("look", "main")
        box.style().unpolish(keep)  # it was polished when it was added
        box.style().polish(keep)
    box.setDefaultButton(keep or cancel)
    box.setEscapeButton(cancel)
    try:
        box.exec()
        clicked = box.clickedButton()
    finally:
        box.deleteLater()
    return "keep" if keep is not None and clicked is keep else "stop" if clicked is stop else "cancel"


def text(unfinished: Sequence[Job]) -> str:
    """Return what runs."""
    return f"Still running: {few([job.title for job in unfinished], 3)}."


def details(unfinished: Sequence[Job]) -> str:
    """Return what each answer does, and what cannot go on."""
    kept = [job for job in unfinished if job.can_be_kept]
    waiting = [job for job in unfinished if job.state is State.QUEUED]
    others = [job for job in unfinished if job not in kept and job not in waiting]
    parts = []
    if kept:
        what = "It goes on" if len(kept) == 1 else "They go on"
        parts.append(f"Keep running: {what} without the window. Open rainclean again to see the progress.")
        if waiting:
            parts.append(f"{counted(len(waiting), 'waiting job')} will be cancelled.")
    elif others:
        parts.append("Jobs cannot go on without the window on this system.")
    parts.append("Stop and quit: finished work is kept, and can be resumed later.")
    return "\n".join(parts)


def jobs_folder(settings: QSettings) -> Path | None:
    """Return the folder in which a later window finds the jobs of this one; None where settings are no file."""
    place = Path(settings.fileName())
    return place.with_name(f"{place.stem}-jobs") if place.is_absolute() and place.parent.name else None
