"""Projects whose clips nobody has analysed, and what one process makes of them."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.clean.settings import CleanSettings
from pipeline.project.analysis.run import analyze
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from tests.helpers.rainy_clips import rainy_clip

CLIPS = 6

Copy = Callable[[], Path]

NOT_COMPARED = {"analysis": {"id", "finished"}, "candidate": {"id", "analysis_id"}}
"""Columns that differ from run to run: the order in which rows came, and when."""


@pytest.fixture(scope="session")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with clips; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("batch")
    clips = [rainy_clip(folder / f"place{seed}.mkv", seed) for seed in range(CLIPS)]
    with Project.create(folder / "project") as made:
        finish(add(made, clips, Origin()))
    return folder / "project"


@pytest.fixture
def copy(added: Path, tmp_path: Path) -> Copy:
    """Makes copies of that project, one after the other."""
    numbers = iter(range(100))
    return lambda: Path(shutil.copytree(added, tmp_path / f"copy{next(numbers)}"))


@pytest.fixture(scope="session")
def alone(added: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, analysed by one process."""
    folder = Path(shutil.copytree(added, tmp_path_factory.mktemp("alone") / "project"))
    with Project(folder) as project:
        finish(analyze(project, (), CleanSettings(workers=2)))
    return folder


def content_of(project: Path) -> dict[str, Any]:
    """Return the files of a project by name, and the rows that an analysis makes, by sequence."""
    artefacts = project / "artefacts"
    files = {path.relative_to(artefacts).as_posix(): path.read_bytes() for path in artefacts.glob("*/*")}
    with closing(sqlite3.connect(project / "project.sqlite")) as store:
        store.row_factory = sqlite3.Row
        names = dict(store.execute("SELECT id, name FROM sequence").fetchall())
        analyses = store.execute("SELECT * FROM analysis").fetchall()
        of = {row["id"]: names[row["sequence_id"]] for row in analyses}
        rows = {"analysis": analyses, "candidate": store.execute("SELECT * FROM candidate").fetchall()}
    return {
        "files": files,
        **{
            table: sorted(
                (
                    of[row["analysis_id" if table == "candidate" else "id"]],
                    *((key, row[key]) for key in row.keys() if key not in NOT_COMPARED[table]),  # noqa: SIM118
                )
                for row in found
            )
            for table, found in rows.items()
        },
    }
