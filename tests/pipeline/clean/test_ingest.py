"""From a clip to a stack: what is read how often, what is stabilized, and what is left out."""

import threading
import weakref
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.clean.held_frames import CachedSource
from pipeline.clean.registration_survey import FEWEST_STEADY
from pipeline.clean.result import CleanResult
from pipeline.clean.run import clean
from pipeline.clean.settings import CleanSettings
from pipeline.stages import finish
from rainclean.stabilization.exposure import Exposure, ExposureSamples
from rainclean.stabilization.registration import FrameAligner
from rainclean.temporal.prior import luma
from rainclean.video import Region
from tests.helpers.cleaning import FramesInMemory, rainy_clip, tight
from tests.helpers.ladder_clips import LadderClip, ladder_clip
from tests.helpers.panning_clips import SIZE, panning, seen_from, textured


def still(frames: int = 18, seed: int = 0) -> np.ndarray:
    return rainy_clip(frames, *SIZE, seed=seed)[1]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[int], CleanResult]]:
    """The frames of a panning clip that were read, in order, and what the sweep made of it."""
    source = FramesInMemory(panning())
    with run(source, tmp_path_factory.mktemp("scratch")) as result:
        yield source.asked, result


def run(source: FramesInMemory, folder: Path, **wanted: Any) -> CleanResult:
    return finish(clean(source, CleanSettings(scratch=folder, workers=2, **wanted)))


def reads(source: FramesInMemory) -> set[int]:
    """How often frames were read."""
    return set(Counter(source.asked).values())


# How often frames are read.


@pytest.mark.parametrize("recipe", [None, "n18-rainfree", "n18-rainfree-steady"])
def test_with_room_in_memory_frames_are_read_once(recipe: str | None, tmp_path: Path) -> None:
    source = FramesInMemory(still())
    with run(source, tmp_path, recipe=recipe) as result:
        assert result.posterior is not None and result.stabilization is None
    assert reads(source) == {1} and source.asked == sorted(source.asked)


def test_a_moving_clip_is_read_once_as_well(swept: tuple[list[int], CleanResult]) -> None:
    asked, result = swept
    assert result.stabilization is not None
    assert asked == list(range(14))


def test_without_room_a_still_clip_is_read_twice_and_comes_out_the_same(tmp_path: Path) -> None:
    frames = still(30)
    roomy, narrow = FramesInMemory(frames), FramesInMemory(frames)
    with run(roomy, tmp_path) as one, run(narrow, tmp_path, memory=tight(*SIZE)) as other:
        assert [c.recipe for c in one.candidates] == [c.recipe for c in other.candidates]
        for candidate, again in zip(one.candidates, other.candidates, strict=True):
            assert np.array_equal(one.picture(candidate), other.picture(again))
    assert (reads(roomy), reads(narrow)) == ({1}, {2})


def test_without_room_a_moving_clip_comes_out_the_same(tmp_path: Path) -> None:
    frames = seen_from([(i % 3, i // 2 % 3) for i in range(34)])
    roomy, narrow = FramesInMemory(frames), FramesInMemory(frames)
    with run(roomy, tmp_path) as one, run(narrow, tmp_path, memory=tight(*SIZE)) as other:
        assert one.stabilization is not None and one.region == other.region
        assert np.array_equal(one.picture(one.candidates[0]), other.picture(other.candidates[0]))
    # For the stack, for the light, stabilized for the stack, and for refining; some next to the reference frame.
    assert (reads(roomy), reads(narrow)) == ({1}, {4, 5})


@pytest.mark.parametrize("recipe", ["released", "median", "n18-vote", "n18-local", "n18-vote-minus5"])
@pytest.mark.parametrize("memory", [1 << 30, tight(*SIZE)])
def test_a_percentile_by_name_reads_frames_once(recipe: str, memory: int, tmp_path: Path) -> None:
    source = FramesInMemory(still())
    with run(source, tmp_path, recipe=recipe, memory=memory) as result:
        assert result.stabilization is None and result.posterior is None
    assert reads(source) == {1}


def test_cached_frames_are_those_of_the_clip() -> None:
    frames = still(9)
    source = FramesInMemory(frames)
    region = Region(2, 3, 50, 40)
    with CachedSource(source) as held:
        assert held.info == source.info and np.array_equal(held.times, source.times)
        first = list(held.read([1, 3, 4], region))
        again = list(held.read([1, 4], region))
        assert [f.index for f in again] == [1, 4] and again[0] is first[0] and again[1] is first[2]
        assert source.asked == [1, 3, 4]
        for frame in first:
            assert np.array_equal(frame.rgb, frames[frame.index, 3:43, 2:52])
        assert [f.index for f in held.read([3, 5], region)] == [3, 5]
        assert source.asked == [1, 3, 4, 3, 5]
        assert list(held.read([], region)) == []


def test_cached_frames_are_released_as_they_are_consumed() -> None:
    frames = still(9)
    source = FramesInMemory(frames)
    held = CachedSource(source)
    kept = [weakref.ref(f.rgb) for f in held.read(list(range(9)))]
    once = held.consuming([2, 3, 5])
    assert [i for i, ref in enumerate(kept) if ref() is not None] == [2, 3, 5]
    reading = once.read([2, 3, 5])
    for index, left in ((2, [2, 3, 5]), (3, [3, 5]), (5, [5])):
        frame = next(reading)
        assert frame.index == index and np.array_equal(frame.rgb, frames[index])
        assert [i for i, ref in enumerate(kept) if ref() is not None] == left
        del frame
    del reading
    assert [f.index for f in once.read([2])] == [2] and source.asked[9:] == [2]  # decoded anew
    other = CachedSource(source)
    kept = [weakref.ref(f.rgb) for f in other.read([0, 1])]
    other.forget()
    assert not any(ref() is not None for ref in kept)


def test_what_was_read_half_way_is_not_taken_for_all() -> None:
    source = FramesInMemory(still(6))
    held = CachedSource(source)
    half = held.read([0, 1, 2], None)
    assert isinstance(half, Generator)
    next(half)
    half.close()
    assert [f.index for f in held.read([0, 1, 2], None)] == [0, 1, 2]


# A camera that moves.


def test_a_moving_camera_makes_stabilized_recipes_over_a_smaller_region(swept: tuple[list[int], CleanResult]) -> None:
    _, result = swept
    assert result.stabilization is not None and result.stabilization.moves
    assert all(c.recipe.steady and c.recipe.name.endswith("-steady") for c in result.candidates)
    x, y, width, height = result.region
    assert 0.6 * 96 * 128 < width * height < 96 * 128
    assert x >= 0 and y >= 0 and x + width <= 128 and y + height <= 96
    assert result.region == result.stabilization.region
    assert result.picture(result.candidates[0]).shape == (height, width, 3) == result.reference_rgb.shape
    assert any("the camera moves" in said and "% of the frame" in said for said in result.warnings)
    # The scene, as the reference frame shows it.
    at = result.selection.reference_frame
    shown = textured()[40 + at // 5 + y :, 40 + at // 2 + x :][:height, :width]
    assert np.abs(result.picture(result.candidates[0]).astype(int) - shown).mean() < 1.5
    for index, placed in result.stabilization.poses.items():
        assert placed.matrix[0, 2] == pytest.approx(at // 2 - index // 2, abs=0.3)
        assert placed.matrix[1, 2] == pytest.approx(at // 5 - index // 5, abs=0.3)


def test_a_region_that_was_asked_for_is_what_is_stabilized(tmp_path: Path) -> None:
    asked = Region(10, 6, 100, 80)
    with run(FramesInMemory(panning(10)), tmp_path, region=asked) as result:
        assert result.stabilization is not None and result.stabilization.cut == asked
        x, y, width, height = result.region
        assert x >= 10 and y >= 6 and x + width <= 110 and y + height <= 86
        at = result.selection.reference_frame
        shown = textured()[40 + at // 5 + y :, 40 + at // 2 + x :][:height, :width]
        assert np.abs(result.picture(result.candidates[0]).astype(int) - shown).mean() < 1.5


def test_frames_of_something_else_are_left_out_and_said(tmp_path: Path) -> None:
    frames = panning()
    frames[5] = textured(9)[: SIZE[0], : SIZE[1]]
    with run(FramesInMemory(frames), tmp_path) as result:
        assert result.stabilization is not None
        assert 5 in result.stabilization.dropped and 5 not in result.selection.indices
        assert set(result.selection.indices) == set(result.stabilization.poses)
        assert set(result.selection.indices) | set(result.stabilization.dropped) == set(range(14))
        assert any("frames were left out" in said for said in result.warnings)
        assert result.selection.windows[-1] == (0, len(result.selection.indices))
        assert len(result.times) == len(result.selection.indices)


def test_a_reference_frame_that_was_asked_for_stays_it(tmp_path: Path) -> None:
    with run(FramesInMemory(panning(10)), tmp_path, reference=3) as result:
        assert result.selection.reference_frame == 3
        assert result.stabilization is not None and result.stabilization.poses[3].placed
        x, y, width, height = result.region
        assert np.array_equal(result.reference_rgb, panning(10)[3][y : y + height, x : x + width])


@pytest.mark.parametrize("recipe", ["n14-vote", "released", "median", "n14-local", "n14-rainfree"])
def test_a_recipe_by_name_never_steadies(recipe: str, tmp_path: Path) -> None:
    with run(FramesInMemory(panning()), tmp_path, recipe=recipe) as result:
        assert result.stabilization is None and result.region == Region(0, 0, 128, 96)
        assert not any(c.recipe.steady for c in result.candidates)
        assert any("the camera moves" in said for said in result.warnings)


@pytest.mark.parametrize("recipe", ["n14-vote-steady", "n14-rainfree-steady"])
def test_a_steady_recipe_makes_what_the_sweep_made(
    recipe: str, swept: tuple[list[int], CleanResult], tmp_path: Path
) -> None:
    _, all_of_them = swept
    with run(FramesInMemory(panning()), tmp_path, recipe=recipe) as alone:
        [candidate] = alone.candidates
        assert candidate.recipe.name == recipe and candidate.recipe.steady
        assert alone.stabilization is not None and alone.stabilization.moves
        assert alone.region == all_of_them.region
        made = {name: c for c in all_of_them.candidates for name in (c.recipe.name, *c.merged)}
        same = made[recipe]
        if same.recipe.name == recipe:
            assert np.array_equal(all_of_them.picture(same), alone.picture(candidate))


def test_too_few_frames_that_fit_are_taken_as_they_are(tmp_path: Path) -> None:
    frames = panning(FEWEST_STEADY - 1)
    with run(FramesInMemory(frames), tmp_path) as result:
        assert result.stabilization is None
        assert result.selection.indices == tuple(range(len(frames)))
        assert not any(c.recipe.steady for c in result.candidates)


def test_a_still_camera_that_is_knocked_loses_those_frames(tmp_path: Path) -> None:
    # Up to a tenth of the frames.
    shifts = [(3, -2) if 8 <= i < 10 else (0, 0) for i in range(24)]
    with run(FramesInMemory(seen_from(shifts)), tmp_path) as result:
        assert result.stabilization is not None and not result.stabilization.moves
        assert set(result.stabilization.dropped) == {8, 9}
        assert result.region == Region(0, 0, 128, 96)
        assert np.array_equal(result.reference_rgb, seen_from(shifts)[result.selection.reference_frame])
        shown = textured()[40:136, 40:168]
        assert np.abs(result.picture(result.candidates[0]).astype(int) - shown).mean() < 1.5


@pytest.mark.parametrize(("count", "start", "stop"), [(40, 12, 15), (100, 40, 47), (70, 0, 6), (70, 64, 70)])
def test_every_frame_of_a_knock_is_found_though_not_all_frames_are_looked_at(count: int, start: int, stop: int) -> None:
    frames = seen_from([(3, -2) if start <= i < stop else (0, 0) for i in range(count)])
    aligner = FrameAligner(workers=1)
    for frame in frames:
        aligner.add_frame(luma(frame))
    steps = aligner.result(count // 2)
    registration = finish(steps)  # type: ignore[arg-type]
    assert registration.model == "still"
    lost = [i for i, placement in enumerate(registration.placements) if not placement.fits]
    assert lost == list(range(start, stop))


# Light.


def test_light_that_changes_is_undone_and_said(tmp_path: Path) -> None:
    clip = ladder_clip("drift", frames=30)
    with run(FramesInMemory(clip.frames), tmp_path) as result:
        assert result.stabilization is not None and result.stabilization.relit and not result.stabilization.moves
        assert any("the exposure changes" in said for said in result.warnings)
        reference = result.selection.reference_frame
        for index, pose in result.stabilization.poses.items():
            assert np.abs(pose.gain - clip.gains[index] / clip.gains[reference]).max() < 0.005
        truth = clip.truth.astype(float) * clip.gains[reference] / clip.gains[15]
        assert LadderClip.psnr(replace(clip, truth=truth), result.picture(result.candidates[0])) > 44


# Cuts.


def test_no_clean_value_leaves_what_the_clip_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = 0.7 * still(20) * np.linspace(0.9, 1.1, 20)[:, None, None, None]
    frames = np.clip(np.rint(frames), 0, 255).astype(np.uint8)
    # Of the light of one frame, the reference frame's, too much is believed.
    exposure_result = ExposureSamples.result

    def wrong(samples: ExposureSamples, reference: int, workers: int) -> Exposure:
        exposure = exposure_result(samples, reference, workers)
        exposure.gains[np.arange(20) != reference] *= 0.8
        return exposure

    monkeypatch.setattr(ExposureSamples, "result", wrong)
    with run(FramesInMemory(frames), tmp_path) as result:
        for candidate in result.candidates:
            picture = result.picture(candidate).astype(int)
            assert (picture <= frames.max(axis=0).astype(int) + 2).all(), candidate.recipe.name
            assert (picture >= frames.min(axis=0).astype(int) - 2).all(), candidate.recipe.name
        assert result.posterior is not None
        assert (result.posterior.mean <= frames.max(axis=0) + 2.0).all()


def test_light_that_changes_in_parts_is_left_alone_and_said(tmp_path: Path) -> None:
    frames, half = still(20).astype(float), SIZE[1] // 2
    frames[:, :, :half] *= np.linspace(0.9, 1.1, 20)[:, None, None, None]
    frames = np.clip(np.rint(frames), 0, 255).astype(np.uint8)
    with run(FramesInMemory(frames), tmp_path) as result:
        assert result.stabilization is None or not result.stabilization.relit
        assert any("in parts of the frame" in line for line in result.warnings)


def shots(first: int, second: int) -> np.ndarray:
    scenes = [textured(1)[:96, :128], 255 - textured(2)[:96, :128]]
    rng = np.random.default_rng(0)
    frames = [scenes[int(i >= first)] + rng.normal(0, 1.5, (*SIZE, 3)) for i in range(first + second)]
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("first", "second"), [(12, 24), (24, 12)])
def test_of_several_shots_the_longest_is_used_and_said(first: int, second: int, tmp_path: Path) -> None:
    frames = shots(first, second)
    with run(FramesInMemory(frames), tmp_path) as result:
        longest = range(first, first + second) if second > first else range(first)
        assert result.selection.indices == tuple(longest)
        assert result.selection.reference_frame in longest
        assert any(f"scene cut at frame {first}" in said and "longest shot" in said for said in result.warnings)
        assert result.stabilization is not None
        assert set(result.stabilization.dropped.values()) == {"another shot"}
        shown = np.median(frames[list(longest)], axis=0)
        assert np.abs(result.picture(result.candidates[0]) - shown).mean() < 1


def test_a_reference_frame_keeps_its_shot(tmp_path: Path) -> None:
    with run(FramesInMemory(shots(12, 24)), tmp_path, reference=5) as result:
        assert result.selection.indices == tuple(range(12))
        assert result.selection.reference_frame == 5
        [said] = [said for said in result.warnings if "scene cut" in said]
        assert "longest" not in said and "shot of the reference frame" in said


# Errors and ends.


@pytest.mark.parametrize("stage", ["register", "light", "weigh"])
def test_closing_at_any_stage_of_a_moving_clip_leaves_nothing(stage: str, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    steps = clean(FramesInMemory(panning(10)), CleanSettings(scratch=tmp_path, workers=2))
    for step in steps:
        if step.stage == stage and step.done >= 1:
            break
    else:
        pytest.fail(f"never got to {stage}")
    steps.close()
    assert set(threading.enumerate()) == before
    assert not list(tmp_path.iterdir())


def test_stabilized_candidates_of_fewer_frames_are_made_again_by_name(tmp_path: Path) -> None:
    # Frames are registered with all that the sweep used: alone they would come to another region.
    frames = panning(26)
    with run(FramesInMemory(frames), tmp_path) as all_of_them:
        smaller = [c for c in all_of_them.candidates if c.recipe.frames < 26 and c.recipe.steady]
        assert smaller
        for candidate in (smaller[0], smaller[-1]):
            with run(FramesInMemory(frames), tmp_path, recipe=candidate.recipe.name) as again:
                assert again.region == all_of_them.region and again.candidates[0].recipe == candidate.recipe
                np.testing.assert_array_equal(again.picture(again.candidates[0]), all_of_them.picture(candidate))


def test_a_moving_clip_of_which_no_light_is_told_keeps_its_frames(tmp_path: Path) -> None:
    # A few lamps at night: too little that is neither black nor white to tell light by.
    scene = np.zeros((200, 240, 3), np.uint8)
    rng = np.random.default_rng(3)
    for x, y in zip(rng.integers(20, 220, 40), rng.integers(20, 180, 40), strict=True):
        scene[y : y + 3, x : x + 3] = 255
    frames = [scene[40 + i // 4 : 136 + i // 4, 40 + i // 2 : 168 + i // 2] for i in range(16)]
    with run(FramesInMemory(np.stack(frames)), tmp_path) as result:
        assert len(result.selection.indices) >= FEWEST_STEADY
