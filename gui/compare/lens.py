"""A lens at the pointer: the place under it in both pictures, side by side, enlarged."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPalette, QPen

from gui.compare.canvas import SURROUND
from gui.compare.decorations import DARK, LIGHT, plate
from gui.compare.kinds import U8, Place
from gui.compare.sampling import Sampler
from gui.compare.tone import mapped
from gui.compare.viewport import Box, Viewport

MAGNIFICATION = 4.0
"""Device pixels per pixel of the picture in the lens. At a higher zoom of the view it is twice that zoom."""

TILE = 184.0
"""Side of one enlarged picture in logical pixels."""

_BELOW = 28.0
"""Logical pixels from the pointer to the lens."""

_EDGE = 4.0
"""Logical pixels around and between the enlarged pictures."""


def magnification(zoom: float) -> float:
    """Return the zoom of the lens at a zoom of the view."""
    return MAGNIFICATION if zoom < MAGNIFICATION else 2 * zoom


def lens_box(place: QPointF, within: QRectF, count: int, line: float) -> QRectF:
    """Return where the lens is drawn: below the pointer, above it where there is no room.

    Args:
        place: Place of the pointer in the widget.
        within: The widget.
        count: Number of pictures.
        line: Height of a line of text in logical pixels.
    """
    box = QRectF(0, 0, count * (TILE + _EDGE) + _EDGE, TILE + line + 2 * _EDGE)
    box.moveCenter(place)
    box.moveTop(place.y() + _BELOW)
    if box.bottom() > within.bottom():
        box.moveBottom(place.y() - _BELOW)
    box.moveLeft(max(within.left(), min(box.left(), within.right() - box.width())))
    box.moveTop(max(within.top(), box.top()))
    return box


def draw_lens(
    painter: QPainter,
    palette: QPalette,
    box: QRectF,
    pictures: Sequence[tuple[str, U8]],
    *,
    at: Place,
    zoom: float,
    ratio: float,
    lut: U8 | None,
) -> None:
    """Draw the lens.

    Args:
        painter: Painter of the widget.
        palette: Colours of the caption.
        box: Where to draw it, see `lens_box`.
        pictures: Names and pictures, (H, W, 3) uint8 RGB, from left to right.
        at: Place of the pictures in px that the lens shows in the middle.
        zoom: Device pixels per pixel of the picture.
        ratio: Device pixels per logical pixel.
        lut: Level on the screen by level, (256,) uint8; None for the same.
    """
    plate(painter, palette, box)
    side = round(TILE * ratio)
    for number, (name, picture) in enumerate(pictures):
        tile = QRectF(box.left() + _EDGE + number * (TILE + _EDGE), box.top() + _EDGE, TILE, TILE)
        pixels = _enlarged(picture, side, at, zoom)
        if lut is not None:
            pixels = mapped(pixels, lut)
        image = QImage(pixels.data, side, side, pixels.strides[0], QImage.Format.Format_RGB32)
        painter.drawImage(tile, image)
        _mark_pixel(painter, tile.center(), zoom / ratio)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        text = name if number else f"{zoom:g}:1  {name}"
        elided = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideMiddle, TILE)
        room = QRectF(tile.left(), tile.bottom(), TILE, box.bottom() - tile.bottom())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)


def _enlarged(picture: U8, side: int, at: Place, zoom: float) -> U8:
    """Return (side, side, 4) uint8 BGRX around a place; grey outside the picture."""
    viewport = Viewport((picture.shape[1], picture.shape[0]), (side, side), zoom, at)
    pixels = np.full((side, side, 4), SURROUND, np.uint8)
    shown = viewport.extent.cut(Box(0, 0, side, side))
    if not shown.empty:
        pixels[shown.slices] = Sampler().sample(picture, viewport, shown)
    return pixels


def _mark_pixel(painter: QPainter, middle: QPointF, side: float) -> None:
    """Draw a frame around the pixel in the middle."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen, grown in ((QPen(DARK, 1), 2.0), (QPen(LIGHT, 1), 1.0)):
        painter.setPen(pen)
        reach = side / 2 + grown
        painter.drawRect(QRectF(middle.x() - reach, middle.y() - reach, 2 * reach, 2 * reach))
