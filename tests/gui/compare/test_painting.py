"""What stands on the screen, held against pictures made otherwise."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot
from skimage.filters import gaussian
from skimage.transform import downscale_local_mean

from gui.compare import CompareView
from rainclean.video import Region

U8 = NDArray[np.uint8]
Screen = Callable[[], U8]
Noise = Callable[..., U8]
SURROUND = 119
BODY = (slice(40, 250), slice(10, 390))
"""Where nothing is written over the picture."""


def test_one_to_one_is_exact(view: CompareView, screen: Screen, noise: Noise) -> None:
    picture = noise(900, 700)
    view.show_pictures(None, picture)
    view.actual_size()
    x, y, width, height = view.visible_region()
    assert (width, height) == (400, 300)
    np.testing.assert_array_equal(screen()[BODY], picture[y : y + height, x : x + width][BODY])


@pytest.mark.parametrize("zoom", [4, 7, 3.7])
def test_above_300_percent_pixels_are_squares(view: CompareView, screen: Screen, noise: Noise, zoom: float) -> None:
    picture = noise(200, 150)
    view.show_pictures(None, picture)
    view.set_zoom(zoom)
    view.pan(0.13, 0.07)
    corner = view.to_widget(0, 0)
    x = np.floor((np.arange(400) + 0.5 - corner.x()) / zoom).astype(int)
    y = np.floor((np.arange(300) + 0.5 - corner.y()) / zoom).astype(int)
    np.testing.assert_array_equal(screen()[BODY], picture[y[:, None], x][BODY])


def test_fitted_is_the_mean_of_what_a_pixel_covers(view: CompareView, screen: Screen, noise: Noise) -> None:
    picture = noise(2000, 1500)
    view.show_pictures(None, picture)
    assert view.zoom == pytest.approx(0.2) and view.fitted
    means = downscale_local_mean(picture, (5, 5, 1))
    assert np.abs(screen()[BODY] - means[BODY]).max() <= 1


def test_a_fraction_is_near_the_mean_of_what_a_pixel_covers(view: CompareView, screen: Screen, noise: Noise) -> None:
    smooth = gaussian(noise(560, 420), 1, channel_axis=2, preserve_range=True)
    picture = (smooth * 2 - 128).clip(0, 255).astype(np.uint8)
    view.show_pictures(None, picture)
    assert view.zoom == pytest.approx(400 / 560)
    # Five pixels of the screen cover seven of the picture: both are cut into the same fifths and sevenths.
    fine = np.repeat(np.repeat(picture, 5, 0), 5, 1)
    apart = np.abs(screen()[BODY] - downscale_local_mean(fine, (7, 7, 1))[BODY])
    assert apart.mean() < 2 and apart.max() < 16


@pytest.mark.parametrize("zoom", [0.9, 0.7, 0.57, 0.35])
def test_a_streak_of_one_pixel_does_not_break_up(view: CompareView, screen: Screen, zoom: float) -> None:
    picture = np.zeros((1200, 1600, 3), np.uint8)
    rows = np.arange(1200)
    picture[rows, 700 + rows // 6] = 255
    view.show_pictures(None, picture)
    view.set_zoom(zoom)
    light = screen()[BODY][..., 0].sum(1, dtype=float)
    assert light.min() > 0.8 * light.max() and light.mean() == pytest.approx(255 * zoom, rel=0.03)


def test_between_pixels_are_mixed_linearly(view: CompareView, screen: Screen) -> None:
    ramp = np.repeat(np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 150, 0), 3, 2)
    view.show_pictures(None, ramp)
    view.set_zoom(2.5)
    corner = view.to_widget(0, 0).x()
    expected = (np.arange(400) + 0.5 - corner) / 2.5 - 0.5
    assert np.abs(screen()[BODY][0, :, 0] - expected[BODY[1]]).max() <= 0.6


def test_the_surround_is_neutral_and_the_picture_in_the_middle(view: CompareView, screen: Screen, noise: Noise) -> None:
    picture = noise(100, 80)
    view.show_pictures(None, picture)
    view.actual_size()
    seen = screen()
    np.testing.assert_array_equal(seen[110:190, 150:250], picture)
    seen[110:190, 150:250] = SURROUND
    assert (seen[:260] == SURROUND).all()


def test_another_size_of_the_window_keeps_what_is_seen(view: CompareView, screen: Screen, noise: Noise) -> None:
    picture = noise(900, 700)
    view.show_pictures(None, picture)
    view.actual_size()
    view.resize(300, 200)
    x, y, width, height = view.visible_region()
    assert (width, height) == (300, 200)
    assert (x + width / 2, y + height / 2) == (450, 350)
    np.testing.assert_array_equal(screen()[40:150, 10:], picture[y + 40 : y + 150, x + 10 : x + 300])


def test_a_fitted_picture_stays_fitted(view: CompareView, noise: Noise) -> None:
    view.show_pictures(None, noise(900, 600))
    view.resize(300, 200)
    assert view.zoom == pytest.approx(1 / 3)
    view.show_pictures(None, noise(150, 100))
    assert view.zoom == pytest.approx(2)


@pytest.mark.parametrize("zoom", [None, 0.8, 1, 2.2, 5])
def test_a_changed_part_is_painted_as_if_all_were_new(
    view: CompareView, screen: Screen, noise: Noise, zoom: float | None
) -> None:
    picture, region = noise(640, 480), Region(300, 200, 61, 47)
    view.show_pictures(None, picture)
    if zoom is not None:
        view.set_zoom(zoom)
    screen()
    picture[200:247, 300:361] = noise(61, 47, seed=1)
    view.update_right(picture, region)
    in_part = screen()
    view.show_pictures(None, picture.copy())
    assert np.abs(in_part.astype(int) - screen()).max() <= (1 if view.zoom < 1 else 0)


def test_a_changed_part_may_come_in_another_array(view: CompareView, screen: Screen, noise: Noise) -> None:
    first, region = noise(640, 480), Region(0, 0, 640, 480)
    view.show_pictures(first, first)
    screen()
    second = noise(640, 480, seed=1)
    view.update_right(second, region)
    seen = screen()
    view.show_pictures(None, second)
    np.testing.assert_array_equal(seen, screen())


def test_a_preview_is_shown_until_the_picture_changes(view: CompareView, screen: Screen, noise: Noise) -> None:
    picture, other = noise(900, 700), np.zeros((700, 900, 3), np.uint8)
    other += (np.arange(700)[:, None, None] // 8 + np.arange(900)[:, None] // 8).astype(np.uint8)
    view.show_pictures(None, picture)
    view.actual_size()
    region = view.visible_region()
    x, y, width, height = region
    for step in (2, 3, 4):
        view.show_preview(other[y : y + height : step, x : x + width : step], region, step)
        apart = screen()[BODY].astype(int) - other[y : y + height, x : x + width][BODY]
        assert np.abs(apart).max() <= 2 and abs(apart.mean()) < 0.5
    # Another region: what the first one covered is the picture again.
    small = Region(x + 100, y + 100, 8, 8)
    view.show_preview(other[small.y : small.y + 8, small.x : small.x + 8], small, 1)
    expected = picture[y : y + height, x : x + width].copy()
    expected[100:108, 100:108] = other[small.y : small.y + 8, small.x : small.x + 8]
    np.testing.assert_array_equal(screen()[BODY], expected[BODY])
    assert view.values_at(small.x, small.y) == [("right", tuple(other[small.y, small.x]))]
    view.update_right(picture, Region(0, 0, 1, 1))
    np.testing.assert_array_equal(screen()[BODY], picture[y : y + height, x : x + width][BODY])


def test_values_of_all_pictures(view: CompareView, noise: Noise) -> None:
    left, right, held = noise(9, 7), noise(9, 7, 1), noise(9, 7, 2)
    view.show_pictures(left, right, "rainy", "clean")
    view.set_override(held, "frame 3")
    expected = [("rainy", left), ("clean", right), ("frame 3", held)]
    assert view.values_at(8, 6) == [(name, tuple(picture[6, 8])) for name, picture in expected]
    assert view.values_at(9, 0) == view.values_at(0, -1) == []


def test_painted_names_what_has_been_painted(view: CompareView, qtbot: QtBot, noise: Noise) -> None:
    serials = [view.show_pictures(None, noise(50, 50, seed)) for seed in range(3)]
    with qtbot.waitSignal(view.painted) as painted:
        pass
    assert painted.args == [serials[-1]] and sorted(set(serials)) == serials
    view.actual_size()
    view.set_zoom(64, QPointF(200, 150))
    qtbot.wait(1)
    with qtbot.waitSignal(view.painted) as painted:
        unseen = view.update_right(noise(50, 50), Region(0, 0, 1, 1))
    assert painted.args == [unseen] and view.serial == unseen


def test_without_a_picture_a_text(view: CompareView, screen: Screen, noise: Noise) -> None:
    view.set_empty_text("nothing is open")
    assert len(np.unique(screen())) > 1
    view.show_pictures(None, noise(50, 50))
    view.show_pictures(None, None)
    view.set_empty_text("")
    assert (screen() == SURROUND).all()
    assert view.visible_region() == Region(0, 0, 50, 50)  # the place is kept until the next picture comes


def test_pictures_that_cannot_be_compared_are_refused(view: CompareView, noise: Noise) -> None:
    with pytest.raises(ValueError, match="px beside one of"):
        view.show_pictures(noise(9, 7), noise(7, 9))
    with pytest.raises(ValueError, match="not \\(H, W, 3\\)"):
        view.show_pictures(None, np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="no right picture"):
        view.update_right(noise(9, 7))
    view.show_pictures(noise(9, 7), noise(9, 7))
    with pytest.raises(ValueError, match="px beside one of"):
        view.update_right(noise(7, 9))
    with pytest.raises(ValueError, match="px beside one of"):
        view.set_override(noise(7, 9))
    with pytest.raises(ValueError, match="a preview"):
        view.show_preview(noise(3, 3), Region(4, 4, 6, 6), 2)
    with pytest.raises(ValueError, match="a mask"):
        view.set_overlay("x", np.zeros((7, 9), bool))
