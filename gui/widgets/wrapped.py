"""A label for long text: a path without spaces is broken instead of widening the page."""

import re

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QMenu, QSizePolicy

from gui.widgets.basic import Label

_BREAK = "\u200b"
"""Zero-width space: allows a new line, and is never copied."""

_LONG = re.compile(r"\S{25,}")
_PLACES = re.compile(r"([/\\_.-]+|[^/\\_.-]{24})(?=.)")


class WrappedLabel(Label):
    """Show plain text in as many lines as it needs. It can be selected by mouse, and never widens its layout."""

    def __init__(self, text: str = "", *, name: str = "", look: str = "") -> None:
        """Make it.

        Args:
            text: The text.
            name: Name for screen readers; the text by default.
            look: Look of the design, such as "faint".
        """
        super().__init__(wordWrap=True, textInteractionFlags=Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setAccessibleName(name)
        self.setProperty("look", look)
        self.setText(text)

    def text(self) -> str:
        """Return the text without the places to break it."""
        return self._text

    def setText(self, text: str) -> None:
        """Show another text."""
        self._text = text
        super().setText(_LONG.sub(lambda word: _PLACES.sub(rf"\1{_BREAK}", word.group()), text))

    def clear(self) -> None:
        """Show nothing."""
        self.setText("")

    def set_look(self, look: str) -> None:
        """Change the look, such as "bad" for an error."""
        if self.property("look") != look:
            self.setProperty("look", look)
            self.style().unpolish(self)
            self.style().polish(self)

    def minimumSizeHint(self) -> QSize:
        """Return the height of the text, and no width."""
        return QSize(0, super().minimumSizeHint().height() if not self.hasHeightForWidth() else 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy the selection."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to copy: Qt's own menu would copy the places to break, too."""
        menu = QMenu(self)
        menu.addAction("Copy", self._copy).setEnabled(bool(self._text))
        menu.popup(event.globalPos())
        menu.aboutToHide.connect(menu.deleteLater)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.selectedText().replace(_BREAK, "") or self._text)
