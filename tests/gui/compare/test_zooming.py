"""Where things stand: pure geometry for any zoom and place, then the wheel and keys on a real view."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.compare import CompareView, Mode
from gui.compare.viewport import MAX_ZOOM, Box, Viewport
from rainclean.video import Region

U8 = NDArray[np.uint8]
Noise = Callable[..., U8]
SIDES = st.integers(1, 5000)
PANES = st.integers(50, 3000)
SHARES = st.floats(0, 1)


@st.composite
def viewports(draw: st.DrawFn) -> Viewport:
    view = Viewport.fitting((draw(SIDES), draw(SIDES)), (draw(PANES), draw(PANES)))
    view = view.zoomed(draw(st.floats(0.001, 100)), (draw(SHARES) * view.pane[0], draw(SHARES) * view.pane[1]))
    return view.panned(draw(st.floats(-1e4, 1e4)), draw(st.floats(-1e4, 1e4)))


@given(viewports(), st.floats(-100, 5000), st.floats(-100, 5000))
def test_places_go_round(view: Viewport, x: float, y: float) -> None:
    assert view.to_picture(*view.to_pane(x, y)) == pytest.approx((x, y), abs=1e-6)
    assert view.to_pane(*view.to_picture(x, y)) == pytest.approx((x, y), abs=1e-6)


@given(viewports())
def test_the_picture_cannot_be_lost(view: Viewport) -> None:
    assert min(1, view.fit_zoom) <= view.zoom <= MAX_ZOOM
    assert not view.extent.empty
    x, y, width, height = view.visible
    assert 0 <= x < x + width <= view.picture[0] and 0 <= y < y + height <= view.picture[1]
    middle = view.to_picture(view.pane[0] / 2, view.pane[1] / 2)
    for at, side in zip(middle, view.picture, strict=True):
        assert -1 / view.zoom <= at <= side + 1 / view.zoom


@given(viewports(), SHARES, SHARES, st.floats(1, 3))
def test_zooming_in_keeps_what_is_under_the_pointer(view: Viewport, x: float, y: float, factor: float) -> None:
    box = view.extent
    place = box.x0 + x * (box.x1 - box.x0), box.y0 + y * (box.y1 - box.y0)
    before = view.to_picture(*place)
    larger = view.zoomed(view.zoom * factor, place)
    if larger.zoom > larger.fit_zoom:
        assert larger.to_pane(*before) == pytest.approx(place, abs=0.6 + 0.5 * factor)


@given(viewports())
def test_what_fits_stands_in_the_middle(view: Viewport) -> None:
    whole = Viewport.fitting(view.picture, view.pane)
    (x, y), (width, height) = whole.origin, whole.drawn
    assert abs(2 * x + width - view.pane[0]) <= 2 and abs(2 * y + height - view.pane[1]) <= 2
    assert whole.visible == Region(0, 0, *view.picture)


@given(viewports(), SIDES, SIDES, PANES, PANES)
def test_other_pictures_and_panes_keep_the_zoom_and_place(
    view: Viewport, width: int, height: int, across: int, down: int
) -> None:
    other = view.over((width, height))
    if other.zoom == view.zoom > max(view.fit_zoom, other.fit_zoom):
        shares = [at / side for at, side in zip(view.centre, view.picture, strict=True)]
        assert [at / side for at, side in zip(other.centre, other.picture, strict=True)] == pytest.approx(shares)
    resized = view.resized((across, down))
    if resized.zoom > max(view.fit_zoom, resized.fit_zoom):
        assert resized.centre == view.centre


@given(viewports(), st.data())
def test_a_region_is_shown_whole_and_large(view: Viewport, data: st.DataObject) -> None:
    x, y = (data.draw(st.integers(0, side - 1)) for side in view.picture)
    region = Region(
        x, y, *(data.draw(st.integers(1, side - at)) for at, side in zip((x, y), view.picture, strict=True))
    )
    shown = view.onto(region)
    x0, y0 = shown.to_pane(region.x, region.y)
    x1, y1 = shown.to_pane(region.x + region.width, region.y + region.height)
    if min(1.0, shown.fit_zoom) < shown.zoom < MAX_ZOOM:
        assert x0 >= -1 and y0 >= -1 and x1 <= shown.pane[0] + 1 and y1 <= shown.pane[1] + 1
        assert math.isclose(x1 - x0, shown.pane[0]) or math.isclose(y1 - y0, shown.pane[1])


def test_boxes() -> None:
    assert Box(0, 0, 4, 4).cut(Box(2, 3, 9, 9)) == Box(2, 3, 4, 4)
    assert Box(0, 0, 1, 1).joined(Box(5, 5, 6, 7)) == Box(0, 0, 6, 7)
    assert Box(3, 3, 3, 9).empty and not Box(3, 3, 4, 4).empty


def turn(view: CompareView, place: QPointF, notches: float) -> None:
    no_button, no_key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    phase = Qt.ScrollPhase.NoScrollPhase
    turned = QPoint(0, round(120 * notches))
    where = QPointF(view.mapToGlobal(place.toPoint()))
    QApplication.sendEvent(view, QWheelEvent(place, where, QPoint(), turned, no_button, no_key, phase, False))


@pytest.mark.parametrize("mode", [Mode.SINGLE, Mode.SIDE])
def test_the_wheel_zooms_around_the_pointer(view: CompareView, noise: Noise, mode: Mode) -> None:
    view.show_pictures(noise(1200, 900), noise(1200, 900))
    view.set_mode(mode)
    place = QPointF(310, 160)
    before, allowed = view.to_picture(place), 0.71 / view.zoom
    for _ in range(12):
        turn(view, place, 1)
        assert math.dist(view.to_picture(place), before) <= allowed + 0.71 / view.zoom
    for _ in range(30):
        turn(view, place, -1)
    assert view.fitted


def test_the_wheel_stops_at_one_to_one(view: CompareView, noise: Noise) -> None:
    view.show_pictures(None, noise(1200, 900))
    passed = []
    for _ in range(12):
        turn(view, QPointF(200, 150), 1)
        passed.append(view.zoom)
    assert 1.0 in passed
    passed = []
    for _ in range(12):
        turn(view, QPointF(200, 150), -1)
        passed.append(view.zoom)
    assert 1.0 in passed


def test_keys_zoom_and_pan_and_the_view_says_so(view: CompareView, qtbot: QtBot, noise: Noise) -> None:
    view.show_pictures(None, noise(1200, 900))
    with qtbot.waitSignal(view.view_changed) as changed:
        view.actual_size()
    assert changed.args == [1.0, Region(400, 300, 400, 300)]
    view.pan(0.25, -0.5)
    assert view.visible_region() == Region(500, 150, 400, 300)
    view.zoom_in()
    assert view.zoom == 1.25
    view.zoom_out()
    assert view.zoom == 1
    view.zoom_to(Region(100, 100, 100, 50))
    assert view.zoom == 4 and view.visible_region() == Region(100, 87, 100, 76)
    view.fit()
    assert view.visible_region() == Region(0, 0, 1200, 900)
    view.pan(9, 9)
    assert view.visible_region() == Region(0, 0, 1200, 900)


def test_the_place_is_kept_between_pictures(view: CompareView, noise: Noise) -> None:
    view.show_pictures(None, noise(1200, 900))
    view.zoom_to(Region(600, 450, 100, 75))
    seen = view.visible_region()
    view.show_pictures(None, noise(1200, 900, 1))
    assert view.visible_region() == seen
    view.show_pictures(None, None)
    view.show_pictures(noise(1200, 900, 1), noise(1200, 900, 1))
    assert view.visible_region() == seen
    view.show_pictures(None, noise(2400, 1800))
    assert view.visible_region() == Region(1250, 937, 100, 76)
    view.show_pictures(None, noise(2400, 1800), keep_view=False)
    assert view.fitted


def test_dragging_pans(view: CompareView, qtbot: QtBot, noise: Noise) -> None:
    view.show_pictures(None, noise(1200, 900))
    view.actual_size()
    for button in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
        before = view.to_picture(QPointF(100, 100))
        qtbot.mousePress(view, button, pos=QPoint(100, 100))
        qtbot.mouseMove(view, QPoint(130, 80))
        qtbot.mouseRelease(view, button, pos=QPoint(130, 80))
        assert view.to_picture(QPointF(130, 80)) == before
    qtbot.mouseMove(view, QPoint(140, 90))
    assert view.to_picture(QPointF(130, 80)) == before


def test_a_picture_that_was_scaled_ahead_looks_like_one_that_was_not(
    view: CompareView, screen: Callable[[], U8], noise: Noise
) -> None:
    first, following = noise(1000, 700, 1), noise(1000, 700, 2)
    view.show_pictures(following, following)
    expected = screen()
    view.show_pictures(first, first)
    assert view.scaling(noise(640, 480)) is None  # of another size: nobody knows how it would be shown
    work = view.scaling(following)
    assert work is not None
    view.keep_scaled(following, work())
    assert view.scaling(following) is None
    view.show_pictures(following, following)
    assert np.array_equal(screen(), expected)
