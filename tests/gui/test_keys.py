"""Whose a key is: of the desk, of another page, or of the widget that has the focus."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui.actions import OF_DESK, TABLE
from gui.compare import CompareView
from gui.main_window.window import Window
from gui.pages.results.gallery import Gallery
from gui.pages.results.page import ResultsPanel
from tests.helpers.hands import press


def press_in(widget: QWidget, keys: str) -> None:
    """Press a key where the focus is."""
    widget.setFocus()
    assert QApplication.focusWidget() is widget
    combination = QKeySequence(keys)[0]  # type: ignore[index]
    QTest.keyClick(widget, combination.key(), combination.keyboardModifiers())


def test_keys_of_the_desk_do_nothing_where_it_is_not_seen(window: Window) -> None:
    session = window.session
    before = (session.selected, session.displayed, session.summary)
    for page in (2, 3, 4, 5):
        press(window, f"Ctrl+{page}")
        for keys in ("A", "S", "Down", "Right", "2", "U", "O", "Ctrl+Down", "R", "K"):
            press(window, keys)
        assert (session.selected, session.displayed, session.summary) == before and not session.blind
        off = [action.id for action in TABLE if action.group in OF_DESK and window.commands[action.id].isEnabled()]
        assert off == [] and window.commands["undo"].isEnabled() and window.commands["desk"].isEnabled()
    press(window, "Ctrl+1")
    press(window, "S")
    assert session.detail.draft.star


def test_undo_works_on_other_pages(window: Window) -> None:
    press(window, "S")
    press(window, "Ctrl+2")
    press(window, "Ctrl+Z")
    assert not window.session.detail.draft.star


def test_keys_of_the_desk_rest_on_the_start_page_too(window: Window) -> None:
    press(window, "Ctrl+W")
    assert not window.commands["no_tool"].isEnabled()


def test_widgets_keep_the_keys_that_move_and_search_in_them(window: Window) -> None:
    desk, session = window.desk, window.session
    before = session.selected
    press_in(desk.sequences.filter, "Down")
    assert desk.sequences.filter.currentIndex() == 1
    press_in(desk.sequences.filter, "A")  # looks for an entry with this letter
    desk.sequences.filter.setCurrentIndex(0)
    desk.tabs.setCurrentWidget(desk.compose)
    tolerance = desk.compose.tolerance.value()
    press_in(desk.compose.tolerance, "Up")
    assert desk.compose.tolerance.value() == tolerance + 1
    radius = desk.compose.radius.value()
    press_in(desk.compose.radius, "Home")
    assert desk.compose.radius.value() == desk.compose.radius.minimum() != radius
    press_in(desk.compose.layers, "A")
    press_in(desk.compose.layers, "PgDown")
    press_in(desk.tabs.tabBar(), "Down")
    press_in(desk.tabs.tabBar(), "Right")
    assert desk.tabs.currentWidget() is desk.inspect
    for key in ("Down", "PgUp", "S"):
        press_in(desk.decide.note, key)
    assert session.selected == before and session.summary is not None and session.summary.decision is None
    assert not session.detail.draft.star and desk.decide.note.text() == "s"


def test_letters_and_arrows_work_in_the_picture_on_buttons_and_without_a_focus(window: Window) -> None:
    session, desk = window.session, window.desk
    second = session.order[1]
    press_in(desk.view, "Down")
    assert session.selected == second
    press_in(desk.decide.buttons["accept"], "Up")
    press_in(desk.decide.buttons["accept"], "S")
    assert (session.selected, session.detail.draft.star) == (session.order[0], True)
    desk.decide.buttons["accept"].clearFocus()
    press(window, "Down")
    press(window, "S")
    assert (session.selected, session.detail.draft.star) == (second, True)
    desk.tabs.setCurrentWidget(desk.compose)
    press_in(desk.compose.radius, "S")  # a slider has no use for letters
    assert not session.detail.draft.star
    # With Ctrl it is a shortcut again, whatever has the focus.
    press_in(desk.sequences.filter, "Ctrl+Down")
    assert session.selected == session.order[2]


def test_enter_in_the_search_frames_the_first_hit(window: Window) -> None:
    press(window, "Ctrl+F")
    search = window.desk.sequences.search
    assert QApplication.focusWidget() is search
    QTest.keyClicks(search, "place2")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert window.session.summary is not None and window.session.summary.sequence.name == "place2"
    press(window, "S")
    assert window.session.detail.draft.star and search.text() == "place2"
    QTest.keyClicks(search, "nothing")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert window.session.summary.sequence.name == "place2"


def test_the_gallery_has_its_keys_in_the_window(window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    monkeypatch.setattr(Gallery, "step", lambda _, by: steps.append(by))
    press(window, "Ctrl+4")
    page = window.pages.currentWidget()
    assert isinstance(page, ResultsPanel)
    page.gallery.show()
    pane = page.gallery.panes[0]
    shown = window.session.displayed
    press_in(pane, "Right")
    press_in(pane, "Left")
    press_in(page.gallery.cases, "Right")
    assert steps == [1, -1, 1]
    fits: list[float | None] = []
    monkeypatch.setattr(page.gallery.shared, "set_zoom", fits.append)
    press_in(pane, "1")
    press_in(pane, "+")
    assert len(fits) == 2 and window.session.displayed == shown


# -- Space -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def overridden(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the rainy frame lies over the picture: the latest entry."""
    said = [False]
    real = CompareView.set_override

    def set_override(view: CompareView, picture: np.ndarray | None, name: str = "") -> int:
        said.append(picture is not None)
        return real(view, picture, name)

    monkeypatch.setattr(CompareView, "set_override", set_override)
    return said


def test_the_rainy_frame_does_not_stay_over_the_next_sequence(
    window: Window, overridden: list[bool], qtbot: QtBot
) -> None:
    view = window.desk.view
    QTest.keyPress(view, Qt.Key.Key_Space)
    over_the_picture = overridden[-1]
    assert over_the_picture
    press(window, "Down")
    assert not overridden[-1]
    qtbot.waitUntil(lambda: window.desk.shown_left is not None and window.desk.shown_right is not None)
    press(window, "Right")
    assert not overridden[-1]
    QTest.keyRelease(view, Qt.Key.Key_Space)
    QTest.keyPress(view, Qt.Key.Key_Space)
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert not overridden[-1]


def test_the_rainy_frame_goes_when_a_dialog_opens(window: Window, overridden: list[bool], qtbot: QtBot) -> None:
    from gui.pages.desk.decide import RejectDialog

    QTest.keyPress(window.desk.view, Qt.Key.Key_Space)
    press(window, "R")
    dialog = window.desk.findChild(RejectDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: not overridden[-1])
    dialog.reject()


def test_the_rainy_frame_goes_when_the_window_is_left(window: Window, overridden: list[bool]) -> None:
    QTest.keyPress(window.desk.view, Qt.Key.Key_Space)
    assert overridden[-1]
    QApplication.sendEvent(window, QEvent(QEvent.Type.WindowDeactivate))
    assert not overridden[-1]


def test_the_rainy_frame_goes_with_any_release_of_space(window: Window, overridden: list[bool]) -> None:
    QTest.keyPress(window.desk.view, Qt.Key.Key_Space)
    window.desk.decide.note.setFocus()
    QTest.keyRelease(window.desk.decide.note, Qt.Key.Key_Space)
    assert not overridden[-1]


def test_the_rainy_frame_goes_with_the_page(window: Window, overridden: list[bool], home: Path) -> None:
    QTest.keyPress(window.desk.view, Qt.Key.Key_Space)
    press(window, "Ctrl+5")
    assert not overridden[-1]
