"""Training from the window: the form, and a run with its curves, pictures, time left, pause and resume."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
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

from gui.command_buttons import in_window
from gui.design import GAP, PAD, sized
from gui.jobs import Job, Jobs, State, best_validation, left_in_words, run_of
from gui.pages.training.form import TrainingForm, TrainRequest
from gui.pages.training.own_network import may_run
from gui.pages.training.run_picture import RunPicture
from gui.pages.training.run_watch import RunWatch
from gui.widgets import ElidedLabel, EmptyState, WrappedLabel, as_tip, dialogs
from rainclean.errors import InputError

EMPTY = "No training is open: start one on the left, or open an earlier one."

_FRESH = 120.0
"""Seconds without news after which a run of another process is considered over."""


class TrainingPanel(QWidget):
    """Start trainings as jobs and follow the run of one.

    Signal `log_asked`: a person wants to see the log of a failed training, which Jobs has.

    Args:
        jobs: the queue.
        project: returns the folder of the open project, or None.
        parent: of the widget.
    """

    log_asked = Signal()

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
        self.title = ElidedLabel()
        self.status = WrappedLabel(name="State of the training")
        self.empty = EmptyState("training", EMPTY, "Open training…", "Open the folder of an earlier training")
        self.empty.asked.connect(self._choose)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the training")
        self.pictures = RunPicture()
        self.view = QWidget()
        self.open_button = _button("Open training…", self._choose, "Open the folder of a training and follow it")
        self.pause = _button("Pause", self._pause, "Stop after the current step and save a checkpoint")
        self.resume = _button("Resume", self._resume, "Resume from the last checkpoint, as if it had never stopped")
        self.log = _button("Show its log", self.log_asked.emit, "Go to Jobs, which shows the log (Ctrl+5)")
        self._curves_place = QVBoxLayout()
        self._lay_out()
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self.refresh)
        jobs.changed.connect(self._on_job)
        self._update()

    @property
    def folder(self) -> Path | None:
        """The folder of the run on show."""
        return self._folder

    @property
    def run(self) -> RunWatch | None:
        """The run on show; None before it has started."""
        return self._run

    def set_dataset(self, folder: Path) -> None:
        """Fill in the data set, such as the latest export."""
        self.form.dataset.set_path(folder)

    def begin(self, request: TrainRequest) -> Job:
        """Start a training and show its run."""
        assert request.dataset is not None and request.run is not None
        network = request.network.rpartition(":")[2] or "SPANet"
        job = Job(f"Train {network} on {request.dataset.name}", request.arguments(), self._project())
        self._show(request.run)
        self.form.set_starting(request.run)
        job.finished.connect(lambda: self.form.set_starting(None))
        self._jobs.start(job)
        return job

    def open_run(self, folder: Path) -> None:
        """Show the run in a folder, or say why there is none."""
        self._show(folder.absolute())
        if self._run is None and self._job() is None:
            try:
                RunWatch(folder)
            except InputError as error:
                self._problem = str(error)
        self._update()

    def open_result(self, job: Job) -> None:
        """Show the training of a job."""
        folder = run_of(job.arguments)
        if folder is not None:
            self.open_run(folder)

    def refresh(self) -> None:
        """Read and show what the run has written since the last call."""
        if self._folder is None:
            return
        if self._run is None:
            try:
                self._run = RunWatch(self._folder)
            except InputError:
                self._update()  # not started yet
                return
        if self._run.poll():
            self._draw()
        picture = self._run.picture()
        if picture is not None and picture != self._picture:
            self._picture = picture
            self.pictures.set_attention(shown=self._run.record.network is None)
            self.pictures.show_file(picture[0])
        self._update()

    def showEvent(self, event: QShowEvent) -> None:
        """Follow the run while the page is visible."""
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
        """Stop following the run."""
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
        """Return the latest job of the run on show."""
        jobs = (job for job in reversed(self._jobs.all) if run_of(job.arguments) == self._folder)
        return next(jobs, None) if self._folder is not None else None

    def _on_job(self, job: Job) -> None:
        if job is self._job():
            if job.is_over:
                self.refresh()
            self._update()

    def _pause(self) -> None:
        job = self._job()
        if job is not None:
            job.cancel()

    def _resume(self) -> None:
        job = self._job()
        if job is not None and job.is_over:
            self._jobs.again(job)
        elif job is None and self._folder is not None:
            arguments = ["train", "--resume", str(self._folder)]
            network = self._run.record.network if self._run is not None else None
            if network is not None:
                arguments += ["--network", network.factory]
            if may_run(self, arguments):
                title = f"Train {'SPANet' if network is None else network.name}: {self._folder.name}"
                self._jobs.start(Job(title, tuple(arguments), self._project()))
        self._update()

    def _choose(self) -> None:
        start = self._folder or self._project()
        for folder in dialogs.choose(self, "Open training", "folder", start):
            self.open_run(folder)

    def _update(self) -> None:
        """Bring title, bar, status and buttons up to date."""
        job, run = self._job(), self._run
        running = job is not None and not job.is_over
        self.title.setText(self._folder.name if self._folder is not None else "")
        self.title.setToolTip(as_tip(str(self._folder or "")))
        self.empty.setVisible(self._folder is None)
        self.open_button.setVisible(self._folder is not None)
        self.status.setVisible(self._folder is not None)
        self.title.setVisible(self._folder is not None)
        self.bar.setVisible(running or run is not None)
        never_began = run is None and job is not None and job.state in (State.FAILED, State.CANCELLED)
        self.view.setVisible(self._folder is not None and not self._problem and not never_began)
        steps, step = (run.steps, self._step(job, run)) if run is not None else (0, 0)
        self.bar.setRange(0, steps)
        self.bar.setValue(step)
        self.pause.setVisible(running)
        self.pause.setText("End now" if job is not None and job.stopping else "Pause")
        finished = run is not None and run.is_finished
        failed = job is not None and job.state in (State.FAILED, State.CANCELLED)
        self.resume.setVisible(not running and not finished and (run is not None or failed))
        self.resume.setText("Resume" if run is not None else "Try again")
        self.log.setVisible(job is not None and job.state is State.FAILED)
        self.status.set_look("bad" if self._problem or (job is not None and job.state is State.FAILED) else "")
        self.status.setText(self._status(job, run, step))

    def _status(self, job: Job | None, run: RunWatch | None, step: int) -> str:
        if self._problem or self._folder is None:
            return in_window(self._problem)
        place = f"step {step} of {run.steps}" if run is not None else "before the first step"
        if job is not None and job.state is State.FAILED:
            return f"{place.capitalize()}: {in_window(job.error)}\n{job.advice}"
        if job is not None and not job.is_over:
            if job.stopping:
                return (
                    f"Stopping {'at ' if run is not None else ''}{place}. The current step is finished and saved first."
                )
            if job.state is State.QUEUED:
                return "Waiting for another training to end"
            return _with_time_left(place.capitalize() if run is not None else _preparation(job), job.seconds_left)
        if run is None:
            return "Stopped before the first step"
        if run.is_finished:
            return f"Finished: {run.steps} steps{_best(run)}"
        since = run.seconds_since()
        if job is None and since is not None and since < _FRESH:
            text = f"{place.capitalize()}, last written {since:.0f} s ago by another process, which may have ended"
            return _with_time_left(text, run.seconds_left())
        return f"Paused at {place}{_best(run)}"

    @staticmethod
    def _step(job: Job | None, run: RunWatch) -> int:
        # Rows come every few steps; the job reports each, also the very last one of a run that was paused.
        reports = job is not None and job.state in (State.RUNNING, State.CANCELLED)
        step = job.progress if job is not None and reports else None
        return step.done if step is not None and step.stage == "train" else run.step

    def _lay_out(self) -> None:
        self.title.setFont(sized("title"))
        left = QScrollArea()
        left.setAccessibleName("Settings of the training")
        left.setWidget(self.form)
        left.setWidgetResizable(True)
        left.setFrameShape(QFrame.Shape.NoFrame)
        left.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left.setAccessibleName("Settings of the training")
        left.setMinimumWidth(300)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        for button in (self.log, self.pause, self.resume, self.open_button):
            top.addWidget(button)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(GAP, PAD, PAD, GAP)
        column.setSpacing(GAP)
        column.addLayout(top)
        column.addWidget(self.bar)
        column.addWidget(self.status)
        column.addWidget(self.view, 1)
        column.addWidget(self.empty, 1)
        column.addStretch(0)
        inner = QVBoxLayout(self.view)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addLayout(self._curves_place, 3)
        inner.addWidget(self.pictures, 2)
        split = QSplitter()
        split.addWidget(left)
        split.addWidget(right)
        split.setStretchFactor(1, 1)
        split.setSizes([372, 640])
        split.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)


def _with_time_left(text: str, seconds: float | None) -> str:
    return text if seconds is None else f"{text}, {left_in_words(seconds)}"


def _preparation(job: Job) -> str:
    step = job.progress
    if step is not None and step.stage == "snapshot" and step.total:
        return f"Copying the data set: file {step.done} of {step.total}"
    return "Preparing: loading torch and reading the data set"


def _best(run: RunWatch) -> str:
    steps, values = run.series("validation_psnr_db")
    if not values:
        return ""
    best = max(range(len(values)), key=values.__getitem__)
    _, rainy = run.series("validation_rainy_psnr_db")
    comparison = f", rainy input {rainy[best]:.2f} dB" if len(rainy) == len(values) else ""
    return f"; {best_validation(values[best], steps[best])}{comparison}"


def _button(text: str, pressed: Callable[[], object], tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(lambda: pressed())
    return button
