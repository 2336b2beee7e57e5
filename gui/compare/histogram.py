"""A small panel over a picture view: histograms of both pictures around the pointer, or of the visible part."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPolygonF
from PySide6.QtWidgets import QWidget

from gui.compare.decorations import MARGIN
from gui.compare.kinds import U8
from gui.compare.view import CompareView
from gui.design import GAP, SPACE, colours, sized
from rainclean.number_text import percent
from rainclean.video import Region

REACH = 32
"""Pixels on each side of the pointer that are counted."""

BINS = 64
"""Bars from level 0 to 255: four levels each."""

ENOUGH = 200_000
"""Pixels of a large part that are counted, about: every n-th row and column."""

_DELAY_MS = 40
_CHANNELS = (QColor("#e5484d"), QColor("#30a46c"), QColor("#3e8ed0"))
"""Colours of the curves of red, green and blue."""

_PLOT = 64
"""Height of one histogram in logical pixels."""


@dataclass(frozen=True)
class Histogram:
    """Levels of one picture.

    Attributes:
        name: Name of the picture.
        shares: Fraction of the pixels by channel and bar, (3, BINS).
        mean: Mean of all channels in levels.
        full: Fraction of the pixels with a channel at 255.
    """

    name: str
    shares: NDArray[np.float64]
    mean: float
    full: float


def histogram(name: str, picture: U8, region: Region) -> Histogram:
    """Return the histogram of a region of a picture, (H, W, 3) uint8 RGB. name: of the picture."""
    part = picture[region.y : region.y + region.height, region.x : region.x + region.width]
    step = max(1, int(np.sqrt(part.shape[0] * part.shape[1] / ENOUGH)))
    part = part[::step, ::step]
    counts = [np.bincount(part[..., channel].ravel() // (256 // BINS), minlength=BINS) for channel in range(3)]
    pixels = max(1, part.shape[0] * part.shape[1])
    full = float((part.max(axis=2) == 255).mean()) if part.size else 0.0
    return Histogram(name, np.stack(counts) / pixels, float(part.mean()) if part.size else 0.0, full)


class HistogramPanel(QWidget):
    """Shows the histograms in the lower right corner of a view. The mouse goes through it."""

    def __init__(self, view: CompareView) -> None:
        super().__init__(view)
        self._view = view
        self.histograms: list[Histogram] = []
        self.title = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Histograms of both pictures")
        self.setFont(sized("small"))
        self._timer = QTimer(self, singleShot=True, interval=_DELAY_MS)
        self._timer.timeout.connect(self._count)
        for signal in (view.pointed, view.view_changed, view.painted):
            signal.connect(self._soon)
        view.installEventFilter(self)
        self.hide()

    def toggle(self) -> bool:
        """Show or hide the panel; return whether it is shown."""
        self.setVisible(self.isHidden())
        if not self.isHidden():
            self._count()
            self._place()
        return not self.isHidden()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt: an event of the view; the panel stays in its corner."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        line = self.fontMetrics().height()
        height = 2 * (_PLOT + line + SPACE) + 2 * line + 3 * SPACE
        self.resize(256 + 2 * GAP, height)
        scale = self._view.fontMetrics().height() + 4 + 2 * MARGIN
        self.move(round(self._view.width() - self.width() - MARGIN), round(self._view.height() - height - scale))

    def _soon(self) -> None:
        if not self.isHidden() and not self._timer.isActive():
            self._timer.start()

    def _count(self) -> None:
        if self.isHidden():
            return
        size, (x, y) = self._view.picture_size, self._view.pointed_pixel
        if size is None:
            title, histograms = "No picture", []
        else:
            if x >= 0:
                left, top = max(0, x - REACH), max(0, y - REACH)
                right, bottom = min(size[0], x + REACH + 1), min(size[1], y + REACH + 1)
                region, where = Region(left, top, right - left, bottom - top), f"Around {x}, {y}"
            else:
                region, where = self._view.visible_region(), "Visible part"
            title = f"{where}: {region.width}×{region.height} px"
            histograms = [histogram(name, picture, region) for name, picture in self._view.named_pictures()]
        self.title, self.histograms = title, histograms
        self.setAccessibleDescription("; ".join([title, *map(_words, histograms)]))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt: paint."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scheme, line = colours(self.palette()), self.fontMetrics().height()
        ground = QColor(self.palette().color(QPalette.ColorRole.Window))
        ground.setAlpha(235)
        painter.setPen(QColor(scheme.line))
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), SPACE, SPACE)
        inner = self.rect().adjusted(GAP, SPACE, -GAP, -SPACE)
        painter.setPen(QColor(scheme.text))
        painter.drawText(inner, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, self.title)
        top = inner.top() + line + SPACE
        highest = max((float(h.shares.max()) for h in self.histograms), default=0.0)
        for shown in self.histograms:
            painter.setPen(QColor(scheme.faint))
            text = self.fontMetrics().elidedText(_words(shown), Qt.TextElideMode.ElideMiddle, inner.width())
            painter.drawText(inner.left(), top + self.fontMetrics().ascent(), text)
            plot = QRectF(inner.left(), top + line, inner.width(), _PLOT)
            _draw(painter, plot, shown, highest)
            painter.setPen(QColor(scheme.edge))
            painter.drawLine(plot.bottomLeft(), plot.bottomRight())
            top += line + _PLOT + SPACE
        painter.setPen(QColor(scheme.faint))
        axis = QRectF(inner.left(), top - SPACE, inner.width(), line)
        for text, where in (
            ("0", Qt.AlignmentFlag.AlignLeft),
            ("128", Qt.AlignmentFlag.AlignHCenter),
            ("255 levels", Qt.AlignmentFlag.AlignRight),
        ):
            painter.drawText(axis, where, text)


def _words(shown: Histogram) -> str:
    full = f", {percent(shown.full)} at 255" if shown.full >= 0.005 else ""
    return f"{shown.name}: mean {shown.mean:.0f} levels{full}"


def _draw(painter: QPainter, plot: QRectF, shown: Histogram, highest: float) -> None:
    step = plot.width() / BINS
    for colour, shares in zip(_CHANNELS, shown.shares, strict=True):
        # The square root keeps small shares visible beside a peak.
        heights = np.sqrt(shares / highest) * plot.height() if highest else np.zeros(BINS)
        points = [QPointF(plot.left() + (i + 0.5) * step, plot.bottom() - height) for i, height in enumerate(heights)]
        filled = QColor(colour)
        filled.setAlpha(60)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(filled)
        ends = QPointF(points[0].x(), plot.bottom()), QPointF(points[-1].x(), plot.bottom())
        painter.drawPolygon(QPolygonF([ends[0], *points, ends[1]]))
        painter.setPen(colour)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(points))
