"""What the mouse says with each tool, in px of the picture."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from gui.compare import CompareView, Mode, Tool
from rainclean.video import Region

U8 = NDArray[np.uint8]
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


@pytest.fixture
def shown(view: CompareView, noise: Callable[..., U8]) -> CompareView:
    """At 400 %: px (50, 37) … of the picture at the upper left."""
    view.show_pictures(noise(200, 150), noise(200, 150, 1))
    view.set_zoom(4)
    assert view.to_picture(QPointF(0, 0)) == (50, 37.5)
    return view


@pytest.fixture
def said(shown: CompareView) -> list[tuple[object, ...]]:
    """What the view emits."""
    heard: list[tuple[object, ...]] = []
    for name in ("picked", "rectangle_drawn", "stroke_began", "stroke_moved", "stroke_ended", "stroke_cancelled"):
        getattr(shown, name).connect(lambda *words, name=name: heard.append((name, *words)))
    return heard


def drag(qtbot: QtBot, view: CompareView, *places: tuple[int, int], release: bool = True) -> None:
    qtbot.mousePress(view, LEFT, pos=QPoint(*places[0]))
    for place in places[1:]:
        qtbot.mouseMove(view, QPoint(*place))
    if release:
        qtbot.mouseRelease(view, LEFT, pos=QPoint(*places[-1]))


@pytest.mark.parametrize("tool", [Tool.PICK, Tool.FILL])
def test_a_place_is_picked(qtbot: QtBot, shown: CompareView, said: list[tuple[object, ...]], tool: Tool) -> None:
    shown.set_tool(tool)
    qtbot.mouseClick(shown, LEFT, pos=QPoint(100, 50))
    assert said == [("picked", 75.0, 50.0)]
    shown.show_pictures(None, np.zeros((10, 10, 3), np.uint8), keep_view=False)
    shown.actual_size()
    qtbot.mouseClick(shown, LEFT, pos=QPoint(5, 5))
    assert len(said) == 1, "beside the picture nothing is picked"


def test_a_rectangle_holds_the_pixels_it_touches(
    qtbot: QtBot, shown: CompareView, said: list[tuple[object, ...]]
) -> None:
    shown.set_tool(Tool.RECTANGLE)
    drag(qtbot, shown, (102, 52), (10, 10), (62, 12))
    assert said == [("rectangle_drawn", Region(65, 40, 11, 11))]
    drag(qtbot, shown, (102, 52), (102, 52))
    assert len(said) == 1, "a click is no rectangle"
    qtbot.mousePress(shown, LEFT, pos=QPoint(102, 52))
    qtbot.mouseRelease(shown, LEFT, pos=QPoint(62, 12))  # a quick hand: no move came between
    assert said.pop() == ("rectangle_drawn", Region(65, 40, 11, 11))
    shown.fit()
    drag(qtbot, shown, (200, 150), (600, 500))
    assert said[-1] == ("rectangle_drawn", Region(100, 75, 100, 75))


@pytest.mark.parametrize("tool", [Tool.BRUSH, Tool.LASSO])
def test_a_stroke(qtbot: QtBot, shown: CompareView, said: list[tuple[object, ...]], tool: Tool) -> None:
    shown.set_tool(tool)
    drag(qtbot, shown, (100, 50), (104, 50), (104, 58))
    assert said == [
        ("stroke_began", 75.0, 50.0),
        ("stroke_moved", 76.0, 50.0),
        ("stroke_moved", 76.0, 52.0),
        ("stroke_ended",),
    ]
    qtbot.mouseMove(shown, QPoint(150, 90))
    assert len(said) == 4 and not shown.drawing


@pytest.mark.parametrize("how", ["escape", "right button", "pictures", "tool", "hidden", "mode"])
@pytest.mark.parametrize("tool", [Tool.BRUSH, Tool.RECTANGLE])
def test_a_stroke_is_given_up(
    qtbot: QtBot, shown: CompareView, said: list[tuple[object, ...]], how: str, tool: Tool
) -> None:
    shown.set_tool(tool)
    drag(qtbot, shown, (100, 50), (150, 90), release=False)
    assert shown.drawing
    match how:
        case "escape":
            qtbot.keyClick(shown, Qt.Key.Key_Escape)
        case "right button":
            qtbot.mousePress(shown, RIGHT, pos=QPoint(150, 90))
        case "pictures":
            shown.show_pictures(None, None)
        case "tool":
            shown.set_tool(Tool.NONE)
        case "hidden":
            shown.hide()
        case "mode":
            shown.set_mode(Mode.SIDE)
    assert said[-1] == ("stroke_cancelled",)
    qtbot.mouseRelease(shown, LEFT, pos=QPoint(150, 90))
    assert said[-1] == ("stroke_cancelled",) and len(said) <= 3


def test_who_shows_other_pictures_before_a_stroke_begins_is_told_that_it_is_cancelled(
    qtbot: QtBot, shown: CompareView
) -> None:
    strokes: list[str] = []

    def begin() -> None:
        shown.show_pictures(None, None)  # as the desk does: a stroke is begun on its base, which may be loading
        strokes.append("stroke")

    shown.stroke_began.connect(begin)
    shown.stroke_cancelled.connect(strokes.clear)
    shown.set_tool(Tool.BRUSH)
    drag(qtbot, shown, (100, 50), (150, 90))
    assert not strokes and not shown.drawing


def test_a_live_picture_does_not_give_up_the_stroke(qtbot: QtBot, shown: CompareView) -> None:
    shown.set_tool(Tool.BRUSH)
    drag(qtbot, shown, (100, 50), (150, 90), release=False)
    shown.update_right(np.zeros((150, 200, 3), np.uint8), Region(10, 10, 5, 5))
    assert shown.drawing


def test_escape_gives_up_the_stroke_though_the_window_uses_it(qtbot: QtBot, noise: Callable[..., U8]) -> None:
    window, view, used = QMainWindow(), CompareView(), []
    window.setCentralWidget(view)
    qtbot.addWidget(window)
    action = QAction("back", window)
    action.setShortcut(Qt.Key.Key_Escape)
    action.triggered.connect(lambda: used.append(1))
    window.addAction(action)
    window.resize(400, 300)
    with qtbot.waitActive(window):
        window.show()
    view.setFocus()
    view.show_pictures(None, noise(100, 80))
    view.set_tool(Tool.BRUSH)
    drag(qtbot, view, (200, 150), (220, 150), release=False)
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not view.drawing and not used
    qtbot.mouseRelease(view, LEFT, pos=QPoint(220, 150))
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert used == [1]


def test_a_stroke_stays_in_the_pane_in_which_it_began(
    qtbot: QtBot, shown: CompareView, said: list[tuple[object, ...]]
) -> None:
    shown.set_mode(Mode.SIDE)
    shown.set_tool(Tool.BRUSH)
    start = shown.to_picture(QPointF(190, 100))
    drag(qtbot, shown, (190, 100), (210, 100))
    assert said[0][1:] == start
    assert said[1][1:] == (start[0] + 20 / shown.zoom, start[1])
    del said[:]
    other = shown.to_widget(*start, 1)
    drag(qtbot, shown, (round(other.x()), 100), (round(other.x()), 100))
    assert said[0][1:] == start, "the same place on both sides"


def test_with_a_tool_the_divider_is_held_by_its_handle(
    qtbot: QtBot, shown: CompareView, said: list[tuple[object, ...]]
) -> None:
    shown.set_mode(Mode.WIPE)
    shown.set_tool(Tool.BRUSH)
    drag(qtbot, shown, (200, 50), (220, 50))
    assert shown.divider == 0.5 and said[-1] == ("stroke_ended",)
    drag(qtbot, shown, (200, 150), (100, 150))
    assert shown.divider == 0.25 and len(said) == 3


def test_the_pixel_under_the_pointer(qtbot: QtBot, shown: CompareView) -> None:
    heard: list[tuple[int, int]] = []
    shown.pointed.connect(lambda x, y: heard.append((x, y)))
    qtbot.mouseMove(shown, QPoint(1, 1))
    qtbot.mouseMove(shown, QPoint(2, 1))
    qtbot.mouseMove(shown, QPoint(8, 1))
    shown.pan(0.01, 0)
    assert heard == [(50, 37), (52, 37), (53, 37)] and shown.pointed_pixel == (53, 37)
    shown.show_pictures(None, None)
    assert heard[-1] == (-1, -1)


def test_the_brush_is_shown_at_its_size(
    qtbot: QtBot, shown: CompareView, screen: Callable[[], U8], noise: Callable[..., U8]
) -> None:
    shown.show_pictures(None, np.full((150, 200, 3), 128, np.uint8))
    shown.set_tool(Tool.BRUSH)
    shown.set_brush_radius(10)
    qtbot.mousePress(shown, LEFT, pos=QPoint(200, 120))
    changed = np.argwhere((screen() != 128).any(-1)[40:250, 10:390])
    assert tuple(changed.min(0)) == pytest.approx((40, 150), abs=2)
    assert tuple(changed.max(0)) == pytest.approx((120, 230), abs=2)
    qtbot.mouseRelease(shown, LEFT, pos=QPoint(200, 120))


def test_cursors_tell_the_tool(qtbot: QtBot, shown: CompareView) -> None:
    shapes = {Tool.NONE: Qt.CursorShape.OpenHandCursor, Tool.BRUSH: Qt.CursorShape.BlankCursor,
              Tool.PICK: Qt.CursorShape.CrossCursor, Tool.FILL: Qt.CursorShape.PointingHandCursor}  # fmt: skip
    for tool, shape in shapes.items():
        shown.set_tool(tool)
        assert shown.cursor().shape() == shape
    shown.set_tool(Tool.NONE)
    shown.set_mode(Mode.WIPE)
    qtbot.mouseMove(shown, QPoint(201, 40))
    assert shown.cursor().shape() == Qt.CursorShape.SplitHCursor


def test_focus_is_seen_and_named(qtbot: QtBot, shown: CompareView, screen: Callable[[], U8]) -> None:
    before = screen()
    shown.window().activateWindow()
    shown.setFocus()
    qtbot.waitUntil(shown.hasFocus)
    assert (screen()[100, 0] != before[100, 0]).any()
    assert shown.accessibleName() == "Picture comparison"
