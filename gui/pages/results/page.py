"""Evaluate weights as jobs, and show mean scores and the gallery of the worst pictures."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import (
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.command_buttons import in_window
from gui.design import GAP, PAD, sized
from gui.jobs import Job, Jobs, State
from gui.pages.results.evaluation import Evaluation, read_evaluation
from gui.pages.results.gallery import Gallery, fill, score_table
from gui.widgets import ElidedLabel, EmptyState, Label, PathField, WrappedLabel, as_tip, dialogs, typed_paths
from rainclean.errors import InputError, RaincleanError
from rainclean.spanet import require_torch

EMPTY = "No evaluation is open: evaluate weights above, or open an earlier evaluation."


class ResultsPanel(QWidget):
    """Run evaluations as jobs and show their results.

    Args:
        jobs: the queue.
        project: returns the folder of the open project, or None.
        parent: of the widget.
    """

    def __init__(
        self, jobs: Jobs, project: Callable[[], Path | None] = lambda: None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._jobs, self._project = jobs, project
        self._outputs: dict[Job, Path] = {}
        self.evaluation: Evaluation | None = None
        self.form = EvaluationForm()
        self.form.evaluate_button.clicked.connect(self._evaluate)
        self.new_button = QPushButton("New evaluation")
        self.new_button.setCheckable(True)
        self.new_button.setChecked(True)
        self.new_button.setToolTip("Show the form for a new evaluation, or go back to the open one")
        self.new_button.toggled.connect(lambda on: self._show_form(shown=on))
        self.open_button = QPushButton("Open evaluation…")
        self.open_button.setToolTip("Open the folder of an earlier evaluation")
        self.open_button.clicked.connect(self._choose)
        self.title = ElidedLabel("Results")
        self.status = WrappedLabel(name="State of the evaluation")
        self.empty = EmptyState("results", EMPTY, "Open evaluation…", "Open the folder of an earlier evaluation")
        self.empty.asked.connect(self._choose)
        self.summary = score_table("Mean scores over all pairs")
        self.gallery = Gallery()
        self._lay_out()
        jobs.changed.connect(self._on_job)
        self._update("")

    def set_dataset(self, folder: Path) -> None:
        """Fill in the data set, such as the latest export."""
        self.form.dataset.set_path(folder)

    def set_weights(self, *files: Path) -> None:
        """Fill in the weights, such as those of a finished run."""
        self.form.weights.set_path(*files)

    def open_evaluation(self, folder: Path) -> None:
        """Show the evaluation in a folder, or say why there is none."""
        try:
            self.evaluation = read_evaluation(folder.absolute())
        except InputError as error:
            self._update(in_window(str(error)), bad=True)
            return
        fill(self.summary, self.evaluation, self.evaluation.summary)
        self.gallery.show_evaluation(self.evaluation)
        self.new_button.setChecked(False)
        self._update("")

    def open_result(self, job: Job) -> None:
        """Show the evaluation of a job."""
        arguments = job.arguments
        if "-o" in arguments[:-1]:
            self.open_evaluation(Path(arguments[arguments.index("-o") + 1]))

    def _show_form(self, *, shown: bool) -> None:
        """Show the form, or the gallery in its place: a small window has no room for both."""
        self.form.setVisible(shown)
        self.new_button.setText("Back to the results" if shown else "New evaluation")
        self.new_button.setVisible(self.evaluation is not None)
        self.gallery.setVisible(self.evaluation is not None and not shown)

    def _evaluate(self) -> None:
        arguments = self.form.arguments()
        output = self.form.output.path
        if self.form.problem() or output is None:
            return
        dataset = self.form.dataset.path
        assert dataset is not None
        job = Job(f"Evaluate on {dataset.name}", arguments, self._project())
        self._outputs[job] = output.absolute()
        self._jobs.start(job)

    def _on_job(self, job: Job) -> None:
        output = self._outputs.get(job)
        if output is None:
            return
        self.form.set_running(running=not job.is_over)
        if not job.is_over:
            self._update(f"Evaluating: {job.doing()}")
            return
        del self._outputs[job]
        if job.state is State.FINISHED:
            self.open_evaluation(output)
        else:
            failed = job.state is State.FAILED
            self._update(f"{in_window(job.error)}\n{job.advice}" if failed else "Evaluation cancelled.", bad=failed)

    def _choose(self) -> None:
        start = self.evaluation.folder if self.evaluation is not None else self._project()
        for folder in dialogs.choose(self, "Open evaluation", "folder", start):
            self.open_evaluation(folder)

    def _update(self, text: str, *, bad: bool = False) -> None:
        """Show a message, or, with "", the notes of the evaluation on show."""
        evaluation = self.evaluation
        self.summary.setVisible(evaluation is not None)
        self._show_form(shown=self.new_button.isChecked())
        self.empty.setVisible(evaluation is None)
        self.open_button.setVisible(evaluation is not None)
        self.status.set_look("bad" if bad else "")
        if evaluation is not None:
            self.title.setText(evaluation.title)
            self.title.setToolTip(as_tip(str(evaluation.folder)))
            method, protocol = evaluation.ranked_by
            ranking = (
                f"Worst pairs first: those where the PSNR of “{method}” is lowest (protocol {protocol}). "
                "A higher PSNR and a higher SSIM are better."
            )
            order = ranking if evaluation.cases else "This evaluation has no gallery."
            text = text or " ".join((order, *map(in_window, evaluation.notes)))
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def _lay_out(self) -> None:
        self.title.setFont(sized("title"))
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.new_button)
        top.addWidget(self.open_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD, PAD, PAD, GAP)
        column.setSpacing(GAP)
        column.addLayout(top)
        column.addWidget(self.form)
        column.addWidget(self.status)
        column.addWidget(self.empty, 1)
        column.addWidget(self.summary)
        column.addWidget(self.gallery, 1)
        column.addStretch(0)


class EvaluationForm(QGroupBox):
    """Ask for data set, weights and folder to write to."""

    def __init__(self) -> None:
        super().__init__("New evaluation")
        self._running = False
        self._suggested: Path | None = None
        self.dataset = PathField("Data set", "folder", "Choose the folder of an export or of another data set")
        self.weights = PathField(
            "Weights files", "files", "Choose weights files, separated by ;. Empty: the shipped weights"
        )
        self.weights.edit.setPlaceholderText("Shipped weights")
        self.output = PathField(
            "Output folder",
            "new folder",
            "Choose a folder for tables and gallery; an earlier evaluation in it is replaced",
        )
        self.status = WrappedLabel(name="What is missing")
        self.evaluate_button = QPushButton("Evaluate")
        self.evaluate_button.setProperty("look", "main")
        self.evaluate_button.setToolTip("Evaluate in the background; the results appear here")
        self.errors: dict[str, WrappedLabel] = {}
        form = QFormLayout()
        for text, field, name in (
            ("&Data set", self.dataset, "dataset"),
            ("&Weights files", self.weights, "weights"),
            ("&Output folder", self.output, "output"),
        ):
            self.errors[name] = WrappedLabel(name=f"Problem of {text.replace('&', '').lower()}", look="bad")
            both = QVBoxLayout()
            both.setSpacing(2)
            both.addWidget(field)
            both.addWidget(self.errors[name])
            label = Label(text)
            label.setBuddy(field)
            form.addRow(label, both)
        bottom = QHBoxLayout()
        bottom.addWidget(self.status, 1)
        bottom.addWidget(self.evaluate_button)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addLayout(bottom)
        self.dataset.changed.connect(self._suggest)
        self.weights.changed.connect(self.refresh)
        self.output.changed.connect(self.refresh)
        self.refresh()

    def arguments(self) -> tuple[str, ...]:
        """Return the command's arguments, without `rainclean`."""
        weights = [str(path.absolute()) for path in self.weights.paths]
        dataset, output = (None if path is None else path.absolute() for path in (self.dataset.path, self.output.path))
        return ("evaluate", str(dataset), "-o", str(output), *(("-w", *weights) if weights else ()))

    def problem(self) -> str:
        """Return why the evaluation cannot start, "" if nothing is missing."""
        return self._problem()[1]

    def _problem(self) -> tuple[str, str]:
        """Return the field that keeps an evaluation from starting, "" for none of them, and why."""
        try:
            require_torch()
        except RaincleanError as error:
            return "", f"{error}, then restart rainclean."
        if self.dataset.path is None:
            return "dataset", "Choose the folder of a data set with test pairs."
        if wrong := typed_paths.problem_of(self.dataset.path, "folder"):
            return "dataset", wrong
        for path in self.weights.paths:
            if wrong := typed_paths.problem_of(path, "file"):
                return "weights", wrong
        if self.output.path is None:
            return "output", "Choose an output folder for tables and gallery."
        if wrong := typed_paths.problem_of_new(self.output.path):
            return "output", wrong
        if self._running:
            return "", "An evaluation is running. Wait until it has ended, or cancel it under Jobs (Ctrl+5)."
        return "", ""

    def set_running(self, *, running: bool) -> None:
        """Set whether an evaluation is running: there is one at a time."""
        self._running = running
        self.refresh()

    def refresh(self) -> None:
        """Show what is missing, or what an evaluation does."""
        wrong, problem = self._problem()
        for name, label in self.errors.items():
            text = problem if name == wrong else ""
            # An empty field is no mistake: the line says what is missing.
            label.set_look("faint" if getattr(self, name).path is None else "bad")
            label.setText(text)
            label.setVisible(bool(text))
        self.status.set_look("bad" if problem and not wrong else "faint")
        self.status.setText(
            problem
            if problem and not wrong
            else "Scores every test pair by four protocols. An earlier evaluation in the output folder is replaced."
        )
        self.evaluate_button.setEnabled(not problem)

    def _suggest(self) -> None:
        """Suggest a folder beside the data set, unless the person has chosen one."""
        dataset = self.dataset.path
        if dataset is not None and self.output.path in (None, self._suggested):
            self._suggested = typed_paths.beside(dataset, "-evaluation")
            if self._suggested is None:
                self.output.set_path()
            else:
                self.output.set_path(self._suggested)
        self.refresh()
