"""A rainy frame with the crops that will be exported, and one of them beside its clean image, pixel for pixel."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QSplitter, QVBoxLayout, QWidget

from gui.pages.pairs.pair_reading import U8, Preview
from gui.widgets import WrappedLabel
from pipeline.text_format import counted
from rainclean.video import Region

if TYPE_CHECKING:
    from rainclean.dataset import Crop

SURROUND = QColor(119, 119, 119)
"""The perceptual middle grey, as in the comparison view."""


def _image(picture: U8) -> QImage:
    """Wrap an array as an image that shares its memory: keep the array while it is painted."""
    height, width = picture.shape[:2]
    return QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)


class CropMap(QWidget):
    """Draw the frame with its crops; a click, or N and P, selects one.

    Signal `selected`: place of the selected crop in the list.
    """

    selected = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.preview: Preview | None = None
        self.place = 0
        self.setMinimumSize(240, 120)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Crops of the frame")
        self.setToolTip("Crops of this frame that will be exported; click one, or press N and P, to enlarge it")

    def show_preview(self, preview: Preview | None) -> None:
        """Show another frame; the crop at the same place stays selected if there is one."""
        self.preview = preview
        self.place = min(self.place, max(0, len(preview.crops) - 1)) if preview else 0
        self.update()

    def select(self, place: int) -> None:
        """Select the crop at this place of the list, counted modulo its length."""
        if self.preview is not None and self.preview.crops:
            self.place = place % len(self.preview.crops)
            self.update()
            self.selected.emit(self.place)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frame and its crops, the selected one thicker."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), SURROUND)
        if self.preview is None:
            return
        target = self._target()
        painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
        painter.drawImage(target, _image(self.preview.small))
        if not self.preview.crops:
            painter.fillRect(target, QColor(0, 0, 0, 120))
        for thick, colour in ((3.0, QColor(0, 0, 0, 160)), (1.2, QColor(255, 255, 255))):
            painter.setPen(QPen(colour, thick))
            for crop in self.preview.crops:
                painter.drawRect(self._on_screen(crop.region))
        if self.preview.crops:
            painter.setPen(QPen(QColor(255, 190, 0), 3))
            painter.drawRect(self._on_screen(self.preview.crops[self.place].region))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the crop under the pointer; of several, the one with the nearest centre."""
        if self.preview is None or event.button() != Qt.MouseButton.LeftButton:
            return
        at = event.position()
        under = [
            (QPointF(box.center() - at).manhattanLength(), place)
            for place, crop in enumerate(self.preview.crops)
            if (box := self._on_screen(crop.region)).contains(at)
        ]
        if under:
            self.select(min(under)[1])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Select the next crop with N, the previous one with P."""
        step = {Qt.Key.Key_N: 1, Qt.Key.Key_P: -1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.select(self.place + step)

    def _target(self) -> QRectF:
        assert self.preview is not None
        height, width = self.preview.rainy.shape[:2]
        size = QSize(width, height).scaled(self.size() - QSize(8, 8), Qt.AspectRatioMode.KeepAspectRatio)
        target = QRectF(0, 0, size.width(), size.height())
        target.moveCenter(QPointF(self.rect().center()))
        return target

    def _on_screen(self, region: Region) -> QRectF:
        assert self.preview is not None
        target = self._target()
        scale = target.width() / self.preview.rainy.shape[1]
        return QRectF(
            target.left() + region.x * scale, target.top() + region.y * scale, region.width * scale,
            region.height * scale,
        )  # fmt: skip


class CropPair(QWidget):
    """Show one crop, rainy and clean side by side, 1:1; dragging moves both."""

    def __init__(self) -> None:
        super().__init__()
        self.preview: Preview | None = None
        self.crop: Crop | None = None
        self._middle = QPointF()
        self._grip: QPointF | None = None
        self.setMinimumSize(240, 100)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("The selected crop, rainy and clean")
        self.setToolTip("The selected crop as it will be exported, rainy and clean, 1:1; drag to move")

    def show_crop(self, preview: Preview | None, crop: "Crop | None") -> None:
        """Show another crop, or the same crop of another frame without moving."""
        if crop is None or self.crop is None or crop.region != self.crop.region:
            self._middle = QPointF(crop.region.width / 2, crop.region.height / 2) if crop else QPointF()
        self.preview, self.crop = preview, crop
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint both halves."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), SURROUND)
        if self.preview is None or self.crop is None:
            return
        for half, picture in zip(self._halves(), (self.preview.rainy, self.preview.clean), strict=True):
            source, target = self._part(half)
            image = _image(picture).copy(source.translated(self.crop.region.x, self.crop.region.y))
            painter.drawImage(target, image)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag."""
        self._grip = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move both halves."""
        if self._grip is None or self.crop is None:
            return
        moved = self._middle - (event.position() - self._grip) * self.devicePixelRatioF()
        half, ratio = self._halves()[0], self.devicePixelRatioF()
        self._middle = QPointF(
            _within(moved.x(), half.width() * ratio, self.crop.region.width),
            _within(moved.y(), half.height() * ratio, self.crop.region.height),
        )
        self._grip = event.position()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag."""
        self._grip = None

    def _halves(self) -> tuple[QRect, QRect]:
        width = (self.width() - 6) // 2
        return QRect(0, 0, width, self.height()), QRect(self.width() - width, 0, width, self.height())

    def _part(self, half: QRect) -> tuple[QRect, QRectF]:
        """Return the visible part of the crop in a half, px of the crop, and where it is painted."""
        assert self.crop is not None
        ratio = self.devicePixelRatioF()
        region = self.crop.region
        size = QSize(round(half.width() * ratio), round(half.height() * ratio))
        corner = QPoint(round(self._middle.x() - size.width() / 2), round(self._middle.y() - size.height() / 2))
        source = QRect(corner, size) & QRect(0, 0, region.width, region.height)
        offset = QPointF(source.topLeft() - corner) / ratio
        return source, QRectF(QPointF(half.topLeft()) + offset, QSizeF(source.size()) / ratio)


def _within(middle: float, room: float, size: int) -> float:
    """Return a centre that leaves no empty border beside a crop that is larger than its space."""
    return size / 2 if size <= room else min(max(middle, room / 2), size - room / 2)


class CropPreview(QWidget):
    """Show the map above, the pair below, and a line of text on each."""

    def __init__(self) -> None:
        super().__init__()
        self.map, self.pair = CropMap(), CropPair()
        self.status, self.about = WrappedLabel(name="The frame"), WrappedLabel(name="The selected crop")
        upper, lower = QWidget(), QWidget()
        for widget, label, picture in ((upper, self.status, self.map), (lower, self.about, self.pair)):
            column = QVBoxLayout(widget)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(label)
            column.addWidget(picture, 1)
        splitter = QSplitter(Qt.Orientation.Vertical, childrenCollapsible=False)
        splitter.addWidget(upper)
        splitter.addWidget(lower)
        splitter.setSizes([500, 500])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self.map.selected.connect(lambda _: self._show_pair())

    def show_preview(self, preview: Preview | None, note: str = "") -> None:
        """Show a frame, or nothing.

        Args:
            preview: the frame with its crops, None for nothing.
            note: on the frame, or why there is none.
        """
        self.map.show_preview(preview)
        if preview is None:
            self.status.setText(note)
        else:
            crops = preview.no_crops_reason or counted(len(preview.crops), "crop")
            self.status.setText(f"Frame {preview.frame}: {crops}{note and '; '}{note}")
        self._show_pair()

    def _show_pair(self) -> None:
        preview = self.map.preview
        crop = preview.crops[self.map.place] if preview is not None and preview.crops else None
        self.pair.show_crop(preview, crop)
        if crop is None:
            self.about.clear()
            return
        box = crop.region
        number = f" {self.map.place + 1}" if preview is not None and len(preview.crops) > 1 else ""
        place = f"{box.width}×{box.height} px at {box.x}, {box.y}"
        self.about.setText(
            f"Crop{number}: {place}, rain on {100 * crop.rain_share:.1f} % of its pixels; rainy and clean, 1:1"
        )
