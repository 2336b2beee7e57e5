"""A grid of many pictures: the same place of each, at the same zoom."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from gui.compare import decorations
from gui.compare.canvas import SURROUND, Canvas
from gui.compare.captions import draw_badge, draw_scale
from gui.compare.kinds import U8
from gui.compare.panes import GAP, Pane
from gui.compare.tone import NEUTRAL, Tone, mapped
from gui.compare.viewport import Box
from gui.compare.zooming import ZoomableArea

MOST = 9
"""Pictures at once: as many as there are digits."""

_DIGITS = {Qt.Key(Qt.Key.Key_1.value + n): n for n in range(MOST)}
_CHOOSE = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Cell(NamedTuple):
    """A picture of the grid.

    Attributes:
        name: Its caption.
        picture: (H, W, 3) uint8 RGB; None for none.
        note: Text in place of a picture.
    """

    name: str
    picture: U8 | None
    note: str = "Loading …"


def grid(count: int, size: tuple[int, int]) -> list[Box]:
    """Return equal boxes, row by row. size: width and height of the widget in device pixels."""
    columns = max(1, math.ceil(math.sqrt(count)))
    rows = max(1, math.ceil(count / columns))
    width = max(1, (size[0] - GAP * (columns - 1)) // columns)
    height = max(1, (size[1] - GAP * (rows - 1)) // rows)
    corners = [(n % columns * (width + GAP), n // columns * (height + GAP)) for n in range(count)]
    return [Box(x, y, x + width, y + height) for x, y in corners]


class SurveyGrid(ZoomableArea):
    """Shows up to MOST pictures of one size. Dragging any of them moves all, and the wheel zooms all.

    Signals: `chosen` with the index of a picture, by a click, its number, or Enter for the marked one; `left` when the
    person leaves without a choice.
    """

    chosen = Signal(int)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Survey of candidates")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.cells: list[Cell] = []
        self.marked = -1
        self._canvas, self._tone, self._dirty = Canvas(), NEUTRAL, True
        self._pressed: QPointF | None = None
        self._panning = False
        self._acts = {
            "leave": self.left.emit,
            "fit": self.fit,
            "actual": self.actual_size,
            "in": self.zoom_in,
            "out": self.zoom_out,
        }

    def show_cells(self, cells: Sequence[Cell], marked: int, tone: Tone) -> None:
        """Show these pictures.

        Args:
            cells: At most MOST. Pictures of another size than the first one are left out.
            marked: Index of the picture that is marked; −1 for none.
            tone: How the pictures are brightened.
        """
        first = next((cell.picture for cell in cells if cell.picture is not None), None)
        self.cells = [
            Cell(cell.name, None, "Another size")
            if cell.picture is not None and first is not None and cell.picture.shape != first.shape
            else cell
            for cell in cells[:MOST]
        ]
        self.marked, self._tone = marked, tone
        self._canvas.sampler.keep_only([cell.picture for cell in self.cells if cell.picture is not None])
        if first is not None:
            self._show_size((first.shape[1], first.shape[0]), keep=True)
        names = ", ".join(f"{number} {cell.name}" for number, cell in enumerate(self.cells, 1))
        self.setAccessibleDescription(f"{names}; {self.zoom * 100:.0f} %")
        self._viewport_changed()

    # What the base class asks.

    def _boxes(self) -> list[Box]:
        return grid(max(1, len(self.cells)), self._device_size())

    def _panes(self) -> Sequence[Pane]:
        return [Pane(box, ()) for box in self._boxes()]

    def _pane_size(self) -> tuple[int, int]:
        box = self._boxes()[0]
        return box.x1, box.y1

    def _pane_at(self, place: QPointF) -> int:
        ratio = self.devicePixelRatioF()
        x, y = place.x() * ratio, place.y() * ratio
        # In a gap, or in an empty cell of the last row: the nearest picture.
        distances = [max(box.x0 - x, x - box.x1, 0.0) + max(box.y0 - y, y - box.y1, 0.0) for box in self._boxes()]
        return distances.index(min(distances))

    def _viewport_changed(self) -> None:
        self._dirty = True
        self.update()

    # Events.

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt: paint."""
        if self._canvas.resize(self._device_size(), self.devicePixelRatioF()) or self._dirty:
            self._compose()
            self._dirty = False
        painter = QPainter(self)
        painter.drawImage(QPointF(0, 0), self._canvas.image)
        corner = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
        for number, (cell, box) in enumerate(zip(self.cells, self._boxes(), strict=False)):
            within = self._rect(box)
            decorations.label(painter, self.palette(), f"{number + 1}  {cell.name}", within, corner)
            if cell.picture is None:
                decorations.label(painter, self.palette(), cell.note, within, Qt.AlignmentFlag.AlignCenter)
            if number == self.marked:
                decorations.focus_ring(painter, self.palette(), within)
        draw_scale(painter, self.palette(), QRectF(self.rect()), self.zoom)
        if self._tone != NEUTRAL:
            draw_badge(painter, self.palette(), QRectF(self.rect()), self._tone.label)
        painter.end()

    def _compose(self) -> None:
        pixels, viewport = self._canvas.pixels, self._viewport
        pixels[...] = SURROUND
        if viewport is None:
            return
        for cell, box in zip(self.cells, self._boxes(), strict=False):
            if cell.picture is None or viewport.extent.empty:
                continue
            sample = self._canvas.sampler.sample(cell.picture, viewport, viewport.extent)
            target = viewport.extent.moved(box.x0, box.y0)
            pixels[target.slices] = sample if self._tone.lut is None else mapped(sample, self._tone.lut)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Qt: a button goes down."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._pressed, self._panning = event.position(), event.button() == Qt.MouseButton.MiddleButton
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Qt: the pointer moves."""
        if self._pressed is None or self._viewport is None:
            return
        way = event.position() - self._pressed
        if not self._panning and way.manhattanLength() < QApplication.startDragDistance():
            return
        self._panning, self._pressed = True, event.position()
        ratio = self.devicePixelRatioF()
        self._set_viewport(self._viewport.panned(way.x() * ratio, way.y() * ratio))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Qt: a button goes up."""
        pressed, self._pressed = self._pressed, None
        event.accept()
        if pressed is None or self._panning or event.button() != Qt.MouseButton.LeftButton:
            return
        self.chosen.emit(self._pane_at(event.position()))

    def event(self, event: QEvent) -> bool:
        """Qt: any event. The keys of the grid come before the shortcuts of the window."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and not event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier)
            and self._meaning(event) is not None
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Qt: a key goes down."""
        meaning = self._meaning(event)
        if meaning is None:
            super().keyPressEvent(event)
        elif meaning == "choose":
            self.chosen.emit(self.marked)
        elif isinstance(meaning, int):
            if meaning < len(self.cells):
                self.chosen.emit(meaning)
        else:
            self._acts[meaning]()

    def _meaning(self, event: QKeyEvent) -> int | str | None:
        """Return what a key does: the index of a picture, "choose", a key of `_acts`; None for nothing."""
        key = Qt.Key(event.key())
        if key in _DIGITS:
            return _DIGITS[key]
        if key in _CHOOSE:
            return "choose" if self.marked >= 0 else "leave"
        plain = not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if plain and key in (Qt.Key.Key_F, Qt.Key.Key_Z):
            return "fit" if key == Qt.Key.Key_F else "actual"
        keys = {
            Qt.Key.Key_Escape: "leave",
            Qt.Key.Key_0: "fit",
            Qt.Key.Key_Plus: "in",
            Qt.Key.Key_Equal: "in",
            Qt.Key.Key_Minus: "out",
        }
        return keys.get(key)
