"""Properties of one and of several sequences: seen, changed, stored, undone; and the history of a sequence."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.pages.properties.dialog import PropertiesDialog
from gui.pages.properties.fields import DIFFERENT
from gui.pages.properties.history import HistoryDialog, local_time
from pipeline.project.model import Sequence
from pipeline.project.storage.database import Project
from rainclean.video import Region
from tests.helpers.hands import activate
from tests.helpers.hands import press as press_key


@pytest.fixture
def suggested(home: Path) -> Path:
    """The scene of the second sequence is suggested: it looks like the first."""
    with Project(home) as project, project.transaction():
        project.execute("UPDATE sequence SET scene = 'harbour', scene_by = 'person' WHERE id = 1")
        project.execute("UPDATE sequence SET scene = 'harbour', scene_by = 'suggestion', looks_like = 1 WHERE id = 2")
    return home


def press(window: Window, keys: str) -> None:
    """Press a key in the window: a dialog that was closed may not have given the focus back yet."""
    activate(window)
    press_key(window, keys)


def opened(window: Window, key: str = "F2") -> PropertiesDialog:
    press(window, key)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, PropertiesDialog)
    activate(dialog)
    return dialog


def sequence(window: Window, number: int) -> Sequence:
    return window.session.summaries[number].sequence


def test_texts_are_typed_saved_and_undone_by_keys(window: Window, qtbot: QtBot) -> None:
    said: list[str] = []
    window.session.message.connect(said.append)
    dialog = opened(window)
    assert dialog.windowTitle() == "Properties of place0"
    qtbot.waitUntil(dialog.fields["display_name"].edit.hasFocus)
    assert dialog.fields["display_name"].edit.placeholderText() == "place0"
    QTest.keyClicks(dialog.fields["display_name"].edit, "Old pier")
    QTest.keyClicks(dialog.fields["author"].edit, "  Ann   Lee ")
    assert not dialog.outdated.text() and dialog.analyze.isHidden()
    QTest.keyClick(dialog.fields["author"].edit, Qt.Key.Key_Return)
    assert QApplication.activeModalWidget() is None
    one = sequence(window, 1)
    assert (one.label, one.author, one.licence) == ("Old pier", "Ann Lee", "CC0")
    assert said == ["Old pier changed · Ctrl+Z takes it back"]
    press(window, "Ctrl+Z")
    assert (sequence(window, 1).label, sequence(window, 1).author) == ("place0", "")
    dialog = opened(window, "Alt+Return")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert QApplication.activeModalWidget() is None


def test_nothing_changed_is_nothing_stored(window: Window) -> None:
    before = window.session.editor and window.session.editor.can_undo()
    dialog = opened(window)
    QTest.mouseClick(dialog.store, Qt.MouseButton.LeftButton)
    assert window.session.editor is not None and window.session.editor.can_undo() == before


def test_in_and_out_point_make_clean_images_out_of_date(window: Window, qtbot: QtBot) -> None:
    dialog = opened(window)
    qtbot.waitUntil(lambda: dialog.picture._image is not None, timeout=20_000)
    frames = dialog.range
    frames.first.setFocus()
    QTest.keyClick(frames.first, Qt.Key.Key_Up)
    assert frames.first.value() == 1 and frames.seconds[frames.first].value() > 0
    assert dialog.picture_label.text().startswith("Frame 1, first frame.")
    frames.seconds[frames.last].setValue(0.0)
    assert frames.last.value() == 0 and dialog.errors["range"].text() == "The last frame must come after the first one."
    assert not dialog.store.isEnabled()
    frames.last.setValue(10)
    assert dialog.errors["range"].text() == "" and frames.amount.text().startswith("10 frames")
    assert dialog.outdated.text() == "Its clean images become out of date." and dialog.analyze.isVisible()
    QTest.mouseClick(frames.whole, Qt.MouseButton.LeftButton)
    assert dialog.outdated.text() == "" and dialog.changes.is_empty
    frames.last.setValue(10)
    QTest.mouseClick(dialog.store, Qt.MouseButton.LeftButton)
    assert sequence(window, 1).stop == 11 and window.session.summaries[1].outdated
    panel = window.desk.sequences
    assert "Out of date" in panel.model.describe(window.session.summaries[1])
    panel.filter.setCurrentText("Out of date")
    assert window.session.order == [1]


def test_saving_can_analyse_again(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr(window.jobs, "start", lambda job: started.append(job.arguments))
    dialog = opened(window)
    dialog.range.first.setValue(2)
    QTest.mouseClick(dialog.analyze, Qt.MouseButton.LeftButton)
    assert sequence(window, 1).first == 2
    assert [arguments[0:1] + arguments[2:] for arguments in started] == [("analyze", "--again", "place0")]
    press(window, "Ctrl+Shift+R")
    assert len(started) == 2 and started[0] == started[1]


def test_a_region_is_dragged_or_typed(window: Window, qtbot: QtBot) -> None:
    dialog = opened(window)
    qtbot.waitUntil(lambda: dialog.picture._image is not None, timeout=20_000)
    picture, region = dialog.picture, dialog.region
    place = picture.place()
    start, end = place.topLeft().toPoint() + QPoint(2, 2), place.center().toPoint()
    QTest.mousePress(picture, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(picture, end)
    QTest.mouseRelease(picture, Qt.MouseButton.LeftButton, pos=end)
    drawn = region.region
    assert drawn is not None and abs(drawn.width - picture.frame_width / 2) < picture.frame_width / 10
    assert not region.whole.isChecked() and dialog.outdated.text()
    region.boxes[0].setValue(4)
    region.boxes[2].setValue(10_000)
    assert region.region is not None and region.region.x + region.region.width == picture.frame_width
    assert picture.region == region.region
    QTest.mouseClick(dialog.store, Qt.MouseButton.LeftButton)
    stored = sequence(window, 1).region
    assert stored is not None and stored.x == 4
    dialog = opened(window)
    assert dialog.region.region == stored and dialog.changes.is_empty
    dialog.region.whole.click()
    assert dialog.changes.region == "whole" and dialog.outdated.text() == ""
    QTest.mouseClick(dialog.store, Qt.MouseButton.LeftButton)
    assert sequence(window, 1).region is None and not window.session.summaries[1].outdated


def test_a_click_draws_no_region(window: Window) -> None:
    dialog = opened(window)
    QTest.mouseClick(dialog.picture, Qt.MouseButton.LeftButton, pos=dialog.picture.rect().center())
    assert dialog.changes.is_empty
    dialog.reject()


def test_a_suggested_scene_is_confirmed_or_named(suggested: Path, window: Window, qtbot: QtBot) -> None:
    session = window.session
    session.select(2)
    assert "(suggested)" in window.desk.sequences.model.describe(session.summaries[2])
    dialog = opened(window)
    assert dialog.scene.text.text() == "Suggested: harbour, because its background looks like place0."
    offers = [dialog.fields["scene"].widget.itemText(i) for i in range(2)]  # type: ignore[attr-defined]
    assert offers == ["harbour", "place2"]
    QTest.mouseClick(dialog.scene.name_other, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dialog.fields["scene"].edit.hasFocus)
    QTest.keyClicks(dialog.fields["scene"].edit, "mill")
    QTest.keyClick(dialog.fields["scene"].edit, Qt.Key.Key_Return)
    assert (sequence(window, 2).scene, sequence(window, 2).scene_by) == ("mill", "person")
    press(window, "Ctrl+Z")
    assert (sequence(window, 2).scene, sequence(window, 2).scene_by) == ("harbour", "suggestion")
    dialog = opened(window)
    dialog.fields["scene"].widget.setFocus()
    QTest.keyClick(dialog.fields["scene"].widget, Qt.Key.Key_Tab)
    qtbot.waitUntil(dialog.scene.confirm.hasFocus)
    QTest.keyClick(dialog.scene.confirm, Qt.Key.Key_Space)
    assert dialog.scene.text.text() == "Confirmed: harbour."
    QTest.mouseClick(dialog.store, Qt.MouseButton.LeftButton)
    assert (sequence(window, 2).scene, sequence(window, 2).scene_by) == ("harbour", "person")
    press(window, "Ctrl+Z")
    said: list[str] = []
    session.message.connect(said.append)
    press(window, "Shift+S")
    assert sequence(window, 2).scene_by == "person"
    press(window, "Shift+S")
    assert said == ["place1 scene confirmed: harbour · Ctrl+Z takes it back", "No suggested scene to confirm here"]


def test_a_scene_needs_a_name(window: Window) -> None:
    dialog = opened(window)
    dialog.fields["author"].edit.setText("An\x01n")
    assert dialog.errors["author"].text() == "Author 'An\\x01n': holds characters that are not text."
    assert dialog.errors["author"].isVisible() and not dialog.errors["notes"].isVisible()
    assert not dialog.store.isEnabled()
    dialog.fields["author"].edit.clear()
    dialog.fields["scene"].edit.clear()
    assert dialog.errors["scene"].text() == "A scene needs a name." and not dialog.store.isEnabled()
    dialog.reject()


def test_several_keep_what_differs(suggested: Path, window: Window) -> None:
    session = window.session
    press(window, "Ctrl+A")
    dialog = opened(window)
    assert dialog.windowTitle() == "Properties of 3 sequences"
    assert dialog.fields["scene"].edit.placeholderText() == DIFFERENT and dialog.changes.is_empty
    dialog.range.first.setValue(3)
    dialog.fields["licence"].edit.setText("CC-BY-4.0")
    assert dialog.outdated.text() == "The clean images of 3 sequences become out of date."
    QTest.mouseClick(dialog.store, Qt.MouseButton.LeftButton)
    assert {(row.sequence.first, row.sequence.licence) for row in session.summaries.values()} == {(3, "CC-BY-4.0")}
    assert [row.sequence.scene for row in session.summaries.values()] == ["harbour", "harbour", "place2"]
    press(window, "Ctrl+Z")
    assert {(row.sequence.first, row.sequence.licence) for row in session.summaries.values()} == {(0, "CC0")}


def test_differing_numbers_and_regions_say_so(window: Window) -> None:
    session = window.session
    from pipeline.project.editing import Properties

    one = sequence(window, 1)
    session.change_several(
        lambda editor: editor.set_properties([one], Properties(first=4, author="Ann", region=Region(0, 0, 40, 30)))
    )
    press(window, "Ctrl+A")
    dialog = opened(window)
    assert dialog.range.first.text() == DIFFERENT and dialog.range.first.changed_to is None
    assert dialog.region.whole.checkState() == Qt.CheckState.PartiallyChecked and dialog.changes.is_empty
    author = dialog.fields["author"]
    author.edit.actions()[-1].trigger()
    assert author.value == "" and author.edit.placeholderText() == "cleared for all"
    dialog.region.whole.click()
    assert dialog.changes.region == "whole"
    QTest.mouseClick(dialog.store, Qt.MouseButton.LeftButton)
    assert (sequence(window, 1).author, sequence(window, 1).region, sequence(window, 1).first) == ("", None, 4)


def test_errors_stay_in_the_dialog(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    assert window.session.project is not None
    dialog = opened(window)
    dialog.fields["notes"].edit.setText("wet")
    window.session.project.read_only = True
    QTest.mouseClick(dialog.store, Qt.MouseButton.LeftButton)
    assert dialog.isVisible() and "cannot be written to" in dialog.error.text()
    dialog.reject()


def test_a_missing_clip_is_said_in_the_picture(home: Path, window: Window, qtbot: QtBot) -> None:
    with Project(home) as project, project.transaction():
        project.execute("UPDATE clip SET path = '/nowhere/clip.mkv', relative = ''")
    dialog = opened(window)
    qtbot.waitUntil(lambda: "is not there any more" in dialog.picture._text, timeout=20_000)
    dialog.reject()


def test_history_lists_what_was_done_and_is_copied(window: Window) -> None:
    press(window, "S")
    press(window, "Ctrl+Z")
    press(window, "Shift+A")
    press(window, "Ctrl+H")
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, HistoryDialog) and dialog.windowTitle() == "History of place0"
    activate(dialog)
    texts = [dialog.table.item(row, 2).text() for row in range(dialog.table.rowCount())]  # type: ignore[union-attr]
    assert texts[0].startswith("Accepted ") and "Starred (undone)" in texts and texts[-1] == "Added"
    struck = dialog.table.item(texts.index("Starred (undone)"), 2)
    assert struck is not None and struck.font().strikeOut()
    QTest.keyClick(dialog, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().splitlines()
    assert len(lines) == len(texts) and lines[-1].endswith("\trainclean\tAdded")
    dialog.table.selectRow(0)
    dialog.copy()
    assert QApplication.clipboard().text() == lines[0]
    QTest.keyClick(dialog, Qt.Key.Key_Escape)


def test_local_time_of_what_is_no_time() -> None:
    assert local_time("soon") == "soon" and len(local_time("2026-03-01T12:00:00Z")) == len("2026-03-01 12:00")
