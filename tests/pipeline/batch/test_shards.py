"""Shards of job arrays: the store is only read, results come into their project once, and others are refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.batch.intake import Imported, import_results
from pipeline.batch.shard import analyze_shard
from pipeline.batch.tasks import Request, Shard, make_tasks
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.errors import InputError
from tests.conftest import Run
from tests.helpers.rainy_clips import rainy_clip
from tests.pipeline.batch.conftest import CLIPS, Copy, content_of

MEDIAN = Request(recipe="median")


@pytest.fixture(scope="module")
def result(added: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the result of one sequence; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("result") / "results"
    done = finish(analyze_shard(added, ["place0"], MEDIAN, Shard(1, 1), folder))
    assert done.done == ["place0"]
    return folder


@pytest.fixture
def own(result: Path, tmp_path: Path) -> Path:
    """The same, of one's own."""
    return Path(shutil.copytree(result, tmp_path / "results"))


def taken(home: Path, *folders: Path) -> Imported:
    with Project(home) as project:
        return finish(import_results(project, folders))


def test_shards_make_the_project_that_one_process_makes(copy: Copy, alone: Path, tmp_path: Path, here: Run) -> None:
    home = copy()
    before = {path.name: path.read_bytes() for path in home.glob("*") if path.is_file()}
    for number in (1, 2, 3):
        folder = tmp_path / ("odd" if number % 2 else "even")
        said = here("analyze", home, "--shard", f"{number}/3", "-o", folder)
        assert said.returncode == 0 and f"analysed {CLIPS // 3} sequences into {folder}" in said.stdout
        assert f"next: rainclean project import {home} {folder}" in said.stdout
    after = {path.name: path.read_bytes() for path in home.glob("*") if path.is_file()}
    assert {name for name in after if after[name] != before.get(name)} <= {".store.lock", ".store.turn"}
    again = here("analyze", home, "--shard", "2/3", "-o", tmp_path / "even")
    assert "analysed 0 sequences, 2 had been analysed before" in again.stdout

    half = here("project", "import", home, tmp_path / "even")
    assert half.stdout == "imported: 2 sequences\n"
    both = here("project", "import", home, tmp_path / "even", tmp_path / "odd", "--json")
    document = json.loads(both.stdout)
    assert (len(document["done"]), len(document["skipped"]), document["refused"]) == (4, 2, [])
    assert content_of(home) == content_of(alone)
    shutil.rmtree(tmp_path / "even")  # the project does not need them
    assert content_of(home) == content_of(alone)


def test_every_sequence_is_in_one_shard_whatever_is_analysed(copy: Copy, own: Path) -> None:
    home = copy()

    def names(number: int, of: int) -> list[str]:
        with Project.again(home) as project:
            return [task.sequence.name for task in make_tasks(project, (), MEDIAN, shard=Shard(number, of)).todo]

    parts = [names(number, 4) for number in range(1, 5)]
    assert sorted(name for part in parts for name in part) == [f"place{seed}" for seed in range(CLIPS)]
    assert sorted(map(len, parts)) == [1, 1, 2, 2]
    taken(home, own)
    assert [names(number, 4) for number in range(1, 5)] == [[n for n in part if n != "place0"] for part in parts]


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/0", "a/b", "1/2/3", "-1/2"])
def test_what_is_no_shard_is_wrong_usage(text: str, copy: Copy, tmp_path: Path, here: Run) -> None:
    assert here("analyze", copy(), f"--shard={text}", "-o", tmp_path / "out").returncode == 2
    assert not (tmp_path / "out").exists()


def test_shard_and_output_go_together(copy: Copy, tmp_path: Path, here: Run) -> None:
    home = copy()
    assert here("analyze", home, "--shard", "1/2").returncode == 2
    assert here("analyze", home, "-o", tmp_path / "out").returncode == 2
    assert here("project", "import", home).returncode == 2
    assert here("analyze", home, "--shard", "1/2", "-o", tmp_path / "out", "--recipe", "best").returncode == 2


def test_a_failure_is_kept_reported_and_done_later(copy: Copy, tmp_path: Path, here: Run) -> None:
    home, lost = copy(), rainy_clip(tmp_path / "lost.mkv", 50)
    with Project(home) as project:
        finish(add(project, [lost], Origin()))
    lost.rename(tmp_path / "hidden.mkv")
    words = ("analyze", home, "place0", "lost", "--recipe", "median", "--shard", "1/1", "-o", tmp_path / "out")
    said = here(*words)
    assert said.returncode == 3 and "failed: lost: " in said.stderr and "1 of 2 sequences" in said.stderr
    said = here("project", "import", home, tmp_path / "out")
    assert said.returncode == 3 and "imported: 1 sequence\n" in said.stdout
    assert [line.split()[0] for line in said.stdout.splitlines()[1:]] == ["failed", "lost"]
    (tmp_path / "hidden.mkv").rename(lost)
    assert here(*words).returncode == 0
    assert (
        here("project", "import", home, tmp_path / "out").stdout == "imported: 1 sequence; 1 sequence already known\n"
    )
    with Project(home) as project:
        assert project.value("SELECT count(*) FROM analysis WHERE error != ''") == 0


def _edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    (record,) = folder.glob("*/result.json")
    document = json.loads(record.read_text())
    change(document)
    record.write_text(json.dumps(document))


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "project": (lambda d: d.update(project="0"), "is of another project"),
    "clip": (lambda d: d["sequence"].update(content="0"), "a clip that this project does not have"),
    "frames": (lambda d: d["sequence"].update(first=1), "frames that are no sequence"),
    "recipe": (
        lambda d: d["analysis"].update(settings='{"recipe": "best", "frames": null}'),
        "recipe that this rainclean",
    ),
    "rules": (
        lambda d: d["analysis"].update(settings='{"recipe": "median", "frames": null, "rules": 0}'),
        "other rules",
    ),
    "settings": (lambda d: d["analysis"].update(settings="[]"), "damaged or no result"),
    "region": (lambda d: d["analysis"].update(chosen_region="[0, 0, 8, 8]"), "other frames or another region"),
    "missing": (lambda d: d["analysis"].pop("rain"), "damaged or no result"),
    "names": (lambda d: d["analysis"].update(sheet="../../etc/passwd"), "damaged or no result"),
    "types": (lambda d: d["analysis"].update(spread="wide"), "is damaged"),
    "kinds": (lambda d: d["candidates"][0].update(name={}), "is damaged"),
    "surrogates": (lambda d: d["candidates"][0].update(name="\udcff"), "is damaged"),
    "rain": (lambda d: d["analysis"].update(rain='["much"]'), "damaged or no result"),
    "newer": (lambda d: d.update(rainclean_result=2), "newer rainclean"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_does_not_belong_is_refused_in_one_line(damage: str, own: Path, copy: Copy) -> None:
    change, told = DAMAGE[damage]
    _edit(own, change)
    home = copy()
    imported = taken(home, own)
    (line,) = imported.refused
    assert told in line and "\n" not in line and line.startswith(str(own))
    assert not imported.done and content_of(home)["analysis"] == []


def test_a_file_that_was_changed_or_lost_is_refused(own: Path, copy: Copy) -> None:
    home = copy()
    candidate = json.loads(next(own.glob("*/result.json")).read_text())["candidates"][0]["picture"]
    (picture,) = own.glob(f"*/artefacts/*/{candidate}")
    data = picture.read_bytes()
    for change in (lambda: picture.write_bytes(data[:-1] + b"\0"), picture.unlink):
        change()
        (line,) = taken(home, own).refused
        assert line.startswith(str(picture))
    with Project(home) as project:
        assert project.value("SELECT count(*) FROM candidate") == 0 and not project.problems()


def test_folders_without_results_are_told(copy: Copy, tmp_path: Path) -> None:
    home = copy()
    with pytest.raises(InputError, match="No such file"):
        taken(home, tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no results"):
        taken(home, home)


def test_a_sequence_whose_region_was_changed_meanwhile_is_not_overwritten(own: Path, copy: Copy) -> None:
    home = copy()
    with Project(home) as project:
        project.execute("UPDATE sequence SET chosen_region = '[0, 0, 48, 48]' WHERE id = 1")
    assert "analyse again" in taken(home, own).refused[0]
