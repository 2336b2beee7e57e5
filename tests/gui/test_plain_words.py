"""Names are shown as they are, whatever a toolkit would make of them."""

import ast
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

import gui
from gui.jobs.queue import Job, Jobs
from gui.pages.jobs import JobsPanel
from gui.widgets import ElidedLabel
from gui.widgets.basic import Label, as_tip

NAME = "<b>rain</b> & <img src='x'>.mp4"


def test_a_label_shows_tags_as_text(qtbot: QtBot) -> None:
    label = Label(NAME)
    qtbot.addWidget(label)
    bold = Label("rain &.mp4")
    qtbot.addWidget(bold)
    assert label.textFormat() is Qt.TextFormat.PlainText
    assert label.sizeHint().width() > 1.5 * bold.sizeHint().width()


def test_a_tip_shows_tags_as_text() -> None:
    shown = QTextDocument()
    shown.setHtml(as_tip(NAME))
    assert shown.toPlainText() == NAME
    assert as_tip("rain.mp4") == "rain.mp4"


def test_a_job_with_tags_in_its_title(qtbot: QtBot) -> None:
    jobs = Jobs()
    panel = JobsPanel(jobs)
    qtbot.addWidget(panel)
    jobs.start(Job(f"Add {NAME}", ["wait"], program=("true",)))
    assert f"Add {NAME}" in [label.text() for label in panel.findChildren(ElidedLabel)]
    qtbot.waitUntil(lambda: not jobs.unfinished())


def test_labels_of_the_window_are_ours() -> None:
    """Only what inspects a pixel writes HTML of its own, without names in it."""
    users = set()
    folder = Path(gui.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "QLabel":
                users.add(path.relative_to(folder).as_posix())
    assert users == {"pages/desk/pixel_panel.py"}
