"""A sequence opened for trying: it gives what an analysis by the same recipe gives, and frees everything."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.clean.run import clean
from pipeline.clean.settings import CleanSettings
from pipeline.project.analysis.live import kept_candidate, open_live
from pipeline.project.analysis.records import analyses, candidates
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.model import Analysis, Sequence
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.candidates.recipe import Recipe
from rainclean.errors import InputError, ResourceError
from rainclean.png import decode_png
from rainclean.temporal.prior import luma, shortest_interval_midpoint
from rainclean.video import Region, open_source
from tests.helpers.rainy_clips import FRAMES, SIZE, rainy_frames, write_clip
from tests.helpers.steps import drained
from tests.pipeline.project.conftest import Add, Analyze


def opened(project: Project, name: str) -> tuple[Sequence, Analysis]:
    """A sequence and its main analysis."""
    (sequence,) = sequences(project, [name])
    return sequence, analyses(project, sequence.id)[0]


def descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_what_is_kept_is_what_the_analysis_made(
    tmp_path: Path, project: Project, put: Add, work: Analyze, three_clips: list[Path]
) -> None:
    put(three_clips[0])
    work()
    sequence, analysis = opened(project, "place0")
    stored = candidates(project, analysis.id)
    with finish(open_live(project, sequence, analysis, 400, tmp_path)) as live:
        assert (live.frames, live.sorted_frames) == (FRAMES, FRAMES)
        assert live.selection.reference_frame == analysis.reference_frame
        np.testing.assert_array_equal(live.reference_rgb, rainy_frames(0)[analysis.reference_frame])
        for n in (FRAMES, 20):
            list(live.sort(n))
            same = [c for c in stored if c.recipe.frames == n and c.recipe.rule in ("percentile", "local")]
            assert n == 20 or "local" in {c.recipe.rule for c in same}
            assert same
            for candidate in same:
                kept = kept_candidate(live, Recipe.from_json(candidate.recipe.document))
                picture = decode_png(project.artefacts.read(candidate.picture), candidate.name)
                np.testing.assert_array_equal(kept.picture, picture)
                assert (kept.eta, kept.silent_share) == (candidate.eta, candidate.silent_share)
                assert kept.scores.total == pytest.approx(
                    candidate.score, abs=0.01
                )  # the scoring_target is kept in 1/64 levels
        with pytest.raises(ValueError, match="not of the 20 frames"):
            kept_candidate(live, Recipe(21))
        with pytest.raises(ValueError, match="not of the 20 frames"):
            kept_candidate(live, Recipe(20, window="first"))
        with pytest.raises(ValueError, match="no live picture: it reads the frames once more"):
            kept_candidate(live, Recipe(20, rule="rainfree"))


def test_a_region_of_a_shot(tmp_path: Path, project: Project, put: Add, work: Analyze) -> None:
    film = write_clip(tmp_path / "film.mkv", [*rainy_frames(1), *rainy_frames(2)])
    put(film)
    work(recipe="median")
    sequence = sequences(project)[1]
    analysis = replace(analyses(project, sequence.id)[0], region=Region(10, 8, 40, 30))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with finish(open_live(project, sequence, analysis, 11, scratch, frames=6)) as live:
        assert (live.frames, live.sorted_frames) == (11, 6)
        picture = kept_candidate(live, Recipe(6, percentile=12.5)).picture
        assert set(live.selection.indices) <= set(range(sequence.first, sequence.stop))
    settings = CleanSettings(
        recipe="n6-p12_5", first=sequence.first, stop=sequence.stop, region=analysis.region, workers=1
    )
    with open_source(film) as source, finish(clean(source, settings)) as cleaned:
        np.testing.assert_array_equal(picture, cleaned.picture(cleaned.candidates[0]))


def test_without_a_kept_crowd_scores_are_against_the_largest_window_that_stands_still(
    tmp_path: Path, project: Project, put: Add, work: Analyze
) -> None:
    """The camera moves at both ends: what is kept is judged by the inner 20 frames."""
    frames = rainy_frames(3, 50)
    for index in (*range(8), *range(42, 50)):
        frames[index] = np.roll(frames[index], 5, axis=1)
    put(write_clip(tmp_path / "shaken.mkv", frames))
    work(recipe="n50-vote")
    sequence, analysis = opened(project, "shaken")
    assert not analysis.stabilization
    with finish(open_live(project, sequence, replace(analysis, scoring_target=""), 50, tmp_path)) as live:
        inner = np.sort([luma(frame) for frame in frames[15:35]], axis=0)
        np.testing.assert_array_equal(live.target, shortest_interval_midpoint(inner))


def test_closing_at_any_step_frees_everything(
    tmp_path: Path, project: Project, put: Add, work: Analyze, three_clips: list[Path]
) -> None:
    put(three_clips[0])
    work(recipe="median")
    sequence, analysis = opened(project, "place0")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    before = descriptors()
    seen, live = drained(open_live(project, sequence, analysis, 12, scratch))
    live.close()
    del live  # its reference frame lies in memory that a reading process shares
    steps = [step.stage for step in seen]
    assert steps[:2] == ["open", "decode"] and steps[-1] == "sort" and steps.count("decode") == 12
    assert descriptors() == before
    for broken_off in range(1, len(steps)):
        stage = open_live(project, sequence, analysis, 12, scratch)
        for _ in range(broken_off):
            next(stage)
        stage.close()
        assert descriptors() == before and not list(scratch.iterdir())


def test_frames_that_do_not_fit_are_said(
    tmp_path: Path, project: Project, put: Add, work: Analyze, three_clips: list[Path]
) -> None:
    put(three_clips[0])
    work(recipe="median")
    sequence, analysis = opened(project, "place0")
    each = 6 * SIZE[0] * SIZE[1]
    steps, live = drained(open_live(project, sequence, analysis, 400, tmp_path, limit=9 * each))
    with live:
        assert live.frames == 9
    assert [step.note for step in steps if step.note] == [
        "9 of 24 frames are used: more do not fit into the scratch space (212.6 KiB)"
    ]
    with pytest.raises(ResourceError, match="two frames need"):
        finish(open_live(project, sequence, analysis, 400, tmp_path, limit=each))


def test_a_clip_that_is_gone_or_shorter(
    tmp_path: Path, project: Project, put: Add, work: Analyze, three_clips: list[Path]
) -> None:
    path = tmp_path / "lost.mkv"
    shutil.copy(three_clips[0], path)
    put(path)
    work(recipe="median")
    sequence, analysis = opened(project, "lost")
    with pytest.raises(InputError, match="needs 99"):
        finish(open_live(project, replace(sequence, stop=99), analysis, 400, tmp_path))
    path.unlink()
    with pytest.raises(InputError, match="not there any more"):
        finish(open_live(project, sequence, analysis, 400, tmp_path))
