"""The dialog that asks for files and folders. It lists names, and never opens a file.

The default dialogs of Qt and of many desktops open each listed file in the window's process to find its icon and
type. On POSIX systems closing a file drops all locks that the process holds on it, those of a store included
(docs/adr/0015-the-lock-of-a-store.md).
"""

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QFileInfo
from PySide6.QtGui import QAbstractFileIconProvider, QIcon
from PySide6.QtWidgets import QApplication, QFileDialog, QStyle, QWidget

from gui.widgets.typed_paths import exists, problem_of
from pipeline.project.storage import DATABASE

Kind = Literal["folder", "new folder", "file", "files", "new file"]


def choose(parent: QWidget, title: str, kind: Kind, start: Path | None = None, *, names: str = "") -> list[Path]:
    """Ask for a file or folder.

    Args:
        parent: Window that the dialog belongs to.
        title: Title of the dialog.
        kind: What to ask for.
        start: Folder to begin in, or file to begin with; the home folder by default. Instead of a project's own
            folder the dialog begins in its parent.
        names: Name filters in Qt's form, such as ``Weights (*.safetensors)``.

    Returns:
        What was chosen; empty if the person cancelled.
    """
    dialog = make_dialog(parent, title, kind, start, names=names)
    try:
        chosen = dialog.exec() == QFileDialog.DialogCode.Accepted
        return [Path(name) for name in dialog.selectedFiles()] if chosen else []
    finally:
        # Deleted by the event loop: deleting waits for a thread of the dialog, which may need Python first.
        dialog.deleteLater()


def make_dialog(parent: QWidget, title: str, kind: Kind, start: Path | None = None, *, names: str = "") -> QFileDialog:
    """Make the dialog that `choose` shows. Arguments as there."""
    dialog = QFileDialog(parent, title)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setIconProvider(_icons())
    if kind in ("new folder", "new file"):
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        # Commands that write a folder refuse one that is not empty.
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite, kind == "new folder")
    if kind == "folder":
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
    else:
        dialog.setFileMode(
            {"file": QFileDialog.FileMode.ExistingFile, "files": QFileDialog.FileMode.ExistingFiles}.get(
                kind, QFileDialog.FileMode.AnyFile
            )
        )
    if names:
        dialog.setNameFilter(names)
    folder = _beginning(start)
    dialog.setDirectory(str(folder))
    if start is not None and kind != "folder" and start.parent == folder:
        dialog.selectFile(start.name)
    return dialog


def _beginning(start: Path | None) -> Path:
    """Return the nearest existing folder that is not a project."""
    folder = (start or Path.home()).absolute()
    while folder != folder.parent and (problem_of(folder, "folder") or exists(folder / DATABASE)):
        folder = folder.parent
    return folder


class _PlainIcons(QAbstractFileIconProvider):
    """One icon for folders and one for files, made in advance: a thread of the dialog asks for them."""

    def __init__(self) -> None:
        super().__init__()
        style = QApplication.style()
        self._folder = style.standardIcon(QStyle.StandardPixmap.SP_DirIcon)
        self._file = style.standardIcon(QStyle.StandardPixmap.SP_FileIcon)

    def icon(self, of: "QFileInfo | QAbstractFileIconProvider.IconType") -> QIcon:
        """Return the icon of a file or of a kind of place."""
        if isinstance(of, QFileInfo):
            return self._folder if of.isDir() else self._file
        return self._file if of == QAbstractFileIconProvider.IconType.File else self._folder

    def type(self, info: QFileInfo) -> str:
        """Return the text of the column *Type*."""
        return "Folder" if info.isDir() else f"{info.suffix()} file".strip()


_shared_icons: list[_PlainIcons] = []


def _icons() -> _PlainIcons:
    """Return the provider that all dialogs share: a dialog does not own its provider."""
    if not _shared_icons:
        _shared_icons.append(_PlainIcons())
    return _shared_icons[0]
