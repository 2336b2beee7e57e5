"""What the analysis found, where the judge looks: the box above the candidates, and the walk through its places."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.pages.desk.places import places_of, surroundings
from pipeline.project.storage.database import Project
from rainclean.video import Region
from tests.helpers import stabilized as known
from tests.helpers.hands import press


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return known.make(tmp_path_factory.mktemp("places"))


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "home"))


def test_places_are_connected_areas_the_largest_first() -> None:
    mask = np.zeros((200, 300), np.uint8)
    mask[10:20, 10:20] = 255
    mask[100:140, 50:120] = 255
    mask[100:140, 121:124] = 255  # a gap of one px is no border
    moving = np.zeros(mask.shape, bool)
    moving[90:150, 40:130] = True
    first, second = places_of(mask, {"moving": moving, "darker": None})
    assert first.region == Region(50, 100, 74, 40) and first.reason == "moving objects"
    assert second.region == Region(10, 10, 10, 10) and second.reason == "darker than other frames"
    assert len(first.shapes) == 2 and len(second.shapes) == 1


def test_specks_are_places_only_where_there_is_nothing_else() -> None:
    mask = np.zeros((400, 400), np.uint8)
    mask[5, 5] = 255
    assert [place.region for place in places_of(mask, {"blurred": None})] == [Region(5, 5, 1, 1)]
    mask[200:240, 200:240] = 255
    assert [place.region for place in places_of(mask, {"blurred": None})] == [Region(200, 200, 40, 40)]


def test_surroundings_stay_in_the_picture() -> None:
    assert surroundings(Region(0, 0, 10, 10), 352, 240) == Region(0, 0, 65, 65)
    assert surroundings(Region(0, 0, 352, 240), 352, 240) == Region(0, 0, 352, 240)


def test_j_goes_through_the_places_then_to_what_to_paint(window: Window, qtbot: QtBot) -> None:
    desk = window.desk
    desk.view.fit()
    whole = desk.view.zoom
    press(window, "J")
    qtbot.waitUntil(lambda: desk.places.current is not None, timeout=10_000)
    said = window.statusBar().currentMessage()
    assert said.startswith("Place 1 of 1: ambiguous background")
    assert desk.view._outlines and desk.view.zoom >= whole
    press(window, "Y")  # a place is nothing to take
    assert window.session.detail.draft.exclude == ()
    press(window, "J")
    qtbot.waitUntil(lambda: desk.paint_suggestions.current is not None, timeout=10_000)
    press(window, "Y")
    assert window.session.detail.draft.exclude != ()
    press(window, "Esc")
    assert not desk.view._outlines and desk.places.left


def test_places_are_not_visited_in_a_second_opinion(window: Window) -> None:
    press(window, "O")
    assert not window.desk.places.left and not window.desk.candidates.notes.isVisible()


def test_long_lists_fold(window: Window, home: Path, qtbot: QtBot) -> None:
    with Project(home) as other:
        other.execute("""UPDATE analysis SET warnings = '["one", "two", "three", "four"]'""")
    window.session.look_around()
    box = window.desk.candidates.notes
    qtbot.waitUntil(box.more.isVisible)
    assert box.more.text() == "4 more notes" and len(box.lines.text().splitlines()) == 3
    geometry = window.desk.view.geometry()
    box.more.click()
    assert box.more.text() == "Fewer notes"
    assert box.lines.text().splitlines()[-1] == "· Four" and len(box.lines.text().splitlines()) == 7
    assert window.desk.view.geometry() == geometry


def test_what_stands_in_the_box_never_denies_the_verdict(window: Window) -> None:
    text = window.desk.candidates.notes.text()
    assert "Needs a look" in text and "nothing" not in text.lower() and "no suggestion" not in text.lower()


def test_a_settled_verdict_is_green(window: Window) -> None:
    session = window.session
    assert session.summary is not None and session.summary.verdict is not None
    fit = replace(session.summary, verdict=type(session.summary.verdict)("fit"), places="")
    session.summaries[session.summary.sequence.id] = fit
    session.sequences_changed.emit()
    box = window.desk.candidates.notes
    assert box.title.text() == "✓ Fit: no defects found in the candidates" and box.title.property("look") == "good"
    assert not box.hint.isVisible()
