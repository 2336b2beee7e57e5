"""Tints and outlines over the pictures."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from gui.compare import CompareView, Legend, Mode, Outline
from rainclean.video import Region

U8 = NDArray[np.uint8]
Screen = Callable[[], U8]
BODY = (slice(40, 250), slice(10, 390))


@pytest.fixture
def picture(view: CompareView, noise: Callable[..., U8]) -> U8:
    """Shown 1:1, as large as the view."""
    picture = noise(400, 300)
    view.show_pictures(noise(400, 300, 1), picture)
    return picture


def tinted(picture: U8, mask: U8, colour: tuple[int, int, int], alpha: float) -> NDArray[np.float64]:
    share = mask[..., None] / 255 * alpha
    return picture * (1 - share) + np.array(colour) * share


def test_a_mask_tints_and_leaves_the_rest_exact(view: CompareView, screen: Screen, picture: U8) -> None:
    mask = np.zeros((300, 400), np.uint8)
    mask[60:200, 50:150] = 255
    mask[60:200, 150:250] = np.linspace(0, 255, 100).astype(np.uint8)
    view.set_overlay("x", mask, (255, 0, 0), 0.5)
    seen = screen()
    assert np.abs(seen[BODY] - tinted(picture, mask, (255, 0, 0), 0.5)[BODY]).max() <= 1
    np.testing.assert_array_equal(seen[BODY][mask[BODY] == 0], picture[BODY][mask[BODY] == 0])
    view.set_overlay("x", None)
    np.testing.assert_array_equal(screen()[BODY], picture[BODY])


def test_a_mask_may_have_a_colour_for_each_value(view: CompareView, screen: Screen, picture: U8) -> None:
    mask = np.full((300, 400), 100, np.uint8)
    mask[:, 200:] = 255
    colours = np.zeros((256, 3), np.uint8)
    colours[100], colours[255] = (200, 100, 0), (0, 50, 250)
    view.set_overlay("x", mask, colours, 1.0)
    seen = screen()
    for half in (np.s_[40:250, 10:200], np.s_[40:250, 200:390]):
        expected = tinted(picture, mask, tuple(colours[mask[half][0, 0]].tolist()), 1.0)
        assert np.abs(seen[half] - expected[half]).max() <= 1


def test_a_legend_stands_in_the_corner(view: CompareView, screen: Screen, picture: U8) -> None:
    plain = screen()
    bar = np.full((16, 3), (250, 0, 250), np.uint8)
    view.set_legend(Legend("levels", bar, ((0.0, "1"), (1.0, "32"))))
    seen = screen()
    changed = np.argwhere((seen != plain).any(axis=2))
    assert changed[:, 0].min() > 200 and changed[:, 1].max() < 230
    assert (seen == (250, 0, 250)).all(axis=2).sum() > 1000
    view.set_legend(Legend("worst"))
    assert not (screen() == (250, 0, 250)).all(axis=2).any()
    view.set_legend(None)
    np.testing.assert_array_equal(screen(), plain)


@pytest.mark.parametrize("zoom", [0.8, 1, 2, 5])
def test_a_changed_part_of_a_mask(view: CompareView, screen: Screen, noise: Callable[..., U8], zoom: float) -> None:
    view.show_pictures(None, noise(600, 500))
    view.set_zoom(zoom)
    mask = noise(600, 500)[..., 0].copy()
    view.set_overlay("x", mask, (0, 0, 255), 0.7, hatched=True)
    screen()
    mask[240:260, 280:330] = 255
    view.update_overlay("x", Region(280, 240, 50, 20))
    in_part = screen()
    view.set_overlay("x", mask.copy(), (0, 0, 255), 0.7, hatched=True)
    assert np.abs(in_part.astype(int) - screen()).max() <= 1


def test_a_hatched_mask_shows_stripes(view: CompareView, screen: Screen, picture: U8) -> None:
    view.show_pictures(None, np.zeros((300, 400, 3), np.uint8))
    view.set_overlay("x", np.full((300, 400), 255, np.uint8), (200, 0, 0), 1.0, hatched=True)
    assert set(np.unique(screen()[BODY][..., 0])) == {70, 200}


def test_which_sides_are_tinted(view: CompareView, screen: Screen, picture: U8) -> None:
    mask = np.full((300, 400), 255, np.uint8)
    view.set_overlay("x", mask, (255, 0, 0), 1.0)
    red = {Mode.SINGLE: 1.0, Mode.WIPE: 1.0, Mode.SIDE: 0.5, Mode.BLINK: 1.0, Mode.DIFFERENCE: 1.0}
    for mode, share in red.items():
        view.set_mode(mode)
        rows = screen()[145:155] if mode is Mode.SIDE else screen()[60:120]
        assert (rows == (255, 0, 0)).all(-1).mean() == pytest.approx(share, abs=0.05)
    view.set_override(picture)
    assert (screen()[145:155] == (255, 0, 0)).all(-1).mean() < 0.01


def test_a_mask_of_another_size_waits(view: CompareView, screen: Screen, picture: U8) -> None:
    view.set_overlay("x", np.full((30, 40), 255, np.uint8), (255, 0, 0), 1.0)
    np.testing.assert_array_equal(screen()[BODY], picture[BODY])
    view.show_pictures(None, picture[:30, :40], keep_view=False)
    assert (screen()[BODY] == (255, 0, 0)).all()


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0)])
def test_outlines_are_seen_on_any_picture(
    view: CompareView, screen: Screen, level: int, colour: tuple[int, int, int]
) -> None:
    view.show_pictures(None, np.full((300, 400, 3), level, np.uint8))
    view.set_outlines([Outline([(100, 100), (200, 100), (200, 180), (100, 180)], colour)])
    seen = screen().astype(int)
    changed = np.argwhere(np.abs(seen - level).max(-1)[BODY] > 100)
    assert tuple(changed.min(0)) == pytest.approx((60, 90), abs=2)
    assert tuple(changed.max(0)) == pytest.approx((140, 190), abs=2)
    view.set_zoom(2)
    across = np.abs(screen().astype(int) - level).max(-1)[150] > 100
    assert 2 <= across.sum() <= 8, "equally thin at every zoom"
    view.set_outlines([])
    assert (screen()[BODY] == level).all()
