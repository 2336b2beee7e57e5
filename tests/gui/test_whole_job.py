"""The whole job without the manual: by mouse only, by keys only, and as the script of the user guide's pictures."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gui.main_window.new_project import NewProjectDialog
from gui.main_window.window import Window
from gui.pages.desk.decide import RejectDialog
from gui.pages.pairs import PairsPage
from gui.pages.properties import PropertiesDialog
from gui.pages.results import ResultsPanel
from gui.pages.training import TrainingPanel
from pipeline.bench.scale import make_large_project
from pipeline.project.storage import Project
from tests.conftest import ROOT
from tests.gui.conftest import Open
from tests.helpers.hands import PATIENCE, activate
from tests.helpers.people import KeyPerson, MousePerson, Person, shown
from tests.helpers.rainy_clips import rainy_clip

PICTURES = (
    "start", "new-project", "home", "desk", "side-by-side", "difference", "survey", "magnifier", "expected-error",
    "live", "pixel", "region", "compose", "properties", "reject", "second-opinion", "agreement", "keys", "guide",
    "tour", "pairs", "exported", "training", "results", "jobs", "light",
)  # fmt: skip
TRAINING = {"steps": 2, "batch": 1, "example_size": 48}
"""Field of the training's form → value: the clips are small, and a test is no training."""

Kind = TypeVar("Kind", bound=QWidget)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four clips of 24 frames."""
    folder = tmp_path_factory.mktemp("job") / "Garden in June"
    for seed in range(4):
        rainy_clip(folder / f"place{seed}.mkv", seed)
    return folder


def wait_for(qtbot: QtBot, window: Window, kind: type[Kind]) -> Kind:
    """Return the dialog that opens."""
    visible = shown(window, kind)
    qtbot.waitUntil(lambda: visible() is not None)
    dialog = visible()
    assert isinstance(dialog, kind)
    activate(dialog)
    return dialog


def page(window: Window, kind: type[Kind]) -> Kind:
    """Return the page on show, which is of this kind."""
    current = window.pages.currentWidget()
    assert isinstance(current, kind), current
    return current


def until_judged(window: Window, qtbot: QtBot, judge: Callable[[], object]) -> None:
    """Judge sequence after sequence until the page says that none is left."""
    for _ in range(4):
        qtbot.waitUntil(lambda: window.session.displayed is not None and window.desk.shown_right is not None)
        judge()
    assert all(row.state in ("accepted", "rejected") for row in window.session.summaries.values())


def wait_for_candidates(window: Window, qtbot: QtBot) -> None:
    """Wait until the clips are added and analysed, as the window does by itself."""

    def ready() -> bool:
        states = [row.state for row in window.session.summaries.values()]
        return states == ["ready"] * 4 and not window.jobs.unfinished()

    qtbot.waitUntil(ready, timeout=PATIENCE)
    assert window.pages.currentWidget() is window.desk  # it came by itself


def export_train_evaluate(window: Window, qtbot: QtBot, person: Person, go_home: Callable[[], object]) -> None:
    """Follow the button for the next step from the last decision to the results."""
    button = window.home.next_button

    def next_step(words: str) -> None:
        go_home()
        assert window.pages.currentWidget() is window.home
        qtbot.waitUntil(lambda: button.text().startswith(words), timeout=PATIENCE)
        person.push(button)

    next_step("Export")
    pairs = page(window, PairsPage)
    qtbot.waitUntil(pairs.run.button.isEnabled, timeout=PATIENCE)
    person.push(pairs.run.button)
    qtbot.waitUntil(lambda: "Exported" in pairs.run.result.text(), timeout=PATIENCE)
    next_step("Train on")
    training = page(window, TrainingPanel)
    person.choose(training.form.preset, training.form.preset.findData("quick"))
    for name, value in TRAINING.items():
        person.set_number(getattr(training.form, name), value)
    person.push(training.form.start_button)
    qtbot.waitUntil(lambda: training.run is not None and training.run.is_finished, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not window.jobs.unfinished(), timeout=PATIENCE)
    assert training.status.text().startswith("Finished: 2 steps")
    next_step("Evaluate")
    results = page(window, ResultsPanel)
    person.push(results.form.evaluate_button)
    qtbot.waitUntil(lambda: results.evaluation is not None, timeout=PATIENCE)
    assert results.evaluation is not None and len(results.evaluation.methods) == 2  # the rainy images, and our weights
    assert results.summary.isVisible() and results.gallery.isVisible()
    go_home()
    qtbot.waitUntil(lambda: button.text() == "See the results", timeout=30_000)


@pytest.mark.long
@pytest.mark.usefixtures("forked_jobs")
def test_whole_job_by_mouse_only(open_window: Open, footage: Path, tmp_path: Path, qtbot: QtBot) -> None:
    window = open_window(None)
    window.project_commands.documents = tmp_path
    person = MousePerson(window)
    person.drop(*map(str, sorted(footage.iterdir())))
    dialog = wait_for(qtbot, window, NewProjectDialog)
    assert dialog.name.text() == footage.name  # proposed: nothing has to be typed
    person.push(dialog.create_button)
    assert window.project_folder() == (tmp_path / footage.name).resolve()
    wait_for_candidates(window, qtbot)
    desk = window.desk

    def judge() -> None:
        listed = desk.candidates.view
        person.click(listed.viewport(), listed.visualRect(listed.model().index(1, 0)).center())
        qtbot.waitUntil(lambda: window.session.displayed == window.session.listed[1].id)
        person.push(desk.decide.buttons["accept"])

    until_judged(window, qtbot, judge)
    person.push(desk.decide.buttons["reject"])
    refusal = wait_for(qtbot, window, RejectDialog)
    box = refusal.boxes["few-frames"]
    person.click(box, QPoint(8, box.height() // 2))
    assert refusal.reasons == ["few-frames"]
    person.push(next(b for b in refusal.findChildren(QPushButton) if b.text() == "Reject"))
    assert sorted(row.state for row in window.session.summaries.values()) == ["accepted"] * 3 + ["rejected"]
    person.act("properties")
    properties = wait_for(qtbot, window, PropertiesDialog)
    licence = properties.fields["licence"].widget
    person.choose(licence, 1)  # type: ignore[arg-type]
    person.push(properties.store)
    qtbot.waitUntil(lambda: window.session.summary is not None and window.session.summary.sequence.licence != "")
    export_train_evaluate(window, qtbot, person, lambda: person.go("Home"))


@pytest.mark.long
@pytest.mark.usefixtures("forked_jobs")
def test_whole_job_by_keys_only(open_window: Open, footage: Path, tmp_path: Path, qtbot: QtBot) -> None:
    window = open_window(None)
    window.project_commands.documents = tmp_path
    person = KeyPerson(window)
    person.push(window.start_page.buttons["new"])
    dialog = wait_for(qtbot, window, NewProjectDialog)
    assert QApplication.focusWidget() is dialog.name
    person.write("Rain in June")
    person.press("Return")
    assert window.project_folder() == (tmp_path / "Rain in June").resolve()
    activate(window)
    person.answer_file_dialog(str(footage))
    person.act("add_folder")
    activate(window)  # a window manager does that when a dialog closes
    wait_for_candidates(window, qtbot)

    def judge() -> None:
        before = window.session.displayed
        person.press("Right")
        qtbot.waitUntil(lambda: window.session.displayed != before and window.desk.shown_right is not None)
        person.press("A")

    until_judged(window, qtbot, judge)
    person.press("R")
    wait_for(qtbot, window, RejectDialog)
    person.press("5", "Return")
    activate(window)
    assert sorted(row.state for row in window.session.summaries.values()) == ["accepted"] * 3 + ["rejected"]
    person.press("F2")
    properties = wait_for(qtbot, window, PropertiesDialog)
    person.tab_to(properties.fields["display_name"].edit)
    person.write("Under the roof")
    person.tab_to(properties.fields["licence"].widget)
    person.press("Down")
    person.press("Return")
    activate(window)
    summary = window.session.summary
    assert summary is not None and summary.sequence.label == "Under the roof" and summary.sequence.licence
    export_train_evaluate(window, qtbot, person, lambda: person.press("Ctrl+0"))


def test_thirty_decisions_by_keys_only(open_window: Open, home: Path, tmp_path: Path, qtbot: QtBot) -> None:
    large = tmp_path / "large"
    make_large_project(home, large, 36)
    window = open_window(large)
    person = KeyPerson(window)
    session, said = window.session, list[str]()
    session.message.connect(said.append)
    for number in range(30):
        qtbot.waitUntil(lambda: session.displayed is not None and window.desk.shown_right is not None)
        decided = session.selected
        assert decided is not None and session.summaries[decided].decision is None
        if number % 10 == 3:
            person.press("R")
            wait_for(qtbot, window, RejectDialog)
            person.press("1", "Return")
            activate(window)
        elif number % 10 == 6:
            person.press("2", "A")
        elif number % 10 == 8:  # a slip, taken back
            person.press("A", "Ctrl+Z", "N")
            assert session.selected == decided
            QTest.keyClicks(person.focus(), "looked twice")
            person.press("Return", "Right", "A")
        else:
            person.press("A")
        assert session.summaries[decided].decision is not None
        if session.selected == decided:  # a rejection stays
            person.press("Ctrl+Down")
    assert any("30 of 36 decided" in message for message in said)
    window.close()
    with Project(large) as project:
        (number,) = project.rows("SELECT count(DISTINCT sequence_id) FROM decision")[0]
        rejected = project.rows("SELECT count(*) FROM decision WHERE verdict = 'rejected'")[0][0]
        assert project.problems() == []
    assert (number, rejected) == (30, 3)


def test_tab_reaches_every_panel_of_the_desk(window: Window, qtbot: QtBot) -> None:
    desk, person = window.desk, KeyPerson(window)
    qtbot.waitUntil(desk.sliders.percentile.isEnabled, timeout=PATIENCE)
    controls = (
        desk.sequences.filter, desk.sequences.sort, desk.strip.play, desk.decide.note,
        desk.decide.buttons["star"], desk.decide.buttons["accept"], desk.tabs.tabBar(), desk.sliders.percentile,
    )  # fmt: skip
    for control in controls:
        person.press("Ctrl+F")
        person.tab_to(control)
    person.press("Esc")
    assert (
        desk.view.hasFocus() and not desk.splitter.hidden
    )  # Tab hides the panels only where the picture has the focus


@pytest.mark.slow  # the two tests of the whole job go the same way; this one also takes the pictures
def test_script_of_the_guide_makes_its_pictures(tmp_path: Path) -> None:
    script = ROOT / "docs" / "make_screenshots.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr  # errors in slots are printed, and nothing else
    for name in PICTURES:
        picture = QImage(str(tmp_path / f"gui-{name}.jpg"))
        assert not picture.isNull(), name
        colours = {picture.pixel(x, y) for x in range(0, picture.width(), 40) for y in range(0, picture.height(), 40)}
        assert len(colours) > 5, f"{name} is nearly empty"
        assert (ROOT / "docs" / "images" / f"gui-{name}.jpg").is_file()
