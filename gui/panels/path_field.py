"""A field for a file or folder: typed, pasted, dropped, or chosen in the system's dialog."""

from pathlib import Path
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

Kind = Literal["folder", "new folder", "files"]

WEIGHTS = "Weights (*.safetensors)"


class PathField(QWidget):
    """One path, or several files separated by the system's path separator.

    Signal `changed` whenever the text does.
    """

    changed = Signal()

    def __init__(self, name: str, kind: Kind, tip: str) -> None:
        super().__init__()
        self._name, self._kind = name, kind
        self.edit = QLineEdit()
        self.edit.setToolTip(tip)
        self.edit.setAccessibleName(name)
        self.edit.textChanged.connect(lambda _: self.changed.emit())
        self.browse = QPushButton("Browse…")
        self.browse.setToolTip(f"Choose: {name.lower()}")
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.edit, 1)
        row.addWidget(self.browse)
        self.setFocusProxy(self.edit)

    @property
    def path(self) -> Path | None:
        """The path, None where the field is empty."""
        return next(iter(self.paths), None)

    @property
    def paths(self) -> tuple[Path, ...]:
        """All paths; only a field for files takes several."""
        text = self.edit.text().strip()
        parts = text.split(_BETWEEN) if self._kind == "files" else [text]
        return tuple(Path(part.strip()).expanduser() for part in parts if part.strip())

    def set_path(self, *paths: Path) -> None:
        """Show these paths."""
        self.edit.setText(f" {_BETWEEN} ".join(map(str, paths)))

    def _choose(self) -> None:
        start = str(self.path or Path.home())
        if self._kind == "files":
            chosen, _ = QFileDialog.getOpenFileNames(self, self._name, start, WEIGHTS)
        elif self._kind == "new folder":
            chosen = [QFileDialog.getSaveFileName(self, self._name, start)[0]]
        else:
            chosen = [QFileDialog.getExistingDirectory(self, self._name, start)]
        if any(chosen):
            self.set_path(*map(Path, filter(None, chosen)))


_BETWEEN = ";"
"""Between two files; a colon stands in Windows' own names."""
