"""What a training is asked for: a plain request, and the form that a person fills in for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from gui.jobs import left_in_words
from gui.widgets import Label, PathField
from pipeline.training import PRESETS, RUN, require_training
from rainclean.errors import RaincleanError

_PRESET_WORDS = {
    "quick": "Quick: minutes on a CPU",
    "paper": "Paper: as published, for a GPU",
    "released": "Released: as the released weights",
}
_START_WORDS = {
    "identity": "A network that changes nothing",
    "random": "Random weights",
    "weights": "A weights file",
}
_CPU_PIXELS = 40_000
"""Pixels of examples that two cores of a CPU train on in a second (docs/results.md: 6.5 s a step of 4×256×256)."""


@dataclass(frozen=True)
class TrainRequest:
    """A training to begin; None for a folder that is not chosen yet. weights: with start "weights"."""

    dataset: Path | None
    run: Path | None
    preset: str
    start: str
    steps: int
    batch: int
    size: int
    weights: Path | None = None

    @property
    def snapshot(self) -> Path | None:
        """Folder of the copy of the data set that it trains on."""
        return None if self.run is None else self.run.with_name(f"{self.run.name}-data")

    def words(self) -> tuple[str, ...]:
        """The command; what is as in the preset is left out."""
        recipe = PRESETS[self.preset]
        words = ["train", str(self.dataset), "-o", str(self.run), "--snapshot", str(self.snapshot)]
        words += ["--preset", self.preset]
        if self.start != recipe.start:
            words += ["--start", str(self.weights) if self.start == "weights" else self.start]
        for name in ("steps", "batch", "size"):
            if getattr(self, name) != getattr(recipe, name):
                words += [f"--{name}", str(getattr(self, name))]
        return tuple(words)

    def problem(self) -> str:
        """Why it cannot begin, in words that help; "" where it can, as far as can be told at once."""
        try:
            require_training()
        except RaincleanError as error:
            return f"{error}, then start the window again."
        if self.dataset is None:
            return "Choose the folder of a data set: an export, or SPA-Data as published."
        if not self.dataset.is_dir():
            return f"There is no folder {self.dataset}."
        if self.run is None:
            return "Choose a folder for the run."
        if (self.run / RUN).exists():
            return f"{self.run.name} already exists. Open or resume it, or choose another name."
        if self.start == "weights" and (self.weights is None or not self.weights.is_file()):
            return "Choose the weights file to start from."
        return ""

    def effort(self) -> str:
        """What it will take, in words."""
        seconds = self.steps * self.batch * self.size**2 / _CPU_PIXELS
        took = left_in_words(seconds).removesuffix(" left")
        took = "under a minute" if seconds < 55 else took
        return (
            f"{self.steps} steps of {self.batch} examples of {self.size} px: {took} on two cores of a CPU, far less "
            "on a GPU. Trains on a copy of the data set beside the run; where the disk has links, that takes no room."
        )


class TrainingForm(QWidget):
    """The form. Signal `begin` with a `TrainRequest` that has no problem."""

    begin = Signal(object)

    def __init__(self, project: Callable[[], Path | None]) -> None:
        super().__init__()
        self._project = project
        self._suggested: Path | None = None
        self._beginning: Path | None = None
        self.dataset = PathField("Data set", "folder", "Folder of an export, or of SPA-Data as published")
        self.run = PathField("Run folder", "new folder", "Where weights, curves and checkpoints go; it is made")
        self.weights = PathField("Weights file", "files", "Weights to go on from (.safetensors)")
        self.preset = _choice("Preset", _PRESET_WORDS, "The recipe; what stands below it can be changed")
        self.start = _choice("Start from", _START_WORDS, "Weights at the first step")
        self.steps = _number("Steps", 1, 10_000_000, "Steps of the optimiser")
        self.batch = _number("Batch", 1, 1024, "Examples that one step learns from")
        self.example_size = _number("Example size", 16, 4096, "Side of the square that is cut out of a pair", " px")
        self.told = Label()
        self.told.setWordWrap(True)
        self.start_button = QPushButton("Start training")
        self.start_button.setToolTip("Train in a process of its own; it can be paused and goes on later")
        self.start_button.clicked.connect(self._begin)
        self._form = QFormLayout()
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for label, field in (
            ("&Data set", self.dataset), ("P&reset", self.preset), ("S&tart from", self.start),
            ("&Weights file", self.weights), ("&Steps", self.steps), ("&Batch", self.batch),
            ("E&xample size", self.example_size), ("R&un folder", self.run),
        ):  # fmt: skip
            self._form.addRow(label, field)
        column = QVBoxLayout(self)
        column.addLayout(self._form)
        column.addWidget(self.told)
        column.addWidget(self.start_button)
        column.addStretch(1)
        self.preset.currentIndexChanged.connect(self._take_preset)
        self.start.currentIndexChanged.connect(self.refresh)
        self.dataset.changed.connect(self._suggest_run)
        for number in (self.steps, self.batch, self.example_size):
            number.valueChanged.connect(self.refresh)
        for path in (self.run, self.weights):
            path.changed.connect(self.refresh)
        self._take_preset()

    def request(self) -> TrainRequest:
        """What the form says now."""
        dataset, run, weights = (_whole(field.path) for field in (self.dataset, self.run, self.weights))
        return TrainRequest(
            dataset, run, self.preset.currentData(), self.start.currentData(), self.steps.value(), self.batch.value(),
            self.example_size.value(), weights,
        )  # fmt: skip

    def refresh(self) -> None:
        """Say what it will take, or what is missing."""
        request = self.request()
        self._form.setRowVisible(self.weights, request.start == "weights")
        problem = request.problem()
        if not problem and request.run is not None and request.run == self._beginning:
            problem = f"{request.run.name} has begun; for a further run choose another name."
        self.told.setText(problem or request.effort())
        self.start_button.setEnabled(not problem)

    def hold(self, run: Path | None) -> None:
        """A run that is beginning, so that it is not begun twice; None when it has, or has failed to."""
        self._beginning = run
        self.refresh()

    def _take_preset(self) -> None:
        recipe = PRESETS[self.preset.currentData()]
        self.start.setCurrentIndex(self.start.findData(recipe.start))
        for field, value in ((self.steps, recipe.steps), (self.batch, recipe.batch), (self.example_size, recipe.size)):
            field.setValue(value)
        self.refresh()

    def _suggest_run(self) -> None:
        """A free name beside the data set, unless the person has chosen one."""
        dataset = _whole(self.dataset.path)
        if dataset is not None and self.run.path in (None, self._suggested):
            # Not in the project's folder, which is to be copied and backed up as a whole.
            home = self._project()
            place = home.parent if home is not None and dataset.is_relative_to(home) else dataset.parent
            names = (place / f"{dataset.name}-run-{number}" for number in range(1, 10_000))
            self._suggested = next(path for path in names if not path.exists())
            self.run.set_path(self._suggested)
        self.refresh()

    def _begin(self) -> None:
        request = self.request()
        self.refresh()
        if self.start_button.isEnabled():
            self.begin.emit(request)


def _choice(name: str, words: dict[str, str], tip: str) -> QComboBox:
    box = QComboBox()
    for value, text in words.items():
        box.addItem(text, value)
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _number(name: str, least: int, most: int, tip: str, suffix: str = "") -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setSuffix(suffix)
    box.setGroupSeparatorShown(True)
    box.setAccessibleName(name)
    box.setToolTip(tip)
    return box


def _whole(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()
