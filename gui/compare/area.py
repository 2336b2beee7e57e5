"""A widget that paints two pictures in a mode.

It is not a QGraphicsView. There QPainter scales items at every paint, in floating coordinates, without averaging the
pixels under a device pixel. Here OpenCV samples the visible part once, at the screen's resolution, into an image of
the widget's size; a paint copies it. That is faster, and exact at 1:1 and at whole zooms. Two panes are two boxes of
one image.
"""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from gui.compare import decorations
from gui.compare.canvas import Canvas
from gui.compare.captions import Names, draw_badge, draw_captions, draw_scale
from gui.compare.contents import Contents, Side
from gui.compare.kinds import U8, Colour, DifferenceKind, Mode
from gui.compare.overlays import Overlay
from gui.compare.panes import Pane, arrange, pane_size
from gui.compare.tone import NEUTRAL, Tone
from gui.compare.viewport import Box
from gui.compare.zooming import ZoomableArea
from rainclean.video import Region

BLINK_INTERVAL = 500
"""Milliseconds that each picture is shown while blinking automatically."""


class PictureArea(ZoomableArea):
    """Shows pictures. They are kept, not copied: after writing to the right one, call `update_right`.

    Methods that change the picture on the screen return a serial number.

    Signals: `painted` with the serial number of the latest change that is on the screen; `divider_moved` with the
    position of the divider as a fraction of the width; `tone_changed` when pictures are brightened otherwise.
    """

    painted = Signal(int)
    divider_moved = Signal(float)
    tone_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._contents, self._names, self._canvas = Contents(), Names(), Canvas()
        self._mode, self._divider, self._left_in_turn = Mode.SINGLE, 0.5, False
        self._swapped, self._tone = False, NEUTRAL
        self._empty_text = ""
        self._dirty: Box | None = None
        self._serial = self._painted_serial = 0
        self._timer = QTimer(self)
        self._timer.setInterval(BLINK_INTERVAL)
        self._timer.timeout.connect(self.blink)
        self._blinking = False

    # Pictures.

    @property
    def serial(self) -> int:
        """Return the number of the latest change. It is on the screen once `painted` has carried it."""
        return self._serial

    @property
    def painted_serial(self) -> int:
        """Return the number of the latest change that is on the screen."""
        return self._painted_serial

    @property
    def has_picture(self) -> bool:
        """Return whether there is a picture."""
        return self._contents.size is not None

    @property
    def picture_size(self) -> tuple[int, int] | None:
        """Return width and height of the pictures in px; None without a picture."""
        return self._contents.size

    def show_pictures(
        self,
        left: U8 | None,
        right: U8 | None,
        left_name: str = "",
        right_name: str = "",
        *,
        keep_view: bool = True,
    ) -> int:
        """Show other pictures.

        Args:
            left: (H, W, 3) uint8 RGB; None for none.
            right: The same, of the same size.
            left_name: Caption of the left picture.
            right_name: Caption of the right picture.
            keep_view: Keep zoom and position (relative to the size), or keep the whole picture fitted.

        Returns:
            The serial number.

        Raises:
            ValueError: The pictures differ in size, or are arrays of another kind.
        """
        self._contents.show(left, right)
        self._names.left, self._names.right = left_name, right_name
        self._left_in_turn = self._left_in_turn and self._blinking
        return self._new_contents(keep_view=keep_view)

    def update_right(self, picture: U8, region: Region | None = None) -> int:
        """Replace the right picture, and end a preview.

        Args:
            picture: (H, W, 3) uint8 RGB; the same array as before if its contents have changed.
            region: Where it differs from before; None for anywhere.

        Returns:
            The serial number.

        Raises:
            ValueError: The picture has another size.
        """
        previous, changed = self._contents.update_right(picture, region)
        self._canvas.sampler.changed(previous, picture, changed)
        return self._changed_within(changed)

    def set_names(self, left: str, right: str) -> None:
        """Change the captions, for example to the value of a slider."""
        self._names.left, self._names.right = left, right
        self.update()

    def show_preview(self, array: U8, region: Region, step: int) -> int:
        """Show a coarse preview over a region of the right picture, until that picture changes.

        Args:
            array: Every step-th pixel of the region, (⌈h / step⌉, ⌈w / step⌉, 3) uint8 RGB.
            region: The region, in px of the picture.
            step: Distance of the samples in px.

        Returns:
            The serial number.

        Raises:
            ValueError: The array does not fit the region, or the region does not fit the picture.
        """
        previous, changed = self._contents.preview(array, region, step)
        after = self._contents.shown_right
        assert after is not None
        self._canvas.sampler.changed(previous, after, changed)
        return self._changed_within(changed)

    def set_override(self, picture: U8 | None, name: str = "") -> int:
        """Show a picture over everything, None to remove it.

        Returns:
            The serial number.

        Raises:
            ValueError: The picture has another size.
        """
        self._contents.set_override(picture)
        self._names.override = name
        return self._new_contents(keep_view=True)

    def set_empty_text(self, text: str) -> None:
        """Set the text that is shown without a picture."""
        self._empty_text = text
        self.update()

    def values_at(self, x: int, y: int) -> list[tuple[str, Colour]]:
        """Return name and (r, g, b) of all pictures at a pixel; empty outside the picture."""
        size, names, contents = self._contents.size, self._names, self._contents
        if size is None or not (0 <= x < size[0] and 0 <= y < size[1]):
            return []
        pictures = [
            (names.left or "left", contents.left),
            (names.right or "right", contents.shown_right),
            (names.override or "override", contents.override),
        ]
        return [(name, tuple(picture[y, x].tolist())) for name, picture in pictures if picture is not None]

    # Modes.

    @property
    def mode(self) -> Mode:
        """Return how two pictures are shown. A single picture looks the same in every mode."""
        return self._mode

    def set_mode(self, mode: Mode) -> int:
        """Switch to another mode, with the same zoom and position. Return the serial number."""
        if mode is not self._mode:
            self._mode, self._left_in_turn = mode, False
            self._run_timer()
            self._refit()
        return self._changed()

    @property
    def swapped(self) -> bool:
        """Return whether the wipe and side by side show the right picture at the left."""
        return self._swapped

    def swap(self) -> int:
        """Exchange the places of both pictures in the wipe and side by side. Return the serial number."""
        self._swapped = not self._swapped
        return self._changed()

    @property
    def tone(self) -> Tone:
        """Return how pictures are brightened."""
        return self._tone

    def set_tone(self, tone: Tone) -> int:
        """Brighten the pictures on the screen; a badge says so. Differences keep their levels.

        Returns:
            The serial number.
        """
        if tone != self._tone:
            self._tone = tone
            self.tone_changed.emit()
            return self._changed()
        return self._serial

    @property
    def divider(self) -> float:
        """Return the position of the divider as a fraction of the width."""
        return self._divider

    def set_divider(self, fraction: float) -> None:
        """Move the divider of the wipe to a fraction of the width, 0…1."""
        fraction = min(max(fraction, 0.0), 1.0)
        if fraction != self._divider:
            self._divider = fraction
            self._changed()
            self.divider_moved.emit(fraction)

    def move_divider(self, by: float) -> None:
        """Move the divider by a fraction of the width."""
        self.set_divider(self._divider + by)

    def blink(self) -> int:
        """Show the other picture in mode BLINK. Return the serial number."""
        if self._mode is not Mode.BLINK:
            return self._serial
        self._left_in_turn = not self._left_in_turn
        return self._changed()

    @property
    def blinking(self) -> bool:
        """Return whether the pictures alternate automatically."""
        return self._blinking

    def set_blinking(self, on: bool, *, interval: int = BLINK_INTERVAL) -> None:
        """Start or stop alternating the pictures in mode BLINK. interval: milliseconds for each picture."""
        self._blinking = on
        self._timer.setInterval(interval)
        self._run_timer()

    def set_difference(self, kind: DifferenceKind, gain: int) -> int:
        """Set how mode DIFFERENCE shows left minus right: signed around middle grey, or absolute; times a gain.

        Returns:
            The serial number.
        """
        self._contents.set_difference(kind, gain)
        return self._changed()

    # Inside.

    def _sides(self) -> tuple[Side, ...]:
        """Return the visible sides, in the order of the panes or parts."""
        if self._contents.override is not None:
            # Side by side it covers both panes, so that nothing moves.
            return ("override", "override") if self._mode is Mode.SIDE and self._contents.both else ("override",)
        if not self._contents.both:
            return ("left",) if self._contents.left is not None else ("right",)
        if self._mode in (Mode.WIPE, Mode.SIDE):
            return ("right", "left") if self._swapped else ("left", "right")
        if self._mode is Mode.DIFFERENCE:
            return ("difference",)
        return ("left",) if self._left_in_turn else ("right",)

    def _tinted(self) -> tuple[Side, ...]:
        # If both share one place, both are tinted, or a stroke over the left one would be invisible.
        return ("right", "difference") if self._mode is Mode.SIDE else ("left", "right", "difference")

    def _panes(self) -> tuple[Pane, ...]:
        return arrange(self._mode, self._device_size(), self._divider, self._sides())

    def _pane_size(self) -> tuple[int, int]:
        return pane_size(self._mode, self._device_size(), two=self._contents.both)

    def _viewport_changed(self) -> None:
        self._changed()

    def _new_contents(self, *, keep_view: bool) -> int:
        self._forget()
        if self._contents.size is not None:
            self._show_size(self._contents.size, keep=keep_view)
        return self._changed()

    def _forget(self) -> None:
        self._canvas.sampler.keep_only([*self._contents.arrays, *(o.mask for o in self._tints())])

    def _tints(self) -> Sequence[Overlay]:
        """Return the tints over the pictures, the lowest first. A subclass may have some."""
        return ()

    def _draw_over_pictures(self, painter: QPainter) -> None:
        """Draw what lies over the pictures and under the captions. A subclass may have something."""

    def _changed(self) -> int:
        self._dirty = Box(0, 0, *self._device_size())
        self._serial += 1
        self.update()
        return self._serial

    def _changed_within(self, region: Region | None) -> int:
        if region is None or self._viewport is None:
            return self._changed()
        self._serial += 1
        for pane in self._panes():
            box = self._viewport.box_of(region).moved(pane.box.x0, pane.box.y0).cut(pane.box)
            if not box.empty:
                self._dirty = box if self._dirty is None else self._dirty.joined(box)
                self.update(self._rect(box.grown(1)).toAlignedRect())
        if self._dirty is None:
            self.update(0, 0, 1, 1)  # nothing of it is visible; `painted` is emitted all the same
        return self._serial

    def _run_timer(self) -> None:
        if self._blinking and self._mode is Mode.BLINK and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()

    # Painting.

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt: paint."""
        if self._canvas.resize(self._device_size(), self.devicePixelRatioF()):
            self._dirty = Box(0, 0, *self._device_size())
        if self._dirty is not None:
            size = self._contents.size
            overlays = [o for o in self._tints() if o.mask.shape[::-1] == size]
            viewport = self._viewport if size is not None else None
            self._canvas.compose(
                self._dirty,
                self._panes(),
                viewport,
                self._contents,
                tinted=self._tinted(),
                overlays=overlays,
                lut=self._tone.lut,
            )
            self._dirty = None
        painter = QPainter(self)
        painter.drawImage(QPointF(0, 0), self._canvas.image)
        self._decorate(painter)
        painter.end()
        if self._painted_serial != self._serial:
            self._painted_serial = self._serial
            self.painted.emit(self._serial)

    def _decorate(self, painter: QPainter) -> None:
        whole = QRectF(self.rect())
        if not self.has_picture:
            if self._empty_text:
                decorations.label(painter, self.palette(), self._empty_text, whole, Qt.AlignmentFlag.AlignCenter)
            return
        self._draw_over_pictures(painter)
        if self._mode is Mode.WIPE and (x := self.divider_x()) is not None:
            decorations.divider(painter, self.palette(), x, whole.height())
        draw_captions(painter, self.palette(), whole, sides=self._sides(), names=self._names, contents=self._contents)
        draw_scale(painter, self.palette(), whole, self.zoom)
        if self._tone != NEUTRAL and "difference" not in self._sides():
            draw_badge(painter, self.palette(), whole, self._tone.label)

    def divider_x(self) -> float | None:
        """Return the x of the divider in the widget; None if it is not visible."""
        if self._mode is not Mode.WIPE or len(self._sides()) < 2:
            return None
        return self._panes()[0].parts[1][1].x0 / self.devicePixelRatioF()

    def showEvent(self, event: QShowEvent) -> None:
        """Qt: the widget becomes visible."""
        super().showEvent(event)
        self._run_timer()

    def hideEvent(self, event: QHideEvent) -> None:
        """Qt: the widget becomes invisible."""
        super().hideEvent(event)
        self._timer.stop()
