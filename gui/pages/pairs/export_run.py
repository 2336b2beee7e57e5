"""Run an export: the command as a job, its progress, what it wrote, and its check."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from gui.command_buttons import in_window
from gui.design import GAP
from gui.jobs import Job, Jobs, State
from gui.widgets import WrappedLabel
from pipeline.text_format import counted, size_in_words
from rainclean.dataset import REPORT

if TYPE_CHECKING:
    from pipeline.export import Estimate


class ExportRun(QWidget):
    """Show button, progress and cancel; in `outcome`, what the last export wrote.

    Signals: `asked`: a person wants the export; the page answers with `start`. `ended`: an export or a check has ended.
    """

    asked = Signal()
    ended = Signal()

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self.job: Job | None = None
        self.written: Path | None = None
        self._refusal = ""
        self.button = QPushButton("Export")
        self.button.setToolTip("Write the data set in the background")
        self.button.setProperty("look", "main")
        self.refusal = WrappedLabel(name="Why nothing can be exported now", look="warn")
        self.bar = QProgressBar(maximum=1000, textVisible=False)
        self.bar.setAccessibleName("Progress of the export")
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop the export; prepared pairs are reused when it is started again")
        self.doing = WrappedLabel(name="What the export is doing")
        self.outcome = QWidget()
        self.result = WrappedLabel(name="What was exported")
        self.open_folder, self.check = QPushButton("Show in folder"), QPushButton("Check files")
        self.open_folder.setToolTip("Show the data set in the system's file manager")
        self.check.setToolTip("Read the export back and check its files, checksums, lists and split")
        self._lay_out()
        self.button.clicked.connect(self.asked)
        self.cancel.clicked.connect(self._cancel)
        self.open_folder.clicked.connect(self._open)
        self.check.clicked.connect(self._check)
        jobs.changed.connect(self._on_changed)
        jobs.finished.connect(self._on_finished)
        self._show()

    def refuse(self, reason: str) -> None:
        """Disable the export for this reason; "" enables it."""
        if reason != self._refusal:
            self._refusal = reason
            self._show()

    def start(self, arguments: Sequence[str], project: Path, folder: Path) -> None:
        """Put an export into the queue of jobs.

        Args:
            arguments: of the command, without `rainclean`.
            project: folder of the project.
            folder: that the export is written to.
        """
        self._forget()
        self._follow(Job(f"Export to {folder.name}", arguments, project), folder)
        assert self.job is not None
        self._jobs.start(self.job)
        self._show()

    def open(self, project: Path | None) -> None:
        """Show another project; an export of it that is running is followed."""
        self._forget()
        for job in self._jobs.unfinished():
            if job.kind == "export" and project is not None and job.project == project:
                self._follow(job, Path(job.arguments[job.arguments.index("-o") + 1]))
        self._show()

    def show_written(self, folder: Path) -> None:
        """Show what an earlier export has written, unless one is running."""
        if (self.job is not None and not self.job.is_over) or not (folder / REPORT).is_file():
            return
        if folder != self.written or not self.result.text():
            self._forget()
            self.written = folder
            self.result.setText(written_text(folder))
        self._show()

    def _follow(self, job: Job, folder: Path) -> None:
        self.job, self.written = job, folder

    def _forget(self) -> None:
        self.job = self.written = None
        self.result.set_look("")
        self.result.clear()

    def _on_changed(self, job: Job) -> None:
        if job is self.job:
            self._show()

    def _on_finished(self, job: Job) -> None:
        if job is not self.job:
            return
        if job.kind == "check":
            self.result.setText(f"{self.result.text()}\n{checked_text(job)}")
        elif job.state is State.FINISHED:
            self.result.setText(exported_text(job.result, self.written))
        elif job.state is State.FAILED:
            self.result.set_look("bad")
            self.result.setText(f"{in_window(job.error)}\n{job.advice}")
        else:
            self.result.setText("Cancelled. Prepared pairs are reused when the export is started again.")
        self._show()
        self.ended.emit()

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
            self.doing.setText(("Check: " if job.kind == "check" else "") + job.doing())
            self.cancel.setEnabled(not job.stopping)
        is_written = self.written is not None and (self.written / REPORT).is_file() and not under_way
        self.open_folder.setVisible(is_written)
        self.check.setVisible(is_written)
        self.outcome.setVisible(bool(self.result.text()))

    def _cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()

    def _open(self) -> None:
        if self.written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.written)))

    def _check(self) -> None:
        if self.written is not None:
            # A job of no project may run beside the jobs of this one.
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
        column = QVBoxLayout(self.outcome)
        column.setContentsMargins(0, GAP, 0, 0)
        column.addWidget(self.result)
        row = QHBoxLayout()
        row.addWidget(self.open_folder)
        row.addWidget(self.check)
        row.addStretch(1)
        column.addLayout(row)


def exported_text(result: Any, folder: Path | None) -> str:
    """Return what an export wrote, and its notes, from the command's own result."""
    pairs, scenes = result["pairs"], result["scenes"]
    parts = (
        f"{split} {counted(number, 'pair')} of {counted(scenes[split], 'scene')}" for split, number in pairs.items()
    )
    return "\n".join(
        [f"Exported to {folder}: {', '.join(parts)}", *(f"• {in_window(note)}" for note in result["notes"])]
    )


def written_text(folder: Path) -> str:
    """Return what is in the folder of an earlier export, from its own report."""
    try:
        report = json.loads((folder / REPORT).read_bytes())
        scenes = {split: len(names) for split, names in report["splits"].items()}
        return exported_text({**report, "scenes": scenes}, folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"Exported to {folder}"


def checked_text(job: Job) -> str:
    """Return the result of a check."""
    if job.state is State.FINISHED:
        from pipeline.export import sound_text

        added, edited, notes = ((job.result or {}).get(key, []) for key in ("added", "edited", "notes"))
        return "\n".join([f"Checked: {sound_text(added, edited, notes)}", *(f"• {note}" for note in notes)])
    if job.state is State.CANCELLED:
        return "Check cancelled"
    problems = (job.result or {}).get("problems", [])
    first = f"; first: {problems[0]['path']}: {problems[0]['text']}" if problems else ""
    return f"Checked: {job.error}{first}"


def estimate_text(estimate: "Estimate") -> str:
    """Return what an export would hold, one line per split."""

    most = "" if estimate.exact else "at most "
    lines = [
        f"{split}: {most}{counted(pairs, 'pair')} of {counted(estimate.sequences[split], 'sequence')} "
        f"in {counted(estimate.scenes[split], 'scene')}"
        for split, pairs in estimate.pairs.items()
    ]
    size = f"Size: {most}about {size_in_words(estimate.bytes)}"
    return "\n".join(["Estimate", *lines, size, *(f"• {in_window(note)}" for note in estimate.empty)])
