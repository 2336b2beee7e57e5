"""Small things that several panels need of widgets."""

from typing import TypeVar

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QSlider, QWidget

Kind = TypeVar("Kind", bound=QWidget)

_OWN_KEYS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


def named(widget: Kind, name: str, tip: str = "") -> Kind:
    """Give a widget a name for those who hear the screen, and a tooltip for those who see it."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip or name)
    return widget


class Slider(QSlider):
    """A level slider whose arrow keys are its own while it has the focus, whatever they do elsewhere."""

    def __init__(self, low: int, high: int, page: int = 10) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(low, high)
        self.setPageStep(page)

    def event(self, event: QEvent) -> bool:
        """Keep arrow keys from being shortcuts."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in _OWN_KEYS
            and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        ):
            event.accept()
            return True
        return super().event(event)
