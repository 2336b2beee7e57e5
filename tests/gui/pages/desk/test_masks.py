"""Masks while painting: tints, opacity, eyes, numbers, and how Exclude ends."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.main_window.window import Window
from gui.pages.desk.masks import EXCLUDED, EXCLUSION, LAYER_COLOURS
from tests.helpers.hands import at, draw, press


def seen(window: Window, place: tuple[int, int]) -> NDArray[np.int64]:
    """Colour of the screen in the middle of a pixel of the picture."""
    view = window.desk.view
    colour = view.to_image(marks=True).pixelColor(at(view, (place[0] + 0.5, place[1] + 0.5)))
    return np.array([colour.red(), colour.green(), colour.blue()])


def paint(window: Window, qtbot: QtBot) -> None:
    """A soft-free stroke over (12, 12) … (24, 12), and the pointer elsewhere."""
    session, desk = window.session, window.desk
    qtbot.waitUntil(lambda: all(session.pictures.peek(c.picture) is not None for c in session.detail.candidates))
    press(window, "V")
    desk.composition.set_brush(radius=5.0, softness=0.0)
    draw(desk.view, [(12.5, 12.5), (24.5, 12.5)])
    QTest.mouseMove(desk.view, QPoint(3, 3))


def blended(
    window: Window, place: tuple[int, int], colour: tuple[int, int, int], opacity: float
) -> NDArray[np.float64]:
    right = window.desk.shown_right
    assert right is not None
    return (1 - opacity) * right[place[1], place[0]] + opacity * np.array(colour)


def test_a_layer_tints_while_painting_and_not_afterwards(window: Window, qtbot: QtBot) -> None:
    press(window, "H")
    paint(window, qtbot)
    masks, place = window.desk.masks, (18, 12)
    blue = LAYER_COLOURS[0][1]
    assert np.allclose(seen(window, place), blended(window, place, blue, masks.opacity), atol=3)
    right = window.desk.shown_right
    assert right is not None
    press(window, "Esc")
    assert np.allclose(seen(window, place), right[place[1], place[0]], atol=3)
    press(window, "H")
    assert np.allclose(seen(window, place), blended(window, place, blue, masks.opacity), atol=3)
    press(window, "Shift+E")
    assert np.allclose(seen(window, place), right[place[1], place[0]], atol=3)
    press(window, "Shift+E")
    press(window, "X")  # now for the exclusion mask: layers do not disturb
    assert np.allclose(seen(window, place), right[place[1], place[0]], atol=3)


def test_the_tint_follows_a_stroke_while_it_is_drawn_and_undo(window: Window, qtbot: QtBot) -> None:
    press(window, "H")
    paint(window, qtbot)
    view, masks, place = window.desk.view, window.desk.masks, (40, 30)
    draw(view, [(36.5, 30.5), (44.5, 30.5)], release=False)
    QTest.mouseMove(view, at(view, (44.5, 44.5)))
    assert np.allclose(seen(window, place), blended(window, place, LAYER_COLOURS[0][1], masks.opacity), atol=3)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(view, (44.5, 44.5)))
    press(window, "Ctrl+Z")
    right = window.desk.shown_right
    assert right is not None and np.allclose(seen(window, place), right[place[1], place[0]], atol=3)
    assert np.allclose(seen(window, (18, 12)), blended(window, (18, 12), LAYER_COLOURS[0][1], masks.opacity), atol=3)


def test_opacity_colour_and_eye_by_mouse(window: Window, qtbot: QtBot) -> None:
    press(window, "H")
    paint(window, qtbot)
    compose, place = window.desk.compose, (18, 12)
    compose.opacity.setValue(80)
    assert compose.opacity_percent.text() == "80 %"
    menu = compose.colour.menu()
    assert menu is not None
    menu.actions()[1].trigger()
    assert np.allclose(seen(window, place), blended(window, place, LAYER_COLOURS[1][1], 0.8), atol=3)
    row = compose.layers.visualItemRect(compose.layers.item(0))
    eye = QPoint(row.left() + 9, row.center().y())
    QTest.mouseClick(compose.layers.viewport(), Qt.MouseButton.LeftButton, pos=eye)
    right = window.desk.shown_right
    assert right is not None and np.allclose(seen(window, place), right[place[1], place[0]], atol=3)
    item = compose.layers.item(0)
    assert str(item.data(Qt.ItemDataRole.AccessibleTextRole)).endswith("mask hidden")
    compose.layers.setCurrentRow(0)
    QTest.keyClick(compose.layers, Qt.Key.Key_Space)
    assert np.allclose(seen(window, place), blended(window, place, LAYER_COLOURS[1][1], 0.8), atol=3)


def test_the_exclusion_mask_has_an_eye_and_esc_ends_excluding(window: Window, qtbot: QtBot) -> None:
    composition, compose, place = window.desk.composition, window.desk.compose, (18, 12)
    press(window, "X")
    assert composition.brush.excluding and window.commands["exclude"].isChecked()
    paint(window, qtbot)
    tinted = blended(window, place, EXCLUDED, window.desk.masks.opacity)
    assert np.allclose(seen(window, place), tinted, atol=3)
    QTest.mouseClick(compose.excluded_eye, Qt.MouseButton.LeftButton)
    right = window.desk.shown_right
    assert right is not None and np.allclose(seen(window, place), right[place[1], place[0]], atol=3)
    assert window.desk.masks.is_hidden(EXCLUSION) and compose.excluded_eye.accessibleName().endswith("hidden")
    QTest.mouseClick(compose.excluded_eye, Qt.MouseButton.LeftButton)
    press(window, "Esc")
    after = composition.brush
    assert after.tool is None and not after.excluding and not window.commands["exclude"].isChecked()
    press(window, "H")
    assert np.allclose(seen(window, place), tinted, atol=3)
    press(window, "Shift+X")
    press(window, "Esc")
    assert not window.commands["erase"].isChecked()


def test_radius_and_softness_have_numbers_with_units(window: Window) -> None:
    compose, composition = window.desk.compose, window.desk.composition
    assert (compose.radius_px.text(), compose.softness_percent.text()) == ("24 px", "50 %")
    compose.radius_px.setValue(60)
    assert composition.brush.radius == 60.0 and compose.radius.value() == 60
    press(window, "Ctrl+-")
    assert compose.radius_px.text() == "48 px"
    compose.softness.setValue(20)
    assert compose.softness_percent.text() == "20 %" and composition.brush.softness == 0.2


def test_nothing_is_cut_while_composing_in_a_small_window(window: Window, qtbot: QtBot) -> None:
    window.resize(1366, 768)
    press(window, "H")
    paint(window, qtbot)
    desk, layers = window.desk, window.desk.compose.layers
    layers.setCurrentRow(0)
    desk.compose.feather.setValue(200)
    desk.compose.feather.editingFinished.emit()
    name, contents = layers.item(0).text().split("\n")
    assert contents == "1 stroke, feather 200 px" and layers.item(0).toolTip().startswith(f"{name}: {contents}\n")
    room = layers.visualItemRect(layers.item(0)).width() - layers.iconSize().width() - 30
    wide = layers.fontMetrics().horizontalAdvance
    assert max(map(wide, (name, contents, "80 frames, rain-free mean"))) <= room
    QTest.mouseMove(desk.view, at(desk.view, (24.5, 12.5)))
    qtbot.waitUntil(lambda: bool(desk.values.text()))
    line = desk.values.text()
    assert "Composite: " in line and wide(line) <= desk.values.width()
