"""The one dialog that asks for files and folders. It lists names and never reads what is in a file.

Qt's usual dialogs, and those of many desktops, open each listed file inside the window's process to find its icon and
type. On POSIX systems closing a file drops all locks that the process holds on it, those of a store included
(docs/adr/0015-the-lock-of-a-store.md).
"""

from pathlib import Path
from typing import Literal

from PySide6.QtCore import QFileInfo
from PySide6.QtGui import QAbstractFileIconProvider, QIcon
from PySide6.QtWidgets import QApplication, QFileDialog, QStyle, QWidget

from pipeline.project.storage import DATABASE

Kind = Literal["folder", "new folder", "file", "files", "new file"]


def choose(parent: QWidget, title: str, kind: Kind, start: Path | None = None, *, names: str = "") -> list[Path]:
    """Ask for a file or folder; returns what was chosen, empty where the person cancelled.

    start: folder to begin in, or a file to begin with; their home if None. A project's own folder is never begun
    in, but its parent. names: name filters in Qt's form, such as ``Weights (*.safetensors)``.
    """
    dialog = make_dialog(parent, title, kind, start, names=names)
    try:
        chosen = dialog.exec() == QFileDialog.DialogCode.Accepted
        return [Path(name) for name in dialog.selectedFiles()] if chosen else []
    finally:
        # By the event loop: it waits for a thread of the dialog's, which may want to run Python first.
        dialog.deleteLater()


def make_dialog(parent: QWidget, title: str, kind: Kind, start: Path | None = None, *, names: str = "") -> QFileDialog:
    """Make the dialog that `choose` shows."""
    dialog = QFileDialog(parent, title)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setIconProvider(_icons())
    if kind in ("new folder", "new file"):
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        # Whoever writes a folder refuses one that holds something.
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
    """The nearest folder that is there and is no project."""
    folder = (start or Path.home()).absolute()
    while folder != folder.parent and (not folder.is_dir() or (folder / DATABASE).exists()):
        folder = folder.parent
    return folder


class _PlainIcons(QAbstractFileIconProvider):
    """Two icons: one for folders, one for files. A thread of the dialog's calls this, so both are made before."""

    def __init__(self) -> None:
        super().__init__()
        style = QApplication.style()
        self._folder = style.standardIcon(QStyle.StandardPixmap.SP_DirIcon)
        self._file = style.standardIcon(QStyle.StandardPixmap.SP_FileIcon)

    def icon(self, of: "QFileInfo | QAbstractFileIconProvider.IconType") -> QIcon:
        """The icon of a file or of a kind of place."""
        if isinstance(of, QFileInfo):
            return self._folder if of.isDir() else self._file
        return self._file if of == QAbstractFileIconProvider.IconType.File else self._folder

    def type(self, info: QFileInfo) -> str:
        """What the column *Type* says."""
        return "Folder" if info.isDir() else f"{info.suffix()} file".strip()


_made: list[_PlainIcons] = []


def _icons() -> _PlainIcons:
    """The provider that all dialogs share: a dialog does not own its provider."""
    if not _made:
        _made.append(_PlainIcons())
    return _made[0]
