"""Pictures of one place side by side, moved and zoomed together, down to single pixels."""

from PySide6.QtCore import QObject, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImageReader, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.pages.results.evaluation import Picture

_STEP = 1.25
_LARGEST = 32.0


class SharedView(QObject):
    """Hold the zoom and the centre that all panes share.

    Attributes:
        zoom: screen pixels per picture pixel, None to fit.
        centre: 0…1 of width and height.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.zoom: float | None = None
        self.centre = QPointF(0.5, 0.5)

    def fit(self) -> None:
        """Show the whole pictures."""
        self.set_zoom(None)

    def set_zoom(self, zoom: float | None) -> None:
        """Set the zoom, screen pixels per picture pixel; None to fit."""
        self.zoom = None if zoom is None else min(_LARGEST, max(0.05, zoom))
        if zoom is None:
            self.centre = QPointF(0.5, 0.5)
        self.changed.emit()

    def move(self, by: QPointF) -> None:
        """Move the centre by a fraction of width and height; it stays in the picture."""
        centre = self.centre + by
        self.centre = QPointF(min(1.0, max(0.0, centre.x())), min(1.0, max(0.0, centre.y())))
        self.changed.emit()


class Pane(QWidget):
    """Show one picture with its caption. The small file is read at once, the whole one when it is needed."""

    def __init__(self, shared: SharedView) -> None:
        super().__init__()
        self._shared = shared
        self._picture: Picture | None = None
        self._caption = ""
        self._dragged: QPointF | None = None
        self.pixmap = QPixmap()
        self.size_px = QSize()  # of the whole picture
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 104)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip("Zoom with the wheel, + and −; drag to move; press 1 for 1:1, F to fit")
        shared.changed.connect(self._refresh)

    def show_picture(self, picture: Picture | None, caption: str) -> None:
        """Show another picture; None for nothing."""
        self._picture, self._caption = picture, caption
        self.setAccessibleName(caption)
        self.pixmap = QPixmap() if picture is None else QPixmap(str(picture.small))
        self.size_px = self.pixmap.size()
        if picture is not None and picture.file != picture.small:
            self.size_px = QImageReader(str(picture.file)).size()
        self._refresh()

    @property
    def zoom(self) -> float:
        """The current zoom, screen pixels per pixel of the whole picture."""
        if self._shared.zoom is not None:
            return self._shared.zoom
        place = self._place()
        fitting = min(place.width() / max(1, self.size_px.width()), place.height() / max(1, self.size_px.height()))
        return fitting * self.devicePixelRatioF()

    def _shown_size(self) -> tuple[float, float]:
        """Return width and height of the whole picture in the units of the window."""
        scale = self.zoom / self.devicePixelRatioF()
        return scale * self.size_px.width(), scale * self.size_px.height()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible part of the picture, and the caption above it."""
        painter, place = QPainter(self), self._place()
        metrics = self.fontMetrics()
        caption = metrics.elidedText(self._caption, Qt.TextElideMode.ElideMiddle, self.width() - 8)
        painter.setPen(self.palette().text().color())
        painter.drawText(4, metrics.ascent() + 2, caption)
        painter.fillRect(place, self.palette().mid())
        if self.pixmap.isNull():
            message = "" if self._picture is None else "This image cannot be read. Evaluate again."
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, message)
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
        """Zoom by keys: + and −, 1 for 1:1, F and 0 to fit."""
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
        """Begin a drag."""
        self._dragged = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the pictures along."""
        if self._dragged is not None and not self.size_px.isEmpty():
            by, self._dragged = self._dragged - event.position(), event.position()
            width, height = self._shown_size()
            self._shared.move(QPointF(by.x() / width, by.y() / height))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag."""
        self._dragged = None

    def _place(self) -> QRectF:
        top = self.fontMetrics().height() + 4
        return QRectF(1, top, self.width() - 2, max(1, self.height() - top - 1))

    def _target(self, place: QRectF) -> QRectF:
        """Return where the whole picture lies, in the pane."""
        width, height = self._shown_size()
        centre = self._shared.centre
        x = place.center().x() - centre.x() * width
        y = place.center().y() - centre.y() * height
        # Whole pixels: at 1:1 nothing is blurred.
        return QRectF(round(x), round(y), width, height)

    def _refresh(self) -> None:
        if self._picture is not None and self.pixmap.width() < self.size_px.width() and self._needs_whole():
            QTimer.singleShot(0, self, self._read_whole)  # one pane after the other, with the window free between
        self.update()

    def _needs_whole(self) -> bool:
        return self.zoom * self.size_px.width() > self.pixmap.width() * 1.1

    def _read_whole(self) -> None:
        if self._picture is not None and self.pixmap.width() < self.size_px.width():
            whole = QPixmap(str(self._picture.file))
            if whole.isNull():
                self.size_px = self.pixmap.size()  # of the small one
            else:
                self.pixmap = whole
            self.update()
