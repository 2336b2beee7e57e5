"""Whatever opens the store's files inside the window's process, no decision is lost.

Closing any descriptor of a file drops every POSIX lock that the process holds on it; file dialogs, thumbnailers and
plug-ins do that. A second process works on the project meanwhile.
"""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.pages.training.page import TrainingPanel
from gui.widgets import dialogs
from pipeline.project.storage.database import DATABASE
from tests.gui.conftest import Open
from tests.helpers.hands import PATIENCE, press
from tests.helpers.rainy_clips import rainy_clip

BESIDE = """
import sys
from pathlib import Path
from pipeline.cli.main import main
project, clips, done = sys.argv[1], sys.argv[2:-1], Path(sys.argv[-1])
def run(*words):
    try:
        code = main(list(words))
    except SystemExit as end:
        code = end.code
    assert not code, (words, code)
rounds = 0
while not done.exists() or rounds == 0:
    for clip in clips[rounds % len(clips):][:1]:
        run("add", project, clip)
        run("analyze", project)
    run("select", project, "--auto")
    run("status", project)
    rounds += 1
print("ROUNDS", rounds)
"""

LOOK = """
import json, sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    print(json.dumps({
        "integrity": [row[0] for row in db.execute("PRAGMA integrity_check")],
        "decisions": [row[0] for row in db.execute("SELECT uuid FROM decision")],
        "sequences": [row[0] for row in db.execute("SELECT name FROM sequence")],
    }))
"""


def look(project: Path) -> dict[str, list[str]]:
    """What another process finds in the store."""
    command = [sys.executable, "-c", LOOK, str(project / DATABASE)]
    found: dict[str, list[str]] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def decisions(window: Window) -> set[str]:
    """What the window takes for accepted by its person and stored."""
    assert window.session.project is not None
    accepted = "SELECT uuid FROM decision WHERE kind = 'person' AND verdict = 'accepted'"
    return {row[0] for row in window.session.project.rows(accepted)}


def a_foreign_dialog(window: Window, qtbot: QtBot) -> None:
    """Qt's own dialog on the project, with an icon provider that looks into files: what a plug-in may do."""
    dialog = QFileDialog(window, "Open", str(window.project_folder()))
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.open()
    qtbot.wait(4)
    dialog.reject()
    dialog.deleteLater()


def our_dialog(window: Window, qtbot: QtBot) -> None:
    """Ours, led into the project by the person."""
    dialog = dialogs.make_dialog(window, "Open", "files")
    dialog.setDirectory(str(window.project_folder()))
    dialog.open()
    qtbot.wait(4)
    dialog.reject()
    dialog.deleteLater()


@contextmanager
def a_reading_thread(folder: Path) -> Iterator[None]:
    """Opens, reads and closes all files of the store, again and again, as a thumbnailer of the process would."""
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            for path in (*folder.glob(f"{DATABASE}*"), *folder.glob(".*")):
                try:
                    with path.open("rb") as file:
                        file.read()
                except OSError:
                    continue  # a journal that is gone again
            stop.wait(0.001)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def a_second_process(project: Path, clips: list[Path]) -> Iterator[Callable[[], int]]:
    """Adds, analyses and selects until the block ends; gives what says how many rounds that were."""
    done = project.parent / "done"
    words = [sys.executable, "-c", BESIDE, str(project), *map(str, clips), str(done)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    rounds: list[int] = []

    def finish() -> int:
        if not rounds:
            done.touch()
            out, err = process.communicate(timeout=PATIENCE / 1000)
            assert process.returncode == 0, err
            rounds.append(int(out.split("ROUNDS ")[-1]))
        return rounds[0]

    try:
        yield finish
        finish()
    finally:
        process.kill()
        process.communicate()


def decide(window: Window, times: int, before_each: Callable[[], None]) -> tuple[set[str], int]:
    """Accept and unset in turn with keys, and return what the window says is stored, and how often was accepted."""
    session = window.session
    believed: set[str] = set()
    accepted = 0
    for number in range(times):
        before_each()
        session.select(session.order[number // 2 % 3])
        press(window, "Shift+A" if number % 2 == 0 else "U")
        summary = session.summary
        assert summary is not None and (summary.state == "accepted") == (number % 2 == 0)
        accepted += number % 2 == 0
        believed |= decisions(window)
    return believed, accepted


@pytest.mark.parametrize("reader", ["dialogs", "thread"])
@pytest.mark.parametrize("times", [30, pytest.param(1000, marks=pytest.mark.slow)])
def test_no_decision_is_lost(
    open_window: Open, home: Path, tmp_path: Path, qtbot: QtBot, reader: str, times: int
) -> None:
    window = open_window(home)
    qtbot.waitUntil(lambda: window.desk.shown_left is not None)
    clips = [rainy_clip(tmp_path / f"new{seed}.mkv", 10 + seed, 12) for seed in range(3 if times < 100 else 30)]

    def dialogs_on_the_project() -> None:
        a_foreign_dialog(window, qtbot)
        our_dialog(window, qtbot)
        with qtbot.waitActive(window):
            window.activateWindow()

    def nothing() -> None:
        qtbot.wait(4)

    with a_second_process(home, clips) as rounds:
        if reader == "dialogs":
            believed, accepted = decide(window, times, dialogs_on_the_project)
        else:
            with a_reading_thread(home):
                believed, accepted = decide(window, times, nothing)
        assert rounds() >= 1
    window.close()
    found = look(home)
    assert found["integrity"] == ["ok"]
    assert believed <= set(found["decisions"])
    assert len(believed) == accepted
    assert len(found["sequences"]) >= 4


@pytest.mark.usefixtures("forked_jobs")
def test_open_run_and_cancel_then_a_day_of_work(
    open_window: Open, home: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(home)
    press(window, "Ctrl+3")
    training = window.pages.currentWidget()
    assert isinstance(training, TrainingPanel)
    asked: list[QFileDialog] = []

    def cancel(*of: Any, **more: Any) -> list[Path]:
        dialog = dialogs.make_dialog(*of, **more)
        dialog.open()
        qtbot.wait(50)
        asked.append(dialog)
        dialog.reject()
        dialog.deleteLater()
        a_foreign_dialog(window, qtbot)
        return []

    monkeypatch.setattr(dialogs, "choose", cancel)
    training.empty.button.click()
    assert len(asked) == 1
    window.project_commands.add([rainy_clip(tmp_path / "more.mkv", 42, 20)])
    qtbot.waitUntil(lambda: len(window.session.summaries) == 4, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not window.jobs.unfinished(), timeout=PATIENCE)
    with qtbot.waitActive(window):
        window.activateWindow()
    press(window, "Ctrl+1")
    for sequence in window.session.order[:2]:
        window.session.select(sequence)
        press(window, "Shift+A")
        assert window.session.summary is not None and window.session.summary.state == "accepted"
    believed = decisions(window)
    window.close()
    found = look(home)
    assert found["integrity"] == ["ok"] and len(believed) == 2 and believed <= set(found["decisions"])
    command = [str(Path(sys.executable).with_name("rainclean")), "status", str(home)]
    status = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "2 accepted" in status


def test_a_store_that_was_replaced_is_not_written_to(open_window: Open, home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(home / DATABASE, tmp_path / "copy"))
    window = open_window(home)
    window.session.select(window.session.order[0])
    copy.replace(home / DATABASE)
    press(window, "Shift+A")
    summary = window.session.summary
    assert summary is not None and summary.state != "accepted"
    assert "was replaced or removed while it was open" in window.statusBar().currentMessage()
    assert look(home)["decisions"] == []
