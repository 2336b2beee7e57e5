"""What helps to compare two pictures: places of difference, swap, lens, brightness, histograms, the grid."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.compare import Cell, CompareView, HistogramPanel, Mode, SurveyGrid, Tone, places_of_difference

U8 = NDArray[np.uint8]
Screen = Callable[[], U8]


def flat(level: int, size: tuple[int, int] = (300, 400)) -> U8:
    return np.full((*size, 3), level, np.uint8)


# -- where two pictures differ ---------------------------------------------------------------------------------------


def test_places_are_the_strongest_blobs_apart_from_each_other() -> None:
    left, right = flat(100), flat(100)
    for (x, y), by in {(50, 60): 40, (300, 200): 90, (200, 100): 60}.items():
        right[y - 12 : y + 12, x - 12 : x + 12] += np.uint8(by)
    right[262:266, 20:24] += 8
    places = places_of_difference(left, right)
    assert [(round(x / 10), round(y / 10)) for x, y, _ in places[:3]] == [(30, 20), (20, 10), (5, 6)]
    assert np.allclose([p.levels for p in places[:3]], [90, 60, 40], atol=1)
    apart = [np.hypot(a.x - b.x, a.y - b.y) for i, a in enumerate(places) for b in places[:i]]
    assert min(apart) >= 300 / 8 - 2


def test_single_noisy_pixels_are_no_place_and_equal_pictures_have_none() -> None:
    left, right = flat(100), flat(100)
    right[10, 10] = 200
    right[200:212, 200:212] += 20
    assert [(round(p.x / 20), round(p.y / 20)) for p in places_of_difference(left, right)] == [(10, 10)]
    assert places_of_difference(left, left) == []


def test_places_of_a_picture_with_odd_sides() -> None:
    left, right = flat(100, (131, 77)), flat(100, (131, 77))
    right[125:131, 71:77] = 130
    (place, *_) = places_of_difference(left, right)
    assert 70 < place.x <= 77 and 124 < place.y <= 131
    assert places_of_difference(flat(0, (1, 1)), flat(9, (1, 1)))[0].levels == 9


# -- swap --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.WIPE, Mode.SIDE])
def test_swap_exchanges_the_places(view: CompareView, screen: Screen, mode: Mode) -> None:
    view.show_pictures(flat(40), flat(200), "left", "right")
    view.set_mode(mode)
    assert screen()[150, 80, 0] == 40 and screen()[150, 320, 0] == 200
    view.swap()
    assert screen()[150, 80, 0] == 200 and screen()[150, 320, 0] == 40
    assert [name for name, _ in view.named_pictures()] == ["right", "left"]
    view.set_mode(Mode.SINGLE)
    assert screen()[150, 80, 0] == 200


# -- brightness --------------------------------------------------------------------------------------------------------


def test_brightness_changes_the_screen_only_and_a_badge_says_so(view: CompareView, screen: Screen) -> None:
    left, right = flat(20), flat(60)
    view.show_pictures(left, right)
    before = screen()
    view.set_tone(Tone(2, 1.8))
    assert view.tone.label == "Brightened ×2, γ 1.8"
    expected = np.rint(255 * (np.array([20, 60]) * 2 / 255) ** (1 / 1.8))
    view.set_mode(Mode.SIDE)
    assert [screen()[200, x, 0] for x in (100, 300)] == expected.tolist()
    view.set_mode(Mode.SINGLE)
    top = screen()[:60, 100:300].astype(int)
    assert np.ptp(top) > 60  # the badge
    assert (left == 20).all() and view.values_at(5, 5)[1][1] == (60, 60, 60)
    view.set_tone(Tone())
    assert np.array_equal(screen(), before)


def test_a_difference_keeps_its_levels(view: CompareView, screen: Screen) -> None:
    view.show_pictures(flat(20), flat(60))
    view.set_mode(Mode.DIFFERENCE)
    view.set_difference("absolute", 1)
    view.set_tone(Tone(2))
    assert screen()[200, 200, 0] == 40


def test_a_stroke_in_a_brightened_picture_is_brightened_too(view: CompareView, screen: Screen) -> None:
    right = flat(60)
    view.show_pictures(flat(20), right)
    view.set_tone(Tone(2))
    screen()
    right[100:110, 100:110] = 80
    from rainclean.video import Region

    view.update_right(right, Region(100, 100, 10, 10))
    assert screen()[105, 105, 0] == 160 and screen()[150, 150, 0] == 120


def test_tones_have_limits_and_names() -> None:
    assert Tone(1).label == "Brightened ×1.4" and Tone(-2).label == "Darkened ×0.5"
    assert Tone(0, 0.8).label == "Darkened γ 0.8" and Tone(20).brighter(1).half_stops == 8
    assert Tone().with_gamma(9).gamma == 4.0 and Tone().lut is None


# -- magnifier and histograms ------------------------------------------------------------------------------------------


def test_the_lens_shows_both_pictures_at_four_to_one_and_goes(view: CompareView, screen: Screen) -> None:
    view.resize(800, 600)
    left, right = flat(40, (600, 800)), flat(120, (600, 800))
    left[98:103, 148:153] = 250
    view.show_pictures(left, right)
    view.set_mode(Mode.SINGLE)
    QTest.mouseMove(view, QPoint(150, 100))
    view.magnify()
    below = screen()[120:400]
    # A square of 5 px of the left picture, which is hidden, is 20 px wide in the lens.
    assert 18 * 18 <= (below[..., 0] == 250).sum() <= 20 * 20
    assert ((below[..., 0] == 40).sum(), (below[..., 0] == 120).sum()) > (10_000, 10_000)
    QTest.mouseMove(view, QPoint(600, 500))
    assert (screen()[120:240, :300, 0] == 120).all()  # it has gone elsewhere, above the pointer
    assert ((screen()[240:500, ..., 0]) == 40).sum() > 10_000
    view.magnify()
    assert (screen()[20:-40, ..., 0] == 120).all()


def test_histograms_follow_the_pointer_and_count_the_visible_part(view: CompareView, qtbot: QtBot) -> None:
    left, right = flat(40), flat(120)
    right[:100, :100] = (255, 0, 16)
    view.show_pictures(left, right, "Rainy", "Clean")
    panel = HistogramPanel(view)
    assert panel.toggle() and panel.title == "Visible part: 400×300 px"
    QTest.mouseMove(view, QPoint(50, 50))
    qtbot.waitUntil(lambda: panel.title == "Around 50, 50: 65×65 px")
    rainy, clean = panel.histograms
    assert rainy.shares[:, 10].tolist() == [1, 1, 1] and (rainy.name, rainy.mean, rainy.full) == ("Rainy", 40, 0)
    assert (clean.shares[0, 63], clean.shares[1, 0], clean.shares[2, 4], clean.full) == (1, 1, 1, 1)
    assert "Clean: mean 90 levels, 100 % at 255" in panel.accessibleDescription()
    assert panel.geometry().right() <= view.width() and not panel.toggle()


# -- the grid ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def grid(qtbot: QtBot) -> SurveyGrid:
    grid = SurveyGrid()
    qtbot.addWidget(grid)
    grid.resize(600, 400)
    with qtbot.waitExposed(grid):
        grid.show()
    grid.show_cells([Cell(f"candidate {n}", flat(20 * n + 20)) for n in range(6)], 2, Tone())
    return grid


def test_the_grid_shows_all_and_a_click_or_a_number_chooses(grid: SurveyGrid) -> None:
    image = grid.grab().toImage()
    places = [QPoint(100 + 200 * (n % 3), 120 + 200 * (n // 3)) for n in range(6)]
    assert [image.pixelColor(place).red() for place in places] == [20, 40, 60, 80, 100, 120]
    chosen: list[int] = []
    grid.chosen.connect(chosen.append)
    QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=places[4])
    QTest.keyClick(grid, Qt.Key.Key_2)
    QTest.keyClick(grid, Qt.Key.Key_9)  # there are six
    QTest.keyClick(grid, Qt.Key.Key_Return)
    assert chosen == [4, 1, 2]


def test_the_grid_moves_and_zooms_all_pictures_together(grid: SurveyGrid) -> None:
    left: list[bool] = []
    chosen: list[int] = []
    grid.left.connect(lambda: left.append(True))
    grid.chosen.connect(chosen.append)
    QTest.keyClick(grid, Qt.Key.Key_Z)
    assert grid.zoom == 1.0
    same = [grid.to_picture(QPointF(50 + 201 * (n % 3), 60 + 201 * (n // 3))) for n in range(6)]
    assert np.ptp(np.array(same), axis=0).max() <= 2
    centre = grid.centre
    QTest.mousePress(grid, Qt.MouseButton.LeftButton, pos=QPoint(500, 300))
    QTest.mouseMove(grid, QPoint(470, 280))
    QTest.mouseMove(grid, QPoint(460, 270))
    QTest.mouseRelease(grid, Qt.MouseButton.LeftButton, pos=QPoint(460, 270))
    assert grid.centre == (centre[0] + 40, centre[1] + 30) and chosen == []
    QTest.keyClick(grid, Qt.Key.Key_F)
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert grid.fitted and left == [True]


def test_a_picture_of_another_size_is_left_out(grid: SurveyGrid) -> None:
    grid.show_cells([Cell("a", flat(90)), Cell("b", flat(90, (30, 40))), Cell("c", None)], 0, Tone())
    assert [cell.note for cell in grid.cells if cell.picture is None] == ["Another size", "Loading …"]
    grid.grab()
