"""The form of an export: the command's flags as fields, with the command's own message beside a wrong one."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from gui.command_buttons import in_window
from gui.design import GAP, sized
from gui.pages.pairs.percent_box import PercentBox
from gui.pages.pairs.plain_choices import (
    crops_code,
    crops_text,
    frames_code,
    frames_text,
    split_code,
    split_text,
)
from gui.widgets import Form, Label, WrappedLabel, dialogs, named, typed_paths
from rainclean.dataset import LAYOUTS
from rainclean.errors import RaincleanError

if TYPE_CHECKING:
    from pipeline.cli.export import Export
    from pipeline.export import ExportSettings

FRAMES = ("differ:10", "differ:20", "every:5", "every:25", "all")
"""Choices of frames that are offered, as the command has them."""

CROPS = ("whole", "grid:512", "grid:512:256", "random:512:8")
"""Choices of crops that are offered, as the command has them."""

_TIPS = {
    "layout": "Choose how the pairs are arranged: each trainer reads one of these layouts",
    "sides": "Choose the names of the two folders: input and target for most trainers, input and gt for SCD-Former "
    "(LHP-Rain), rain and norain for the test loader of RCDNet",
    "frames": "Choose the rainy frames of each sequence. Change the number in the text, or type all, every:5 or "
    "differ:10. Frames chosen by hand on the strip take precedence.",
    "crops": "Choose what is cut out of each frame, in px. Change the numbers in the text, or type whole, grid:512 "
    "(size), grid:512:256 (size, stride) or random:512:8 (size, crops per frame). Write 640x480 for a crop that is "
    "not square.",
    "min_rain": "Leave out crops with rain on a smaller share of their pixels, 0 to 100 %",
    "max_excluded": "Leave out crops with a larger excluded share, 0 to 100 %. Where moving objects were found, at "
    "least 25 % is allowed. Whole images are always exported, with their exclusion mask.",
    "split": "Set the shares of the scenes per split, such as 75 % train, 25 % val. A scene is in one split only. "
    "Empty: the layout's own shares.",
    "seed": "Set the random seed of the split and of random crops. The same seed makes the same export.",
    "person_only": "Leave out sequences that were accepted automatically",
    "keep_moving": "Exclude only areas that a person marked. Otherwise areas of the clean image where something moves, "
    "and foreground objects in a rainy frame, are excluded, too.",
    "max_error": "Exclude pixels of the clean image with a larger expected error, in grey levels of 0 to 255",
    "no_confidence": "Leave out the images of the expected error of each pixel",
    "preview": "Write an animation (WebP, GIF, MP4) and a contact sheet of each scene to preview/, for papers "
    "and pages",
    "output": "Choose the folder to write to; an earlier export in it is replaced",
}

_HEADS = {"layout": "What to export", "min_rain": "What to leave out", "split": "Split", "output": "Where"}
"""First field of a group → the head of the group."""


_CODES = re.compile(r"^(.* is no choice of (?:frames|crops)): use .*", re.DOTALL)
"""A message that lists the command's codes: the window's own list is in plain words."""


_CODE_OF_SHARES = "train=0.8,test=0.2"
"""The example in the command's message."""


@dataclass(frozen=True, kw_only=True)
class _Values:
    """The fields of a project's last export, as the settings store them."""

    output: str
    layout: str = "spa"
    sides: str = ""
    frames: str = FRAMES[0]
    crops: str = CROPS[0]
    min_rain: float = 0.0
    max_excluded: float = 0.0
    max_error: float = 0.0
    split: str = ""
    seed: int = 0
    person_only: bool = False
    keep_moving: bool = False
    no_confidence: bool = False
    preview: bool = False

    def updated(self, text: str) -> "_Values":
        """Return these values with those of a stored JSON text in their place.

        Raises:
            ValueError, TypeError: for a text that was edited by hand, or written by a later version.
        """
        values = asdict(self) | json.loads(text)
        return _Values(
            output=str(values["output"]),
            layout=str(values["layout"]),
            sides=str(values["sides"]),
            frames=str(values["frames"]),
            crops=str(values["crops"]),
            min_rain=float(values["min_rain"]),
            max_excluded=float(values["max_excluded"]),
            max_error=float(values["max_error"]),
            split=str(values["split"]),
            seed=int(values["seed"]),
            person_only=bool(values["person_only"]),
            keep_moving=bool(values["keep_moving"]),
            no_confidence=bool(values["no_confidence"]),
            preview=bool(values["preview"]),
        )


class _Row(NamedTuple):
    """One row of the form: the flag's name, its label, the field, and the widget that the field is shown in."""

    key: str
    label: str
    field: QWidget
    widget: QWidget


class ExportForm(QWidget):
    """Show the fields, remembered per project.

    Signal `changed`: a person has changed a field.

    Args:
        settings: where the fields are remembered.
    """

    changed = Signal()

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self._settings = settings
        self._key = ""
        self._project = Path()
        self.layout_name, self.frames, self.crops = QComboBox(), QComboBox(editable=True), QComboBox(editable=True)
        for name, each in LAYOUTS.items():
            self.layout_name.addItem(each.label or name, name)
        self.description, self.sides = WrappedLabel(look="faint"), QComboBox()
        self.frames.addItems([frames_text(code) for code in FRAMES])
        self.crops.addItems([crops_text(code) for code in CROPS])
        for box in (self.layout_name, self.sides, self.frames, self.crops):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
        self.min_rain, self.max_excluded = PercentBox(), PercentBox()
        self.max_error = QDoubleSpinBox(maximum=255.0, singleStep=0.5, decimals=1, suffix=" grey levels")
        self.max_error.setSpecialValueText("No limit")
        self.split = QLineEdit(clearButtonEnabled=True)
        self.seed = QSpinBox(maximum=2**31 - 1)
        self.person_only = QCheckBox("Only sequences accepted by a person")
        self.keep_moving = QCheckBox("Exclude only areas marked by a person")
        self.no_confidence = QCheckBox("No confidence images")
        self.preview = QCheckBox("Animations and contact sheets")
        self.output = QLineEdit()
        self.browse = QPushButton("Browse…")
        self.browse.setToolTip("Choose the folder to write to")
        self.errors: dict[str, WrappedLabel] = {}
        self._lay_out()
        self._connect()

    def open(self, project: Path, uuid: str) -> None:
        """Show what was last asked for of a project, or the command's defaults.

        Args:
            project: its folder.
            uuid: its id, under which the fields are remembered.
        """
        self._key, self._project = f"export/{uuid}", project
        values = _Values(output=str(typed_paths.beside(project, "-export") or ""))
        # Edited by hand, or by a later version: the command's defaults instead.
        with suppress(ValueError, TypeError):
            values = values.updated(str(self._settings.value(self._key, "{}")))
        self._fill(values)
        self.check()

    def export(self) -> "Export":
        """Return the command with the values of the fields."""
        from pipeline.cli.export import Export

        return Export(
            project=self._project,
            output=self.folder,
            layout=str(self.layout_name.currentData()),
            sides=self.sides.currentData() or None,
            frames=frames_code(self.frames.currentText()),
            crops=crops_code(self.crops.currentText()),
            min_rain=self.min_rain.fraction,
            max_excluded=self.max_excluded.fraction,
            max_error=self.max_error.value() or None,
            split=split_code(self.split.text()) or None,
            seed=self.seed.value(),
            person_only=self.person_only.isChecked(),
            keep_moving=self.keep_moving.isChecked(),
            no_confidence=self.no_confidence.isChecked(),
            preview=self.preview.isChecked(),
        )

    @property
    def folder(self) -> Path:
        """The folder to write to; a relative one is beside the project."""
        return self._project.parent / typed_paths.typed_path(self.output.text().strip())

    def arguments(self) -> list[str]:
        """Return the command's arguments, without `rainclean` and without most defaults."""
        asked, usual = self.export(), type(self.export())(project=self._project)
        arguments = ["export", str(self._project), "-o", str(asked.output), "--layout", asked.layout]
        arguments += ["--frames", asked.frames, "--crops", asked.crops]
        for flag in ("sides", "min_rain", "max_excluded", "max_error", "split", "seed"):
            value = getattr(asked, flag)
            if value != getattr(usual, flag):
                arguments += [f"--{flag.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
        return arguments + [f"--{name.replace('_', '-')}" for name in self._boxes() if getattr(asked, name)]

    def settings(self) -> "ExportSettings | None":
        """Return the settings of the export; None if a field is wrong."""
        return None if self.check() else self.export().settings()

    def check(self) -> str:
        """Show beside each field what is wrong with it.

        Returns:
            The first of these messages, "" if all fields are right.
        """
        asked = self.export()
        layout = LAYOUTS[asked.layout]
        self.split.setPlaceholderText(split_text(_usual_split(asked.layout)))
        messages = {
            "frames": _message(lambda: _parse_frames(asked.frames)),
            "crops": _message(lambda: _parse_crops(asked.crops)),
            "split": _message(lambda: _parse_split(asked.split, layout.check_splits)),
            "output": (
                typed_paths.problem_of_new(self.folder) if self.output.text().strip() else "Choose a folder to write to"
            ),
        }
        for field, label in self.errors.items():
            label.setText(messages[field])
            label.setVisible(bool(messages[field]))
        return next(filter(None, messages.values()), "")

    def refusal(self) -> str:
        """Return which field must be corrected before an export, "" for none. The message is beside the field."""
        self.check()
        wrong = next((field for field, label in self.errors.items() if label.text()), "")
        return f"Correct the field “{getattr(self, wrong).accessibleName()}” first." if wrong else ""

    def set_folder(self, folder: Path) -> None:
        """Fill in the folder to write to, such as that of an earlier export."""
        self.output.setText(str(folder))

    def _fill(self, values: _Values) -> None:
        for widget in self._widgets():
            widget.blockSignals(True)
        try:
            self.layout_name.setCurrentIndex(max(0, self.layout_name.findData(values.layout)))
            self._show_layout()
            self.sides.setCurrentIndex(max(0, self.sides.findData(values.sides)))
            self.frames.setCurrentText(frames_text(values.frames))
            self.crops.setCurrentText(crops_text(values.crops))
            self.min_rain.set_fraction(values.min_rain)
            self.max_excluded.set_fraction(values.max_excluded)
            self.max_error.setValue(values.max_error)
            self.split.setText(split_text(values.split))
            self.seed.setValue(values.seed)
            for name, box in self._boxes().items():
                box.setChecked(getattr(values, name))
            self.output.setText(values.output)
            self._show_beginnings()
        finally:
            for widget in self._widgets():
                widget.blockSignals(False)

    def _show_layout(self) -> None:
        """Describe the chosen layout, and offer the names that its two folders can have."""
        layout = LAYOUTS[str(self.layout_name.currentData())]
        self.description.setText(layout.description)
        self.description.setVisible(bool(layout.description))
        self.sides.blockSignals(True)
        self.sides.clear()
        for number, sides in enumerate(layout.sides):
            self.sides.addItem(" and ".join(sides), ",".join(sides) if number else "")
        self.sides.blockSignals(False)
        self._form.setRowVisible(self.sides, bool(layout.sides))

    def _show_beginnings(self) -> None:
        """Show a long choice from its beginning."""
        for box in (self.frames, self.crops):
            edit = box.lineEdit()
            if edit is not None:
                edit.setCursorPosition(0)

    def _changed(self) -> None:
        if not self._key:
            return
        asked = self.export()
        values = _Values(
            output=self.output.text().strip(),
            layout=asked.layout,
            sides=asked.sides or "",
            frames=asked.frames,
            crops=asked.crops,
            min_rain=asked.min_rain,
            max_excluded=asked.max_excluded,
            max_error=self.max_error.value(),
            split=asked.split or "",
            seed=asked.seed,
            person_only=asked.person_only,
            keep_moving=asked.keep_moving,
            no_confidence=asked.no_confidence,
            preview=asked.preview,
        )
        self._settings.setValue(self._key, json.dumps(asdict(values)))
        self.check()
        self.changed.emit()

    def _browse(self) -> None:
        start = self.folder if self.output.text().strip() else self._project.parent
        for folder in dialogs.choose(self, "Folder for the data set", "new folder", start):
            self.output.setText(str(folder))

    def _boxes(self) -> dict[str, QCheckBox]:
        """Return the check boxes by the names of their flags."""
        return {name: getattr(self, name) for name in ("person_only", "keep_moving", "no_confidence", "preview")}

    def _widgets(self) -> tuple[QWidget, ...]:
        return (
            self.layout_name, self.sides, self.frames, self.crops, self.min_rain, self.max_excluded, self.max_error,
            self.split, self.seed, *self._boxes().values(), self.output,
        )  # fmt: skip

    def _connect(self) -> None:
        self.layout_name.currentTextChanged.connect(self._show_layout)
        for box in (self.layout_name, self.sides, self.frames, self.crops):
            box.currentTextChanged.connect(self._changed)
        for number in (self.min_rain, self.max_excluded, self.max_error, self.seed):
            number.valueChanged.connect(self._changed)
        for line in (self.split, self.output):
            line.textChanged.connect(self._changed)
        for box, plain in (
            (self.frames, lambda text: frames_text(frames_code(text))),
            (self.crops, lambda text: crops_text(crops_code(text))),
        ):
            edit = box.lineEdit()
            assert edit is not None
            edit.editingFinished.connect(partial(_spell_out, box, plain))
        for flag in self._boxes().values():
            flag.toggled.connect(self._changed)
        for choice in (self.frames, self.crops):
            choice.activated.connect(self._show_beginnings)
        self.browse.clicked.connect(self._browse)

    def _lay_out(self) -> None:
        form = self._form = Form(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(GAP)
        output = QWidget()
        row = QHBoxLayout(output)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.output, 1)
        row.addWidget(self.browse)
        for each in (
            _Row("layout", "Layout", self.layout_name, self.layout_name),
            _Row("sides", "Folder names", self.sides, self.sides),
            _Row("frames", "Frames", self.frames, self.frames),
            _Row("crops", "Crops", self.crops, self.crops),
            _Row("preview", "", self.preview, self.preview),
            _Row("min_rain", "Minimum rain", self.min_rain, self.min_rain),
            _Row("max_excluded", "Maximum excluded", self.max_excluded, self.max_excluded),
            _Row("max_error", "Maximum error", self.max_error, self.max_error),
            *(_Row(name, "", box, box) for name, box in self._boxes().items() if name != "preview"),
            _Row("split", "Shares", self.split, self.split),
            _Row("seed", "Random seed", self.seed, self.seed),
            _Row("output", "Folder", self.output, output),
        ):
            if each.key in _HEADS:
                head = Label(_HEADS[each.key])
                head.setFont(sized("body", bold=True))
                head.setContentsMargins(0, 0 if each.key == "layout" else GAP, 0, 0)
                form.addRow(head)
            named(each.field, each.label or each.field.property("text"), _TIPS[each.key])
            if not each.label:  # a check box has its label in itself, and is long
                form.addRow(each.widget)
                continue
            if each.key == "layout":
                form.add_field(each.label, each.widget, self.description, each.field)
            elif each.key in ("frames", "crops", "split", "output"):
                line = self.errors[each.key] = WrappedLabel(name=f"Problem of {each.label.lower()}", look="bad")
                line.hide()
                form.add_field(each.label, each.widget, line, each.field)
            else:
                label = Label(each.label)
                label.setToolTip(_TIPS[each.key])
                label.setBuddy(each.field)
                form.addRow(label, each.widget)


def _spell_out(box: QComboBox, plain: Callable[[str], str]) -> None:
    """Show a typed code in words."""
    if box.currentText() != (text := plain(box.currentText())):
        box.setCurrentText(text)
    edit = box.lineEdit()
    if edit is not None:
        edit.setCursorPosition(0)


def _message(parse: Callable[[], object]) -> str:
    """Return the error of a parser, "" if it has none."""
    try:
        parse()
    except RaincleanError as error:
        # The parser repeats what was typed, however long that is.
        text = in_window(" ".join(map(typed_paths.without_middle, str(error).split(" "))))
        text = _CODES.sub(r"\1. Choose one from the list; its number can be changed.", text)
        return text.replace(_CODE_OF_SHARES, split_text(_CODE_OF_SHARES))
    return ""


def _parse_frames(text: str) -> None:
    from rainclean.dataset import FrameChoice

    FrameChoice.parse(text)


def _parse_crops(text: str) -> None:
    from rainclean.dataset import CropChoice

    CropChoice.parse(text)


def _parse_split(text: str | None, check_splits: Callable[[dict[str, float]], None]) -> None:
    from pipeline.cli.values import parse_shares
    from rainclean.dataset import split_scenes

    if text is not None:
        shares = parse_shares(text, "split")
        check_splits(shares)
        split_scenes((), shares, 0)


def _usual_split(layout: str) -> str:
    from pipeline.export import ExportSettings

    return ",".join(f"{split}={share:g}" for split, share in ExportSettings(layout).split_shares().items())
