"""A picture area with tints, outlines, a legend and a mark over the pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QImage, QPainter, QPolygonF, QRegion, QTransform
from PySide6.QtWidgets import QWidget

from gui.compare import decorations
from gui.compare.area import PictureArea
from gui.compare.canvas import Canvas
from gui.compare.captions import draw_legend
from gui.compare.kinds import U8, Colour, Legend, Outline, Place
from gui.compare.overlays import Overlay
from gui.compare.viewport import Box
from rainclean.video import Region

SPOT_MS = 1800
"""Milliseconds that a place is ringed."""


@dataclass(frozen=True)
class _Drawn:
    """An outline as Qt draws it, in px of the picture."""

    polygon: QPolygonF
    colour: Colour
    dashed: bool


class AnnotatedArea(PictureArea):
    """Shows pictures, and what a person should see over them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._overlays: dict[str, Overlay] = {}
        self._outlines: list[_Drawn] = []
        self._legend: Legend | None = None
        self._saving = False
        self._spot: tuple[Place, float] | None = None
        self._spot_timer = QTimer(self, singleShot=True, interval=SPOT_MS)
        self._spot_timer.timeout.connect(lambda: self.ring(None))

    @property
    def pictures(self) -> tuple[U8 | None, U8 | None]:
        """Return the left and the right picture as they are displayed, (H, W, 3) uint8 RGB; not to be written to."""
        return self._contents.left, self._contents.shown_right

    def named_pictures(self) -> list[tuple[str, U8]]:
        """Return captions and pictures as they are displayed, from left to right."""
        both = zip((self._names.left, self._names.right), self.pictures, strict=True)
        named = [(name, picture) for name, picture in both if picture is not None]
        return named[::-1] if self._swapped else named

    def set_overlay(
        self, key: str, mask: U8 | None, colour: Colour | U8 = (255, 0, 0), alpha: float = 0.5, *, hatched: bool = False
    ) -> None:
        """Tint the pictures by a mask; side by side only the right one. Later keys are drawn over earlier ones.

        Args:
            key: Name of the overlay.
            mask: (H, W) uint8, 255 for the colour at alpha; None removes the overlay. It is kept, not copied, and not
                drawn over pictures of another size.
            colour: One colour, or (256, 3) uint8 by value of the mask.
            alpha: Opacity, 0…1.
            hatched: Draw stripes.

        Raises:
            ValueError: The mask is an array of another kind.
        """
        if mask is not None and (mask.ndim != 2 or str(mask.dtype) != "uint8"):
            raise ValueError(f"a mask of {mask.dtype} {mask.shape}, not (H, W) uint8")
        if mask is None:
            if self._overlays.pop(key, None) is None:
                return
        else:
            self._overlays[key] = Overlay(mask, colour, alpha, hatched=hatched)
            self._canvas.sampler.changed(mask, mask, None)
        self._forget()
        self._changed()

    def update_overlay(self, key: str, region: Region | None = None) -> None:
        """Repaint an overlay after its mask has changed.

        Args:
            key: Name of the overlay.
            region: Where the mask has changed; None for anywhere.

        Raises:
            KeyError: There is no such overlay.
        """
        mask = self._overlays[key].mask
        self._canvas.sampler.changed(mask, mask, region)
        self._changed_within(region)

    def set_legend(self, legend: Legend | None) -> None:
        """Show a legend in the lower left corner; None removes it."""
        self._legend = legend
        self.update()

    def set_outlines(self, outlines: Sequence[Outline]) -> None:
        """Replace the outlines over the pictures."""
        self._outlines = [
            _Drawn(QPolygonF([QPointF(x, y) for x, y in points]), colour, dashed=dashed)
            for points, colour, dashed in outlines
        ]
        self.update()

    def ring(self, place: Place | None, radius: float = 0.0) -> None:
        """Draw a ring around a place for a moment; None removes it.

        Args:
            place: Place of the picture in px.
            radius: Radius of the ring in px of the picture.
        """
        self._spot = None if place is None else (place, radius)
        if place is not None:
            self._spot_timer.start()
        self.update()

    def to_image(self, *, marks: bool) -> QImage:
        """Return what the view shows, at the screen's resolution.

        Args:
            marks: With tints, outlines, captions and brightness; else the pictures alone, with their own levels.
        """
        if not marks:
            canvas = Canvas()
            canvas.resize(self._device_size(), 1.0)
            whole = Box(0, 0, *self._device_size())
            canvas.compose(whole, self._panes(), self._viewport, self._contents, tinted=(), overlays=())
            return canvas.image.copy()
        image = QImage(*self._device_size(), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(self.devicePixelRatioF())
        self._saving = True
        try:
            self.render(image, QPoint(), QRegion(), QWidget.RenderFlag.DrawWindowBackground)
        finally:
            self._saving = False
        return image

    # Inside.

    def _tints(self) -> Sequence[Overlay]:
        return tuple(self._overlays.values())

    def _decorate(self, painter: QPainter) -> None:
        super()._decorate(painter)
        if self.has_picture and self._legend is not None:
            draw_legend(painter, self.palette(), QRectF(self.rect()), self._legend)

    def _draw_over_pictures(self, painter: QPainter) -> None:
        for index, pane in enumerate(self._panes()):
            painter.save()
            painter.setClipRect(self._rect(pane.box), Qt.ClipOperation.IntersectClip)
            self._draw_outlines(painter, index)
            if self._spot is not None:
                (x, y), radius = self._spot
                scale = self.zoom / self.devicePixelRatioF()
                decorations.circle(painter, self.to_widget(x, y, index), radius * scale, dot=False)
            painter.restore()

    def _draw_outlines(self, painter: QPainter, pane: int) -> None:
        if not self._outlines:
            return
        corner, scale = self.to_widget(0, 0, pane), self.zoom / self.devicePixelRatioF()
        transform = QTransform(scale, 0, 0, scale, corner.x(), corner.y())
        for outline in self._outlines:
            decorations.line(painter, transform.map(outline.polygon), outline.colour, dashed=outline.dashed)
