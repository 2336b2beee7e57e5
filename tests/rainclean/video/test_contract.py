"""The contract of FrameSource, held over every backend and kind of file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rainclean.video import FrameSource, Region, open_source
from tests.helpers.video_clips import Clip, index_of, picture
from tests.rainclean.video.conftest import CLIPS, exif_images, write_images

IMAGES = ("png", "jpg", "bmp", "tif", "webp", *(f"exif {tag}" for tag in range(1, 9)))


@dataclass(frozen=True)
class Case:
    path: Path
    count: int
    upright: tuple[int, int]
    clip: Clip | None = None


@pytest.fixture(scope="session", params=[*CLIPS, *IMAGES], ids=lambda p: p.name if isinstance(p, Clip) else p)
def case(
    request: pytest.FixtureRequest, encoded: Callable[[Clip], Path], tmp_path_factory: pytest.TempPathFactory
) -> Case:
    kind = request.param
    if isinstance(kind, Clip):
        size = kind.size[::-1] if kind.rotation in (90, -90) else kind.size
        return Case(encoded(kind), kind.count, size, kind)
    folder = tmp_path_factory.mktemp("images") / "frames"
    if kind.startswith("exif"):
        return Case(exif_images(folder, int(kind[-1])), 3, (96, 64))
    return Case(write_images(folder, suffix=kind), 12, (96, 64))


@pytest.fixture
def source(case: Case) -> FrameSource:
    return open_source(case.path)


def test_every_frame_comes_in_order_with_its_time(case: Case, source: FrameSource) -> None:
    frames = list(source.read())
    assert source.info.frame_count == case.count == len(source.times)
    assert [f.index for f in frames] == list(range(case.count))
    assert [f.time for f in frames] == source.times.tolist()
    assert source.times.dtype == np.float64
    assert (np.diff(source.times) > 0).all()
    assert not source.times.flags.writeable


def test_frames_are_upright_rgb_of_the_size_said(case: Case, source: FrameSource) -> None:
    assert (source.info.width, source.info.height) == case.upright
    for frame in source.read():
        assert frame.rgb.shape == (case.upright[1], case.upright[0], 3)
        assert frame.rgb.dtype == np.uint8
        assert frame.rgb.flags.c_contiguous


def test_pictures_are_the_ones_that_were_stored(case: Case, source: FrameSource) -> None:
    """Decoded pictures, turned back, show the scene: the right one of each, not mirrored, not upside down."""
    for frame in source.read():
        shown = frame.rgb
        if case.clip is not None:
            # FFmpeg's words: the angle is counter-clockwise, and the flip comes after the turn.
            shown = shown[:, ::-1] if case.clip.hflip else shown
            shown = np.rot90(shown, -case.clip.rotation // 90)
        assert index_of(shown) == frame.index
        wanted = picture(frame.index, shown.shape[1], shown.shape[0])
        colour = "gray" not in source.info.pixel_format
        error = np.abs(shown.astype(int) - wanted)[16:, :, :] if colour else np.zeros(1)
        assert error.mean() < 8


def test_a_subset_is_the_same_as_a_full_read(case: Case, source: FrameSource) -> None:
    full = [f.rgb for f in source.read()]
    for start in range(case.count):
        frame = next(iter(source.read([start])))
        assert frame.index == start
        assert np.array_equal(frame.rgb, full[start])
    for frame in source.read(range(1, case.count, 3)):
        assert np.array_equal(frame.rgb, full[frame.index])


def test_a_region_is_a_cut_of_the_full_frame(case: Case, source: FrameSource) -> None:
    full = [f.rgb for f in source.read()]
    width, height = case.upright
    for region in (Region(0, 0, width, height), Region(3, 5, 20, 30), Region(width - 7, height - 9, 7, 9)):
        x, y, w, h = region
        for frame in source.read([0, case.count - 1] if case.count > 1 else [0], region):
            assert frame.rgb.flags.c_contiguous
            assert np.array_equal(frame.rgb, full[frame.index][y : y + h, x : x + w])


def test_arrays_belong_to_the_receiver(case: Case, source: FrameSource) -> None:
    kept = [f.rgb for f in source.read(range(min(3, case.count)))]
    before = [rgb.copy() for rgb in kept]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(kept) for b in kept[:i])
    for rgb in kept:
        rgb += 1  # writable
    for frame in source.read(range(min(3, case.count))):
        assert np.array_equal(frame.rgb, before[frame.index])


def test_two_readers_do_not_disturb_each_other(case: Case, source: FrameSource) -> None:
    for a, b in zip(source.read(), source.read(), strict=True):
        assert a.index == b.index
        assert np.array_equal(a.rgb, b.rgb)


def test_nothing_asked_nothing_given(source: FrameSource) -> None:
    assert list(source.read([])) == []


@pytest.mark.parametrize("indices", [[-1], [10**6], [0, 10**6]])
def test_indices_outside_are_refused(source: FrameSource, indices: list[int]) -> None:
    with pytest.raises(IndexError):
        source.read(indices)


@pytest.mark.parametrize("indices", [[0, 0], [1, 0]])
def test_indices_have_to_rise(source: FrameSource, indices: list[int]) -> None:
    with pytest.raises(ValueError, match="rise"):
        source.read(indices)


@pytest.mark.parametrize("region", [(-1, 0, 5, 5), (0, 0, 0, 5), (0, 0, 1000, 5), (60, 0, 60, 5)])
def test_regions_outside_are_refused(source: FrameSource, region: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="region"):
        source.read(region=Region(*region))


def test_a_closed_source_does_not_read(case: Case) -> None:
    with open_source(case.path) as source:
        under_way = source.read()
        next(under_way)
    with pytest.raises(ValueError, match="closed"):
        source.read()
    with pytest.raises(ValueError, match="closed"):
        next(under_way)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(st.integers(0, 29)))
def test_any_choice_of_frames(encoded: Callable[[Clip], Path], chosen: set[int]) -> None:
    source = open_source(encoded(CLIPS[0]))
    assert [index_of(f.rgb) for f in source.read(sorted(chosen))] == sorted(chosen)


def test_values_are_those_of_plain_pyav(encoded: Callable[[Clip], Path]) -> None:
    """One swscale context for all frames gives what PyAV's own conversion gives, to the last level."""
    for clip in (CLIPS[0], CLIPS[12], CLIPS[20]):
        path = encoded(clip)
        with av.open(str(path)) as plain:
            wanted = [f.to_ndarray(format="rgb24") for f in plain.decode(video=0)]
        frames = list(open_source(path).read())
        assert all(np.array_equal(f.rgb, w) for f, w in zip(frames, wanted, strict=True))
