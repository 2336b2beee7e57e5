"""The benchmark of scale: the large project, what one clip costs, and what follows on paper."""

import json
from pathlib import Path

import pytest

from pipeline.bench.scale import ClipCost, forecast, needs
from pipeline.cli.main import main
from pipeline.project.overview import overview
from pipeline.project.storage import Project
from rainclean.errors import RaincleanError

COST = ClipCost(
    size=(1920, 1080, 300),
    clip_bytes=30_000_000,
    cpu_seconds=60.0,
    peak_mib=900.0,
    result_bytes=70_000_000,
    result_files=24,
    store_bytes=10_000,
)


def test_what_many_clips_take_is_worked_out_from_one() -> None:
    all_of_them = needs(COST, 10_000)
    assert all_of_them.cpu_hours == pytest.approx(10_000 * 60 / 3600)
    assert (all_of_them.result_bytes, all_of_them.result_files) == (700_000_000_000, 240_000)
    one, ten, many = forecast(COST, clips=10_000, cores=2, intake_seconds=0.5, machines=(1, 10, 1000))
    assert (one.limit, ten.limit, many.limit) == ("processors", "processors", "the writer of the store")
    assert one.hours == pytest.approx(10 * ten.hours) == pytest.approx(10_000 * 30 / 3600)
    assert one.storage_share == pytest.approx(1000 / 300_000)  # 1 TB at 1 GB a second, in 300 000 s
    assert many.hours == pytest.approx(5000 / 3600) and many.writer_share == 1


def test_a_project_and_a_clip_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--parts", "clip", "project", "--size", "64x48x20", "--sequences", "30", "--clips", "100", "--json"]
    assert main(["bench", "scale", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["command"] for each in found["commands"]] == ["status --json", "select --auto", "export --estimate"]
    assert all(each["seconds"] > 0 and 10 < each["peak_mib"] < 2000 for each in found["commands"])
    clip = found["clip"]
    assert clip["cpu_seconds"] > 0 and clip["result_bytes"] > 1000 and clip["result_files"] > 3
    assert found["needs"]["result_files"] == 100 * clip["result_files"]
    assert [each["machines"] for each in found["forecast"]] == [1, 10, 100] and found["index"] is None


def test_the_large_project_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.bench.scale import make_large_project

    with Project.create(tmp_path / "empty"):
        pass
    with pytest.raises(RaincleanError, match="has no sequence"):
        make_large_project(tmp_path / "empty", tmp_path / "large", 10)
    with pytest.raises(RaincleanError, match="exists"):
        make_large_project(tmp_path / "empty", tmp_path / "empty", 10)
    with Project(tmp_path / "empty") as project:
        assert overview(project) == []
    assert main(["bench", "scale", "--sequences", "0"]) == 2
    assert "--sequences 0" in capsys.readouterr().err
