"""Paint the rows of a list with thumbnails: shared by the lists of sequences and of candidates."""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette, QPen, QPixmap

from pipeline.project.model import NOT_JUDGED

_EMPTY = QColor(128, 128, 128, 60)
_TINT = 46
"""Opacity of the highlight behind the selected row, 0…255: text on it stays as legible as on the others."""

TRUST = {"fit": ("✓", "good"), "look": ("?", "warn"), "unfit": ("✗", "bad"), NOT_JUDGED: ("–", "faint")}
"""Mark of a verdict, and its colour in `gui.design.Colours`. The word always stands beside them."""


def tint(painter: QPainter, rect: QRect, palette: QPalette) -> None:
    """Paint the background of the selected row."""
    colour = QColor(palette.highlight().color())
    colour.setAlpha(_TINT)
    painter.fillRect(rect, colour)


def outline(painter: QPainter, rect: QRect, palette: QPalette) -> None:
    """Paint the outline of the selected row."""
    painter.setPen(QPen(palette.highlight().color(), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect.adjusted(1, 1, -1, -1))


def thumbnail(painter: QPainter, rect: QRect, size: QSize, pixmap: QPixmap | None) -> QRect:
    """Paint a picture at the left of a row, grey until it is loaded; return the space at its right for text."""
    place = QRect(rect.left() + 8, rect.top() + 6, size.width(), size.height())
    painter.fillRect(place, _EMPTY)
    if pixmap is not None:
        fitted = pixmap.size().scaled(size, Qt.AspectRatioMode.KeepAspectRatio)
        inner = QRect(0, 0, fitted.width(), fitted.height())
        inner.moveCenter(place.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(inner, pixmap)
    left = place.right() + 9
    return QRect(left, rect.top(), rect.right() - left - 6, rect.height())


def heading(painter: QPainter, room: QRect, text: str, *, font: QFont, bold: bool, palette: QPalette) -> None:
    """Paint the first line of a row."""
    heavy = QFont(font)
    # A name that fits is read better than a bold one that is cut; the row is outlined anyway.
    heavy.setBold(bold and _fits(heavy, text, room.width(), bold=True))
    painter.setFont(heavy)
    painter.setPen(palette.text().color())
    line(painter, room, 6, text)
    painter.setFont(font)


def _fits(font: QFont, text: str, width: int, *, bold: bool) -> bool:
    other = QFont(font)
    other.setBold(bold)
    return QFontMetrics(other).horizontalAdvance(text) <= width


def line(painter: QPainter, room: QRect, top: int, text: str, *, prose: bool = False) -> None:
    """Paint a line of text, ``top`` px below the top of the row; long names lose their middle, long prose its end."""
    metrics = painter.fontMetrics()
    mode = Qt.TextElideMode.ElideRight if prose else Qt.TextElideMode.ElideMiddle
    elided = metrics.elidedText(text, mode, room.width())
    painter.drawText(room.left(), room.top() + top + metrics.ascent(), elided)


def sentence(text: str) -> str:
    """Return a text with a capital at its start."""
    return text[:1].upper() + text[1:]
