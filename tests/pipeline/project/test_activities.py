"""Exports, trainings and evaluations that a project remembers, and the next step that follows from them."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.command_line import command_line
from pipeline.cli.evaluate import Evaluate
from pipeline.cli.export import Export
from pipeline.cli.train import Train
from pipeline.project import activities
from pipeline.project.activities import RUNNING, begin, end, project_of, recorded
from pipeline.project.editing.editor import Editor
from pipeline.project.progress import next_step, progress
from pipeline.project.storage.database import Project
from pipeline.stages import Progress, finish
from rainclean.errors import RaincleanError
from tests.helpers.judged_projects import fill, lowest


def steps(result: int = 7, error: Exception | None = None) -> Generator[Progress, None, int]:
    yield Progress("work", 0, 1)
    if error is not None:
        raise error
    yield Progress("work", 1, 1)
    return result


def record(
    project: Project, stage: Generator[Progress, None, int], folder: Path, kind: Any = "export"
) -> Generator[Progress, None, int]:
    return recorded(
        stage, project.folder, kind, folder, arguments=[kind, str(folder)], summary=lambda n: {"pairs": n}
    )  # fmt: skip


def test_a_finished_a_failed_and_an_interrupted_one_are_told_apart(project: Project, tmp_path: Path) -> None:
    assert finish(record(project, steps(), tmp_path / "a")) == 7
    with pytest.raises(RaincleanError):
        finish(record(project, steps(error=RaincleanError("disk\nfull")), tmp_path / "b"))
    stage = record(project, steps(), tmp_path / "c")
    next(stage)
    assert [one.state for one in activities.activities(project)] == ["running", "failed", "finished"]
    stage.close()
    c, b, a = activities.activities(project)
    assert (c.state, b.state, a.state) == ("interrupted", "failed", "finished")
    assert (a.summary, b.error, c.resume) == ({"pairs": 7}, "disk full", ("export", str(tmp_path / "c")))
    assert all(one.ended and one.who and one.title == one.folder.name for one in (a, b, c))
    assert not list((project.folder / RUNNING).iterdir()) and project.problems() == []
    finish(record(project, steps(), tmp_path / "c"))
    assert [(one.title, one.state) for one in activities.activities(project)] == [
        ("c", "finished"), ("b", "failed"), ("a", "finished")
    ]  # fmt: skip


def test_what_a_killed_process_was_at_is_interrupted(project: Project, tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from pipeline.project.activities import begin; "
        "from pipeline.project.storage import Project\n"
        "with Project(Path(sys.argv[1])) as project:\n"
        "    begin(project, 'training', 'run', Path(sys.argv[2]), arguments=['train', 'data', '--workers', '2'])\n"
        "    print('begun', flush=True); sys.stdin.read()"
    )
    run = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", code, project.folder, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"begun\n"
        assert activities.activities(project)[0].state == "running"
        other.kill()
    (one,) = activities.activities(project)
    assert one.state == "interrupted" and list(one.resume) == ["train", "data", "--workers", "2"]
    run.mkdir()
    (run / "run.json").write_text("{}")
    assert list(one.resume) == ["train", "--resume", str(run), "--workers", "2"]
    assert one.command == f"rainclean train --resume {run} --workers 2"
    fill(project, 1)
    step = next_step(project)
    assert step.kind == "resume" and step.activity == one


def test_a_step_that_fails_before_it_begins_is_not_recorded(project: Project, tmp_path: Path) -> None:
    def refused() -> Generator[Progress, None, int]:
        if tmp_path.exists():
            raise RaincleanError("nothing is decided")
        yield Progress("work", 0, 1)
        return 0

    with pytest.raises(RaincleanError, match="nothing is decided"):
        finish(record(project, refused(), tmp_path / "a"))
    assert activities.activities(project) == []


def test_no_record_keeps_work_from_being_done(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.project.storage.connection.os.access", lambda path, mode: False)
        assert finish(record(project, steps(), tmp_path / "a"), lambda step: notes.append(step.note)) == 7
    assert set(notes) == {""} and activities.activities(project) == []
    nowhere = recorded(steps(), tmp_path / "gone", "export", tmp_path, arguments=(), summary=lambda n: {})
    assert finish(nowhere, lambda step: notes.append(step.note)) == 7
    assert any("not listed in the project" in note for note in notes)
    assert finish(recorded(steps(), None, "export", tmp_path, arguments=(), summary=lambda n: {})) == 7


def test_a_data_set_leads_to_its_project_while_that_is_there(project: Project, tmp_path: Path) -> None:
    dataset = tmp_path / "set"
    dataset.mkdir()
    assert project_of(dataset) is None
    (dataset / "export.json").write_text(json.dumps({"project": project.uuid}))
    assert project_of(dataset) is None
    end(project, begin(project, "export", "set", dataset, arguments=["export"]), "finished")
    assert project_of(dataset) == project.folder
    for text in ("{}", "[]", '{"project": "../x"}', '{"project": 3}', "no", '{"project": "' + "0" * 32 + '"}'):
        (dataset / "export.json").write_text(text)
        assert project_of(dataset) is None


def test_the_next_step_is_the_one_that_a_person_would_take(project: Project, tmp_path: Path) -> None:
    def kind() -> str:
        return next_step(project).kind

    assert kind() == "add"
    made = fill(project, 3)
    assert kind() == "judge" and progress(project).text == "0 of 3 decided · 3 to go"
    project.execute("DELETE FROM candidate WHERE analysis_id = 3")
    project.execute("DELETE FROM analysis WHERE id = 3")
    assert kind() == "analyze"
    ann = Editor(project, "Ann")
    ann.remove(made[2:])
    ann.reject(made[0])
    assert kind() == "judge"
    ann.reject(made[1])
    assert kind() == "add"
    ann.accept(made[1], lowest(project, made[1]).id)
    assert kind() == "export" and progress(project).text == "2 of 2 decided · 1 rejected"
    for hour, (what, then) in enumerate((("export", "train"), ("training", "evaluate"), ("evaluation", "done"))):
        finish(record(project, steps(), tmp_path / what, what))
        project.execute("UPDATE activity SET started = ? WHERE kind = ?", f"2999-01-01T0{hour}:00:00Z", what)
        assert kind() == then


def test_an_export_in_the_second_of_the_last_decision_has_it(project: Project, tmp_path: Path) -> None:
    (made,) = fill(project, 1)
    Editor(project, "Ann").accept(made, lowest(project, made).id)
    finish(record(project, steps(), tmp_path / "export"))
    assert next_step(project).kind == "train"


@pytest.mark.parametrize(
    "command",
    [
        Export(
            project=Path("/p q"), output=Path("/o"), sequences=("a", "b"), frames="every:5", keep_moving=True, seed=3
        ),
        Train(dataset=Path("/d"), output=Path("/r"), steps=5, workers=2, flip="off"),
        Train(resume=Path("/r")),
        Evaluate(dataset=Path("/d"), output=Path("/o"), weights=(Path("/w"), Path("/v")), protocols=("matlab-y",)),
    ],
)
def test_a_recorded_command_line_is_the_command(command: Any) -> None:
    import tyro

    name, *words = command_line(type(command).__name__.lower(), command)
    assert name in ("export", "train", "evaluate")
    assert tyro.cli(type(command), args=words, config=(tyro.conf.FlagCreatePairsOff,)) == command
