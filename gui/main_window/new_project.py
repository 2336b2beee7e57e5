"""The dialog that makes a project: its name, and where its folder goes. The folder is made by us."""

import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gui.design import GAP, PAD
from gui.widgets import Form, Label, WrappedLabel, dialogs, named
from pipeline.project.storage import DATABASE
from pipeline.text_format import counted, plain

WIDTH = 520
"""Width of the dialog, px."""

_MAX_NAME_BYTES = 200
"""UTF-8 bytes of a name; most file systems allow 255, and files beside it get longer names."""

_FORBIDDEN = '/\\:*?"<>|'
"""Characters that at least one system forbids in a name: a project can be copied to any of them."""


class NewProjectDialog(QDialog):
    """Ask for name and place. Enter creates.

    Attributes:
        name: Field of the name.
        place: Field of the folder that the project's folder goes into.
        name_line: Says below the name why it cannot be used.
        place_line: Shows below the place the path of the project, or says why none can be made there.
        create_button: The main button.
    """

    def __init__(self, parent: QWidget, place: Path, name: str = "", clips: Sequence[Path] = ()) -> None:
        """Make the dialog.

        Args:
            parent: Window that it belongs to.
            place: Folder that is proposed.
            name: Name that is proposed.
            clips: Files and folders that are added to the project; their number is shown.
        """
        super().__init__(parent)
        self.setWindowTitle("New project")
        self.setMinimumWidth(WIDTH)
        self.name = named(QLineEdit(name), "Name", "Type a name for the project")
        self.name.setPlaceholderText("For example: Garden in June")
        self.place = named(QLineEdit(str(place)), "Place", "Type the folder that the project goes into")
        self.browse = named(QPushButton("Browse…"), "Browse", "Choose the folder that the project goes into")
        self.browse.setAutoDefault(False)
        self.name_line = WrappedLabel(name="Problem of the name", look="bad")
        self.place_line = WrappedLabel(name="Folder of the project", look="faint")
        self.create_button = named(
            QPushButton("Create project"), "Create project", "Make the folder and open it (Enter)"
        )
        self.create_button.setProperty("look", "main")
        self.create_button.setDefault(True)
        self.cancel = named(QPushButton("Cancel"), "Cancel", "Close without making a project (Esc)")
        self.cancel.setAutoDefault(False)
        self._lay_out(clips)
        self.name.textChanged.connect(self._update)
        self.place.textChanged.connect(self._update)
        self.browse.clicked.connect(self._browse)
        self.create_button.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        self.name.selectAll()
        self._update()

    @property
    def folder(self) -> Path | None:
        """Return the folder of the project; None where the fields name none."""
        place, name = folder_of(self.place.text()), self.name.text().strip()
        return place / name if place is not None and name else None

    def accept(self) -> None:
        """Close the dialog, unless no project can be made."""
        if self.create_button.isEnabled():
            super().accept()

    def _update(self) -> None:
        name, folder = self.name.text().strip(), self.folder
        problem = problem_of(name, self.place.text())
        # An empty name is no mistake yet.
        of_name = _name_problem(name) if name else ""
        self.name_line.setText(of_name)
        of_place = problem if name and not of_name else ""
        self.place_line.set_look("bad" if of_place else "faint")
        self.place_line.setText(
            of_place or (f"Makes the folder {folder}" if folder is not None and not problem else "")
        )
        self.create_button.setEnabled(not problem)

    def _browse(self) -> None:
        for folder in dialogs.choose(self, "Place of the project", "folder", folder_of(self.place.text())):
            self.place.setText(str(folder))

    def _lay_out(self, clips: Sequence[Path]) -> None:
        place = QWidget()
        row = QHBoxLayout(place)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(self.place, 1)
        row.addWidget(self.browse)
        form = Form()
        form.setSpacing(GAP)
        # Both lines keep their room, so that the dialog does not jump while a person types.
        for line, lines in ((self.name_line, 1), (self.place_line, 2)):
            line.setMinimumHeight(lines * self.fontMetrics().lineSpacing())
            line.setAlignment(Qt.AlignmentFlag.AlignTop)
        form.add_field("Name", self.name, self.name_line)
        form.add_field("Place", place, self.place_line, self.place)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.create_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD, PAD, PAD, PAD)
        column.setSpacing(GAP)
        if clips:
            what = clips[0].name if len(clips) == 1 else counted(len(clips), "file")
            column.addWidget(Label(f"{plain(what)} will be added to it.", wordWrap=True))
        column.addLayout(form)
        column.addLayout(buttons)


def folder_of(text: str) -> Path | None:
    """Return the folder that a text names; None where it names none, such as ``~nobody``."""
    text = text.strip()
    if not text or "\0" in text:
        return None
    try:
        return Path(text).expanduser().absolute()
    except (RuntimeError, OSError, ValueError):
        return None


def problem_of(name: str, place: str) -> str:
    """Return why no project can be made with this name at this place; "" where it can."""
    name = name.strip()
    if not name:
        return "Give the project a name."
    if (problem := _name_problem(name)) != "":
        return problem
    folder = folder_of(place)
    if folder is None:
        return "Choose a folder that the project goes into."
    try:
        return _place_problem(folder, folder / name)
    except (OSError, ValueError) as error:
        return f"This place cannot be used: {getattr(error, 'strerror', None) or error}."


def _name_problem(name: str) -> str:
    bad = [c for c in name if c in _FORBIDDEN]
    if bad:
        return f"A name cannot contain {bad[0]}"
    if plain(name) != name or name.strip(".") == "" or name.endswith("."):
        return "This name cannot be used for a folder."
    try:
        too_long = len(name.encode()) > _MAX_NAME_BYTES
    except UnicodeEncodeError:
        return "This name cannot be used for a folder."
    return "This name is too long." if too_long else ""


def _place_problem(place: Path, folder: Path) -> str:
    existing = place
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        return f"{existing} is a file. Choose a folder."
    if any((above / DATABASE).exists() for above in (existing, *existing.parents)):
        return "This place is inside another project. Choose a folder outside."
    if folder.exists():
        if (folder / DATABASE).exists():
            return f"The project {folder.name} exists there already. Open it, or choose another name."
        if not folder.is_dir():
            return f"A file with the name {folder.name} exists there. Choose another name."
        if any(folder.iterdir()):
            return f"The folder {folder.name} exists there and is not empty. Choose another name."
        existing = folder
    return "" if os.access(existing, os.W_OK | os.X_OK) else f"You cannot write to {existing}. Choose another place."


def proposed_name(paths: Sequence[Path], place: Path) -> str:
    """Return a name for a project with these clips, one that no project at the place has.

    Args:
        paths: Files and folders that are added.
        place: Folder that the project goes into.
    """
    if not paths:
        return ""
    source = paths[0] if len(paths) == 1 else paths[0].parent
    name = source.name if source.is_dir() else source.stem
    name = "".join("-" if c in _FORBIDDEN else c for c in plain(name)).strip(" .") or "Rain"
    number, proposed = 1, name
    while (place / proposed).exists() and number < 1000:
        number += 1
        proposed = f"{name} {number}"
    return proposed
