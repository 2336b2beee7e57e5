"""The index of a large data set, and commands on a large project: on small ones."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.bench.scale import CommandFigures, commands, make_tree, measure_index
from pipeline.cli.main import main
from pipeline.stages import finish
from rainclean.dataset.reader import read_dataset
from rainclean.errors import RaincleanError


def test_the_tree_is_an_spa_data_and_is_measured(tmp_path: Path) -> None:
    make_tree(tmp_path / "data", 50)
    data = read_dataset(tmp_path / "data")
    assert (data.layout, len(data.pairs), data.splits) == ("spa", 50, ("train",))
    found = measure_index(tmp_path / "data")
    assert found.pairs == 50 and found.first_seconds > 0 and 10 < found.second_peak_mib < 1000
    with pytest.raises(RaincleanError, match="cannot be indexed"):
        measure_index(tmp_path / "gone")


def test_the_commands_that_are_measured_have_all_they_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["new", str(tmp_path / "rain")]) == 0
    monkeypatch.setattr(commands, "make_large_project", lambda project, large, _: shutil.copytree(project, large))
    codes = {}

    def measure(arguments: Sequence[str], name: str) -> CommandFigures:
        codes[name] = main(arguments)
        return CommandFigures(command=name, seconds=1.0, cpu_seconds=1.0, peak_mib=1.0)

    monkeypatch.setattr(commands, "measure", measure)
    figures = finish(commands.measure_commands(tmp_path / "rain", 4))
    assert [each.command for each in figures] == ["status --json", "select --auto", "export --estimate"]
    assert len(codes) == 4 and 2 not in codes.values(), codes  # 2: wrong usage
