"""Keys that Qt's shortcuts cannot express: Space, which acts while it is held, and keys that a focused widget needs."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QPlainTextEdit,
    QTabBar,
    QTextEdit,
    QWidget,
)

from gui.compare import CompareView
from gui.pages.desk import Desk

_UP_DOWN = frozenset((Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown))
_ENDS = frozenset((Qt.Key.Key_Home, Qt.Key.Key_End))
_ALL = _UP_DOWN | _ENDS | {Qt.Key.Key_Left, Qt.Key.Key_Right}

_MOVERS: tuple[tuple[type[QWidget], frozenset[Qt.Key]], ...] = (
    # A combo box does not use Left and Right; the text field of an editable one keeps them itself.
    (QComboBox, _UP_DOWN | _ENDS),
    (QAbstractSpinBox, _ALL),
    (QAbstractItemView, _ALL),
    (QAbstractSlider, _ALL),
    (QTabBar, _ALL),
    (QLineEdit, _ALL),
    (QTextEdit, _ALL),
    (QPlainTextEdit, _ALL),
)
"""Kind of widget → keys without Ctrl, Alt or Meta that move something in it."""

_SEARCHED = (QComboBox, QAbstractItemView)
"""Kinds of widgets in which letters search for an entry. Text fields keep their letters without help."""

_SPACED = (QLineEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox, QAbstractButton, QListWidget)
"""Kinds of widgets that need Space themselves."""

_SHIFT = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier


def is_own(widget: QObject, event: QKeyEvent) -> bool:
    """Return whether a widget needs this key itself, even if the key is a shortcut elsewhere."""
    if event.modifiers() & ~_SHIFT:
        return False
    if event.key() == Qt.Key.Key_Tab:
        # It hides the side panels where the picture has the focus; elsewhere it goes to the next control.
        focused = QApplication.focusWidget()
        return focused is not None and not isinstance(focused, (CompareView, QMainWindow))
    if any(isinstance(widget, kind) and event.key() in keys for kind, keys in _MOVERS):
        return True
    return isinstance(widget, _SEARCHED) and event.text().isprintable() and event.text().strip() != ""


class Keys(QObject):
    """Listens to the keys of the whole application."""

    def __init__(self, window: QMainWindow, desk: Desk, desk_is_visible: Callable[[], bool]) -> None:
        """Start listening. desk_is_visible: tells whether Space is meant for the desk now."""
        super().__init__(window)
        self._window, self._desk, self._desk_is_visible = window, desk, desk_is_visible
        self._held = False
        desk.session.selection_changed.connect(self.release)
        desk.session.displayed_changed.connect(self._show)
        _app().installEventFilter(self)

    def close(self) -> None:
        """Stop listening."""
        _app().removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt: any event of any object."""
        # The kind is read only where it matters: thousands of events pass here while a window opens.
        if isinstance(event, QKeyEvent):
            return self._key(watched, event)
        if watched is self._window and event.type() in (QEvent.Type.WindowDeactivate, QEvent.Type.WindowBlocked):
            # The release of Space will go to another window.
            self.release()
        return False

    def release(self) -> None:
        """Hide the rainy frame again, even if Space is still held."""
        if self._held:
            self._held = False
            self._show()

    def _key(self, watched: QObject, event: QKeyEvent) -> bool:
        """Handle an event of a key; return whether nobody else may get it."""
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride:
            own = is_own(watched, event)
            if own:
                event.accept()
            return own
        return event.key() == Qt.Key.Key_Space and self._space(
            pressed=kind == QEvent.Type.KeyPress, repeated=event.isAutoRepeat()
        )

    def _space(self, *, pressed: bool, repeated: bool) -> bool:
        """Handle Space; return whether nobody else may get it."""
        if self._held:
            if not pressed and not repeated:
                self.release()
            return True
        active = self._window.isActiveWindow() or QApplication.platformName() == "offscreen"
        if not active or not self._desk_is_visible() or isinstance(QApplication.focusWidget(), _SPACED):
            return False
        if QApplication.activeModalWidget() is not None:
            return False
        if pressed and not repeated:
            self._held = True
            self._show()
        return True

    def _show(self) -> None:
        rainy = self._desk.rainy() if self._held else None
        right = self._desk.shown_right
        if rainy is not None and right is not None and rainy.shape != right.shape:
            rainy = None
        self._desk.view.set_override(rainy, "Rainy frame")
        self._desk.update_values()


def _app() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app
