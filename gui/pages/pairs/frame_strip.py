"""The strip of rainy frames, lightest rain first, each with a check mark if it is chosen for export."""

from collections.abc import Collection, Mapping
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QImage, QKeyEvent, QMouseEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStyleOptionViewItem,
    QWidget,
)

from gui.pages.pairs.pair_reading import U8, WIDTH

HEIGHT = 96
FRAME_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_MARGIN = 5
_KEYS = {
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
    Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Space,
}  # fmt: skip

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class FramesModel(QAbstractListModel):
    """List frames by rain amount.

    Signal `toggled`: a person chose this frame for export, or removed it.
    """

    toggled = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.order: list[int] = []
        self.rain: dict[int, float] = {}
        self.chosen: frozenset[int] = frozenset()
        self.thumbnails: dict[int, U8] = {}

    def set_frames(self, rain: Mapping[int, float]) -> None:
        """List other frames.

        Args:
            rain: index in the clip → rain amount, grey levels.
        """
        self.beginResetModel()
        self.rain = dict(rain)
        self.order = sorted(self.rain, key=lambda frame: (self.rain[frame], frame))
        self.chosen, self.thumbnails = frozenset(), {}
        self.endResetModel()

    def set_chosen(self, frames: Collection[int]) -> None:
        """Set which frames are chosen for export."""
        if self.chosen != (chosen := frozenset(frames)):
            self.chosen = chosen
            self.touch()

    def touch(self) -> None:
        """Update the cells after marks or thumbnails changed."""
        if self.order:
            self.dataChanged.emit(self.index(0), self.index(len(self.order) - 1))

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return the number of frames."""
        return 0 if parent.isValid() else len(self.order)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return flags: each frame can be checked."""
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemNeverHasChildren

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return texts for people and screen readers, and the frame itself for the delegate."""
        if not index.isValid() or index.row() >= len(self.order):
            return None
        frame = self.order[index.row()]
        if role == FRAME_ROLE:
            return frame
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if frame in self.chosen else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DisplayRole:
            return f"Frame {frame}"
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            state = "chosen for export" if frame in self.chosen else "not chosen for export"
            return f"Frame {frame}, rain {self.rain[frame]:.2f} levels: {state} (Space changes this)"
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for a frame to be chosen or removed."""
        if role != Qt.ItemDataRole.CheckStateRole or not index.isValid():
            return False
        self.toggled.emit(self.order[index.row()])
        return True


class _Delegate(QStyledItemDelegate):
    def __init__(self, model: FramesModel, view: QListView) -> None:
        super().__init__(view)
        self._model, self._view = model, view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the size of a cell, the same for all."""
        lines = 2 * self._view.fontMetrics().height()
        return QSize(WIDTH + 2 * _MARGIN, HEIGHT + lines + 3 * _MARGIN)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint thumbnail, check mark, frame and rain amount."""
        frame: int = index.data(FRAME_ROLE)
        rect: QRect = option.rect
        palette: QPalette = option.palette
        chosen = frame in self._model.chosen
        painter.save()
        place = QRect(rect.left() + _MARGIN, rect.top() + _MARGIN, WIDTH, HEIGHT)
        painter.fillRect(place, palette.alternateBase())
        thumbnail = self._model.thumbnails.get(frame)
        if thumbnail is not None:
            height, width = thumbnail.shape[:2]
            size = QSize(width, height).scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
            inner = QRect(0, 0, size.width(), size.height())
            inner.moveCenter(place.center())
            painter.setOpacity(1.0 if chosen else 0.4)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(inner, QImage(thumbnail.data, width, height, 3 * width, QImage.Format.Format_RGB888))
            painter.setOpacity(1.0)
        self._mark(painter, rect, palette, chosen=chosen)
        font = QFont(self._view.font())
        font.setBold(chosen)
        painter.setFont(font)
        painter.setPen(palette.text().color() if chosen else palette.placeholderText().color())
        below = QRect(place.left(), place.bottom() + _MARGIN, WIDTH, rect.bottom() - place.bottom() - _MARGIN)
        text = f"Frame {frame}\nRain {self._model.rain[frame]:.2f} levels"
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, text)
        if index.row() == self._view.currentIndex().row():
            painter.setPen(QPen(palette.highlight().color(), 2 if self._view.hasFocus() else 1))
            painter.drawRect(rect.adjusted(1, 1, -1, -1))
        painter.restore()

    def editorEvent(self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index) -> bool:
        """Toggle the frame by a click on its check mark."""
        if isinstance(event, QMouseEvent) and event.button() == Qt.MouseButton.LeftButton:
            hit = _mark_rect(option.rect).adjusted(-4, -4, 4, 4)
            if hit.contains(event.position().toPoint()):
                if event.type() == QEvent.Type.MouseButtonRelease:
                    model.setData(index, None, Qt.ItemDataRole.CheckStateRole)
                return True
        return False

    def _mark(self, painter: QPainter, rect: QRect, palette: QPalette, *, chosen: bool) -> None:
        box = QStyleOptionButton()
        box.rect = _mark_rect(rect)
        box.palette = palette
        state = QStyle.StateFlag.State_On if chosen else QStyle.StateFlag.State_Off
        box.state = QStyle.StateFlag.State_Enabled | state
        painter.fillRect(box.rect, palette.base())
        self._view.style().drawPrimitive(QStyle.PrimitiveElement.PE_IndicatorCheckBox, box, painter, self._view)


def _mark_rect(cell: QRect) -> QRect:
    return QRect(cell.left() + _MARGIN + 4, cell.top() + _MARGIN + 4, 18, 18)


class FrameStrip(QListView):
    """Show the strip.

    Signal `focused`: the frame that arrows and clicks have reached.
    """

    focused = Signal(int)

    def __init__(self, model: FramesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frames = model
        self.setModel(model)
        self.setItemDelegate(_Delegate(model, self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Rainy frames, lightest rain first")
        cell = self.itemDelegate().sizeHint(QStyleOptionViewItem(), QModelIndex())
        self.setFixedHeight(cell.height() + self.horizontalScrollBar().sizeHint().height() + 2 * self.frameWidth())

    @property
    def frame(self) -> int | None:
        """The focused frame."""
        row = self.currentIndex().row()
        return self.frames.order[row] if 0 <= row < len(self.frames.order) else None

    def focus_frame(self, frame: int) -> None:
        """Focus a frame."""
        if frame in self.frames.rain:
            self.setCurrentIndex(self.frames.index(self.frames.order.index(frame)))

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Report the focused frame."""
        super().currentChanged(current, previous)
        self.viewport().update()
        if current.isValid():
            self.focused.emit(current.data(FRAME_ROLE))

    def event(self, event: QEvent) -> bool:
        """Keep arrows and Space for the strip while it has the focus, whatever shortcuts the window has."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            if plain and event.key() in _KEYS:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Toggle the focused frame with Space; the arrows move."""
        if event.key() == Qt.Key.Key_Space and not event.modifiers():
            if not event.isAutoRepeat():
                self.frames.setData(self.currentIndex(), None, Qt.ItemDataRole.CheckStateRole)
            return
        super().keyPressEvent(event)
