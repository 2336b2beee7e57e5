"""Frames that repeat make no pairs of their own, from the analysis to the exported pixels."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from pipeline.clean.settings import CleanSettings
from pipeline.export.plan import ExportSettings
from pipeline.export.run import export
from pipeline.export.size_estimate import estimate
from pipeline.export.verification import check
from pipeline.probe import probe
from pipeline.project.analysis.findings import frames_at_hand, repeats_of
from pipeline.project.analysis.records import analyses, rain_amounts
from pipeline.project.analysis.run import analyze
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions import choose_best
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.dataset.manifest import read_manifest
from rainclean.dataset.pairs import FrameChoice
from tests.helpers.rainy_clips import rainy_frames, write_clip

STALLED = list(range(14)) + [13] * 16
NOTE = "16 of 30 frames repeat the one before: each image counts once"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one decided clip of 14 pictures, of which the last stands for 17 frames."""
    folder = tmp_path_factory.mktemp("stalled")
    painted = rainy_frames(3, 14)
    clip = write_clip(folder / "stall.mkv", [painted[i] for i in STALLED])
    with Project.create(folder / "project") as project:
        finish(add(project, [clip], Origin(licence="CC0")))
        finish(analyze(project, (), CleanSettings(recipe="median", workers=1)))
        choose_best(project)
    return folder


def test_an_analysis_keeps_what_repeats(folder: Path) -> None:
    assert NOTE in finish(probe(folder / "stall.mkv")).notes
    with Project(folder / "project") as project:
        sequence = sequences(project)[0]
        made = analyses(project, sequence.id)[0]
        assert repeats_of(made) == dict.fromkeys(range(14, 30), 13) and NOTE in made.warnings
        assert list(frames_at_hand(project, sequence, made)) == list(range(14))
        assert [amount is None for amount in rain_amounts(project, made.id)] == [False] * 14 + [True] * 16


@pytest.mark.parametrize(("asked", "frames"), [("all", range(14)), ("every:5", (0, 5, 10)), ("differ:10", None)])
def test_equal_rainy_pictures_make_one_pair(
    folder: Path, tmp_path: Path, asked: str, frames: Iterable[int] | None
) -> None:
    settings = ExportSettings("paired", frames=FrameChoice.parse(asked), shares={"train": 1.0})
    with Project(folder / "project") as project:
        expected = estimate(project, settings)
        result = finish(export(project, settings, tmp_path / "out"))
    rows = read_manifest(tmp_path / "out" / "manifest.csv")
    assert len({row.rainy_pixels_sha256 for row in rows}) == len(rows) == expected.pairs["train"]
    assert frames is None or sorted(row.frame for row in rows) == list(frames)
    assert "frames that repeat the one before make no pairs of their own: stall 16 of 30" in result.notes
    found = finish(check(tmp_path / "out"))
    assert not found.problems and not found.notes


def test_check_tells_equal_rainy_pictures(folder: Path, tmp_path: Path) -> None:
    # As an analysis of before leaves it: nothing known of repeats, rain amounts of all frames.
    import shutil

    shutil.copytree(folder / "project", tmp_path / "project")
    with Project(tmp_path / "project") as project:
        with project.transaction():
            project.execute("UPDATE analysis SET repeats = '', rain = ?", str([1.0] * 30))
        finish(export(project, ExportSettings("paired", shares={"train": 1.0}), tmp_path / "out"))
    found = finish(check(tmp_path / "out"))
    assert not found.problems
    assert any("16 rainy images equal to another one of the same scene" in note for note in found.notes)
