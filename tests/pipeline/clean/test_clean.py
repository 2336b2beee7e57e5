"""The stage `pipeline.clean.run`, end to end on frames in memory."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.clean.result import CleanResult
from pipeline.clean.run import clean
from pipeline.clean.settings import CleanSettings
from pipeline.stages import finish
from rainclean.errors import InputError, RaincleanError, ResourceError
from rainclean.temporal import storage
from rainclean.video.source import Frame, Region
from tests.helpers.cleaning import FramesInMemory, outcome, rainy_clip, tight
from tests.helpers.steps import drained, noting


def released_by_numpy(frames: np.ndarray) -> tuple[np.ndarray, int]:
    """METHOD, section 1, over the whole stack at once."""
    n = len(frames)
    r, g, b = np.moveaxis(frames.astype(np.int64), -1, 0)
    luma = (299 * r + 587 * g + 114 * b) // 1000
    counts = (luma[..., None] == np.arange(256)).sum(axis=0)
    mode = counts.argmax(axis=-1)
    first = (luma < mode).sum(axis=0)
    last = (luma <= mode).sum(axis=0) - 1
    votes = [((100 * first <= e * n) & (e * n <= 100 * last)).sum() for e in range(101)]
    eta = int(np.argmax(votes))
    s = np.sort(frames.astype(np.int64), axis=0)
    k, r = divmod(eta * (n - 1), 100)
    return ((100 - r) * s[k] + r * s[min(k + 1, n - 1)]) // 100, eta


@pytest.fixture
def narrow_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pictures in many bands."""
    monkeypatch.setattr(storage, "MEMORY_BAND_BYTES", 1)
    monkeypatch.setattr(storage, "SCRATCH_BAND_BYTES", 1)


@pytest.mark.parametrize(("n", "used"), [(2, 2), (37, 37), (130, 100)])
def test_the_released_rule_is_the_method_by_numpy(n: int, used: int, tmp_path: Path) -> None:
    _, frames = rainy_clip(n, 21, 17, seed=n)
    source = FramesInMemory(frames)
    with finish(clean(source, CleanSettings(recipe="released", scratch=tmp_path))) as result:
        expected, eta = released_by_numpy(frames[:used])
        [candidate] = result.candidates
        assert source.asked == list(result.selection.indices) == list(range(used))
        assert (candidate.eta, candidate.percentile, candidate.recipe.name) == (eta, eta, f"first{used}-vote")
        assert np.array_equal(result.picture(candidate), expected)
        assert result.reference_rgb is not None
        assert np.array_equal(result.reference_rgb, frames[result.selection.reference_frame])
        assert result.times == [i / 25 for i in range(used)]
        assert "a note" in result.warnings


def test_a_median_is_that_of_numpy(tmp_path: Path) -> None:
    _, frames = rainy_clip(25, 9, 8)
    with finish(clean(FramesInMemory(frames), CleanSettings(recipe="median", scratch=tmp_path))) as result:
        assert np.array_equal(result.picture(result.candidates[0]), np.median(frames, axis=0).astype(np.uint8))


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("memory", ["large", "small"])
def test_neither_memory_nor_workers_change_the_result(
    memory: str, workers: int, tmp_path: Path, narrow_bands: None
) -> None:
    _, frames = rainy_clip(45, 24, 20)
    plain = outcome(finish(clean(FramesInMemory(frames), CleanSettings(scratch=tmp_path, workers=1))))
    assert len(plain) >= 3
    settings = CleanSettings(scratch=tmp_path, workers=workers, memory=1 << 30 if memory == "large" else tight(24, 20))
    result = finish(clean(FramesInMemory(frames), settings))
    assert bool(result.scratch_bytes) == (memory == "small")
    assert not list(tmp_path.iterdir())
    assert outcome(result) == plain


def test_a_region_gives_what_the_cut_frames_give(tmp_path: Path) -> None:
    _, frames = rainy_clip(30, 24, 20)
    whole = CleanSettings(scratch=tmp_path)
    cut = outcome(finish(clean(FramesInMemory(frames[:, 3:17, 5:19]), whole)))
    assert outcome(finish(clean(FramesInMemory(frames), replace(whole, region=Region(5, 3, 14, 14))))) == cut


def test_a_range_of_frames_gives_what_these_frames_give(tmp_path: Path) -> None:
    _, frames = rainy_clip(50, 12, 11)
    some = CleanSettings(scratch=tmp_path, first=7, stop=40, reference=20)
    result = finish(clean(FramesInMemory(frames), some))
    assert result.selection.reference_frame == 20
    assert set(result.selection.indices) <= set(range(7, 40))
    alone = finish(clean(FramesInMemory(frames[7:40]), CleanSettings(scratch=tmp_path, reference=13)))
    assert outcome(result) == outcome(alone)


def test_candidates_come_best_first_and_the_best_is_near_the_clean_picture(tmp_path: Path) -> None:
    truth, frames = rainy_clip(60, 40, 50)
    with finish(clean(FramesInMemory(frames), CleanSettings(scratch=tmp_path))) as result:
        totals = [c.scores.total for c in result.candidates if c.scores]
        assert len(totals) == len(result.candidates) and totals == sorted(totals)
        errors = [np.abs(result.picture(c).astype(int) - truth).mean() for c in result.candidates]
        assert errors[0] < 1
        assert errors[0] <= min(errors) + 0.5
        assert set(result.timings) >= {"decode", "sort", "candidates", "score", "wall"}


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (3, 5), (129, 2)])
def test_tiny_pictures_are_cleaned_as_well(size: tuple[int, int], tmp_path: Path) -> None:
    _, frames = rainy_clip(6, *size)
    with finish(clean(FramesInMemory(frames), CleanSettings(scratch=tmp_path))) as result:
        assert result.picture(result.candidates[0]).shape == (*size, 3)


def threads_after(before: set[threading.Thread]) -> set[threading.Thread]:
    return set(threading.enumerate()) - before


@pytest.mark.parametrize("memory", [1 << 30, tight(16, 15)], ids=["memory", "disk"])
def test_closing_at_any_yield_leaves_no_threads_and_no_files(memory: int, tmp_path: Path, narrow_bands: None) -> None:
    _, frames = rainy_clip(22, 16, 15)
    settings = CleanSettings(scratch=tmp_path, memory=memory, workers=2)
    before = set(threading.enumerate())
    stages: list[str] = []
    for closed_at in range(10_000):
        cleaned: list[CleanResult] = []
        steps = noting(clean(FramesInMemory(frames), settings), cleaned)
        seen = list(islice(steps, closed_at))
        if cleaned:
            cleaned[0].close()
            break
        assert not list(tmp_path.iterdir())
        steps.close()
        stages += [step.stage for step in seen[-1:]]
        assert not threads_after(before), stages[-1:]
        assert not list(tmp_path.iterdir())
    assert set(stages) >= {"decode", "votes", "look up", "score"}
    assert min(stages.count(stage) for stage in ("votes", "look up")) > 2
    assert not threads_after(before)


@pytest.mark.parametrize("stage", ["decode", "votes", "look up", "score"])
def test_an_interruption_at_any_stage_comes_out_and_leaves_nothing(
    stage: str, tmp_path: Path, narrow_bands: None
) -> None:
    _, frames = rainy_clip(60, 40, 40)
    before = set(threading.enumerate())
    came_out: list[type] = []

    def interrupted() -> None:
        steps = clean(FramesInMemory(frames), CleanSettings(scratch=tmp_path, workers=1))
        while next(steps).stage != stage:
            pass
        try:
            steps.throw(KeyboardInterrupt)
        except KeyboardInterrupt:
            came_out.append(KeyboardInterrupt)

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(5)
    assert came_out and not thread.is_alive()
    assert not threads_after(before)


@pytest.mark.parametrize("stage", ["decode", "votes", "look up", "score"])
def test_progress_of_every_stage_rises_to_its_total(stage: str, tmp_path: Path, narrow_bands: None) -> None:
    _, frames = rainy_clip(22, 16, 15)
    seen, cleaned = drained(clean(FramesInMemory(frames), CleanSettings(scratch=tmp_path)))
    cleaned.close()
    mine = [step for step in seen if step.stage == stage]
    done = [step.done for step in mine]
    assert done == sorted(done)
    assert done[-1] == mine[-1].total and len({step.total for step in mine}) == 1


class Failing(FramesInMemory):
    """A source whose seventh frame cannot be read."""

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        for frame in super().read(indices, region):
            if frame.index == 6:
                raise InputError("memory", "damaged")
            yield frame


class Short(FramesInMemory):
    """A source that breaks its word and ends after 6 frames."""

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        for frame in super().read(indices, region):
            if frame.index == 6:
                return
            yield frame


def test_a_damaged_clip_leaves_no_threads(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(InputError, match="damaged"):
        finish(clean(Failing(rainy_clip(20, 9, 8)[1]), CleanSettings(scratch=tmp_path, memory=tight(9, 8))))
    assert not threads_after(before)


def test_a_source_that_ends_too_early_is_an_error_and_leaves_no_threads(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises((RaincleanError, RuntimeError)):
        finish(clean(Short(rainy_clip(20, 9, 8)[1]), CleanSettings(scratch=tmp_path)))
    assert not threads_after(before)


def test_too_little_disk_is_refused_before_the_first_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 0}))
    source = FramesInMemory(rainy_clip(20, 9, 8)[1])
    with pytest.raises(ResourceError, match=r"needed .*, 0 B free"):
        finish(clean(source, CleanSettings(scratch=tmp_path, memory=tight(9, 8))))
    assert not source.asked


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": 20}, {"first": 19}, {"stop": 1}, {"stop": 0}, {"stop": 21}, {"first": 9, "stop": 8}, {"first": -1},
        {"reference": 20}, {"reference": -1}, {"reference": 3, "first": 4}, {"frames": 1}, {"frames": 0},
        {"recipe": "nonsense"}, {"recipe": "n21-vote"}, {"recipe": "n11s2-vote"}, {"recipe": "n20-vote", "frames": 5},
        {"recipe": "released", "frames": 5, "reference": 9},
        {"region": Region(5, 5, 4, 4)}, {"region": Region(0, 0, 0, 4)},
    ],
    ids=str,
)  # fmt: skip
def test_wrong_settings_are_refused_in_one_line_before_the_first_frame(wrong: dict[str, Any], tmp_path: Path) -> None:
    source = FramesInMemory(rainy_clip(20, 9, 8)[1])
    with pytest.raises(RaincleanError) as caught:
        finish(clean(source, CleanSettings(scratch=tmp_path, **wrong)))
    assert "\n" not in str(caught.value)
    assert not source.asked


def test_asking_for_more_frames_than_there_are_is_said(tmp_path: Path) -> None:
    for recipe in (None, "released", "median"):
        wanted = CleanSettings(recipe=recipe, frames=50, scratch=tmp_path)
        with finish(clean(FramesInMemory(rainy_clip(20, 9, 8)[1]), wanted)) as result:
            assert any("50 frames requested, but only 20 are available" in warning for warning in result.warnings)


def test_many_silent_pixels_are_said(tmp_path: Path) -> None:
    # 250 values of which one, the 102nd, occurs twice: it stands from 40.4 % to 40.8 %.
    series = np.sort(np.r_[np.arange(249), 101])
    rng = np.random.default_rng(1)
    grey = np.stack([rng.permutation(series) for _ in range(100)], axis=1).reshape(250, 10, 10, 1)
    frames = np.repeat(grey, 3, axis=-1).astype(np.uint8)
    for n, share in ((250, 1), (4, 0)):
        settings = CleanSettings(recipe="released", frames=n, scratch=tmp_path)
        with finish(clean(FramesInMemory(frames), settings)) as result:
            assert result.candidates[0].silent_share == share
            said = any(f"cast no vote for N = {n}" in warning for warning in result.warnings)
            assert said == bool(share)
