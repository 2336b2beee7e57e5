"""SIGKILL in the middle of strokes and decisions: everything up to the last finished one is there after a restart."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.project.storage.database import Project
from tests.conftest import ROOT
from tests.gui.conftest import Open

pytestmark = pytest.mark.long

SCRIPT = """
import os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from PySide6.QtCore import QEventLoop, QSettings, QTimer
from gui.app import make_application, make_window
from tests.helpers.hands import draw, press
app = make_application()
window = make_window(QSettings({settings!r}, QSettings.Format.IniFormat))
window.session.set_user("anna")
window.show()
window.activateWindow()
window.open_project(Path({project!r}))
def rest(ms):
    loop = QEventLoop(); QTimer.singleShot(ms, loop.quit); loop.exec()
rest(600)
window.session.select(window.session.order[0])
rest(300)
press(window, "H")
window.desk.composition.set_brush(excluding=True, radius=3.0)
number = 0
while True:
    y = 5.5 + number % 40
    way = [(10.5 + x, y) for x in range(0, 30, 3)]
    draw(window.desk.view, way)
    number += 1
    sys.stdout.write(f"stroke {{number}}\\n"); sys.stdout.flush()
    if number % 5 == 0:
        press(window, "Shift+A")
        sys.stdout.write(f"accepted {{number // 5}}\\n"); sys.stdout.flush()
    app.processEvents()
"""


@pytest.mark.parametrize("seed", range(int(os.environ.get("RAINCLEAN_KILLS", "3"))))
def test_killed_in_the_middle_of_a_stroke(made_once: Path, tmp_path: Path, seed: int, open_window: Open) -> None:
    project = Path(shutil.copytree(made_once, tmp_path / "project"))
    script = SCRIPT.format(tests=str(ROOT), settings=str(tmp_path / "s.ini"), project=str(project))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "stroke 1\n"
        time.sleep(random.Random(seed).uniform(0.05, 0.6))
    finally:
        process.send_signal(signal.SIGKILL)
    said = [line.split() for line in process.stdout.read().splitlines() if line.count(" ") == 1]
    process.wait()
    process.stdout.close()
    strokes = max((int(n) for what, n in said if what == "stroke"), default=1)
    accepted = max((int(n) for what, n in said if what == "accepted"), default=0)
    with Project(project) as store:
        assert store.problems() == []
    window = open_window(project)
    window.session.select(1)
    draft = window.session.detail.draft
    # The one that was being stored when the signal came may be there or not.
    assert strokes <= len(draft.exclude) <= strokes + 1
    with Project(project) as store:
        decisions = store.value("SELECT count(*) FROM decision WHERE verdict = 'accepted'")
    assert accepted <= decisions <= accepted + 1
