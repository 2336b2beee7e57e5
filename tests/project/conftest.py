"""Projects with small clips."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.clean import CleanSettings
from pipeline.project.adding import Added, Origin, add
from pipeline.project.analyzing import Analyzed, analyze
from pipeline.project.store import Project
from pipeline.stages import finish

from .clips import rainy_clip

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
    def run(*paths: Path, origin: Origin | None = None, **options: bool) -> Added:
        return finish(add(project, paths, origin or Origin(), **options))

    return run


@pytest.fixture
def work(project: Project) -> Analyze:
    def run(*names: str, again: bool = False, **settings: object) -> Analyzed:
        return finish(analyze(project, names, CleanSettings(workers=1, **settings), again))  # type: ignore[arg-type]

    return run
