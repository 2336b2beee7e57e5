"""Simulate many clips, and make one data set of them with the commands that a person would type, unattended."""

from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import cv2

from pipeline.bench.scale import CommandFigures, measure
from pipeline.bench.truth import backgrounds, make_camera_clip
from pipeline.stages import Progress, mapped
from rainclean.dataset import read_dataset

PRESETS = ("light", "medium", "heavy", "drift")
"""Rain of the clips, in turns."""

PAIRS_OF_A_FRAME = 2


@dataclass(frozen=True, kw_only=True)
class DatasetFigures:
    """What the whole job took.

    Attributes:
        clips: Number of clips.
        size: (width, height, frames) of each.
        clip_bytes: Bytes of all clips.
        project_bytes, dataset_bytes: Bytes of the project and of the data set.
        pairs: Number of pairs by split.
        commands: Time and memory of each command, in order. The clips were simulated before.
    """

    clips: int
    size: tuple[int, int, int]
    clip_bytes: int
    project_bytes: int
    dataset_bytes: int
    pairs: dict[str, int]
    commands: list[CommandFigures]

    def to_json(self) -> dict[str, Any]:
        """Return all figures as values for JSON."""
        return asdict(self)


def bench_dataset(folder: Path, *, clips: int, size: tuple[int, int, int]) -> Generator[Progress, None, DatasetFigures]:
    """Make a data set of crops of 256×256 px in layout spa from simulated clips.

    Args:
        folder: Empty folder for clips, project and data set, which stay.
        clips: Number of clips.
        size: (width, height, frames) of each.

    Raises:
        RaincleanError: A command failed.
    """
    source, project, dataset = folder / "clips", folder / "project", folder / "dataset"
    for number in range(clips):
        yield from mapped(
            _make_clip(source, number, size),
            lambda _, done=number: Progress("simulate", done, clips),  # type: ignore[misc]
        )
    commands = (
        ("new", str(project)),
        ("add", str(project), str(source)),
        ("batch", str(project)),
        ("select", str(project), "--auto", "--include", "look"),
        (
            "export", str(project), "-o", str(dataset), "--layout", "spa", "--frames", "all",
            "--crops", f"random:256:{PAIRS_OF_A_FRAME}", "--max-excluded", "1",
        ),
        ("check", str(dataset)),
    )  # fmt: skip
    figures = []
    for done, command in enumerate(commands):
        yield Progress(command[0], done, len(commands))
        figures.append(measure(command, command[0]))
    data = read_dataset(dataset)
    return DatasetFigures(
        clips=clips,
        size=size,
        clip_bytes=_bytes_of(source),
        project_bytes=_bytes_of(project),
        dataset_bytes=_bytes_of(dataset),
        pairs={split: len(data.split(split)) for split in data.splits},
        commands=figures,
    )


def _make_clip(folder: Path, number: int, size: tuple[int, int, int]) -> Generator[Progress, None, None]:
    """Simulate a clip over a part of a sample's background; another number is another part and another rain."""
    random, samples = Random(number), backgrounds(("table", "cat", "launch"))
    picture = cv2.imread(str(samples[number % len(samples)].path))
    assert picture is not None
    height, width = picture.shape[0] * 3 // 4, picture.shape[1] * 3 // 4
    top, left = random.randrange(picture.shape[0] - height), random.randrange(picture.shape[1] - width)
    part = folder.parent / "backgrounds" / f"scene-{number:03}.png"
    part.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(part), picture[top : top + height, left : left + width][:, :: random.choice((1, -1))])
    target = folder / f"scene-{number:03}"
    clip = yield from make_camera_clip(target, part, size, seed=number, rain=PRESETS[number % len(PRESETS)])
    for other in target.iterdir():
        if other != clip:
            other.unlink()  # the ground truth would be added as a clip


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
