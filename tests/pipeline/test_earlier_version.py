"""A project, an export and a training run that an earlier version left go on.

tests/fixtures/version_7.tar.xz was made by the last version whose store had tables of version 7. It holds three
simulated clips of 64×48 px, one with a moving camera, judged by two people and by the automatic choice; one composite;
the export; and a training run that was killed at step 2 of 12.
"""

import csv
import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT, Run

ARCHIVE = ROOT / "tests" / "fixtures" / "version_7.tar.xz"
MADE_ELSEWHERE = ("sha256", "bytes", "digest")
"""Parts of column names that hang on the PNG encoder's version."""


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    return [{k: v for k, v in row.items() if not any(part in k for part in MADE_ELSEWHERE)} for row in rows]


def test_an_earlier_project_opens_and_says_what_it_said(earlier: Path, here: Run) -> None:
    with closing(sqlite3.connect(earlier / "project" / "project.sqlite")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (7,)
    status = json.loads(here("status", earlier / "project", "--json").stdout)
    assert {s["name"]: (s["state"], s["candidate"], s["star"], s["decision"]["who"]) for s in status["sequences"]} == {
        "busy": ("rejected", "", True, "bea"),
        "pan": ("accepted automatically", "n12-rainfree-steady", False, "rainclean"),
        "still": ("accepted", "composite-28a24712", False, "ann"),
    }
    assert status["verdicts"] == {"fit": 3}
    checked = here("check", earlier / "project")
    assert (checked.returncode, "nothing wrong" in checked.stdout) == (0, True)
    one = json.loads(here("status", earlier / "project", "pan", "--json").stdout)
    assert one["found"]["stabilization"]["model"] == "translation" and one["found"]["posterior"]


def test_an_earlier_project_exports_the_same_pairs(earlier: Path, here: Run) -> None:
    old, new = earlier / "export", earlier / "again"
    assert here("check", old).returncode == 0
    made = here(
        "export", earlier / "project", "-o", new,
        "--layout", "paired", "--frames", "differ:3", "--split", "train=0.5,val=0.5",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    names = [{file.relative_to(folder) for file in folder.rglob("*.png")} for folder in (old, new)]
    assert names[0] == names[1] and len(names[0]) > 12
    for name in names[0]:
        before, after = (cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED) for folder in (old, new))
        assert before is not None and after is not None
        assert np.abs(before.astype(int) - after).max() <= 1  # another OpenCV may round otherwise
    for table_name in ("manifest.csv", "sequences.csv"):
        assert table(old / table_name) == table(new / table_name)


@pytest.mark.long
@pytest.mark.usefixtures("one_thread")
def test_an_earlier_run_goes_on(earlier: Path, here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rainclean.allocator.keep_freed_memory", lambda: True)  # a switch of the whole process
    result = here("train", "--resume", earlier / "run", earlier / "export")
    assert result.returncode == 0, result.stderr
    assert "resuming from step 2 of 12" in result.stderr
    assert [row["step"] for row in table(earlier / "run" / "metrics.csv")] == ["0", "10", "12"]
