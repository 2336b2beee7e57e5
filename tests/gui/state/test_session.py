"""What the window is about: notes that are kept, undo that comes back into view, composites that come and go."""

from pathlib import Path

from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from pipeline.project.clips.import_clips import Origin, add
from pipeline.project.storage.database import Project
from pipeline.stages import finish
from rainclean.compositing.composite import Shape
from tests.gui.conftest import Open
from tests.helpers.hands import press
from tests.helpers.rainy_clips import rainy_clip


def note_of(home: Path, number: int) -> str:
    """The note on a sequence, as another process reads it."""
    from pipeline.project.editing.drafts import draft_of

    with Project(home) as store:
        return draft_of(store, number, {}).note


def test_a_note_that_was_typed_is_kept_however_the_sequence_is_left(window: Window, home: Path, qtbot: QtBot) -> None:
    field = window.desk.decide.note
    for number, leave in ((1, "Down"), (2, "A")):
        assert window.session.selected == number
        press(window, "N")
        qtbot.waitUntil(field.hasFocus)
        qtbot.keyClicks(field, f"note {number}")
        if leave == "A":
            window.desk.decide.buttons["accept"].click()
        else:
            window.session.step(1)
        assert note_of(home, number) == f"note {number}"
    assert field.text() == ""


def test_a_note_that_cannot_be_stored_stays_in_the_field(window: Window, qtbot: QtBot) -> None:
    assert window.session.project is not None
    window.session.project.read_only = True
    field = window.desk.decide.note
    press(window, "N")
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClicks(field, "lost?")
    qtbot.keyClick(field, "\r")
    assert field.text() == "lost?" and "cannot be written to" in window.statusBar().currentMessage()


def test_undo_shows_the_candidate_that_it_is_about(window: Window) -> None:
    session = window.session
    ids = [c.id for c in session.detail.candidates]
    press(window, "Right")
    press(window, "Shift+A")
    press(window, "1")
    press(window, "Ctrl+Z")
    assert session.displayed == ids[1]
    press(window, "1")
    press(window, "Ctrl+Shift+Z")
    assert session.displayed == ids[1]


def test_a_composite_is_listed_while_it_is_decided_on(window: Window) -> None:
    session = window.session
    summary, ids = session.summary, [c.id for c in session.detail.candidates]
    assert summary is not None
    shape = Shape("rectangle", ((5.0, 5.0), (30.0, 30.0)))
    session.change(lambda editor: editor.paint(summary.sequence, ids[0], ids[1], shape))
    press(window, "Shift+A")
    assert [c.label for c in session.detail.candidates if c.id not in ids] == ["composite of 2 candidates"]
    press(window, "Ctrl+Z")
    assert [c.id for c in session.detail.candidates] == ids
    press(window, "Ctrl+Shift+Z")
    assert len(session.detail.candidates) == len(ids) + 1


def test_a_busy_store_is_said_and_not_waited_for(window: Window, home: Path) -> None:
    import time

    with Project(home) as other, other.transaction():
        other.execute("UPDATE sequence SET notes = 'x'")
        began = time.monotonic()
        press(window, "S")
        assert time.monotonic() - began < 10
        assert "another process has been using it" in window.statusBar().currentMessage()
    press(window, "S")
    assert window.session.detail.draft.star


def test_undo_goes_to_the_page_and_the_place_it_is_about(window: Window) -> None:
    session, view = window.session, window.desk.view
    summary, ids = session.summary, [c.id for c in session.detail.candidates]
    assert summary is not None
    shape = Shape("rectangle", ((60.0, 45.0), (70.0, 55.0)))
    session.change(lambda editor: editor.paint(summary.sequence, ids[0], ids[1], shape))
    press(window, "Down")
    press(window, "Ctrl+5")
    view.set_zoom(40.0)
    press(window, "Ctrl+Z")
    assert window.pages.currentWidget() is window.desk
    seen = view.visible_region()
    assert session.selected == summary.sequence.id
    assert seen.x <= 65 < seen.x + seen.width and seen.y <= 50 < seen.y + seen.height
    session.change(lambda editor: editor.choose_frames(summary.sequence, [3, 7]))
    press(window, "Ctrl+Z")
    assert window.pages.currentIndex() == 2


def test_results_that_another_process_imports_come_into_view(open_window: Open, tmp_path: Path, qtbot: QtBot) -> None:
    from pipeline.batch.intake import import_results
    from pipeline.batch.shard import analyze_shard
    from pipeline.batch.tasks import Request, Shard

    folder, results = tmp_path / "new", tmp_path / "results"
    with Project.create(folder) as project:
        finish(add(project, [rainy_clip(tmp_path / "yard.mkv", 5)], Origin()))
    finish(analyze_shard(folder, (), Request(recipe="median"), Shard(1, 1), results))
    window = open_window(folder)
    session = window.session
    session.select(1)
    assert session.summaries[1].state == "new" and not session.detail.candidates
    with Project(folder) as other:
        finish(import_results(other, [results]))
    qtbot.waitUntil(lambda: session.summaries[1].state == "ready", timeout=10_000)
    assert len(session.detail.candidates) == 1
    assert session.displayed == session.detail.candidates[0].id
