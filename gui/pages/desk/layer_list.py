"""The list of layers: an eye and the colour of the mask in each row."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyledItemDelegate, QStyleOptionViewItem

from gui.compare import Colour
from gui.design import GAP, ICON, SPACE, icon
from gui.widgets import as_tip

ROWS = 3
"""Rows of two lines that the list has room for where the panel is low."""
EMPTY = "No layers yet. Choose a tool, such as Brush (H), and paint on the picture."

_COLOUR = Qt.ItemDataRole.UserRole.value + 1


class LayerList(QListWidget):
    """Lists layers. Signal `eye_toggled`: key of a layer, by a click on its eye or with Space."""

    eye_toggled = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setItemDelegate(_Row(self))
        self.setIconSize(QSize(ICON, ICON))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def sizeHint(self) -> QSize:
        """Return room for a few rows; the list grows with the panel."""
        return QSize(super().sizeHint().width(), ROWS * (2 * self.fontMetrics().lineSpacing() + SPACE) + GAP)

    def add_layer(self, key: str, name: str, contents: str, colour: Colour, *, hidden: bool) -> QListWidgetItem:
        """Append a row of two lines: the panel is too narrow for both in one.

        Args:
            key: Key of the layer.
            name: The candidate that the layer brings in.
            contents: What the layer holds.
            colour: Colour of the mask.
            hidden: Whether the mask is hidden.
        """
        text = f"{name}: {contents}"
        item = QListWidgetItem(icon("eye_off" if hidden else "eye"), f"{name}\n{contents}")
        item.setData(Qt.ItemDataRole.UserRole, key)
        item.setData(_COLOUR, QColor(*colour))
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{text}, mask {'hidden' if hidden else 'shown'}")
        act = "show" if hidden else "hide"
        item.setToolTip(as_tip(f"{text}\nClick the eye or press Space to {act} the mask; the layer stays"))
        self.addItem(item)
        return item

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt: paint; an empty list says how to fill it."""
        super().paintEvent(event)
        if not self.count():
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().placeholderText().color())
            room = self.viewport().rect().adjusted(GAP, GAP, -GAP, -GAP)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, EMPTY)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Qt: a button goes down; on an eye it shows or hides the mask."""
        item = self.itemAt(event.position().toPoint())
        left = event.button() == Qt.MouseButton.LeftButton
        if item is not None and left and event.position().x() <= self.visualItemRect(item).left() + ICON + GAP:
            self.eye_toggled.emit(str(item.data(Qt.ItemDataRole.UserRole)))
            return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Qt: a key goes down; Space shows or hides the mask of the current row."""
        item = self.currentItem()
        if event.key() == Qt.Key.Key_Space and item is not None:
            self.eye_toggled.emit(str(item.data(Qt.ItemDataRole.UserRole)))
            return
        super().keyPressEvent(event)


class _Row(QStyledItemDelegate):
    """Paints the colour of the mask at the right end of a row."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint the row, and the colour beside it."""
        rect = option.rect
        beside = QStyleOptionViewItem(option)
        beside.rect = rect.adjusted(0, 0, -2 * GAP - SPACE, 0)
        super().paint(painter, beside, index)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(index.data(_COLOUR))
        painter.drawEllipse(QPointF(rect.right() - GAP - SPACE, rect.center().y() + 0.5), SPACE + 1, SPACE + 1)
        painter.restore()
