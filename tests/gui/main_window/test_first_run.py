"""From nothing to a project by keys and mouse: the dialog for a new one, the start page, recent projects."""

import os
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from gui.jobs import Job
from gui.main_window.menus import fill_recent
from gui.main_window.new_project import NewProjectDialog, problem_of, proposed_name
from gui.main_window.window import Window
from pipeline.project.storage.database import DATABASE, Project
from tests.gui.conftest import Open
from tests.helpers.hands import press


def asked(window: Window) -> NewProjectDialog:
    """Return the dialog that is open."""
    (dialog,) = (d for d in window.findChildren(NewProjectDialog) if d.isVisible())
    return dialog


def drop(window: Window, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    window.dropEvent(
        QDropEvent(
            QPointF(100, 100), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
    )


def test_a_project_is_made_by_typing_its_name(open_window: Open, tmp_path: Path) -> None:
    window = open_window(None)
    window.project_commands.documents = tmp_path / "not there yet"
    press(window, "Ctrl+N")
    dialog = asked(window)
    dialog.name.setText("a/b")
    assert "cannot contain /" in dialog.name_line.text() and dialog.place_line.text() == ""
    dialog.name.clear()
    assert not dialog.create_button.isEnabled() and dialog.name_line.text() == ""
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    assert dialog.isVisible()  # nothing to make yet
    QTest.keyClicks(dialog.name, "Garden in June")
    folder = tmp_path / "not there yet" / "Garden in June"
    assert str(folder) in dialog.place_line.text()
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    assert window.project_folder() == folder.resolve() and (folder / DATABASE).is_file()


def test_a_project_is_made_by_mouse_and_its_place_is_remembered(open_window: Open, tmp_path: Path) -> None:
    window = open_window(None)
    (tmp_path / "disk").mkdir()
    QTest.mouseClick(window.start_page.buttons["new"], Qt.MouseButton.LeftButton)
    dialog = asked(window)
    dialog.place.setText(str(tmp_path / "disk"))
    dialog.name.setText("first")
    QTest.mouseClick(dialog.create_button, Qt.MouseButton.LeftButton)
    assert window.project_folder() == (tmp_path / "disk" / "first").resolve()
    press(window, "Ctrl+N")
    again = next(d for d in window.findChildren(NewProjectDialog) if d.isVisible())
    assert again.place.text() == str(tmp_path / "disk")
    again.name.setText("first")
    assert not again.create_button.isEnabled() and "exists there already" in again.place_line.text()
    QTest.mouseClick(again.cancel, Qt.MouseButton.LeftButton)
    assert not again.isVisible()


@pytest.mark.parametrize(
    ("name", "place", "problem"),
    [
        ("", ".", "Give the project a name"),
        ("a/b", ".", "cannot contain /"),
        ("..", ".", "cannot be used for a folder"),
        ("a\0b", ".", "cannot be used for a folder"),
        ("x" * 300, ".", "too long"),
        ("\ud800", ".", "cannot be used for a folder"),
        ("full", ".", "not empty"),
        ("file", ".", "A file with the name file"),
        ("p", ".", "The project p exists there already"),
        ("new", "p", "inside another project"),
        ("new", "file", "is a file"),
        ("new", "~nobody-of-that-name", "Choose a folder"),
        ("new", "a\0b", "Choose a folder"),
        ("new", "", "Choose a folder"),
        ("new", "x" * 5000, "cannot be used"),
        ("new", ".", ""),
        ("empty", ".", ""),
        ("new", "deeper/still", ""),
    ],
)
def test_what_keeps_a_project_from_being_made_is_said_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str, problem: str
) -> None:
    for folder in ("full/inside", "empty"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "file").touch()
    Project.create(tmp_path / "p").close()
    monkeypatch.chdir(tmp_path)
    found = problem_of(name, place)
    assert problem in found if problem else found == ""


@pytest.mark.skipif(os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="root may write anywhere")
def test_a_place_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    assert "You cannot write to" in problem_of("new", str(tmp_path / "locked" / "deeper"))


def test_names_are_proposed_from_clips(tmp_path: Path) -> None:
    (tmp_path / "June").mkdir()
    one, two = tmp_path / "June" / "garden.mp4", tmp_path / "June" / "street.mp4"
    for clip in (one, two):
        clip.touch()
    assert proposed_name([one], tmp_path) == "garden"
    assert proposed_name([one, two], tmp_path) == "June 2"  # the folder itself has the name June
    assert proposed_name([tmp_path / "June"], tmp_path / "June") == "June"
    assert proposed_name([], tmp_path) == ""


def test_dropped_clips_make_a_project_in_one_go(
    open_window: Open, made_once: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(None)
    window.project_commands.documents = tmp_path
    started: list[Job] = []
    monkeypatch.setattr(window.jobs, "start", started.append)
    drop(window, made_once.parent / "place0.mkv", made_once.parent / "place1.mkv")
    qtbot.waitUntil(lambda: window.findChild(NewProjectDialog) is not None)
    dialog = asked(window)
    assert dialog.name.text() == made_once.parent.name
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    assert window.project_folder() == (tmp_path / made_once.parent.name).resolve()
    (job,) = started
    assert job.kind == "add" and len(job.arguments) == 4


def test_recent_projects_are_opened_and_forgotten_by_keys(open_window: Open, home: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(home, tmp_path / "other"))
    window = open_window(home)
    window.open_project(other)
    press(window, "A")
    press(window, "Ctrl+W")
    listed = window.start_page.recent
    assert listed.count() == 2 and "1 of 3 decided" in listed.item(0).toolTip()
    QTest.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, pos=listed.visualItemRect(listed.item(1)).center())
    assert window.project_folder() == home.resolve()  # one click opens
    window.open_project(other)
    press(window, "Ctrl+W")
    listed.setFocus()
    assert [action.text() for action in listed.menu().actions() if action.text()] == [
        "Open", "Show in folder", "Remove from this list",
    ]  # fmt: skip
    listed.setCurrentRow(0)
    listed.remove_current()
    assert listed.count() == 1 and (other / DATABASE).is_file()
    QTest.keyClick(listed, Qt.Key.Key_Return)
    assert window.project_folder() == home.resolve()
    menu = QMenu(window)
    fill_recent(menu, window.settings, window.open_project)
    assert [entry.text() for entry in menu.actions()] == ["home"]
    window.start_page.recent.remove_current()
    fill_recent(menu, window.settings, window.open_project)
    assert [entry.isEnabled() for entry in menu.actions()] == [False]


def test_the_pointer_moves_the_divider_of_the_example(open_window: Open, qtbot: QtBot) -> None:
    picture = open_window(None).start_page.picture
    QTest.mouseMove(picture, picture.rect().center())
    before = picture.grab().toImage()
    QTest.mouseMove(picture, picture.rect().center() + picture.rect().topRight() / 4)
    qtbot.waitUntil(lambda: picture.divider > 0.6)
    assert picture.grab().toImage() != before
