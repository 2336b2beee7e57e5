"""The window around the desk: starting, opening, dropping, asking, closing."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QKeySequence
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from gui.actions import GROUPS, HELD, TABLE
from gui.jobs import Job, State
from gui.panels.help import keys_html
from gui.window import Window

from .conftest import Open
from .hands import press


def drop(window: Window, *paths: Path) -> None:
    """Let files go over the window."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    window.dropEvent(
        QDropEvent(
            QPointF(100, 100), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
    )


def test_without_a_project_the_start_page_stands_there(open_window: Open) -> None:
    window = open_window(None)
    assert window.stack.currentWidget() is window.start_page
    assert not window.commands["accept"].isEnabled() and window.commands["open"].isEnabled()


def test_what_is_no_project_is_said_in_one_line(open_window: Open, tmp_path: Path) -> None:
    window = open_window(None)
    window.open_project(tmp_path / "nothing")
    assert "no such folder" in window.statusBar().currentMessage()
    assert window.stack.currentWidget() is window.start_page


def test_opened_projects_are_remembered_the_latest_first(open_window: Open, home: Path, tmp_path: Path) -> None:
    import shutil

    other = Path(shutil.copytree(home, tmp_path / "other"))
    window = open_window(home)
    window.open_project(other)
    window.close()
    again = open_window(None)
    listed = [again.start_page.recent.item(i).text() for i in range(again.start_page.recent.count())]
    assert [text.split()[0] for text in listed] == ["other", "home"]
    shutil.rmtree(other)
    again.start_page.show_recent()
    assert again.start_page.recent.count() == 1


def test_a_dropped_project_is_opened(open_window: Open, home: Path, qtbot: QtBot) -> None:
    window = open_window(None)
    drop(window, home)
    qtbot.waitUntil(lambda: window.session.project is not None)


def test_dropped_clips_are_added_and_analysed(
    open_window: Open, made_once: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "new"))
    window = open_window(None)
    drop(window, made_once.parent / "place0.mkv")  # a project has to be made first: it is asked for
    qtbot.waitUntil(lambda: len(window.session.lines) == 1, timeout=30_000)
    qtbot.waitUntil(lambda: [x.state for x in window.session.lines.values()] == ["ready"], timeout=60_000)
    qtbot.waitUntil(lambda: not window.jobs.unfinished(), timeout=30_000)
    assert [job.kind for job in window.jobs.all] == ["add", "analyze"]


def test_closing_asks_while_something_runs_and_leaves_no_process(
    open_window: Open, home: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(home)
    job = Job("Wait", ["wait"], home, program=(sys.executable, "-c", "import time; time.sleep(60)"))
    window.jobs.start(job)
    qtbot.waitUntil(lambda: job.pid is not None)
    asked: list[str] = []

    def answer(choice: str) -> None:
        def run(box: QMessageBox) -> int:
            asked.append(box.text())
            monkeypatch.setattr(box, "clickedButton", lambda: next(b for b in box.buttons() if b.text() == choice))
            return 0

        monkeypatch.setattr(QMessageBox, "exec", run)

    answer("Stay")
    assert not window.close()
    assert job.state is State.RUNNING and "Wait" in asked[0]
    answer("Stop and close")
    assert window.close()
    assert job.pid is None


def test_pages_are_made_when_they_are_opened_and_keep_their_places(window: Window) -> None:
    titles = [window.pages.tabText(i) for i in range(window.pages.count())]
    for number in (3, 2, 4, 5, 1):
        press(window, f"Ctrl+{number}")
        assert window.pages.currentIndex() == number - 1
    assert [window.pages.tabText(i) for i in range(window.pages.count())] == titles


def test_every_action_can_be_done_and_no_key_is_given_twice(window: Window) -> None:
    assert set(window._handlers) == {action.id for action in TABLE}
    keys = Counter(QKeySequence(key).toString() for action in TABLE for key in action.keys)
    keys.update(key for key, _, _ in HELD)
    assert [key for key, number in keys.items() if number > 1] == []
    assert all(action.group in GROUPS for action in TABLE)


def test_help_shows_every_key(window: Window) -> None:
    from gui.actions import key_text
    from gui.panels.help import HelpDialog

    page = keys_html().replace("&#x27;", "'")
    for action in TABLE:
        if action.keys and not action.id.startswith("candidate_"):
            assert key_text(action).replace("<", "&lt;") in page, action.id
    press(window, "?")
    dialog = window.findChild(HelpDialog)
    assert dialog is not None and "Nearest undecided" in dialog.text.toPlainText()
    dialog.reject()


def test_who_decides_is_remembered(open_window: Open, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PySide6.QtWidgets import QInputDialog

    window = open_window(home)
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("anna", True))
    window._ask_who()
    window.close()
    again = open_window(home)
    press(again, "A")
    assert again.session.who == "anna"
    assert [line.decision.who for line in again.session.lines.values() if line.decision] == ["anna"]


def test_a_bug_is_reported_and_the_window_stays(window: Window) -> None:
    window.report_bug("Traceback: something")
    box = window.findChild(QMessageBox)
    assert box is not None and "What was decided is stored" in box.text() and "something" in box.detailedText()
    box.close()


def test_closing_and_opening_projects_leaves_nothing_of_the_first(window: Window, home: Path) -> None:
    press(window, "Ctrl+W")
    assert window.session.project is None and window.session.lines == {}
    assert window.stack.currentWidget() is window.start_page
    window.open_project(home)
    assert window.session.line is not None


def test_empty_project_says_what_to_do(open_window: Open, tmp_path: Path) -> None:
    from pipeline.project.store import Project

    Project.create(tmp_path / "empty").close()
    window = open_window(tmp_path / "empty")
    assert window.session.order == []
    for keys in ("Down", "A", "R", "B", "P", "J", "Right", "Ctrl+Z", "Ctrl+Down", "K", "E", "Y", "]"):
        press(window, keys)
    assert "drop video files" in window.desk._why_empty()


@pytest.mark.parametrize("words", [("--help",), ("gui", "--help")])
def test_command_line_twin(words: tuple[str, ...]) -> None:
    if words[0] == "gui":
        command = [str(Path(sys.executable).with_name("rainclean")), *words]
    else:
        command = [str(Path(sys.executable).with_name("rainclean-gui")), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "curation desk" in done.stdout
