"""Projects with small clips."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.clean.settings import CleanSettings
from pipeline.project.analysis.run import Analyzed, analyze
from pipeline.project.clips.import_clips import Added, Origin, add
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from tests.helpers.rainy_clips import rainy_clip

Add = Callable[..., Added]
Analyze = Callable[..., Analyzed]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "project") as made:
        yield made


@pytest.fixture(scope="session")
def three_clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("three")
    return [rainy_clip(folder / f"place{seed}.mkv", seed) for seed in range(3)]


@pytest.fixture
def put(project: Project) -> Add:
    def run(*paths: Path, origin: Origin | None = None, copy: bool = False) -> Added:
        return finish(add(project, paths, origin or Origin(), copy=copy))

    return run


@pytest.fixture
def work(project: Project) -> Analyze:
    def run(*names: str, again: bool = False, **settings: Any) -> Analyzed:
        return finish(analyze(project, names, CleanSettings(workers=1, **settings), again=again))

    return run


@pytest.fixture(scope="session")
def analysed(tmp_path_factory: pytest.TempPathFactory, three_clips: list[Path]) -> Path:
    """A project with three analysed clips; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("analysed") / "project"
    with Project.create(folder) as made:
        finish(add(made, three_clips, Origin(licence="CC0")))
        finish(analyze(made, (), CleanSettings(workers=1)))
    return folder


@pytest.fixture
def home(analysed: Path, tmp_path: Path) -> Path:
    """An analysed project of one's own; its clips stay where they are."""
    return Path(shutil.copytree(analysed, tmp_path / "home"))


@pytest.fixture
def desk(home: Path) -> Iterator[Project]:
    """The same, open."""
    with Project(home) as opened:
        yield opened
