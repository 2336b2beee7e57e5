"""A field for a file or folder: typed, pasted, dropped or chosen in a dialog."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QSizePolicy, QWidget

from gui.widgets import dialogs
from gui.widgets.dialogs import Kind
from gui.widgets.typed_paths import typed_path

WEIGHTS = "Weights (*.safetensors)"


class PathField(QWidget):
    """One path, or several files or folders separated by semicolons.

    Signals: `changed` whenever the text changes.
    """

    changed = Signal()

    def __init__(self, name: str, kind: Kind, tip: str, *, several: bool = False, names: str = "") -> None:
        """Make a field.

        Args:
            name: Name for screen readers, and title of the dialog.
            kind: What to choose.
            tip: Tooltip.
            several: Whether it takes several paths; "files" always does.
            names: Name filter of the dialog; weights for "files".
        """
        super().__init__()
        self._name, self._kind, self._several = name, kind, several or kind == "files"
        self._names = names or (WEIGHTS if kind == "files" else "")
        self.edit = QLineEdit()
        self.edit.setToolTip(tip)
        self.edit.setAccessibleName(name)
        self.edit.textChanged.connect(lambda _: self.changed.emit())
        self.browse = QPushButton("Browse…")
        self.browse.setToolTip(f"Choose: {name.lower()}")
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._choose)
        # As high as the button beside it.
        self.edit.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.edit, 1)
        row.addWidget(self.browse)
        self.setFocusProxy(self.edit)

    @property
    def path(self) -> Path | None:
        """Return the path; None if the field is empty."""
        return next(iter(self.paths), None)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Return all paths. Only a field for several takes more than one."""
        text = self.edit.text().strip()
        parts = text.split(_SEPARATOR) if self._several else [text]
        return tuple(typed_path(part.strip()) for part in parts if part.strip())

    def set_path(self, *paths: Path) -> None:
        """Show these paths."""
        self.edit.setText(f" {_SEPARATOR} ".join(map(str, paths)))

    def _choose(self) -> None:
        chosen = dialogs.choose(self, self._name, self._kind, self.path, names=self._names)
        if chosen and self._several and self._kind == "folder":  # its dialog gives one at a time
            chosen = list(dict.fromkeys([*self.paths, *chosen]))
        if chosen:
            self.set_path(*chosen)


_SEPARATOR = ";"
"""Between two files. A colon occurs in Windows' own names."""
