"""Text of fixed height that never breaks a form: what does not fit is elided, and the tooltip says all of it."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.widgets.basic import as_tip

MIN_CHARACTERS = 8
"""Characters that always have room."""


class ElidedLabel(QWidget):
    """Show plain text in a fixed number of lines. Changing it causes no new layout.

    Each line of the text is elided in its middle; a single line is broken where there is room for more.
    """

    def __init__(self, text: str = "", *, lines: int = 1, characters: int = 24) -> None:
        """Make it.

        Args:
            text: The text.
            lines: Lines that it has room for.
            characters: Characters that it asks for along a line; it takes more and less.
        """
        super().__init__()
        self._text, self._lines, self._characters = "", lines, characters
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def text(self) -> str:
        """Return the whole text."""
        return self._text

    def setText(self, text: str) -> None:
        """Show another text."""
        if text != self._text:
            self._text = text
            self.setAccessibleDescription(text)
            self.setToolTip(as_tip(text))
            self.update()

    def clear(self) -> None:
        """Show nothing."""
        self.setText("")

    def sizeHint(self) -> QSize:
        """Return the size of its lines."""
        metrics = self.fontMetrics()
        return QSize(metrics.averageCharWidth() * self._characters, metrics.lineSpacing() * self._lines + 2)

    def minimumSizeHint(self) -> QSize:
        """Return the height of its lines, and room for a few characters."""
        return QSize(self.fontMetrics().averageCharWidth() * MIN_CHARACTERS, self.sizeHint().height())

    def shown_lines(self) -> list[str]:
        """Return the lines as they are painted."""
        metrics, width = self.fontMetrics(), self.width()
        lines = self._text.splitlines()
        if len(lines) == 1 and self._lines > 1 and metrics.horizontalAdvance(lines[0]) > width:
            lines = _broken(lines[0], lambda text: metrics.horizontalAdvance(text) <= width)
        if len(lines) > self._lines:
            lines = [*lines[: self._lines - 1], " ".join(lines[self._lines - 1 :])]
        return [metrics.elidedText(line, Qt.TextElideMode.ElideMiddle, width) for line in lines]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the lines, centred from top to bottom."""
        painter, metrics = QPainter(self), self.fontMetrics()
        role = self.palette().windowText() if self.isEnabled() else self.palette().placeholderText()
        painter.setPen(role.color())
        lines = self.shown_lines()
        top = (self.height() - metrics.lineSpacing() * len(lines)) // 2
        for number, line in enumerate(lines):
            room = QRect(0, top + number * metrics.lineSpacing(), self.width(), metrics.lineSpacing())
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, line)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()


def _broken(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Return the words that fit into a first line, and all others as a second one."""
    words = text.split(" ")
    count = next((n for n in range(len(words) - 1, 0, -1) if fits(" ".join(words[:n]))), 0)
    return [" ".join(words[:count]), " ".join(words[count:])] if count else [text]
