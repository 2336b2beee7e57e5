"""Recent projects: what is remembered of them, and their list on the start page."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QPoint, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QAction, QFocusEvent, QFontMetrics, QPainter, QPalette
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QMenu, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui.design import GAP, SPACE, sized
from gui.widgets import as_tip, named
from pipeline.project.storage import DATABASE, backups

RECENT = "recent"
FACTS = "recent_facts"
MAX_RECENT = 12
"""Recent projects that are remembered."""

PATH_ROLE = int(Qt.ItemDataRole.UserRole)
FACTS_ROLE = PATH_ROLE + 1


def recent(settings: QSettings) -> list[str]:
    """Return the folders of the recent projects, the latest first."""
    value = settings.value(RECENT)
    return [value] if isinstance(value, str) else list(map(str, value)) if isinstance(value, list) else []


def existing(settings: QSettings) -> list[Path]:
    """Return the folders of the recent projects that still exist, the latest first."""
    return [Path(text) for text in recent(settings) if (Path(text) / DATABASE).is_file() or backups(Path(text))]


def facts_of(settings: QSettings, folder: Path) -> str:
    """Return when a project was last open, and how far it was then; "" where that is not known."""
    known = _facts(settings).get(str(folder))
    if not isinstance(known, dict):
        return ""
    return " · ".join(str(known[key]) for key in ("progress", "at") if known.get(key))


def remember(settings: QSettings, folder: Path) -> None:
    """Put a project at the top of the recent ones."""
    others = [text for text in recent(settings) if text != str(folder)]
    settings.setValue(RECENT, [str(folder), *others][:MAX_RECENT])


def remember_progress(settings: QSettings, folder: Path, progress: str) -> None:
    """Remember how far a project is now."""
    known = {key: value for key, value in _facts(settings).items() if key in recent(settings)}
    known[str(folder)] = {"progress": progress, "at": datetime.now().strftime("%Y-%m-%d %H:%M")}
    settings.setValue(FACTS, json.dumps(known, ensure_ascii=False))


def forget(settings: QSettings, folder: Path) -> None:
    """Take a project out of the recent ones. Its folder is not touched."""
    settings.setValue(RECENT, [text for text in recent(settings) if text != str(folder)])


def _facts(settings: QSettings) -> dict[str, Any]:
    try:
        known = json.loads(str(settings.value(FACTS) or "{}"))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


class RecentList(QListWidget):
    """List the recent projects.

    Signals: `chosen` with the folder of a project to open; `reveal` with one to show in the file manager; `dropped`
    when one was taken out of the list.
    """

    chosen = Signal(Path)
    reveal = Signal(Path)
    dropped = Signal()

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self._settings = settings
        self.setObjectName("recent")
        named(self, "Recent projects", "Click a project or press Enter to open it; Delete takes it out of the list")
        self.setItemDelegate(_Delegate(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.itemActivated.connect(lambda item: self.chosen.emit(Path(item.data(PATH_ROLE))))
        self._remove = QAction("Remove from this list", self)
        self._remove.setShortcut(Qt.Key.Key_Delete)
        self._remove.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self._remove.triggered.connect(self.remove_current)
        self.addAction(self._remove)

    def fill(self) -> None:
        """List those that still exist."""
        self.clear()
        for folder in existing(self._settings):
            facts = facts_of(self._settings, folder)
            item = QListWidgetItem(f"{folder.name}    {folder}")
            item.setData(PATH_ROLE, str(folder))
            item.setData(FACTS_ROLE, facts)
            item.setToolTip(as_tip("\n".join(filter(None, (str(folder), facts)))))
            self.addItem(item)
        if self.count():
            self.setCurrentRow(0, QItemSelectionModel.SelectionFlag.NoUpdate)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Mark the current project: keys act on it now."""
        super().focusInEvent(event)
        if (item := self.currentItem()) is not None:
            item.setSelected(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the mark away, so that the main button is the one thing that stands out."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.clearSelection()

    def remove_current(self) -> None:
        """Take the current project out of the list. Its folder is not touched."""
        if (item := self.currentItem()) is not None:
            forget(self._settings, Path(item.data(PATH_ROLE)))
            self.dropped.emit()

    def menu(self) -> QMenu:
        """Return the context menu of the current project."""
        folder = Path(self.currentItem().data(PATH_ROLE))
        menu = QMenu(self)
        menu.addAction("Open", lambda: self.chosen.emit(folder))
        menu.addAction("Show in folder", lambda: self.reveal.emit(folder))
        menu.addSeparator()
        menu.addAction(self._remove)
        return menu

    def _show_menu(self, at: QPoint) -> None:
        if (item := self.itemAt(at)) is not None:
            self.setCurrentItem(item)
        if self.currentItem() is not None:
            menu = self.menu()
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self.viewport().mapToGlobal(at))


class _Delegate(QStyledItemDelegate):
    """Paint name and progress in one line, the path below."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return the size of a row, the same for all."""
        return QSize(200, 2 * QFontMetrics(sized("body")).lineSpacing() + 2 * GAP)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint a row."""
        self.initStyleOption(option, index)
        folder, facts = Path(index.data(PATH_ROLE)), str(index.data(FACTS_ROLE) or "")
        option.text = ""
        option.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        palette, room = option.palette, option.rect.adjusted(GAP, SPACE, -GAP, -SPACE)
        main = palette.color(QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text)
        faint = main if selected else palette.color(QPalette.ColorRole.PlaceholderText)
        half = room.height() // 2
        painter.save()
        bold, small = sized("body", bold=True), sized("small")
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        facts_width = min(QFontMetrics(small).horizontalAdvance(facts) + GAP, room.width() * 2 // 3)
        painter.setFont(bold)
        painter.setPen(main)
        upper = room.adjusted(0, 0, -facts_width, -half)
        name = QFontMetrics(bold).elidedText(folder.name, Qt.TextElideMode.ElideMiddle, upper.width())
        painter.drawText(upper, flags, name)
        painter.setFont(small)
        painter.setPen(faint)
        metrics = QFontMetrics(small)
        right = room.adjusted(room.width() - facts_width, 0, 0, -half)
        text = metrics.elidedText(facts, Qt.TextElideMode.ElideRight, right.width())
        painter.drawText(right, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), text)
        lower = room.adjusted(0, half, 0, 0)
        painter.drawText(lower, flags, metrics.elidedText(str(folder), Qt.TextElideMode.ElideMiddle, lower.width()))
        painter.restore()
