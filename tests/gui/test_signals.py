"""SIGTERM, SIGHUP and Ctrl-C close the window as its button does, but ask nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.project.storage.database import Project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these signals are POSIX")

SCRIPT = """
import sys
from pathlib import Path
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QMessageBox
from gui import app
from gui.jobs.job import Job
from pipeline.cli.main import main

tidy = '''
import sys, time
sys.stderr.write("begun\\\\n"); sys.stderr.flush()
try:
    time.sleep(60)
except KeyboardInterrupt:
    open(sys.argv[1], "w").close()
    raise SystemExit(130)
'''
opened = app.make_window
def make():
    window = opened(QSettings(sys.argv[3] + "/settings.ini", QSettings.Format.IniFormat))
    job = Job("Work", ["analyze"], program=(sys.executable, "-c", tidy, sys.argv[3] + "/tidied"))
    def ask():
        if not job.log:
            QTimer.singleShot(50, ask)
            return
        QTimer.singleShot(100, lambda: print("asking", flush=True))
        print("answered", QMessageBox.question(window, "Well?", "Shall we?").name, flush=True)
    def begin():
        window.jobs.start(job)
        ask()
    QTimer.singleShot(300, begin)
    return window
app.make_window = make
sys.exit(main(sys.argv[1:3]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_window_ends(number: signal.Signals, home: Path, tmp_path: Path) -> None:
    before = {n: signal.signal(n, signal.SIG_DFL) for n in (signal.SIGINT, signal.SIGHUP)}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "gui", str(home), str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    for each, handler in before.items():
        signal.signal(each, handler)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "asking\n"
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + number, errors
    assert out == "answered No\n" and "Traceback" not in errors
    assert (tmp_path / "tidied").exists(), "its job was not asked to stop"
    with Project(home) as project:
        assert project.problems() == []
