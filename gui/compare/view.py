"""The picture view: two pictures, and what the mouse does on them."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPolygonF, QRegion
from PySide6.QtWidgets import QWidget

from gui.compare import decorations
from gui.compare.annotated import AnnotatedArea
from gui.compare.kinds import U8, Mode, Place, Tool
from gui.compare.lens import draw_lens, lens_box, magnification
from gui.compare.pointer import Drag, Pointer
from rainclean.video import Region

DRAWN = (255, 210, 0)
"""Colour of a rectangle or lasso while it is drawn."""


class CompareView(AnnotatedArea):
    """Compares two pictures, and lets a person draw on them. It does not know what strokes mean.

    All places are in px of the picture, with pixel centres at .5; strokes may leave the picture.

    Signals:
        pointed: Pixel under the pointer, (−1, −1) for none.
        picked: Place that was clicked with PICK or FILL.
        rectangle_drawn: Region that was drawn with RECTANGLE.
        stroke_began, stroke_moved: Place of a stroke with BRUSH or LASSO.
        stroke_ended: The stroke is finished.
        stroke_cancelled: A stroke or rectangle was cancelled (Esc, right button, other pictures).
    """

    pointed = Signal(int, int)
    picked = Signal(float, float)
    rectangle_drawn = Signal(object)
    stroke_began = Signal(float, float)
    stroke_moved = Signal(float, float)
    stroke_ended = Signal()
    stroke_cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pointer = pointer = Pointer(self, self)
        pointer.pointed.connect(self.pointed)
        pointer.picked.connect(self.picked)
        pointer.rectangle_drawn.connect(self.rectangle_drawn)
        pointer.stroke_began.connect(self.stroke_began)
        pointer.stroke_moved.connect(self.stroke_moved)
        pointer.stroke_ended.connect(self.stroke_ended)
        pointer.stroke_cancelled.connect(self.stroke_cancelled)
        self._radius = 10.0
        self._marked: list[QRectF] = []
        self._swallow_menu = False
        self._magnifying = False
        self.setMouseTracking(True)
        # Tab does not stop here: it hides the panels where the picture has the focus, and would not go on.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("Picture comparison")
        self._describe()

    @property
    def tool(self) -> Tool:
        """Return what the left button does."""
        return self._pointer.tool

    def set_tool(self, tool: Tool) -> None:
        """Change what the left button does, and cancel the stroke that is being drawn."""
        self._pointer.cancel()
        self._pointer.tool = tool
        self._pointer.update_cursor()
        self.update()

    def set_brush_radius(self, px: float) -> None:
        """Set the radius of the brush in px of the picture."""
        self._radius = px
        self._mark()

    @property
    def pointed_pixel(self) -> tuple[int, int]:
        """Return the pixel under the pointer, (−1, −1) for none."""
        return self._pointer.pixel

    @property
    def drawing(self) -> bool:
        """Return whether a rectangle or stroke is being drawn."""
        return self._pointer.drawing

    def cancel_stroke(self) -> None:
        """Cancel the rectangle or stroke that is being drawn."""
        self._pointer.cancel()

    def show_pictures(
        self,
        left: U8 | None,
        right: U8 | None,
        left_name: str = "",
        right_name: str = "",
        *,
        keep_view: bool = True,
    ) -> int:
        """Do as in the base class, and cancel the stroke that is being drawn."""
        self._pointer.cancel()
        serial = super().show_pictures(left, right, left_name, right_name, keep_view=keep_view)
        self._describe()
        self._pointer.update_pixel()
        return serial

    def scaling(self, picture: U8) -> Callable[[], U8] | None:
        """Return work for a thread that scales a picture to how it would be shown now; None if there is none.

        Args:
            picture: (H, W, 3) uint8 RGB, of the size of the pictures that are shown.
        """
        if self._viewport is None or picture.shape[1::-1] != self._contents.size:
            return None
        return self._canvas.sampler.scaling(picture, self._viewport)

    def keep_scaled(self, picture: U8, scaled: U8) -> None:
        """Keep what `scaling` made of a picture until others are shown."""
        self._canvas.sampler.put(picture, scaled)

    def set_mode(self, mode: Mode) -> int:
        """Do as in the base class, and cancel the stroke that is being drawn."""
        self._pointer.cancel()
        serial = super().set_mode(mode)
        self._describe()
        self._pointer.update_pixel()
        return serial

    @property
    def magnifying(self) -> bool:
        """Return whether a lens at the pointer enlarges both pictures."""
        return self._magnifying

    def magnify(self) -> None:
        """Show or hide the lens at the pointer."""
        self._magnifying = not self._magnifying
        self.update()

    # What the pointer asks.

    def pan_by(self, way: QPointF) -> None:
        """Move the picture by logical pixels."""
        if self._viewport is not None:
            ratio = self.devicePixelRatioF()
            self._set_viewport(self._viewport.panned(way.x() * ratio, way.y() * ratio))

    def pane_at(self, place: QPointF) -> int:
        """Return 0, or 1 for the right one of two panes."""
        return self._pane_at(place)

    def place_in(self, place: QPointF, pane: int) -> Place:
        """Return a place of the widget in px of the picture, as if that pane filled the widget."""
        if self._viewport is None:
            return -1.0, -1.0
        return self._viewport.to_picture(*self._in_pane(place, min(pane, len(self._panes()) - 1)))

    # Events.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Qt: a button goes down."""
        drawing = self._pointer.drawing
        event.setAccepted(self._pointer.press(event))
        self._swallow_menu = drawing and event.button() == Qt.MouseButton.RightButton
        self._mark()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Qt: the pointer moves."""
        self._pointer.move(event)
        self._mark()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Qt: a button goes up."""
        self._pointer.release(event)
        self._mark()

    def leaveEvent(self, event: QEvent) -> None:
        """Qt: the pointer leaves."""
        self._pointer.leave()
        self._mark()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Qt: a menu is asked for."""
        # The right button has cancelled a stroke: no menu.
        event.setAccepted(self._swallow_menu)
        self._swallow_menu = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Qt: a key goes down."""
        if event.key() == Qt.Key.Key_Escape and self._pointer.drawing:
            self._pointer.cancel()
        else:
            super().keyPressEvent(event)

    def interrupt(self) -> None:
        """End what the pressed button does: something covers the view, so its release will not be seen."""
        self._pointer.interrupt()

    def hideEvent(self, event: QHideEvent) -> None:
        """Qt: the widget becomes invisible."""
        self._pointer.interrupt()
        super().hideEvent(event)

    def event(self, event: QEvent) -> bool:
        """Qt: any event; handles focus and Esc."""
        # While something is drawn, Esc cancels it, whatever else the window uses the key for.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape and self._pointer.drawing:
                event.accept()
                return True
        elif event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().event(event)

    def _viewport_changed(self) -> None:
        super()._viewport_changed()
        self._describe()
        self._pointer.update_pixel()

    def _describe(self) -> None:
        """Describe the view for screen readers."""
        if not self.has_picture:
            self.setAccessibleDescription("No picture")
            return
        names = [name for name in (self._names.left, self._names.right) if name]
        self.setAccessibleDescription(f"{', '.join(names)}; {self.mode.value}, {self.zoom * 100:.0f} %")

    # Marks at the pointer.

    def _decorate(self, painter: QPainter) -> None:
        super()._decorate(painter)
        if self.has_picture:
            self._draw_stroke(painter)
            for place, own in self._marks():
                if self.tool is Tool.BRUSH:
                    decorations.circle(painter, place, self._brush())
                elif not own:
                    decorations.cross(painter, place)
            self._draw_lens(painter)
        if self.hasFocus() and not self._saving:
            decorations.focus_ring(painter, self.palette(), QRectF(self.rect()))

    def _draw_stroke(self, painter: QPainter) -> None:
        pointer = self._pointer
        if pointer.drag is Drag.RECTANGLE:
            (x0, y0), (x1, y1) = pointer.points
            points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        elif pointer.drag is Drag.STROKE and self.tool is Tool.LASSO:
            points = pointer.points
        else:
            return
        for pane in range(len(self._panes())):
            polygon = QPolygonF([self.to_widget(x, y, pane) for x, y in points])
            decorations.line(painter, polygon, DRAWN, closed=pointer.drag is Drag.RECTANGLE)

    def _lens(self) -> QRectF | None:
        """Return where the lens is; None if it is hidden or the pointer is outside the picture."""
        place = self._pointer.place
        if not self._magnifying or place is None or self._pointer.pixel == (-1, -1):
            return None
        count = sum(picture is not None for picture in self.pictures)
        return lens_box(place, QRectF(self.rect()), count, self.fontMetrics().height())

    def _draw_lens(self, painter: QPainter) -> None:
        box = self._lens()
        if box is None:
            return
        pictures = self.named_pictures()
        (x, y), zoom, ratio = self._pointer.pixel, magnification(self.zoom), self.devicePixelRatioF()
        lut, at = self._tone.lut, (x + 0.5, y + 0.5)
        draw_lens(painter, self.palette(), box, pictures, at=at, zoom=zoom, ratio=ratio, lut=lut)

    def _changed_within(self, region: Region | None) -> int:
        serial = super()._changed_within(region)
        box = self._lens()
        if box is not None:
            self.update(box.toAlignedRect())
        return serial

    def _marks(self) -> list[tuple[QPointF, bool]]:
        """Return where to draw marks: under the pointer (True), and at the same place in the other pane."""
        place = self._pointer.place
        if place is None or not self.has_picture:
            return []
        marks = [(place, True)] if self.tool is Tool.BRUSH and self._pointer.drag is not Drag.DIVIDER else []
        own, panes = self._pane_at(place), self._panes()
        if len(panes) > 1:
            other = self.to_widget(*self.to_picture(place), 1 - own)
            if self._rect(panes[1 - own].box).contains(other):
                marks.append((other, False))
        return marks

    def _brush(self) -> float:
        return max(1.0, self._radius * self.zoom / self.devicePixelRatioF())

    def _mark(self) -> None:
        """Repaint where marks were and where they are."""
        if self._pointer.drawing and self.tool in (Tool.LASSO, Tool.RECTANGLE):
            self.update()
            return
        reach = self._brush() if self.tool is Tool.BRUSH else decorations.CROSS
        previous = self._marked
        self._marked = decorations.around([place for place, _ in self._marks()], reach)
        if (lens := self._lens()) is not None:
            self._marked.append(lens.adjusted(-1, -1, 1, 1))
        region = QRegion()
        for rect in (*previous, *self._marked):
            region += rect.toAlignedRect()
        if not region.isEmpty():
            self.update(region)
