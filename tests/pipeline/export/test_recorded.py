"""Export, evaluation and training of one project are in it afterwards, each with a command that does it again."""

from pathlib import Path

from pipeline.project.activities import activities
from pipeline.project.storage.database import Project
from tests.conftest import Run


def test_the_whole_way_is_remembered(home: Path, tmp_path: Path, here: Run) -> None:
    out, run, scores = (tmp_path / name for name in ("set", "run", "scores"))
    said = here("export", home, "-o", out, "--layout", "paired", "--split", "train=0.5,test=0.5", "--frames", "every:8")
    assert said.returncode == 0, said.stderr
    with Project(home) as project:
        (exported,) = activities(project)
    assert (exported.kind, exported.state, exported.folder) == ("export", "finished", out)
    assert sum(exported.summary["pairs"].values()) == 12
    assert exported.resume[:2] == ("export", str(home)) and "every:8" in exported.resume
    assert f"next: rainclean train {out} -o RUN" in here("status", home).stdout
    said = here("train", out, "-o", run, "--preset", "quick", "--steps", "1", "--size", "24", "--batch", "1",
                "--validation-pictures", "1", "--accelerator", "cpu")  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert f"next: rainclean evaluate DATASET -o FOLDER -w {run}/best.safetensors" in here("status", home).stdout
    said = here("evaluate", out, "-o", scores, "--protocols", "basicsr-rgb", "--device", "cpu")
    assert said.returncode == 0, said.stderr
    with Project(home) as project:
        evaluated, trained, _ = activities(project)
        assert project.problems() == []
    assert (trained.kind, trained.state, trained.summary["step"]) == ("training", "finished", 1)
    assert trained.resume == ("train", "--resume", str(run), "--accelerator", "cpu")
    assert (evaluated.kind, evaluated.state) == ("evaluation", "finished") and "psnr_db" in evaluated.summary
    status = here("status", home)
    assert status.stdout.count("finished") == 3 and status.stdout.splitlines()[-1].startswith("next: All done")
