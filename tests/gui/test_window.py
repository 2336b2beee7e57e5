"""The window around the desk: starting, opening, dropping, asking, closing."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QToolButton
from pytestqt.qtbot import QtBot

from gui.actions import GROUPS, HELD, TABLE
from gui.help import keys_html
from gui.jobs.queue import Job, State
from gui.main_window.new_project import NewProjectDialog
from gui.main_window.project_commands import SAMPLE
from gui.main_window.window import Window
from gui.pages.results.page import ResultsPanel
from pipeline.project.storage.database import DATABASE, Project
from rainclean.errors import RaincleanError
from tests.gui.conftest import Open
from tests.helpers.hands import PATIENCE, press


def levels(colour: QColor) -> tuple[int, int, int, int]:
    return colour.red(), colour.green(), colour.blue(), colour.alpha()


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


@pytest.mark.usefixtures("forked_jobs")
def test_dropped_clips_are_added_and_analysed(open_window: Open, made_once: Path, tmp_path: Path, qtbot: QtBot) -> None:
    window = open_window(None)
    window.project_commands.documents = tmp_path
    drop(window, made_once.parent / "place0.mkv")  # a project has to be made first: name and place are proposed
    qtbot.waitUntil(lambda: window.findChild(NewProjectDialog) is not None)
    dialog = window.findChild(NewProjectDialog)
    assert dialog is not None and dialog.folder == tmp_path / "place0"
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(window.session.summaries) == 1, timeout=PATIENCE)
    qtbot.waitUntil(lambda: [x.state for x in window.session.summaries.values()] == ["ready"], timeout=PATIENCE)
    qtbot.waitUntil(lambda: not window.jobs.unfinished(), timeout=PATIENCE)
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

    answer("Cancel")
    assert not window.close()
    assert job.state is State.RUNNING and "Wait" in asked[0]
    answer("Stop and quit")
    assert window.close()
    assert job.pid is None


def test_pages_are_made_when_they_are_opened_and_keep_their_places(window: Window) -> None:
    titles = [window.pages.tabText(i) for i in range(window.pages.count())]
    for number in (3, 2, 4, 0, 5, 1):
        press(window, f"Ctrl+{number}")
        assert window.pages.currentIndex() == number
    assert [window.pages.tabText(i) for i in range(window.pages.count())] == titles


def test_every_action_can_be_done_and_no_key_is_given_twice(window: Window) -> None:
    assert set(window._handlers) == {action.id for action in TABLE}
    keys = Counter(QKeySequence(key).toString() for action in TABLE for key in action.keys)
    keys.update(held.key for held in HELD)
    assert [key for key, number in keys.items() if number > 1] == []
    assert all(action.group in GROUPS for action in TABLE)


def test_help_shows_every_key(window: Window) -> None:
    from gui.actions import key_text
    from gui.help import KeysDialog

    page = keys_html().replace("&#x27;", "'")
    for action in TABLE:
        if action.keys and not action.id.startswith("candidate_"):
            assert key_text(action).replace("<", "&lt;") in page, action.id
    press(window, "?")
    dialog = window.findChild(KeysDialog)
    assert dialog is not None and "nearest sequence that no person has decided" in dialog.text.toPlainText()
    dialog.reject()


def test_who_decides_is_remembered(open_window: Open, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PySide6.QtWidgets import QInputDialog

    window = open_window(home)
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("anna", True))
    window._ask_who()
    window.close()
    again = open_window(home)
    press(again, "A")
    assert again.session.user == "anna"
    assert [summary.decision.who for summary in again.session.summaries.values() if summary.decision] == ["anna"]


def test_a_bug_is_reported_and_the_window_stays(window: Window) -> None:
    window.report_bug("Traceback: something")
    box = window.findChild(QMessageBox)
    assert box is not None and "All decisions are stored" in box.text() and "something" in box.detailedText()
    box.close()


def test_what_happens_to_the_project_meanwhile_is_no_bug(window: Window, home: Path) -> None:
    from gui.app import _report

    (home / DATABASE).rename(home / "elsewhere")
    window.session.look_around()
    notice = window.notices.notices["store"]
    assert "was replaced or removed while it was open" in notice.text.text()
    assert notice.button.text() == "Close and restore…"
    assert not window.session._watch.timer.isActive()
    try:
        window.session.refresh()
    except RaincleanError as error:
        _report(window, type(error), error, error.__traceback__)
    assert "was replaced or removed while it was open" in window.statusBar().currentMessage()
    assert window.findChild(QMessageBox) is None


def test_closing_and_opening_projects_leaves_nothing_of_the_first(window: Window, home: Path) -> None:
    press(window, "Ctrl+W")
    assert window.session.project is None and window.session.summaries == {}
    assert window.stack.currentWidget() is window.start_page
    window.open_project(home)
    assert window.session.summary is not None


def test_empty_project_says_what_to_do(open_window: Open, tmp_path: Path) -> None:
    Project.create(tmp_path / "empty").close()
    window = open_window(tmp_path / "empty")
    assert window.session.order == []
    for keys in ("Down", "A", "R", "B", "P", "J", "Right", "Ctrl+Z", "Ctrl+Down", "K", "E", "Y", "]"):
        press(window, keys)
    assert "Drop video files" in window.desk._why_empty()


@pytest.mark.parametrize("words", [("--help",), ("gui", "--help")])
def test_command_line_twin(words: tuple[str, ...]) -> None:
    if words[0] == "gui":
        command = [str(Path(sys.executable).with_name("rainclean")), *words]
    else:
        command = [str(Path(sys.executable).with_name("rainclean-gui")), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "compare candidates, choose" in done.stdout


def hold_jobs(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Jobs are not started but noted."""
    started: list[Job] = []
    monkeypatch.setattr(window.jobs, "start", started.append)
    return started


def over(window: Window, kind: str, result: str, code: int = 0, said: str = "") -> Job:
    """A job of that kind about the open project that ends at once, with this result."""
    program = f"import sys; print({result!r}); sys.stderr.write({said!r}); sys.exit({code})"
    job = Job("Work", kind.split(), window.project_folder(), program=(sys.executable, "-c", program))
    return window.jobs.start(job)


@pytest.mark.usefixtures("forked_jobs")
def test_the_sample_project_is_made_with_its_clips(open_window: Open, tmp_path: Path, qtbot: QtBot) -> None:
    window = open_window(None)
    window.project_commands.documents = tmp_path
    window.commands["sample"].trigger()
    qtbot.waitUntil(lambda: len(window.session.summaries) == 4, timeout=PATIENCE)
    assert {summary.sequence.name for summary in window.session.summaries.values()} == {
        "cat",
        "launch",
        "portrait",
        "table",
    }
    assert window.project_folder() == (tmp_path / SAMPLE).resolve() and window.session.selected is not None
    assert window.stack.currentWidget() is window.pages and not window.jobs.all[0].error
    window.jobs.shutdown(2)


def test_a_sample_project_without_clips_gets_them(
    open_window: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Project.create(tmp_path / SAMPLE).close()
    window = open_window(None)
    window.project_commands.documents = tmp_path
    started = hold_jobs(window, monkeypatch)
    window.commands["sample"].trigger()
    (job,) = started
    assert job.kind == "add" and (Path(job.arguments[2]) / "table" / "clip.mp4").is_file()


@pytest.mark.usefixtures("forked_jobs")
def test_clips_are_analysed_although_others_could_not_be_added(
    open_window: Open, made_once: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    Project.create(tmp_path / "new").close()
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    window = open_window(tmp_path / "new")
    drop(window, made_once.parent / "place0.mkv", tmp_path / "bad.mp4")
    qtbot.waitUntil(lambda: [job.kind for job in window.jobs.all] == ["add", "analyze"], timeout=PATIENCE)
    assert window.jobs.all[0].state is State.FAILED
    said = window.statusBar().currentMessage()
    assert "1 of 2 could not be added" in said and "bad.mp4" in said
    assert window.session.summary is not None and window.session.summary.sequence.name == "place0"
    qtbot.waitUntil(lambda: not window.jobs.unfinished(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.desk.shown_right is not None)


def test_an_add_that_brought_nothing_is_not_followed_by_an_analysis(window: Window, qtbot: QtBot) -> None:
    over(window, "add", "", 1, "rainclean: nothing there\n")
    qtbot.waitUntil(lambda: not window.jobs.unfinished(), timeout=PATIENCE)
    assert [job.kind for job in window.jobs.all] == ["add"]


def test_the_first_clips_are_selected_and_the_words_for_an_empty_desk_are_renewed(
    open_window: Open, tmp_path: Path, made_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.project.clips.import_clips import Origin, add
    from pipeline.stages import finish

    Project.create(tmp_path / "new").close()
    window = open_window(tmp_path / "new")
    words: list[str] = []
    monkeypatch.setattr(window.desk.view, "set_empty_text", words.append)
    with Project(tmp_path / "new") as other:
        finish(add(other, [made_once.parent / "place1.mkv"], Origin()))
    window.session.look_around()
    assert window.session.summary is not None and window.session.summary.sequence.name == "place1"
    assert "Loading" in words[-1] and "Not analysed yet" in window.desk.candidates.state.text.text()
    window.session.select(None)
    words.clear()
    window.session.refresh()  # only the first time: a person may want nothing selected
    assert window.session.selected is None and "No sequence selected" in words[-1]


def test_an_opened_project_shows_its_desk(open_window: Open, home: Path) -> None:
    window = open_window(None)
    press(window, "Ctrl+4")
    window.open_project(home)
    assert window.pages.currentWidget() is window.desk and window.commands["accept"].isEnabled()


def test_paths_that_are_not_there_are_complained_about_first(open_window: Open, home: Path, tmp_path: Path) -> None:
    window = open_window(None)
    window.open_paths([tmp_path / "nothing"])
    assert window.findChild(NewProjectDialog) is None
    assert f"Not found: {tmp_path / 'nothing'}" in window.statusBar().currentMessage()
    window.open_paths([tmp_path / "nothing", home])
    assert window.project_folder() == home.resolve()


@pytest.mark.parametrize("platform", ["", "xcb", "wayland;xcb"])
def test_without_a_screen_it_says_what_to_do(platform: str) -> None:
    import os

    gone = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in gone}
    if platform:
        environment["QT_QPA_PLATFORM"] = platform
    command = [str(Path(sys.executable).with_name("rainclean")), "gui"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 1 and done.stderr.startswith("rainclean: there is no screen") and "xvfb" in done.stderr
    assert done.stderr.count("\n") == 1


def test_conflicts_are_marked_and_told_after_an_import(open_window: Open, home: Path, qtbot: QtBot) -> None:
    from pipeline.project.editing.editor import Editor
    from pipeline.project.exchange.conflicts import conflicts
    from pipeline.project.overview import overview

    window = open_window(home)
    with Project(home) as store:
        first = next(iter(overview(store))).sequence
        candidate = window.session.detail.candidates[0].id
        Editor(store, "anna").accept(first, candidate)
        Editor(store, "ben").reject(first, ["camera"])
        assert len(conflicts(store)) == 1
    over(window, "decisions import", "")
    qtbot.waitUntil(lambda: not window.jobs.unfinished(), timeout=PATIENCE)
    assert "1 conflict. Ctrl+G" in window.statusBar().currentMessage()
    rows = window.desk.sequences
    assert "in conflict" in rows.model.data(rows.model.index(0), int(Qt.ItemDataRole.AccessibleTextRole))
    rows.filter.setCurrentText("In conflict")
    assert window.session.order == [first.id]
    press(window, "O")
    assert not window.commands["agreement"].isEnabled() and not window.commands["import"].isEnabled()
    assert "conflict" not in rows.model.data(rows.model.index(0), int(Qt.ItemDataRole.AccessibleTextRole))
    press(window, "O")
    assert window.commands["agreement"].isEnabled()


def test_what_a_training_made_is_handed_to_the_results(window: Window, tmp_path: Path, qtbot: QtBot) -> None:
    import json

    def trained(name: str) -> Path:
        weights = tmp_path / name / "best.safetensors"
        over(window, "train", json.dumps({"weights": str(weights)}))
        qtbot.waitUntil(lambda: not window.jobs.unfinished(), timeout=PATIENCE)
        return weights

    first = trained("one")
    press(window, "Ctrl+4")
    page = window.pages.currentWidget()
    assert isinstance(page, ResultsPanel) and page.form.weights.paths == (first,)
    second = trained("two")
    assert page.form.weights.paths == (second,)


def test_only_files_are_taken_from_a_drag(open_window: Open) -> None:
    window = open_window(None)
    for url, taken in ((QUrl("https://example.org/clip.mp4"), False), (QUrl.fromLocalFile("/clip.mp4"), True)):
        data = QMimeData()
        data.setUrls([url])
        event = QDragEnterEvent(
            QPoint(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        event.ignore()
        window.dragEnterEvent(event)
        assert event.isAccepted() == taken


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chosen_tool_is_told_from_the_others(window: Window, scheme: str) -> None:
    from gui import design

    design.set_scheme(scheme)
    try:
        button = window.desk.compose.findChildren(QToolButton)[0]
        window.desk.tabs.setCurrentWidget(window.desk.compose)
        window.commands["brush"].setChecked(False)
        before = levels(button.grab().toImage().pixelColor(4, 4))
        window.commands["brush"].setChecked(True)
        after = levels(button.grab().toImage().pixelColor(4, 4))
        assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) > 100
    finally:
        design.set_scheme("light")
