"""The desk fits small screens, panels hide, and no text moves the picture."""

from pathlib import Path

from PySide6.QtCore import QRect, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea, QToolButton
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.pages.desk.panels import LEFT, RIGHT
from gui.pages.desk.toolbar import CHECKABLE, DeskToolbar
from gui.widgets import ElidedLabel
from pipeline.project.storage.database import Project
from tests.gui.conftest import Open
from tests.helpers.hands import press

LONG = "a" * 200


def resize(window: Window, size: tuple[int, int], qtbot: QtBot) -> None:
    window.resize(*size)
    qtbot.waitUntil(lambda: (window.width(), window.height()) == size)


def test_the_desk_fits(window: Window, qtbot: QtBot) -> None:
    toolbar = window.desk.findChild(DeskToolbar)
    assert toolbar is not None
    for size in ((1280, 720), (1366, 768), (1920, 1080)):
        resize(window, size, qtbot)
        QApplication.processEvents()
        for button in toolbar.findChildren(QToolButton):
            if button.objectName() != "qt_toolbar_ext_button":
                assert button.isVisible() and toolbar.rect().contains(button.geometry()), (size, button.text())
        for name, button in window.desk.decide.buttons.items():
            assert button.width() >= button.sizeHint().width(), (size, name)
        widths = window.desk.splitter.sizes()
        assert abs(widths[0] - LEFT) < 12 and abs(widths[2] - RIGHT) < 12, size


def test_texts_of_the_toolbar_come_where_there_is_room(window: Window, qtbot: QtBot) -> None:
    toolbar = window.desk.findChild(DeskToolbar)
    assert toolbar is not None
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: toolbar.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly)
    window.resize(1920, 1080)
    qtbot.waitUntil(lambda: toolbar.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    actual = toolbar.widgetForAction(window.commands["actual"])
    assert isinstance(actual, QToolButton)
    assert actual.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly, "its icon is its text"


def test_the_picture_never_moves_when_a_text_changes(open_window: Open, home: Path, qtbot: QtBot) -> None:
    with Project(home) as other:
        other.execute("UPDATE sequence SET name = ? WHERE id = 2", LONG)
        other.execute("UPDATE sequence SET name = ? WHERE id = 3", "many words " * 18)
        other.execute("""UPDATE analysis SET warnings = ? WHERE sequence_id = 2""", f'["{LONG}", "{"a note " * 90}"]')
    window = open_window(home)
    window.resize(1366, 768)
    qtbot.waitUntil(lambda: window.desk.shown_right is not None and window.width() == 1366)
    view, seen = window.desk.view, set[tuple[int, int, int, int]]()

    def look() -> None:
        qtbot.wait(1)
        corner = view.mapTo(window, view.rect().topLeft())
        seen.add(QRect(corner, view.size()).getRect())  # type: ignore[arg-type]

    look()
    for keys in ("Down", "Down", "Up", "Up", "Right", "C", "C", "M", "M", "M", "Shift+C", "Shift+A", "O", "O", "U"):
        press(window, keys)
        look()
    window.session.reject(["camera", "light", "passers-by"], LONG, advance=False)
    look()
    window.session.set_user(LONG)
    window.session.accept(advance=False)
    look()
    qtbot.waitUntil(lambda: window.desk.live.stack is not None, timeout=20_000)
    for percentile in (100, 337):
        window.desk.sliders.percentile.setValue(percentile)
        qtbot.waitUntil(lambda: window.desk.live.active)
        look()
    press(window, "K")
    look()
    window.desk.strip.choose(3)
    look()
    press(window, "H")
    look()
    press(window, "Esc")
    press(window, "A")
    look()
    assert len(seen) == 1 and window.width() == 1366


def test_no_tool_for_composing_is_cut_at_the_side(window: Window, qtbot: QtBot) -> None:
    press(window, "H")
    (scroll,) = window.desk.compose.findChildren(QScrollArea)
    contents = scroll.widget()
    assert contents is not None
    for size in ((1280, 720), (1400, 880)):
        resize(window, size, qtbot)
        qtbot.waitUntil(lambda: 0 < contents.width() <= scroll.viewport().width())


def test_tab_hides_both_panels_and_shows_them_again(window: Window, qtbot: QtBot) -> None:
    desk = window.desk
    widths, before = desk.splitter.sizes(), desk.view.width()
    desk.view.setFocus()
    QTest.keyClick(desk.view, Qt.Key.Key_Tab)
    assert not desk.sequences.isVisible() and not desk.tabs.isVisible()
    qtbot.waitUntil(lambda: desk.view.width() > before)
    assert window.commands["panels"].isChecked()
    QTest.keyClick(desk.view, Qt.Key.Key_Tab)
    assert desk.sequences.isVisible()
    qtbot.waitUntil(lambda: desk.splitter.sizes() == widths)
    assert not window.commands["panels"].isChecked()


def test_tab_goes_on_where_another_control_has_the_focus(window: Window) -> None:
    desk = window.desk
    desk.sequences.search.setFocus()
    QTest.keyClick(desk.sequences.search, Qt.Key.Key_Tab)
    assert desk.sequences.isVisible() and not desk.sequences.search.hasFocus()


def test_starring_moves_no_button(window: Window) -> None:
    for size in ((1366, 768), (1920, 1080)):  # without and with keys in the texts
        window.resize(*size)
        buttons = window.desk.decide.buttons.values()
        QTest.qWait(50)
        before = [button.geometry() for button in buttons]
        press(window, "S")
        QTest.qWait(50)
        assert [button.geometry() for button in buttons] == before


def test_widths_are_remembered(open_window: Open, home: Path, settings: QSettings) -> None:
    window = open_window(home)
    window.desk.splitter.setSizes([240, 700, 400])
    widths = window.desk.splitter.sizes()
    window.close()
    settings.remove("geometry")  # the screen of the tests is narrower than the window
    assert open_window(home).desk.splitter.sizes() == widths


def test_f11_uses_the_whole_screen(window: Window) -> None:
    press(window, "F11")
    assert window.isFullScreen() and window.commands["fullscreen"].isChecked()
    press(window, "F11")
    assert not window.isFullScreen() and not window.commands["fullscreen"].isChecked()


def lit(window: Window) -> set[str]:
    """Return the lit actions; all candidates are listed in tests."""
    return {name for name in CHECKABLE if window.commands[name].isChecked()} - {"all_candidates"}


def test_the_active_mode_and_tool_are_lit(window: Window) -> None:
    assert lit(window) == {"wipe"}
    for keys, mode in (("G", "side"), ("V", "single"), ("D", "difference"), ("B", "blink"), ("W", "wipe")):
        press(window, keys)
        assert lit(window) == {mode}
        press(window, keys)  # once more: it is still the mode
        assert lit(window) == {mode}
    for keys, tool in (("P", "pick"), ("Q", "region"), ("H", "brush"), ("T", "rectangle"), ("L", "lasso")):
        press(window, keys)
        assert lit(window) == {"wipe", tool}
    press(window, "X")
    assert lit(window) == {"wipe", "lasso", "exclude"}
    press(window, "X")
    press(window, "Esc")
    assert lit(window) == {"wipe"}
    press(window, "C")
    assert lit(window) == {"wipe", "compare_with"}
    window.session.compare_with(None)
    assert lit(window) == {"wipe"}
    window.commands["side"].trigger()
    assert lit(window) == {"side"}


def test_what_does_not_fit_is_elided_and_stands_in_the_tip(qtbot: QtBot) -> None:
    label = ElidedLabel(LONG, lines=2)
    qtbot.addWidget(label)
    label.resize(100, 40)
    assert all("…" in line for line in label.shown_lines()) and label.toolTip() == LONG
    assert label.minimumSizeHint().width() < 100
    label.setText("two words that need two lines here")
    assert len(label.shown_lines()) == 2
    label.setText("one\ntwo\nthree")
    assert len(label.shown_lines()) == 2
