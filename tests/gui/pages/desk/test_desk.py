"""The desk by keyboard and mouse: the real window, the real project, what is on disk afterwards."""

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.compare import Mode
from gui.main_window.window import Window
from pipeline.project.decisions import decisions
from pipeline.project.editing.masks import read_mask
from pipeline.project.model import Decision
from pipeline.project.storage.database import Project
from rainclean.png import decode_png
from tests.gui.conftest import Open
from tests.helpers.hands import at, click, draw, press


def decisions_of(project: Path, name: str) -> list[Decision]:
    """The standing decisions on a sequence, read by another connection, as another process would."""
    with Project(project) as store:
        return decisions.by_sequence(store).get(_id(store, name), [])


def _id(store: Project, name: str) -> int:
    return int(store.value("SELECT id FROM sequence WHERE name = ?", name))


def test_opens_with_the_first_undecided_sequence_selected_and_both_pictures_shown(window: Window) -> None:
    session = window.session
    assert session.summary is not None and session.summary.sequence.name == "place0"
    assert window.desk.view.mode is Mode.WIPE
    assert window.desk.shown_right is not None
    best = session.detail.candidates[0]
    assert session.project is not None
    stored = decode_png(session.project.artefacts.read(best.picture), Path(best.picture))
    assert np.array_equal(window.desk.shown_right, stored)


def test_down_and_up_frame_neighbours_and_stop_at_the_ends(window: Window) -> None:
    names = []
    for key in ("Down", "Down", "Down", "Up"):
        press(window, key)
        assert window.session.summary is not None
        names.append(window.session.summary.sequence.name)
    assert names == ["place1", "place2", "place2", "place1"]


def test_right_left_and_numbers_choose_candidates(window: Window) -> None:
    ids = [c.id for c in window.session.detail.candidates]
    press(window, "Right")
    assert window.session.displayed == ids[1]
    press(window, "Left")
    press(window, "Left")
    assert window.session.displayed == ids[-1]
    press(window, "2")
    assert window.session.displayed == ids[1]


def test_keys_act_on_the_selected_sequence_wherever_the_mouse_is(window: Window, home: Path, qtbot: QtBot) -> None:
    rows = window.desk.sequences
    third = rows.view.visualRect(rows.model.index(2)).center()
    qtbot.mouseMove(rows.view.viewport(), third)
    press(window, "A")
    assert [d.verdict for d in decisions_of(home, "place0")] == ["accepted"]
    assert decisions_of(home, "place2") == []


def test_accept_is_on_disk_at_once_and_goes_on_to_the_nearest_undecided(window: Window, home: Path) -> None:
    press(window, "Right")
    chosen = window.session.displayed
    press(window, "A")
    (decision,) = decisions_of(home, "place0")
    assert (decision.verdict, decision.candidate_id, decision.who) == ("accepted", chosen, window.session.user)
    assert window.session.summary is not None and window.session.summary.sequence.name == "place1"
    press(window, "A")
    press(window, "A")
    press(window, "Up")
    press(window, "U")  # place1 is open again
    press(window, "Up")
    press(window, "Ctrl+Down")
    assert window.session.summary.sequence.name == "place1"


def test_reject_asks_for_reasons(window: Window, home: Path, qtbot: QtBot) -> None:
    from gui.pages.desk.decide import RejectDialog

    press(window, "R")
    dialog = window.desk.findChild(RejectDialog)
    assert dialog is not None
    qtbot.keyClick(dialog, "2")
    dialog.accept()
    (decision,) = decisions_of(home, "place0")
    assert (decision.verdict, decision.reasons) == ("rejected", ("camera",))


def test_cancelling_the_reasons_rejects_nothing(window: Window, home: Path) -> None:
    from gui.pages.desk.decide import RejectDialog

    press(window, "R")
    dialog = window.desk.findChild(RejectDialog)
    assert dialog is not None
    dialog.reject()
    assert decisions_of(home, "place0") == []


def test_undo_and_redo_bring_the_sequence_back_into_view_also_after_a_restart(
    open_window: Open, home: Path, qtbot: QtBot
) -> None:
    window = open_window(home)
    qtbot.waitUntil(lambda: window.session.displayed is not None)
    press(window, "A")
    press(window, "S")
    window.close()
    again = open_window(home)
    press(again, "Down")
    press(again, "Ctrl+Z")
    assert again.session.summary is not None and again.session.summary.sequence.name == "place1"
    assert not again.session.detail.draft.star
    press(again, "Ctrl+Z")
    assert again.session.summary.sequence.name == "place0"
    assert decisions_of(home, "place0") == []
    press(again, "Ctrl+Shift+Z")
    assert [d.verdict for d in decisions_of(home, "place0")] == ["accepted"]


def test_note_is_kept_with_enter(window: Window, qtbot: QtBot) -> None:
    press(window, "N")
    field = window.desk.decide.note
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClicks(field, "a dog, at 3 s")  # letters that are keys elsewhere
    qtbot.keyClick(field, "\r")
    assert window.session.detail.draft.note == "a dog, at 3 s"
    assert window.session.summary is not None and window.session.summary.sequence.name == "place0"


def test_space_shows_the_rainy_frame_as_long_as_it_is_held(window: Window, qtbot: QtBot) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    view = window.desk.view
    press(window, "V")
    clean = view.values_at(5, 5)
    QTest.keyPress(view, Qt.Key.Key_Space)
    held = dict(view.values_at(5, 5))
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert "Rainy frame" in held and view.values_at(5, 5) == clean


@pytest.mark.parametrize("tool", ["H", "T", "L", "I"])
def test_every_tool_excludes_and_the_mask_goes_with_the_decision(
    window: Window, home: Path, qtbot: QtBot, tool: str
) -> None:
    desk = window.desk
    press(window, tool)
    desk.composition.set_brush(excluding=True, radius=4.0, softness=0.0, tolerance=3.0)
    if tool == "I":
        click(desk.view, (15.5, 15.5))
    else:
        draw(desk.view, [(10.5, 10.5), (22.5, 10.5), (22.5, 20.5), (10.5, 20.5)])
    shown = desk.composition.exclusion
    assert shown is not None and shown.any()
    press(window, "A")
    (decision,) = decisions_of(home, "place0")
    with Project(home) as store:
        mask = read_mask(store, decision.exclude)
    assert np.array_equal(mask, np.where(shown >= 128, 255, 0))


def test_composite_is_accepted_as_it_was_shown(window: Window, home: Path, qtbot: QtBot) -> None:
    desk, session = window.desk, window.session
    qtbot.waitUntil(lambda: all(session.pictures.peek(c.picture) is not None for c in session.detail.candidates))
    press(window, "H")
    draw(desk.view, [(12.5, 12.5), (24.5, 20.5)])
    assert desk.composition.composite is not None
    shown = desk.composition.composite.copy()
    press(window, "A")
    (decision,) = decisions_of(home, "place0")
    with Project(home) as store:
        name = store.value("SELECT picture FROM candidate WHERE id = ?", decision.candidate_id)
        assert np.array_equal(decode_png(store.artefacts.read(name), Path(name)), shown)


def test_second_opinion_hides_names_scores_and_decisions_and_changes_no_decision(
    window: Window, home: Path, qtbot: QtBot
) -> None:
    session = window.session
    press(window, "A")
    press(window, "Up")
    press(window, "O")
    assert window.session.summary is not None and window.session.summary.sequence.name == "place0"
    labels = [session.label(c) for c in session.detail.candidates]
    assert labels[0] == "candidate A" and not any("η" in label for label in labels)
    assert "ccepted" not in window.desk.decide.state.text()
    before = decisions_of(home, "place0")
    press(window, "A")
    assert decisions_of(home, "place0") == before
    with Project(home) as store:
        assert store.value("SELECT count(*) FROM opinion") == 1
    press(window, "O")
    assert "accepted" in {summary.state for summary in session.summaries.values()}


def test_frame_strip_shows_the_frame_that_the_clip_holds(window: Window, home: Path, qtbot: QtBot) -> None:
    from pipeline.project.clips.clip_files import clip, open_clip

    desk = window.desk
    desk.strip.choose(3)
    with Project(home) as store, open_clip(store, clip(store, 1)) as source:
        (frame,) = source.read([3])
    qtbot.waitUntil(lambda: desk.shown_left is not None and np.array_equal(desk.shown_left, frame.rgb))
    press(window, ".")
    assert desk.strip.curve.frame == 4


def test_what_another_process_decides_is_seen(window: Window, home: Path, qtbot: QtBot) -> None:
    from pipeline.project.clips.sequence_records import sequences

    with Project(home) as store:
        (third,) = sequences(store, ["place2"])
        decisions.reject(store, third, "anna")
    qtbot.waitUntil(lambda: window.session.summaries[third.id].state == "rejected", timeout=5000)


def test_filter_and_search_arrange_the_list_and_keep_the_selected_sequence(window: Window) -> None:
    panel = window.desk.sequences
    press(window, "A")
    panel.filter.setCurrentText("To decide")
    assert [window.session.summaries[i].sequence.name for i in window.session.order] == ["place1", "place2"]
    panel.filter.setCurrentText("All")
    panel.search.setText("PLACE2")
    assert len(window.session.order) == 1
    assert window.session.summary is not None and window.session.summary.sequence.name == "place1"


def test_a_read_only_project_can_be_looked_at_and_says_why_it_cannot_be_changed(
    open_window: Open, home: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window = open_window(home)
    assert window.session.project is not None
    window.session.project.read_only = True
    qtbot.waitUntil(lambda: window.session.displayed is not None)
    press(window, "A")
    assert "cannot be written to" in window.statusBar().currentMessage()
    assert decisions_of(home, "place0") == []


def test_at_is_exact(window: Window) -> None:
    """The hands of these tests: what they point at is what the view says."""
    view = window.desk.view
    assert view.to_picture(view.to_widget(10.5, 8.5)) == pytest.approx((10.5, 8.5), abs=0.2)
    assert at(view, (10.5, 8.5)) is not None


def test_values_under_the_pointer_follow_the_pictures(window: Window, qtbot: QtBot) -> None:
    from PySide6.QtTest import QTest

    desk, session = window.desk, window.session
    qtbot.waitUntil(lambda: all(session.pictures.peek(c.picture) is not None for c in session.detail.candidates))
    QTest.mouseMove(desk.view, at(desk.view, (12.5, 9.5)))
    qtbot.waitUntil(lambda: desk.values.text().startswith("12, 9"))
    before = desk.values.text()
    press(window, "Right")
    shown = session.candidate(session.displayed)
    assert shown is not None and desk.values.text() != before
    picture = session.pictures.peek(shown.picture)
    assert picture is not None
    assert desk.values.text().endswith(f"{shown.label}: {' '.join(f'{v:3d}' for v in picture[9, 12])}")


def test_a_frame_that_was_asked_for_is_not_one_of_the_next_sequence(
    window: Window, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    desk, session = window.desk, window.session
    first = session.selected
    asked: list[tuple[int, int | None]] = []
    decode = desk.reader._decode

    def decoding(frame: int) -> None:
        asked.append((frame, session.selected))
        decode(frame)

    monkeypatch.setattr(desk.reader, "_decode", decoding)
    desk.strip.choose(3)
    press(window, "Down")
    qtbot.waitUntil(lambda: not window.workers.busy)
    assert asked and {target for _, target in asked} == {first}
    assert not desk.reader._kept and desk.frame is None


def test_plots_follow_the_palette_and_their_words_are_legible(window: Window, qtbot: QtBot) -> None:
    from pyqtgraph import InfiniteLine
    from PySide6.QtGui import QColor, QPalette

    inspect = window.desk.inspect
    qtbot.waitUntil(lambda: window.desk.live.stack is not None, timeout=20_000)
    press(window, "P")
    click(window.desk.view, (10.5, 8.5))
    palette = QPalette(inspect.palette())
    palette.setColor(QPalette.ColorRole.Base, QColor("#101112"))
    palette.setColor(QPalette.ColorRole.Text, QColor("#fafbfc"))
    inspect.setPalette(palette)
    plots = inspect._plots
    assert plots is not None
    for plot in (plots.time, plots.sorted, plots.histogram):
        assert plot.backgroundBrush().color() == QColor("#101112")
    marks = [item for item in plots.histogram.getPlotItem().items if isinstance(item, InfiniteLine)]
    assert [mark.label.color for mark in marks] == [QColor("#fafbfc")]


def test_a_decision_is_read_in_a_small_window(window: Window, qtbot: QtBot) -> None:
    window.resize(1366, 768)
    press(window, "Shift+A")
    state = window.desk.decide.state
    qtbot.waitUntil(lambda: state.text().startswith("Accepted: "))
    wide = state.fontMetrics().horizontalAdvance
    assert wide("Accepted: 80 frames, rain-free mean") <= state.width() and state.shown_lines() == state.text().split(
        "\n"
    )
    assert window.desk.decide.note.width() >= 80
