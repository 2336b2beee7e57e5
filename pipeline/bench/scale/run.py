"""Measure a large project, a large data set, one clip and several workers, and forecast what many machines take."""

import tempfile
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.bench.scale.clip_cost import ClipCost, measure_clip
from pipeline.bench.scale.commands import CommandFigures, measure, measure_commands
from pipeline.bench.scale.forecast import Forecast, Needs, forecast, needs
from pipeline.bench.scale.index import PAIRS, IndexFigures, TrainingFigures, make_tree, measure_index, measure_training
from pipeline.bench.speedup import Speed, measure_speedup
from pipeline.clean import available_cores
from pipeline.stages import Progress, part_of

Part = Literal["project", "index", "clip", "workers"]

PARTS: tuple[Part, ...] = ("clip", "project", "index", "workers")
"""All parts, in the order in which they run."""

MACHINES = (1, 10, 100)


@dataclass(frozen=True, kw_only=True)
class ScaleSettings:
    """What to measure.

    Attributes:
        parts: Which parts.
        sequences: Of the large project.
        pairs: Of the large data set.
        size: (width, height, frames) of the clip whose cost is measured.
        clips: Number of such clips on paper.
    """

    parts: Sequence[Part] = PARTS
    sequences: int = 10_000
    pairs: int = PAIRS
    size: tuple[int, int, int] = (1920, 1080, 300)
    clips: int = 10_000


@dataclass(kw_only=True)
class ScaleFigures:
    """All figures; None, or an empty list, for parts that were not asked for.

    Attributes:
        cores: Of this machine.
        sequences: Of the large project.
        commands: On the large project.
        index, training: Of the large data set.
        clip: What one clip costs.
        intake_seconds: Until the results of one clip are in the store.
        needs, forecast: On paper, of many such clips.
        workers: Speed of `batch`.
    """

    cores: int
    sequences: int = 0
    commands: list[CommandFigures] | None = None
    index: IndexFigures | None = None
    training: TrainingFigures | None = None
    clip: ClipCost | None = None
    intake_seconds: float | None = None
    needs: Needs | None = None
    forecast: list[Forecast] | None = None
    workers: list[Speed] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return all figures as values for JSON."""
        return asdict(self)


def bench_scale(settings: ScaleSettings) -> Generator[Progress, None, ScaleFigures]:
    """Measure the parts that the settings name, in temporary folders that are removed afterwards.

    Yields:
        Progress, part by part.

    Returns:
        The figures.

    Raises:
        RaincleanError: A command failed, or the disk is full.
    """
    figures = ScaleFigures(cores=available_cores(), sequences=settings.sequences)
    parts = [part for part in PARTS if part in settings.parts]
    for done, part in enumerate(parts):
        with tempfile.TemporaryDirectory(prefix="rainclean-scale-") as folder:
            yield from part_of(_measure(part, settings, figures, Path(folder)), part, done, len(parts))
    return figures


def _measure(
    part: Part, settings: ScaleSettings, figures: ScaleFigures, folder: Path
) -> Generator[Progress, None, None]:
    """Measure one part into the figures."""
    if part == "clip":
        figures.clip = yield from measure_clip(settings.size, folder / "project")
        figures.intake_seconds = _measure_intake(folder / "project", folder)
        figures.needs = needs(figures.clip, settings.clips)
        figures.forecast = forecast(
            figures.clip,
            clips=settings.clips,
            cores=figures.cores,
            intake_seconds=figures.intake_seconds,
            machines=MACHINES,
        )
    elif part == "project":
        yield from measure_clip((320, 240, 20), folder / "project")
        figures.commands = yield from measure_commands(folder / "project", settings.sequences)
    elif part == "index":
        yield Progress("make the data set", 0, 3)
        make_tree(folder / "data", settings.pairs)
        yield Progress("index", 1, 3)
        figures.index = measure_index(folder / "data")
        yield Progress("training", 2, 3)
        figures.training = measure_training(folder / "data")
    else:
        figures.workers = yield from measure_speedup(folder)


def _measure_intake(project: Path, folder: Path) -> float:
    """Return the CPU seconds in which results of one clip get into the store: `project import`, without its start."""
    results = folder / "results"
    measure(("analyze", str(project), "--again", "--shard", "1/1", "-o", str(results)), "analyze --shard")
    nothing = measure(("status", str(project)), "status")
    taken = measure(("project", "import", str(project), str(results)), "project import")
    return max(0.0, taken.cpu_seconds - nothing.cpu_seconds)
