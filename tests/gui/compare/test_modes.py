"""Two pictures: which stands where."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gui.compare import CompareView, Mode

U8 = NDArray[np.uint8]
Screen = Callable[[], U8]
ROWS = slice(40, 130)
"""Above the divider's handle, below the names."""


@pytest.fixture
def pictures(view: CompareView, noise: Callable[..., U8]) -> tuple[U8, U8]:
    """Left and right, as large as the view."""
    left, right = noise(400, 300, 1), noise(400, 300, 2)
    view.show_pictures(left, right, "rainy", "clean")
    assert view.zoom == 1
    return left, right


def test_single_shows_the_right_one(view: CompareView, screen: Screen, pictures: tuple[U8, U8]) -> None:
    np.testing.assert_array_equal(screen()[ROWS], pictures[1][ROWS])


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0, 0.0])
def test_wipe_splits_at_the_divider(view: CompareView, screen: Screen, pictures: tuple[U8, U8], share: float) -> None:
    left, right = pictures
    view.set_mode(Mode.WIPE)
    view.set_divider(share)
    column, seen = round(400 * share), screen()
    np.testing.assert_array_equal(seen[ROWS, : max(0, column - 2)], left[ROWS, : max(0, column - 2)])
    np.testing.assert_array_equal(seen[ROWS, column + 2 :], right[ROWS, column + 2 :])


def test_the_divider_is_dragged_and_moved_by_keys(view: CompareView, qtbot: QtBot, pictures: tuple[U8, U8]) -> None:
    view.set_mode(Mode.WIPE)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(203, 60))
    qtbot.mouseMove(view, QPoint(100, 60))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 60))
    assert view.divider == 0.25
    with qtbot.waitSignal(view.divider_moved) as moved:
        view.move_divider(0.05)
    assert moved.args == [pytest.approx(0.3)]
    view.move_divider(5)
    assert view.divider == 1


def test_side_by_side_shows_the_same_part(view: CompareView, screen: Screen, pictures: tuple[U8, U8]) -> None:
    left, right = pictures
    view.set_mode(Mode.SIDE)
    view.actual_size()
    view.pan(0.2, 0.05)
    x, y, width, height = view.visible_region()
    assert width == 199
    seen = screen()
    for start, picture in ((0, left), (201, right)):
        part = picture[y : y + height, x : x + width]
        np.testing.assert_array_equal(seen[ROWS, start : start + width], part[ROWS])
    assert (seen[ROWS, 199:201] == 119).all()
    assert view.to_widget(200, 150, 1).x() - view.to_widget(200, 150, 0).x() == 201


def test_side_by_side_marks_the_same_place_on_the_other_side(
    view: CompareView, qtbot: QtBot, screen: Screen, pictures: tuple[U8, U8]
) -> None:
    view.set_mode(Mode.SIDE)
    before = screen()
    qtbot.mouseMove(view, QPoint(50, 160))
    changed = np.argwhere((screen() != before).any(-1))
    assert len(changed)
    assert np.abs(changed.mean(0) - (160, 251)).max() < 2


def test_blink_takes_turns(view: CompareView, qtbot: QtBot, screen: Screen, pictures: tuple[U8, U8]) -> None:
    left, right = pictures
    view.set_mode(Mode.BLINK)
    for expected in (left, right, left):
        view.blink()
        np.testing.assert_array_equal(screen()[ROWS], expected[ROWS])
    # The next candidate is seen at once.
    view.show_pictures(left, right)
    np.testing.assert_array_equal(screen()[ROWS], right[ROWS])
    view.set_blinking(True, interval=10)
    with qtbot.waitSignals([view.painted, view.painted], timeout=2000):
        pass
    view.set_mode(Mode.SINGLE)
    np.testing.assert_array_equal(screen()[ROWS], right[ROWS])
    serial = view.blink()
    qtbot.wait(30)
    assert view.blink() == serial
    assert view.blinking


@pytest.mark.parametrize("gain", [1, 8])
def test_differences_are_exact(view: CompareView, screen: Screen, pictures: tuple[U8, U8], gain: int) -> None:
    left, right = (picture.astype(int) for picture in pictures)
    view.set_mode(Mode.DIFFERENCE)
    view.set_difference("signed", gain)
    np.testing.assert_array_equal(screen()[ROWS], np.clip(128 + gain * (left - right), 0, 255)[ROWS])
    view.set_difference("absolute", gain)
    np.testing.assert_array_equal(screen()[ROWS], np.clip(gain * abs(left - right), 0, 255)[ROWS])
    # It follows the right picture.
    view.update_right(pictures[0])
    assert (screen()[ROWS] == 0).all()


def test_one_picture_is_shown_in_every_mode(view: CompareView, screen: Screen, pictures: tuple[U8, U8]) -> None:
    left, right = pictures
    for mode in Mode:
        view.set_mode(mode)
        for pair, expected in (((left, None), left), ((None, right), right)):
            view.show_pictures(*pair, keep_view=False)
            np.testing.assert_array_equal(screen()[ROWS], expected[ROWS])


def test_a_held_picture_covers_both_and_moves_nothing(
    view: CompareView, screen: Screen, noise: Callable[..., U8], pictures: tuple[U8, U8]
) -> None:
    held = noise(400, 300, 3)
    for mode in Mode:
        view.set_mode(mode)
        view.actual_size()
        before, region = screen(), view.visible_region()
        view.set_override(held, "")
        assert view.visible_region() == region
        np.testing.assert_array_equal(screen()[ROWS, 210:], held[ROWS, -190:] if mode is not Mode.SIDE else
                                      held[ROWS, region.x + 9 : region.x + 199])  # fmt: skip
        view.set_override(None)
        np.testing.assert_array_equal(screen(), before)


def test_names_stand_on_their_sides(view: CompareView, screen: Screen, pictures: tuple[U8, U8]) -> None:
    def named() -> tuple[bool, bool]:
        """Whether something is written in the upper left and upper right corner."""
        with_names = screen()
        left, right = view._names.left, view._names.right
        view._names.left = view._names.right = ""
        changed = (with_names != screen()).any((0, 2))
        view._names.left, view._names.right = left, right
        return bool(changed[:200].any()), bool(changed[200:].any())

    assert named() == (False, True)
    view.set_mode(Mode.WIPE)
    assert named() == (True, True)
    view.set_mode(Mode.BLINK)
    assert named() == (False, True)
    view.blink()
    assert named() == (True, False)
    assert "rainy, clean; blink, 100 %" in view.accessibleDescription()
