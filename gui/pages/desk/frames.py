"""The strip of frames under the picture: a curve of rain amounts, the displayed frame, the used frames, play."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from gui.design import icon
from gui.state import Session
from gui.widgets import ElidedLabel, named

PLAY_MS = 40
"""Milliseconds a frame while playing: 25 frames a second."""

LEAST_SPAN = 0.5
"""Grey levels between bottom and top of the curve at least: noise is not to look like showers."""

LABEL = 130
"""Width in px of the text beside the curve: fixed, so that the curve does not move under the pointer."""

RAIN_AMOUNT = (
    "Rain amount: how much brighter a frame is than the clean image, on average over all pixels, in grey levels of 0 "
    "to 255."
)

_MARGIN = 8.0


class FrameCurve(QWidget):
    """Draw the rain amount over the frames.

    Signal `chosen`: a person clicked or dragged to a frame (index in the clip). `available`: the frames that can be
    displayed, ascending; those that cannot be stabilized, or repeat another, are left out. `measured`: whether the rain
    amounts are known; before the analysis they are not.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.first = 0
        self.amounts: tuple[float | None, ...] = ()
        self.available: tuple[int, ...] = ()
        self.frame, self.reference = 0, 0
        self.used: range = range(0)
        self.measured = True
        self._parts: list[QPolygonF] = []
        self._parts_key: tuple[object, ...] = ()
        self.setMinimumHeight(52)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Frames")
        self.setToolTip(
            "Click or drag to display a frame; the keys , and . go back and forward. The curve shows the rain amount. "
            + RAIN_AMOUNT
        )

    def sizeHint(self) -> QSize:
        """Return a wide and low size."""
        return QSize(600, 52)

    def set_frames(self, first: int, amounts: Sequence[float | None], reference: int) -> None:
        """Set the rain amounts of the frames from index ``first`` on, None for one that cannot be displayed."""
        if (first, tuple(amounts), reference) == (self.first, self.amounts, self.reference):
            return  # a new candidate does not change which frame is displayed
        self.first, self.amounts, self.measured = first, tuple(amounts), True
        self.available = tuple(frame for frame, amount in enumerate(self.amounts, first) if amount is not None)
        self.reference = self.frame = reference
        self.used = range(0)
        self.update()

    def set_unmeasured(self, first: int, count: int) -> None:
        """Set the frames of a clip that is not analysed: all can be displayed, their rain is not known."""
        if self.measured or (first, count) != (self.first, len(self.amounts)):
            self.set_frames(first, (0.0,) * count, first + count // 2)
            self.measured = False
            self.update()

    def set_frame(self, frame: int) -> None:
        """Mark the displayed frame."""
        self.frame = frame
        self.update()

    def nearest(self, frame: int) -> int:
        """Return the nearest available frame, or the frame itself if none is available."""
        return min(self.available, key=lambda one: abs(one - frame), default=frame)

    def set_used(self, used: range) -> None:
        """Shade the frames that the live picture uses."""
        if used != self.used:
            self.used = used
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the curve, the used frames, the reference frame and the displayed one."""
        painter = QPainter(self)
        palette = self.palette()
        painter.fillRect(self.rect(), palette.base())
        if not self.available:
            return
        if self.used:
            left, right = self._x(self.used.start), self._x(self.used.stop - 1)
            shade = QColor(palette.highlight().color())
            shade.setAlpha(40)
            painter.fillRect(QRectF(left, 0, right - left, self.height()), shade)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(palette.text().color(), 1.2))
        for part in self._curve() if self.measured else ():
            painter.drawPolyline(part)
        for frame, width, style in (
            (self.reference if self.measured else self.frame, 1.0, Qt.PenStyle.DashLine),
            (self.frame, 2.0, Qt.PenStyle.SolidLine),
        ):
            painter.setPen(QPen(palette.highlight().color(), width, style))
            painter.drawLine(QPointF(self._x(frame), 0), QPointF(self._x(frame), self.height()))
        painter.setPen(palette.placeholderText().color())
        known = [amount for amount in self.amounts if amount is not None]
        span = (
            f"Rain amount {min(known):.1f} to {max(known):.1f} grey levels"
            if self.measured
            else "Rain not measured yet"
        )
        place = QRectF(painter.boundingRect(self.rect().adjusted(6, 2, -6, 0), Qt.AlignmentFlag.AlignRight, span))
        painter.fillRect(place.adjusted(-3, 0, 3, 0), palette.base())  # legible over the curve
        painter.drawText(place, Qt.AlignmentFlag.AlignRight, span)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the frame under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Choose while dragging."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._choose(event.position().x())

    def _choose(self, x: float) -> None:
        share = (x - _MARGIN) / max(1.0, self.width() - 2 * _MARGIN)
        place = round(min(max(share, 0.0), 1.0) * (len(self.amounts) - 1))
        self.chosen.emit(self.nearest(self.first + place))

    def _x(self, frame: int) -> float:
        share = (frame - self.first) / max(1, len(self.amounts) - 1)
        return _MARGIN + share * (self.width() - 2 * _MARGIN)

    def _curve(self) -> list[QPolygonF]:
        """Return the curve, with gaps where frames are missing; computed again after amounts or size changed."""
        key = (self.amounts, self.first, self.width(), self.height())
        if key != self._parts_key:
            known = [amount for amount in self.amounts if amount is not None]
            least, span = min(known), max(max(known) - min(known), LEAST_SPAN)
            low, high = self.height() - 4, self.height() - 10
            parts: list[list[QPointF]] = [[]]
            for place, amount in enumerate(self.amounts):
                if amount is not None:
                    parts[-1].append(QPointF(self._x(self.first + place), low - high * (amount - least) / span))
                elif parts[-1] and self._is_hole(place):
                    parts.append([])
            self._parts, self._parts_key = [QPolygonF(points) for points in parts], key
        return self._parts

    def _is_hole(self, place: int) -> bool:
        """Return whether four frames in a row are missing: of a long clip only every second or third is used."""
        return all(amount is None for amount in self.amounts[place : place + 4])


class FrameStrip(QWidget):
    """Show the curve, the play button and the displayed frame.

    Signal `frame_chosen`: a frame of the selected sequence, index in the clip.
    """

    frame_chosen = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.curve = FrameCurve()
        self.play = named(QToolButton(), "Play", "Play the rainy frames (Ctrl+Space)")
        self.play.setIcon(icon("play"))
        self.play.setCheckable(True)
        self.label = named(ElidedLabel(lines=2), "Displayed frame")
        self.label.setFixedWidth(LABEL)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.play)
        layout.addWidget(self.curve, 1)
        layout.addWidget(self.label)
        self._of: int | None = None
        self.ready: Callable[[], bool] = lambda: True
        """Tells whether the chosen frame is displayed: while playing, none is skipped before it was seen."""
        self._timer = QTimer(self)
        self._timer.setInterval(PLAY_MS)
        self._timer.timeout.connect(self._play_on)
        self.play.toggled.connect(self._set_playing)
        self.curve.chosen.connect(self.choose)
        session.selection_changed.connect(self._begin_anew)
        session.detail_changed.connect(self._reset)
        self._reset()

    def choose(self, frame: int) -> None:
        """Display this frame, or the nearest available one."""
        frame = self.curve.nearest(frame)
        if frame != self.curve.frame:
            self.curve.set_frame(frame)
            self._update_label()
            self.frame_chosen.emit(frame)

    def step(self, by: int, *, around: bool = False) -> None:
        """Display another frame.

        Args:
            by: number of frames, negative for earlier ones.
            around: after the last frame go on with the first.
        """
        available = self.curve.available
        if not available:
            return
        place = available.index(self.curve.nearest(self.curve.frame)) + by
        self.choose(available[place % len(available) if around else min(max(place, 0), len(available) - 1)])

    def _play_on(self) -> None:
        if self.ready():
            self.step(1, around=True)

    def _set_playing(self) -> None:
        on = self.play.isChecked()
        self.play.setIcon(icon("pause" if on else "play"))
        self._timer.start() if on else self._timer.stop()

    def stop(self) -> None:
        """Stop playing."""
        self.play.setChecked(False)

    def _begin_anew(self) -> None:
        """Display the reference frame of another sequence, or of the same one in another way of judging."""
        self._of = None
        self._reset()

    def _reset(self) -> None:
        summary, detail = self._session.summary, self._session.detail
        self.stop()
        self.setEnabled(summary is not None)
        if summary is not None and detail.analysis is not None:
            self.curve.set_frames(summary.sequence.first, detail.rain, detail.analysis.reference_frame)
            if self._of != summary.sequence.id:
                self._of = summary.sequence.id
                self.curve.set_frame(detail.analysis.reference_frame)
        elif summary is not None:
            self.curve.set_unmeasured(summary.sequence.first, summary.sequence.frame_count)
            if self._of != summary.sequence.id:
                self._of = summary.sequence.id
                self.curve.set_frame(self.curve.reference)
        else:
            self.curve.set_frames(0, (), 0)
        self._update_label()

    def _update_label(self) -> None:
        place = self.curve.frame - self.curve.first
        if not 0 <= place < len(self.curve.amounts):
            self.label.clear()
            return
        reference = " (reference)" if self.curve.frame == self.curve.reference else ""
        amount = self.curve.amounts[place]
        rain = "Cannot be stabilized" if amount is None else f"Rain {amount:.2f} levels"
        if not self.curve.measured:
            self.label.setText(f"Frame {self.curve.frame}\nNot analysed yet")
            return
        self.label.setText(f"Frame {self.curve.frame}{reference}\n{rain}")
        self.label.setToolTip(RAIN_AMOUNT)
