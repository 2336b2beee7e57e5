"""The export itself: the command as a job, how far it is, what it wrote, and its check."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from gui.jobs import Job, Jobs, State
from gui.widgets import Label
from pipeline.words import counted

if TYPE_CHECKING:
    from pipeline.export import Estimate


class ExportRun(QWidget):
    """Button, progress, cancel, result. asked: a person wants the export; the page answers with `start`."""

    asked = Signal()

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self.job: Job | None = None
        self.written: Path | None = None
        self._refusal = ""
        self.button = QPushButton("Export")
        self.button.setToolTip("Writes the data set; the window stays free meanwhile")
        self.refusal = Label(wordWrap=True)
        self.bar = QProgressBar(maximum=1000, textVisible=False)
        self.bar.setAccessibleName("Progress of the export")
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop; what is prepared is used when it is started again")
        self.doing = Label(wordWrap=True)
        self.result = Label(wordWrap=True, textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse)
        self.result.setAccessibleName("What was exported")
        self.open_folder, self.check = QPushButton("Open folder"), QPushButton("Check it")
        self.open_folder.setToolTip("Shows the data set in the system's file manager")
        self.check.setToolTip("Reads everything back: files, check sums, lists, split")
        self._lay_out()
        self.button.clicked.connect(self.asked)
        self.cancel.clicked.connect(self._cancel)
        self.open_folder.clicked.connect(self._open)
        self.check.clicked.connect(self._check)
        jobs.changed.connect(self._on_changed)
        jobs.finished.connect(self._on_finished)
        self._show()

    def refuse(self, why: str) -> None:
        """Say why there can be no export now; "" where there can."""
        if why != self._refusal:
            self._refusal = why
            self._show()

    def start(self, words: Sequence[str], project: Path, folder: Path) -> None:
        """Put the export into the queue."""
        self._forget()
        self._follow(Job(f"Export to {folder.name}", words, project), folder)
        assert self.job is not None
        self._jobs.start(self.job)
        self._show()

    def open(self, project: Path | None) -> None:
        """Another project: follow an export of it that is under way."""
        self._forget()
        for job in self._jobs.unfinished():
            if job.kind == "export" and project is not None and job.project == project:
                self._follow(job, Path(job.arguments[job.arguments.index("-o") + 1]))
        self._show()

    def _follow(self, job: Job, folder: Path) -> None:
        self.job, self.written = job, folder

    def _forget(self) -> None:
        self.job = self.written = None
        self.result.clear()

    def _on_changed(self, job: Job) -> None:
        if job is self.job:
            self._show()

    def _on_finished(self, job: Job) -> None:
        if job is not self.job:
            return
        if job.kind == "check":
            self.result.setText(f"{self.result.text()}\n{checked_words(job)}")
        elif job.state is State.FINISHED:
            self.result.setText(exported_words(job.result, self.written))
        elif job.state is State.FAILED:
            self.result.setText(f"{job.error}\n{job.advice}")
        else:
            self.result.setText("cancelled; what was prepared is used when it is started again")
        self._show()

    def _show(self) -> None:
        job = self.job
        under_way = job is not None and not job.is_over
        self.button.setEnabled(not under_way and not self._refusal)
        self.refusal.setText(self._refusal)
        self.refusal.setVisible(bool(self._refusal) and not under_way)
        for widget in (self.bar, self.cancel, self.doing):
            widget.setVisible(under_way)
        if job is not None and under_way:
            self.bar.setRange(0, 1000 if job.fraction is not None else 0)
            self.bar.setValue(round(1000 * (job.fraction or 0)))
            self.doing.setText(("check: " if job.kind == "check" else "") + job.doing())
            self.cancel.setEnabled(not job.stopping)
        there = self.written is not None and (self.written / "export.json").is_file() and not under_way
        self.open_folder.setVisible(there)
        self.check.setVisible(there)
        self.result.setVisible(bool(self.result.text()))

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    def _open(self) -> None:
        if self.written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.written)))

    def _check(self) -> None:
        if self.written is not None:
            # Of no project: it may run beside whatever else is done to this one.
            self.job = Job(f"Check {self.written.name}", ["check", str(self.written)])
            self._jobs.start(self.job)
            self._show()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.button)
        column.addWidget(self.refusal)
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        column.addLayout(row)
        column.addWidget(self.doing)
        column.addWidget(self.result)
        row = QHBoxLayout()
        row.addWidget(self.open_folder)
        row.addWidget(self.check)
        row.addStretch(1)
        column.addLayout(row)


def exported_words(result: Any, folder: Path | None) -> str:
    """What an export wrote, and what a person should know, from the command's own result."""
    pairs, scenes = result["pairs"], result["scenes"]
    parts = (
        f"{split} {counted(number, 'pair')} of {counted(scenes[split], 'scene')}" for split, number in pairs.items()
    )
    return "\n".join([f"written to {folder}: {', '.join(parts)}", *(f"• {note}" for note in result["notes"])])


def checked_words(job: Job) -> str:
    """What a check found."""
    if job.state is State.FINISHED:
        notes = (job.result or {}).get("notes", [])
        words = "nothing wrong with the files, but:" if notes else "nothing wrong"
        return "\n".join([f"checked: {words}", *(f"• {note}" for note in notes)])
    if job.state is State.CANCELLED:
        return "the check was cancelled"
    problems = (job.result or {}).get("problems", [])
    first = f"; first: {problems[0]['path']}: {problems[0]['text']}" if problems else ""
    return f"checked: {job.error}{first}"


def estimate_text(found: "Estimate") -> str:
    """What an export would hold, a line a split."""
    from pipeline.export import size_in_words

    most = "" if found.exact else "at most "
    lines = [
        f"{split}: {most}{counted(pairs, 'pair')} of {counted(found.sequences[split], 'sequence')} "
        f"in {counted(found.scenes[split], 'scene')}"
        for split, pairs in found.pairs.items()
    ]
    return "\n".join(["Estimate", *lines, f"{most}about {size_in_words(found.bytes)}"])
