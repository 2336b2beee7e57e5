"""What the desk says: how far the decisions are, what an analysis does, and messages that go with their cause."""

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.jobs import Job
from gui.main_window.window import Window
from pipeline.project.storage.database import Project
from pipeline.stages import Progress
from tests.gui.conftest import Open
from tests.helpers.hands import press


def test_each_decision_says_how_many_are_made(window: Window) -> None:
    said = window.statusBar().currentMessage
    press(window, "A")
    assert said() == "place0 accepted · 1 of 3 decided · Ctrl+Z undoes it"
    window.session.reject(["camera"])
    assert said() == "place1 rejected · 2 of 3 decided · Ctrl+Z undoes it"
    press(window, "A")
    assert said().startswith("place2 accepted · 3 of 3 decided · Ctrl+Z undoes it · Nothing left")
    press(window, "Ctrl+Z")
    assert said().startswith("Undone: ")
    press(window, "O")
    press(window, "A")
    assert "judged · 1 of 3 judged" in said()


@pytest.fixture
def new(open_window: Open, made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Window:
    """A window on a project with two clips that are not analysed; jobs are not started."""
    from pipeline.project.clips.import_clips import Origin, add
    from pipeline.stages import finish

    with Project.create(tmp_path / "new") as made:
        finish(add(made, [made_once.parent / f"place{n}.mkv" for n in (0, 1)], Origin()))
    window = open_window(tmp_path / "new")
    window.commands["desk"].trigger()  # with nothing to judge, the project's home is shown first
    return window


def test_a_clip_is_seen_and_played_before_it_is_analysed(new: Window, qtbot: QtBot) -> None:
    desk = new.desk
    qtbot.waitUntil(lambda: desk.shown_left is not None)
    first = desk.shown_left
    assert desk.shown_right is None and desk.strip.isEnabled() and len(desk.strip.curve.available) == 24
    assert "Not analysed yet" in desk.strip.label.text()
    seen: set[int] = set()
    desk.strip.frame_chosen.connect(seen.add)
    press(new, "Ctrl+Space")
    qtbot.waitUntil(lambda: len(seen) > 12, timeout=20_000)
    press(new, "Ctrl+Space")
    qtbot.waitUntil(lambda: not new.workers.busy)
    assert desk.shown_left is not None and first is not None and not np.array_equal(desk.shown_left, first)


def test_a_button_starts_the_analysis_and_a_line_says_what_it_does(
    new: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = new.desk.candidates.state
    assert state.isVisible() and state.button.isVisible() and "Not analysed yet" in state.text.text()
    started: list[Job] = []
    monkeypatch.setattr(new.jobs, "start", started.append)
    state.button.click()
    (job,) = started
    assert job.kind == "analyze"
    with monkeypatch.context() as patch:  # closing the window asks while something runs
        patch.setattr(new.jobs, "unfinished", lambda: (job,))
        new.jobs.changed.emit(job)
        assert (
            state.text.text() == "Waiting to be analysed. Other sequences come first." and not state.button.isVisible()
        )
        job._progress.add_step(Progress("near frames", 4, 10, part="place0", parts_done=0, parts_total=2), 0.0)
        new.jobs.changed.emit(job)
        assert state.text.text().startswith("Analysing: aligning near frames")
        job._progress.add_step(Progress("decode", 4, 5, part="place0", parts_done=0, parts_total=2), 0.0)
        new.jobs.changed.emit(job)
        assert state.text.text() == "Analysing: decoding frames, 40 %"
        press(new, "Down")
        assert state.text.text().startswith("Waiting")


def test_k_waits_until_the_frames_are_sorted(window: Window, qtbot: QtBot) -> None:
    desk, session = window.desk, window.session
    qtbot.waitUntil(lambda: desk.live.stack is not None, timeout=20_000)
    count = len(session.detail.candidates)
    desk.sliders.frames.setSliderDown(True)
    desk.sliders.frames.setValue(7)
    press(window, "K")
    assert window.statusBar().currentMessage() == "The candidate will be saved as soon as the frames are sorted"
    assert len(session.detail.candidates) == count
    qtbot.waitUntil(lambda: len(session.detail.candidates) == count + 1)
    kept = session.candidate(session.displayed)
    assert kept is not None and kept.recipe.frames == 7
    assert window.statusBar().currentMessage().startswith("Candidate saved")


def test_esc_cancels_a_k_that_waits(window: Window, qtbot: QtBot) -> None:
    desk, session = window.desk, window.session
    qtbot.waitUntil(lambda: desk.live.stack is not None, timeout=20_000)
    count = len(session.detail.candidates)
    desk.sliders.frames.setSliderDown(True)
    desk.sliders.frames.setValue(7)
    press(window, "K")
    press(window, "Esc")
    assert window.statusBar().currentMessage() == ""
    qtbot.waitUntil(lambda: not window.workers.busy)
    assert len(session.detail.candidates) == count


def test_messages_go_with_their_cause(window: Window, qtbot: QtBot) -> None:
    said = window.statusBar().currentMessage
    press(window, "C")
    assert "Press C again" in said()
    press(window, "C")
    assert said() == ""
    press(window, "D")
    assert said().startswith("Difference")
    press(window, "Down")
    assert said() == ""
    window.session.warning.emit("The disk is full")
    press(window, "Up")
    assert said() == "⚠ The disk is full"  # selecting another sequence does not mend it
