"""The line that says which scene was suggested, and why."""

from collections.abc import Sequence as Several

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.design import GAP, SPACE
from gui.widgets import Label, named
from pipeline.project.clips import lookalike
from pipeline.project.model import Sequence
from pipeline.project.storage import Project


class SceneSuggestion(QWidget):
    """Say what was suggested; confirm it, or name another scene.

    Signals:
        changed: It was confirmed, or not any more.
        other: A person wants to name another scene.
    """

    changed = Signal()
    other = Signal()

    def __init__(self, project: Project, sequences: Several[Sequence]) -> None:
        super().__init__()
        suggested = [sequence for sequence in sequences if sequence.scene_by == "suggestion"]
        self.is_wanted = bool(suggested)
        self.confirmed = False
        self._suggestion = self._describe(project, sequences, suggested)
        self._confirmation = f"Confirmed: {suggested[0].scene}." if len(sequences) == 1 and suggested else "Confirmed."
        self.text = Label(self._suggestion, wordWrap=True)
        self.text.setProperty("look", "warn")
        confirm, other = QPushButton("&Confirm"), QPushButton("&Other…")
        self.confirm = named(confirm, "Confirm the scene", "Keep the suggested scene (Alt+C)")
        self.name_other = named(other, "Other scene", "Name another scene (Alt+O)")
        for button in (confirm, other):
            button.setAutoDefault(False)
        confirm.setCheckable(True)
        confirm.toggled.connect(lambda on: self._switch(confirmed=on))
        other.clicked.connect(self._ask_for_other)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(confirm)
        row.addWidget(other)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self.text)
        column.addLayout(row)

    def _switch(self, *, confirmed: bool) -> None:
        self.confirmed = confirmed
        self.text.setText(self._confirmation if confirmed else self._suggestion)
        self.text.setProperty("look", "good" if confirmed else "warn")
        self.text.style().polish(self.text)
        self.changed.emit()

    def _ask_for_other(self) -> None:
        self.confirm.setChecked(False)
        self.other.emit()

    @staticmethod
    def _describe(project: Project, sequences: Several[Sequence], suggested: Several[Sequence]) -> str:
        if len(sequences) == 1 and suggested:
            like = lookalike(project, suggested[0])
            reason = f", because its background looks like {like.label}" if like else ""
            return f"Suggested: {suggested[0].scene}{reason}."
        if not suggested:
            return ""
        return f"The scenes of {len(suggested)} of {len(sequences)} sequences were suggested by their backgrounds."
