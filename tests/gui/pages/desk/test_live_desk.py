"""Sliders, pixels and regions at the desk: what is tried is what is accepted, kept and explained."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from pipeline.project.decisions import decisions
from pipeline.project.model import Decision
from pipeline.project.storage.database import Project
from rainclean.video import Region
from tests.gui.conftest import Open
from tests.helpers.hands import click, draw, press
from tests.helpers.toys import Darkest, Plain, Trimmed, registered, trimmed_mean


def decisions_of(project: Path, name: str) -> list[Decision]:
    """The standing decisions on a sequence, read by another connection."""
    with Project(project) as store:
        return decisions.by_sequence(store).get(int(store.value("SELECT id FROM sequence WHERE name = ?", name)), [])


def steady(window: Window) -> str:
    """How names of recipes end where the analysis stabilized its frames."""
    analysis = window.session.detail.analysis
    return "-steady" if analysis is not None and analysis.stabilization else ""


def live(window: Window, qtbot: QtBot) -> None:
    """Wait until the sliders can be used."""
    qtbot.waitUntil(lambda: window.desk.live.stack is not None, timeout=20_000)


def keep_seven(window: Window, qtbot: QtBot) -> None:
    """Keep a candidate of 7 frames, so that these are sorted, and show one of 24 again."""
    live(window, qtbot)
    desk = window.desk
    before = window.session.displayed
    desk.live.set_frames(7, settled=True)
    qtbot.waitUntil(lambda: desk.live.sorted and desk.live.active)
    press(window, "K")
    window.session.show(before)
    assert desk.live.frames == 24 and desk.live.stack is not None and desk.live.stack.sorted_frames == 7


def test_percentile_slider_shows_what_clean_gives_and_keep_makes_it_a_candidate(
    window: Window, home: Path, qtbot: QtBot
) -> None:
    from pipeline.clean.run import clean
    from pipeline.clean.settings import CleanSettings
    from pipeline.project.clips.clip_files import clip, open_clip
    from pipeline.stages import finish

    live(window, qtbot)
    desk, session = window.desk, window.session
    desk.sliders.percentile.setValue(337)
    qtbot.waitUntil(lambda: desk.live.active)
    name = f"n{desk.live.frames}-p33_7{steady(window)}"
    with Project(home) as store:
        assert session.summary is not None
        with (
            open_clip(store, clip(store, session.summary.sequence.clip_id)) as source,
            finish(clean(source, CleanSettings(recipe=name, workers=1))) as cleaned,
        ):
            assert desk.shown_right is not None
            assert np.array_equal(desk.shown_right, cleaned.picture(cleaned.candidates[0]))
    press(window, "K")
    kept = session.candidate(session.displayed)
    assert kept is not None and kept.name == name and not desk.live.active
    press(window, "Ctrl+Z")
    assert session.candidate(kept.id) is None


def test_frames_slider_previews_while_dragged_and_sorts_when_let_go(window: Window, qtbot: QtBot) -> None:
    live(window, qtbot)
    desk = window.desk
    previews: list[object] = []
    desk.live.previewed.connect(previews.append)
    desk.sliders.frames.setSliderDown(True)
    desk.sliders.frames.setValue(7)
    assert previews and not desk.live.active
    desk.sliders.frames.setSliderDown(False)  # emits sliderReleased
    qtbot.waitUntil(lambda: desk.live.active and desk.live.stack is not None and desk.live.stack.sorted_frames == 7)


def test_a_pixel_and_a_region_explain_themselves_and_the_region_gets_its_own_eta(window: Window, qtbot: QtBot) -> None:
    live(window, qtbot)
    desk, session = window.desk, window.session
    press(window, "P")
    click(desk.view, (10.5, 8.5))
    assert "Pixel 10, 8" in desk.inspect.text.text()
    press(window, "Q")
    draw(desk.view, [(8, 8), (24, 20)])
    assert "The whole picture has" in desk.inspect.text.text()
    base = session.displayed
    press(window, "E")
    draft = session.detail.draft
    assert draft.base == base and len(draft.layers) == 1
    kept = session.candidate(int(draft.layers[0].candidate))
    assert kept is not None and desk.live.stack is not None
    assert kept.percentile == float(desk.live.stack.votes_in(Region(8, 8, 16, 12)).eta)
    press(window, "Ctrl+Z")
    assert session.detail.draft.layers == () and session.candidate(kept.id) is None


def test_leafing_through_a_list_begins_no_decoding(window: Window, qtbot: QtBot) -> None:
    for key in ("Down", "Down", "Up", "Up"):
        press(window, key)
        time.sleep(0.01)
        assert window.desk.live.stack is None


def test_accepting_right_after_a_step_of_the_slider_accepts_where_the_slider_stands(
    window: Window, home: Path, qtbot: QtBot
) -> None:
    live(window, qtbot)
    desk, ending = window.desk, steady(window)
    desk.sliders.percentile.setValue(337)
    assert desk.live.trying and not desk.live.active  # not looked up yet
    window.desk_actions.accept(advance=True)
    (decision,) = decisions_of(home, "place0")
    with Project(home) as store:
        name = store.value("SELECT name FROM candidate WHERE id = ?", decision.candidate_id)
    assert name == f"n24-p33_7{ending}"


def test_nothing_is_accepted_while_the_frames_that_are_tried_are_not_sorted(
    window: Window, home: Path, qtbot: QtBot
) -> None:
    live(window, qtbot)
    desk = window.desk
    desk.sliders.frames.setSliderDown(True)
    desk.sliders.frames.setValue(7)
    press(window, "A")
    assert decisions_of(home, "place0") == []
    assert "being sorted" in window.statusBar().currentMessage()
    qtbot.waitUntil(lambda: desk.live.sorted and desk.live.active)
    press(window, "A")
    (decision,) = decisions_of(home, "place0")
    with Project(home) as store:
        name = str(store.value("SELECT name FROM candidate WHERE id = ?", decision.candidate_id))
    assert name.startswith("n7-")


def test_leaving_a_preview_shows_the_candidate_again(window: Window, qtbot: QtBot) -> None:
    live(window, qtbot)
    desk = window.desk
    clean = desk.view.values_at(10, 8)
    places = [(x, y) for y in range(40) for x in range(40)]
    before = [desk.view.values_at(x, y)[1][1] for x, y in places]
    desk.sliders.frames.setSliderDown(True)
    desk.sliders.frames.setValue(2)
    assert [desk.view.values_at(x, y)[1][1] for x, y in places] != before
    press(window, "Esc")
    assert not desk.live.trying
    assert [desk.view.values_at(x, y)[1][1] for x, y in places] == before and desk.view.values_at(10, 8) == clean


def test_a_region_is_explained_over_the_frames_that_the_sliders_stand_for(window: Window, qtbot: QtBot) -> None:
    keep_seven(window, qtbot)
    desk = window.desk
    assert "η*" not in desk.sliders.state.text()
    press(window, "Q")
    draw(desk.view, [(8, 8), (24, 20)])
    qtbot.waitUntil(lambda: "over 24 frames" in desk.inspect.text.text())
    assert "over 24 frames" in desk.sliders.state.text()


def test_a_region_gets_its_eta_of_the_frames_of_the_shown_candidate(window: Window, qtbot: QtBot) -> None:
    live(window, qtbot)
    desk, session = window.desk, window.session
    press(window, "Q")
    draw(desk.view, [(8, 8), (24, 20)])
    keep_seven(window, qtbot)
    base = session.displayed
    press(window, "E")
    qtbot.waitUntil(lambda: bool(session.detail.draft.layers))
    draft = session.detail.draft
    kept = session.candidate(int(draft.layers[0].candidate))
    assert draft.base == base and kept is not None and kept.recipe.frames == 24


def test_tenths_can_be_typed(window: Window, qtbot: QtBot) -> None:
    live(window, qtbot)
    box = window.desk.sliders.percentile_box
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "33.7")
    qtbot.keyClick(box, "\r")
    assert window.desk.live.percentile == 33.7


def test_a_sequence_that_is_analysed_while_it_is_selected_gets_its_live_picture(
    open_window: Open, made_once: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    from pipeline.clean.settings import CleanSettings
    from pipeline.project.analysis.run import analyze
    from pipeline.project.clips.import_clips import Origin, add
    from pipeline.stages import finish

    with Project.create(tmp_path / "new") as made:
        finish(add(made, [made_once.parent / "place0.mkv"], Origin()))
    window = open_window(tmp_path / "new")
    assert window.session.summary is not None and window.session.summary.state == "new"
    qtbot.wait(600)  # the rest after which its frames would have been decoded
    with Project(tmp_path / "new") as other:
        finish(analyze(other, (), CleanSettings(workers=1)))
    qtbot.waitUntil(lambda: window.desk.live.stack is not None, timeout=20_000)
    assert window.desk.shown_right is not None


@pytest.fixture
def toys() -> Iterator[None]:
    """Estimators from outside, registered before the window is made."""
    with registered(Trimmed(), Plain(), Darkest()):
        yield


def test_an_estimator_from_outside_has_a_live_picture_and_can_be_kept(
    toys: None, window: Window, home: Path, qtbot: QtBot
) -> None:
    live(window, qtbot)
    desk, session = window.desk, window.session
    choice = desk.sliders.estimator
    lines = {choice.itemData(n): n for n in range(choice.count())}
    assert list(lines) == ["percentile", "local", "rainfree", "near", "trimmed", "plain", "darkest"]
    model = choice.model()
    enabled = {rule for rule, n in lines.items() if model.flags(model.index(n, 0)) & Qt.ItemFlag.ItemIsEnabled}
    assert enabled == {"percentile", "local", "trimmed"}
    assert choice.itemText(lines["plain"]) == "Plain (not live)"
    assert "reads the frames once more" in choice.itemData(lines["plain"], Qt.ItemDataRole.ToolTipRole)
    assert "aligned to the reference frame" in choice.itemData(lines["darkest"], Qt.ItemDataRole.ToolTipRole)

    choice.setFocus()
    assert choice.isVisible() and choice.currentData() == "percentile"
    for _ in range(2):  # over the two that are disabled
        QTest.keyClick(choice, Qt.Key.Key_Down)
    assert choice.currentData() == "trimmed"
    qtbot.waitUntil(lambda: desk.live.active)
    stack = desk.live.stack
    assert stack is not None and "trimmed mean" in desk.live.label
    start, stop = stack.window(desk.live.frames)
    frames = np.stack([stack.frame(position) for position in range(start, stop)])
    expected = trimmed_mean(np.sort(frames, axis=0).reshape(len(frames), -1)).reshape(frames.shape[1:])
    assert desk.shown_right is not None and np.array_equal(desk.shown_right, expected)
    press(window, "K")
    kept = session.candidate(session.displayed)
    assert kept is not None and kept.name == f"n{stop - start}-trimmed{steady(window)}" and not desk.live.active
    with Project(home) as store:
        assert np.array_equal(store.artefacts.picture(kept.picture), expected)
    assert choice.currentData() == "percentile"


def test_another_number_of_frames_keeps_the_estimator_and_the_slider_leaves_it(
    toys: None, window: Window, qtbot: QtBot
) -> None:
    live(window, qtbot)
    desk = window.desk
    desk.live.set_rule("trimmed")
    press(window, "K")  # not made yet
    assert "being made" in window.statusBar().currentMessage()
    qtbot.waitUntil(lambda: desk.live.active)
    whole = desk.shown_right
    desk.sliders.frames.setValue(7)
    qtbot.waitUntil(lambda: desk.live.sorted and desk.shown_right is not whole)
    assert desk.live.label == "Live: 7 frames, trimmed mean"
    desk.sliders.percentile.setValue(100)
    qtbot.waitUntil(lambda: desk.live.label == "Live: 7 frames, percentile 10")
    assert desk.sliders.estimator.currentData() == "percentile"


def test_an_estimator_that_fails_says_so(window: Window, qtbot: QtBot) -> None:
    class Fails(Trimmed):
        rule = "fails"

        def query(self, recipe: object, votes: object, local: object) -> Any:
            raise ValueError("too few frames")

    live(window, qtbot)
    desk = window.desk
    assert not desk.sliders.estimator.isVisible()
    with registered(Fails()):
        desk.live.set_rule("fails")
        qtbot.waitUntil(lambda: "No live picture: too few frames" in desk.sliders.state.text())
        assert not desk.live.active
        desk.live.leave()
    assert "Ready" in desk.sliders.state.text()
