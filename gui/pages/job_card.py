"""The card of one job: what it does and for how long, what it has done and where, or why it failed."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.command_buttons import in_window
from gui.design import GAP, ICON, PAD, icon, sized
from gui.jobs import MOST_FAILED, Job, Jobs, State, failed_parts, finished_text, outcome_of
from gui.widgets import ElidedLabel, Label, WrappedLabel

_STATES = {
    State.QUEUED: ("Waiting", "faint", "pause"),
    State.RUNNING: ("Running", "faint", "play"),
    State.FINISHED: ("Finished", "good", "accept"),
    State.FAILED: ("Failed", "bad", "warning"),
    State.CANCELLED: ("Cancelled", "warn", "stop"),
}
"""State → its word, its look, its icon."""

_PAGES = {
    "desk": ("Open the desk", "Show the sequences"),
    "pairs": ("Open pairs", "Show the pairs of this project"),
    "training": ("Open training", "Show its curves and validation images"),
    "results": ("Open results", "Show the scores and the worst pairs"),
}
"""Page that shows the result → text and tooltip of its button."""

WAITING = "Starts when the jobs before it have ended."


class JobCard(QFrame):
    """A card with one job: state, progress, result, log, buttons.

    Signal `opened`: a person wants to see the result: the name of its page.
    """

    opened = Signal(str)

    def __init__(self, job: Job, jobs: Jobs) -> None:
        super().__init__()
        self.job = job
        self._logged = 0
        self.setProperty("look", "card")
        self._icon, self._state = Label(), Label()
        self._title = ElidedLabel(job.title)
        self._title.setFont(sized("body", bold=True))
        self._shown_state: State | None = None
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(f"Progress of {job.title}")
        self.doing = WrappedLabel(name=f"What {job.title} is doing")
        self.result = WrappedLabel(name=f"What {job.title} has done")
        self.reason = WrappedLabel(name=f"Why {job.title} failed")
        self.stop = _button("Cancel", job.cancel, "Stop at the next checkpoint; click again to end the job at once")
        resumable = job.kind == "train"
        tip = "Resume from the last checkpoint" if resumable else "Start the same job again"
        self.again = _button("Resume" if resumable else "Try again", lambda: jobs.again(job), tip)
        self.show_folder = _button("Show in folder", self._show_in_folder, "Show it in the system's file manager")
        self.open = _button("Open", self._open, "Show the result")
        self.show_log = _button("Show log", self._toggle, "Show the command line and its output")
        self.show_log.setCheckable(True)
        self._details = self._make_details()
        self._lay_out()
        self.refresh()

    def refresh(self) -> None:
        """Update the card from the job."""
        job = self.job
        if job.state is not self._shown_state:
            self._shown_state = job.state
            self._show_state()
        known = job.fraction is not None and job.state is not State.QUEUED
        self.bar.setRange(0, 1000 if known else 0)
        if known:
            self.bar.setValue(round(1000 * (job.fraction or 0.0)))
        self.doing.setText(job.doing() if job.state is State.RUNNING else WAITING)
        self.stop.setText("End now" if job.stopping else "Cancel")
        if job.state is State.FAILED:
            self.reason.setText(_reason(job))
        if self._details.isVisible():
            self._fill_log()

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon in the colours of another scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._shown_state is not None:
            self._icon.setPixmap(icon(_STATES[self._shown_state][2]).pixmap(ICON, ICON))

    def _show_state(self) -> None:
        job = self.job
        text, look, drawing = _STATES[job.state]
        self._state.setText(text)
        self._state.setProperty("look", look)
        self._state.style().unpolish(self._state)
        self._state.style().polish(self._state)
        self._icon.setPixmap(icon(drawing).pixmap(ICON, ICON))
        self.stop.setVisible(not job.is_over)
        self.again.setVisible(job.state in (State.FAILED, State.CANCELLED))
        self.bar.setVisible(job.state is State.RUNNING)
        self.doing.setVisible(not job.is_over)
        self.reason.setVisible(job.state is State.FAILED)
        is_finished = job.state is State.FINISHED
        outcome = outcome_of(job.arguments, job.result)
        self.result.setText(finished_text(job.arguments, job.result, job.seconds) if is_finished else "")
        self.result.setVisible(is_finished)
        self.show_folder.setVisible(is_finished and outcome.place is not None)
        self.open.setVisible(is_finished and bool(outcome.page))
        if outcome.page:
            page_text, tip = _PAGES[outcome.page]
            self.open.setText(page_text)
            self.open.setToolTip(tip)

    def _show_in_folder(self) -> None:
        place = outcome_of(self.job.arguments, self.job.result).place
        if place is not None:
            folder = place if place.is_dir() else place.parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _open(self) -> None:
        self.opened.emit(outcome_of(self.job.arguments, self.job.result).page)

    def _make_details(self) -> QWidget:
        self.command = QLineEdit(self.job.command)
        self.command.setReadOnly(True)
        self.command.setCursorPosition(0)
        self.command.setAccessibleName("Command line")
        self.command.setToolTip("The command line that does the same in a terminal")
        self.command.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setTabChangesFocus(True)
        self.log.setAccessibleName("Log")
        self.log.setPlaceholderText("No output yet.")
        self.log.setFixedHeight(self.fontMetrics().lineSpacing() * 9)
        self.log.setMaximumBlockCount(self.job.log.maxlen or 0)
        clipboard = QGuiApplication.clipboard
        copy_command = _button(
            "Copy command", lambda: clipboard().setText(self.job.command), "Copy the command line to the clipboard"
        )
        copy_log = _button(
            "Copy log", lambda: clipboard().setText("\n".join(self.job.log)), "Copy the log to the clipboard"
        )
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(copy_command)
        buttons.addWidget(copy_log)
        details = QWidget()
        column = QVBoxLayout(details)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.command)
        column.addWidget(self.log)
        column.addLayout(buttons)
        details.hide()
        return details

    def _lay_out(self) -> None:
        top, bottom, column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        column.setContentsMargins(PAD, GAP, PAD, GAP)
        column.setSpacing(GAP)
        top.addWidget(self._icon)
        top.addWidget(self._title, 1)
        top.addWidget(self._state)
        bottom.addStretch(1)
        for button in (self.show_log, self.show_folder, self.open, self.again, self.stop):
            bottom.addWidget(button)
        column.addLayout(top)
        for widget in (self.bar, self.doing, self.result, self.reason):
            column.addWidget(widget)
        column.addLayout(bottom)
        column.addWidget(self._details)

    def _toggle(self) -> None:
        shown = self.show_log.isChecked()
        self.show_log.setText("Hide log" if shown else "Show log")
        self._details.setVisible(shown)
        if shown:
            self._fill_log()

    def _fill_log(self) -> None:
        """Append new lines without moving the person's position or selection."""
        new = self.job.logged - self._logged
        if new:
            self._logged = self.job.logged
            lines = list(self.job.log)[-new:]
            self.log.appendPlainText("\n".join(lines))


def _reason(job: Job) -> str:
    """Return why a job failed, for which files, and what to do."""
    failed = [in_window(line) for line in failed_parts(job.log)]
    lines = [in_window(job.error), *(f"• {line}" for line in failed[:MOST_FAILED])]
    if len(failed) > MOST_FAILED:
        lines.append(f"• and {len(failed) - MOST_FAILED} more, which the log names")
    advice = "Replace these files, then try again." if failed and job.kind == "add" else job.advice
    return "\n".join(filter(None, (*lines, advice)))


def _button(text: str, pressed: Callable[[], object], tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    button.clicked.connect(lambda: pressed())
    return button
