"""Candidates that look the same are folded; what a person works with never is."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.state import folding
from pipeline.project.analysis import fold, look_alike
from rainclean.compositing.composite import Shape
from tests.helpers.hands import press


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 190, (120, 160, 3)).astype(np.uint8)


def test_what_is_not_seen_makes_a_twin() -> None:
    one = picture()
    assert look_alike(one, one + 1)
    assert not look_alike(one, one + 2)  # two levels everywhere are seen when the pictures blink
    streak = one.copy()
    streak[20:60, 50:52] += 40
    assert not look_alike(one, streak)
    noise = one.copy()
    noise[::10, ::10] += 20
    assert look_alike(one, noise)
    assert not look_alike(one, one[:100])


def test_twins_fold_under_the_better_one() -> None:
    one = picture()
    assert fold({"a": one, "b": picture(1), "c": one + 1, "d": picture(1)}) == {"c": "a", "d": "b"}


def test_large_pictures_are_measured_small() -> None:
    large = np.full((1500, 2000, 3), 100, np.uint8)
    assert fold({"a": large, "b": large + 1}) == {"b": "a"}


@pytest.fixture
def folded(window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Window:
    """All candidates but the first, the third and the last are twins of the first."""
    session = window.session
    pictures = [c.picture for c in sorted(session.detail.candidates, key=lambda c: c.score)]
    twins = {name: pictures[0] for place, name in enumerate(pictures) if place not in (0, 2, len(pictures) - 1)}
    monkeypatch.setattr(folding, "fold", lambda read: {name: twins[name] for name in read if name in twins})
    session._folding._twins.clear()
    session.list_all(on=False)
    session.fold_ahead()
    qtbot.waitUntil(lambda: len(session.listed) == 3)
    return window


def test_keys_walk_the_listed_ones_and_numbers_match_the_list(folded: Window) -> None:
    session, panel = folded.session, folded.desk.candidates
    every = [c.id for c in session.detail.candidates]
    assert [c.id for c in panel.model.listed] == [every[0], every[2], every[-1]]
    press(folded, "2")
    assert session.displayed == every[2]
    press(folded, "Right")
    assert session.displayed == every[-1]
    press(folded, "Right")
    assert session.displayed == every[0]
    press(folded, "4")
    assert session.displayed == every[0]


def test_all_are_one_key_away(folded: Window) -> None:
    session, panel = folded.session, folded.desk.candidates
    count = len(session.detail.candidates)
    assert panel.twins.isVisible() and panel.twins.text() == f"{count - 3} more look the same (Shift+C)"
    press(folded, "Shift+C")
    assert panel.model.rowCount() == count and folded.commands["all_candidates"].isChecked()
    panel.twins.click()
    assert panel.model.rowCount() == 3 and not folded.commands["all_candidates"].isChecked()


def test_what_a_person_works_with_is_never_folded(folded: Window) -> None:
    session = folded.session
    every = [c.id for c in session.detail.candidates]
    session.show(every[1])
    assert every[1] in [c.id for c in folded.desk.candidates.model.listed]
    session.show(every[0])
    assert every[1] not in [c.id for c in folded.desk.candidates.model.listed]
    session.compare_with(every[1])
    assert every[1] in [c.id for c in folded.desk.candidates.model.listed]
    session.compare_with(None)
    session.accept(every[3], advance=False)
    assert every[3] in [c.id for c in folded.desk.candidates.model.listed]
    summary = session.summary
    assert summary is not None
    shape = Shape("rectangle", ((5.0, 5.0), (30.0, 30.0)))
    session.change(lambda editor: editor.paint(summary.sequence, every[0], every[4], shape))
    assert every[4] in [c.id for c in session.listed]


def test_a_second_opinion_lists_all(folded: Window) -> None:
    press(folded, "O")
    session = folded.session
    assert folded.desk.candidates.model.rowCount() == len(session.detail.candidates)
    assert not folded.desk.candidates.twins.isVisible() and not folded.commands["all_candidates"].isEnabled()


def test_what_was_kept_stands_among_the_others_by_its_score(window: Window, qtbot: QtBot) -> None:
    session, desk = window.session, window.desk
    qtbot.waitUntil(lambda: desk.live.stack is not None, timeout=20_000)
    desk.sliders.percentile.setValue(337)
    qtbot.waitUntil(lambda: desk.live.active)
    press(window, "K")
    kept = session.candidate(session.displayed)
    analysis = session.detail.analysis
    assert kept is not None and analysis is not None and kept.analysis_id != analysis.id
    scores = [c.score for c in session.detail.candidates]
    assert scores == sorted(scores) and kept in session.listed
