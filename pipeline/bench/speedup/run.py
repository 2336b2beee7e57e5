"""Measure `batch` with one worker and with several, on clips that are made for it."""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from pipeline.batch import Request, ResultFolder, batch, in_processes
from pipeline.bench.truth import backgrounds, make_camera_clip
from pipeline.clean import available_cores
from pipeline.project.clips import Origin, add
from pipeline.project.storage import Project
from pipeline.stages import Progress, mapped
from rainclean.errors import RaincleanError, UsageError

CLIPS = 48
"""Clips by default: a worker starts in about the time of one such clip, which must count for little."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast a number of workers was.

    Attributes:
        workers: Processes, on as many cores.
        clips: Clips that they analysed.
        size: (width, height, frames) of each.
        seconds: From the start of the batch to its end, workers started and results stored.
        speedup: How many times as fast as the first measurement.
    """

    workers: int
    clips: int
    size: tuple[int, int, int]
    seconds: float
    speedup: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for programs."""
        return asdict(self)


def measure_speedup(
    folder: Path,
    *,
    clips: int = CLIPS,
    size: tuple[int, int, int] = (640, 360, 100),
    workers: Sequence[int] = (1, 2),
    repeats: int = 1,
) -> Generator[Progress, None, list[Speed]]:
    """Analyse the same clips with several numbers of workers, in turns; the best of each counts.

    n workers get n cores, as a scheduler would give them: one worker uses more than one core otherwise, because its
    clip is decoded by a process of its own.

    Args:
        folder: An empty folder for clips and project.
        clips: How many.
        size: (width, height, frames) of each.
        workers: Numbers of workers, each at most the number of cores.
        repeats: How often each is measured.

    Yields:
        How far it has come.

    Returns:
        The speed of each number of workers.

    Raises:
        UsageError: There are fewer cores than workers.
    """
    if max(workers) > available_cores():
        raise UsageError(f"{max(workers)} workers on {available_cores()} cores: the machine needs a core for each")
    total = clips + len(workers) * repeats + 1
    (background,) = backgrounds(("table",))
    for number in range(clips):
        stage = make_camera_clip(folder / f"clip{number}", background.path, size, seed=number)
        yield from mapped(stage, lambda _, done=number: Progress("clips", done, total))  # type: ignore[misc]
    with Project.create(folder / "project") as project:
        paths = [folder / f"clip{number}" for number in range(clips)]
        yield from mapped(add(project, paths, Origin()), lambda _: Progress("clips", clips, total))
        seconds: dict[int, list[float]] = {count: [] for count in workers}
        # Once, so that kernels are compiled and clips are in the memory of the system.
        yield from _timed(project, max(workers), lambda: Progress("warm up", clips, total))
        for turn in range(repeats):
            for place, count in enumerate(workers):
                done = clips + 1 + turn * len(workers) + place
                step = Progress(f"{count} workers", done, total)
                seconds[count].append((yield from _timed(project, count, partial(replace, step))))
    best = {count: min(values) for count, values in seconds.items()}
    return [
        Speed(workers=n, clips=clips, size=size, seconds=best[n], speedup=best[workers[0]] / best[n]) for n in workers
    ]


def _timed(project: Project, workers: int, step: Callable[[], Progress]) -> Generator[Progress, None, float]:
    """Analyse everything with a number of workers on as many cores; return the seconds."""
    with _on_cores(workers):
        began = perf_counter()
        results = ResultFolder(project.folder / "batch")
        stage = batch(project, (), Request(), partial(in_processes, workers=workers), results, again=True)
        analyzed = yield from mapped(stage, lambda _: step())
        seconds = perf_counter() - began
    if analyzed.failed:
        raise RaincleanError(next(iter(analyzed.failed.values())))
    return seconds


def _on_cores(count: int) -> Any:
    """Let this process, and those that it starts, use so many cores in the block (Linux)."""
    return _affinity(count) if hasattr(os, "sched_setaffinity") else nullcontext()


@contextmanager
def _affinity(count: int) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
