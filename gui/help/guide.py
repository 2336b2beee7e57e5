"""The user guide in the window. It is the same file as on the project's pages."""

import re
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
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

_WINDOW = "## The window"
"""Line that begins the guide's chapter on the window."""

PICTURE_WIDTH = 690
"""Most width of a picture, px: it fits into the dialog beside the chapters."""


def guide_path() -> Path:
    """Return the file of the user guide.

    Raises:
        RaincleanError: This installation has no guide.
    """
    for path in _PLACES:
        if path.is_file():
            return path
    raise RaincleanError(f"the user guide is missing ({_PLACES[0]}); install rainclean again")


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
        markdown = _window_first(path.read_text(encoding="utf-8"))
        self.text.setMarkdown(markdown)
        _wrap_code(self.text.document())
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
        self.found.hide()  # even an empty line would keep room
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
        self._show_found("" if is_found else f"“{words}” is not in the guide")

    def _show_found(self, text: str) -> None:
        self.found.setText(text)
        self.found.setVisible(bool(text))

    def _follow(self, url: QUrl) -> None:
        """Open an address in the browser, a file of the documentation with the desktop's program."""
        target = self.text.document().baseUrl().resolved(url)
        if url.scheme() in ("http", "https") or (target.isLocalFile() and Path(target.toLocalFile()).is_file()):
            QDesktopServices.openUrl(target)
        else:
            self._show_found(f"{url.toString()} is not part of this installation")


def _window_first(markdown: str) -> str:
    """Put the chapter on the window before those on commands: whoever reads here sees the window."""
    head, *chapters = re.split(r"^(?=## )", markdown, flags=re.MULTILINE)
    chapters.sort(key=lambda chapter: chapter.splitlines()[0] != _WINDOW)  # the others stay in their order
    return "".join([head, *(chapter.rstrip("\n") + "\n\n" for chapter in chapters)])


def _wrap_code(document: QTextDocument) -> None:
    """Let long lines of code wrap, so that the text need not be scrolled sideways."""
    block = document.begin()
    while block.isValid():
        form = block.blockFormat()
        if form.nonBreakableLines():
            form.setNonBreakableLines(False)
            QTextCursor(block).setBlockFormat(form)
        block = block.next()


class _Text(QTextBrowser):
    """A text whose pictures are no wider than the dialog first is."""

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Return a file that the text names; a wide picture is scaled down."""
        found = super().loadResource(kind, name)
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return found
        url = name if isinstance(name, QUrl) else QUrl(name)
        picture = QImage(self.document().baseUrl().resolved(url).toLocalFile())
        if picture.isNull():
            return found
        ratio = self.devicePixelRatioF()
        if picture.width() > PICTURE_WIDTH * ratio:
            picture = picture.scaledToWidth(round(PICTURE_WIDTH * ratio), Qt.TransformationMode.SmoothTransformation)
            picture.setDevicePixelRatio(ratio)
        return picture
