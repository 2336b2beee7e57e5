"""A frame of a clip, on which a region is drawn with the mouse."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.design import colours
from gui.widgets import named
from rainclean.video import Region

SMALLEST_DRAG = 4
"""Logical px that the mouse has to move; less is a click, which draws nothing."""

_SURROUND = QColor(96, 96, 96)
_SHADE = QColor(0, 0, 0, 140)


class FramePicture(QWidget):
    """Show a frame and the region in it.

    Signals: `region_drawn` with a new region, px of the upright frame.
    """

    region_drawn = Signal(object)

    def __init__(self, width: int, height: int) -> None:
        """Make the widget for frames of this size, px."""
        super().__init__()
        self.frame_width, self.frame_height = width, height
        self.region: Region | None = None
        self._image: QImage | None = None
        self._text = "Loading the frame …"
        self._start: QPointF | None = None
        named(self, "Frame", "Drag to choose the region")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 180)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def sizeHint(self) -> QSize:
        """Return a size for a dialog."""
        return QSize(520, 320)

    def set_picture(self, picture: NDArray[np.uint8]) -> None:
        """Show a frame, (h, w, 3) uint8 RGB, perhaps smaller than it is in the clip."""
        data = np.ascontiguousarray(picture)
        height, width = data.shape[:2]
        self._image = QImage(data.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self.update()

    def set_text(self, text: str) -> None:
        """Show why there is no picture."""
        self._image, self._text = None, text
        self.update()

    def set_region(self, region: Region | None) -> None:
        """Show a region; None for the whole picture."""
        self.region = region
        self.update()

    def place(self) -> QRectF:
        """Return where the frame is shown, in the widget's px."""
        scale = min(self.width() / self.frame_width, self.height() / self.frame_height)
        size = (self.frame_width * scale, self.frame_height * scale)
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frame, darker outside of the region."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), _SURROUND)
        if self._image is None:
            painter.setPen(QColor("white"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._text)
            return
        place = self.place()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, self._image)
        if self.region is not None:
            inner = self._shown(self.region)
            for part in _around(place, inner):
                painter.fillRect(part, _SHADE)
            painter.setPen(QPen(QColor(colours().accent), 2))
            painter.drawRect(inner)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a region."""
        if event.button() == Qt.MouseButton.LeftButton and self.isEnabled():
            self._start = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the region."""
        if self._start is None or (event.position() - self._start).manhattanLength() < SMALLEST_DRAG:
            return
        region = self._between(self._start, event.position())
        if region is not None:
            self.set_region(region)
            self.region_drawn.emit(region)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the region."""
        self.mouseMoveEvent(event)
        self._start = None

    def _between(self, one: QPointF, other: QPointF) -> Region | None:
        place = self.place()
        scale = self.frame_width / place.width()
        box = QRectF(one, other).normalized().intersected(place).translated(-place.topLeft())
        left, top = round(box.left() * scale), round(box.top() * scale)
        width, height = round(box.width() * scale), round(box.height() * scale)
        if min(width, height) < 1:
            return None
        return Region(left, top, min(width, self.frame_width - left), min(height, self.frame_height - top))

    def _shown(self, region: Region) -> QRectF:
        place = self.place()
        scale = place.width() / self.frame_width
        return QRectF(
            place.left() + region.x * scale, place.top() + region.y * scale, region.width * scale, region.height * scale
        )


def _around(outer: QRectF, inner: QRectF) -> list[QRectF]:
    """Return the parts of a rectangle outside of another one."""
    return [
        QRectF(outer.left(), outer.top(), outer.width(), inner.top() - outer.top()),
        QRectF(outer.left(), inner.bottom(), outer.width(), outer.bottom() - inner.bottom()),
        QRectF(outer.left(), inner.top(), inner.left() - outer.left(), inner.height()),
        QRectF(inner.right(), inner.top(), outer.right() - inner.right(), inner.height()),
    ]
