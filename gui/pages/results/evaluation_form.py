"""The form of an evaluation: the command's data set, methods and output folder as fields."""

from importlib.util import find_spec
from pathlib import Path

from PySide6.QtWidgets import QCheckBox, QGroupBox, QHBoxLayout, QPushButton, QVBoxLayout

from gui.pages.pairing import PairingRows, pairing_arguments, show_errors
from gui.widgets import Form, PathField, WrappedLabel, named, typed_paths
from pipeline.training import network_of
from rainclean.errors import InputError, RaincleanError
from rainclean.spanet import require_torch


class EvaluationForm(QGroupBox):
    """Ask for data set, weights, outputs of other methods, and folder to write to."""

    def __init__(self) -> None:
        super().__init__("New evaluation")
        self._running = False
        self._suggested: Path | None = None
        self.dataset = PathField("Data set", "folder", "Choose the folder of an export or of another data set")
        self.weights = PathField(
            "Weights files",
            "files",
            "Choose weights files, separated by ;. Empty: the shipped weights, if nothing else is chosen",
        )
        self.weights.edit.setPlaceholderText("Shipped weights")
        self.outputs = PathField(
            "Folders with outputs",
            "folder",
            "Choose folders with the output of other methods, separated by ;. Images are named like the rainy ones",
            several=True,
        )
        self.networks = PathField(
            "Network files",
            "files",
            "Choose networks as ONNX (.onnx) or TorchScript files, separated by ;",
            names="Networks (*.onnx *.pt *.pth *.ts *.torchscript)",
        )
        self.masks = named(
            QCheckBox("Also score without excluded pixels"),
            "Also score without excluded pixels",
            "Also score without what the exclusion masks exclude, and with the confidence images as weights",
        )
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
        form = Form()
        self._add(form, "&Data set", "dataset")
        self.pairing = PairingRows(form)
        self._add(form, "&Weights files", "weights")
        self._add(form, "&Folders with outputs", "outputs")
        self._add(form, "&Network files", "networks")
        form.addRow("", self.masks)
        self._add(form, "&Output folder", "output")
        self.errors |= self.pairing.errors
        bottom = QHBoxLayout()
        bottom.addWidget(self.status, 1)
        bottom.addWidget(self.evaluate_button)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addLayout(bottom)
        self.dataset.changed.connect(self._suggest)
        for field in (self.weights, self.outputs, self.networks, self.output, self.pairing):
            field.changed.connect(self.refresh)
        self.refresh()

    def _add(self, form: Form, text: str, name: str) -> None:
        """Add a field with the line that says what is wrong with it."""
        self.errors[name] = WrappedLabel(name=f"Problem of {text.replace('&', '').lower()}", look="bad")
        form.add_field(text, getattr(self, name), self.errors[name])

    def arguments(self) -> tuple[str, ...]:
        """Return the command's arguments, without `rainclean`."""
        dataset, output = (None if path is None else path.absolute() for path in (self.dataset.path, self.output.path))
        words = ["evaluate", str(dataset), "-o", str(output), *pairing_arguments(self.pairing.pairing())]
        onnx, scripts = self._by_kind()
        kinds = (("-w", self.weights.paths), ("--outputs", self.outputs.paths), ("--onnx", onnx))
        for flag, paths in (*kinds, ("--torchscript", scripts)):
            if paths:
                words += [flag, *(str(path.absolute()) for path in paths)]
        if self.masks.isChecked():
            words.append("--masks")
        networks = dict.fromkeys(filter(None, map(_network_of, self.weights.paths)))
        return (*words, *(("--network", *networks) if networks else ()))

    def problem(self) -> str:
        """Return why the evaluation cannot start, "" if nothing is missing."""
        return self._problem()[1]

    def _problem(self) -> tuple[str, str]:
        """Return the field that keeps an evaluation from starting, "" for none of them, and why."""
        onnx, scripts = self._by_kind()
        others = self.outputs.paths or self.networks.paths
        try:
            if self.weights.paths or scripts or not others:
                require_torch()
        except RaincleanError as error:
            return "", f"{error}, then restart rainclean."
        if onnx and find_spec("onnxruntime") is None:
            return "", "ONNX files need onnxruntime: pip install 'rainclean[onnx]', then restart rainclean."
        if self.dataset.path is None:
            return "dataset", "Choose the folder of a data set with test pairs."
        if wrong := typed_paths.problem_of(self.dataset.path, "folder"):
            return "dataset", wrong
        if (pairing := self.pairing.problem())[1]:
            return pairing
        kinds: tuple[tuple[str, PathField, typed_paths.Want], ...] = (
            ("weights", self.weights, "file"), ("outputs", self.outputs, "folder"),
            ("networks", self.networks, "file"),
        )  # fmt: skip
        for name, field, want in kinds:
            for path in field.paths:
                if wrong := typed_paths.problem_of(path, want):
                    return name, wrong
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
        empty = {name for name in self.errors if self._is_empty(name)}
        show_errors(self.errors, wrong, problem, empty)
        alone = not (self.outputs.paths or self.networks.paths)
        self.weights.edit.setPlaceholderText("Shipped weights" if alone else "")
        self.status.set_look("bad" if problem and not wrong else "faint")
        self.status.setText(
            problem
            if problem and not wrong
            else "Scores every test pair by four protocols. An earlier evaluation in the output folder is replaced."
        )
        self.evaluate_button.setEnabled(not problem)

    def _by_kind(self) -> tuple[list[Path], list[Path]]:
        """Return the chosen ONNX files, and the others, which are TorchScript."""
        onnx = [path for path in self.networks.paths if path.suffix.lower() == ".onnx"]
        return onnx, [path for path in self.networks.paths if path not in onnx]

    def _is_empty(self, name: str) -> bool:
        """Return whether a field is empty: the line below says what is missing, and nothing is wrong yet."""
        if name in self.pairing.errors:
            return self.pairing.is_empty(name)
        return getattr(self, name).path is None

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


def _network_of(weights: Path) -> str:
    """Return the network that weights are of; "" for SPANet. Reads the header alone."""
    try:
        record = network_of(weights)
    except InputError:
        return ""  # the evaluation says what is wrong with the file
    return "" if record is None else record.factory
