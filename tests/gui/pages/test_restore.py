"""A project that cannot be opened: what the start page offers, and what comes of it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from pipeline.project.decisions import decisions
from pipeline.project.model import Decision
from pipeline.project.recovery import restoration
from pipeline.project.storage import backup_files
from pipeline.project.storage.database import DATABASE, Project
from tests.helpers.hands import PATIENCE

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.main_window.window import Window
    from tests.gui.conftest import Open


@pytest.fixture
def decided(home: Path) -> Path:
    """Two decisions, of which one is in the newest backup."""
    from pipeline.project.analysis.records import all_candidates
    from pipeline.project.clips.sequence_records import sequences

    for number in (0, 1):
        with Project(home) as project:
            sequence = sequences(project)[number]
            decisions.accept(project, sequence, all_candidates(project, sequence.id)[0].name, "Ann")
    return home


def damage(folder: Path, whole: bool) -> None:
    """Destroy the schema, or everything."""
    with (folder / DATABASE).open("rb+") as file:
        if whole:
            file.truncate(0)
        file.write(b"\xa5" * (0 if whole else 4096))


def recorded(window: "Window") -> list[Decision]:
    """The decisions in the project that is open."""
    project = window.session.project
    assert project is not None
    return decisions.journal(project)


def offered(window: "Window", qtbot: "QtBot") -> None:
    qtbot.waitUntil(lambda: window.start_page.offer.isVisible(), timeout=PATIENCE)


@pytest.mark.parametrize("whole", [False, True])
def test_a_damaged_project_is_restored_from_the_start_page(
    open_window: "Open", decided: Path, qtbot: "QtBot", whole: bool
) -> None:
    damage(decided, whole)
    window = open_window(decided)
    offered(window, qtbot)
    offer = window.start_page.offer
    assert window.session.project is None and "cannot be opened" in offer.reason.text()
    newest = backup_files.backups(decided)[0]
    assert (
        backup_files.local_time(newest.at) in offer.explanation.text()
        and "1 decision on 3 sequences" in offer.explanation.text()
    )
    assert offer.button.isEnabled() and not offer.as_it_is.isVisible() and not offer.cancel.isVisible()
    qtbot.mouseClick(offer.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.project is not None, timeout=PATIENCE)
    assert not offer.isVisible() and window.stack.currentWidget() is window.pages
    assert "Restored: " in window.statusBar().currentMessage()
    assert len(recorded(window)) == (1 if whole else 2)  # an empty file has nothing to salvage
    assert [p for p in (decided / "backups").iterdir() if p.suffix == ".sqlite"]


def test_a_store_that_is_damaged_while_it_is_open_is_offered_when_it_is_closed(
    open_window: "Open", decided: Path, qtbot: "QtBot"
) -> None:
    window = open_window(decided)
    qtbot.waitUntil(lambda: window.desk.shown_right is not None, timeout=PATIENCE)
    damage(decided, False)
    window.session.star()
    assert "is damaged" in window.statusBar().currentMessage()
    qtbot.waitUntil(lambda: not window.start_page.offer.isHidden(), timeout=PATIENCE)
    window.session.close()
    offered(window, qtbot)
    qtbot.mouseClick(window.start_page.offer.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.project is not None, timeout=PATIENCE)
    assert len(recorded(window)) == 2


def test_an_older_store_can_be_gone_on_with(open_window: "Open", decided: Path, qtbot: "QtBot") -> None:
    (decided / DATABASE).write_bytes(backup_files.unpack(backup_files.backups(decided)[-1].path))
    window = open_window(decided)
    offered(window, qtbot)
    offer = window.start_page.offer
    assert "is older than the project was" in offer.reason.text() and offer.as_it_is.isVisible()
    qtbot.mouseClick(offer.as_it_is, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.project is not None, timeout=PATIENCE)
    assert recorded(window) == []


def test_a_missing_store_is_offered_among_recent_projects(open_window: "Open", decided: Path, qtbot: "QtBot") -> None:
    window = open_window(decided)
    window.session.close()
    (decided / DATABASE).unlink()
    window.start_page.show_recent()
    item = window.start_page.recent.item(0)
    assert item.data(Qt.ItemDataRole.UserRole) == str(decided)
    window.start_page.recent.itemActivated.emit(item)
    offered(window, qtbot)
    assert "there is no store" in window.start_page.offer.reason.text()


def test_what_cannot_be_restored_is_said_and_can_be_tried_again(
    open_window: "Open", decided: Path, qtbot: "QtBot", monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(decided, False)
    window = open_window(decided)
    offered(window, qtbot)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(restoration, "copy_of", full)
        qtbot.mouseClick(window.start_page.offer.button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: "No space left" in window.start_page.offer.explanation.text(), timeout=PATIENCE)
    assert "No space left" in window.statusBar().currentMessage() and window.session.project is None
    qtbot.mouseClick(window.start_page.offer.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.project is not None, timeout=PATIENCE)


def test_no_project_is_no_offer(open_window: "Open", tmp_path: Path, qtbot: "QtBot") -> None:
    window = open_window(tmp_path)
    qtbot.waitUntil(lambda: not window.workers.busy, timeout=PATIENCE)
    assert not window.start_page.offer.isVisible()


def test_the_window_makes_backups_beside_itself(window: "Window", home: Path, qtbot: "QtBot") -> None:
    there = len(backup_files.backups(home))
    qtbot.waitUntil(lambda: not window.workers.busy, timeout=PATIENCE)
    for _ in range(55):
        window.session.star()
    qtbot.waitUntil(lambda: len(backup_files.backups(home)) > there, timeout=PATIENCE)
    newest = backup_files.backups(home)[0]
    assert backup_files.examine(newest.path, backup_files.unpack(newest.path)).changes >= 50


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes of folders are of Unix")
def test_a_backup_that_fails_is_said_and_decisions_go_on(open_window: "Open", decided: Path, qtbot: "QtBot") -> None:
    for path in (decided / "backups").iterdir():
        path.unlink()
    (decided / "backups").rmdir()
    (decided / "backups").write_text("in the way")
    window = open_window(decided)
    qtbot.waitUntil(lambda: "no backup was made" in window.statusBar().currentMessage(), timeout=PATIENCE)
    before = len(recorded(window))
    window.session.reject(["streaks"])
    assert len(recorded(window)) == before + 1
