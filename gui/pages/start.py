"""The start page: new project, open project, sample project, recent projects. Files can be dropped on it."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from gui.pages.restore import RestoreOffer
from gui.widgets import Label, named
from gui.workers import Workers
from pipeline.project.storage import DATABASE, backups

RECENT = "recent"
MAX_RECENT = 12
"""Recent projects that are remembered."""


class StartPage(QWidget):
    """The page that the window shows without a project.

    Signals: `open_project` with the folder of a recent project that was chosen.

    Attributes:
        offer: Offers to restore a project that cannot be opened.
    """

    open_project = Signal(Path)

    def __init__(self, settings: QSettings, workers: Workers, do: Callable[[str], None]) -> None:
        super().__init__()
        self._settings = settings
        title = Label("rainclean")
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 2.2)
        title.setFont(font)
        introduction = Label(
            "Real rain videos in, rain/clean image pairs out.\nOpen a project, or drop clips or a project here.",
            wordWrap=True,
        )
        buttons = QHBoxLayout()
        self.buttons: dict[str, QPushButton] = {}
        for action, text, tip in (
            ("new", "New project…", "Create a project in an empty folder (Ctrl+N)"),
            ("open", "Open project…", "Open the folder of a project (Ctrl+O)"),
            ("sample", "Open the sample project", "Open four short clips to try everything with"),
        ):
            button = named(QPushButton(text), text, tip)
            button.clicked.connect(lambda _=False, action=action: do(action))
            buttons.addWidget(button)
            self.buttons[action] = button
        self.recent = named(QListWidget(), "Recent projects", "Press Enter or double-click to open a project")
        self.recent.itemActivated.connect(
            lambda item: self.open_project.emit(Path(item.data(Qt.ItemDataRole.UserRole)))
        )
        self.offer = RestoreOffer(workers)
        self._recent_label = Label("Recent projects")
        column = QVBoxLayout()
        for widget in (title, introduction):
            column.addWidget(widget)
        column.addLayout(buttons)
        column.addWidget(self.offer)
        column.addSpacing(16)
        column.addWidget(self._recent_label)
        column.addWidget(self.recent, 1)
        column.addStretch(1)
        column.setSpacing(12)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(48, 48, 48, 48)
        layout.addStretch(1)
        layout.addLayout(column, 3)
        layout.addStretch(1)
        self.show_recent()

    def remember(self, folder: Path) -> None:
        """Put a project at the top of the recent ones."""
        others = [text for text in recent(self._settings) if text != str(folder)]
        self._settings.setValue(RECENT, [str(folder), *others][:MAX_RECENT])
        self.show_recent()

    def show_recent(self) -> None:
        """List the recent projects that still exist."""
        self.recent.clear()
        for text in recent(self._settings):
            if (Path(text) / DATABASE).is_file() or backups(Path(text)):
                item = QListWidgetItem(f"{Path(text).name}    {text}")
                item.setData(Qt.ItemDataRole.UserRole, text)
                self.recent.addItem(item)
        any_recent = self.recent.count() > 0
        self.recent.setVisible(any_recent)
        self._recent_label.setText("Recent projects" if any_recent else "No recent projects")


def recent(settings: QSettings) -> list[str]:
    """Return the folders of the recent projects, the latest first."""
    value = settings.value(RECENT)
    return [value] if isinstance(value, str) else list(map(str, value)) if isinstance(value, list) else []
