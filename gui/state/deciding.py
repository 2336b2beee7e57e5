"""Decisions on the selected sequence: accept, reject, withdraw, star, note, undo. For `Session`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from PySide6.QtCore import QObject, Signal

from gui.state.detail import Detail
from gui.state.sequence_order import nearest
from pipeline.project.editing import Editor
from pipeline.project.model import Overview
from pipeline.project.storage import Project
from rainclean.errors import RaincleanError

if TYPE_CHECKING:
    from pipeline.project.editing import Edit

Result = TypeVar("Result")


@dataclass(frozen=True)
class Change(Generic[Result]):
    """A change that is stored. result: what the editor returned."""

    result: Result


class Judged(Protocol):
    """What `Deciding` needs of the session. Attributes: see `Session`."""

    project: Project | None
    editor: Editor | None
    blind: bool
    summaries: dict[int, Overview]
    order: list[int]
    selected: int | None
    detail: Detail
    displayed: int | None

    @property
    def summary(self) -> Overview | None:
        """Return the row of the selected sequence."""

    def select(self, sequence_id: int | None) -> None:
        """Select a sequence, None for none."""

    def show(self, candidate_id: int | None) -> None:
        """Display a candidate of the selected sequence."""

    def is_at_hand(self, candidate_id: int) -> bool:
        """Return whether the picture of a candidate need not be made again before it can be used."""

    def refresh(self) -> None:
        """Load the rows of the list and the detail anew."""

    def load_change(self, *, with_detail: bool = True) -> None:
        """Load what a change of the selected sequence may have changed: its row, and its detail if it stays."""

    def load_summary(self, sequence_id: int) -> None:
        """Load the row of a sequence anew."""

    def cause_of(self, error: RaincleanError) -> str:
        """Return why a change failed, for the person."""


class Deciding(QObject):
    """Changes the project for a session, which hands these methods and signals on.

    Signals: `history_moved` with an edit that was undone or redone; `message` and `warning` with a line for the person.
    """

    history_moved = Signal(object)
    message = Signal(str)
    warning = Signal(str)

    def __init__(self, session: Judged) -> None:
        super().__init__()
        self._session = session

    @property
    def following(self) -> int | None:
        """Return the id of the nearest other sequence that this person has not judged, None if there is none."""
        order, selected = self._session.order, self._session.selected
        return None if selected is None else nearest(order, selected, self.is_open)

    def accept(self, candidate_id: int | None = None, *, advance: bool = True) -> None:
        """Accept a candidate of the selected sequence.

        Args:
            candidate_id: The candidate; the displayed one by default.
            advance: Select the nearest undecided sequence afterwards.
        """
        session = self._session
        summary, chosen = session.summary, candidate_id or session.displayed
        if summary is None or session.editor is None or chosen is None:
            self.warning.emit("No candidate to accept yet. Analyse the sequence first (Ctrl+R).")
            return
        if not session.is_at_hand(chosen):
            session.show(chosen)
            self.warning.emit("This image is not kept, so it is made again first. Accept it when you see it.")
            return
        self._decide(
            lambda editor: (
                editor.opine(summary.sequence, chosen) if session.blind else editor.accept(summary.sequence, chosen)
            ),
            "accepted",
            advance=advance,
        )

    def reject(self, reasons: Sequence[str] = (), note: str = "", *, advance: bool = True) -> None:
        """Reject all candidates of the selected sequence.

        Args:
            reasons: Keys of `REASONS`.
            note: Anything else to say about it.
            advance: Select the nearest undecided sequence afterwards.
        """
        if (summary := self._session.summary) is not None:
            self._decide(
                lambda editor: (
                    editor.opine(summary.sequence, None, reasons, note)
                    if self._session.blind
                    else editor.reject(summary.sequence, reasons, note)
                ),
                "rejected",
                advance=advance,
            )

    def unset(self) -> None:
        """Withdraw the decision on the selected sequence."""
        if (summary := self._session.summary) is not None:
            self.change(lambda editor: editor.unset(summary.sequence))

    def star(self) -> None:
        """Star the selected sequence, or remove its star."""
        if (summary := self._session.summary) is not None:
            self.change(lambda editor: editor.star(summary.sequence, on=not self._session.detail.draft.star))

    def note(self, text: str, sequence_id: int | None = None) -> bool:
        """Store a note on a sequence.

        Args:
            text: The note.
            sequence_id: The sequence; the selected one by default.

        Returns:
            Whether the note is stored.
        """
        session = self._session
        number = session.selected if sequence_id is None else sequence_id
        summary = session.summaries.get(number) if number is not None else None
        if summary is None or text == summary.note:
            return True
        stored = self.change(lambda editor: editor.note(summary.sequence, text)) is not None
        if stored and number is not None and number != session.selected:
            session.load_summary(number)
        return stored

    def undo(self) -> None:
        """Undo this person's latest edit, and select its sequence."""
        self._replay(lambda editor: editor.undo(), done="Undone", nothing="Nothing to undo")

    def redo(self) -> None:
        """Redo what was undone last, and select its sequence."""
        self._replay(lambda editor: editor.redo(), done="Redone", nothing="Nothing to redo")

    def change(self, act: Callable[[Editor], Result]) -> Change[Result] | None:
        """Let the editor change the selected sequence, and announce what has changed.

        Args:
            act: Called with the editor; what it returns is handed on.

        Returns:
            The stored change; None where it could not be stored, and then the reason was announced.
        """
        change = self._store(act)
        if change is not None:
            self._session.load_change()
        return change

    def change_several(self, act: Callable[[Editor], Result]) -> Change[Result] | None:
        """Let the editor change any sequences, as `change`; all rows are loaded anew."""
        change = self._store(act)
        if change is not None:
            self._session.refresh()
        return change

    # -- inside ------------------------------------------------------------------------------------------------

    def _store(self, act: Callable[[Editor], Result]) -> Change[Result] | None:
        session = self._session
        if session.editor is None or session.project is None:
            return None
        try:
            if session.project.read_only:
                raise RaincleanError(
                    f"{session.project.folder}: cannot be written to. Copy the project to a folder that you can write "
                    "to, and open the copy."
                )
            return Change(act(session.editor))
        except RaincleanError as error:
            self.warning.emit(session.cause_of(error))
            return None

    def _decide(self, act: Callable[[Editor], object], verdict: str, *, advance: bool) -> None:
        session = self._session
        following = self.following
        name = session.summary.sequence.label if session.summary else ""
        goes_on = advance and following is not None
        if self._store(act) is None:
            return
        session.load_change(with_detail=not goes_on)  # another sequence's detail is loaded at once
        text = self.progress_text(name, verdict)
        if advance and following is None:
            text += " · Nothing left to decide in this list"
        elif advance:
            session.select(following)
        self.message.emit(text)

    def progress_text(self, name: str, verdict: str) -> str:
        """Return what was decided and how much is: ``launch accepted · 31 of 36 decided · Ctrl+Z undoes it``.

        Args:
            name: Name of the sequence.
            verdict: What was decided, such as "accepted".
        """
        session = self._session
        if session.blind:
            judged = [s for s in session.summaries.values() if s.candidates]
            open_ones = sum(self.is_open(s.sequence.id) for s in judged)
            return f"{name} judged · {len(judged) - open_ones} of {len(judged)} judged · Ctrl+Z undoes it"
        decided = sum(summary.state in ("accepted", "rejected") for summary in session.summaries.values())
        return f"{name} {verdict} · {decided} of {len(session.summaries)} decided · Ctrl+Z undoes it"

    def is_open(self, sequence_id: int) -> bool:
        """Return whether this person has yet to judge a sequence."""
        session = self._session
        summary = session.summaries.get(sequence_id)
        if summary is None:
            return False
        if session.blind:
            return summary.candidates > 0 and session.editor is not None and not session.editor.has_opinion(sequence_id)
        return summary.state in ("ready", "accepted automatically")

    def _replay(self, act: "Callable[[Editor], Edit | None]", *, done: str, nothing: str) -> None:
        session = self._session
        change = self._store(act)
        if change is None:
            return
        edit = change.result
        if edit is None:
            self.message.emit(nothing)
            return
        if edit.others or edit.kind in ("properties", "remove"):
            session.refresh()
        session.select(edit.sequence_id)
        session.load_change()
        # Show the subject of the edit: the composite that a stroke belongs to, the candidate that was decided on.
        session.show(
            session.detail.draft.base if edit.kind in ("paint", "feather", "remove_layer") else edit.candidate_id
        )
        self.history_moved.emit(edit)
        self.message.emit(f"{done}: {edit.label}")
