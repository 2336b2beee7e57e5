"""The dialog with the properties of one or several sequences."""

from collections.abc import Sequence as Several
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui.design import GAP, PAD
from gui.pages.properties.facts import facts
from gui.pages.properties.fields import TextField
from gui.pages.properties.frame_picture import FramePicture
from gui.pages.properties.range_field import RangeField
from gui.pages.properties.reading import read_frame
from gui.pages.properties.region_field import RegionField
from gui.pages.properties.scene import SceneSuggestion
from gui.state import Session
from gui.widgets import Form, Label, WrappedLabel, as_tip, named
from pipeline.project.analysis import analyses
from pipeline.project.clips import Properties, clip
from pipeline.project.model import Chosen, Overview
from pipeline.text_format import counted, one_line
from rainclean.errors import UsageError

LICENCES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0")
"""SPDX names offered after those that the project uses."""

_TEXTS = (
    ("display_name", "Display name", "What the window calls the sequence; empty for its name"),
    ("scene", "Scene", "The place that was filmed; data sets are split by scene"),
    ("licence", "Licence", "Licence of the clip, an SPDX name such as CC-BY-4.0"),
    ("author", "Author", "Who filmed it"),
    ("source", "Source", "Where the clip comes from, such as a web address"),
    ("consent", "Consent", "Who agreed to being filmed, and how"),
    ("notes", "Notes", "Anything else about the clip"),
)


class PropertiesDialog(QDialog):
    """Show and change properties. What is saved is one step for undo.

    Signals:
        saved: Something was changed.
        analyze_wanted: The sequences shall be analysed again. Carries their rows.
    """

    saved = Signal()
    analyze_wanted = Signal(list)

    def __init__(self, session: Session, rows: Several[Overview], parent: QWidget) -> None:
        """Make the dialog. rows: the sequences, at least one; the frame is one of the first of them."""
        super().__init__(parent)
        assert session.project is not None
        self._session, self._rows = session, list(rows)
        self._sequences = [row.sequence for row in self._rows]
        self._clips = [clip(session.project, sequence.clip_id) for sequence in self._sequences]
        several = len(self._rows) > 1
        title = counted(len(self._rows), "sequence") if several else self._sequences[0].label
        self.setWindowTitle(f"Properties of {title}")
        self.fields = {
            key: TextField(name, [getattr(s, key) for s in self._sequences], tip, self._offers(key))
            for key, name, tip in _TEXTS
        }
        if not several:
            self.fields["display_name"].edit.setPlaceholderText(self._sequences[0].name)
        self.scene = SceneSuggestion(session.project, self._sequences)
        self.range = RangeField(self._sequences, self._clips)
        sizes = {(one.width, one.height) for one in self._clips}
        width, height = self._clips[0].width, self._clips[0].height
        self.picture = FramePicture(width, height)
        self.picture_label = Label(wordWrap=True)
        self.picture_label.setProperty("look", "faint")
        self.region = RegionField([s.region for s in self._sequences], width, height)
        self.picture.set_region(self.region.region)
        if len(sizes) > 1:
            for widget in (self.region, self.picture):
                widget.setEnabled(False)
                widget.setToolTip("These pictures differ in size: choose the region of each alone")
        self.error = WrappedLabel(name="Why nothing was saved", look="bad")
        names = {key: name for key, name, _ in _TEXTS} | {"range": "Frames used"}
        self.errors = {key: WrappedLabel(name=f"Problem of {name.lower()}", look="bad") for key, name in names.items()}
        self.outdated = Label(wordWrap=True)
        self.outdated.setProperty("look", "warn")
        self._make_buttons()
        self._lay_out()
        self._connect()
        self._check()
        reference = self._reference()
        self._show_frame(reference, "reference frame" if self._rows[0].candidates else "middle frame")

    @property
    def changes(self) -> Properties:
        """Return what was changed."""
        first, stop = self.range.changes
        texts = {key: field.value for key, field in self.fields.items()}
        confirm = True if self.scene.confirmed and texts["scene"] is None else None
        return Properties(**texts, first=first, stop=stop, region=self.region.value, confirm_scene=confirm)

    def outdated_by(self, changes: Properties) -> list[Overview]:
        """Return the sequences whose clean images do not fit frames and region after these changes."""
        assert self._session.project is not None
        result = []
        for row in self._rows:
            existing = analyses(self._session.project, row.sequence.id) if row.candidates else []
            if existing and existing[0].chosen != _chosen_after(row, changes):
                result.append(row)
        return result

    def save(self, *, analyze: bool = False) -> None:
        """Store the changes and close the dialog; where that fails, show why and stay open.

        Args:
            analyze: Analyse the sequences again whose clean images are out of date.
        """
        changes = self.changes
        outdated = self.outdated_by(changes) if analyze else []
        if not changes.is_empty:
            errors: list[str] = []
            self._session.warning.connect(errors.append)
            try:
                stored = self._session.change_several(lambda editor: editor.set_properties(self._sequences, changes))
            finally:
                self._session.warning.disconnect(errors.append)
            if stored is None:
                self.error.setText("; ".join(errors) or "The project cannot be written to.")
                return
            self.saved.emit()
        if outdated:
            self.analyze_wanted.emit(outdated)
        self.accept()

    def _offers(self, key: str) -> list[str] | None:
        used = [getattr(row.sequence, key) for row in self._session.summaries.values()] if key != "display_name" else []
        names = sorted({text for text in used if text}, key=str.casefold)
        if key == "licence":
            return [*names, *(name for name in LICENCES if name not in names)]
        return names if key == "scene" else None

    def _reference(self) -> int:
        """Return a frame to show first: the one that the clean image belongs to, or the middle one."""
        assert self._session.project is not None
        row = self._rows[0]
        if row.candidates:
            frame = analyses(self._session.project, row.sequence.id)[0].reference_frame
            if 0 <= frame < self._clips[0].frame_count:
                return frame
        return (row.sequence.first + row.sequence.stop) // 2

    def _show_frame(self, frame: int, what: str) -> None:
        """Show a frame of the first sequence, as soon as it is read."""
        project = self._session.project
        if project is None:
            return
        folder, one = project.folder, self._clips[0]
        sequence = f" of {self._sequences[0].label}" if len(self._rows) > 1 else ""
        hint = " Drag to choose the region."
        if not self.region.isEnabled():
            hint = " The pictures differ in size: choose the region of each alone."
        self.picture_label.setText(f"Frame {frame}{sequence}, {what}.{hint}")
        self._session.workers.run(
            lambda: read_frame(Path(folder), one, frame),
            self.picture.set_picture,
            lambda error: self.picture.set_text(str(error)),
            lane="properties",
        )

    def _check(self) -> None:
        """Show what is wrong with the values, and what saving them causes."""
        problems = self._bad_texts() | ({"range": self.range.problem} if self.range.problem else {})
        if self.fields["scene"].value == "":
            problems.setdefault("scene", "A scene needs a name.")
        changes = self.changes
        touches = changes.first is not None or changes.stop is not None or changes.region is not None
        outdated = self.outdated_by(changes) if touches or any(row.outdated for row in self._rows) else []
        self.error.clear()
        for key, line in self.errors.items():
            line.setText(problems.get(key, ""))
            line.setVisible(key in problems)
        if not outdated:
            text = ""
        elif len(self._rows) == 1:
            text = "Its clean images become out of date." if touches else "Its clean images are out of date."
        else:
            become = "become" if touches else "are"
            text = f"The clean images of {counted(len(outdated), 'sequence')} {become} out of date."
        self.outdated.setText(text)
        self.analyze.setVisible(bool(outdated))
        self.analyze.setEnabled(not problems)
        self.store.setEnabled(not problems)

    def _bad_texts(self) -> dict[str, str]:
        """Return what is wrong with the texts, by their fields."""
        problems = {}
        for key, name, _ in _TEXTS:
            try:
                one_line(self.fields[key].value or "", name)
            except UsageError as error:
                problems[key] = f"{error}."
        return problems

    def _connect(self) -> None:
        for field in self.fields.values():
            field.changed.connect(self._check)
        self.scene.changed.connect(self._check)
        self.scene.other.connect(self._name_scene)
        self.range.changed.connect(self._check)
        self.range.frame_meant.connect(self._show_frame)
        self.region.changed.connect(self.picture.set_region)
        self.region.changed.connect(lambda _: self._check())
        self.picture.region_drawn.connect(self.region.set_region)
        self.finished.connect(lambda _: self._session.workers.cancel("properties"))

    def _name_scene(self) -> None:
        self.fields["scene"].edit.setFocus(Qt.FocusReason.OtherFocusReason)
        self.fields["scene"].edit.selectAll()

    def _make_buttons(self) -> None:
        self.store = named(QPushButton("Save"), "Save", "Save the changes (Enter); Ctrl+Z takes them back")
        self.store.setProperty("look", "main")
        self.store.setDefault(True)
        self.analyze = named(
            QPushButton("Save and analyse again"),
            "Save and analyse again",
            "Save, and make new clean images with these frames and this region",
        )
        self.analyze.setAutoDefault(False)
        self.store.clicked.connect(lambda: self.save())
        self.analyze.clicked.connect(lambda: self.save(analyze=True))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.buttons.addButton(self.store, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(self.analyze, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.rejected.connect(self.reject)

    def _lay_out(self) -> None:
        form = Form()
        form.setSpacing(GAP)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for key, name, _ in _TEXTS:
            form.add_field(name, self.fields[key].widget, self.errors[key], self.fields[key].edit)
            if key == "scene" and self.scene.is_wanted:
                form.addRow("", self.scene)
        form.add_field("Frames used", self.range, self.errors["range"], self.range.first)
        form.addRow(_caption("Region", self.region.whole), self.region)
        left = QVBoxLayout()
        left.addLayout(form)
        left.addStretch(1)
        read_only = QFormLayout()
        read_only.setSpacing(GAP // 2)
        for name, value in facts(self._sequences, self._clips):
            caption = Label(name)
            caption.setProperty("look", "faint")
            read_only.addRow(caption, _Fact(value))
        right = QVBoxLayout()
        right.setSpacing(GAP)
        right.addWidget(self.picture, 1)
        right.addWidget(self.picture_label)
        right.addLayout(read_only)
        columns = QHBoxLayout()
        columns.setSpacing(PAD)
        columns.addLayout(left, 1)
        columns.addLayout(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        layout.setSpacing(GAP)
        layout.addLayout(columns, 1)
        layout.addWidget(self.outdated)
        layout.addWidget(self.error)
        layout.addWidget(self.buttons)
        order = [field.widget for field in self.fields.values()]
        if self.scene.is_wanted:
            order[2:2] = [self.scene.confirm, self.scene.name_other]
        for one, other in pairwise((*order, self.range.first)):
            QWidget.setTabOrder(one, other)
        self.resize(1120, 640)


class _Fact(Label):
    """A value that can be selected and copied. A long one is cut in its middle; the tooltip has all of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._full = text
        self.setToolTip(as_tip(text))
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def resizeEvent(self, event: object) -> None:
        """Cut the text to the width there is."""
        self.setText(self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideMiddle, self.width()))


def _caption(text: str, buddy: QWidget) -> QLabel:
    caption = Label(text)
    caption.setBuddy(buddy)
    return caption


def _chosen_after(row: Overview, changes: Properties) -> Chosen:
    """Return what is chosen of a clip after changes, as the store has it."""
    sequence = row.sequence
    first, stop = sequence.shot or (sequence.first, sequence.stop)
    now = (sequence.first if changes.first is None else changes.first, changes.stop or sequence.stop)
    region = sequence.region if changes.region is None else None if changes.region == "whole" else changes.region
    return Chosen(None if now[0] == first else now[0], None if now[1] == stop else now[1], region)
