"""The start page: what the tool does, new project, sample project, recent projects. Files can be dropped on it."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.design import GAP, PAD, sized
from gui.pages import recent
from gui.pages.before_after import BeforeAfter
from gui.pages.icon_mark import IconMark
from gui.pages.restore import RestoreOffer
from gui.widgets import Label, named
from gui.workers import Workers

_STEPS = (
    ("add", "Add clips", "Real rain videos, filmed from one place."),
    ("accept", "Judge", "Choose the best clean image of each clip."),
    ("export", "Export and train", "Write pairs, train SPANet, see the results."),
)
"""The job in three steps: icon, title, sentence."""

_WIDEST = 1120
"""Width of the contents at most, px."""


class StartPage(QWidget):
    """The page that the window shows without a project.

    Signals: `open_project` with the folder of a recent project that was chosen.

    Attributes:
        offer: Offers to restore a project that cannot be opened.
        recent: List of recent projects.
    """

    open_project = Signal(Path)

    def __init__(self, settings: QSettings, workers: Workers, do: Callable[[str], None]) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        for action, text, tip in (
            ("new", "New project…", "Give a project a name and a place (Ctrl+N)"),
            ("open", "Open project…", "Open the folder of a project (Ctrl+O)"),
            ("sample", "Open the sample project", "Open four short clips to try everything with"),
        ):
            button = named(QPushButton(text), text, tip)
            button.clicked.connect(lambda _=False, action=action: do(action))
            self.buttons[action] = button
        self.buttons["new"].setProperty("look", "main")
        self.recent = recent.RecentList(settings)
        self.recent.chosen.connect(self.open_project)
        self.recent.reveal.connect(lambda folder: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))
        self.recent.dropped.connect(self.show_recent)
        self.offer = RestoreOffer(workers)
        self._recent_label = Label("Recent projects")
        self._recent_label.setFont(sized("title"))
        self.picture = BeforeAfter()
        self._lay_out()
        self.show_recent()

    def show_recent(self) -> None:
        """List the recent projects that still exist."""
        self.recent.fill()
        any_recent = self.recent.count() > 0
        self.recent.setVisible(any_recent)
        self._recent_label.setVisible(any_recent)

    def _lay_out(self) -> None:
        title = Label("rainclean")
        title.setFont(sized("display"))
        introduction = Label("Real rain videos in, rain/clean image pairs out. You decide what is good.", wordWrap=True)
        hint = Label("Or drop clips, a folder or a project anywhere on this window.", wordWrap=True)
        hint.setProperty("look", "faint")
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        for button in self.buttons.values():
            buttons.addWidget(button)
        buttons.addStretch(1)
        left = QVBoxLayout()
        left.setSpacing(GAP)
        left.addWidget(title)
        left.addWidget(introduction)
        left.addSpacing(PAD)
        left.addLayout(_steps())
        left.addSpacing(PAD)
        left.addLayout(buttons)
        left.addWidget(hint)
        left.addStretch(1)
        upper = QHBoxLayout()
        upper.setSpacing(2 * PAD)
        upper.addLayout(left, 1)
        upper.addWidget(self.picture, 1)
        body = QFrame()
        body.setMaximumWidth(_WIDEST)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.offer)
        column.addLayout(upper)
        column.addSpacing(PAD)
        column.addWidget(self._recent_label)
        column.addWidget(self.recent, 1)
        column.addStretch(0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, 2 * PAD)
        layout.addStretch(1)
        layout.addWidget(body, 100)
        layout.addStretch(1)


def _steps() -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(GAP)
    grid.setVerticalSpacing(GAP)
    grid.setColumnStretch(1, 1)
    for row, (name, title, text) in enumerate(_STEPS):
        head = Label(f"{row + 1}. {title}")
        head.setFont(sized("body", bold=True))
        sentence = Label(text, wordWrap=True)
        sentence.setProperty("look", "faint")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(head)
        words.addWidget(sentence)
        grid.addWidget(IconMark(name), row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(words, row, 1)
    return grid
