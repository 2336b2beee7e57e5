"""Pictures of one place side by side, moved and zoomed together, down to single pixels."""

from PySide6.QtCore import QObject, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImageReader, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.pages.results.evaluation import Picture

_STEP = 1.25
_LARGEST = 32.0


class Shared(QObject):
    """What all panes look at. zoom: screen pixels a picture pixel, None to fit; centre: 0…1 of width and height."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.zoom: float | None = None
        self.centre = QPointF(0.5, 0.5)

    def fit(self) -> None:
        """Show all."""
        self.set_zoom(None)

    def set_zoom(self, zoom: float | None) -> None:
        """Zoom to so many screen pixels a pixel."""
        self.zoom = None if zoom is None else min(_LARGEST, max(0.05, zoom))
        if zoom is None:
            self.centre = QPointF(0.5, 0.5)
        self.changed.emit()

    def move(self, by: QPointF) -> None:
        """Move by a share of the picture, which stays in sight."""
        centre = self.centre + by
        self.centre = QPointF(min(1.0, max(0.0, centre.x())), min(1.0, max(0.0, centre.y())))
        self.changed.emit()


class Pane(QWidget):
    """One picture with its caption. The small file is read at once, the whole one when it is needed."""

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self._shared = shared
        self._picture: Picture | None = None
        self._caption = ""
        self._dragged: QPointF | None = None
        self.pixmap = QPixmap()
        self.size_px = QSize()  # of the whole picture
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 110)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip("Wheel, + and −: zoom; drag: move; 1: one to one; F: fit")
        shared.changed.connect(self._look)

    def show_picture(self, picture: Picture | None, caption: str) -> None:
        """Show another one; None for nothing."""
        self._picture, self._caption = picture, caption
        self.setAccessibleName(caption)
        self.pixmap = QPixmap() if picture is None else QPixmap(str(picture.small))
        self.size_px = self.pixmap.size()
        if picture is not None and picture.file != picture.small:
            self.size_px = QImageReader(str(picture.file)).size()
        self._look()

    @property
    def zoom(self) -> float:
        """Screen pixels a pixel of the whole picture, now."""
        if self._shared.zoom is not None:
            return self._shared.zoom
        place = self._place()
        fitting = min(place.width() / max(1, self.size_px.width()), place.height() / max(1, self.size_px.height()))
        return fitting * self.devicePixelRatioF()

    def _shown_size(self) -> tuple[float, float]:
        """Width and height of the whole picture in the units of the window."""
        scale = self.zoom / self.devicePixelRatioF()
        return scale * self.size_px.width(), scale * self.size_px.height()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The part of the picture that is looked at, and the caption above it."""
        painter, place = QPainter(self), self._place()
        metrics = self.fontMetrics()
        caption = metrics.elidedText(self._caption, Qt.TextElideMode.ElideMiddle, self.width() - 8)
        painter.setPen(self.palette().text().color())
        painter.drawText(4, metrics.ascent() + 2, caption)
        painter.fillRect(place, self.palette().mid())
        if self.pixmap.isNull():
            words = "" if self._picture is None else "This picture cannot be read; evaluate again."
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
        else:
            painter.setClipRect(place)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.zoom < 1)
            painter.drawPixmap(self._target(place), self.pixmap, QRectF(self.pixmap.rect()))
            painter.setClipping(False)
        if self.hasFocus():
            painter.setPen(self.palette().highlight().color())
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom in or out."""
        self._shared.set_zoom(self.zoom * _STEP ** (event.angleDelta().y() / 120))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom by keys."""
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._shared.set_zoom(self.zoom * _STEP)
        elif key == Qt.Key.Key_Minus:
            self._shared.set_zoom(self.zoom / _STEP)
        elif key == Qt.Key.Key_1:
            self._shared.set_zoom(1.0)
        elif key in (Qt.Key.Key_F, Qt.Key.Key_0):
            self._shared.fit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag."""
        self._dragged = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the pictures along."""
        if self._dragged is not None and not self.size_px.isEmpty():
            by, self._dragged = self._dragged - event.position(), event.position()
            width, height = self._shown_size()
            self._shared.move(QPointF(by.x() / width, by.y() / height))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._dragged = None

    def _place(self) -> QRectF:
        top = self.fontMetrics().height() + 4
        return QRectF(1, top, self.width() - 2, max(1, self.height() - top - 1))

    def _target(self, place: QRectF) -> QRectF:
        """Where the whole picture would lie, in the pane."""
        width, height = self._shown_size()
        centre = self._shared.centre
        x = place.center().x() - centre.x() * width
        y = place.center().y() - centre.y() * height
        # Whole pixels: one to one, nothing is blurred.
        return QRectF(round(x), round(y), width, height)

    def _look(self) -> None:
        if self._picture is not None and self.pixmap.width() < self.size_px.width() and self._wants_more():
            QTimer.singleShot(0, self, self._read_whole)  # one pane after the other, with the window free between
        self.update()

    def _wants_more(self) -> bool:
        return self.zoom * self.size_px.width() > self.pixmap.width() * 1.1

    def _read_whole(self) -> None:
        if self._picture is not None and self.pixmap.width() < self.size_px.width():
            whole = QPixmap(str(self._picture.file))
            if whole.isNull():
                self.size_px = self.pixmap.size()  # what there is
            else:
                self.pixmap = whole
            self.update()
