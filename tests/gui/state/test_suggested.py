"""The suggested candidate: shown with its reasons, learned beside the window, and never in a blind judgement."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.pages.desk.candidates import CandidatesPanel
from gui.state.sequence_order import UNSURE
from pipeline.project.clips.sequence_records import sequences
from pipeline.project.decisions.decisions import current
from pipeline.project.storage.database import Project
from rainclean.candidates.preference import LEAST
from tests.gui.conftest import Open
from tests.helpers.hands import press
from tests.helpers.judged_projects import judge, judged_project, line_up


@pytest.fixture
def judged(home: Path) -> Path:
    """A project of three clips, in which enough other sequences were judged."""
    with Project(home) as store:
        judged_project(store, LEAST + 2)
    return home


def learned(window: Window, qtbot: QtBot) -> Window:
    """The window, once it has learned."""
    qtbot.waitUntil(lambda: window.session.suggestions.learned)
    return window


def texts(panel: CandidatesPanel) -> list[str]:
    """What the list of candidates tells, tooltips and the line above it included."""
    from PySide6.QtCore import Qt

    rows = [panel.model.index(row) for row in range(panel.model.rowCount())]
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole)
    said = [str(panel.model.data(row, role)) for row in rows for role in roles]
    return said + ([panel.notes.suggestion.text()] if panel.notes.suggestion.isVisible() else [])


def is_told(window: Window) -> bool:
    """Whether anything tells what is suggested; all or nothing does."""
    panel = window.desk.candidates
    found = {
        window.session.suggested is not None,
        panel.notes.suggestion.isVisible(),
        any("suggested" in t for t in texts(panel)),
    }
    assert len(found) == 1
    return found.pop()


def test_the_suggested_candidate_is_marked_with_its_reasons(judged: Path, open_window: Open, qtbot: QtBot) -> None:
    window = learned(open_window(judged), qtbot)
    session, panel = window.session, window.desk.candidates
    suggested = session.suggested
    assert suggested is not None
    candidate = session.candidate(suggested.candidate_id)
    assert candidate is not None and candidate.name.endswith("vote-minus10")
    number = [c.id for c in session.detail.candidates].index(suggested.candidate_id)
    spoken = [text for text in texts(panel) if suggested.label in text]
    assert suggested.label.startswith("suggested because of ") and len(spoken) == 3
    assert panel.notes.suggestion.text().startswith(f"{number + 1}  ") and panel.notes.suggestion.text().endswith(
        "% likely to be chosen."
    )
    # What is selected next begins with what is suggested; the list stays in the order of the scores.
    press(window, "Down")
    assert session.suggested is not None and session.displayed == session.suggested.candidate_id
    scores = [c.score for c in session.detail.candidates]
    assert scores == sorted(scores)


def test_a_blind_judgement_is_not_swayed(judged: Path, open_window: Open, qtbot: QtBot) -> None:
    window = learned(open_window(judged), qtbot)
    session = window.session
    press(window, "Down")
    press(window, "O")
    assert session.blind and not is_told(window)
    assert session.displayed == session.detail.candidates[0].id  # the first by chance
    order = list(session.order)
    window.desk.sequences.sort.setCurrentText(UNSURE)
    assert session.order == order and window.desk.sequences.model.unsure == {}
    # What is learned meanwhile is not shown either.
    press(window, "A")
    with Project(judged) as store:
        judge(store, sequences(store)[5], line_up(store, sequences(store)[5])[0], "Ben")
    before = session.suggestions
    session.look_around()
    qtbot.waitUntil(lambda: session.suggestions is not before)
    assert not is_told(window)
    press(window, "O")
    assert is_told(window)


def test_nothing_is_shown_before_enough_was_judged(window: Window, qtbot: QtBot) -> None:
    session = window.session
    press(window, "Shift+A")
    qtbot.waitUntil(lambda: session.suggestions.judgements == 1)
    assert not is_told(window)
    window.desk.sequences.sort.setCurrentText(UNSURE)
    assert session.order == [1, 2, 3]
    assert "none yet: people have judged 1 of the 12 sequences needed" in window.desk.sequences.count.text()


def test_it_is_learned_from_what_is_decided_here(judged: Path, open_window: Open, qtbot: QtBot) -> None:
    window = learned(open_window(judged), qtbot)
    session = window.session
    press(window, "A")
    qtbot.waitUntil(lambda: session.suggestions.judgements == LEAST + 3)
    press(window, "Ctrl+Z")
    qtbot.waitUntil(lambda: session.suggestions.judgements == LEAST + 2)
    with Project(judged) as store:
        assert 1 not in current(store)


def test_the_most_unsure_come_first_and_the_list_does_not_jump(judged: Path, open_window: Open, qtbot: QtBot) -> None:
    window = learned(open_window(judged), qtbot)
    session, panel = window.session, window.desk.sequences
    panel.sort.setCurrentText(UNSURE)
    panel.sort.activated.emit(panel.sort.currentIndex())  # as choosing it by hand does
    unsure = session.suggestions.unsure
    still = [number for number in session.order if session.summaries[number].decision is None]
    assert sorted(still) == [1, 2, 3] and session.order[:3] == still
    assert still == sorted(still, key=lambda number: -unsure[number])
    assert panel.model.unsure == unsure
    with Project(judged) as store:
        for sequence in sequences(store)[4:8]:
            judge(store, sequence, line_up(store, sequence)[0], "Ben")
    order = list(session.order)
    session.look_around()
    qtbot.waitUntil(lambda: session.suggestions.unsure != unsure)
    assert session.order == order and panel.model.unsure == unsure
    panel.sort.activated.emit(panel.sort.currentIndex())
    assert panel.model.unsure == session.suggestions.unsure


def test_another_project_is_learned_from_anew(judged: Path, open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    window = learned(open_window(judged), qtbot)
    with Project.create(tmp_path / "other"):
        pass
    window.open_project(tmp_path / "other")
    assert not window.session.suggestions.learned and window.session.suggested is None
