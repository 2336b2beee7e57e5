"""The row that decides on the selected sequence: accept, reject with reasons, unset, star, note."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.actions import Actions
from gui.design import icon
from gui.pages.desk.rows import sentence
from gui.pages.properties import local_time
from gui.state import Session
from gui.widgets import ElidedLabel, Label, named
from pipeline.project.model import REASONS

_STAR = ("Star", "Unstar")
"""Names of the button before and after."""

ROOM_FOR_KEYS = 900
"""Width in px from which the buttons show their keys."""


class DecideBar(QWidget):
    """Show one row of buttons and the note under the picture.

    The note is saved with Enter, or when the field loses the focus.
    """

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__()
        self._session, self._with_keys = session, False
        self.state = named(ElidedLabel(lines=2, characters=30), "Decision")
        self.note = QLineEdit(placeholderText="Note (N)")
        self.note.setMinimumWidth(80)
        self.note.setAccessibleName("Note")
        self.note.setToolTip("Write a note on this sequence (N); Enter saves it")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.addWidget(self.state, 5)  # "Accepted: 80 frames, rain-free mean" fits a small window
        layout.addWidget(self.note, 2)
        self.buttons: dict[str, QToolButton] = {}
        for name in ("star", "unset", "reject", "accept"):
            button = QToolButton()
            button.setDefaultAction(actions[name])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            layout.addWidget(button)
            self.buttons[name] = button
        self._typed: tuple[int, str] | None = None
        self.note.textEdited.connect(self._type)
        self.note.returnPressed.connect(self.note.clearFocus)
        self.note.editingFinished.connect(self.save_note)
        for signal in (session.selection_changed, session.draft_changed, session.sequences_changed):
            signal.connect(self._show)
        self._noted_of: int | None = None
        self._show()
        self._keep_width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt: another size; the keys are shown where there is room."""
        super().resizeEvent(event)
        if (event.size().width() >= ROOM_FOR_KEYS) != self._with_keys:
            self._with_keys = not self._with_keys
            self._keep_width()
            if (layout := self.layout()) is not None:
                layout.activate()

    def _caption(self) -> None:
        for button in self.buttons.values():
            action = button.defaultAction()
            text = action.text().removesuffix("…")
            key = f" ({action.shortcut().toString()})" if self._with_keys else ""
            action.setIconText(f"{text}{key}")

    def _keep_width(self) -> None:
        """Give the button with two names room for both, so that the others keep their places."""
        button, action = self.buttons["star"], self.buttons["star"].defaultAction()
        now, widths = action.text(), []
        for text in _STAR:
            action.setText(text)
            self._caption()
            widths.append(button.sizeHint().width())
        button.setFixedWidth(max(widths))
        action.setText(now)
        self._caption()

    def changeEvent(self, event: QEvent) -> None:
        """Qt: another style or font, which changes widths."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange) and getattr(self, "buttons", None):
            self._keep_width()

    def _type(self, text: str) -> None:
        if self._session.selected is not None:
            self._typed = self._session.selected, text

    def save_note(self) -> None:
        """Save the typed note on the sequence it was typed for; text that cannot be stored stays in the field."""
        if self._typed is not None:
            number, text = self._typed
            self._typed = None
            self._session.note(text, number)

    def _show(self) -> None:
        session = self._session
        if self._typed is not None and self._typed[0] != session.selected:
            self.save_note()
        summary = session.summary
        self.note.setEnabled(summary is not None and not session.blind)
        draft = session.detail.draft
        if self._noted_of != session.selected or not self.note.hasFocus():
            self.note.setText(draft.note)
            self._noted_of = session.selected
        self.buttons["star"].defaultAction().setText(_STAR[draft.star])
        self._caption()
        self.buttons["star"].setIcon(icon("star_filled" if draft.star else "star"))
        self.state.setText(decision_text(session))

    def focus_note(self) -> None:
        """Put the keyboard focus on the note."""
        self.note.setFocus(Qt.FocusReason.ShortcutFocusReason)


def decision_text(session: Session) -> str:
    """Return the decision on the selected sequence, with its author and time."""
    summary = session.summary
    if summary is None:
        return ""
    if session.blind:
        is_judged = session.editor is not None and session.editor.has_opinion(summary.sequence.id)
        return "Second opinion: " + ("given" if is_judged else "not given yet")
    decision = summary.decision
    if decision is None:
        return "Undecided"
    candidate = session.candidate(decision.candidate_id)
    label = session.label(candidate) if candidate else summary.chosen
    verdict = "Rejected" if decision.verdict == "rejected" else f"Accepted: {label}"
    reasons = f" ({', '.join(dict(REASONS)[key] for key in decision.reasons)})" if decision.reasons else ""
    mask = ", with exclusion mask" if decision.exclude else ""
    return f"{verdict}{reasons}{mask}\nby {decision.who}, {local_time(decision.at)}"


class RejectDialog(QDialog):
    """Ask for the reasons, by mouse or number keys; Enter rejects."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Reject {name}")
        layout = QVBoxLayout(self)
        layout.addWidget(Label(f"Why is no candidate of {name} usable?"))
        self.boxes: dict[str, QCheckBox] = {}
        for number, (key, text) in enumerate(REASONS, 1):
            box = QCheckBox(f"{number}  {sentence(text)}")
            self.boxes[key] = box
            layout.addWidget(box)
        keys = Label(f"Press 1 to {len(REASONS)} to tick reasons, and Enter to reject.")
        keys.setProperty("look", "faint")
        layout.addWidget(keys)
        self.note = QLineEdit(placeholderText="Other reason")
        self.note.setAccessibleName("Note")
        layout.addWidget(self.note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        reject = QPushButton("Reject", default=True)
        buttons.addButton(reject, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        reject.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Toggle the reason of this number."""
        boxes = list(self.boxes.values())
        if event.text().isdecimal() and 0 < int(event.text()) <= len(boxes):
            boxes[int(event.text()) - 1].toggle()
            return
        super().keyPressEvent(event)

    @property
    def reasons(self) -> list[str]:
        """The keys of the chosen reasons."""
        return [key for key, box in self.boxes.items() if box.isChecked()]
