"""Training from the window: the form, and a run with its curves, pictures, time left, pause and going on."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from gui.jobs import Job, Jobs, State, left_in_words, run_of
from gui.pages.training.form import TrainingForm, TrainRequest
from gui.pages.training.run_picture import RunPicture
from gui.pages.training.run_watch import RunWatch
from gui.widgets import Label, as_tip, dialogs
from rainclean.errors import InputError

EMPTY = "No run is shown. Start a training, or open the folder of one; also one that was started on a terminal."

_FRESH = 120.0
"""Seconds without news after which a run of another process is taken to be over."""


class TrainingPanel(QWidget):
    """Begins trainings as jobs and follows the run of one. project: gives the folder of the open project, or None."""

    def __init__(
        self, jobs: Jobs, project: Callable[[], Path | None] = lambda: None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._jobs, self._project = jobs, project
        self._folder: Path | None = None
        self._run: RunWatch | None = None
        self._picture: tuple[Path, int] | None = None
        self._problem = ""
        self.form = TrainingForm(project)
        self.form.begin.connect(self.begin)
        self.title = Label()
        self.status = Label(EMPTY)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the training")
        self.pictures = RunPicture()
        self.view = QWidget()
        self.open_button = _button("Open run…", self._choose, "Show the run of a folder, and follow it")
        self.pause = _button("Pause", self._pause, "Stop after the current step and keep what was reached")
        self.go_on = _button("Go on", self._go_on, "Go on from the last checkpoint, as if it had never stopped")
        self._curves_place = QVBoxLayout()
        self._lay_out()
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self.refresh)
        jobs.changed.connect(self._on_job)
        self._tell()

    @property
    def folder(self) -> Path | None:
        """The run that is shown."""
        return self._folder

    @property
    def run(self) -> RunWatch | None:
        """What is known of it; None before it has begun."""
        return self._run

    def set_dataset(self, folder: Path) -> None:
        """Fill in the data set: an export that was just made."""
        self.form.dataset.set_path(folder)

    def begin(self, request: TrainRequest) -> Job:
        """Start a training and show its run."""
        assert request.dataset is not None and request.run is not None
        job = Job(f"Train SPANet on {request.dataset.name}", request.words(), self._project())
        self._show(request.run)
        self.form.hold(request.run)
        job.finished.connect(lambda: self.form.hold(None))
        self._jobs.start(job)
        return job

    def open_run(self, folder: Path) -> None:
        """Show the run of a folder; where it is none, say so."""
        self._show(folder.absolute())
        if self._run is None and self._job() is None:
            try:
                RunWatch(folder)
            except InputError as error:
                self._problem = str(error)
        self._tell()

    def refresh(self) -> None:
        """Read what is new."""
        if self._folder is None:
            return
        if self._run is None:
            try:
                self._run = RunWatch(self._folder)
            except InputError:
                self._tell()  # not begun yet
                return
        if self._run.poll():
            self._draw()
        picture = self._run.picture()
        if picture is not None and picture != self._picture:
            self._picture = picture
            self.pictures.show_file(picture[0])
        self._tell()

    def showEvent(self, event: QShowEvent) -> None:
        """Follow the run while somebody looks."""
        super().showEvent(event)
        if self._curves_place.isEmpty():
            from gui.pages.training.curves import Curves

            self.curves = Curves()
            self._curves_place.addWidget(self.curves)
        self._clock.start()
        self.form.refresh()
        self.refresh()
        self._draw()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._clock.stop()

    def _show(self, folder: Path) -> None:
        if folder != self._folder:
            self._folder, self._run, self._picture = folder, None, None
            self.pictures.show_file(None)
            self._draw()
        self._problem = ""
        self.refresh()

    def _draw(self) -> None:
        if not self._curves_place.isEmpty():
            self.curves.show_run(self._run)

    def _job(self) -> Job | None:
        """The latest job of the run that is shown."""
        mine = (job for job in reversed(self._jobs.all) if run_of(job.arguments) == self._folder)
        return next(mine, None) if self._folder is not None else None

    def _on_job(self, job: Job) -> None:
        if job is self._job():
            if job.is_over:
                self.refresh()
            self._tell()

    def _pause(self) -> None:
        job = self._job()
        if job is not None:
            job.cancel()

    def _go_on(self) -> None:
        job = self._job()
        if job is not None and job.is_over:
            self._jobs.again(job)
        elif job is None and self._folder is not None:
            words = ("train", "--resume", str(self._folder))
            self._jobs.start(Job(f"Train SPANet: {self._folder.name}", words, self._project()))
        self._tell()

    def _choose(self) -> None:
        start = self._folder or self._project()
        for folder in dialogs.choose(self, "Open run", "folder", start):
            self.open_run(folder)

    def _tell(self) -> None:
        """Bring title, bar, words and buttons to where things are."""
        job, run = self._job(), self._run
        going = job is not None and not job.is_over
        self.title.setText(self._folder.name if self._folder is not None else "")
        self.title.setToolTip(as_tip(str(self._folder or "")))
        self.title.setVisible(self._folder is not None)
        self.bar.setVisible(going or run is not None)
        self.view.setVisible(self._folder is not None and not self._problem)
        steps, step = (run.steps, self._step(job, run)) if run is not None else (0, 0)
        self.bar.setRange(0, steps)
        self.bar.setValue(step)
        self.pause.setVisible(going)
        self.pause.setText("End now" if job is not None and job.stopping else "Pause")
        finished = run is not None and run.is_finished
        failed = job is not None and job.state in (State.FAILED, State.CANCELLED)
        self.go_on.setVisible(not going and not finished and (run is not None or failed))
        self.go_on.setText("Go on" if run is not None else "Try again")
        self.status.setText(self._status(job, run, step))

    def _status(self, job: Job | None, run: RunWatch | None, step: int) -> str:
        if self._problem or self._folder is None:
            return self._problem or EMPTY
        where = f"step {step} of {run.steps}" if run is not None else "before the first step"
        if job is not None and job.state is State.FAILED:
            return f"{where.capitalize()}: {job.error}\n{job.advice}"
        if job is not None and not job.is_over:
            if job.stopping:
                return f"Stopping at {where}; the step is finished and kept"
            if job.state is State.QUEUED:
                return "Waits for its turn: another training is going on"
            return self._words(f"{where.capitalize()}" if run is not None else _beginning(job), job.seconds_left)
        if run is None:
            return "It was stopped before the first step."
        if run.is_finished:
            return f"Finished: {run.steps} steps{_best(run)}"
        since = run.seconds_since()
        if job is None and since is not None and since < _FRESH:
            words = f"{where.capitalize()}, last written {since:.0f} s ago, by another process or one that has ended"
            return self._words(words, run.seconds_left())
        return f"Paused at {where}{_best(run)}"

    @staticmethod
    def _words(text: str, left: float | None) -> str:
        return text if left is None else f"{text}, {left_in_words(left)}"

    @staticmethod
    def _step(job: Job | None, run: RunWatch) -> int:
        # Rows come every few steps; a run that was paused has kept the very last one.
        told = job is not None and job.state in (State.RUNNING, State.CANCELLED)
        step = job.progress if job is not None and told else None
        return step.done if step is not None and step.stage == "train" else run.step

    def _lay_out(self) -> None:
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        left = QScrollArea()
        left.setWidget(self.form)
        left.setWidgetResizable(True)
        left.setFrameShape(QFrame.Shape.NoFrame)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addStretch(1)
        for button in (self.pause, self.go_on, self.open_button):
            top.addWidget(button)
        right = QWidget()
        column = QVBoxLayout(right)
        column.addLayout(top)
        column.addWidget(self.bar)
        column.addWidget(self.status)
        column.addWidget(self.view, 1)
        column.addStretch(0)
        inner = QVBoxLayout(self.view)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addLayout(self._curves_place, 3)
        inner.addWidget(self.pictures, 2)
        split = QSplitter()
        split.addWidget(left)
        split.addWidget(right)
        split.setStretchFactor(1, 1)
        split.setSizes([360, 640])
        split.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)


def _beginning(job: Job) -> str:
    step = job.progress
    if step is not None and step.stage == "snapshot" and step.total:
        return f"Copying the data set: file {step.done} of {step.total}"
    return "Getting ready: loading torch and reading the data set"


def _best(run: RunWatch) -> str:
    steps, values = run.series("validation_psnr_db")
    if not values:
        return ""
    best = max(range(len(values)), key=values.__getitem__)
    _, rainy = run.series("validation_rainy_psnr_db")
    beside = f", rainy input {rainy[best]:.2f} dB" if len(rainy) == len(values) else ""
    return f"; best validation {values[best]:.2f} dB at step {steps[best]}{beside}"


def _button(text: str, pressed: Callable[[], object], tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(lambda: pressed())
    return button
