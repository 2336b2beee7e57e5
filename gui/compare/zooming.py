"""A widget whose picture can be zoomed and panned. A subclass paints it."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QNativeGestureEvent, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QGestureEvent, QPinchGesture, QWidget

from gui.compare.kinds import Place
from gui.compare.panes import Pane
from gui.compare.viewport import Box, Viewport
from rainclean.video import Region

STEP = 1.25
"""Factor of one notch of the wheel and of one key press."""


class ZoomableArea(QWidget):
    """A zoomable view. Zoom is in device pixels per pixel of the picture: 1 is 1:1 on every screen.

    Signals: `view_changed` with the zoom and the visible region, when zoom, place or size of the view has changed.
    """

    view_changed = Signal(float, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewport: Viewport | None = None
        self._fitted = True
        self.grabGesture(Qt.GestureType.PinchGesture)

    # A subclass defines these.

    def _panes(self) -> Sequence[Pane]:
        raise NotImplementedError

    def _pane_size(self) -> tuple[int, int]:
        raise NotImplementedError

    def _viewport_changed(self) -> None:
        raise NotImplementedError

    # Public.

    @property
    def zoom(self) -> float:
        """Return the device pixels per pixel of the picture."""
        return self._viewport.zoom if self._viewport is not None else 1.0

    @property
    def fitted(self) -> bool:
        """Return whether the picture is fitted into the view, also when the view changes its size."""
        return self._fitted

    @property
    def fit_zoom(self) -> float:
        """Return the zoom at which the whole picture is seen; 1 without a picture."""
        return self._viewport.fit_zoom if self._viewport is not None else 1.0

    @property
    def centre(self) -> Place:
        """Return the place of the picture in px in the middle of the view."""
        return self._viewport.centre if self._viewport is not None else (0.0, 0.0)

    def visible_region(self) -> Region:
        """Return the visible pixels of the picture. Without a picture: those visible last."""
        return self._viewport.visible if self._viewport is not None else Region(0, 0, 0, 0)

    def fit(self) -> None:
        """Show the whole picture as large as possible."""
        if self._viewport is not None:
            self._set_viewport(Viewport.fitting(self._viewport.picture, self._pane_size()), fitted=True)

    def actual_size(self) -> None:
        """Zoom to 1:1 about the middle."""
        self.set_zoom(1.0)

    def set_zoom(self, factor: float, about: QPointF | None = None) -> None:
        """Zoom, within limits. about: place of the widget that stays; by default the middle."""
        if self._viewport is None:
            return
        place = self._in_pane(about) if about is not None else None
        self._set_viewport(self._viewport.zoomed(factor, place))

    def zoom_in(self) -> None:
        """Zoom in by a step."""
        self._zoom_by(STEP)

    def zoom_out(self) -> None:
        """Zoom out by a step."""
        self._zoom_by(1 / STEP)

    def zoom_to(self, region: Region) -> None:
        """Show a region of the picture as large as possible."""
        if self._viewport is not None:
            self._set_viewport(self._viewport.onto(region))

    def show_place(self, x: float, y: float, zoom: float = 1.0) -> None:
        """Show a place of the picture in px in the middle of the view, at a zoom."""
        if self._viewport is not None:
            self._set_viewport(self._viewport.at((x, y), zoom))

    def pan(self, dx: float, dy: float) -> None:
        """Move the view over the picture by fractions of the view: pan(0.25, 0) moves to the right."""
        if self._viewport is not None:
            width, height = self._viewport.pane
            self._set_viewport(self._viewport.panned(-dx * width, -dy * height))

    def to_picture(self, place: QPointF) -> Place:
        """Return the place of the picture in px under a place of the widget; it may be outside the picture."""
        if self._viewport is None:
            return -1.0, -1.0
        return self._viewport.to_picture(*self._in_pane(place))

    def to_widget(self, x: float, y: float, pane: int = 0) -> QPointF:
        """Return the place of the widget over a place of the picture. pane: 1 for the right one of two."""
        if self._viewport is None:
            return QPointF()
        box, ratio = self._panes()[pane].box, self.devicePixelRatioF()
        inner = self._viewport.to_pane(x, y)
        return QPointF((inner[0] + box.x0) / ratio, (inner[1] + box.y0) / ratio)

    # Inside.

    def _device_size(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return max(1, math.ceil(self.width() * ratio)), max(1, math.ceil(self.height() * ratio))

    def _rect(self, box: Box) -> QRectF:
        """Return device pixels as a rectangle of the widget."""
        ratio = self.devicePixelRatioF()
        return QRectF(box.x0 / ratio, box.y0 / ratio, (box.x1 - box.x0) / ratio, (box.y1 - box.y0) / ratio)

    def _pane_at(self, place: QPointF) -> int:
        panes, x = self._panes(), place.x() * self.devicePixelRatioF()
        return 1 if len(panes) > 1 and x >= (panes[0].box.x1 + panes[1].box.x0) / 2 else 0

    def _in_pane(self, place: QPointF, pane: int | None = None) -> Place:
        """Return a place of the widget in device pixels of a pane, by default of the pane at that place."""
        ratio = self.devicePixelRatioF()
        box = self._panes()[self._pane_at(place) if pane is None else pane].box
        return place.x() * ratio - box.x0, place.y() * ratio - box.y0

    def _zoom_by(self, factor: float, about: QPointF | None = None) -> None:
        # Stop at 1:1 and at the whole picture, which steps would miss.
        zoom = self.zoom * factor
        stops = (1.0, self._viewport.fit_zoom if self._viewport is not None else 1.0)
        passed = [stop for stop in stops if min(self.zoom, zoom) < stop < max(self.zoom, zoom)]
        self.set_zoom(min(passed, key=lambda stop: abs(stop - self.zoom)) if passed else zoom, about)

    def _set_viewport(self, viewport: Viewport, *, fitted: bool | None = None) -> None:
        if fitted is None:
            fitted = viewport.zoom == viewport.fit_zoom
        if (viewport, fitted) == (self._viewport, self._fitted):
            return
        self._viewport, self._fitted = viewport, fitted
        self._viewport_changed()
        self.view_changed.emit(viewport.zoom, viewport.visible)

    def _show_size(self, picture: tuple[int, int], *, keep: bool) -> None:
        """Show a picture of this size. keep: keep zoom and place if possible."""
        pane = self._pane_size()
        if self._viewport is None or self._fitted or not keep:
            self._set_viewport(Viewport.fitting(picture, pane), fitted=True)
        else:
            view = self._viewport if self._viewport.pane == pane else self._viewport.resized(pane)
            self._set_viewport(view if view.picture == picture else view.over(picture), fitted=False)

    def _refit(self) -> None:
        """Adapt the view to a pane of another size."""
        if self._viewport is not None and self._viewport.pane != self._pane_size():
            self._show_size(self._viewport.picture, keep=True)

    # Events.

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt: another size."""
        super().resizeEvent(event)
        self._refit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt: paint. A subclass implements it."""
        raise NotImplementedError

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Qt: the wheel turns."""
        turned = event.angleDelta().y()
        if turned:
            self._zoom_by(STEP ** (turned / 120), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Qt: any event; handles pinches, and moves to another screen."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom_by(1 + event.value(), event.position())
            return True
        pinch = event.gesture(Qt.GestureType.PinchGesture) if isinstance(event, QGestureEvent) else None
        if isinstance(pinch, QPinchGesture):
            self._zoom_by(pinch.scaleFactor(), QPointF(self.mapFromGlobal(pinch.centerPoint().toPoint())))
            event.accept()
            return True
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._refit()
        return super().event(event)
