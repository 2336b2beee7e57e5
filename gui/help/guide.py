"""The user guide in the window. It is the same file as on the project's pages."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices, QImage, QKeySequence, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from gui.design import GAP
from gui.widgets import Label, named
from rainclean.errors import RaincleanError

_PLACES = (Path(__file__).with_name("user-guide.md"), Path(__file__).parents[2] / "docs" / "user-guide.md")
"""The guide in an installed package, and in a checkout of the repository."""


def guide_path() -> Path:
    """Return the file of the user guide.

    Raises:
        RaincleanError: This installation has no guide.
    """
    for path in _PLACES:
        if path.is_file():
            return path
    raise RaincleanError(f"the user guide is missing ({_PLACES[0]}); install rainclean again")


PICTURE_PX = 700
"""Largest width of a picture in the guide, logical px: it fits beside the chapters."""


class _Text(QTextBrowser):
    """A text whose wide pictures are shown smaller."""

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Qt: read a picture or another part of the text."""
        resource = super().loadResource(kind, name)
        if kind != QTextDocument.ResourceType.ImageResource.value or not isinstance(resource, QByteArray):
            return resource
        image, ratio = QImage.fromData(resource), self.devicePixelRatioF()
        if image.width() > PICTURE_PX:
            width = min(round(PICTURE_PX * ratio), image.width())
            image = image.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation)
            image.setDevicePixelRatio(width / PICTURE_PX)
        return image


class GuideDialog(QDialog):
    """Show the guide with its chapters and a search."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("User guide")
        self.resize(1000, 720)
        path = guide_path()
        self.text = named(_Text(), "User guide", "The text of the guide")
        self.text.setOpenLinks(False)
        self.text.anchorClicked.connect(self._follow)
        self.text.document().setBaseUrl(QUrl.fromLocalFile(str(path)))
        self.text.setSearchPaths([str(path.parent)])
        markdown = path.read_text(encoding="utf-8")
        self.text.setMarkdown(markdown)
        self.chapters = named(QListWidget(), "Chapters", "Click a chapter to go to it")
        self.chapters.addItems([line[3:] for line in markdown.splitlines() if line.startswith("## ")])
        self.chapters.currentTextChanged.connect(self._go_to)
        self.search = named(QLineEdit(placeholderText="Search"), "Search", "Enter goes to the next place (Ctrl+F)")
        self.search.returnPressed.connect(self._find)
        find = QAction("Search", self)
        find.setShortcut(QKeySequence("Ctrl+F"))
        find.triggered.connect(self.search.setFocus)
        self.addAction(find)
        self.found = Label()
        self.found.setProperty("look", "faint")
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.search, 1)
        head.addWidget(self.found)
        parts = QSplitter()
        parts.addWidget(self.chapters)
        parts.addWidget(self.text)
        parts.setStretchFactor(1, 1)
        parts.setSizes([240, 760])
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(head)
        layout.addWidget(parts, 1)
        layout.addWidget(buttons)
        # Enter in the search is no answer to the dialog.
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setAutoDefault(False)
        close.setDefault(False)

    def _go_to(self, chapter: str) -> None:
        """Scroll a chapter's title to the top of the view."""
        block = self.text.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel() == 2 and block.text() == chapter:
                cursor = QTextCursor(block)
                self.text.moveCursor(QTextCursor.MoveOperation.End)
                self.text.setTextCursor(cursor)
                return
            block = block.next()

    def _find(self) -> None:
        """Go to the next place of the searched words; after the last comes the first."""
        words = self.search.text().strip()
        if not words:
            return
        is_found = self.text.find(words)
        if not is_found:
            self.text.moveCursor(QTextCursor.MoveOperation.Start)
            is_found = self.text.find(words, QTextDocument.FindFlag(0))
        self.found.setText("" if is_found else f"“{words}” is not in the guide")

    def _follow(self, url: QUrl) -> None:
        """Open an address in the browser, a file of the documentation with the desktop's program."""
        target = self.text.document().baseUrl().resolved(url)
        if url.scheme() in ("http", "https") or (target.isLocalFile() and Path(target.toLocalFile()).is_file()):
            QDesktopServices.openUrl(target)
        else:
            self.found.setText(f"{url.toString()} is not part of this installation")
