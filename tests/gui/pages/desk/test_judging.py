"""The tools for judging, in the real window, by keys and by mouse."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from gui.compare import places_of_difference
from gui.main_window.window import Window
from gui.pages.desk.survey import Survey
from gui.widgets import dialogs
from rainclean.png import decode_png
from tests.helpers.hands import at, press


def said(window: Window) -> str:
    return window.statusBar().currentMessage()


def survey_of(window: Window) -> Survey:
    return window.desk_actions.judging.survey


def test_one_key_goes_to_the_places_where_both_differ_most(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = window.desk.view
    monkeypatch.setattr(type(view), "fit_zoom", 0.5)  # as that of a large one
    places = places_of_difference(*window.desk.view.pictures)  # type: ignore[arg-type]
    assert places
    for number, place in [*enumerate(places, 1), (1, places[0])]:
        press(window, "/")
        assert said(window).startswith(f"Place {number} of {len(places)}: differs by {round(place.levels)} level")
        assert view.zoom == 1.0
        assert view._spot is not None and view._spot[0] == (place.x, place.y)
    press(window, "Right")  # another pair begins with its own first place
    qtbot.waitUntil(lambda: all(picture is not None for picture in view.pictures))
    press(window, "Shift+D")
    assert said(window).startswith("Place 1 of")
    monkeypatch.undo()
    press(window, "/")
    assert view.fitted and view.zoom > 1  # all of this small picture is seen larger than 1:1


def test_equal_pictures_have_no_place(window: Window) -> None:
    press(window, "C")
    press(window, "/")
    assert said(window) == "The two pictures differ by less than 1 level everywhere"


def test_swap_magnifier_brightness_and_histograms_by_keys(window: Window) -> None:
    view, judging = window.desk.view, window.desk_actions.judging
    names = [name for name, _ in view.named_pictures()]
    press(window, "Shift+W")
    assert [name for name, _ in view.named_pictures()] == names[::-1]
    press(window, "Shift+W")
    press(window, "Shift+Z")
    assert view.magnifying
    press(window, "Shift+Z")
    press(window, "Shift+H")
    assert judging.histogram.isVisible() and len(judging.histogram.histograms) == 2
    press(window, "Shift+H")
    assert judging.histogram.isHidden()
    for keys in ("Alt+Up", "Alt+Up", "Alt+Up", "Alt+Down", "Alt+Right", "Alt+Right", "Alt+Left"):
        press(window, keys)
    assert view.tone.label == "Brightened ×2, γ 1.2"
    press(window, "Down")
    assert view.tone.label == "Brightened ×2, γ 1.2"
    press(window, "Alt+0")
    assert view.tone.lut is None


def test_brightness_by_mouse(window: Window, qtbot: QtBot) -> None:
    view, popup = window.desk.view, window.desk_actions.judging.brightness
    press(window, "Shift+L")
    assert popup.isVisible() and popup.brightness.hasFocus() and not popup.reset.isEnabled()
    QTest.keyClick(popup.brightness, Qt.Key.Key_Right)
    popup.gamma.setValue(18)
    assert view.tone.label == "Brightened ×1.4, γ 1.8"
    assert (popup.gain_text.text(), popup.gamma_text.text()) == ("×1.4", "γ 1.8")
    QTest.mouseClick(popup.reset, Qt.MouseButton.LeftButton)
    assert view.tone.lut is None and popup.brightness.value() == 0
    QTest.keyClick(popup, Qt.Key.Key_Escape)
    assert not popup.isVisible()


def test_the_survey_by_mouse_and_by_keys(window: Window, qtbot: QtBot) -> None:
    session, survey = window.session, survey_of(window)
    ids = [c.id for c in session.detail.candidates]
    press(window, "Shift+V")
    grid = survey.grid
    assert survey.is_open() and QApplication.focusWidget() is grid and grid.geometry() == window.desk.view.rect()
    assert len(grid.cells) == min(9, len(ids)) and ids[grid.marked] == session.displayed
    qtbot.waitUntil(lambda: all(cell.picture is not None for cell in grid.cells))
    box = grid._rect(grid._boxes()[1]).toAlignedRect()
    QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=box.center())
    assert "Esc goes back" not in window.statusBar().currentMessage()
    assert session.displayed == ids[1] and not survey.is_open() and QApplication.focusWidget() is window.desk.view
    press(window, "Shift+V")
    QTest.keyClick(grid, Qt.Key.Key_1)
    assert session.displayed == ids[0] and not survey.is_open()
    press(window, "Shift+V")
    press(window, "Right")
    assert grid.marked == 1 and survey.is_open()
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert not survey.is_open() and session.displayed == ids[1]
    press(window, "Shift+V")
    press(window, "Down")  # the next sequence, in the grid as well
    assert survey.is_open() and session.selected == session.order[1]
    press(window, "Shift+V")
    assert not survey.is_open()


def test_keys_that_act_on_the_view_close_the_survey(window: Window) -> None:
    for keys in ("W", "G", "V", "D", "B", "C", "M", "Shift+M", "J", "P", "H", ".", "Shift+W", "Shift+Z"):
        press(window, "Shift+V")
        assert survey_of(window).is_open(), keys
        press(window, keys)
        assert not survey_of(window).is_open() and not window.commands["survey"].isChecked(), keys
        assert not said(window).startswith("Click a candidate"), keys


def test_keys_that_act_on_the_survey_leave_it_open(window: Window) -> None:
    press(window, "Shift+V")
    for keys in ("Alt+Up", "S", "Right", "Shift+C"):
        press(window, keys)
        assert survey_of(window).is_open(), keys


def test_zooming_by_the_menu_zooms_the_survey(window: Window) -> None:
    view, grid = window.desk.view, survey_of(window).grid
    press(window, "Shift+V")
    zoom = view.zoom
    window.commands["actual"].trigger()
    assert survey_of(window).is_open() and grid.zoom == 1.0 and view.zoom == zoom
    window.commands["fit"].trigger()
    assert grid.fitted


def test_a_slider_and_the_strip_of_frames_close_the_survey(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.desk.live.stack is not None, timeout=20_000)
    press(window, "Shift+V")
    window.desk.sliders.percentile.setValue(300)
    qtbot.waitUntil(lambda: not survey_of(window).is_open())
    press(window, "Esc")
    press(window, "Shift+V")
    window.desk.strip.step(1)
    assert not survey_of(window).is_open()


def test_saving_the_view_saves_the_survey(window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogs, "choose", lambda *_, **__: [tmp_path / "survey.png"])
    press(window, "Shift+V")
    grid = survey_of(window).grid
    seen = grid.grab().toImage()
    press(window, "Ctrl+Shift+S")
    assert survey_of(window).is_open() and QImage(str(tmp_path / "survey.png")).pixel(20, 20) == seen.pixel(20, 20)
    assert said(window).endswith(f"({grid.width()}×{grid.height()} px)")


def test_the_survey_keeps_the_place_of_the_view(window: Window) -> None:
    view, survey = window.desk.view, survey_of(window)
    view.show_place(40.0, 30.0, 20.0)
    press(window, "Shift+V")
    assert survey.grid.zoom == 20.0 and survey.grid.centre == (40.0, 30.0)
    survey.grid.show_place(50.0, 35.0, 24.0)
    press(window, "Esc")
    assert not survey.is_open() and (view.zoom, view.centre) == (24.0, (50.0, 35.0))


def test_the_survey_of_a_second_opinion_has_letters(window: Window) -> None:
    press(window, "O")
    press(window, "Shift+V")
    names = [cell.name for cell in survey_of(window).grid.cells]
    assert all(name.startswith("Candidate ") and len(name) == len("Candidate A") for name in names)


def test_the_view_is_saved_with_and_without_marks(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = window.desk.view
    asked: list[Path] = []

    def choose(parent: object, title: str, kind: str, start: Path, *, names: str) -> list[Path]:
        asked.append(start)
        return [tmp_path / f"shot {len(asked)}"]

    monkeypatch.setattr(dialogs, "choose", choose)
    press(window, "V")
    press(window, "Alt+Up")
    press(window, "Ctrl+Shift+S")
    first = tmp_path / "shot 1.png"
    assert said(window) == f"View saved: {first} ({view.width()}×{view.height()} px)" and asked[0].name == "place0.png"
    window.commands["save_pictures"].trigger()
    assert asked[1].parent == tmp_path
    plain = decode_png((tmp_path / "shot 2.png").read_bytes(), Path("shot 2.png"))
    marked = decode_png(first.read_bytes(), first)
    right = window.desk.shown_right
    assert right is not None and plain.shape == marked.shape == (view.height(), view.width(), 3)
    height, width = right.shape[:2]
    view.show_place(width / 2, height / 2, 1.0)
    window.commands["save_pictures"].trigger()
    exact = decode_png((tmp_path / "shot 3.png").read_bytes(), Path("shot 3.png"))
    corner = view.to_widget(0, 0).toPoint()
    inside = exact[corner.y() : corner.y() + height, corner.x() : corner.x() + width]
    assert np.array_equal(inside, right)
    assert marked.mean() > plain.mean()


def test_a_view_that_cannot_be_saved_says_why(window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there.png").write_bytes(b"keep me")
    wanted = [tmp_path / "there", tmp_path / "nowhere" / "a.png"]
    monkeypatch.setattr(dialogs, "choose", lambda *_, **__: [wanted.pop(0)])
    press(window, "Ctrl+Shift+S")
    assert "exists already" in said(window) and (tmp_path / "there.png").read_bytes() == b"keep me"
    press(window, "Ctrl+Shift+S")
    assert "cannot be written" in said(window) and "nowhere" in said(window)


def test_every_tool_is_in_the_menu(window: Window) -> None:
    menus = {menu.title(): menu for menu in window.menuBar().findChildren(QMenu)}
    texts = {action.text() for action in menus["&Compare"].actions()}
    assert {"Where both differ most", "Survey of candidates", "Magnifier", "Histograms", "Brightness…"} <= texts


def test_the_lens_follows_the_mouse_in_the_window(window: Window) -> None:
    view = window.desk.view
    view.magnify()
    QTest.mouseMove(view, at(view, (20, 20)))
    before = view.to_image(marks=True)
    QTest.mouseMove(view, at(view, (60, 40)) + QPoint(1, 1))
    assert view.to_image(marks=True) != before


def test_messages_go_with_their_mode_or_tool(window: Window) -> None:
    press(window, "D")
    assert said(window) == "Difference: absolute"
    press(window, "G")
    assert said(window) == ""
    press(window, "X")
    assert said(window).startswith("Strokes now mark excluded areas")
    press(window, "Esc")
    assert said(window) == "" and window.desk.composition.brush.tool is None


def test_what_is_suggested_is_said_where_the_panel_is_hidden(window: Window, qtbot: QtBot) -> None:
    press(window, "Tab")
    press(window, "J")
    qtbot.waitUntil(lambda: window.desk.paint_suggestions.are_known)
    assert said(window) == window.desk.paint_suggestions.description
    press(window, "Down")  # nothing was asked about the next sequence
    assert "suggestion" not in said(window).lower()


def test_buttons_show_their_keys_where_there_is_room(window: Window, qtbot: QtBot) -> None:
    accept = window.desk.decide.buttons["accept"]
    window.resize(1920, 1000)
    qtbot.waitUntil(lambda: accept.text() == "Accept (A)")
    press(window, "S")
    assert window.desk.decide.buttons["star"].text() == "Unstar (S)"
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: accept.text() == "Accept")
