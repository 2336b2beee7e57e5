"""A project with four decided clips of three places, made once."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.clean.settings import CleanSettings
from pipeline.export.assembly import Exported
from pipeline.export.plan import ExportSettings
from pipeline.export.run import export
from pipeline.project.analysis.run import analyze
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.decisions import choose_best
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.dataset.pairs import CropChoice, FrameChoice
from tests.helpers.rainy_clips import background, rainy_clip, rainy_frames, write_clip

Write = Callable[..., Exported]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    clips = [rainy_clip(folder / f"place{seed}.mkv", seed) for seed in range(3)]
    again = np.roll(background(0), 2, 1)
    clips.append(write_clip(folder / "again.mkv", rainy_frames(9, of=again)))
    with Project.create(folder / "project") as project:
        finish(add(project, clips, Origin(licence="CC0", author="A. Nyone")))
        finish(analyze(project, (), CleanSettings(recipe="median", workers=1)))
        choose_best(project)
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """The folder of a project of one's own; its clips stay where they are."""
    return Path(shutil.copytree(made / "project", tmp_path / "project"))


@pytest.fixture
def write(home: Path, tmp_path: Path) -> Write:
    def run(to: str = "out", **asked: Any) -> Exported:
        with Project(home) as project:
            return finish(export(project, settings(**asked), tmp_path / to))

    return run


def settings(layout: str = "spa", frames: str = "every:8", crops: str = "whole", **asked: Any) -> ExportSettings:
    of_crops = {name: asked.pop(name) for name in ("smallest_rain_share", "most_excluded") if name in asked}
    return ExportSettings(layout, FrameChoice.parse(frames), CropChoice.parse(crops, **of_crops), **asked)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
