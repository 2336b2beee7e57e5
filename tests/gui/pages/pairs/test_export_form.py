"""The form of an export, and how large thumbnails may be."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from gui.pages.pairs.export_form import ExportForm
from gui.pages.pairs.pair_reading import LIMIT, SMALLEST, WIDTH, thumbnail_width
from gui.widgets import dialogs
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
    form.layout_name.setCurrentText("paired")
    form.frames.setCurrentText("every:3")
    form.crops.setCurrentText("random:64:2")
    form.min_rain.setValue(0.05)
    form.max_excluded.setValue(0.2)
    form.max_error.setValue(2.5)
    form.split.setText("train=3,val=1")
    form.seed.setValue(11)
    form.person_only.setChecked(True)
    monkeypatch.setattr(dialogs, "choose", lambda *_: [tmp_path / "data set"])
    form.browse.click()
    words = form.arguments()
    assert words[words.index("--min-rain") :] == [
        "--min-rain", "0.05", "--max-excluded", "0.2", "--max-error", "2.5", "--split", "train=3,val=1", "--seed",
        "11", "--person-only",
    ]  # fmt: skip
    asked = form.settings()
    assert (
        asked is not None
        and asked.max_error == 2.5
        and asked.crops == CropChoice("random", (64, 64), count=2, seed=11, smallest_rain_share=0.05, most_excluded=0.2)
    )
    assert (asked.layout, asked.seed, asked.person_only) == ("paired", 11, True)
    again = ExportForm(settings)
    qtbot.addWidget(again)
    again.open(tmp_path / "other", "two")
    assert again.frames.currentText() == "differ:10"
    again.open(tmp_path / "rain", "one")
    assert again.arguments() == words
    settings.setValue("export/one", "{]")
    again.open(tmp_path / "rain", "one")
    assert again.frames.currentText() == "differ:10" and again.check() == ""


def test_thumbnails_of_any_sequence_fit_into_memory() -> None:
    wide = Region(0, 0, 3840, 2160)
    assert thumbnail_width(100, wide) == WIDTH
    for number in (3000, 20000):
        width = thumbnail_width(number, wide)
        assert SMALLEST <= width < WIDTH and number * 3 * width * round(width * 2160 / 3840) <= 1.1 * LIMIT
    assert thumbnail_width(10, Region(0, 0, 40, 30)) == 40
