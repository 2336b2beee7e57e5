"""Pictures that are not kept: folded, made again when a person asks for them, and the window stays usable."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from pipeline.project.analysis.records import all_candidates
from pipeline.project.analysis.shrink import shrink
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from tests.gui.conftest import Open

if TYPE_CHECKING:
    from gui.main_window.window import Window


@pytest.fixture(scope="module")
def shrunk_once(made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the window tests, of which one picture a sequence is kept; copy it, do not change it."""
    folder = Path(shutil.copytree(made_once, tmp_path_factory.mktemp("shrunk") / "project"))
    with Project(folder) as project:
        assert not finish(shrink(project, (), 1)).left
    return folder


@pytest.fixture
def lean(open_window: Open, shrunk_once: Path, tmp_path: Path, qtbot: QtBot) -> "Window":
    opened = open_window(Path(shutil.copytree(shrunk_once, tmp_path / "lean")))
    qtbot.waitUntil(lambda: opened.desk.shown_left is not None and opened.desk.shown_right is not None)
    return opened


def test_a_picture_is_made_again_when_it_is_shown(lean: "Window", made_once: Path, qtbot: QtBot) -> None:
    session, desk = lean.session, lean.desk
    session.list_all(on=False)
    assert [c.kept for c in session.listed] == [True]
    assert desk.candidates.twins.text().endswith("look the same, or are not kept (Shift+C)")
    session.list_all(on=True)
    absent = [c for c in session.detail.candidates if not c.kept]
    said: list[str] = []
    session.message.connect(said.append)
    warnings: list[str] = []
    session.warning.connect(warnings.append)
    session.accept(absent[0].id)  # nobody has seen it yet
    assert "made again first" in warnings[0] and session.displayed == absent[0].id
    assert session.summary is not None and session.summary.decision is None
    session.compare_with(absent[1].id)
    qtbot.waitUntil(lambda: session.remaking.makes(absent[0].picture))
    assert "Making this image again" in desk._right()[1]
    qtbot.waitUntil(lambda: desk.shown_left is not None and desk.shown_right is not None and not session.remaking.text)
    assert any("Making this image again" in line for line in said)
    with Project(made_once) as whole:
        assert desk.shown_right is not None
        np.testing.assert_array_equal(desk.shown_right, whole.artefacts.picture(absent[0].picture))
    assert "again" not in desk._right()[1]
    session.accept(absent[0].id, advance=False)  # what is chosen is kept for good
    assert session.project is not None
    stored = {c.id: c.kept for c in all_candidates(session.project, session.selected or 0)}
    assert stored[absent[0].id] and not stored[absent[1].id]


def test_the_grid_makes_all_again_in_one_pass(lean: "Window", qtbot: QtBot) -> None:
    session = lean.session
    passes: list[frozenset[str]] = []
    start = session.remaking._start
    session.remaking._soon.timeout.disconnect()

    def begin() -> None:
        passes.append(frozenset(session.remaking._wanted))
        start()

    session.remaking._soon.timeout.connect(begin)
    lean.desk_actions.judging.survey.toggle()
    shown = [c.picture for c in session.listed[:9]]
    qtbot.waitUntil(lambda: all(session.pictures.peek(name) is not None for name in shown))
    assert 1 <= len(passes) <= 2  # those that were asked for while a pass ran share the next one
    assert all(name.endswith(".png") for one in passes for name in one)


def test_another_sequence_stops_it_and_a_missing_clip_says_why(lean: "Window", qtbot: QtBot) -> None:
    session = lean.session
    project = session.project
    assert project is not None
    with Project.again(project.folder) as own, own.transaction():
        own.execute("UPDATE clip SET path = '/nowhere/clip.mkv', relative = ''")
    warnings: list[str] = []
    session.warning.connect(warnings.append)
    first = session.selected
    absent = next(c for c in session.detail.candidates if not c.kept)
    session.show(absent.id)
    qtbot.waitUntil(lambda: any(f"{absent.name} is not kept" in line for line in warnings))
    assert "rainclean find" in warnings[-1] and not session.remaking.text
    session.remaking.ask(project.folder, absent.picture)
    assert not session.remaking.text  # not again and again
    session.step(1)
    assert session.selected != first
    session.remaking.ask(project.folder, absent.picture)
    assert session.remaking.makes(absent.picture)
    session.step(-1)
    assert not session.remaking.makes(absent.picture)


def test_the_window_makes_a_project_smaller(window: "Window", qtbot: QtBot) -> None:
    session = window.session
    before = len(session.detail.candidates)
    window.project_commands.shrink()
    box = window.findChild(QMessageBox)
    assert box is not None and "8 best candidates" in box.text()
    box.defaultButton().click()
    qtbot.waitUntil(lambda: any(not c.kept for c in session.detail.candidates), timeout=60_000)
    qtbot.waitUntil(lambda: not window.jobs.unfinished(), timeout=60_000)
    (job,) = window.jobs.all
    text, is_warning = window.project_commands.outcome(job)
    assert "Deleted" in text and not is_warning
    assert len(session.detail.candidates) == before
