"""A rainy frame and its clean image in one picture, with a divider that follows the pointer."""

from importlib.resources import files

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui.design import GAP, RADIUS, sized
from gui.widgets import named

_SIDES = (("rainy.jpg", "Rainy frame"), ("clean.jpg", "Clean image"))
"""Files in ``images``: frame and clean image of the sample clip *cat* (photograph: Stéfan van der Walt, CC0)."""

_HALF = 0.5
_LARGEST = QSize(704, 480)
"""Largest size, px: twice the size of the files."""


class BeforeAfter(QWidget):
    """Show what the tool does.

    Attributes:
        divider: Place of the divider, as a fraction of the width.
    """

    def __init__(self) -> None:
        super().__init__()
        named(self, "A rainy frame, and the clean image made of its clip", "Move the pointer to move the divider")
        folder = files("gui.pages") / "images"
        self._pictures = [QImage.fromData((folder / name).read_bytes()) for name, _ in _SIDES]
        self.divider = _HALF
        self.setMouseTracking(True)
        self.setMaximumSize(_LARGEST)
        self.setMinimumSize(_LARGEST / 3)

    def sizeHint(self) -> QSize:
        """Return the size that it likes to have."""
        return _LARGEST * 3 / 4

    def hasHeightForWidth(self) -> bool:
        """Return True: the picture keeps its shape."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height, px, for a width."""
        return round(min(width, _LARGEST.width()) * _LARGEST.height() / _LARGEST.width())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the divider."""
        area = self._area()
        self.divider = min(max((event.position().x() - area.left()) / max(area.width(), 1), 0.0), 1.0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint both pictures, the divider and the names."""
        painter, area = QPainter(self), self._area()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        cut = area.left() + round(self.divider * area.width())
        sides = (QRect(area.topLeft(), area.bottomRight()), QRect(area.topLeft(), area.bottomRight()))
        sides[0].setRight(cut - 1)
        sides[1].setLeft(cut)
        painter.setFont(sized("small"))
        for side, picture, (_, name), left in zip(sides, self._pictures, _SIDES, (True, False), strict=True):
            painter.setClipRect(side)
            painter.drawImage(QRectF(area), picture)
            self._name(painter, area, name, left=left)
        painter.setClipping(False)
        painter.fillRect(cut - 1, area.top(), 2, area.height(), QColor("white"))

    def _area(self) -> QRect:
        """Return where the picture is: as large as it can be, at the top."""
        size = QSize(_LARGEST).scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        return QRect((self.width() - size.width()) // 2, 0, size.width(), size.height())

    @staticmethod
    def _name(painter: QPainter, area: QRect, name: str, *, left: bool) -> None:
        around = painter.fontMetrics().boundingRect(name).size() + QSize(2 * GAP, GAP)
        x = area.left() + GAP if left else area.right() - GAP - around.width()
        box = QRect(x, area.bottom() - GAP - around.height(), around.width(), around.height())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 170))
        painter.drawRoundedRect(box, RADIUS, RADIUS)
        painter.setPen(QColor("white"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)
