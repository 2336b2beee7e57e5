"""Keys that shortcuts alone cannot be: Space, which acts while it is held, and those that the focused widget needs."""

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

from gui.pages.desk import Desk

_UP_DOWN = frozenset((Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown))
_ENDS = frozenset((Qt.Key.Key_Home, Qt.Key.Key_End))
_ALL = _UP_DOWN | _ENDS | {Qt.Key.Key_Left, Qt.Key.Key_Right}

_MOVERS: tuple[tuple[type[QWidget], frozenset[Qt.Key]], ...] = (
    # A combo box has no use for Left and Right; the line of an editable one keeps them itself.
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
"""Kinds in which letters look for an entry. Fields for text keep their letters without help."""

_SPACED = (QLineEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox, QAbstractButton, QListWidget)
"""Kinds that need Space themselves."""

_SHIFT = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier


def is_own(widget: QObject, event: QKeyEvent) -> bool:
    """Whether a key is one that a widget needs, whatever it is a shortcut for elsewhere."""
    if event.modifiers() & ~_SHIFT:
        return False
    if any(isinstance(widget, kind) and event.key() in keys for kind, keys in _MOVERS):
        return True
    return isinstance(widget, _SEARCHED) and event.text().isprintable() and event.text().strip() != ""


class Keys(QObject):
    """Listens to the whole application. here: whether Space is meant for this window's desk now."""

    def __init__(self, window: QMainWindow, desk: Desk, here: Callable[[], bool]) -> None:
        super().__init__(window)
        self._window, self._desk, self._here = window, desk, here
        self._held = False
        desk.session.selection_changed.connect(self.let_go)
        desk.session.displayed_changed.connect(self._show)
        _app().installEventFilter(self)

    def close(self) -> None:
        """Stop listening."""
        _app().removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt: anything, to anybody."""
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and is_own(watched, event):
            event.accept()
            return True
        if kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) and isinstance(event, QKeyEvent):
            return event.key() == Qt.Key.Key_Space and self._space(kind == QEvent.Type.KeyPress, event.isAutoRepeat())
        if kind in (QEvent.Type.WindowDeactivate, QEvent.Type.WindowBlocked) and watched is self._window:
            # Its release goes to somebody else.
            self.let_go()
        return False

    def let_go(self) -> None:
        """Show what is to be judged again, whether Space is still down or not."""
        if self._held:
            self._held = False
            self._show()

    def _space(self, pressed: bool, repeated: bool) -> bool:
        """Whether nobody else gets it."""
        if self._held:
            if not pressed and not repeated:
                self.let_go()
            return True
        active = self._window.isActiveWindow() or QApplication.platformName() == "offscreen"
        if not active or not self._here() or isinstance(QApplication.focusWidget(), _SPACED):
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
