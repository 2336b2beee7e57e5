"""Evaluate weights and other methods as jobs, and show scores and the gallery of the worst pictures."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gui.command_buttons import in_window
from gui.design import GAP, PAD, sized
from gui.jobs import Job, Jobs, State
from gui.pages.results.evaluation import Evaluation, read_evaluation
from gui.pages.results.evaluation_form import EvaluationForm
from gui.pages.results.gallery import Gallery
from gui.pages.results.score_tables import fill, fill_comparisons, fill_ranges, fit_tabs, score_table
from gui.pages.training import may_run
from gui.widgets import (
    ElidedLabel,
    EmptyState,
    WrappedLabel,
    as_tip,
    dialogs,
)
from rainclean.errors import InputError

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
        self.comparisons = score_table("Differences between methods")
        self.by_rain = score_table("Mean scores by rain amount")
        self.tables = QTabWidget()
        self.tables.setDocumentMode(True)
        for table, name, tip in (
            (self.summary, "Means", "Means over all pairs, with intervals"),
            (self.comparisons, "Comparisons", "Differences between methods, with tests"),
            (self.by_rain, "By rain amount", "Means by the share of pixels with rain"),
        ):
            self.tables.setTabToolTip(self.tables.addTab(table, name), tip)
        self.tables.currentChanged.connect(lambda _: fit_tabs(self.tables))
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
        fill(self.summary, self.evaluation, self.evaluation.detailed)
        fill_comparisons(self.comparisons, self.evaluation)
        fill_ranges(self.by_rain, self.evaluation)
        self.tables.setTabVisible(1, bool(self.evaluation.comparisons))
        self.tables.setTabVisible(2, bool(self.evaluation.by_rain))
        fit_tabs(self.tables)
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
        if self.form.problem() or output is None or not may_run(self, arguments):
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
        self.tables.setVisible(evaluation is not None)
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
        column.addWidget(self.tables)
        column.addWidget(self.gallery, 1)
        column.addStretch(0)
