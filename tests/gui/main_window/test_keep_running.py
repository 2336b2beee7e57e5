"""Jobs go on without the window, and the next window follows them."""

import os
import signal
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from gui.jobs.queue import Job, State
from tests.gui.conftest import Open
from tests.helpers.hands import PATIENCE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="jobs end with the window there")


def test_a_job_goes_on_without_the_window_and_is_followed_by_the_next(
    open_window: Open, home: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    go, script = tmp_path / "go", "import json, pathlib, sys, time"
    script += "\nsys.stderr.write(json.dumps(dict(stage='train', done=3, total=8)) + '\\nnote: half\\n')"
    script += f"\nsys.stderr.flush()\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(.05)"
    script += "\nprint(json.dumps(dict(weights='w')))"
    window = open_window(home)
    job = Job("Train SPANet", ["train", "data"], home, program=(sys.executable, "-c", script))
    window.jobs.start(job)
    qtbot.waitUntil(lambda: bool(job.log), timeout=PATIENCE)
    pid = job.pid

    def press_enter() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox) and "Train SPANet" in box.text()
        assert "Keep running: It goes on without the window" in box.informativeText()
        QTest.keyClick(box, Qt.Key.Key_Return)  # the default

    QTimer.singleShot(200, press_enter)
    assert window.close()
    assert pid is not None
    os.kill(pid, 0)  # at work
    other = open_window(None)
    (followed,) = other.jobs.all
    qtbot.waitUntil(lambda: followed.doing() == "step 3 of 8", timeout=PATIENCE)
    assert followed.state is State.RUNNING and followed.pid == pid and list(followed.log) == ["note: half"]
    third = open_window(None)
    assert third.jobs.all == ()  # one window follows it
    go.touch()
    qtbot.waitUntil(lambda: followed.is_over, timeout=PATIENCE)
    assert [followed.state] == [State.FINISHED] and followed.result == {"weights": "w"}
    assert open_window(None).jobs.all == ()


def test_what_was_left_running_can_be_stopped_and_what_died_says_so(
    open_window: Open, home: Path, qtbot: QtBot
) -> None:
    window = open_window(home)
    sleep = (sys.executable, "-c", "import time; time.sleep(60)")
    for kind in ("train", "export"):
        window.jobs.start(Job(kind, [kind, "x"], home, program=sleep))
    pids = [job.pid for job in window.jobs.all]
    window.jobs.keep_running()
    assert window.close()
    other = open_window(None)
    stopped, killed = sorted(other.jobs.all, key=lambda job: job.kind != "train")
    stopped.cancel()
    os.kill(pids[1] or 0, signal.SIGKILL)
    qtbot.waitUntil(lambda: stopped.is_over and killed.is_over, timeout=PATIENCE)
    assert stopped.state is State.CANCELLED
    assert killed.state is State.FAILED and killed.error == "The job ended without a result"
