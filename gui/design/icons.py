"""Icons: line drawings on a grid of 24 × 24, in the colours of the scheme. They are our own (LICENSE)."""

from functools import cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gui.design.colours import colours

_INK = b"currentColor"
"""What an icon's file has for its colour."""


def icon(name: str) -> QIcon:
    """Return an icon that follows the scheme, and is sharp on every screen.

    Args:
        name: File in ``gui/design/icons`` without ``.svg``.
    """
    return QIcon(_Engine(name))


def window_icon() -> QIcon:
    """Return the icon of the application, in its own colours."""
    result = QIcon()
    for side in (16, 24, 32, 48, 64, 128, 256):
        pixmap = QPixmap(side, side)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        QSvgRenderer(QByteArray(_source("rainclean"))).render(painter)
        painter.end()
        result.addPixmap(pixmap)
    return result


def forget_icons() -> None:
    """Draw icons anew when they are painted next: the scheme has changed."""
    _renderer.cache_clear()


class _Engine(QIconEngine):
    """Draw an icon's lines in the colour of the text around it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def clone(self) -> QIconEngine:
        """Return a copy, as Qt asks for."""
        return _Engine(self._name)

    def paint(self, painter: QPainter, rect: "QRectF | object", mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw the icon into a rectangle."""
        scheme = colours()
        ink = scheme.text
        if mode == QIcon.Mode.Disabled:
            ink = scheme.disabled
        elif state == QIcon.State.On or mode == QIcon.Mode.Selected:
            ink = scheme.on_accent
        _renderer(self._name, ink).render(painter, QRectF(rect))  # type: ignore[arg-type]

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """Return the icon as a picture on a clear ground."""
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRectF(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return pixmap


@cache
def icon_names() -> frozenset[str]:
    """Return the names of all icons. An action whose id is among them has that icon."""
    return frozenset(file.name.removesuffix(".svg") for file in (files("gui.design") / "icons").iterdir())


@cache
def _renderer(name: str, ink: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_source(name).replace(_INK, ink.encode())))


@cache
def _source(name: str) -> bytes:
    return (files("gui.design") / "icons" / f"{name}.svg").read_bytes()
