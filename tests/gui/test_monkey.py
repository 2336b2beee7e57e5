"""Random events on the real window; `python -m benchmarks monkey` sends more of them."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from benchmarks.main import main
from benchmarks.monkey.hands import Hands
from benchmarks.monkey.sandbox import Sandbox
from benchmarks.monkey.seed import Monkey
from gui.main_window.window import Window
from tests.helpers.hands import at, press

EVENTS = 250


@pytest.fixture
def sandbox(made_once: Path, tmp_path: Path) -> Sandbox:
    """A folder with a copy of the project, in which no job runs as it is."""
    shutil.copytree(made_once, tmp_path / "play" / "project")
    return Sandbox(tmp_path / "play", jobs=0)


def test_random_events_break_nothing(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkey = Monkey(sandbox, seed=3, events=EVENTS, batch=100)
    assert monkey.run() == "", "\n".join(monkey.events)
    assert monkey.count == EVENTS


def test_what_breaks_is_reported_with_the_events_before(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    def act(hands: Hands, window: Window, dice: object, write: object) -> None:
        write("something")  # type: ignore[operator]
        raise KeyError("broken")

    monkeypatch.setattr(Hands, "act", act)
    monkey = Monkey(sandbox, seed=7, events=5, batch=5)
    assert monkey.run().startswith("KeyError: 'broken' (event 0 of seed 7)")
    assert list(monkey.events) == ["#0 something"]


@pytest.mark.slow
def test_the_command_reports_each_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monkey", "--events", "60", "--seeds", "1", "--first-seed", "3"]) == 0
    assert "no fault" in capsys.readouterr().out


def test_a_drag_ends_where_its_release_is_not_seen(window: Window) -> None:
    view = window.desk.view
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at(view, (20, 20)))
    assert view._pointer.drag is not None
    press(window, "Ctrl+5")
    press(window, "Ctrl+1")
    assert view._pointer.drag is None


def test_undoing_stores_the_note_first(window: Window) -> None:
    session = window.session
    press(window, "S")
    assert session.summary is not None
    first = session.summary.sequence.id
    press(window, "Down")
    press(window, "N")
    QTest.keyClicks(window.desk.decide.note, "dark")
    window.commands["undo"].trigger()  # the note, not the star
    assert session.summaries[first].star
    assert {summary.note for summary in session.summaries.values()} == {""}
    window.commands["redo"].trigger()
    assert "dark" in {summary.note for summary in session.summaries.values()}
    window.commands["undo"].trigger()
    window.commands["undo"].trigger()
    assert not session.summaries[first].star
