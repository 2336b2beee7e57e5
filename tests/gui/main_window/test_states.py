"""States that a person should mend stand in a bar until their cause is gone; the window opens on a screen."""

import os
import sqlite3
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.jobs import Job
from gui.main_window.geometry import within
from gui.main_window.window import Window
from gui.widgets import dialogs
from pipeline.project.storage.database import DATABASE, Project
from tests.gui.conftest import Open
from tests.helpers.hands import PATIENCE, press


def test_a_locked_store_is_said_until_it_can_be_read(window: Window, home: Path, qtbot: QtBot) -> None:
    blocker = sqlite3.connect(home / DATABASE)
    blocker.execute("BEGIN EXCLUSIVE")
    window.session._watch._version = -2  # as if somebody had changed it
    window.session.look_around()
    try:
        if not window.notices.notices:
            pytest.skip("this store can be read while another process writes")
        notice = window.notices.notices["store"]
        assert window.notices.isVisible() and notice.button.text() == "Try again"
    finally:
        blocker.rollback()
        blocker.close()
    QTest.mouseClick(notice.button, Qt.MouseButton.LeftButton)
    assert not window.notices.isVisible()


def test_a_damaged_store_leads_to_the_offer_to_restore(window: Window, home: Path) -> None:
    (home / DATABASE).rename(home / "elsewhere")
    window.session.look_around()
    QTest.mouseClick(window.notices.notices["store"].button, Qt.MouseButton.LeftButton)
    assert window.stack.currentWidget() is window.start_page and not window.notices.isVisible()


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_project_that_cannot_be_written_to_is_copied_by_a_button(
    open_window: Open, home: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(home)
    project = window.session.project
    assert project is not None and "read only" not in window.notices.notices
    project.read_only = True
    window.session.opened.emit()
    button = window.notices.notices["read only"].button
    monkeypatch.setattr(dialogs, "choose", lambda *_, **__: [tmp_path / "copy"])
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.project_folder() == (tmp_path / "copy").resolve(), timeout=PATIENCE)
    assert "read only" not in window.notices.notices
    press(window, "Ctrl+1")
    press(window, "Shift+A")
    assert window.session.summary is not None and window.session.summary.state == "accepted"
    with Project(home) as original:
        assert original.value("SELECT count(*) FROM decision") == 0


def test_the_live_picture_is_tried_again_when_clips_were_found(
    window: Window, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bool] = []
    monkeypatch.setattr(window.desk.live, "prepare", lambda: tried.append(True))
    window.jobs.finished.emit(Job("Find clips", ["find", str(home), str(home)], home))
    assert tried  # which takes away the line that there is no live picture, or says anew why


@pytest.mark.parametrize(
    ("wanted", "screens", "expected"),
    [
        ((100, 100, 800, 600), [(0, 0, 1366, 768)], (100, 100, 800, 600)),
        ((0, 0, 1500, 920), [(0, 30, 1366, 738)], (0, 30, 1366, 738)),
        ((5000, 4000, 800, 600), [(0, 0, 1366, 768)], (566, 168, 800, 600)),
        ((2000, 50, 800, 600), [(0, 0, 1366, 768), (1366, 0, 1920, 1080)], (2000, 50, 800, 600)),
        ((-900, -50, 800, 600), [(0, 0, 1366, 768), (-1920, 0, 1920, 1080)], (-900, 0, 800, 600)),
        ((1300, 0, 900, 600), [(0, 0, 1366, 768), (1366, 0, 1920, 1080)], (1366, 0, 900, 600)),
    ],
)
def test_the_window_opens_within_a_screen(
    wanted: tuple[int, ...], screens: list[tuple[int, ...]], expected: tuple[int, ...]
) -> None:
    assert within(QRect(*wanted), [QRect(*screen) for screen in screens]) == QRect(*expected)
