"""A store of the first version goes on: its decisions hold, and what it lacks is told."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.project.analysis.findings import (
    covered_frames,
    frames_at_hand,
    read_areas,
    read_foreground,
    read_posterior,
)
from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import decisions
from pipeline.project.editing.editor import Editor
from pipeline.project.model import FindingColumns
from pipeline.project.overview import overview
from pipeline.project.storage import schema
from pipeline.project.storage.artefacts import Artefacts
from pipeline.project.storage.database import ARTEFACTS, DATABASE, Project
from rainclean.compositing.composite import Shape
from rainclean.errors import InputError, RaincleanError, ResourceError
from rainclean.png import encode_png
from tests.helpers.rainy_clips import background


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A project as the first version wrote it: one sequence, two candidates, decided, taken back, decided again.

    It kept a write-ahead log, and was killed: all that it wrote is still in there.
    """
    folder, working = tmp_path / "old", tmp_path / "working"
    working.mkdir()
    db = sqlite3.connect(working / DATABASE, isolation_level=None)
    assert db.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    db.executescript(
        f"{schema.MIGRATIONS[0]}; PRAGMA user_version = 1; PRAGMA application_id = {schema.APPLICATION_ID}"
    )

    def insert(table: str, **values: object) -> None:
        marks = ", ".join("?" * len(values))
        db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))

    insert("project", uuid="old", created="2025-01-01T00:00:00Z", rainclean="0.1.0")
    insert("clip", content="c", path="/c.mkv", relative="c.mkv", copied=0, bytes=1, modified_ns=1,
                   width=72, height=56, frame_count=24, duration=1.0, codec="ffv1", salvage=0, notes="[]",
                   added="2025-01-01T00:00:00Z")  # fmt: skip
    insert("sequence", clip_id=1, name="c", first=0, last=24, scene="c", scene_by="name",
                   background=b"")  # fmt: skip
    insert("analysis", sequence_id=1, settings='{"recipe": null, "frames": null, "rules": 1}',
                   settings_hash="h", rainclean="0.1.0", finished="2025-01-01T00:00:00Z", error="",
                   reference_frame=12, region="[0, 0, 72, 56]", warnings="[]", rain=str([0.0] * 24),
                   sheet="")  # fmt: skip
    for rank in (1, 2):
        picture = Artefacts(folder / ARTEFACTS).put(encode_png(background(rank)), ".png")
        insert("candidate", analysis_id=1, rank=rank, name=f"n{rank}", recipe="{}",
                       recipe_hash=f"{rank}", percentile=50.0, eta=50, silent_share=0.0, streaks=0.1,
                       detail=0.1, darkening=0.1, disagreement=0.1, merged="[]", picture=picture)  # fmt: skip
    for number, verdict, chosen, undoes in (
        (1, "accepted", 1, None), (2, "accepted", 2, None), (3, "undone", None, 2)
    ):  # fmt: skip
        insert("decision", uuid=f"u{number}", sequence_id=1, kind="person", verdict=verdict,
                       candidate_id=chosen, undoes=undoes, exclude="", note="", who="Ann",
                       at="2025-01-01T00:00:00Z")  # fmt: skip
    shutil.copytree(working, folder, dirs_exist_ok=True)
    db.close()
    assert (folder / f"{DATABASE}-wal").stat().st_size
    return folder


def test_an_older_store_is_brought_up_to_date_and_its_decisions_hold(old: Path) -> None:
    with Project(old) as project:
        assert project.value("PRAGMA user_version") == len(schema.MIGRATIONS) >= 2
        assert project.problems() == []
        (line,) = overview(project)
        assert (line.state, line.chosen, line.star, line.note, line.conflict) == ("accepted", "n1", False, "", False)
        assert line.decision is not None and line.decision.reasons == ()
        assert line.score == pytest.approx(0.4)
        assert [c.more_scores for c in candidates(project, 1)] == [{}, {}]
        (made,) = analyses(project, 1)
        assert (made.scoring_target, made.reference, made.spread, made.origin) == ("", "", 0.0, "analysis")
        assert made.findings == FindingColumns()
        assert read_posterior(project, made) is None
        assert read_areas(project, made) is None and read_foreground(project, made) is None
        assert list(frames_at_hand(project, sequences(project)[0], made)) == list(range(24))
        assert covered_frames(made) == frozenset()
        # Made in the same second by the first version: their order is that of their numbers.
        decisions.accept(project, sequences(project)[0], "n2", "Bea")
        assert overview(project)[0].chosen == "n2"


def test_a_composite_of_what_an_older_rainclean_analysed_is_told(old: Path) -> None:
    with Project(old) as project:
        editor, sequence = Editor(project, "Ann"), sequences(project)[0]
        editor.paint(sequence, 1, 2, Shape("rectangle", ((0.0, 0.0), (20.0, 20.0))))
        with pytest.raises(RaincleanError, match=r"older rainclean.*analyze --again"):
            editor.accept(sequence, 1)
        assert len(decisions.journal(project)) == 3
        assert editor.accept(sequence, 2).candidate_id == 2  # no layers lie on that one


def test_an_older_store_that_cannot_be_written_to_is_told(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.project.storage.connection.os.access", lambda path, mode: False)
    with pytest.raises(ResourceError, match="is read-only, and in use or left unfinished by a killed process"):
        Project(old)
    with sqlite3.connect(old / DATABASE) as db:
        db.execute("PRAGMA user_version")
    db.close()  # puts into the file what was in the log
    with pytest.raises(InputError, match="written by an older rainclean"):
        Project(old)


def test_an_older_store_that_an_older_rainclean_has_open_is_told(old: Path) -> None:
    with closing(sqlite3.connect(old / DATABASE)) as db:
        assert db.execute("SELECT count(*) FROM decision").fetchone() == (3,)
        with pytest.raises(RaincleanError, match="an older rainclean has this project open; close it"):
            Project(old)
    with Project(old) as project:
        assert len(decisions.journal(project)) == 3
    assert not list(old.glob("*-wal")) and not list(old.glob("*-shm"))
