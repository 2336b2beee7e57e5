"""The validation picture of a run, as wide as the page allows: one row of four or five pictures per pair."""

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from gui.widgets import Label

COLUMNS = ("Rainy", "Output", "Clean image", "Attention map", "Training mask")


class RunPicture(QWidget):
    """Show the picture with its captions; a high picture scrolls."""

    def __init__(self) -> None:
        super().__init__()
        self._picture = _Picture()
        captions = QHBoxLayout()
        captions.setSpacing(0)
        self.labels = {caption: Label(caption) for caption in COLUMNS}
        for label in self.labels.values():
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            captions.addWidget(label, 1)
        self._area = QScrollArea()
        self._area.setWidget(self._picture)
        self._area.setWidgetResizable(True)
        self._area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._area.setAccessibleName("Validation images")
        captions.setContentsMargins(0, 0, self._area.verticalScrollBar().sizeHint().width(), 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(captions)
        column.addWidget(self._area, 1)

    @property
    def pixmap(self) -> QPixmap:
        """The picture on show."""
        return self._picture.pixmap

    def set_attention(self, *, shown: bool) -> None:
        """Set whether the rows have an attention map: networks of the user have none."""
        self.labels["Attention map"].setVisible(shown)

    def show_file(self, path: Path | None) -> None:
        """Show the picture of a file; a file that cannot be read changes nothing."""
        pixmap = QPixmap() if path is None else QPixmap(str(path))
        if path is None or not pixmap.isNull():
            self._picture.set_pixmap(pixmap)


class _Picture(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.pixmap = QPixmap()

    def set_pixmap(self, pixmap: QPixmap) -> None:
        self.pixmap = pixmap
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.pixmap.isNull():
            painter.setPen(self.palette().placeholderText().color())
            message = "Images appear with the first validation, before the first step."
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, message)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(QRectF(0, 0, self.width(), self._height()), self.pixmap, QRectF(self.pixmap.rect()))

    def _height(self) -> int:
        return round(self.width() * self.pixmap.height() / self.pixmap.width())

    def _fit(self) -> None:
        self.setMinimumHeight(60 if self.pixmap.isNull() else self._height())
