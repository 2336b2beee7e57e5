"""Places of single files and of runs: nothing of somebody else is replaced, nothing goes through a link."""

from pathlib import Path

import pytest

from pipeline.demo.run import _is_ours
from pipeline.demo.training import _check_ours
from pipeline.derain.image_writer import written_beside
from pipeline.project.storage.database import Project
from pipeline.training import run_folder
from pipeline.training.recipe import preset
from rainclean.errors import RaincleanError
from tests.conftest import Run


def test_a_link_to_nothing_is_something(tmp_path: Path, here: Run) -> None:
    with Project.create(tmp_path / "p"):
        pass
    for name, target in (("dangling", "nowhere"), ("circle", "circle")):
        out = tmp_path / name
        out.symlink_to(tmp_path / target)
        result = here("decisions", "export", tmp_path / "p", "-o", out)
        assert result.returncode == 1 and "already; --overwrite" in result.stderr
        assert here("weights", "import", tmp_path / "none.pth", "-o", out).returncode == 1
        assert out.is_symlink() and not (tmp_path / "nowhere").exists()


def test_a_file_that_is_written_beside_goes_through_no_link(tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("kept")
    with written_beside(target) as partial:
        partial.write_text("new")
    assert (tmp_path / "elsewhere").read_text() == "kept" and not target.is_symlink()


def test_a_run_begins_only_where_nothing_of_others_lies(tmp_path: Path) -> None:
    run, dataset = tmp_path / "run", tmp_path / "dataset"
    run.mkdir()
    (run / "last.safetensors").write_text("somebody's weights")
    with pytest.raises(RaincleanError, match="is not empty, and not a run of rainclean train"):
        run_folder.check_new(run, dataset)
    (run / ".lock").touch()  # of a run that was killed as it began
    run_folder.check_new(run, dataset)
    (run / "tensorboard").symlink_to(tmp_path)
    with pytest.raises(RaincleanError, match="tensorboard: is a link"), run_folder.locked(run):
        pass


def test_the_demo_removes_its_own_training_only(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    run, dataset = tmp_path / "run", tmp_path / "dataset"
    run.mkdir()
    record = run_folder.RunRecord(preset("quick"), dataset.resolve(), "0" * 64, {})
    run_folder.create(run, record)
    _check_ours(run, dataset)
    with pytest.raises(RaincleanError, match="is another run"):
        _check_ours(run, tmp_path / "other")
    (run / "notes.txt").write_text("mine")
    with pytest.raises(RaincleanError, match=r"holds notes.txt"):
        _check_ours(run, dataset)
    page = tmp_path / "report.html"
    page.write_text("<!doctype html><title>mine</title>")
    assert not _is_ours(page)
