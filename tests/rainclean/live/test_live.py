"""The live stack against plain numpy on the same frames, and against `clean` on a real clip."""

from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clean.run import clean
from pipeline.clean.settings import CleanSettings
from pipeline.stages import finish
from rainclean import _kernels
from rainclean.candidates.quality import score
from rainclean.candidates.recipe import Recipe
from rainclean.candidates.selection import select_frames
from rainclean.errors import UsageError
from rainclean.live import LiveStack, frames, stack
from rainclean.temporal.prior import luma
from rainclean.video import Region, open_source
from tests.conftest import SAMPLE
from tests.helpers.live_stacks import HERE, around, clip, filled, percentile_of, votes_of
from tests.oracles import kernels as _reference


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    return clip(5, 25, 20, 30, 40)


@pytest.fixture
def live(film: np.ndarray) -> Iterator[LiveStack]:
    with filled(film, sort=17) as made:
        yield made


@settings(deadline=None, max_examples=25)
@given(st.data(), st.integers(2, 30), st.integers(1, 12), st.integers(1, 12), st.sampled_from([2, 6, 256]))
def test_every_percentile_of_every_window_is_numpy_s(
    data: st.DataObject, n: int, height: int, width: int, palette: int
) -> None:
    film = clip(n, n, height, width, palette)
    reference, sizes = data.draw(st.integers(0, n - 1)), data.draw(st.lists(st.integers(2, n), min_size=1, max_size=3))
    piece = data.draw(st.sampled_from([7, 1 << 18]))
    with filled(film, reference) as live, mock.patch.object(stack, "_PIECE", piece):
        np.testing.assert_array_equal(live.reference_rgb, film[reference])
        for size in sizes:
            list(live.sort(size))
            window = film[around(n, size, reference)]
            assert (live.sorted_frames, live.votes.frames, live.votes.pixels) == (size, size, height * width)
            assert (list(live.votes.counts), live.votes.silent) == votes_of(window)
            for tenths in (0, 1000, *data.draw(st.lists(st.integers(0, 1000), max_size=5))):
                out = np.full((height, width, 3), 77, np.uint8)
                assert live.percentile(tenths / 10, out) is out
                np.testing.assert_array_equal(out, percentile_of(window, tenths))


def test_all_tenths(film: np.ndarray, live: LiveStack) -> None:
    window = film[around(25, 17, 12)]
    for tenths in range(1001):
        np.testing.assert_array_equal(live.percentile(tenths / 10), percentile_of(window, tenths))


def test_pictures_votes_and_scores_are_those_of_clean() -> None:
    with open_source(SAMPLE) as source:
        film = np.stack([frame.rgb for frame in source.read()])
        for name in ("n20-p37_5", "n41-vote-minus5"):
            recipe = Recipe.parse(name)
            with finish(clean(source, CleanSettings(recipe=name))) as cleaned, filled(film, sort=recipe.frames) as live:
                (made,) = cleaned.candidates
                assert (live.votes.eta, live.votes.silent_share) == (made.eta, made.silent_share)
                picture = live.percentile(recipe.resolve(live.votes.eta))
                np.testing.assert_array_equal(picture, cleaned.picture(made))
                assert score(picture, luma(live.reference_rgb), live.target) == made.scores


@settings(deadline=None, max_examples=100)
@given(st.data(), st.integers(2, 60))
def test_windows_are_those_that_clean_takes(data: st.DataObject, count: int) -> None:
    reference, most = data.draw(st.integers(0, count - 1)), data.draw(st.integers(2, 70))
    with LiveStack(2, 2, range(10, 10 + count), 10 + reference, folder=HERE, most=most) as live:
        assert live.frames == min(most, count)
        for size in range(2, live.frames + 1):
            expected = select_frames(count, [Recipe(size)], reference).indices
            assert live.selection.indices[slice(*live.window(size))] == tuple(10 + i for i in expected)
        assert live.selection.reference_frame == 10 + reference


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from([1, 200, 1 << 26]), st.sampled_from([3, 100, 150_000]))
def test_a_preview_is_every_step_th_pixel_of_the_picture(data: st.DataObject, reduced_bytes: int, most: int) -> None:
    x, y = data.draw(st.integers(0, 29)), data.draw(st.integers(0, 19))
    asked = Region(x, y, data.draw(st.integers(1, 30 - x)), data.draw(st.integers(1, 20 - y)))
    film, size, tenths = clip(1, 9, 20, 30), data.draw(st.integers(2, 9)), data.draw(st.integers(0, 1000))
    with mock.patch.object(frames, "REDUCED_BYTES", 27 * reduced_bytes), filled(film, sort=2) as live:
        picture, step, region = live.preview(size, tenths / 10, asked, most)
    whole = percentile_of(film[around(9, size, 4)], tenths)
    shown = whole[region.y : region.y + region.height : step, region.x : region.x + region.width : step]
    np.testing.assert_array_equal(picture, shown)
    assert picture.shape[0] * picture.shape[1] <= most
    assert region.x % step == region.y % step == 0
    assert asked.x - step < region.x <= asked.x and asked.y - step < region.y <= asked.y
    assert asked.x + asked.width <= region.x + region.width <= 30
    assert asked.y + asked.height <= region.y + region.height <= 20


def test_a_preview_is_finer_the_less_is_in_view() -> None:
    with mock.patch.object(frames, "REDUCED_PIXELS", 100), filled(clip(1, 3, 40, 60)) as live:
        views = [Region(0, 0, 60, 40), Region(5, 5, 30, 20), Region(5, 5, 16, 12), Region(5, 5, 10, 10)]
        assert [live.preview(3, 50, view, 100).step for view in views] == [5, 5, 2, 1]


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 130), st.integers(0, 999), st.sampled_from([2, 6, 256]))
def test_a_pixel_over_time(n: int, seed: int, palette: int) -> None:
    film = clip(seed, n, 1, 2, palette)
    with filled(film) as live:
        history = live.pixel(1, 0)
        np.testing.assert_array_equal(history.values, film[:, 0, 1])
        np.testing.assert_array_equal(history.luma, luma(film[:, 0, 1]))
        assert history.indices == tuple(range(n))
        ordered = sorted(history.luma.tolist())
        assert ordered.count(history.mode) == max(map(ordered.count, ordered))
        assert history.low == 100 * ordered.index(history.mode) / n
        assert history.high == 100 * (n - 1 - ordered[::-1].index(history.mode)) / n
        assert list(history.votes) == [e for e, votes in enumerate(votes_of(film[:, :, 1:])[0]) if votes]
        for percentile in (0, 12.3, 99.9, 100):
            assert history.at(percentile) == tuple(live.percentile(percentile)[0, 1])


def test_a_pixel_of_a_window(film: np.ndarray, live: LiveStack) -> None:
    for n, history in ((17, live.pixel(3, 4)), (6, live.pixel(3, 4, 6))):
        assert history.indices == tuple(range(25))[around(25, n, 12)]
        np.testing.assert_array_equal(history.values, film[around(25, n, 12), 4, 3])


@settings(deadline=None, max_examples=40)
@given(st.data(), st.sampled_from([None, 17, 8, 25]), st.booleans())
def test_votes_of_a_region(film: np.ndarray, data: st.DataObject, size: int | None, masked: bool) -> None:
    x, y = data.draw(st.integers(0, 29)), data.draw(st.integers(0, 19))
    region = Region(x, y, data.draw(st.integers(1, 30 - x)), data.draw(st.integers(1, 20 - y)))
    mask = np.random.default_rng(x).random((region.height, region.width)) < 0.6 if masked else None
    with filled(film, sort=17) as live:
        votes = live.votes_in(region, size, mask)
    part = film[around(25, size or 17, 12), y : y + region.height, x : x + region.width]
    part = part.reshape(len(part), -1, 3) if mask is None else part[:, mask]
    assert (list(votes.counts), votes.silent) == votes_of(part)
    assert (votes.pixels, votes.frames) == (part.shape[1], size or 17)
    assert votes.eta == int(np.argmax(votes_of(part)[0]))


def test_votes_of_the_whole_picture_are_the_stack_s(live: LiveStack) -> None:
    for votes in (live.votes_in(Region(0, 0, 30, 20)), live.votes_in(Region(0, 0, 30, 20), 17)):
        assert (list(votes.counts), votes.silent) == (list(live.votes.counts), live.votes.silent)


def test_the_first_sort_makes_the_crowd_and_later_ones_keep_it(film: np.ndarray) -> None:
    with filled(film, sort=12) as live, filled(film, sort=25) as other:
        first = live.target.copy()
        list(live.sort(20))
        np.testing.assert_array_equal(live.target, first)
        list(live.sort(20, midpoint_of=25))
        np.testing.assert_array_equal(live.target, other.target)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda live: live.percentile(100.1), "not between"),
        (lambda live: live.percentile(5, np.empty((20, 30), np.uint8)), "C-contiguous"),
        (lambda live: live.percentile(5, np.empty((30, 20, 3), np.uint8).transpose(1, 0, 2)), "C-contiguous"),
        (lambda live: live.preview(26, 5, Region(0, 0, 3, 3)), "26 needed"),
        (lambda live: live.preview(9, 5, Region(28, 0, 3, 3)), "region"),
        (lambda live: live.preview(9, 5, Region(0, 0, 0, 3)), "region"),
        (lambda live: live.votes_in(Region(0, -1, 3, 3)), "region"),
        (lambda live: live.votes_in(Region(0, 0, 3, 3), 9, np.ones((2, 3), bool)), "mask"),
        (lambda live: live.pixel(30, 0), "pixel"),
        (lambda live: live.add(np.zeros((20, 30, 3), np.uint8)), "more than"),
        (lambda live: live.add(np.zeros((20, 30, 3))), "frame of float64"),
    ],
)
def test_what_cannot_be_meant_is_refused(live: LiveStack, call: Callable[[LiveStack], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call(live)


def test_frames_come_back_as_they_were_added(film: np.ndarray, live: LiveStack) -> None:
    for position in (0, 7, 24):
        np.testing.assert_array_equal(live.frame(position), film[position])
    with pytest.raises(ValueError, match="frame 25 of 25"):
        live.frame(25)


def test_a_window_of_one_frame_is_refused(live: LiveStack) -> None:
    with pytest.raises(UsageError, match="at least 2"):
        live.preview(1, 5, Region(0, 0, 3, 3))


@settings(deadline=None, max_examples=50)
@given(st.data(), st.integers(1, 40), st.integers(1, 60))
def test_every_pixel(data: st.DataObject, n: int, width: int) -> None:
    first = data.draw(st.integers(0, width - 1))
    step = data.draw(st.integers(1, width))
    pixels = data.draw(st.integers(1, (width - 1 - first) // step + 1))
    line = np.random.default_rng(n).integers(0, 256, (n, 3 * width), np.uint8)
    one, other = np.full((n, 3 * pixels), 7, np.uint8), np.full((n, 3 * pixels), 8, np.uint8)
    _kernels.every_pixel(line, first, step, one)
    _reference.every_pixel(line, first, step, other)
    np.testing.assert_array_equal(one, other)
