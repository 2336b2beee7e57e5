"""What weights are worth: evaluations as jobs, their means, and the gallery of the worst pictures."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.jobs import Job, Jobs, State
from gui.pages.results.evaluation import Evaluation, read_evaluation
from gui.pages.results.gallery import Gallery, fill, score_table
from gui.widgets import Label, PathField, as_tip, dialogs
from rainclean.errors import InputError, RaincleanError
from rainclean.spanet import require_torch

EMPTY = (
    "No evaluation is shown. Evaluate weights on the test pairs of a data set, "
    "or open the folder of an earlier evaluation."
)


class ResultsPanel(QWidget):
    """Evaluates as jobs and shows what came out. project: gives the folder of the open project, or None."""

    def __init__(
        self, jobs: Jobs, project: Callable[[], Path | None] = lambda: None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._jobs, self._project = jobs, project
        self._mine: dict[Job, Path] = {}
        self.evaluation: Evaluation | None = None
        self.form = EvaluationForm()
        self.form.evaluate_button.clicked.connect(self._evaluate)
        self.new_button = QPushButton("New evaluation")
        self.new_button.setCheckable(True)
        self.new_button.setChecked(True)
        self.new_button.setToolTip("Show or hide the form")
        self.new_button.toggled.connect(self.form.setVisible)
        self.open_button = QPushButton("Open evaluation…")
        self.open_button.setToolTip("Show the folder of an earlier evaluation")
        self.open_button.clicked.connect(self._choose)
        self.title = Label()
        self.status = Label(EMPTY)
        self.summary = score_table("Means over all pictures")
        self.gallery = Gallery()
        self._lay_out()
        jobs.changed.connect(self._on_job)
        self._tell("")

    def set_dataset(self, folder: Path) -> None:
        """Fill in the data set: an export that was just made."""
        self.form.dataset.set_path(folder)

    def set_weights(self, *files: Path) -> None:
        """Fill in the weights: of a run that has ended."""
        self.form.weights.set_path(*files)

    def open_evaluation(self, folder: Path) -> None:
        """Show a folder that ``rainclean evaluate`` wrote; where it is none, say so."""
        try:
            self.evaluation = read_evaluation(folder.absolute())
        except InputError as error:
            self._tell(str(error))
            return
        fill(self.summary, self.evaluation, self.evaluation.summary)
        self.gallery.show_evaluation(self.evaluation)
        self.new_button.setChecked(False)
        self._tell("")

    def _evaluate(self) -> None:
        words = self.form.words()
        output = self.form.output.path
        if self.form.problem() or output is None:
            return
        dataset = self.form.dataset.path
        assert dataset is not None
        job = Job(f"Evaluate on {dataset.name}", words, self._project())
        self._mine[job] = output.absolute()
        self._jobs.start(job)

    def _on_job(self, job: Job) -> None:
        output = self._mine.get(job)
        if output is None:
            return
        self.form.hold(not job.is_over)
        if not job.is_over:
            self._tell(f"Evaluating: {job.doing()}")
            return
        del self._mine[job]
        if job.state is State.FINISHED:
            self.open_evaluation(output)
        else:
            self._tell(f"{job.error}\n{job.advice}" if job.state is State.FAILED else "The evaluation was stopped.")

    def _choose(self) -> None:
        start = self.evaluation.folder if self.evaluation is not None else self._project()
        for folder in dialogs.choose(self, "Open evaluation", "folder", start):
            self.open_evaluation(folder)

    def _tell(self, text: str) -> None:
        """Say something beside what is shown, or, with "", what there is to know of that."""
        evaluation = self.evaluation
        for widget in (self.title, self.summary, self.gallery):
            widget.setVisible(evaluation is not None)
        if evaluation is None:
            self.status.setText(text or EMPTY)
            return
        self.title.setText(evaluation.title)
        self.title.setToolTip(as_tip(str(evaluation.folder)))
        method, protocol = evaluation.ranked_by
        worst = f"Worst first, by PSNR of {method}, protocol {protocol}." if evaluation.cases else "It has no gallery."
        self.status.setText(text or " ".join((worst, *evaluation.notes)))

    def _lay_out(self) -> None:
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.status.setWordWrap(True)
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self.status.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addStretch(1)
        top.addWidget(self.new_button)
        top.addWidget(self.open_button)
        column = QVBoxLayout(self)
        column.addLayout(top)
        column.addWidget(self.form)
        column.addWidget(self.status)
        column.addWidget(self.summary)
        column.addWidget(self.gallery, 1)
        column.addStretch(0)


class EvaluationForm(QGroupBox):
    """Data set, weights, folder to write to."""

    def __init__(self) -> None:
        super().__init__("New evaluation")
        self._held = False
        self._suggested: Path | None = None
        self.dataset = PathField("Data set", "folder", "Folder of an export, or of another data set")
        self.weights = PathField("Weights files", "files", "Files with ; between them; empty: those that ship")
        self.weights.edit.setPlaceholderText("Those that come with rainclean")
        self.output = PathField("Output folder", "new folder", "Where tables and gallery go; it is made")
        self.told = Label()
        self.told.setWordWrap(True)
        self.evaluate_button = QPushButton("Evaluate")
        self.evaluate_button.setToolTip("Measure in a process of its own; the result is shown here when it is there")
        form = QFormLayout()
        form.addRow("&Data set", self.dataset)
        form.addRow("&Weights files", self.weights)
        form.addRow("&Output folder", self.output)
        bottom = QHBoxLayout()
        bottom.addWidget(self.told, 1)
        bottom.addWidget(self.evaluate_button)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addLayout(bottom)
        self.dataset.changed.connect(self._suggest)
        self.weights.changed.connect(self.refresh)
        self.output.changed.connect(self.refresh)
        self.refresh()

    def words(self) -> tuple[str, ...]:
        """The command."""
        weights = [str(path.absolute()) for path in self.weights.paths]
        dataset, output = (None if path is None else path.absolute() for path in (self.dataset.path, self.output.path))
        return ("evaluate", str(dataset), "-o", str(output), *(("-w", *weights) if weights else ()))

    def problem(self) -> str:
        """Why it cannot begin; "" where it can, as far as can be told at once."""
        try:
            require_torch()
        except RaincleanError as error:
            return f"{error}, then start the window again."
        if self.dataset.path is None:
            return "Choose the folder of a data set with test pairs."
        missing = [path for path in (self.dataset.path, *self.weights.paths) if not path.exists()]
        if missing:
            return f"There is no {missing[0]}."
        if self.output.path is None:
            return "Choose a folder for tables and gallery."
        return "An evaluation is going on." if self._held else ""

    def hold(self, held: bool) -> None:
        """Whether one is going on."""
        self._held = held
        self.refresh()

    def refresh(self) -> None:
        """Say what is missing."""
        problem = self.problem()
        self.told.setText(
            problem or "Measures every test pair by four protocols; replaces an earlier evaluation there."
        )
        self.evaluate_button.setEnabled(not problem)

    def _suggest(self) -> None:
        """A name beside the data set, unless the person has chosen one."""
        dataset = self.dataset.path
        if dataset is not None and self.output.path in (None, self._suggested):
            self._suggested = dataset.absolute().with_name(f"{dataset.name}-evaluation")
            self.output.set_path(self._suggested)
        self.refresh()
