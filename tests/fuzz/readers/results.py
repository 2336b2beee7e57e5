"""What workers leave for the process that writes to the store."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from pipeline.batch.intake import Intake
from pipeline.batch.result_folder import RECORD, Result
from pipeline.batch.shard import analyze_shard
from pipeline.batch.tasks import Request, Shard
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from tests.fuzz.engine import Reader
from tests.helpers.rainy_clips import rainy_clip

WORDS = b'{ } [ ] : , " null -1 1e999 NaN true "rain": "settings": "recipe": "picture": 9007199254740993 ../../'
TOKENS = (*WORDS.split(), b"[" * 3000, b"9" * 5000)


def prepared(folder: Path) -> Path:
    """Make a project with one clip, and the result of its only shard; return the record."""
    folder.mkdir(exist_ok=True)
    with Project.create(folder / "project") as project:
        project.execute("UPDATE project SET uuid = 'one'")
        finish(add(project, [rainy_clip(folder / "clip.mkv", 1)], Origin()))
    finish(analyze_shard(folder / "project", (), Request(recipe="median"), Shard(1, 1), folder / "results"))
    (record,) = (folder / "results").glob(f"*/{RECORD}")
    return record


def result(folder: Path) -> Mapping[str, bytes]:
    return {RECORD: prepared(folder / "made").read_bytes()}


def read_result(path: Path) -> None:
    """As an import: into a sound project, which is sound afterwards."""
    folder = path.parent / "there"
    if not folder.is_dir():
        prepared(folder)
    (record,) = (folder / "results").glob(f"*/{RECORD}")
    record.write_bytes(path.read_bytes())
    shutil.rmtree(folder / "project" / "artefacts", ignore_errors=True)
    with Project.again(folder / "project") as project:
        project.execute("DELETE FROM analysis")
        try:
            Intake(project).take(Result.read(record.parent))
        finally:
            assert not project.problems()


READERS = [Reader("result of a worker", result, read_result, TOKENS, short=60)]
