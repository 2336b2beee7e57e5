"""Analysis of a project: each sequence once, resumed after anything, failures noted and tried again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.clean.run import clean
from pipeline.clean.settings import CleanSettings
from pipeline.project.analysis import run
from pipeline.project.analysis.records import all_candidates, analyses, candidates, rain_amounts, wanted_artefacts
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.overview import overview
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.errors import RaincleanError, UsageError
from rainclean.png import decode_png
from rainclean.video import open_source
from tests.helpers.rainy_clips import FRAMES, rainy_frames, write_clip
from tests.pipeline.project.conftest import Add, Analyze


def states(project: Project) -> list[str]:
    return [line.state for line in overview(project)]


def test_candidates_are_those_of_clean(project: Project, put: Add, work: Analyze, three_clips: list[Path]) -> None:
    put(three_clips[0])
    assert work().done == ["place0"]
    (analysis,) = analyses(project, 1)
    assert not analysis.error
    stored = candidates(project, analysis.id)
    with open_source(three_clips[0]) as source, finish(clean(source, CleanSettings(workers=1))) as result:
        assert [c.name for c in stored] == [c.recipe.name for c in result.candidates]
        for kept, made in zip(stored, result.candidates, strict=True):
            picture = decode_png(project.artefacts.read(kept.picture), kept.name)
            np.testing.assert_array_equal(picture, result.picture(made))
            assert made.scores is not None and kept.score == pytest.approx(made.scores.total)
            assert kept.recipe.document["hash"] == kept.recipe_hash == made.recipe.hash
        assert analysis.reference_frame == result.selection.reference_frame
    rain = [amount for amount in rain_amounts(project, analysis.id) if amount is not None]
    assert len(rain) == FRAMES and np.mean(rain[-8:]) > 1.5 * np.mean(rain[:8])  # it rains more and more


def test_a_shot_is_analysed_alone(tmp_path: Path, project: Project, put: Add, work: Analyze) -> None:
    film = write_clip(tmp_path / "film.mkv", [*rainy_frames(1), *rainy_frames(2)])
    put(film)
    work(recipe="median")
    (second,) = analyses(project, 2)
    assert second.reference_frame == 24 + 12
    (median,) = candidates(project, second.id)
    expected = np.median(rainy_frames(2), axis=0).astype(np.uint8)
    picture = decode_png(project.artefacts.read(median.picture), "median")
    assert np.abs(picture.astype(int) - expected).max() <= 1
    assert not second.warnings  # no word of a cut: there is none in a shot


def test_what_is_done_is_skipped(project: Project, put: Add, work: Analyze, three_clips: list[Path]) -> None:
    put(*three_clips[:2])
    assert work("place1", recipe="median").done == ["place1"]
    result = work(recipe="median")
    assert (result.done, result.skipped) == (["place0"], ["place1"])
    assert work(recipe="median", memory=1 << 29).skipped == ["place0", "place1"]  # memory changes no picture
    assert work(recipe="median", again=True).done == ["place0", "place1"]
    assert work(recipe="n20-vote").done == ["place0", "place1"]
    assert work(recipe="median").skipped == ["place0", "place1"]  # still there


def test_closing_loses_the_sequence_under_way_and_nothing_else(
    project: Project, put: Add, work: Analyze, three_clips: list[Path]
) -> None:
    put(*three_clips)
    stage = run.analyze(project, (), CleanSettings(recipe="median", workers=1))
    for step in stage:
        if step.parts_done == 1 and step.stage == "rain" and step.done > 3:
            break
    stage.close()
    assert states(project) == ["ready", "new", "new"]
    result = work(recipe="median")
    assert (result.done, result.skipped) == (["place1", "place2"], ["place0"])
    assert states(project) == ["ready"] * 3


def test_progress_tells_clip_and_whole(project: Project, put: Add, three_clips: list[Path]) -> None:
    put(*three_clips[:2])
    steps = list(run.analyze(project, (), CleanSettings(recipe="median", workers=1)))
    assert {(s.part, s.parts_done, s.parts_total) for s in steps} == {("place0", 0, 2), ("place1", 1, 2)}
    assert {"decode", "rain", "write"} <= {s.stage for s in steps}


def test_a_failure_is_noted_and_tried_again(
    tmp_path: Path, project: Project, put: Add, work: Analyze, three_clips: list[Path]
) -> None:
    path = tmp_path / "lost.mkv"
    shutil.copy(three_clips[0], path)
    put(path, three_clips[1])
    path.rename(tmp_path / "hidden.mkv")
    result = work(recipe="median")
    assert result.done == ["place1"] and "is not there any more" in result.failed["lost"]
    assert states(project) == ["failed", "ready"]
    (tmp_path / "hidden.mkv").rename(path)
    assert work(recipe="median").done == ["lost"]
    assert states(project) == ["ready", "ready"]
    path.rename(tmp_path / "hidden.mkv")
    assert list(work(recipe="median", again=True).failed) == ["lost"]
    assert states(project) == ["ready", "ready"]  # the candidates are still there


def test_a_recipe_that_cannot_be_meant_is_no_clip_s_fault(
    project: Project, put: Add, work: Analyze, three_clips: list[Path]
) -> None:
    put(three_clips[0])
    with pytest.raises(UsageError, match="no recipe"):
        work(recipe="best")
    assert states(project) == ["new"]


def test_a_second_analysis_at_the_same_time_is_told(project: Project, put: Add, three_clips: list[Path]) -> None:
    put(*three_clips[:2])
    first = run.analyze(project, (), CleanSettings(recipe="median", workers=1))
    next(first)
    with Project(project.folder) as other, pytest.raises(RaincleanError, match="another rainclean"):
        next(run.analyze(other, (), CleanSettings(recipe="median", workers=1)))
    first.close()


def test_pictures_that_nothing_refers_to_go(
    project: Project, put: Add, work: Analyze, three_clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.project.storage.artefacts._ABANDONED", -1.0)
    put(three_clips[0])
    work()
    (project.folder / "artefacts" / "ab").mkdir(exist_ok=True)
    (project.folder / "artefacts" / "ab" / f"{'ab' * 32}.png").write_text("")
    work(recipe="median")
    there = {p.name for p in (project.folder / "artefacts").glob("??/*")}
    assert there == wanted_artefacts(project) and len(there) > 2
    assert [p.name for p in (project.folder / "trash").glob("*/*")] == [f"{'ab' * 32}.png"]


def test_a_damaged_store_is_no_proof_that_nothing_wants_a_picture(
    project: Project, put: Add, work: Analyze, three_clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.project.storage.artefacts._ABANDONED", -1.0)
    put(three_clips[0])
    work()
    there = {p.name for p in (project.folder / "artefacts").glob("??/*")}
    monkeypatch.setattr(Project, "problems", lambda _: ["row 7 missing from index candidate_1"])
    monkeypatch.setattr(run, "wanted_artefacts", lambda _: set())
    work(recipe="median")
    assert there < {p.name for p in (project.folder / "artefacts").glob("??/*")}


def test_candidates_of_several_settings_stand_side_by_side(
    project: Project, put: Add, work: Analyze, three_clips: list[Path]
) -> None:
    put(three_clips[0])
    work(recipe="n20-p37_5")
    work()
    work(recipe="median")
    work(recipe="n20-p37_5", again=True)
    sweep, *others = analyses(project, 1)
    assert sweep.settings.recipe is None and {a.settings.recipe for a in others} == {"n20-p37_5", "median"}
    names = [c.name for c in all_candidates(project, 1)]
    assert names[: len(candidates(project, sweep.id))] == [c.name for c in candidates(project, sweep.id)]
    assert "n20-p37_5" in names and len(names) == len(set(names))
    (line,) = overview(project)
    assert line.chosen == names[0]
    assert sweep.sheet == ""


def test_settings_are_kept_with_the_analysis(
    project: Project, put: Add, work: Analyze, three_clips: list[Path]
) -> None:
    put(three_clips[0])
    work(frames=20)
    row = project.rows("SELECT settings, rainclean FROM analysis")[0]
    assert json.loads(row["settings"])["frames"] == 20 and row["rainclean"]
    assert [s.name for s in sequences(project)] == ["place0"]
