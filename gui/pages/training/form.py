"""The form of a training, and the request that it makes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from gui.design import GAP, PAD, sized
from gui.jobs import left_in_words
from gui.pages.pairing import PairingRows, pairing_arguments, show_errors
from gui.pages.training.own_network import network_problem
from gui.widgets import Form, Label, PathField, WrappedLabel, named, typed_paths
from pipeline.text_format import counted
from pipeline.training import PRESETS, RUN, absolute_factory, require_training
from rainclean.dataset import KNOWN_NAMES, REPORT, Pairing
from rainclean.errors import RaincleanError

_PRESET_LABELS = {
    "quick": "Quick: minutes on a CPU",
    "paper": "Paper: as published, for a GPU",
    "released": "Released: as for the published weights",
}
_PRESET_TEXTS = {
    "quick": "Few steps on small examples: shows in minutes whether the data set can be learned.",
    "paper": "The recipe of the SPANet paper, from random weights. It takes days without a GPU.",
    "released": "The recipe of the weights that SPANet's authors published. It takes days without a GPU.",
}
"""Preset → what it is for."""

_START_LABELS = {
    "identity": "Identity (changes nothing)",
    "random": "Random weights",
    "weights": "Weights file",
}
_CPU_PIXELS = 40_000
"""Pixels of examples that two CPU cores train on per second (docs/results.md: 6.5 s per step of 4×256×256)."""


@cache
def missing_packages() -> str:
    """Return what to install, "" if all is there. The form asks at each step of a number, and a look takes 3 ms."""
    try:
        require_training()
    except RaincleanError as error:
        return str(error)
    return ""


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """A training to start.

    Attributes:
        dataset: folder, None if it is not chosen yet.
        run: new folder of the run, None if it is not chosen yet.
        preset: name in PRESETS.
        start: weights at the first step: "identity", "random" or "weights".
        steps: of the optimiser.
        batch: examples per step.
        size: side of an example, px.
        held_out: share of the scenes, or of the clean images, that is held out for validation; 0 as in the data set.
        weights: file to start from, with start "weights".
        network: of the user, ``FILE.py:FUNCTION`` or ``MODULE:FUNCTION``, which starts as it is made; "" for SPANet.
        pairing: how rainy and clean images belong together.
    """

    dataset: Path | None
    run: Path | None
    preset: str
    start: str
    steps: int
    batch: int
    size: int
    held_out: float = 0.0
    weights: Path | None = None
    network: str = ""
    pairing: Pairing = KNOWN_NAMES

    @property
    def snapshot(self) -> Path | None:
        """The folder of the copy of the data set that the run trains on."""
        return None if self.run is None else typed_paths.beside(self.run, "-data")

    def arguments(self) -> tuple[str, ...]:
        """Return the command's arguments, without `rainclean` and without values of the preset."""
        recipe = PRESETS[self.preset]
        arguments = ["train", str(self.dataset), "-o", str(self.run), "--snapshot", str(self.snapshot)]
        arguments += ["--preset", self.preset]
        if self.network:
            arguments += ["--network", absolute_factory(self.network)]
        elif self.start != recipe.start:
            arguments += ["--start", str(self.weights) if self.start == "weights" else self.start]
        for name in ("steps", "batch", "size"):
            if getattr(self, name) != getattr(recipe, name):
                arguments += [f"--{name}", str(getattr(self, name))]
        arguments += pairing_arguments(self.pairing)
        if self.held_out:
            arguments += ["--validation-share", f"{self.held_out:g}"]
        return tuple(arguments)

    def problem(self) -> str:
        """Return why the training cannot start and what to do, "" if nothing is missing."""
        if missing := missing_packages():
            return f"{missing}, then restart rainclean."
        if self.dataset is None:
            return "Choose the folder of a data set: an export, or a published one such as SPA-Data."
        if wrong := typed_paths.problem_of(self.dataset, "folder"):
            return wrong
        if self._has_one_scene():
            return (
                "All training pairs are of one scene, and validation needs a scene of its own. Accept sequences of "
                "more scenes and export again."
            )
        if self.held_out and self._has_validation():
            return 'The data set has a split for validation. Set Held out to "As in the data set".'
        if self.run is None:
            return "Choose a folder for the training."
        if wrong := typed_paths.problem_of_new(self.run):
            return wrong
        if typed_paths.exists(self.run / RUN):
            return f"{self.run.name} already exists. Open or resume it, or choose another name."
        if wrong := network_problem(self.network):
            return wrong
        if self.start == "weights" and not self.network:
            if self.weights is None:
                return "Choose the weights file to start from."
            wrong = typed_paths.problem_of(self.weights, "file")
            return f"Choose the weights file to start from: {wrong}" if wrong else ""
        return ""

    def wrong_field(self) -> str:
        """Return the field that `problem` is about: "dataset", "held_out", "run", "network", "weights"; "" for none."""
        if missing_packages() or not self.problem():
            return ""
        if self.dataset is None or typed_paths.problem_of(self.dataset, "folder") or self._has_one_scene():
            return "dataset"
        if self.held_out and self._has_validation():
            return "held_out"
        is_run = self.run is None or typed_paths.problem_of_new(self.run) or typed_paths.exists(self.run / RUN)
        return "run" if is_run else "network" if network_problem(self.network) else "weights"

    def _has_one_scene(self) -> bool:
        """Return whether the data set is an export with pairs of one scene for training, and none for validation."""
        return self._scenes() == (1, 0)

    def _has_validation(self) -> bool:
        """Return whether the data set is an export with pairs for validation."""
        return self._scenes()[1] > 0

    def _scenes(self) -> tuple[int, int]:
        """Return the numbers of scenes for training and validation of an export; (0, 0) where they are unknown."""
        if self.dataset is None or self.pairing.is_named:
            return 0, 0
        report = self.dataset / REPORT
        try:
            return _splits(report, report.stat().st_mtime_ns)
        except (OSError, ValueError):
            return 0, 0

    def effort(self) -> str:
        """Return the estimated duration as text."""
        seconds = self.steps * self.batch * self.size**2 / _CPU_PIXELS
        duration = "under a minute" if seconds < 55 else left_in_words(seconds).removesuffix(" left")
        work = f"{counted(self.steps, 'step')} of {counted(self.batch, 'example')} of {self.size}×{self.size} px"
        time = "the time depends on the network" if self.network else f"{duration} on two CPU cores, far less on a GPU"
        return (
            f"{work}: {time}. Trains on a copy of the data set beside the "
            "training folder. The copy takes no space if the disk supports hard links."
        )


class TrainingForm(QWidget):
    """Ask for data set, recipe and folder.

    Signal `begin`: a person starts this `TrainRequest`; it has no problem.
    """

    begin = Signal(object)

    def __init__(self, project: Callable[[], Path | None]) -> None:
        super().__init__()
        self._project = project
        self._suggested: Path | None = None
        self._starting: Path | None = None
        self._begun: Path | None = None
        self.dataset = PathField("Data set", "folder", "Choose the folder of an export, or of a published data set")
        self.run = PathField("Training folder", "new folder", "Choose a new folder for weights, curves and checkpoints")
        self.weights = PathField("Weights file", "files", "Choose the weights to start from (.safetensors)")
        self.network = PathField(
            "Network",
            "file",
            "Type FILE.py:FUNCTION or MODULE:FUNCTION of a network of yours; its code is run. Empty: SPANet",
            names="Python files (*.py)",
        )
        self.network.edit.setPlaceholderText("SPANet")
        self.preset = _choice("Preset", _PRESET_LABELS, "Choose a preset; the fields below can still be changed")
        self.start = _choice("Start from", _START_LABELS, "Choose the weights at the first step")
        self.steps = _number("Steps", 1, 10_000_000, "Set the number of optimiser steps", suffix=" steps")
        self.batch = _number("Batch", 1, 1024, "Set the number of examples per step", suffix=" examples")
        self.batch.valueChanged.connect(lambda number: self.batch.setSuffix(" example" if number == 1 else " examples"))
        self.example_size = _number(
            "Example size", 16, 4096, "Set the side length of the squares that are cut from the pairs", suffix=" px"
        )
        self.held_out = _number(
            "Held out", 0, 90, "Set the share of scenes, or of clean images, that is kept for validation", suffix=" %"
        )
        self.held_out.setSpecialValueText("As in the data set")
        self.explanation = WrappedLabel(name="What the preset is for", look="faint")
        self.status = WrappedLabel(name="Duration of the training", look="faint")
        self.start_button = QPushButton("Start training")
        self.start_button.setProperty("look", "main")
        self.start_button.setToolTip("Train in the background; a training can be paused and resumed")
        self.start_button.clicked.connect(self._begin)
        self.errors: dict[str, WrappedLabel] = {}
        self._rows: dict[str, QWidget] = {}
        self._lay_out()
        self.preset.currentIndexChanged.connect(self._apply_preset)
        self.start.currentIndexChanged.connect(self.refresh)
        self.dataset.changed.connect(self._suggest_run)
        for number in (self.steps, self.batch, self.example_size, self.held_out):
            number.valueChanged.connect(self.refresh)
        for path in (self.run, self.weights, self.network, self.pairing):
            path.changed.connect(self.refresh)
        self._apply_preset()

    def _lay_out(self) -> None:
        title = Label("New training")
        title.setFont(sized("title"))
        form = self._form = Form()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(GAP)
        for head, rows in (
            ("What to learn from", (("&Data set", self.dataset, "dataset"), ("&Held out", self.held_out, "held_out"))),
            (
                "How to train",
                (
                    ("&Network", self.network, "network"),
                    ("P&reset", self.preset, "preset"), ("S&tart from", self.start, ""),
                    ("&Weights file", self.weights, "weights"), ("&Steps", self.steps, ""),
                    ("&Batch", self.batch, ""), ("E&xample size", self.example_size, ""),
                ),
            ),
            ("Where to save it", (("F&older", self.run, "run"),)),
        ):  # fmt: skip
            group = Label(head)
            group.setFont(sized("body", bold=True))
            group.setContentsMargins(0, GAP, 0, 0)
            form.addRow(group)
            for text, field, note in rows:
                if note == "preset":
                    form.add_field(text, field, self.explanation)
                elif note:
                    line = WrappedLabel(name=f"Problem of {text.replace('&', '').lower()}", look="bad")
                    self.errors[note] = line
                    self._rows[note] = form.add_field(text, field, line)
                else:
                    form.addRow(text, field)
                if note == "dataset":
                    self.pairing = PairingRows(form)
                    self.errors |= self.pairing.errors
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD, PAD, GAP, GAP)
        column.setSpacing(GAP)
        column.addWidget(title)
        column.addLayout(form)
        column.addWidget(self.status)
        column.addWidget(self.start_button)
        column.addStretch(1)

    def request(self) -> TrainRequest:
        """Return the request with the current values of the form."""
        dataset, run, weights = (_absolute(field.path) for field in (self.dataset, self.run, self.weights))
        return TrainRequest(
            dataset=dataset,
            run=run,
            preset=self.preset.currentData(),
            start=self.start.currentData(),
            steps=self.steps.value(),
            batch=self.batch.value(),
            size=self.example_size.value(),
            held_out=self.held_out.value() / 100,
            weights=weights,
            network=str(self.network.path or ""),
            pairing=self.pairing.pairing(),
        )

    def refresh(self) -> None:
        """Show how long the training takes, or what is missing."""
        request = self.request()
        self._form.setRowVisible(self.start, not request.network)
        self._form.setRowVisible(self._rows["weights"], request.start == "weights" and not request.network)
        problem = request.problem()
        if not problem and request.run is not None and request.run == self._starting:
            problem = f"{request.run.name} has started. Choose another name for another training."
        wrong = request.wrong_field() or ("run" if self._starting is not None else "")
        pairing = self.pairing.problem()
        if pairing[1] and wrong != "dataset" and (wrong or not problem):
            wrong, problem = pairing
        empty = {name for name in self.errors if self._is_empty(name)}
        if request.run is not None and request.run == self._begun:
            empty.add("run")
        show_errors(self.errors, wrong, problem, empty)
        self.status.set_look("bad" if problem and not wrong else "faint")
        self.status.setText(("" if wrong else problem) if problem else request.effort())
        self.start_button.setEnabled(not problem)

    def _is_empty(self, name: str) -> bool:
        """Return whether a field is empty: the line below says what is missing, and nothing is wrong yet."""
        if name in self.pairing.errors:
            return self.pairing.is_empty(name)
        return name != "held_out" and getattr(self, name).path is None

    def set_starting(self, run: Path | None) -> None:
        """Set the run that is starting, so that it is not started twice; None when it has ended or failed.

        Then the next free folder is suggested, unless the person has chosen one.
        """
        self._starting = run
        if run is None:
            self._suggest_run()
        else:
            self.refresh()

    def _apply_preset(self) -> None:
        recipe = PRESETS[self.preset.currentData()]
        self.explanation.setText(_PRESET_TEXTS.get(recipe.preset, ""))
        self.start.setCurrentIndex(self.start.findData(recipe.start))
        for field, value in ((self.steps, recipe.steps), (self.batch, recipe.batch), (self.example_size, recipe.size)):
            field.setValue(value)
        self.refresh()

    def _suggest_run(self) -> None:
        """Suggest a free name beside the data set, unless the person has chosen one."""
        dataset = _absolute(self.dataset.path)
        if dataset is not None and self.run.path in (None, self._suggested):
            # Not in the project's folder: people copy and back it up as a whole.
            project = self._project()
            parent = project.parent if project is not None and dataset.is_relative_to(project) else dataset.parent
            names = (parent / f"{dataset.name or 'training'}-run-{number}" for number in range(1, 10_000))
            self._suggested = next(path for path in names if not typed_paths.exists(path))
            self.run.set_path(self._suggested)
        self.refresh()

    def _begin(self) -> None:
        request = self.request()
        self.refresh()
        if self.start_button.isEnabled():
            self._begun = request.run
            self.begin.emit(request)


@lru_cache(maxsize=4)
def _splits(report: Path, _changed: int) -> tuple[int, int]:
    """Return the numbers of scenes for training and for validation of an export; (0, 0) where they are unknown."""
    try:
        splits = json.loads(report.read_bytes())["splits"]
        return len(splits.get("train", ())), len(splits.get("val", ()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0, 0


def _choice(name: str, labels: dict[str, str], tip: str) -> QComboBox:
    box = QComboBox()
    for value, text in labels.items():
        box.addItem(text, value)
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _number(name: str, minimum: int, maximum: int, tip: str, *, suffix: str = "") -> QSpinBox:
    box = named(QSpinBox(), name, tip)
    box.setRange(minimum, maximum)
    box.setSuffix(suffix)
    box.setGroupSeparatorShown(True)
    return box


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()
