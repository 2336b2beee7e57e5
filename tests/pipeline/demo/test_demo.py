"""The demo: four clips in, a checked data set and a report out."""

import json
import re
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

import pytest

from pipeline.clean.settings import CleanSettings
from pipeline.cli.main import main
from pipeline.demo import run as demo_run
from pipeline.demo.report import DemoRow, Shown
from pipeline.demo.training import train_and_evaluate
from pipeline.export.plan import ExportSettings
from pipeline.project.analysis.run import Analyzed, analyze
from pipeline.project.storage.database import Project
from pipeline.stages import Progress
from pipeline.training.recipe import PRESETS, preset
from rainclean.dataset.pairs import FrameChoice

pytestmark = pytest.mark.long


def analyzed_already(
    project: Project, names: Sequence[str], settings: CleanSettings, *, again: bool
) -> Generator[Progress, None, Analyzed]:
    assert again
    return analyze(project, names, settings)


Measured = list[tuple[DemoRow, Shown]]


@pytest.fixture
def measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second demo takes over what the first one measured."""
    results: list[Measured] = []
    measure = demo_run._measure

    def once(project: Project) -> Generator[Progress, None, Measured]:
        if not results:
            results.append((yield from measure(project)))
        return results[0]

    monkeypatch.setattr(demo_run, "_measure", once)


@pytest.mark.usefixtures("one_thread", "measured_once")
def test_the_demo_goes_the_whole_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Few frames and pairs, and small steps of training, in this process: `make demo` takes the real ones, for minutes.
    monkeypatch.setattr("pipeline.demo.run.SETTINGS", ExportSettings("spa", FrameChoice("differ", 1)))
    monkeypatch.setattr("pipeline.demo.run.CleanSettings", partial(CleanSettings, frames=40))
    monkeypatch.setitem(PRESETS, "quick", preset("quick", batch=2, size=32, validation_pictures=1))
    monkeypatch.setattr("pipeline.demo.run.train_and_evaluate", partial(train_and_evaluate, steps=4))
    out = tmp_path / "demo"
    assert main(["demo", "-o", str(out), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    page = (out / "report.html").read_text(encoding="utf-8")
    # A second time, without what SPANet needs. It asks for a new analysis; the first one will do.
    monkeypatch.setattr("rainclean.spanet.requirements.find_spec", lambda name: None)
    monkeypatch.setattr("pipeline.demo.run.analyze", analyzed_already)
    assert main(["demo", "-o", str(out)]) == 0
    again = capsys.readouterr()
    assert [row["clip"] for row in shown["clips"]] == ["cat", "launch", "portrait", "table"]
    for row in shown["clips"]:
        assert row["choice_db"] > row["rainy_db"] + 10
        assert row["best_db"] >= row["choice_db"] > row["best_db"] - 1.5
        assert abs(row["released_db"] - row["best_db"]) < 3
    assert shown["problems"] == [] and min(shown["exported"]["pairs"].values()) > 0
    assert (out / "dataset" / "real_world.txt").exists() and (out / "project" / "project.sqlite").exists()

    # Split test is one scene, the others are for training and its validation.
    assert shown["evaluation"]["dataset"]["split"] == "test" and shown["evaluation"]["dataset"]["scenes"] == 1
    worth = {(r["method"], r["protocol"]): r["psnr_db"] for r in shown["evaluation"]["summary"]}
    assert {name for name, _ in worth} == {"rainy", "run", "simulated-rain"} and len(worth) == 12
    assert worth["simulated-rain", "basicsr-rgb"] > worth["rainy", "basicsr-rgb"] + 1
    assert (out / "run" / "last.safetensors").exists() and (out / "evaluation" / "index.html").exists()

    assert "released rule" in again.out and "train 3 pairs" in again.out and "simulated-rain" not in again.out
    assert "note: training skipped: SPANet needs torch and safetensors" in again.err
    assert (out / "report.html").read_text(encoding="utf-8").count("<img ") == 4 * 6
    # Six pictures a clip, the curves, and for the test pair rainy, two outputs, clean image and attention.
    assert page.count("<img ") == 4 * 6 + 1 + 5
    # It opens from disk, anywhere: nothing is loaded from elsewhere.
    assert set(re.findall(r'src="([^"]{5})', page)) == {"data:"}
    assert re.findall(r'href="([^"]*)"', page) == ["evaluation/index.html"]
    for row in shown["clips"]:
        assert f"{row['choice_db']:.1f}" in page
