"""Captions of the pictures, the scale and the legend, in the corners of the widget."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPalette

from gui.compare.contents import Contents, Side
from gui.compare.decorations import MARGIN, label, plate
from gui.compare.kinds import Legend
from gui.design import colours

_TOP_LEFT = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
_TOP_RIGHT = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight
_BOTTOM_RIGHT = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight
_BOTTOM_LEFT = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft

_BAR = 10.0
"""Height of a legend's bar in logical pixels."""


@dataclass
class Names:
    """Captions of the pictures."""

    left: str = ""
    right: str = ""
    override: str = ""


def draw_captions(
    painter: QPainter, palette: QPalette, whole: QRectF, *, sides: Sequence[Side], names: Names, contents: Contents
) -> None:
    """Draw the captions of the visible sides. That of the right picture is at the right, unless both are swapped."""
    parts = 2 if len(sides) > 1 else 1
    left = QRectF(whole.left(), whole.top(), whole.width() / parts, whole.height())
    right = left.translated(whole.width() - left.width(), 0)
    texts = {"difference": _difference(names, contents), "left": names.left, "right": names.right}
    for side in dict.fromkeys(sides):
        at_right = side == sides[1] if len(set(sides)) > 1 else side == "right"
        if text := texts.get(side, names.override):
            label(painter, palette, text, right if at_right else left, _TOP_RIGHT if at_right else _TOP_LEFT)


def draw_badge(painter: QPainter, palette: QPalette, whole: QRectF, text: str) -> None:
    """Draw a warning at the top, in the middle, under the captions."""
    font = painter.font()
    bold = QFont(font)
    bold.setBold(True)
    painter.setFont(bold)
    below = whole.adjusted(0, QFontMetricsF(font).height() + MARGIN, 0, 0)
    where = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter
    label(painter, palette, text, below, where, colour=QColor(colours(palette).warn))
    painter.setFont(font)


def draw_scale(painter: QPainter, palette: QPalette, whole: QRectF, zoom: float) -> None:
    """Draw the zoom in percent."""
    text = f"{zoom * 100:.0f} %" if zoom >= 0.1 else f"{zoom * 100:.1f} %"
    label(painter, palette, text, whole, _BOTTOM_RIGHT)


def draw_legend(painter: QPainter, palette: QPalette, whole: QRectF, legend: Legend) -> None:
    """Draw the legend of an overlay in the lower left corner."""
    if legend.colours is None:
        label(painter, palette, legend.title, whole, _BOTTOM_LEFT)
        return
    metrics = QFontMetricsF(painter.font())
    line = metrics.height()
    words = max(metrics.horizontalAdvance(legend.title), 180.0)
    box = QRectF(0, 0, words + 16, 2 * line + _BAR + 12)
    box.moveBottomLeft(whole.bottomLeft() + QPointF(MARGIN, -MARGIN))
    plate(painter, palette, box)
    inner = box.adjusted(8, 4, -8, -4)
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    painter.drawText(inner, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, legend.title)
    bar = QRectF(inner.left(), inner.top() + line + 2, inner.width(), _BAR)
    colours = np.ascontiguousarray(legend.colours[None])
    painter.drawImage(bar, QImage(colours.data, colours.shape[1], 1, colours.nbytes, QImage.Format.Format_RGB888))
    taken: list[QRectF] = []
    # The ends first: they have the units. A mark that does not fit between its neighbours is left out.
    for fraction, text in sorted(legend.marks, key=lambda mark: mark[0] not in (0, 1)):
        place = QRectF(0, 0, metrics.horizontalAdvance(text) + 2, line)
        place.moveCenter(QPointF(bar.left() + fraction * bar.width(), bar.bottom() + line / 2 + 1))
        place.moveLeft(min(max(place.left(), inner.left()), inner.right() - place.width()))
        if any(place.adjusted(-4, 0, 4, 0).intersects(other) for other in taken):
            continue
        taken.append(place)
        at_end = Qt.AlignmentFlag.AlignLeft if fraction == 0 else Qt.AlignmentFlag.AlignRight
        painter.drawText(place, at_end if fraction in (0, 1) else Qt.AlignmentFlag.AlignHCenter, text)


def _difference(names: Names, contents: Contents) -> str:
    text = f"“{names.left or 'left'}” − “{names.right or 'right'}”"
    text = f"|{text}|" if contents.kind == "absolute" else text
    return f"{text}, ×{contents.gain}" if contents.gain != 1 else text
