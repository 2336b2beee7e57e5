"""Run seeds, each in a process of its own, so that a crash or a hang of one is known and does not end the others."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from pipeline.stages import Progress, finish

LAST = 30
"""Events that are printed of a seed that failed."""

HANG = 120
"""Seconds without an event after which a process counts as stuck."""

_SEED = "import rainclean._start; from benchmarks.monkey.seed import main; main()"

_ROOT = Path(__file__).parents[2]
"""The folder that `benchmarks` is imported from."""

_CLIPS = 3
_SIZE = (96, 72, 24)
"""Width, height and frames of the clips."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a seed. problem: "" if nothing broke. last_events: those before the problem."""

    seed: int
    events: int
    seconds: float
    problem: str = ""
    last_events: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """Return the result in one line."""
        return self.problem.splitlines()[0] if self.problem else "no fault"

    def to_json(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return asdict(self)


def run_seeds(seeds: Sequence[int], events: int, batch: int, jobs: int) -> Generator[Progress, None, list[Outcome]]:
    """Make a project, and let each seed loose on a copy of it."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="rainclean-monkey-") as folder:
        original = Path(folder) / "original"
        make_project(original)
        for number, seed in enumerate(seeds):
            yield Progress("seeds", number, len(seeds))
            place = Path(folder) / f"seed{seed}"
            shutil.copytree(original, place)
            outcomes.append(_run(place, seed, events, batch, jobs))
            shutil.rmtree(place, ignore_errors=True)
    return outcomes


def make_project(folder: Path) -> None:
    """Make a folder with small clips and a project of them, all but the last analysed."""
    from benchmarks.temporal.run import make_clip
    from pipeline.clean import CleanSettings
    from pipeline.project.analysis import analyze
    from pipeline.project.clips import Origin, add
    from pipeline.project.storage import Project

    clips = folder / "clips"
    clips.mkdir(parents=True)
    for number in range(_CLIPS + 1):
        make_clip(clips / f"place{number}.mp4", *_SIZE, seed=7 + number)
    with Project.create(folder / "project") as project:
        finish(add(project, sorted(clips.iterdir())[:-1], Origin()))
        finish(analyze(project, (), CleanSettings(workers=1)))


def _run(folder: Path, seed: int, events: int, batch: int, jobs: int) -> Outcome:
    log, began = folder / "events.txt", monotonic()
    home = folder / "home"
    home.mkdir()
    environment = {
        **os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "USERPROFILE": str(home),
        "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _SEED, *map(str, (folder, seed, events, batch, jobs, HANG))],
        cwd=_ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        check=False,
    )  # fmt: skip
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    problem = ""
    if done.returncode:
        reason = "stopped" if done.returncode == 1 else f"ended with exit code {done.returncode}"
        problem = done.stderr.strip() or reason
    return Outcome(
        seed=seed,
        events=sum(line.startswith("#") for line in lines),
        seconds=monotonic() - began,
        problem=problem,
        last_events=lines[-LAST:] if problem else [],
    )
