"""Hands that do anything: one random event on the window, or on the dialog or menu over it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QWidget,
)

from benchmarks.monkey.sandbox import Sandbox
from gui.actions import TABLE
from gui.main_window import Window

NASTY = (
    "", " ", "/", "//", "~", "~nobody/x", ".", "..", "../..", "-", "--help", ";", ";;", "; ;", "\\", "C:\\",
    "\\\\server\\x", "a\0b", "\n", "x" * 300, "x" * 5000, "é", "שלום עולם", "\u202eabc", "😀", "👩‍👩‍👧", "\ud7ff", "%s",
    "{0}", "<b>x</b>", "&amp;", "0", "-1", "1e999", "NaN", "inf", "0x10", "999999999999999999999", "1,5",
    "train=1", "train=nan", "train=1,val=-1",
    "every:0", "every:5", "differ:0", "grid:0", "grid:99999999999", "random:8:0", "all", "whole", "name:",
)  # fmt: skip
"""Texts that programs stumble over."""

_RARE = frozenset(("quit", "close", "new", "open", "add", "add_folder", "import", "export_decisions", "sample", "auto"))
"""Actions that leave what the others act on, or only open a dialog."""

_KEYS = (
    *(Qt.Key(number) for number in range(Qt.Key.Key_A.value, Qt.Key.Key_Z.value + 1)),
    *(Qt.Key(number) for number in range(Qt.Key.Key_0.value, Qt.Key.Key_9.value + 1)),
    Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Space,
    Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Left, Qt.Key.Key_Right,
    Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_F1, Qt.Key.Key_F2,
    Qt.Key.Key_F10, Qt.Key.Key_Menu, Qt.Key.Key_Slash, Qt.Key.Key_Period, Qt.Key.Key_Comma, Qt.Key.Key_Minus,
    Qt.Key.Key_Plus, Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight, Qt.Key.Key_Insert, Qt.Key.Key_Asterisk,
)  # fmt: skip

_NONE = Qt.KeyboardModifier.NoModifier
_MODIFIERS = (
    _NONE, _NONE, _NONE, _NONE, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
)  # fmt: skip

_BUTTONS = (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton)

_HANDLED = (
    QAbstractButton, QComboBox, QAbstractSpinBox, QAbstractSlider, QAbstractItemView, QLineEdit, QPlainTextEdit,
    QTabBar,
)  # fmt: skip

Write = Callable[[str], None]


@dataclass
class _Held:
    """A key or button that is pressed, and the number of events until it is let go."""

    left: int
    key: Qt.Key | None = None
    button: Qt.MouseButton = Qt.MouseButton.NoButton
    window: QWidget | None = None
    place: QPointF | None = None


class Hands:
    """Does one thing after the other. Keys and buttons may stay pressed over some of them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._held: list[_Held] = []

    def act(self, window: Window, dice: Random, write: Write) -> None:
        """Do one random thing.

        Args:
            window: The window.
            dice: Decides what.
            write: Called with a line on it before it happens.
        """
        for held in list(self._held):
            held.left -= 1
            if held.left <= 0:
                self._release(held)
        top = QApplication.activePopupWidget() or QApplication.activeModalWidget() or window
        if isinstance(top, QFileDialog) and dice.random() < 0.3:
            self._choose_file(top, dice, write)
            return
        if window.session.project is None and dice.random() < 0.1:
            write("open the project")
            window.open_project(self._sandbox.project)
            return
        things: list[tuple[float, Callable[[Window, QWidget, Random, Write], None]]] = [
            (24, self._action_key), (5, self._command), (12, self._key), (14, self._click), (17, self._use),
            (9, self._draw), (4, self._wheel), (1.5, self._resize), (7, self._type), (3, self._hold), (1.5, self._drop),
            (2, self._page),
        ]  # fmt: skip
        (thing,) = dice.choices([thing for _, thing in things], [weight for weight, _ in things])
        thing(window, top, dice, write)

    def let_go(self) -> None:
        """Let go of all keys and buttons."""
        for held in list(self._held):
            self._release(held)

    def escape(self, dialog: QWidget) -> None:
        """Press Esc in a dialog or menu."""
        focused = QApplication.focusWidget()
        inside = focused if focused is not None and dialog.isAncestorOf(focused) else dialog
        QTest.keyClick(inside, Qt.Key.Key_Escape)

    def move_over(self, window: Window) -> None:
        """Move the pointer over the picture without a button: a drag that lost its release ends."""
        view = window.desk.view
        place = QPointF(view.mapTo(window, QPoint(view.width() // 2, view.height() // 2)))
        none = Qt.MouseButton.NoButton
        if view.isVisible():
            _mouse(window, QEvent.Type.MouseMove, place, none, none, _NONE)

    # -- keys ----------------------------------------------------------------------------------------------------

    def _action_key(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        action = dice.choice([action for action in TABLE if action.keys])
        if action.id in _RARE and dice.random() < 0.85:
            action = next(each for each in TABLE if each.id == "undo")
        keys = dice.choice(action.keys)
        combination: Any = QKeySequence(keys)[0]  # type: ignore[index]  # the stubs do not know it
        self._press(window, top, combination.key(), combination.keyboardModifiers(), write)

    def _key(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        self._press(window, top, dice.choice(_KEYS), dice.choice(_MODIFIERS), write)

    def _press(self, window: Window, top: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier, write: Write) -> None:
        target = _focus(window, top)
        write(f"key {QKeySequence(key | modifiers).toString()} to {_name(target)}")
        QTest.keyClick(target, key, modifiers)

    def _hold(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        if any(held.key is not None for held in self._held):
            return
        target = _focus(window, top) if dice.random() < 0.3 else window.desk.view
        write(f"hold Space over {_name(target)}")
        self._held.append(_Held(dice.randint(1, 12), key=Qt.Key.Key_Space, window=window))
        if target is window.desk.view and top is window:
            target.setFocus()
        QTest.keyPress(_focus(window, top), Qt.Key.Key_Space)

    def _type(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        """Type or paste a text into a field, then perhaps Enter."""
        fields = [each for each in _visible(top) if isinstance(each, QLineEdit | QPlainTextEdit) and each.isEnabled()]
        text = dice.choice(NASTY) if dice.random() < 0.7 else str(dice.choice(self._sandbox.paths))
        index, pasted, ended = dice.random(), dice.random() < 0.3, dice.random()
        if not fields:
            return
        field = fields[int(index * len(fields))]
        write(f"type {text[:60]!r} into {_name(field)}")
        field.setFocus()
        if pasted:
            QApplication.clipboard().setText(text)
            QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
            QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        else:
            for letter in text[:400]:
                _send(field, QKeyEvent(QEvent.Type.KeyPress, 0, _NONE, letter))
        if ended < 0.5:
            QTest.keyClick(field, Qt.Key.Key_Return if ended < 0.3 else Qt.Key.Key_Tab)

    def _command(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        """Choose a menu entry."""
        action = dice.choice(TABLE)
        if top is not window or (action.id in _RARE and dice.random() < 0.7):
            return
        write(f"menu entry {action.text!r}")
        window.commands[action.id].trigger()

    # -- the mouse -----------------------------------------------------------------------------------------------

    def _click(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        """Click, double-click or right-click anywhere."""
        place = _place(top, dice)
        (button,) = dice.choices(_BUTTONS, (7, 2, 1))
        double, modifiers = dice.random() < 0.25, dice.choice(_MODIFIERS)
        self._click_at(top, place, button, modifiers, write, double=double)

    def _use(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        """Click a control, at a random place of it."""
        controls = [each for each in _visible(top) if isinstance(each, _HANDLED)]
        index, x, y, double = dice.random(), dice.random(), dice.random(), dice.random() < 0.15
        (button,) = dice.choices(_BUTTONS, (8, 1, 0))
        if controls:
            control = controls[int(index * len(controls))]
            inside = QPoint(int(x * control.width()), int(y * control.height()))
            self._click_at(top, QPointF(control.mapTo(top, inside)), button, _NONE, write, double=double)

    def _click_at(
        self,
        top: QWidget,
        place: QPointF,
        button: Qt.MouseButton,
        modifiers: Qt.KeyboardModifier,
        write: Write,
        *,
        double: bool,
    ) -> None:
        under = _name(top.childAt(place.toPoint()) or top)
        write(f"{'double ' if double else ''}click {button.name} {place.toTuple()} {under}")
        _mouse(top, QEvent.Type.MouseMove, place, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton, modifiers)
        _mouse(top, QEvent.Type.MouseButtonPress, place, button, button, modifiers)
        _mouse(top, QEvent.Type.MouseButtonRelease, place, button, Qt.MouseButton.NoButton, modifiers)
        if double:
            _mouse(top, QEvent.Type.MouseButtonDblClick, place, button, button, modifiers)
            _mouse(top, QEvent.Type.MouseButtonRelease, place, button, Qt.MouseButton.NoButton, modifiers)

    def _draw(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        """Drag anywhere, mostly over the picture; the button may stay pressed for a while."""
        over_picture = dice.random() < 0.7 and top is window and window.desk.view.isVisible()
        within: QWidget = window.desk.view if over_picture else top
        places = [QPointF(within.mapTo(top, _place(within, dice).toPoint())) for _ in range(dice.randint(2, 6))]
        (button,) = dice.choices(_BUTTONS, (8, 1, 1))
        stays, number = dice.random() < 0.25, dice.randint(1, 6)
        if any(held.button is not Qt.MouseButton.NoButton for held in self._held):
            return
        write(f"drag {button.name} over {_name(within)} {[p.toTuple() for p in places]}{' and hold' if stays else ''}")
        none = Qt.MouseButton.NoButton
        _mouse(top, QEvent.Type.MouseMove, places[0], none, none, _NONE)
        held = _Held(number, button=button, window=top, place=places[-1])
        self._held.append(held)
        _mouse(top, QEvent.Type.MouseButtonPress, places[0], button, button, _NONE)
        for place in places[1:]:
            _mouse(top, QEvent.Type.MouseMove, place, none, button, _NONE)
        if not stays and held in self._held:
            self._release(held)

    def _wheel(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        place, turns = _place(top, dice), QPoint(0, dice.choice((-480, -120, -15, 15, 120, 480)))
        modifiers = dice.choice(_MODIFIERS)
        write(f"wheel {turns.y()} at {place.toTuple()}")
        event = QWheelEvent(
            place, QPointF(top.mapToGlobal(place.toPoint())), QPoint(), turns, Qt.MouseButton.NoButton, modifiers,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        _to_window(top, event)

    # -- the window ----------------------------------------------------------------------------------------------

    def _resize(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        # Seldom large: painting takes most of the time there.
        size = (dice.choice((1, 640, 800, 1024, 1280, 1366)), dice.choice((1, 480, 600, 700, 768)))
        if dice.random() < 0.05:
            size = dice.choice(((1920, 1080), (3840, 2160)))
        write(f"resize to {size}")
        window.resize(*size)

    def _page(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        page = dice.choice(("desk", "desk", "pairs", "training", "results", "jobs"))
        if top is window:
            write(f"page {page}")
            window.commands[page].trigger()

    def _drop(self, window: Window, top: QWidget, dice: Random, write: Write) -> None:
        paths = dice.sample(self._sandbox.paths, dice.randint(1, 3))
        if top is not window:
            return
        write(f"drop {[path.name for path in paths]}")
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        rest = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, _NONE)
        window.dragEnterEvent(QDragEnterEvent(QPoint(100, 100), *rest))
        window.dropEvent(QDropEvent(QPointF(100, 100), *rest))

    def _choose_file(self, dialog: QFileDialog, dice: Random, write: Write) -> None:
        paths: tuple[Path, ...] = self._sandbox.paths
        path = dice.choice(paths)
        text = str(path) if dice.random() < 0.8 else dice.choice(NASTY)
        field = dialog.findChild(QLineEdit)
        write(f"choose {text[:60]!r} in {_name(dialog)}")
        if field is not None:
            field.setText(text)
            QTest.keyClick(field, Qt.Key.Key_Return)

    def _release(self, held: _Held) -> None:
        self._held.remove(held)
        if held.key is not None:
            focused = QApplication.focusWidget() or QApplication.activeWindow() or held.window
            if focused is not None and _is_alive(focused):
                QTest.keyRelease(focused, held.key)
        elif held.window is not None and held.place is not None:
            none = Qt.MouseButton.NoButton
            _mouse(held.window, QEvent.Type.MouseButtonRelease, held.place, held.button, none, _NONE, always=True)


def _focus(window: Window, top: QWidget) -> QWidget:
    """Return the widget that gets the keys."""
    focused = QApplication.focusWidget()
    if top is window:
        return focused if focused is not None and window.isAncestorOf(focused) else window
    if focused is not None and (focused is top or top.isAncestorOf(focused)):
        return focused
    return top.focusWidget() or top


def _visible(top: QWidget) -> list[QWidget]:
    """Return the visible widgets of a window."""
    return [each for each in top.findChildren(QWidget) if each.isVisible() and each.window() is top.window()]


def _place(widget: QWidget, dice: Random) -> QPointF:
    return QPointF(int(dice.random() * widget.width()), int(dice.random() * widget.height()))


def _name(widget: QWidget) -> str:
    text = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")
    return f"{type(widget).__name__} {text!r}" if text else type(widget).__name__


def _mouse(
    top: QWidget,
    kind: QEvent.Type,
    place: QPointF,
    button: Qt.MouseButton,
    buttons: Qt.MouseButton,
    modifiers: Qt.KeyboardModifier,
    *,
    always: bool = False,
) -> None:
    """Send a mouse event to a window. place: in the window. always: also to a window that a dialog blocks."""
    if not _is_alive(top):
        return
    if not always and not _gets_events(top):
        return  # a dialog that this click has opened is over it
    _to_window(top, QMouseEvent(kind, place, QPointF(top.mapToGlobal(place.toPoint())), button, buttons, modifiers))


def _to_window(top: QWidget, event: QEvent) -> None:
    if (handle := top.windowHandle()) is not None:
        QApplication.sendEvent(handle, event)


def _send(widget: QWidget, event: QEvent) -> None:
    QApplication.sendEvent(widget, event)


def _gets_events(top: QWidget) -> bool:
    first = QApplication.activePopupWidget() or QApplication.activeModalWidget()
    return top.isVisible() and (first is None or first is top)


def _is_alive(widget: QWidget) -> bool:
    import shiboken6

    return shiboken6.isValid(widget)
