"""Progress for programs: what a line holds, which are left out, and that commands write them when asked."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from pipeline.cli.console import follow
from pipeline.progress_lines import INTERVAL, ProgressLines, read_line
from pipeline.stages import Progress
from rainclean.environment import PROGRESS
from tests.conftest import SAMPLE


def written(capsys: pytest.CaptureFixture[str]) -> list[Progress]:
    out, err = capsys.readouterr()
    assert out == ""
    steps = [read_line(line) for line in err.splitlines()]
    return [step for step in steps if step is not None]


def test_a_line_is_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [
        Progress("open", 0, None),
        Progress("sort", 3, 9, note="η is high\nvery", part="Katze im Regen", parts_done=2, parts_total=4),
    ]
    lines = ProgressLines(lambda: 0.0)
    for step in steps:
        lines.show(step)
    assert written(capsys) == steps


@pytest.mark.parametrize(
    "line",
    ["", "note: x", "{", "{}", "[1]", '{"stage": 1, "done": 0, "total": 1}', '{"stage": "a", "done": -1, "total": 1}'],
)
def test_other_lines_are_none(line: str) -> None:
    assert read_line(line) is None


def test_at_most_ten_a_second_but_every_change_and_note(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    lines = ProgressLines(lambda: now)
    for done in range(1, 1001):
        now = done / 1000
        lines.show(Progress("decode", done, 1000, note="look here" if done == 555 else ""))
    steps = written(capsys)
    assert 9 <= len(steps) <= 1 / INTERVAL + 3
    assert {1, 555, 1000} <= {step.done for step in steps}
    for part in range(3):
        for stage in ("decode", "sort"):
            lines.show(Progress(stage, 1, 9).as_part(f"clip {part}", part, 3))
    assert len(written(capsys)) == 6


def test_the_console_writes_them_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stage() -> Generator[Progress, None, int]:
        yield Progress("read", 1, 2, note="mind this")
        yield Progress("read", 2, 2)
        return 7

    monkeypatch.setenv(PROGRESS, "json")
    assert follow(stage()) == 7
    assert [step.note for step in written(capsys)] == ["mind this", ""]
    monkeypatch.setenv(PROGRESS, "")
    assert follow(stage()) == 7
    assert capsys.readouterr().err == "note: mind this\n"


def test_the_module_runs_as_the_command_does(tmp_path: Path) -> None:
    (tmp_path / "pipeline").mkdir()  # whatever lies where the person happens to be is not what is meant
    command = [sys.executable, "-P", "-m", "rainclean", "probe", str(SAMPLE), "--json"]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=tmp_path, env={**os.environ, PROGRESS: "json"}
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["width"] > 0
    steps = [read_line(line) for line in result.stderr.splitlines()]
    assert steps and all(step is not None and step.stage == "decode" for step in steps)
