"""Frames as the reference frame's camera would have taken them; and the source that delivers them."""

import json
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainclean.stabilization.stabilized_source import Pose, Stabilization, StabilizedSource
from rainclean.video.source import Frame, Region
from tests.helpers.cleaning import FramesInMemory

ONE, NONE = np.ones(3), np.zeros(3)
CUT = Region(3, 5, 60, 50)
WHOLE = Region(0, 0, 60, 50)


def pose(matrix: np.ndarray | None = None, gain: np.ndarray = ONE, offset: np.ndarray = NONE, **more: Any) -> Pose:
    return Pose(np.eye(3) if matrix is None else matrix, np.asarray(gain, float), np.asarray(offset, float), **more)


def moved(dx: float, dy: float) -> np.ndarray:
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], float)


def one(pose: Pose, region: Region = WHOLE, cut: Region = WHOLE) -> Stabilization:
    return Stabilization("homography", cut, region, {7: pose})


def noise(size: tuple[int, int] = (50, 60), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


Scene = Callable[[np.ndarray, np.ndarray], np.ndarray]


def smooth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A scene that is known at any place, far from black and white."""
    waves = (np.sin(x / 9 + y / 14), np.cos(x / 13 - y / 8), np.sin(x / 17) * np.cos(y / 11))
    return np.stack([120 + 60 * wave for wave in waves], axis=-1)


# One frame.


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 10), st.integers(0, 12), st.integers(1, 40), st.integers(1, 30))
def test_where_nothing_is_to_be_done_every_bit_stays(seed: int, x: int, y: int, width: int, height: int) -> None:
    frame = noise(seed=seed)
    stabilization = one(pose(), Region(CUT.x + x, CUT.y + y, width, height), CUT)
    out = stabilization.apply(7, frame)
    assert out.dtype == np.uint8 and out.flags.c_contiguous
    assert np.array_equal(out, frame[y : y + height, x : x + width])
    assert not stabilization.relit


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(-9, 9), st.integers(-9, 9))
def test_whole_px_are_cut_out_exactly(seed: int, dx: int, dy: int) -> None:
    frame = noise(seed=seed)
    out = one(pose(moved(dx, dy)), Region(10, 10, 40, 30)).apply(7, frame)
    assert np.array_equal(out, frame[10 + dy : 40 + dy, 10 + dx : 50 + dx])


MATRICES = {
    "still": np.eye(3),
    "shifted": moved(2.37, -1.61),
    "turned": np.array([[np.cos(0.05), -np.sin(0.05), 2.0], [np.sin(0.05), np.cos(0.05), -1.5], [0, 0, 1]]),
    "zoomed and leaning": np.array([[1.03, 0.01, -1.0], [0.005, 1.02, -0.7], [2e-4, -1e-4, 1]]),
}


@pytest.mark.parametrize("light", ["as it is", "darker", "brighter", "coloured"])
@pytest.mark.parametrize("how", list(MATRICES))
@pytest.mark.parametrize("bent", [False, True])
def test_a_warped_and_relit_frame_is_what_the_reference_camera_would_have_seen(
    how: str, light: str, bent: bool
) -> None:
    gain, offset = {
        "as it is": (ONE, NONE),
        "darker": (0.8 * ONE, NONE),
        "brighter": (1.15 * ONE, -3 * ONE),
        "coloured": (np.array([0.9, 1.0, 1.1]), np.array([0, 5, -4.0])),
    }[light]
    matrix, mesh = MATRICES[how], None
    if bent:
        # Between its nodes a mesh is bilinear; this one is so everywhere.
        mesh = np.stack(np.meshgrid(np.linspace(-1.5, 2, 5), np.linspace(1, -1, 4)), axis=-1).astype(np.float32)
    # The frame holds at (u, v) what the scene has at the place of the reference frame that is taken there.
    y, x = np.mgrid[0:50, 0:60].astype(float)
    at, down = x.copy(), y.copy()
    for _ in range(30):
        mesh_x, mesh_y = (-1.5 + 3.5 * at / 59, 1 - 2 * down / 49) if bent else (0, 0)
        there = np.linalg.inv(matrix) @ np.stack((x - mesh_x, y - mesh_y, np.ones_like(x))).reshape(3, -1)
        at, down = (there[:2] / there[2]).reshape(2, 50, 60)
    frame = np.rint(np.clip(gain * smooth(at, down) + offset, 0, 255)).astype(np.uint8)

    region = Region(12, 10, 30, 25)
    stabilization = one(pose(matrix, gain, offset, mesh=mesh), region)
    out = stabilization.apply(7, frame)
    y, x = np.mgrid[10:35, 12:42].astype(float)
    off = out.astype(float) - smooth(x, y)
    # Rounded twice, once by the camera; OpenCV places samples to 1/32 px, which is up to 0.2 levels here.
    assert np.abs(off).max() < 1.7
    assert np.sqrt(np.square(off).mean()) < 0.5
    assert stabilization.relit == (light != "as it is")


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(0.5, 1.8), min_size=3, max_size=3),
    st.lists(st.floats(-30, 30), min_size=3, max_size=3),
    st.booleans(),
)
def test_light_is_undone_and_rounded_once(gain: list[float], offset: list[float], shifted: bool) -> None:
    frame = np.broadcast_to(np.arange(3, 253, dtype=np.uint8)[:, None, None], (250, 9, 3)).copy()
    gains, offsets = np.array(gain), np.array(offset)
    stabilization = Stabilization(
        "x", Region(0, 0, 9, 250), Region(1, 1, 7, 248), {7: pose(moved(shifted, 0), gains, offsets)}
    )
    out = stabilization.apply(7, frame)
    wanted = np.clip((frame[1:249, 1:8].astype(float) - offsets) / gains, 0, 255)
    assert np.abs(out - wanted).max() <= 0.5 + 1e-3


def test_what_is_saturated_stays_so() -> None:
    frame = np.zeros((50, 60, 3), np.uint8)
    frame[:, 30:] = 255
    for shift in (0, 1):
        out = one(pose(moved(shift, 0), 1.2 * ONE, 4 * ONE), Region(2, 2, 50, 40)).apply(7, frame)
        assert np.array_equal(out, frame[2:42, 2 + shift : 52 + shift])


def test_a_frame_that_was_not_placed_is_no_frame_of_the_clip() -> None:
    with pytest.raises(KeyError):
        one(pose()).apply(8, noise())


# Stored.


@st.composite
def stabilizations(draw: st.DrawFn) -> Stabilization:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    indices = sorted(draw(st.sets(st.integers(0, 10_000), min_size=1, max_size=6)))
    poses = {}
    for index in indices:
        shape = (draw(st.integers(2, 5)), draw(st.integers(2, 6)), 2)
        mesh = rng.normal(0, 3, shape).astype(np.float32) if draw(st.booleans()) else None
        matrix = np.eye(3) + rng.normal(0, 0.05, (3, 3)) if draw(st.booleans()) else np.eye(3)
        lit = draw(st.booleans())
        gain, offset = (rng.uniform(0.5, 2, 3), rng.normal(0, 9, 3)) if lit else (ONE, NONE)
        poses[index] = Pose(matrix, gain, offset, mesh=mesh, residual=float(rng.uniform(0, 2)))
    others = draw(st.sets(st.integers(10_001, 20_000), max_size=4))
    reasons = st.text(max_size=20)
    dropped = {index: draw(reasons) for index in sorted(others)}
    numbers = st.tuples(*[st.integers(0, 5000)] * 4)
    model = draw(st.sampled_from(["still", "translation", "homography"]))
    return Stabilization(model, Region(*draw(numbers)), Region(*draw(numbers)), poses, dropped=dropped)


@settings(deadline=None, max_examples=40)
@given(stabilizations())
def test_what_is_stored_comes_back(stabilization: Stabilization) -> None:
    again = Stabilization.from_json(json.loads(stabilization.to_bytes()))
    assert (again.model, again.cut, again.region) == (stabilization.model, stabilization.cut, stabilization.region)
    assert again.dropped == stabilization.dropped and list(again.poses) == list(stabilization.poses)
    assert (again.moves, again.relit) == (stabilization.moves, stabilization.relit)
    for index, stored in again.poses.items():
        own = stabilization.poses[index]
        assert np.array_equal(stored.gain, own.gain) and np.array_equal(stored.offset, own.offset)
        assert np.abs(stored.matrix - own.matrix).max() <= 1e-9
        assert abs(stored.residual - own.residual) <= 1e-4
        assert (stored.placed, stored.lit) == (own.placed, own.lit)
        assert (stored.mesh is None) == (own.mesh is None)
        if own.mesh is not None and stored.mesh is not None:
            assert stored.mesh.shape == own.mesh.shape and stored.mesh.dtype == np.float32
            assert np.abs(stored.mesh - own.mesh).max() <= 6e-4
    assert again.to_bytes() == Stabilization.from_json(json.loads(again.to_bytes())).to_bytes()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("poses"),
        lambda document: document.pop("dropped"),
        lambda document: document["poses"]["7"].pop("gain"),
        lambda document: document["poses"].update(seven=document["poses"]["7"]),
        lambda document: document["poses"]["7"].update(matrix=[1, 2, 3]),
        lambda document: document["poses"]["7"].update(residual=None),
        lambda document: document.update(region=[1, 2]),
    ],
)
def test_what_is_no_stabilization_is_refused(spoil: Callable[[dict[str, Any]], object]) -> None:
    document = one(pose()).to_json()
    spoil(document)
    with pytest.raises((KeyError, TypeError, ValueError)):
        Stabilization.from_json(document)


# The source.


FRAMES = np.random.default_rng(3).integers(0, 256, (20, 60, 70, 3), np.uint8)
DROPPED = {4: "blurred", 11: "another shot"}


def panning() -> Stabilization:
    """Frame i shows everything i − 10 px further left; frame 6 is brighter."""
    poses = {i: pose(moved(10 - i, 0)) for i in range(2, 18) if i not in DROPPED}
    poses[6] = replace(poses[6], offset=10 * ONE)
    return Stabilization("translation", CUT, Region(CUT.x + 12, CUT.y + 2, 30, 40), poses, dropped=DROPPED)


def wanted(index: int) -> np.ndarray:
    left = CUT.x + 12 + 10 - index
    return FRAMES[index, CUT.y + 2 : CUT.y + 42, left : left + 30]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_frames_come_stabilized_in_order(workers: int) -> None:
    source = FramesInMemory(FRAMES)
    with StabilizedSource(source, panning(), workers) as steady:
        assert steady.info == source.info and np.array_equal(steady.times, source.times)
        frames = list(steady.read())
        assert [frame.index for frame in frames] == sorted(panning().poses) == source.asked
        for frame in frames:
            assert frame.time == source.times[frame.index]
            assert frame.rgb.dtype == np.uint8 and frame.rgb.flags.c_contiguous
            if frame.index != 6:
                assert np.array_equal(frame.rgb, wanted(frame.index))
            else:
                inside = (wanted(6) > 13) & (wanted(6) < 252)
                assert np.array_equal(frame.rgb[inside], wanted(6)[inside] - 10)
        some = [3, 7, 8, 17]
        assert [(f.index, f.rgb.tobytes()) for f in steady.read(some)] == [
            (f.index, f.rgb.tobytes()) for f in frames if f.index in some
        ]
        assert list(steady.read([])) == []


def test_a_region_is_a_part_of_what_is_left() -> None:
    steady = StabilizedSource(FramesInMemory(FRAMES), panning())
    whole = panning().region
    for dx, dy, width, height in ((0, 0, 30, 40), (5, 7, 11, 13), (29, 39, 1, 1)):
        part = Region(whole.x + dx, whole.y + dy, width, height)
        for frame in steady.read([3, 9], part):
            assert np.array_equal(frame.rgb, wanted(frame.index)[dy : dy + height, dx : dx + width])
    for x, y, width, height in ((-1, 0, 5, 5), (0, -1, 5, 5), (0, 0, 31, 5), (0, 0, 5, 41), (28, 0, 3, 1)):
        with pytest.raises(ValueError, match="region"):
            list(steady.read([3], Region(whole.x + x, whole.y + y, width, height)))


@pytest.mark.parametrize(
    ("index", "reason"), [(4, "blurred"), (11, "another shot"), (0, "outside the frames"), (99, "outside the frames")]
)
def test_frames_that_cannot_be_stabilized_are_refused_with_the_reason_before_any_is_read(
    index: int, reason: str
) -> None:
    source = FramesInMemory(FRAMES)
    with pytest.raises(IndexError, match=f"frame {index} .*{reason}"):
        list(StabilizedSource(source, panning()).read(sorted([3, index])))
    assert not source.asked


@pytest.mark.parametrize("read", [0, 1, 2, 7])
def test_closing_half_way_leaves_no_thread(read: int) -> None:
    before = set(threading.enumerate())
    frames = StabilizedSource(FramesInMemory(FRAMES), panning(), 3).read()
    assert isinstance(frames, Generator)
    for _ in range(read):
        next(frames)
    frames.close()
    assert set(threading.enumerate()) == before


def test_an_error_of_the_source_comes_out_and_leaves_no_thread() -> None:
    class Failing(FramesInMemory):
        def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
            for frame in super().read(indices, region):
                if frame.index == 8:
                    raise OSError("gone")
                yield frame

    before = set(threading.enumerate())
    with pytest.raises(OSError, match="gone"):
        list(StabilizedSource(Failing(FRAMES), panning(), 2).read())
    assert set(threading.enumerate()) == before
