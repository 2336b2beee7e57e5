"""Names in any script: as files are called, selectable as typed, and never two that look like one."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from pipeline.project.clips.naming import looks, name_of, unused
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.storage.database import Project
from pipeline.text_format import columns
from rainclean.errors import InputError
from tests.conftest import Run
from tests.helpers.rainy_clips import rainy_clip

NAMES = {
    "雨天街道.mp4": "雨天街道",
    "شارع ممطر.mkv": "شارع-ممطر",
    "می‌بارد.mp4": "می‌بارد",
    "वर्षा.mp4": "वर्षा",
    "👨‍👩‍👧 in rain ☔️.mp4": "👨‍👩‍👧-in-rain-☔️",
    "Größe 100% (1).mkv": "Größe-100-1",
    unicodedata.normalize("NFD", "Ångström.mp4"): "Ångström",
    "a\u202eb\u2066c\u200b.mp4": "abc",
    "a／b：c…d.mp4": "a-b-c-d",
    "ゴミ　袋・１.mp4": "ゴミ-袋・１",
    "x'; rm -rf $HOME #.mp4": "x-rm-rf-HOME",
    "-rf.mp4": "rf",
    "\u0301\u200dabc.mp4": "abc",
    "v1.2.final.mp4": "v1-2-final",
    "\u202e.mp4": "clip",
    "雨" * 80 + ".mp4": "雨" * 80,
}


@pytest.mark.parametrize("file", NAMES)
def test_a_clip_is_called_as_its_file(file: str, tmp_path: Path) -> None:
    (tmp_path / file).touch()
    name = name_of(tmp_path / file)
    assert name == NAMES[file]
    assert unicodedata.is_normalized("NFC", name)


def test_names_that_look_alike_are_numbered() -> None:
    taken: list[str] = []
    for name in ("Straße", "STRASSE", "Ａ", "a", "☔", "☔️", "می‌بارد", "میبارد", "Å", "A\u030a"):
        taken.append(unused(name, taken))
    assert len({looks(name) for name in taken}) == len(taken)
    assert taken[:4] == ["Straße", "STRASSE-2", "Ａ", "a-2"]


def test_they_are_selected_as_they_are_typed(tmp_path: Path, here: Run) -> None:
    home = tmp_path / "project"
    file = tmp_path / (unicodedata.normalize("NFD", "Ström") + " 雨天街道.mkv")
    rainy_clip(file, 1)

    def rainclean(*words: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "rainclean", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)

    assert here("new", home).returncode == 0
    added = rainclean("add", home, file, "--licence", "x", "--scene", "京都")
    assert "added 1 sequence: Ström-雨天街道" in added.stdout, added.stderr
    table = rainclean("status", home).stdout.splitlines()
    assert table[1].startswith("Ström-雨天街道  ")
    assert {columns(line) for line in table[:2] if line.endswith("new")} == {columns(table[1])}
    for typed in ("Ström-雨天街道", unicodedata.normalize("NFD", "Ström-雨天街道"), "STRÖM-雨天街道"):
        assert json.loads(here("status", home, typed, "--json").stdout)["name"] == "Ström-雨天街道"
    described = rainclean("describe", home, "Ström-雨天街道", "--author", "林")
    assert "described: Ström-雨天街道" in described.stdout
    with Project(home) as project:
        assert [(s.name, s.scene, s.author) for s in sequences(project)] == [("Ström-雨天街道", "京都", "林")]
        with pytest.raises(InputError, match="has no sequence '雨'"):
            sequences(project, ["雨"])


def test_columns_of_a_terminal() -> None:
    assert [columns(text) for text in ("abc", "雨天", "e\u0301", "ａ", "")] == [3, 4, 1, 2, 0]
