"""Choosing automatically asks first, is one step of this person, and is reported."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.main_window.automatic import AutomaticQuestion, question, remainder, report
from gui.main_window.window import Window
from pipeline.project.decisions import AutoPlan
from tests.helpers.hands import PATIENCE, press


def asked(window: Window) -> AutomaticQuestion:
    (box,) = (b for b in window.findChildren(AutomaticQuestion) if b.isVisible())
    return box


def states(window: Window) -> set[str]:
    return {row.state for row in window.session.summaries.values()}


def test_it_asks_accepts_and_is_undone_in_one_step(window: Window, home: Path, qtbot: QtBot) -> None:
    window.session.set_user("anna")
    window.commands["auto"].trigger()
    box = asked(window)
    assert box.text() == "Accept the first candidate of 3 sequences that are fit?"
    QTest.keyClick(box, Qt.Key.Key_Escape)
    assert not window.jobs.all
    window.commands["auto"].trigger()
    button = asked(window).accept_button
    assert button is not None and button.text() == "Accept 3"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(window.jobs.all) and not window.jobs.unfinished(), timeout=PATIENCE)
    message = window.statusBar().currentMessage()
    assert message == "Choose automatically: 3 sequences accepted. Ctrl+Z undoes it."
    assert states(window) == {"accepted automatically"}
    with qtbot.waitActive(window):
        window.activateWindow()
    press(window, "Ctrl+Z")
    assert window.statusBar().currentMessage().startswith("Undone")
    window.session.refresh()
    assert states(window) == {"ready"}


def test_counts_in_words() -> None:
    plan = AutoPlan(fit=212, look=9, unfit=3)
    assert question(plan) == "Accept the first candidate of 212 sequences that are fit?"
    assert remainder(plan).startswith("9 need a look and 3 are unfit; they stay undecided.")
    assert remainder(AutoPlan(fit=1, failed=1)).startswith("1 could not be analysed; it stays undecided.")
    assert remainder(AutoPlan()) == "" and question(AutoPlan()).startswith("There is nothing to accept")
    words = ["chosen automatically: 0", "skipped, a person should look first (--include look accepts these, too): 1"]
    assert report("Choose", {"chosen": {}, "words": words}) == (
        "Choose: nothing was accepted; skipped, a person should look first: 1"
    )
