"""The dialog for files and folders: what it offers, where it begins, and that it reads no file."""

import ast
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QFileSystemModel, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets import dialogs
from pipeline.project.storage.database import DATABASE

GUI = Path(dialogs.__file__).parent

IN_OPEN, IN_ACCESS, IN_NONBLOCK = 0x20, 0x01, 0o4000


class Opened:
    """Names of the files of a folder that anybody opens or reads, told by the kernel (inotify)."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._queue = libc.inotify_init1(IN_NONBLOCK)
        assert self._queue >= 0
        assert libc.inotify_add_watch(self._queue, os.fsencode(folder), IN_OPEN | IN_ACCESS) >= 0

    def names(self) -> set[str]:
        """What was opened since the last call."""
        found: set[str] = set()
        try:
            data = os.read(self._queue, 1 << 20)
        except BlockingIOError:
            return found
        while data:
            length = int.from_bytes(data[12:16], sys.byteorder)
            found.add(os.fsdecode(data[16 : 16 + length].rstrip(b"\0")))
            data = data[16 + length :]
        return found - {""}  # the folder itself is listed

    def close(self) -> None:
        os.close(self._queue)


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    if not sys.platform.startswith("linux"):
        pytest.skip("inotify is Linux's")
    watch = Opened(tmp_path)
    yield watch
    watch.close()


def listed(dialog: QFileDialog) -> set[str]:
    model = dialog.findChild(QFileSystemModel)
    assert model is not None
    root = model.index(dialog.directory().absolutePath())
    return {model.index(row, 0, root).data() for row in range(model.rowCount(root))}


def fill(folder: Path) -> None:
    """Files of the kinds that are looked into for their type: no suffix that says it, or one that says too little."""
    for name in ("project.sqlite", "project.sqlite-journal", "no-suffix", "clip.mp4", "picture.png", "text.doc"):
        (folder / name).write_bytes(b"SQLite format 3\0" + bytes(200))


@pytest.mark.parametrize("kind", ["folder", "new folder", "file", "files", "new file"])
def test_no_listed_file_is_read(
    parent: QWidget, tmp_path: Path, opened: Opened, qtbot: QtBot, kind: dialogs.Kind
) -> None:
    fill(tmp_path)
    opened.names()
    dialog = dialogs.make_dialog(parent, "Open", kind)
    dialog.setDirectory(str(tmp_path))  # a person goes there
    dialog.setOption(QFileDialog.Option.ShowDirsOnly, False)
    dialog.open()
    qtbot.waitUntil(lambda: "clip.mp4" in listed(dialog))
    qtbot.wait(100)  # icons and types come after the names
    dialog.reject()
    dialog.deleteLater()
    assert opened.names() == set()


def test_the_watch_sees_what_other_dialogs_do(parent: QWidget, tmp_path: Path, opened: Opened, qtbot: QtBot) -> None:
    fill(tmp_path)
    opened.names()
    dialog = QFileDialog(parent, "Open", str(tmp_path))
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.open()
    qtbot.waitUntil(lambda: "project.sqlite" in opened.names())
    dialog.reject()
    dialog.deleteLater()


def test_it_never_begins_in_a_project(parent: QWidget, tmp_path: Path) -> None:
    project = tmp_path / "rain"
    (project / "runs" / "first").mkdir(parents=True)
    (project / DATABASE).touch()
    for start, begun in (
        (project, tmp_path),
        (project / DATABASE, tmp_path),
        (project / "gone" / "deeper", tmp_path),
        (project / "runs", project / "runs"),
        (tmp_path / "missing", tmp_path),
        (None, Path.home()),
    ):
        dialog = dialogs.make_dialog(parent, "Open", "folder", start)
        assert Path(dialog.directory().absolutePath()) == begun, start
        dialog.deleteLater()


@pytest.mark.parametrize("kind", ["file", "new file", "new folder"])
def test_what_is_chosen_comes_back(parent: QWidget, tmp_path: Path, qtbot: QtBot, kind: dialogs.Kind) -> None:
    place = tmp_path / "weights.safetensors"
    if kind == "file":
        place.touch()

    def accept() -> None:
        (dialog,) = (w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog) and w.isVisible())
        dialog.selectFile(place.name)
        dialog.accept()

    QTimer.singleShot(50, accept)
    assert dialogs.choose(parent, "Open", kind, place) == [place]

    def reject() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QDialog)
        dialog.reject()

    QTimer.singleShot(50, reject)
    assert dialogs.choose(parent, "Open", kind, place) == []


def test_nothing_else_makes_such_a_dialog() -> None:
    users = set()
    for path in GUI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            words = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            if "QFileDialog" in words or (isinstance(node, ast.Attribute) and node.attr == "QFileDialog"):
                users.add(path.relative_to(GUI).as_posix())
    assert users == {"dialogs.py"}
