"""Killed at any moment, a project opens, nothing decided is lost, and the job goes on where it was.

Each test kills the real command twenty times at random moments of its run (SIGKILL: nothing can be tidied up).
"""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run

from pipeline.export.check import check
from pipeline.project import decisions
from pipeline.project.overview import overview
from pipeline.project.sequences import sequences
from pipeline.project.store import Project
from pipeline.stages import finish
from rainclean.errors import InputError

from .clips import rainy_clip

KILLS = 20
COMMAND = str(Path(sys.executable).with_name("rainclean"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")


def killed(words: list[object], after: float) -> bool:
    """Start a command and kill it after some seconds; whether it was still running then."""
    process = subprocess.Popen([COMMAND, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def seconds(run: Callable[[], object]) -> float:
    began = time.monotonic()
    run()
    return time.monotonic() - began


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rain")
    for seed in range(4):
        rainy_clip(folder / f"place{seed}.mkv", seed)
    return folder


@pytest.fixture
def home(tmp_path: Path, clips: Path, rainclean: Run) -> Path:
    folder = tmp_path / "project"
    assert rainclean("new", folder).returncode == 0
    assert rainclean("add", folder, clips).returncode == 0
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


def test_analyze(tmp_path: Path, home: Path, rainclean: Run) -> None:
    twin = tmp_path / "undisturbed"
    shutil.copytree(home, twin)
    whole = seconds(lambda: rainclean("analyze", twin))
    draw = random.Random(3)
    hit, before, again = 0, 0, False
    for _ in range(KILLS):
        if killed(["analyze", home, *(["--again"] if again else [])], draw.uniform(0.1, whole)):
            hit += 1
        else:  # came too late: there is less to do than at first, or the machine was busy when that was measured
            whole *= 0.8
        done = len({name for name, _, _ in pictures(home)})
        assert done >= before, "a finished sequence was lost"
        before, again = done, done == 4
    assert hit >= KILLS // 4, "the kills came too late"
    assert rainclean("analyze", home).returncode == 0
    assert pictures(home) == pictures(twin)


def test_select(home: Path, rainclean: Run) -> None:
    assert rainclean("analyze", home, "--recipe", "median").returncode == 0
    with Project(home) as project:
        names = [s.name for s in sequences(project)]
        (candidate,) = {line.chosen for line in overview(project)}
    draw = random.Random(4)
    accept = ["select", home, names[0], "--candidate", candidate, "--who", "Ann"]
    whole = seconds(lambda: rainclean(*accept))
    made, hit = 1, 0
    for i in range(KILLS):
        words = ["select", home, "--auto"] if i % 2 else [*accept, "--note", str(i)]
        # Most of the time goes into starting Python; the end is where something is stored.
        hit += killed(words, draw.uniform(0.4, 1.6) * whole)
        with Project(home) as project:
            assert project.problems() == []
            journal = decisions.journal(project)
            # A decision is there as a whole or not at all, and none that was there has gone.
            assert len(journal) >= made
            assert all(d.verdict == "accepted" and d.candidate_id for d in journal)
            made = len(journal)
            assert decisions.current(project)[1].who == "Ann"
    assert hit >= 3, "the kills came too late"
    assert rainclean("select", home, "--auto").returncode == 0
    with Project(home) as project:
        assert [line.state for line in overview(project)] == ["accepted", *["accepted automatically"] * 3]


def test_export(tmp_path: Path, home: Path, rainclean: Run) -> None:
    assert rainclean("analyze", home, "--recipe", "median").returncode == 0
    assert rainclean("select", home, "--auto").returncode == 0
    words = ["export", home, "--crops", "grid:24", "--frames", "every:4", "-o"]
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    whole = seconds(lambda: rainclean(*words, undisturbed))
    earlier = contents(undisturbed)
    draw = random.Random(5)
    hit = finished = 0
    for _ in range(KILLS):
        came_in_time = killed([*words, out], draw.uniform(0.1, 1.1 * whole))
        hit += came_in_time
        whole *= 1.0 if came_in_time else 0.9  # the first one was measured on a busier machine
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
