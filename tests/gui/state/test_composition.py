"""Strokes at the desk go where they were begun, whatever is pressed meanwhile; suggestions to what is shown."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from rainclean.compositing.composite import Shape
from tests.helpers.hands import at, draw, press

WAY = [(12.5, 12.5), (20.5, 12.5)]


def loaded(window: Window, qtbot: QtBot) -> list[int]:
    """Wait for all candidates' pictures; their ids."""
    session = window.session
    qtbot.waitUntil(lambda: all(session.pictures.peek(c.picture) is not None for c in session.detail.candidates))
    return [c.id for c in session.detail.candidates]


def release(window: Window) -> None:
    """Let go where the way ends."""
    view = window.desk.view
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(view, WAY[-1]))


def test_a_brush_stroke_shows_the_other_candidate_and_is_undone(window: Window, qtbot: QtBot) -> None:
    desk, session = window.desk, window.session
    qtbot.waitUntil(lambda: all(session.pictures.peek(c.picture) is not None for c in session.detail.candidates))
    base, other = session.candidate(session.displayed), session.candidate(desk.composition.source())
    assert base is not None and other is not None
    desk.composition.set_brush(radius=9.0, softness=0.0)  # over twice the feather of 4 px
    press(window, "H")
    draw(desk.view, [(12.5, 12.5), (20.5, 12.5)])
    composite = desk.composition.composite
    assert composite is not None and desk.shown_right is composite
    mine, theirs = session.pictures.peek(base.picture), session.pictures.peek(other.picture)
    assert mine is not None and theirs is not None
    assert np.array_equal(composite[12, 16], theirs[12, 16])
    assert np.array_equal(composite[40:], mine[40:])
    press(window, "Ctrl+Z")
    assert desk.composition.composite is None and np.array_equal(desk.shown_right, mine)
    press(window, "Ctrl+Shift+Z")
    assert desk.composition.composite is not None


def test_escape_gives_up_a_stroke(window: Window, qtbot: QtBot) -> None:
    desk = window.desk
    press(window, "H")
    draw(desk.view, [(12.5, 12.5), (20.5, 12.5)], release=False)
    press(window, "Esc")
    assert window.session.detail.draft.layers == ()
    composite = desk.composition.composite
    if composite is not None:
        base = window.session.pictures.peek(window.session.detail.candidates[0].picture)
        assert base is not None and np.array_equal(composite, base)


def test_suggestions_can_be_asked_for_and_taken(window: Window, qtbot: QtBot) -> None:
    press(window, "J")
    qtbot.waitUntil(lambda: window.desk.paint_suggestions._suggestions is not None, timeout=10_000)
    if window.desk.paint_suggestions.current is not None:
        press(window, "Y")
        draft = window.session.detail.draft
        assert draft.layers or draft.exclude


@pytest.mark.parametrize("tool", ["H", "T", "L"])
def test_what_is_being_drawn_is_given_up_where_another_candidate_is_shown(
    window: Window, qtbot: QtBot, tool: str
) -> None:
    ids = loaded(window, qtbot)
    press(window, tool)
    draw(window.desk.view, [*WAY, (20.5, 18.5)], release=False)
    press(window, "Right")
    release(window)
    draft = window.session.detail.draft
    assert window.session.displayed == ids[1] and not draft.layers and not draft.exclude
    assert window.desk.composition.composite is None and not window.desk.composition.drawing
    assert "Stroke cancelled" in window.statusBar().currentMessage()


def test_a_stroke_keeps_the_candidate_brush_and_mask_that_it_began_with(window: Window, qtbot: QtBot) -> None:
    ids = loaded(window, qtbot)
    composition = window.desk.composition
    composition.set_brush(radius=7.0, source=ids[1])
    press(window, "H")
    draw(window.desk.view, WAY, release=False)
    composition.set_brush(radius=3.0, source=ids[2], excluding=True, erasing=True)
    release(window)
    draft = window.session.detail.draft
    assert draft.base == ids[0] and not draft.exclude
    (layer,) = draft.layers
    assert layer.candidate == ids[1] and (layer.shapes[0].radius, layer.shapes[0].erase) == (7.0, False)


def test_a_stroke_goes_to_its_base_also_without_a_view(window: Window, qtbot: QtBot) -> None:
    ids = loaded(window, qtbot)
    composition, session = window.desk.composition, window.session
    composition.set_brush(tool="lasso", source=ids[1])
    for place, (x, y) in enumerate([(10, 10), (20, 10), (20, 20)]):
        composition.move(x, y) if place else composition.begin(x, y)
    session.show(ids[2])
    composition.end()
    draft = session.detail.draft
    assert (draft.base, [layer.candidate for layer in draft.layers]) == (ids[0], [ids[1]])


def test_a_rectangle_is_given_up_where_it_would_mean_something_else(window: Window, qtbot: QtBot) -> None:
    loaded(window, qtbot)
    press(window, "T")
    draw(window.desk.view, [(10.5, 10.5), (20.5, 20.5)], release=False)
    press(window, "X")
    release(window)
    draft = window.session.detail.draft
    assert not draft.layers and not draft.exclude


def test_a_stroke_before_its_picture_is_loaded_says_so(window: Window, qtbot: QtBot) -> None:
    loaded(window, qtbot)
    press(window, "H")
    window.session.pictures.clear()
    draw(window.desk.view, WAY)
    assert "still loading" in window.statusBar().currentMessage()
    assert not window.session.detail.draft.layers and not window.desk.composition.drawing
    loaded(window, qtbot)
    draw(window.desk.view, WAY)
    assert window.session.detail.draft.layers


def test_suggestions_are_for_the_picture_that_they_are_painted_on(
    window: Window, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    ids = loaded(window, qtbot)
    session, desk = window.session, window.desk
    desk.composition.set_brush(source=ids[1])
    press(window, "H")
    draw(desk.view, WAY)
    composite = desk.composition.composite
    assert composite is not None
    seen: list[Any] = []

    def suggest(pictures: Iterable[Any], *_: object) -> list[Any]:
        seen.extend(pictures)
        return []

    monkeypatch.setattr("rainclean.candidates.suggest", suggest)
    press(window, "Right")
    press(window, "J")
    assert session.displayed == ids[0]
    qtbot.waitUntil(lambda: "hardly differ" in desk.paint_suggestions.description)
    assert np.array_equal(seen[0], composite)


def test_a_base_is_not_painted_with_itself(window: Window, qtbot: QtBot) -> None:
    ids = loaded(window, qtbot)
    lasso = Shape("lasso", ((10.0, 10.0), (20.0, 10.0), (20.0, 20.0)))
    window.desk.composition.add((lasso,), ids[0], "batch")
    assert not window.session.detail.draft.layers
    assert "would change nothing" in window.statusBar().currentMessage()
