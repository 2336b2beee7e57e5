"""The home of a project: what it says, where its buttons lead, and that all of it is there after a restart."""

import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from gui.jobs import Job, duration_text
from gui.main_window.window import Window
from gui.pages.home.page import HomePage
from gui.pages.home.texts import figures
from gui.pages.pairs.page import PairsPage
from gui.pages.results.page import ResultsPanel
from gui.pages.training.page import TrainingPanel
from gui.widgets import dialogs
from pipeline.project import activities
from pipeline.project.model import ActivityKind, ActivityState
from pipeline.project.storage.database import Project
from tests.gui.conftest import Open
from tests.helpers.hands import PATIENCE, press


def click(button: QPushButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def happened(
    home: Path, kind: ActivityKind, folder: Path, state: ActivityState, summary: dict[str, object] | None = None
) -> None:
    """Record an activity as the commands do."""
    folder.mkdir(exist_ok=True)
    with Project(home) as project:
        begun = activities.begin(
            project, kind, folder.name, folder, arguments=[kind, str(home), "-o", str(folder)], who="anna"
        )
        activities.end(project, begun, state, summary=summary)
        # Times have seconds, and a test decides and exports within one.
        project.execute("UPDATE activity SET started = '2100-01-01T00:00:' || printf('%02d', id) || 'Z'")


def held(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    started: list[Job] = []
    monkeypatch.setattr(window.jobs, "start", started.append)
    return started


def shown_home(window: Window) -> HomePage:
    press(window, "Ctrl+0")
    assert window.pages.currentWidget() is window.home and window.home.isVisible()
    return window.home


def test_it_says_how_far_the_project_is_and_leads_to_judging(window: Window) -> None:
    press(window, "A")
    home = shown_home(window)
    assert home.headline.text() == "1 of 3 decided · 2 to go"
    assert (home.bar.value(), home.bar.maximum()) == (1, 3)
    assert home.next_button.text() == "Judge 2 sequences"
    assert {state: chip.text().strip() for state, chip in home.clips.chips.items()} == {
        "ready": "2 to judge", "accepted": "1 accepted",
    }  # fmt: skip
    click(home.clips.chips["accepted"])
    assert window.pages.currentWidget() is window.desk
    assert window.desk.sequences.filter.currentText() == "Accepted by a person" and len(window.session.order) == 1
    window.desk.sequences.filter.setCurrentText("All")
    press(window, "Ctrl+0")
    home.next_button.setFocus()
    QTest.keyClick(home.next_button, Qt.Key.Key_Space)
    assert window.pages.currentWidget() is window.desk
    assert window.session.summary is not None and window.session.summary.state == "ready"


def test_the_next_step_goes_from_export_to_training_to_results(
    window: Window, home: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    for _ in range(3):
        press(window, "A")
    page = shown_home(window)
    assert page.next_button.text() == "Export the data set"
    click(page.next_button)
    assert window.pages.current == "pairs"
    happened(home, "export", tmp_path / "data", "finished", {"pairs": {"train": 20, "val": 4}})
    window.session.look_around()
    press(window, "Ctrl+0")
    qtbot.waitUntil(lambda: page.next_button.text() == "Train on data")
    (row,) = page.activities.rows
    assert "24 pairs" in row.facts.toolTip() and "by anna" in row.facts.toolTip()
    click(page.next_button)
    training = window.pages.currentWidget()
    assert isinstance(training, TrainingPanel) and training.form.dataset.path == tmp_path / "data"
    happened(home, "training", tmp_path / "run", "finished")
    (tmp_path / "run" / "best.safetensors").touch()
    window.session.look_around()
    press(window, "Ctrl+0")
    assert page.next_button.text() == "Evaluate run"
    click(page.next_button)
    results = window.pages.currentWidget()
    assert isinstance(results, ResultsPanel) and results.form.weights.paths == (tmp_path / "run" / "best.safetensors",)
    press(window, "Ctrl+0")
    click(next(row for row in page.activities.rows if row.activity.kind == "training").open_button)
    assert training.folder == tmp_path / "run" and window.pages.currentWidget() is training


def test_an_export_is_opened_on_pairs(window: Window, home: Path, tmp_path: Path, qtbot: QtBot) -> None:
    happened(home, "export", tmp_path / "data", "finished")
    report = {"pairs": {"train": 20, "test": 0}, "splits": {"train": ["a", "b"], "test": []}, "notes": []}
    (tmp_path / "data" / "export.json").write_text(json.dumps(report))
    window.session.look_around()
    page = shown_home(window)
    (row,) = page.activities.rows
    click(row.open_button)
    pairs = window.pages.currentWidget()
    assert isinstance(pairs, PairsPage)
    qtbot.waitUntil(lambda: pairs.form.folder == tmp_path / "data", timeout=PATIENCE)
    assert "train 20 pairs of 2 scenes" in pairs.run.result.text()
    qtbot.waitUntil(pairs.run.open_folder.isVisible, timeout=PATIENCE)


def test_interrupted_work_is_resumed_as_a_job(
    window: Window, home: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened(home, "training", tmp_path / "run", "interrupted")
    (tmp_path / "run" / "run.json").write_text("{}")
    window.session.look_around()
    page, started = shown_home(window), held(window, monkeypatch)
    (row,) = page.activities.rows
    assert row.state.text() == "Interrupted"
    qtbot.waitUntil(row.resume.isVisible)
    assert page.next_button.text() == "Resume the training run"
    click(row.resume)
    press(window, "Ctrl+0")
    click(page.next_button)
    assert [job.arguments for job in started] == [("train", "--resume", str(tmp_path / "run"))] * 2


def test_a_training_that_never_began_is_tried_again(window: Window, home: Path, tmp_path: Path) -> None:
    happened(home, "training", tmp_path / "run", "failed")
    with Project(home) as project:
        project.execute("UPDATE activity SET error = 'all training pairs are of one scene'")
    window.session.look_around()
    (row,) = shown_home(window).activities.rows
    assert row.resume.text() == "Try again"
    assert row.error.text() == "all training pairs are of one scene" and not row.error.isHidden()


def test_an_empty_project_has_one_sentence_and_one_action(
    open_window: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Project.create(tmp_path / "empty").close()
    window = open_window(tmp_path / "empty")
    assert window.pages.currentWidget() is window.home
    assert window.home.headline.text().startswith("No clips yet") and not window.home.activities.isVisible()
    asked: list[str] = []

    def choose(_: object, title: str, *__: object, **___: object) -> list[Path]:
        asked.append(title)
        return []

    monkeypatch.setattr(dialogs, "choose", choose)
    click(window.home.next_button)
    assert asked == ["Choose clips"]


def test_moved_clips_are_found_by_a_button(
    open_window: Open, home: Path, made_once: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project(home) as project:
        project.execute("UPDATE clip SET path = '/gone/' || id || '.mkv', relative = ''")
    window = open_window(home)
    qtbot.waitUntil(lambda: "clips" in window.notices.notices, timeout=PATIENCE)
    notice = window.notices.notices["clips"]
    assert notice.text.text().startswith("3 clips are not at their place: 1.mkv")
    page = shown_home(window)
    assert page.clips.find_button.isVisible()
    new = tmp_path / "new"
    new.mkdir()
    for number in range(2):
        shutil.copy(made_once.parent / f"place{number}.mkv", new / f"renamed{number}.mkv")
    monkeypatch.setattr(dialogs, "choose", lambda *_, **__: [new])
    click(page.clips.find_button)
    qtbot.waitUntil(lambda: bool(window.jobs.all) and not window.jobs.unfinished(), timeout=PATIENCE)
    assert "Find clips: 2 of 3 missing clips found. Still missing: /gone/3.mkv" in window.statusBar().currentMessage()
    qtbot.waitUntil(lambda: window.notices.notices["clips"].text.text().startswith("1 clip is not"), timeout=PATIENCE)
    shutil.copy(made_once.parent / "place2.mkv", new)
    click(window.notices.notices["clips"].button)
    qtbot.waitUntil(lambda: not window.jobs.unfinished() and not window.notices.notices, timeout=PATIENCE)
    assert not window.notices.isVisible() and not page.clips.find_button.isVisible()


def test_failed_sequences_say_why_and_are_analysed_again(
    window: Window, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project(home) as other:
        other.execute("UPDATE analysis SET error = 'place1.mkv: is damaged' WHERE sequence_id = 2")
    window.session.look_around()
    page, started = shown_home(window), held(window, monkeypatch)
    assert page.clips.chips["failed"].text().strip() == "1 failed"
    assert any("is damaged" in label.text() for label in page.clips.findChildren(type(page.headline)))
    click(page.clips.again)
    assert [job.kind for job in started] == ["analyze"]


def test_everything_is_where_it_was_after_a_restart(open_window: Open, home: Path, tmp_path: Path) -> None:
    window = open_window(home)
    window.desk.sequences.sort.setCurrentText("Name")
    window.desk.sequences.filter.setCurrentText("Ready")
    third = window.session.order[2]
    window.session.select(third)
    press(window, "Ctrl+3")
    training = window.pages.currentWidget()
    assert isinstance(training, TrainingPanel)
    training.form.dataset.set_path(tmp_path / "data")
    window.close()
    again = open_window(home)
    page = again.pages.currentWidget()
    assert isinstance(page, TrainingPanel) and page.form.dataset.path == tmp_path / "data"
    sequences = again.desk.sequences
    assert (sequences.sort.currentText(), sequences.filter.currentText()) == ("Name", "Ready")
    assert again.session.selected == third


def test_damaged_memory_is_no_obstacle(open_window: Open, home: Path) -> None:
    with Project(home) as project:
        uuid = project.uuid
    for value in ("[", "[]", json.dumps({"page": 7, "sizes": [], "fields": {"training": 3}, "filter": {}})):
        window = open_window(None)
        window.settings.setValue(f"project/{uuid}", value)
        window.open_project(home)
        assert window.pages.currentWidget() is window.desk
        window.settings.remove(f"project/{uuid}")


def test_figures_have_units() -> None:
    assert figures({"pairs": {"train": 1, "val": 0}, "psnr_db": 31.234, "other": 1}) == "1 pair · PSNR 31.23 dB"
    assert figures({"pairs": "many", "ssim": None, "psnr_db": {}}) == ""
    trained = {"steps": 6, "step": 6, "best_psnr": 23.036, "best_step": 4}
    assert figures(trained) == "6 steps · best validation 23.04 dB at step 4"
    psnr = {"rainy": {"matlab-y": 24.4, "basicsr-y": 1.0}, "best": {"matlab-y": 25.5, "basicsr-y": None}}
    evaluated = figures({"pairs": 10, "psnr_db": psnr})
    assert evaluated == "10 pairs · PSNR (matlab-y): rainy 24.40 dB, best 25.50 dB"
    assert [duration_text(s) for s in (8, 90, 3600 * 3 + 300)] == ["8 s", "1 min 30 s", "3 h 5 min"]
