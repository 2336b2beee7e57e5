"""Frames that repeat: found whatever codec lies between, never found in clips that are merely calm, and used once."""

import io
from dataclasses import replace
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.clean.result import CleanResult
from pipeline.clean.run import clean
from pipeline.clean.settings import CleanSettings
from pipeline.stages import finish
from rainclean.video.repeats import Repeats, describe, even, joined, stand_for
from tests.helpers.cleaning import FramesInMemory, outcome, rainy_clip

U8 = np.ndarray


def streaks(count: int, *, height: int = 72, width: int = 96, noise: float = 1.5, rain: int = 40) -> list[U8]:
    """Frames of a scene under streaks, independent of one another."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:height, :width]
    scene = np.stack([90 + 50 * np.sin(x / 11) * np.cos(y / 17), 80 + 40 * np.cos(x / 7), 100 + 45 * np.sin(y / 9)], -1)
    frames = []
    for _ in range(count):
        frame = scene + rng.normal(0, noise, scene.shape)
        for _ in range(rain):
            left, top, length = rng.integers(0, width), rng.integers(-20, height), int(rng.integers(8, 24))
            frame[max(0, top) : max(0, top + length), left] *= 0.5
            frame[max(0, top) : max(0, top + length), left] += 0.5 * 235
        frames.append(np.clip(frame, 0, 255).astype(np.uint8))
    return frames


def found(frames: list[U8]) -> list[int]:
    looking = Repeats()
    for frame in frames:
        looking.add_frame(frame)
    return list(looking.result())


def coded(frames: list[U8], codec: str, **options: str) -> list[U8]:
    """Frames as a lossy codec leaves them."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as written:
        return [frame.to_ndarray(format="rgb24") for frame in written.decode(video=0)]


def shown(times: list[int]) -> tuple[list[int], list[int]]:
    """Which picture each frame shows where picture n is shown so many times; the frames that repeat one."""
    order = [picture for picture, often in enumerate(times) for _ in range(often)]
    return order, [i for i in range(1, len(order)) if order[i] == order[i - 1]]


STALL = shown([1] * 20 + [30] + [1] * 10 + [2, 1, 3, 1, 1, 2])
PULLDOWN = shown([1, 1, 1, 2] * 10)
SCREEN = shown([2, 3] * 12)
FULL = shown([1] * 20 + [40])

OPTIONS = {
    "libx264": {"crf": "23", "g": "25"},
    "libx265": {"crf": "28", "x265-params": "log-level=none"},
    "mpeg4": {"b": "2000000"},
}


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4", "mjpeg"])
@pytest.mark.parametrize("order", [STALL, PULLDOWN, SCREEN, FULL])
def test_repeats_are_found_behind_codecs(codec: str, order: tuple[list[int], list[int]]) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV codes no {codec}")
    pictures = streaks(max(order[0]) + 1)
    frames = coded([pictures[p] for p in order[0]], codec, **OPTIONS.get(codec, {}))
    assert found(frames) == order[1]


@given(st.lists(st.integers(1, 4), min_size=4, max_size=16))
@settings(max_examples=60, deadline=None)
def test_any_repeats_are_found_where_nothing_was_lost(times: list[int]) -> None:
    order, repeats = shown(times)
    pictures = streaks(len(times), height=48, width=40, rain=12)
    assert found([pictures[p] for p in order]) == repeats


@pytest.mark.parametrize("noise", [0.0, 0.7, 4.0])
@pytest.mark.parametrize("rain", [0, 1, 6, 60])
@pytest.mark.parametrize("crf", [None, "18", "28", "35"])
def test_calm_clips_have_none(noise: float, rain: int, crf: str | None) -> None:
    frames = streaks(40, noise=noise, rain=rain)
    if crf is not None:
        frames = coded(frames, "libx264", crf=crf, g="12")
    still = all(np.array_equal(frames[0], frame) for frame in frames)
    assert found(frames) == (list(range(1, 40)) if still else [])


def test_a_lull_between_showers_is_no_stall() -> None:
    # Without noise, as a codec leaves it: the dry frames equal one another, and are the best evidence there is.
    wet, dry = streaks(30, noise=0.0), streaks(20, noise=0.0, rain=0)
    assert found(wet[:15] + dry + wet[15:]) == []
    assert found(dry + wet) == found(wet + dry) == []


def test_cuts_of_a_clip_that_hardly_moves_are_no_pictures_between_repeats() -> None:
    scenes = [np.ascontiguousarray(np.roll(streaks(1, noise=0.0, rain=0)[0], 17 * k, axis=k % 2)) for k in range(5)]
    assert found([scene for scene in scenes for _ in range(12)]) == []
    wet = streaks(60, noise=0.0, rain=2)
    assert found([np.roll(frame, 17 * (i // 12), axis=i // 12 % 2) for i, frame in enumerate(wet)]) == []


def test_passers_by_before_a_scene_that_stands_still_are_no_repeats() -> None:
    dry = streaks(1, noise=0.0, rain=0)[0]
    frames = [dry.copy() for _ in range(40)]
    for i in range(10, 30):
        frames[i][30:60, 4 * (i - 10) : 4 * (i - 10) + 8] = 20
    assert found(frames) == []


def test_which_frame_stands_for_a_picture() -> None:
    repeats = {4: 3, 5: 3, 9: 8}
    assert stand_for(repeats, 5) == {3: 5, 4: 5, 9: 8}
    assert stand_for(repeats, 3) == stand_for(repeats, 7) == repeats
    assert joined({6: 4}, {4: 3, 5: 3}) == {4: 3, 5: 3, 6: 3}


def test_what_is_said() -> None:
    assert describe({}, range(100)) == []
    assert describe(dict.fromkeys(range(41, 100), 40), range(100)) == [
        "59 of 100 frames repeat the one before: each image counts once"
    ]
    assert "all show the same image" in describe(dict.fromkeys(range(1, 5), 0), range(5))[0]


@pytest.mark.parametrize(
    ("times", "is_even"),
    [
        ([2] * 9, True), ([1, *[3] * 8, 2], True), ([1] * 9, True), ([4, *[3] * 8], False), ([3] * 8 + [4], False),
        ([1, 1, 1, 2] * 5, False), ([2, 3] * 8, False), ([1] * 20 + [40], False), ([1, 40], False),
    ],
)  # fmt: skip
def test_whether_a_cadence_is_even(times: list[int], is_even: bool) -> None:
    order, repeats = shown(times)
    known = {again: order.index(order[again]) for again in repeats}
    assert even(known, range(len(order))) == is_even
    assert even(stand_for(known, len(order) - 1), range(len(order))) == is_even


def run(frames: np.ndarray, settings: CleanSettings) -> CleanResult:
    return finish(clean(FramesInMemory(frames), settings))


def pictures(frames: np.ndarray, settings: CleanSettings) -> list[tuple[Any, ...]]:
    """Candidates with their pictures, without where recipes or frames have names."""
    return outcome(run(frames, settings))


@given(st.lists(st.integers(1, 3), min_size=14, max_size=14), st.booleans())
@settings(max_examples=8, deadline=None)
def test_repeats_change_nothing(times: list[int], released: bool) -> None:
    assume(len(set(times[1:-1])) > 1)
    once = np.stack(streaks(14, height=40, width=48, rain=10))
    asked = CleanSettings(recipe="released" if released else None, workers=2)
    order, repeats = shown(times)
    reference = order.index(7)
    with run(once[order], replace(asked, reference=reference)) as result:
        assert sorted(result.repeats) == repeats
        assert [order[i] for i in result.selection.indices] == list(range(14))
    assert pictures(once[order], replace(asked, reference=reference)) == pictures(once, replace(asked, reference=7))


def test_a_recorder_that_stands_still_counts_once() -> None:
    _, frames = rainy_clip(41, 40, 48)
    stalled = np.concatenate([frames, np.repeat(frames[-1:], 59, axis=0)])
    assert pictures(stalled, CleanSettings(workers=2)) == pictures(frames, CleanSettings(workers=2))
    with run(stalled, CleanSettings(workers=2)) as result:
        assert result.warnings.count("59 of 100 frames repeat the one before: each image counts once") == 1
        assert not any("light" in said for said in result.warnings) and result.stabilization is None
        assert result.selection.indices == tuple(range(41)) and set(result.repeats.values()) == {40}


def test_an_even_cadence_keeps_what_it_has() -> None:
    _, frames = rainy_clip(14, 40, 48)
    order, repeats = shown([1] + [2] * 12 + [1])
    with run(frames[order], CleanSettings(recipe="median", workers=2)) as result:
        assert len(result.selection.indices) == len(order) and len(result.repeats) == len(repeats) == 12
        assert "12 of 26 frames repeat the one before, all images equally often" in result.warnings


def test_other_frames_are_chosen_where_those_asked_for_repeat() -> None:
    _, frames = rainy_clip(30, 40, 48)
    order, repeats = shown([1] * 12 + [60] + [1] * 17)
    with run(frames[order], CleanSettings(frames=20, workers=2)) as result:
        used = [order[i] for i in result.selection.indices]
        assert len(used) == len(set(used)) == 20 and used == list(range(used[0], used[0] + 20))
        assert sorted(result.repeats) == repeats
    # Of a long clip one frame in so many is used: none of them repeats here, and nothing has to be said.
    with run(np.repeat(frames, 30, axis=0), CleanSettings(recipe="n20s30-p50", workers=2)) as result:
        assert not result.repeats and len(result.selection.indices) == 20


def test_a_frame_that_is_asked_for_stands_for_its_picture() -> None:
    _, frames = rainy_clip(14, 40, 48)
    order, _ = shown([1] * 5 + [6] + [1] * 8)
    with run(frames[order], CleanSettings(reference=8, workers=2)) as result:
        assert result.selection.reference_frame == 8 and 5 not in result.selection.indices
        assert np.array_equal(result.reference_rgb, frames[5])


def test_one_picture_all_along_is_said_to_be_one() -> None:
    _, frames = rainy_clip(2, 40, 48)
    with run(np.repeat(frames[:1], 12, axis=0), CleanSettings(workers=2)) as result:
        said = "11 of 12 frames repeat the one before: all show the same image, so rain cannot be removed"
        assert said in result.warnings
        assert np.array_equal(result.picture(result.candidates[0]), frames[0])
