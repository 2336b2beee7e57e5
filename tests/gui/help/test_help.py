"""The Help menu in the real window: guide, tour, about."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QDialogButtonBox
from pytestqt.qtbot import QtBot

from gui.help import AboutDialog, GuideDialog, guide_path
from gui.help.tour import STEPS
from rainclean import __version__
from tests.gui.conftest import Open


def test_guide_finds_chapters_and_words(qtbot: QtBot, open_window: Open) -> None:
    window = open_window(None)
    window.commands["guide"].trigger()
    guide = window.findChild(GuideDialog)
    assert guide is not None and guide.isVisible()
    titles = [line[3:] for line in guide_path().read_text().splitlines() if line.startswith("## ")]
    titles.sort(key=lambda title: title != "The window")  # it comes first, before the commands
    assert titles[0] == "The window"
    assert [guide.chapters.item(row).text() for row in range(guide.chapters.count())] == titles
    guide.chapters.setCurrentRow(guide.chapters.count() - 1)
    guide.text.document().size()  # lays all of it out
    bar = guide.text.horizontalScrollBar()
    assert bar.maximum() == bar.minimum()  # no picture and no code is wider than the text
    guide.chapters.setCurrentRow(3)
    assert guide.text.textCursor().block().text() == titles[3]
    qtbot.keyClick(guide, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(guide.search, "registered")
    qtbot.keyClick(guide.search, Qt.Key.Key_Return)
    assert guide.isVisible() and guide.text.textCursor().selectedText() == "registered" and not guide.found.text()
    guide.search.setText("no such words as these")
    qtbot.keyClick(guide.search, Qt.Key.Key_Return)
    assert "not in the guide" in guide.found.text()
    buttons = guide.findChild(QDialogButtonBox)
    assert buttons is not None
    qtbot.mouseClick(buttons.button(QDialogButtonBox.StandardButton.Close), Qt.MouseButton.LeftButton)
    assert not guide.isVisible()


def test_about_says_the_version_and_copies_it(open_window: Open) -> None:
    window = open_window(None)
    window.commands["about"].trigger()
    about = window.findChild(AboutDialog)
    assert about is not None and __version__ in about.versions.text() and "numpy" in about.versions.text()
    about.findChild(QDialogButtonBox).buttons()[-1].click()  # type: ignore[union-attr]
    assert about.versions.text() == QApplication.clipboard().text()


def test_tour_goes_on_when_a_step_is_done(qtbot: QtBot, open_window: Open, home: Path) -> None:
    window = open_window(home)
    window.commands["tour"].trigger()
    tour = window.help.tour
    assert tour is not None and tour.place == 0 and tour.card.isVisible()
    qtbot.mouseClick(tour.card.next, Qt.MouseButton.LeftButton)
    for keys in ((Qt.Key.Key_Right,), (Qt.Key.Key_Z,)):
        place = tour.place
        for key in keys:
            qtbot.keyClick(window.desk.view, key)
        assert tour.place == place + 1
    qtbot.mouseClick(tour.card.next, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.displayed is not None)
    qtbot.keyClick(window.desk.view, Qt.Key.Key_A)
    assert STEPS[tour.place].title == "Undo"
    qtbot.keyClick(window.desk.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert STEPS[tour.place].title == "Pairs"
    qtbot.keyClick(window.desk.view, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert tour.place == len(STEPS) - 1
    qtbot.mouseClick(tour.card.next, Qt.MouseButton.LeftButton)
    assert not tour.is_running and not tour.card.isVisible()
    window.commands["tour"].trigger()  # a second time
    assert tour.place == 0
    qtbot.mouseClick(tour.card.end, Qt.MouseButton.LeftButton)
    assert not tour.is_running


def test_tour_decides_nothing_and_undoes_nothing_if_a_person_only_reads_on(
    qtbot: QtBot, open_window: Open, home: Path
) -> None:
    window = open_window(home)
    window.session.accept()  # a decision of before, which the tour must not take back
    decided = [row.state for row in window.session.summaries.values()]
    window.commands["tour"].trigger()
    tour, titles = window.help.tour, []
    assert tour is not None
    while tour.is_running:
        titles.append(STEPS[tour.place].title)
        if titles[-1] == "Accept":
            assert "is stored in this project" in STEPS[tour.place].text
        qtbot.mouseClick(tour.card.next, Qt.MouseButton.LeftButton)
    assert titles == [step.title for step in STEPS if step.title != "Undo"]
    assert [row.state for row in window.session.summaries.values()] == decided


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_the_card_covers_nothing_that_it_speaks_of(open_window: Open, home: Path, size: tuple[int, int]) -> None:
    window = open_window(home)
    window.resize(*size)
    window.commands["tour"].trigger()
    tour, desk = window.help.tour, window.desk
    assert tour is not None
    QApplication.processEvents()
    for place, step in enumerate(STEPS):
        tour.show_step(place)
        card = tour.card.geometry()
        assert window.rect().contains(card), step.title
        for name, part in {"view": desk.view, "candidates": desk.candidates, "decide": desk.decide}.items():
            if name in (step.target, "decide"):
                covered = card.intersected(QRect(part.mapTo(window, QPoint(0, 0)), part.size()))
                assert covered.isEmpty(), f"{step.title}: {covered}"


def test_tour_opens_the_sample_project_if_none_is_open(open_window: Open, tmp_path: Path) -> None:
    window = open_window(None)
    window.project_commands.documents = tmp_path
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(window.project_commands), "add", lambda self, paths: None)
        window.commands["tour"].trigger()
    assert window.session.project is not None and window.help.tour is not None and window.help.tour.is_running
