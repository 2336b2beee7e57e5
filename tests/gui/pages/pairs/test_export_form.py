"""The form of an export, and how large thumbnails may be."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from gui.pages.pairs.export_form import ExportForm
from gui.pages.pairs.pair_reading import LIMIT, SMALLEST, WIDTH, thumbnail_width
from gui.pages.pairs.plain_choices import crops_code, crops_text, frames_code, frames_text, split_code, split_text
from gui.widgets import dialogs
from rainclean.dataset import LAYOUTS
from rainclean.dataset.pairs import CropChoice
from rainclean.video import Region


def test_the_form_is_the_command_and_is_remembered(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    form = ExportForm(settings)
    qtbot.addWidget(form)
    form.open(tmp_path / "rain", "one")
    assert form.arguments() == [
        "export", str(tmp_path / "rain"), "-o", str(tmp_path / "rain-export"), "--layout", "spa", "--frames",
        "differ:10", "--crops", "whole",
    ]  # fmt: skip
    form.layout_name.setCurrentIndex(form.layout_name.findData("paired"))
    form.frames.setCurrentText("every:3")
    form.crops.setCurrentText("random:64:2")
    form.min_rain.setValue(5)
    form.max_excluded.setValue(20)
    form.max_error.setValue(2.5)
    form.split.setText("75 % train, 25% val")
    form.seed.setValue(11)
    form.person_only.setChecked(True)
    form.preview.click()
    monkeypatch.setattr(dialogs, "choose", lambda *_: [tmp_path / "data set"])
    form.browse.click()
    words = form.arguments()
    assert words[words.index("--min-rain") :] == [
        "--min-rain", "0.05", "--max-excluded", "0.2", "--max-error", "2.5", "--split", "train=0.75,val=0.25", "--seed",
        "11", "--person-only", "--preview",
    ]  # fmt: skip
    asked = form.settings()
    assert (
        asked is not None
        and asked.max_error == 2.5
        and asked.crops == CropChoice("random", (64, 64), count=2, seed=11, smallest_rain_share=0.05, most_excluded=0.2)
    )
    assert (asked.layout, asked.seed, asked.person_only, asked.preview) == ("paired", 11, True, True)
    again = ExportForm(settings)
    qtbot.addWidget(again)
    again.open(tmp_path / "other", "two")
    assert again.frames.currentText() == "10 frames that differ most in rain"
    again.open(tmp_path / "rain", "one")
    assert again.arguments() == words
    settings.setValue("export/one", "{]")
    again.open(tmp_path / "rain", "one")
    assert again.frames.currentText() == "10 frames that differ most in rain" and again.check() == ""


def test_the_form_speaks_plain_words(qtbot: QtBot, tmp_path: Path) -> None:
    form = ExportForm(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(form)
    form.open(tmp_path / "rain", "one")
    shown = [form.layout_name.currentText(), form.frames.currentText(), form.crops.currentText(), form.min_rain.text()]
    assert shown == [
        "SPA-Data (SPANet, RCDNet)", "10 frames that differ most in rain", "Whole image", "0 % of the pixels",
    ]  # fmt: skip
    form.min_rain.setValue(2.5)
    assert form.min_rain.text() == "2.5 % of the pixels" and form.export().min_rain == 0.025
    edit = form.frames.lineEdit()
    assert edit is not None
    edit.selectAll()
    qtbot.keyClicks(edit, "every:3")
    assert form.export().frames == "every:3"
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert edit.text() == "Every 3rd frame" and form.export().frames == "every:3" and form.check() == ""


def test_each_layout_is_described_and_its_folders_can_be_named(qtbot: QtBot, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    form = ExportForm(settings)
    qtbot.addWidget(form)
    form.open(tmp_path / "rain", "one")
    assert [form.layout_name.itemData(number) for number in range(form.layout_name.count())] == list(LAYOUTS)
    for name, layout in LAYOUTS.items():
        form.layout_name.setCurrentIndex(form.layout_name.findData(name))
        assert form.description.text() == layout.description != ""
        assert form.layout_name.currentText() == layout.label != ""
        assert form.sides.isHidden() == (not layout.sides) and "--sides" not in form.arguments()
    form.layout_name.setCurrentIndex(form.layout_name.findData("paired"))
    form.sides.setCurrentText("rain and norain")
    words = form.arguments()
    assert words[words.index("--sides") + 1] == "rain,norain"
    asked = form.settings()
    assert asked is not None and asked.sides == "rain,norain"
    again = ExportForm(settings)
    qtbot.addWidget(again)
    again.open(tmp_path / "rain", "one")
    assert again.arguments() == words
    again.layout_name.setCurrentIndex(again.layout_name.findData("spa"))
    assert "--sides" not in again.arguments() and again.settings() is not None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("all", "All frames"),
        ("every:1", "Every 1st frame"),
        ("every:12", "Every 12th frame"),
        ("every:22", "Every 22nd frame"),
        ("differ:1", "1 frame that differs most in rain"),
        ("differ:20", "20 frames that differ most in rain"),
    ],
)
def test_frames_in_words_and_back(code: str, text: str) -> None:
    assert frames_text(code) == text and frames_code(text) == code == frames_code(f" {code} ")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("whole", "Whole image"),
        ("grid:512", "Squares of 512 px"),
        ("grid:640x480:320x240", "Rectangles of 640×480 px, every 320×240 px"),
        ("grid:512:256", "Squares of 512 px, every 256 px"),
        ("random:512:8", "8 random squares of 512 px"),
        ("random:64x32:1", "1 random rectangle of 64×32 px"),
    ],
)
def test_crops_in_words_and_back(code: str, text: str) -> None:
    assert crops_text(code) == text and crops_code(text) == code == crops_code(f" {code} ")


@pytest.mark.parametrize("text", ["", "some", "differ:", "grid:x", "random:4", "every:5:6", "10 frames"])
def test_what_is_no_choice_stays_as_it_was_typed(text: str) -> None:
    assert frames_text(text) == frames_code(text) == crops_text(text) == crops_code(text) == text


def test_thumbnails_of_any_sequence_fit_into_memory() -> None:
    wide = Region(0, 0, 3840, 2160)
    assert thumbnail_width(100, wide) == WIDTH
    for number in (3000, 20000):
        width = thumbnail_width(number, wide)
        assert SMALLEST <= width < WIDTH and number * 3 * width * round(width * 2160 / 3840) <= 1.1 * LIMIT
    assert thumbnail_width(10, Region(0, 0, 40, 30)) == 40


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("train=0.8,test=0.2", "80 % train, 20 % test"),
        ("val=1", "100 % val"),
        ("train=0.855,val=0.145", "85.5 % train, 14.5 % val"),
    ],
)
def test_shares_in_words(code: str, text: str) -> None:
    assert split_text(code) == text and split_code(text) == code and split_code(code) == code


def test_what_is_no_shares_stays() -> None:
    assert [split_text(text) for text in ("", "80/20", "train=0")] == ["", "80/20", "train=0"]
    assert split_text("train=3,val=1") == "75 % train, 25 % val"
    assert split_code("80 % train and more") == "train and more=0.8"  # the form says that it is no split
