"""What a project's home is on the command line: describe, remove, history, status, and recorded exports."""

import json
from pathlib import Path

import pytest

from pipeline.project.activities import activities
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.storage.database import Project
from tests.conftest import Run
from tests.helpers.judged_projects import fill


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "rain") as project:
        fill(project, 3)
        project.execute("UPDATE sequence SET first = id, last = 90 + id")
    return tmp_path / "rain"


def test_sequences_are_described_removed_and_brought_back(home: Path, here: Run) -> None:
    said = here("describe", home, "made0", "made1", "--display-name", "night", "--stop", "40", "--region", "1,2,30,40")
    assert said.returncode == 0 and said.stdout == "described: made0, made1\n"
    status = here("status", home)
    assert "made0 (night)" in status.stdout and status.stdout.count("fit, out of date") == 2
    assert "0 of 3 decided · 3 to go · 2 out of date\n" in status.stdout
    assert status.stdout.endswith(f"next: rainclean analyze {home}\n")
    assert here("describe", home, "made0", "--region", "whole", "--json").returncode == 0
    assert "use X,Y,WIDTH,HEIGHT" in here("describe", home, "made0", "--region", "1,2,3").stderr
    assert "lies outside the frame" in here("describe", home, "made0", "--region", "70,0,9,9").stderr
    assert "cannot be used together" in here("describe", home, "made0", "--scene", "x", "--confirm-scene").stderr
    assert here("remove", home, "made1", "--who", "Ann").stdout == "removed: made1\n"
    status = here("status", home)
    assert "1 sequence removed: made1 (rainclean remove --undo brings them back)" in status.stdout
    assert "was removed; bring it back with" in here("status", home, "made1").stderr
    document = json.loads(here("status", home, "--json").stdout)
    assert document["removed"] == ["made1"] and document["progress"]["total"] == 2
    assert document["next"]["kind"] == "analyze" and document["activities"] == []
    assert document["sequences"][0]["label"] == "night" and document["sequences"][0]["outdated"] is True
    assert here("remove", home, "made1", "--undo").stdout == "brought back: made1\n"
    assert "has no sequence 'made1'" in here("remove", home, "made1", "--undo").stderr
    history = here("history", home, "made1")
    assert [line.split("  ")[-1].strip() for line in history.stdout.splitlines()][1:] == [
        "added",
        "analysed by rainclean 1: 5 candidates, fit",
        "set display name to night, set out point to frame 39, set region to 30×40 px at 1, 2",
        "removed",
        "brought back",
    ]
    assert json.loads(here("history", home, "made1", "--json").stdout)["entries"][3]["who"] == "Ann"


def test_select_auto_is_undone_by_who_ran_it(home: Path, here: Run) -> None:
    from pipeline.project.editing.editor import Editor

    assert "chosen automatically: 3" in here("select", home, "--auto", "--who", "Ann").stdout
    with Project(home) as project:
        step = Editor(project, "Ann").undo()
        assert step is not None and step.others == 2
    assert "0 of 3 decided" in here("status", home).stdout


def test_an_export_that_cannot_begin_is_no_activity(home: Path, here: Run, tmp_path: Path) -> None:
    assert here("export", home, "-o", tmp_path / "out").returncode == 1
    with Project(home) as project:
        assert activities(project) == [] and len(sequences(project)) == 3
