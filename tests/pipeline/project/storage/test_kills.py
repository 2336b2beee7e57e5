"""Killed at any moment, a project opens, nothing decided is lost, and the job goes on where it was.

Each test kills the command eight times at random moments that cover its run (SIGKILL: nothing can be tidied up).
Hundreds of kills are in test_interruptions.py, on request.
"""

import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.export.verification import check
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import decisions
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.errors import InputError
from tests.conftest import Run
from tests.helpers.loaded import Loaded

KILLS = 8

Killed = Callable[..., bool]

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")]


@pytest.fixture(scope="module")
def killed() -> Iterator[Killed]:
    """Runs a command and kills it after some seconds, if any; whether it was still running then."""
    with Loaded() as loaded:
        yield lambda words, after=None: loaded.run(*words, after=after) < 0


def moments(seed: int) -> list[float]:
    """Return moments 0…1 of a run in random order, one at random in each of as many equal parts."""
    draw = random.Random(seed)
    found = [(part + draw.random()) / KILLS for part in range(KILLS)]
    draw.shuffle(found)
    return found


def seconds(run: Callable[[], object]) -> float:
    began = time.monotonic()
    run()
    return time.monotonic() - began


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory, clips: Path, rainclean: Run) -> Path:
    """A project with four clips; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("added") / "project"
    assert rainclean("new", folder).returncode == 0
    assert rainclean("add", folder, clips).returncode == 0
    return folder


@pytest.fixture(scope="module")
def by_median(tmp_path_factory: pytest.TempPathFactory, added: Path, rainclean: Run) -> Path:
    """The same, analysed; copy it, do not change it."""
    folder = Path(shutil.copytree(added, tmp_path_factory.mktemp("analysed") / "project"))
    assert rainclean("analyze", folder, "--recipe", "median").returncode == 0
    return folder


def pictures(home: Path) -> list[tuple[str, str, str]]:
    with Project(home) as project:
        assert project.problems() == []
        rows = project.rows(
            "SELECT sequence.name AS s, candidate.name AS c, picture FROM candidate "
            "JOIN analysis ON analysis_id = analysis.id JOIN sequence ON sequence_id = sequence.id ORDER BY 1, rank"
        )
        for row in rows:
            project.artefacts.read(row["picture"])  # whole, or it would raise
        return [(row["s"], row["c"], row["picture"]) for row in rows]


def test_analyze(tmp_path: Path, added: Path, killed: Killed, rainclean: Run) -> None:
    home, twin = (Path(shutil.copytree(added, tmp_path / name)) for name in ("project", "undisturbed"))
    whole = seconds(lambda: killed(["analyze", twin]))
    hit, before, again = 0, 0, False
    for moment in moments(3):
        if killed(["analyze", home, *(["--again"] if again else [])], moment * whole):
            hit += 1
        else:  # came too late: there is less to do than at first, or the machine was busy when that was measured
            whole *= 0.8
        done = len({name for name, _, _ in pictures(home)})
        assert done >= before, "a finished sequence was lost"
        before, again = done, done == 4
    assert hit >= KILLS // 4, "the kills came too late"
    assert rainclean("analyze", home).returncode == 0
    assert pictures(home) == pictures(twin)


def test_select(tmp_path: Path, by_median: Path, killed: Killed, rainclean: Run) -> None:
    home = Path(shutil.copytree(by_median, tmp_path / "project"))
    with Project(home) as project:
        names = [s.name for s in sequences(project)]
        (candidate,) = {line.chosen for line in overview(project)}
    accept = ["select", home, names[0], "--candidate", candidate, "--who", "Ann"]
    whole = seconds(lambda: killed(accept))
    made, hit = 1, 0
    for i, moment in enumerate(moments(4)):
        words = ["select", home, "--auto"] if i % 2 else [*accept, "--note", str(i)]
        hit += killed(words, 1.6 * moment * whole)
        with Project(home) as project:
            assert project.problems() == []
            journal = decisions.journal(project)
            # A decision is there as a whole or not at all, and none that was there has gone.
            assert len(journal) >= made
            assert all(d.verdict == "accepted" and d.candidate_id for d in journal)
            made = len(journal)
            assert decisions.current(project)[1].who == "Ann"
    assert hit >= KILLS // 5, "the kills came too late"
    assert rainclean("select", home, "--auto").returncode == 0
    with Project(home) as project:
        assert [line.state for line in overview(project)] == ["accepted", *["accepted automatically"] * 3]


def test_export(tmp_path: Path, by_median: Path, killed: Killed, rainclean: Run) -> None:
    home = Path(shutil.copytree(by_median, tmp_path / "project"))
    assert rainclean("select", home, "--auto").returncode == 0
    words = ["export", home, "--crops", "grid:24", "--frames", "every:4", "-o"]
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    whole = seconds(lambda: killed([*words, undisturbed]))
    earlier = contents(undisturbed)
    hit = finished = 0
    for moment in moments(5):
        came_in_time = killed([*words, out], 1.1 * moment * whole)
        hit += came_in_time
        whole *= 1.0 if came_in_time else 0.8  # the first one was measured on a busier machine
        if out.exists():
            # Whole, or not there: never half.
            assert finish(check(out)).problems == []
            assert contents(out) == earlier
            finished += 1
            # Every other one is replaced by the next export rather than made anew.
            if finished % 2:
                shutil.rmtree(out)
        else:
            with pytest.raises(InputError):
                finish(check(out))
    assert hit >= KILLS // 2, "the kills came too late"
    assert rainclean(*words, out).returncode == 0
    assert contents(out) == earlier
    assert not list(tmp_path.glob(".out*")), "something was left beside the export"


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
