"""Drawings over the pictures: labels, divider, outlines, marks at the pointer, focus."""

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPalette, QPen, QPolygonF

from gui.compare.kinds import Colour

MARGIN = 8.0
"""Logical pixels between a label and the edge."""

HANDLE = 9.0
"""Radius of the divider's handle."""

CROSS = 9.0
"""Half length of the ghost cross."""

LIGHT, DARK = QColor(255, 255, 255, 230), QColor(0, 0, 0, 200)


def label(
    painter: QPainter,
    palette: QPalette,
    text: str,
    within: QRectF,
    where: Qt.AlignmentFlag,
    *,
    colour: QColor | None = None,
) -> None:
    """Draw a small text in a corner or in the middle, in the theme's colours. colour: of the text, if another one."""
    metrics = QFontMetricsF(painter.font())
    inner = within.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, max(0.0, inner.width() - 10))
    width, height = metrics.horizontalAdvance(shown) + 10, metrics.height() + 4
    box = QRectF(inner.topLeft(), inner.topLeft() + QPointF(width, height))
    if where & Qt.AlignmentFlag.AlignRight:
        box.moveRight(inner.right())
    if where & Qt.AlignmentFlag.AlignHCenter:
        box.moveCenter(QPointF(inner.center().x(), box.center().y()))
    if where & Qt.AlignmentFlag.AlignBottom:
        box.moveBottom(inner.bottom())
    if where & Qt.AlignmentFlag.AlignVCenter:
        box.moveCenter(QPointF(box.center().x(), inner.center().y()))
    plate(painter, palette, box)
    painter.setPen(colour or palette.color(QPalette.ColorRole.WindowText))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)


def plate(painter: QPainter, palette: QPalette, box: QRectF) -> None:
    """Draw the background of a text over a picture, in the theme's colours."""
    ground = QColor(palette.color(QPalette.ColorRole.Window))
    ground.setAlpha(210)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, 3, 3)


def divider(painter: QPainter, palette: QPalette, x: float, height: float) -> None:
    """Draw the divider of the wipe, with its handle in the middle."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(DARK, 3))
    painter.drawLine(QPointF(x, 0), QPointF(x, height))
    painter.setPen(QPen(LIGHT, 1))
    painter.drawLine(QPointF(x, 0), QPointF(x, height))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(DARK, 1))
    painter.setBrush(palette.color(QPalette.ColorRole.Button))
    middle = QPointF(x, height / 2)
    painter.drawEllipse(middle, HANDLE, HANDLE)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(palette.color(QPalette.ColorRole.ButtonText))
    for way in (-1, 1):
        tip = [QPointF(way * 6, 0), QPointF(way * 2, -4), QPointF(way * 2, 4)]
        painter.drawPolygon(QPolygonF([middle + point for point in tip]))


def line(painter: QPainter, polygon: QPolygonF, colour: Colour, *, dashed: bool = False, closed: bool = True) -> None:
    """Draw a thin line on a dark or light one, whichever contrasts, so that it is visible on every picture."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    ground = DARK if QColor(*colour).lightness() > 96 else LIGHT
    upper = QPen(QColor(*colour), 1.5, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
    for pen in (QPen(ground, 3.5), upper):
        painter.setPen(pen)
        if closed:
            painter.drawPolygon(polygon)
        else:
            painter.drawPolyline(polygon)


def circle(painter: QPainter, middle: QPointF, radius: float, *, dot: bool = True) -> None:
    """Draw the brush: a circle of its size with a point in the middle. dot: draw the point, too."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(DARK, 3), QPen(LIGHT, 1.2)):
        painter.setPen(pen)
        painter.drawEllipse(middle, radius, radius)
        if dot:
            painter.drawPoint(middle)


def cross(painter: QPainter, middle: QPointF) -> None:
    """Draw the place under the pointer in the other pane."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    across, down = QPointF(CROSS, 0), QPointF(0, CROSS)
    for pen in (QPen(DARK, 3), QPen(LIGHT, 1)):
        painter.setPen(pen)
        for arm in (across, down):
            painter.drawLine(middle - arm, middle - arm / 4)
            painter.drawLine(middle + arm / 4, middle + arm)


def focus_ring(painter: QPainter, palette: QPalette, rect: QRectF) -> None:
    """Draw a frame just inside the edge."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 2))
    painter.drawRect(rect.adjusted(1, 1, -1, -1))


def around(places: Iterable[QPointF], reach: float) -> list[QRectF]:
    """Return the rectangles to repaint for marks of this radius at these places."""
    side = 2 * reach + 8
    return [QRectF(place.x() - side / 2, place.y() - side / 2, side, side) for place in places]
