"""What an export is asked for: the command's own flags as fields, with the command's own words where one is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    QVBoxLayout,
    QWidget,
)

from gui.widgets import Label, dialogs
from rainclean.dataset import LAYOUTS
from rainclean.errors import RaincleanError

if TYPE_CHECKING:
    from pipeline.cli.export import Export
    from pipeline.export import ExportSettings

FRAMES = ("differ:10", "differ:20", "every:5", "every:25", "all")
CROPS = ("whole", "grid:512", "grid:512:256", "random:512:8")

_TIPS = {
    "layout": "How pairs stand in folders and lists: spa for SPANet and RCDNet, paired for Restormer, MPRNet, NAFNet",
    "frames": "all, every:5 (each 5th) or differ:10 (the 10 that differ most in rain amount). Frames that were chosen "
    "by hand on the strip go before this.",
    "crops": "whole, grid:512 (size), grid:512:256 (size, stride) or random:512:8 (size, crops a frame); 640x480 for "
    "others than squares",
    "min_rain": "Leave out crops in which a smaller share of the pixels holds rain, 0 to 1",
    "max_excluded": "Largest share of a crop that may be excluded, 0 to 1; where things were found to move, at least "
    "0.25 may. Whole frames are taken anyway, with their mask.",
    "split": "Shares of the scenes, in any unit; a scene is in one split only. Empty: as the layout has it.",
    "seed": "Draws the split and random crops",
    "person_only": "Leave out what was chosen automatically",
    "keep_moving": "Exclude nothing but what a person marked. Otherwise places where the clean image is in doubt, as "
    "something moves there, and what passes in a rainy frame are excluded, too",
    "max_error": "Exclude pixels of the clean image whose expected error is above so many grey levels; 0: none",
    "no_confidence": "Write no pictures of how far off each pixel of the clean image may be",
    "output": "Folder to write to; an earlier export there is replaced",
}


class ExportForm(QWidget):
    """The fields, remembered per project. changed: a person has changed one.

    settings: where they are remembered.
    """

    changed = Signal()

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self._settings = settings
        self._key = ""
        self._project = Path()
        self.layout_name, self.frames, self.crops = QComboBox(), QComboBox(editable=True), QComboBox(editable=True)
        self.layout_name.addItems(list(LAYOUTS))
        self.frames.addItems(FRAMES)
        self.crops.addItems(CROPS)
        self.min_rain, self.max_excluded = _share_box(), _share_box()
        self.max_error = QDoubleSpinBox(maximum=255.0, singleStep=0.5, decimals=1, suffix=" levels")
        self.max_error.setSpecialValueText("none")
        self.split = QLineEdit(clearButtonEnabled=True)
        self.seed = QSpinBox(maximum=2**31 - 1)
        self.person_only = QCheckBox("only what a person decided")
        self.keep_moving = QCheckBox("exclude only what a person marked")
        self.no_confidence = QCheckBox("no confidence pictures")
        self.output = QLineEdit()
        self.browse = QPushButton("Browse…")
        self.browse.setToolTip("Choose the folder to write to")
        self.errors: dict[str, Label] = {}
        self._lay_out()
        self._connect()

    def open(self, project: Path, uuid: str) -> None:
        """Show what was asked for of this project last, or what the command does by itself."""
        self._key, self._project = f"export/{uuid}", project
        values: dict[str, Any] = {
            "layout": "spa", "frames": FRAMES[0], "crops": CROPS[0], "min_rain": 0.0, "max_excluded": 0.0,
            "max_error": 0.0, "split": "", "seed": 0, "person_only": False, "keep_moving": False,
            "no_confidence": False, "output": str(project.with_name(f"{project.name}-export")),
        }  # fmt: skip
        try:
            self._fill(values | json.loads(str(self._settings.value(self._key, "{}"))))
        except (ValueError, TypeError):
            # Edited by hand, or by a later version: the command's own values instead.
            self._fill(values)
        self.check()

    def export(self) -> "Export":
        """The command that the fields stand for."""
        from pipeline.cli.export import Export

        return Export(
            project=self._project,
            output=self.folder,
            layout=self.layout_name.currentText(),
            frames=self.frames.currentText().strip(),
            crops=self.crops.currentText().strip(),
            min_rain=self.min_rain.value(),
            max_excluded=self.max_excluded.value(),
            max_error=self.max_error.value() or None,
            split=self.split.text().strip() or None,
            seed=self.seed.value(),
            person_only=self.person_only.isChecked(),
            keep_moving=self.keep_moving.isChecked(),
            no_confidence=self.no_confidence.isChecked(),
        )

    @property
    def folder(self) -> Path:
        """Folder to write to; a relative one is beside the project."""
        return self._project.parent / Path(self.output.text().strip()).expanduser()

    def words(self) -> list[str]:
        """The command's words, without `rainclean`; what is as the command has it anyway is left out."""
        asked, usual = self.export(), type(self.export())(project=self._project)
        words = ["export", str(self._project), "-o", str(asked.output), "--layout", asked.layout]
        words += ["--frames", asked.frames, "--crops", asked.crops]
        for flag in ("min_rain", "max_excluded", "max_error", "split", "seed"):
            value = getattr(asked, flag)
            if value != getattr(usual, flag):
                words += [f"--{flag.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
        return words + [f"--{name.replace('_', '-')}" for name in self._boxes() if getattr(asked, name)]

    def settings(self) -> "ExportSettings | None":
        """What the fields ask for, None where one of them is wrong."""
        return None if self.check() else self.export().settings()

    def check(self) -> str:
        """Say beside each field what is wrong with it; returns the first of these, or ""."""
        asked = self.export()
        layout = LAYOUTS[asked.layout]
        self.split.setPlaceholderText(_usual_split(asked.layout))
        found = {
            "frames": _said(lambda: _parse_frames(asked.frames)),
            "crops": _said(lambda: _parse_crops(asked.crops)),
            "split": _said(lambda: _parse_split(asked.split, layout.check_splits)),
            "output": "" if self.output.text().strip() else "name a folder to write to",
        }
        for field, label in self.errors.items():
            label.setText(found[field])
            label.setVisible(bool(found[field]))
        return next(filter(None, found.values()), "")

    def _fill(self, values: dict[str, Any]) -> None:
        for widget in self._widgets():
            widget.blockSignals(True)
        try:
            self.layout_name.setCurrentText(str(values["layout"]))
            self.frames.setCurrentText(str(values["frames"]))
            self.crops.setCurrentText(str(values["crops"]))
            self.min_rain.setValue(float(values["min_rain"]))
            self.max_excluded.setValue(float(values["max_excluded"]))
            self.max_error.setValue(float(values["max_error"]))
            self.split.setText(str(values["split"]))
            self.seed.setValue(int(values["seed"]))
            for name, box in self._boxes().items():
                box.setChecked(bool(values[name]))
            self.output.setText(str(values["output"]))
        finally:
            for widget in self._widgets():
                widget.blockSignals(False)

    def _changed(self) -> None:
        if not self._key:
            return
        asked = self.export()
        values = {
            "layout": asked.layout, "frames": asked.frames, "crops": asked.crops, "min_rain": asked.min_rain,
            "max_excluded": asked.max_excluded, "max_error": self.max_error.value(), "split": asked.split or "",
            "seed": asked.seed, "output": self.output.text().strip(),
            **{name: getattr(asked, name) for name in self._boxes()},
        }  # fmt: skip
        self._settings.setValue(self._key, json.dumps(values))
        self.check()
        self.changed.emit()

    def _browse(self) -> None:
        start = Path(self.output.text().strip() or self.folder.parent).expanduser()
        for folder in dialogs.choose(self, "Folder for the data set", "new folder", start):
            self.output.setText(str(folder))

    def _boxes(self) -> dict[str, QCheckBox]:
        """The flags that are on or off, by name."""
        return {name: getattr(self, name) for name in ("person_only", "keep_moving", "no_confidence")}

    def _widgets(self) -> tuple[QWidget, ...]:
        return (
            self.layout_name, self.frames, self.crops, self.min_rain, self.max_excluded, self.max_error, self.split,
            self.seed, *self._boxes().values(), self.output,
        )  # fmt: skip

    def _connect(self) -> None:
        for box in (self.layout_name, self.frames, self.crops):
            box.currentTextChanged.connect(self._changed)
        for number in (self.min_rain, self.max_excluded, self.max_error, self.seed):
            number.valueChanged.connect(self._changed)
        for line in (self.split, self.output):
            line.textChanged.connect(self._changed)
        for flag in self._boxes().values():
            flag.toggled.connect(self._changed)
        self.browse.clicked.connect(self._browse)

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        output = QWidget()
        row = QHBoxLayout(output)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.output, 1)
        row.addWidget(self.browse)
        for key, label, field, shown in (
            ("layout", "Layout", self.layout_name, self.layout_name),
            ("frames", "Frames", self.frames, self.frames),
            ("crops", "Crops", self.crops, self.crops),
            ("min_rain", "Least rain", self.min_rain, self.min_rain),
            ("max_excluded", "Most excluded", self.max_excluded, self.max_excluded),
            ("max_error", "Largest error", self.max_error, self.max_error),
            ("split", "Split", self.split, self.split),
            ("seed", "Seed", self.seed, self.seed),
            *((name, "", box, box) for name, box in self._boxes().items()),
            ("output", "Folder", self.output, output),
        ):
            field.setAccessibleName(label or field.property("text"))
            field.setToolTip(_TIPS[key])
            named = Label(label)
            named.setToolTip(_TIPS[key])
            named.setBuddy(field)
            form.addRow(named, self._with_error(key, shown))

    def _with_error(self, key: str, shown: QWidget) -> QWidget:
        if key not in ("frames", "crops", "split", "output"):
            return shown
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self.errors[key] = Label(wordWrap=True)
        self.errors[key].setStyleSheet("color: #d0453d")
        self.errors[key].hide()
        column.addWidget(shown)
        column.addWidget(self.errors[key])
        return whole


def _share_box() -> QDoubleSpinBox:
    return QDoubleSpinBox(minimum=0.0, maximum=1.0, singleStep=0.01, decimals=3)


def _said(parse: Callable[[], object]) -> str:
    """What is wrong with a value, in the words of whoever reads it; "" where nothing is."""
    try:
        parse()
    except RaincleanError as error:
        return str(error)
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
