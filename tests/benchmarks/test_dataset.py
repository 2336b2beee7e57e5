"""The benchmark of the whole job: a data set from simulated clips."""

import json
from pathlib import Path

import pytest

from benchmarks.main import main
from tests.conftest import Run


@pytest.mark.slow
def test_a_data_set_is_made_and_measured(benchmarks: Run, tmp_path: Path) -> None:
    result = benchmarks("dataset", "--clips", 3, "--size", "320x288x20", "-o", tmp_path / "out", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert [each["command"] for each in found["commands"]] == ["new", "add", "batch", "select", "export", "check"]
    assert sum(found["pairs"].values()) == 3 * 20 * 2 and found["dataset_bytes"] > 1_000_000


def test_a_full_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").touch()
    assert main(["dataset", "-o", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
