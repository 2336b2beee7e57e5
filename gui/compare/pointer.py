"""The mouse over the view: pan, drag the divider, draw with a tool.

The pointer turns mouse events into places of the picture, and emits signals. It knows neither what strokes mean nor how
pictures are painted; all it needs of the view is its `Surface`.
"""

import math
from enum import Enum, auto
from typing import Protocol

from PySide6.QtCore import QObject, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QCursor, QMouseEvent

from gui.compare.decorations import HANDLE
from gui.compare.kinds import Place, Tool
from gui.compare.viewport import Box
from rainclean.video import Region

GRAB_PX = 6.0
"""Logical pixels from the divider within which it can be grabbed."""

CURSORS = {
    Tool.NONE: Qt.CursorShape.OpenHandCursor,
    Tool.PICK: Qt.CursorShape.CrossCursor,
    Tool.RECTANGLE: Qt.CursorShape.CrossCursor,
    Tool.BRUSH: Qt.CursorShape.BlankCursor,
    Tool.LASSO: Qt.CursorShape.CrossCursor,
    Tool.FILL: Qt.CursorShape.PointingHandCursor,
}


class Drag(Enum):
    """What the pressed button does."""

    PAN = auto()
    DIVIDER = auto()
    RECTANGLE = auto()
    STROKE = auto()


class Surface(Protocol):
    """What the pointer needs of its view. Places of the widget are in logical px."""

    @property
    def has_picture(self) -> bool:
        """Return whether a picture is shown."""

    @property
    def picture_size(self) -> tuple[int, int] | None:
        """Return width and height of the picture in px."""

    @property
    def zoom(self) -> float:
        """Return the device px per px of the picture."""

    def to_picture(self, place: QPointF) -> Place:
        """Return a place of the widget in px of the picture."""

    def place_in(self, place: QPointF, pane: int) -> Place:
        """Return the same as if that pane filled the widget."""

    def pane_at(self, place: QPointF) -> int:
        """Return 0, or 1 for the right one of two panes."""

    def pan_by(self, way: QPointF) -> None:
        """Move the picture."""

    def divider_x(self) -> float | None:
        """Return the x of the divider; None if there is none."""

    def set_divider(self, fraction: float) -> None:
        """Move the divider to a fraction of the width, 0…1."""

    def rect(self) -> QRect:
        """Return the rectangle of the widget."""

    def cursor(self) -> QCursor:
        """Return the current cursor."""

    def setCursor(self, cursor: Qt.CursorShape, /) -> None:
        """Set the cursor."""

    def update(self) -> None:
        """Repaint the widget."""


class Pointer(QObject):
    """The pointer of one view. Its signals are those of `CompareView`.

    Attributes:
        tool: What the left button does.
        place: Its last place in the widget; None outside the view.
        pixel: The pixel of the picture under it; (−1, −1) for none.
        drag: What the pressed button does; None without one.
        points: The rectangle (two corners) or stroke being drawn, in px of the picture.
    """

    pointed = Signal(int, int)
    picked = Signal(float, float)
    rectangle_drawn = Signal(object)
    stroke_began = Signal(float, float)
    stroke_moved = Signal(float, float)
    stroke_ended = Signal()
    stroke_cancelled = Signal()

    def __init__(self, view: Surface, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self.tool = Tool.NONE
        self.place: QPointF | None = None
        self.pixel = (-1, -1)
        self.drag: Drag | None = None
        self.points: list[Place] = []
        self._button = Qt.MouseButton.NoButton
        self._pane = 0

    @property
    def drawing(self) -> bool:
        """Return whether a rectangle or stroke is being drawn."""
        return self.drag in (Drag.RECTANGLE, Drag.STROKE)

    def press(self, event: QMouseEvent) -> bool:
        """Handle a pressed button; return whether it has a meaning here."""
        self._end_if_released(event)
        if self.drag is not None:
            if event.button() == Qt.MouseButton.RightButton and self.drawing:
                self.cancel()
            return True
        drag = self._drag_for(event)
        if drag is not None:
            self._begin(drag, event)
            return True
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if self.tool in (Tool.PICK, Tool.FILL) and self._pixel_at(event.position()) != (-1, -1):
            self.picked.emit(*self._view.to_picture(event.position()))
        return True

    def move(self, event: QMouseEvent) -> None:
        """Handle a movement, with or without a button."""
        self._end_if_released(event)
        previous, self.place = self.place, event.position()
        if self.drag is Drag.PAN and previous is not None:
            self._view.pan_by(self.place - previous)
        elif self.drag is Drag.DIVIDER:
            self._view.set_divider(self.place.x() / max(1, self._view.rect().width()))
        elif self.drag is Drag.RECTANGLE:
            self.points[1] = self._place(event)
        elif self.drag is Drag.STROKE:
            self.points.append(self._place(event))
            self.stroke_moved.emit(*self.points[-1])
        self.update_pixel()

    def release(self, event: QMouseEvent) -> None:
        """Handle a released button."""
        if self.drag is None or event.button() != self._button:
            return
        if self.drag is Drag.RECTANGLE:
            self.points[1] = self._place(event)  # it may come without a move to the same place
        drag, points = self.drag, self.points
        self._end()
        if drag is Drag.STROKE:
            self.stroke_ended.emit()
        elif drag is Drag.RECTANGLE and (region := self._region(points[0], points[1])) is not None:
            self.rectangle_drawn.emit(region)

    def cancel(self) -> None:
        """Discard the rectangle or stroke that is being drawn."""
        if self.drawing:
            self._end()
            self.stroke_cancelled.emit()

    def interrupt(self) -> None:
        """End whatever the pressed button does: its release will not be seen."""
        self.cancel()
        if self.drag is not None:
            self._end()

    def leave(self) -> None:
        """Handle that the pointer leaves the view."""
        self.place = None
        self.update_pixel()

    def update_pixel(self) -> None:
        """Update the pixel under the pointer, and the cursor."""
        pixel = self._pixel_at(self.place) if self.place is not None else (-1, -1)
        if pixel != self.pixel:
            self.pixel = pixel
            self.pointed.emit(*pixel)
        self.update_cursor()

    def update_cursor(self) -> None:
        """Set the cursor for what the left button would do here."""
        shape = CURSORS[self.tool]
        if self.drag is Drag.PAN:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self.drag is Drag.DIVIDER or (self.drag is None and self._on_divider(self.place)):
            shape = Qt.CursorShape.SplitHCursor
        elif not self._view.has_picture:
            shape = Qt.CursorShape.ArrowCursor
        if self._view.cursor().shape() != shape:
            self._view.setCursor(shape)

    def _end_if_released(self, event: QMouseEvent) -> None:
        """End a drag whose button was released where this view did not see it, such as over a dialog."""
        if self.drag is not None and (not event.buttons() & self._button or event.button() == self._button):
            self.interrupt()

    def _drag_for(self, event: QMouseEvent) -> Drag | None:
        if not self._view.has_picture:
            return None
        if event.button() == Qt.MouseButton.MiddleButton:
            return Drag.PAN
        if event.button() != Qt.MouseButton.LeftButton:
            return None
        if self._on_divider(event.position()):
            return Drag.DIVIDER
        drags = {Tool.NONE: Drag.PAN, Tool.RECTANGLE: Drag.RECTANGLE}
        return drags.get(self.tool, Drag.STROKE if self.tool in (Tool.BRUSH, Tool.LASSO) else None)

    def _begin(self, drag: Drag, event: QMouseEvent) -> None:
        self.drag, self._button, self.place = drag, event.button(), event.position()
        self._pane = self._view.pane_at(event.position())
        start = self._place(event)
        self.points = [start, start] if drag is Drag.RECTANGLE else [start]
        self.update_cursor()
        if drag is Drag.STROKE:
            self.stroke_began.emit(*start)
            if not self.drawing:  # who was told showed other pictures first, which ended it before it began there
                self.stroke_cancelled.emit()

    def _end(self) -> None:
        self.drag, self.points = None, []
        self.update_cursor()
        self._view.update()

    def _place(self, event: QMouseEvent) -> Place:
        """Return the place in the pane in which the drag began, even if the pointer has left it."""
        return self._view.place_in(event.position(), self._pane)

    def _on_divider(self, place: QPointF | None) -> bool:
        """Return whether a place grabs the divider: with a tool only its handle, so that one can draw everywhere."""
        x = self._view.divider_x()
        if place is None or x is None:
            return False
        handle = math.hypot(place.x() - x, place.y() - self._view.rect().height() / 2) <= HANDLE + 2
        return handle or (self.tool is Tool.NONE and abs(place.x() - x) <= GRAB_PX)

    def _pixel_at(self, place: QPointF) -> tuple[int, int]:
        size = self._view.picture_size
        if size is None or not self._view.rect().contains(place.toPoint()):
            return -1, -1
        x, y = (math.floor(at) for at in self._view.to_picture(place))
        return (x, y) if 0 <= x < size[0] and 0 <= y < size[1] else (-1, -1)

    def _region(self, one: Place, other: Place) -> Region | None:
        """Return the pixels that a rectangle touches; None if it is only a click, or outside the picture."""
        size = self._view.picture_size
        if size is None or max(abs(one[0] - other[0]), abs(one[1] - other[1])) * self._view.zoom < 3:
            return None
        corners = list(zip(one, other, strict=True))
        touched = Box(*(math.floor(min(pair)) for pair in corners), *(math.ceil(max(pair)) for pair in corners))
        inside = touched.cut(Box(0, 0, *size))
        return Region(inside.x0, inside.y0, inside.x1 - inside.x0, inside.y1 - inside.y0) if not inside.empty else None
