"""The list of sequences: marks by keys and mouse, menus, removal, decisions on several, empty states."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.pages.desk.decide import RejectDialog
from pipeline.project.model import Overview
from pipeline.project.storage.database import Project
from tests.gui.conftest import Open
from tests.helpers.hands import activate
from tests.helpers.hands import press as press_key

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def press(window: Window, keys: str) -> None:
    """Press a key in the window: what was closed may not have given the focus back yet."""
    activate(window)
    press_key(window, keys)


def click(window: Window, row: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    panel = window.desk.sequences
    place = panel.view.visualRect(panel.model.index(row)).center()
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, modifiers, place)


def menu_of(window: Window, row: int) -> dict[str, object]:
    """The entries of the context menu of a row, after a right click on it."""
    panel = window.desk.sequences
    place = panel.view.visualRect(panel.model.index(row)).center()
    where = panel.view.viewport().mapToGlobal(place)
    QApplication.sendEvent(panel.view.viewport(), QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, where))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    entries = {action.text(): action.trigger for action in menu.actions() if action.text()}
    menu.close()
    return dict(entries)


def answer(button: str) -> str:
    """Answer the question that is open, and return it."""
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    text = box.text()
    next(one for one in box.buttons() if one.text().replace("&", "") == button).click()
    return text


def states(window: Window) -> list[str]:
    return [row.state for row in window.session.summaries.values()]


def test_marks_by_keys(window: Window) -> None:
    session, panel = window.session, window.desk.sequences
    press(window, "Shift+Down")
    assert (session.selected, session.marked) == (2, {1, 2})
    assert panel.count.text() == "3 sequences · 2 marked"
    press(window, "Shift+Down")
    assert (session.selected, session.marked) == (3, {1, 2, 3})
    press(window, "Shift+Up")
    press(window, "Shift+Up")
    assert (session.selected, session.marked) == (1, set())
    press(window, "Ctrl+A")
    assert (session.selected, session.marked) == (1, {1, 2, 3})
    press(window, "Esc")
    assert session.marked == set()
    press(window, "Ctrl+A")
    press(window, "Down")
    assert (session.selected, session.marked) == (2, set())
    press(window, "Ctrl+A")
    press(window, "O")
    assert session.marked == set()
    press(window, "Ctrl+A")
    click(window, 2, CTRL)
    assert session.marked == set() and session.selected == 3


def test_marks_by_mouse(window: Window) -> None:
    session, panel = window.session, window.desk.sequences
    click(window, 2, CTRL)
    assert (session.selected, session.marked) == (1, {1, 3})
    assert "marked" in panel.model.index(2).data(Qt.ItemDataRole.AccessibleTextRole)
    panel.view.viewport().grab()
    click(window, 2, CTRL)
    assert session.marked == set()
    click(window, 1, SHIFT)
    assert (session.selected, session.marked) == (2, {1, 2})
    click(window, 2, SHIFT)
    assert (session.selected, session.marked) == (3, {1, 2, 3})
    click(window, 1)
    assert (session.selected, session.marked) == (2, set())
    press(window, "Ctrl+A")
    panel.search.setText("place1")
    assert session.marked == set()


def test_removal_is_undone_and_redone(window: Window) -> None:
    session = window.session
    said: list[str] = []
    session.message.connect(said.append)
    press(window, "Ctrl+2")  # the page of pairs follows, too
    press(window, "Ctrl+1")
    press(window, "Down")
    press(window, "Delete")
    assert said[-1] == "place1 removed · Ctrl+Z brings it back"
    assert (list(session.summaries), session.selected, session.order) == ([1, 3], 3, [1, 3])
    press(window, "Ctrl+Z")
    assert (list(session.summaries), session.selected) == ([1, 2, 3], 2)
    press(window, "Ctrl+Y")
    assert (list(session.summaries), session.selected) == ([1, 3], 3)
    press(window, "Ctrl+A")
    press(window, "Delete")
    assert said[-1] == "2 sequences removed · Ctrl+Z brings them back"
    assert (session.summaries, session.selected) == ({}, None)
    assert window.desk.sequences.empty.text() == "No clips yet."
    press(window, "Ctrl+Z")
    assert list(session.summaries) == [1, 3]


def test_removed_ones_are_listed_and_restored(window: Window) -> None:
    session, panel = window.session, window.desk.sequences
    press(window, "Ctrl+A")
    click(window, 0, CTRL)
    press(window, "Delete")
    panel.filter.setCurrentText("Removed")
    assert panel.model.ids == [2, 3] and session.order == [] and session.selected == 1
    assert panel.count.text() == "2 removed sequences" and panel.restore.isVisible()
    click(window, 1)
    assert session.marked == {3} and session.selected == 1
    assert list(menu_of(window, 1)) == ["Restore", "Show the file in its folder", "Copy the path"]
    QTest.mouseClick(panel.restore, Qt.MouseButton.LeftButton)
    assert list(session.summaries) == [1, 3] and panel.model.ids == [2] and session.selected == 3
    menu_of(window, 0)["Restore"]()  # type: ignore[operator]
    assert list(session.summaries) == [1, 2, 3] and panel.filter.currentText() == "All"


def test_another_process_removes_the_selected_one(home: Path, window: Window) -> None:
    from pipeline.project.clips.properties import set_removed

    with Project(home) as other, other.transaction():
        set_removed(other, [1], "ben", removed=True)
    press(window, "S")  # not seen yet
    assert list(window.session.summaries) == [2, 3] and window.session.selected == 2
    window.session.look_around()
    assert list(window.session.removed) == [1]


def test_several_are_rejected_withdrawn_and_accepted_in_one_step(window: Window) -> None:
    session = window.session
    said: list[str] = []
    session.message.connect(said.append)
    press(window, "Shift+Down")
    press(window, "R")
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, RejectDialog) and dialog.windowTitle() == "Reject 2 sequences"
    QTest.keyClick(dialog, Qt.Key.Key_2)
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert states(window) == ["rejected", "rejected", "ready"]
    assert said[-1] == "2 sequences rejected · Ctrl+Z takes it back"
    assert session.selected == 3 and session.marked == set()
    assert {row.decision.reasons for row in session.summaries.values() if row.decision} == {("camera",)}
    press(window, "Ctrl+A")
    press(window, "U")
    assert answer("Cancel") == "Withdraw the decisions on 2 sequences?"
    assert states(window)[0] == "rejected"
    press(window, "U")
    answer("Withdraw")
    assert states(window) == ["ready"] * 3
    press(window, "Ctrl+A")
    press(window, "A")
    assert answer("Accept") == "Accept the first candidate of 3 sequences?"
    assert states(window) == ["accepted"] * 3
    for state in ("ready", "rejected", "ready"):
        press(window, "Ctrl+Z")
        assert states(window)[0] == state
    press(window, "Ctrl+A")
    press(window, "U")
    assert said[-1] == "None of the marked sequences is decided"
    press(window, "S")
    assert all(row.star for row in session.summaries.values())
    press(window, "S")
    assert not any(row.star for row in session.summaries.values())
    press(window, "Ctrl+Z")
    assert all(row.star for row in session.summaries.values())


def test_the_menu_acts_on_the_row_under_the_pointer_or_on_all_marked(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = window.session
    shown: list[str] = []

    def show(url: QUrl) -> bool:
        shown.append(url.toLocalFile())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", show)
    entries = menu_of(window, 2)
    assert session.selected == 3 and next(iter(entries)) == "Properties…" and list(entries)[-1] == "Remove"
    path = session.project and session.project.value("SELECT path FROM clip WHERE id = 3")
    window.commands["show_file"].trigger()
    qtbot.waitUntil(lambda: shown == [str(Path(str(path)).parent)])
    press(window, "Ctrl+A")
    entries = menu_of(window, 1)
    assert session.marked == {1, 2, 3} and next(iter(entries)) == "3 sequences"
    press(window, "Ctrl+Shift+C")
    qtbot.waitUntil(lambda: len(QApplication.clipboard().text().splitlines()) == 3)
    session.set_blind(True)
    window.sequence_actions.show_menu(QPoint(0, 0))
    assert QApplication.activePopupWidget() is None


def test_a_clip_that_is_gone_is_said(home: Path, window: Window, qtbot: QtBot) -> None:
    with Project(home) as project, project.transaction():
        project.execute("UPDATE clip SET path = '/nowhere/clip.mkv', relative = ''")
    warned: list[str] = []
    window.session.warning.connect(warned.append)
    window.commands["show_file"].trigger()
    qtbot.waitUntil(lambda: bool(warned))
    assert "is not there any more" in warned[0]


def test_a_filter_without_a_match_offers_all(window: Window) -> None:
    panel = window.desk.sequences
    panel.search.setText("nothing like this")
    panel.filter.setCurrentText("Needs a look")
    assert panel.empty.isVisible() and panel.empty.text() == "No sequence matches."
    QTest.mouseClick(panel.empty_action, Qt.MouseButton.LeftButton)
    assert panel.view.isVisible() and len(window.session.order) == 3


def test_an_empty_project_offers_to_add_clips(
    open_window: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Project.create(tmp_path / "new").close()
    window = open_window(tmp_path / "new")
    panel = window.desk.sequences
    asked: list[bool] = []
    monkeypatch.setitem(window._handlers, "add", lambda: asked.append(True))
    assert panel.empty.text() == "No clips yet." and panel.empty_action.text() == "Add clips…"
    QTest.mouseClick(panel.empty_action, Qt.MouseButton.LeftButton)
    assert asked == [True]


def test_scenes_of_several_are_filters(home: Path, window: Window) -> None:
    panel = window.desk.sequences
    assert panel.filter.findText("Scene: harbour") < 0
    press(window, "Ctrl+A")
    press(window, "F2")
    dialog = QApplication.activeModalWidget()
    dialog.fields["scene"].edit.setText("harbour")  # type: ignore[union-attr]
    QTest.mouseClick(dialog.store, Qt.MouseButton.LeftButton)  # type: ignore[union-attr]
    panel.filter.setCurrentText("Scene: harbour")
    assert len(window.session.order) == 3
    press(window, "Ctrl+Z")
    assert panel.filter.currentText() == "All" and panel.filter.findText("Scene: harbour") < 0


def test_long_names_do_not_widen_the_panel(home: Path, open_window: Open) -> None:
    with Project(home) as project, project.transaction():
        project.execute("UPDATE sequence SET display_name = ?, scene = ?", "long name " * 40, "a long scene " * 40)
    window = open_window(home)
    window.resize(1366, 768)
    assert window.desk.sequences.minimumSizeHint().width() <= 270
    press(window, "F2")
    dialog = QApplication.activeModalWidget()
    assert dialog is not None and dialog.minimumSizeHint().width() <= 1366 and dialog.minimumSizeHint().height() <= 740
    dialog.close()


def test_thousand_sequences_are_arranged_without_all_rows_painted(
    home: Path, open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project(home) as project, project.transaction():
        columns = [str(row[1]) for row in project.rows("PRAGMA table_info(sequence)")]
        rest = ", ".join(name for name in columns if name not in ("id", "name", "last"))
        for number in range(1000):
            project.execute(
                f"INSERT INTO sequence (name, last, {rest}) SELECT ?, ?, {rest} FROM sequence WHERE id = 1",
                f"s{number}",
                100 + number,
            )
    window = open_window(home)
    panel = window.desk.sequences
    asked: list[int] = []
    row = panel.model.row

    def counting(number: int) -> Overview | None:
        asked.append(number)
        return row(number)

    monkeypatch.setattr(panel.model, "row", counting)
    panel.search.setText("s")
    panel.view.viewport().grab()
    assert panel.count.text() == "1000 of 1003 sequences" and 0 < len(set(asked)) < 40
