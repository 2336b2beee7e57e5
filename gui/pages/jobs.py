"""The page of jobs: what each is doing, how long it will take, what to do after a failure."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from gui.command_buttons import in_window
from gui.jobs import Job, Jobs, State
from gui.widgets import Label

EMPTY = (
    "No jobs yet. Adding clips, analysing, exporting, training and evaluating run here, "
    "each in a process of its own. You can go on working meanwhile."
)

_STATES = {
    State.QUEUED: "Waiting",
    State.RUNNING: "Running",
    State.FINISHED: "Finished",
    State.FAILED: "Failed",
    State.CANCELLED: "Stopped",
}
_ICONS = {
    State.FINISHED: QStyle.StandardPixmap.SP_DialogApplyButton,
    State.FAILED: QStyle.StandardPixmap.SP_MessageBoxWarning,
}


class JobsPanel(QWidget):
    """All jobs, the newest first. The state is in `Jobs`."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._cards: dict[Job, JobCard] = {}
        self._empty = Label(EMPTY)
        self._empty.setWordWrap(True)
        self._empty.setMargin(12)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._clear = _button("Clear list", self._remove_all, "Remove finished jobs from this list")
        body = QWidget()
        self._column = QVBoxLayout(body)
        self._column.addWidget(self._empty)
        self._column.addStretch(1)
        area = self._area = QScrollArea()
        area.setAccessibleName("Jobs, the newest first")
        area.setWidget(body)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area, 1)
        layout.addWidget(self._clear, 0, Qt.AlignmentFlag.AlignRight)
        jobs.added.connect(self._add)
        jobs.changed.connect(self._refresh)
        jobs.removed.connect(self._remove)
        # The time left changes even without news from a job.
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._refresh_running)
        self._clock.start()
        for job in jobs.all:
            self._add(job)
        self._update_empty()

    def card(self, job: Job) -> "JobCard":
        """Return the card of a job."""
        return self._cards[job]

    def _add(self, job: Job) -> None:
        card = self._cards[job] = JobCard(job, self._jobs)
        self._column.insertWidget(0, card)
        self._order_focus()
        self._update_empty()

    def _order_focus(self) -> None:
        """Let Tab go through the cards as they are shown, and then to the button below them."""
        before: QWidget = self._area
        parts = [part for card in reversed(self._cards.values()) for part in card.findChildren(QWidget)]
        for widget in (*parts, self._clear):
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                QWidget.setTabOrder(before, widget)
                before = widget

    def _refresh(self, job: Job) -> None:
        if job in self._cards:
            self._cards[job].refresh()
            self._update_empty()

    def _refresh_running(self) -> None:
        for job in self._jobs.running():
            self._refresh(job)

    def _remove(self, job: Job) -> None:
        card = self._cards.pop(job, None)
        if card is not None:
            self._column.removeWidget(card)
            card.deleteLater()
        self._update_empty()

    def _remove_all(self) -> None:
        for job in self._jobs.all:
            self._jobs.remove(job)

    def _update_empty(self) -> None:
        self._empty.setVisible(not self._cards)
        self._clear.setVisible(any(job.is_over for job in self._cards))


class JobCard(QFrame):
    """A card with one job: state, progress, log, buttons."""

    def __init__(self, job: Job, jobs: Jobs) -> None:
        super().__init__()
        self.job = job
        self._logged = 0
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._icon, self._title, self._state = Label(), Label(job.title), Label()
        self._shown_state: State | None = None
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._title.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(f"Progress of {job.title}")
        self.doing = _wrapped_label()
        self.reason = _wrapped_label()
        self.reason.setTextFormat(Qt.TextFormat.PlainText)
        self.stop = _button("Stop", job.cancel, "Stop at the next checkpoint; click again to end the job at once")
        resumable = job.kind == "train"
        text = "Resume" if resumable else "Try again"
        tip = "Resume from the last checkpoint" if resumable else "Start the same job again"
        self.again = _button(text, lambda: jobs.again(job), tip)
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
            self._state.setText(_STATES[job.state])
            icon, side = _ICONS.get(job.state), self.fontMetrics().height()
            self._icon.setVisible(icon is not None)
            if icon is not None:
                self._icon.setPixmap(self.style().standardIcon(icon).pixmap(side, side))
            self.stop.setVisible(not job.is_over)
            self.again.setVisible(job.state in (State.FAILED, State.CANCELLED))
            self.bar.setVisible(job.state is State.RUNNING)
            self.doing.setVisible(job.state is State.RUNNING)
            self.reason.setVisible(job.state is State.FAILED)
        known = job.fraction is not None and job.state is not State.QUEUED
        self.bar.setRange(0, 1000 if known else 0)
        if known:
            self.bar.setValue(round(1000 * (job.fraction or 0.0)))
        self.doing.setText(job.doing())
        self.stop.setText("End now" if job.stopping else "Stop")
        if job.state is State.FAILED:
            self.reason.setText(f"{in_window(job.error)}\n{job.advice}".strip())
        if self._details.isVisible():
            self._fill_log()

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
        top.addWidget(self._icon)
        top.addWidget(self._title, 1)
        top.addWidget(self._state)
        bottom.addStretch(1)
        for button in (self.show_log, self.again, self.stop):
            bottom.addWidget(button)
        column.addLayout(top)
        for widget in (self.bar, self.doing, self.reason):
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


def _wrapped_label() -> Label:
    label = Label()
    label.setWordWrap(True)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _button(text: str, pressed: Callable[[], object], tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    button.clicked.connect(lambda: pressed())
    return button
