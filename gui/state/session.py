"""The state of the window: the open project, the selected sequence, the displayed candidate. Panels observe it.

It knows no widgets. Every change of the project goes through `Editor` and is on disk when the call returns.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtCore import QObject, Signal

from gui.state.detail import Detail, read_detail
from gui.state.image_cache import ImageCache
from gui.state.preference_learning import PreferenceLearning
from gui.state.project_watch import ProjectWatch, version_of
from gui.state.sequence_order import nearest, neighbour
from gui.workers import LATER, Workers
from pipeline.project.decisions import person
from pipeline.project.editing import Editor
from pipeline.project.model import Overview, StoredCandidate
from pipeline.project.overview import overview
from pipeline.project.preference import Suggested, Suggestions
from pipeline.project.storage import Artefacts, Project
from rainclean.errors import RaincleanError

if TYPE_CHECKING:
    from gui.state.image_cache import U8
    from pipeline.project.editing import Edit

WAIT = 3.0
"""Seconds to wait for another process's transaction. They take milliseconds; the window is frozen meanwhile."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Change(Generic[Result]):
    """A change that is stored. result: what the editor returned."""

    result: Result


class Session(QObject):
    """State that panels share.

    Signals:
        opened: A project was opened or closed.
        sequences_changed: Rows of the list have changed.
        selection_changed: Another sequence is selected, or the same one is judged otherwise.
        detail_changed: Analysis or candidates of the selected sequence have changed.
        displayed_changed: Another candidate is displayed or compared with.
        draft_changed: The draft of the selected sequence has changed.
        suggestions_changed: Another candidate may be suggested now.
        history_moved: An edit was undone or redone. Carries the edit.
        message: Carries a line for the person.
        warning: Carries a line on what could not be done, and why.
        troubled: The project cannot be read. Carries why, and whether its store is damaged.
        mended: The project can be read again.
        store_damaged: The store is damaged or was replaced. Carries the project's folder.

    Attributes:
        project: The open project, None on the start page.
        editor: Changes the project in the name of `user`.
        user: Name under which decisions are recorded.
        blind: Whether the person gives a second opinion: random order, no names, no scores, no earlier decision.
        summaries: Row of each sequence by its id.
        order: Ids of the listed sequences in the order of the list.
        selected: Id of the selected sequence, on which keys act.
        detail: What is known of the selected sequence.
        displayed: Id of the displayed candidate.
        compared_with: Id of the candidate that it is compared with; None for the rainy frame.
        pictures: Decoded pictures of the project.
    """

    opened = Signal()
    sequences_changed = Signal()
    selection_changed = Signal()
    detail_changed = Signal()
    displayed_changed = Signal()
    draft_changed = Signal()
    suggestions_changed = Signal()
    history_moved = Signal(object)
    message = Signal(str)
    warning = Signal(str)
    troubled = Signal(str, bool)
    mended = Signal()
    store_damaged = Signal(Path)

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self.workers = workers
        self.project: Project | None = None
        self.editor: Editor | None = None
        self.user = person()
        self.blind = False
        self.summaries: dict[int, Overview] = {}
        self.order: list[int] = []
        self.selected: int | None = None
        self.detail = Detail()
        self.displayed: int | None = None
        self.compared_with: int | None = None
        self._preference = PreferenceLearning(workers)
        self._preference.changed.connect(self._suggest)
        self._preference.changed.connect(self.suggestions_changed)
        self._suggested: Suggested | None = None
        self.pictures = ImageCache(workers, self._read)
        self._artefacts: Artefacts | None = None
        self._watch = ProjectWatch(self.refresh, self)
        self._watch.troubled.connect(self.troubled)
        self._watch.mended.connect(self.mended)
        self._watch.store_damaged.connect(self.store_damaged)

    # -- the project ---------------------------------------------------------------------------------------------

    def open(self, folder: Path) -> None:
        """Open a project and close the one before.

        Args:
            folder: Folder of the project.

        Raises:
            RaincleanError: The project cannot be opened. The one before stays open.
        """
        with ExitStack() as opening:
            project = opening.enter_context(Project(folder, WAIT, self._back_up))
            summaries, version = _summaries_of(project), version_of(project)
            opening.pop_all()
        self.close()
        self.project, self._artefacts = project, project.artefacts
        self.editor = Editor(project, self.user)
        self.summaries = summaries
        self._watch.start(project, version)
        self._preference.open(project.folder)
        self.opened.emit()
        for note in project.notes:
            self.message.emit(note)
        self.sequences_changed.emit()

    def close(self) -> None:
        """Close the project."""
        if self.project is None:
            return
        self._watch.stop()
        self._preference.open(None)
        self._suggested = None
        self.project.close()
        self.project = self.editor = self._artefacts = None
        self.pictures.clear()
        self.summaries, self.order = {}, []
        self.selected = None
        self.detail, self.displayed, self.compared_with = Detail(), None, None
        self.opened.emit()
        self.selection_changed.emit()
        self.displayed_changed.emit()

    def set_user(self, user: str) -> None:
        """Record decisions under another name from now on."""
        self.user = user
        if self.project is not None:
            self.editor = Editor(self.project, user)
            self._load_detail()

    def look_around(self) -> None:
        """Load what other processes have changed, such as a running analysis or an import."""
        self._watch.look()

    def explain(self, error: BaseException) -> bool:
        """Announce the cause of an error if it is the project: locked, replaced or damaged.

        Returns:
            Whether the project is the cause; otherwise the error is a bug.
        """
        explanation = self._watch.explain(error)
        if explanation is not None:
            self.warning.emit(explanation)
        return explanation is not None

    def refresh(self) -> None:
        """Load the rows of the list and the detail anew."""
        self._preference.again()
        self._load_summaries()
        self.sequences_changed.emit()
        if self.selected is not None:
            self._load_detail()

    # -- selection and display --------------------------------------------------------------------------------

    @property
    def summary(self) -> Overview | None:
        """Return the row of the selected sequence."""
        return self.summaries.get(self.selected) if self.selected is not None else None

    def set_order(self, order: Sequence[int]) -> None:
        """Set the ids of the listed sequences, in the order of the list. `step` follows it."""
        self.order = list(order)

    def select(self, sequence_id: int | None) -> None:
        """Select a sequence, None for none. Keys act on it from now on."""
        if sequence_id == self.selected or (sequence_id is not None and sequence_id not in self.summaries):
            return
        self.selected, self.displayed, self.compared_with = sequence_id, None, None
        self._load_detail(quietly=True)
        self.selection_changed.emit()
        self.displayed_changed.emit()

    def step(self, by: int) -> None:
        """Select the sequence `by` places further down the list."""
        self.select(neighbour(self.order, self.selected, by))

    def step_undecided(self) -> None:
        """Select the nearest sequence that this person has not judged yet."""
        if self.selected is None:
            self.select(neighbour(self.order, None, 0))
            return
        following = nearest(self.order, self.selected, self._is_open)
        if following is None:
            self.message.emit("Nothing left to decide in this list")
        else:
            self.select(following)

    def show(self, candidate_id: int | None) -> None:
        """Display a candidate of the selected sequence."""
        if candidate_id != self.displayed and any(c.id == candidate_id for c in self.detail.candidates):
            self.displayed = candidate_id
            self.displayed_changed.emit()

    def step_candidate(self, by: int) -> None:
        """Display the candidate `by` places further down the list; after the last comes the first."""
        ids = [c.id for c in self.detail.candidates]
        if ids:
            place = ids.index(self.displayed) if self.displayed in ids else 0
            self.show(ids[(place + by) % len(ids)])

    def compare_with(self, candidate_id: int | None) -> None:
        """Compare the displayed candidate with another one, None for the rainy frame."""
        if candidate_id != self.compared_with:
            self.compared_with = candidate_id
            self.displayed_changed.emit()

    def candidate(self, candidate_id: int | None) -> StoredCandidate | None:
        """Return a candidate of the selected sequence by its id; None where it has no such candidate."""
        return next((c for c in self.detail.candidates if c.id == candidate_id), None)

    @property
    def suggestions(self) -> Suggestions:
        """Return what was learned from the decisions in this project."""
        return self._preference.suggestions

    @property
    def suggested(self) -> Suggested | None:
        """Return the suggestion for the selected sequence. None during a second opinion, which it would bias."""
        suggested = self._suggested
        if self.blind or suggested is None or self.candidate(suggested.candidate_id) is None:
            return None
        return suggested

    def label(self, candidate: StoredCandidate) -> str:
        """Return the name of a candidate: its recipe in words, or a letter during a second opinion."""
        if self.blind:
            place = [c.id for c in self.detail.candidates].index(candidate.id)
            return f"candidate {chr(ord('A') + place % 26)}{place // 26 or ''}"
        return candidate.label

    def set_blind(self, blind: bool) -> None:
        """Begin or end a second opinion: random order, no names, no scores, no earlier decision."""
        if blind != self.blind:
            self.blind = blind
            self.displayed = self.compared_with = None
            self._load_detail(quietly=True)
            self.sequences_changed.emit()
            self.selection_changed.emit()
            self.displayed_changed.emit()

    # -- decisions -----------------------------------------------------------------------------------------------

    def accept(self, candidate_id: int | None = None, *, advance: bool = True) -> None:
        """Accept a candidate of the selected sequence.

        Args:
            candidate_id: The candidate; the displayed one by default.
            advance: Select the nearest undecided sequence afterwards.
        """
        summary, chosen = self.summary, candidate_id or self.displayed
        if summary is None or self.editor is None or chosen is None:
            self.warning.emit("No candidate to accept yet. Analyse the sequence first (Ctrl+R).")
            return
        self._decide(
            lambda editor: (
                editor.opine(summary.sequence, chosen) if self.blind else editor.accept(summary.sequence, chosen)
            ),
            advance=advance,
        )

    def reject(self, reasons: Sequence[str] = (), note: str = "", *, advance: bool = True) -> None:
        """Reject all candidates of the selected sequence.

        Args:
            reasons: Keys of `REASONS`.
            note: Anything else to say about it.
            advance: Select the nearest undecided sequence afterwards.
        """
        if (summary := self.summary) is not None:
            self._decide(
                lambda editor: (
                    editor.opine(summary.sequence, None, reasons, note)
                    if self.blind
                    else editor.reject(summary.sequence, reasons, note)
                ),
                advance=advance,
            )

    def unset(self) -> None:
        """Withdraw the decision on the selected sequence."""
        if (summary := self.summary) is not None:
            self.change(lambda editor: editor.unset(summary.sequence))

    def star(self) -> None:
        """Star the selected sequence, or remove its star."""
        if (summary := self.summary) is not None:
            self.change(lambda editor: editor.star(summary.sequence, on=not self.detail.draft.star))

    def note(self, text: str, sequence_id: int | None = None) -> bool:
        """Store a note on a sequence.

        Args:
            text: The note.
            sequence_id: The sequence; the selected one by default.

        Returns:
            Whether the note is stored.
        """
        number = self.selected if sequence_id is None else sequence_id
        summary = self.summaries.get(number) if number is not None else None
        if summary is None or text == summary.note:
            return True
        stored = self.change(lambda editor: editor.note(summary.sequence, text)) is not None
        if stored and number is not None and number != self.selected:
            self._load_summary(number)
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
        if self.editor is None or self.project is None:
            return None
        try:
            if self.project.read_only:
                raise RaincleanError(
                    f"{self.project.folder}: cannot be written to. Copy the project to a folder that you can write to, "
                    "and open the copy."
                )
            change = Change(act(self.editor))
        except RaincleanError as error:
            self.warning.emit(self._watch.explain(error) or str(error))
            return None
        self._preference.again()
        if self.selected is not None:
            self._load_summary(self.selected)
        self._load_detail()
        return change

    # -- inside --------------------------------------------------------------------------------------------------

    def _decide(self, act: Callable[[Editor], object], *, advance: bool) -> None:
        following = nearest(self.order, self.selected, self._is_open) if self.selected is not None else None
        if self.change(act) is None or not advance:
            return
        if following is None:
            self.message.emit("Nothing left to decide in this list")
        else:
            self.select(following)

    def _is_open(self, sequence_id: int) -> bool:
        summary = self.summaries.get(sequence_id)
        if summary is None:
            return False
        if self.blind:
            return summary.candidates > 0 and self.editor is not None and not self.editor.has_opinion(sequence_id)
        return summary.state in ("ready", "accepted automatically")

    def _replay(self, act: "Callable[[Editor], Edit | None]", *, done: str, nothing: str) -> None:
        change = self.change(act)
        if change is None:
            return
        edit = change.result
        if edit is None:
            self.message.emit(nothing)
            return
        self.select(edit.sequence_id)
        self._load_summary(edit.sequence_id)
        self._load_detail()
        # Show the subject of the edit: the composite that a stroke belongs to, the candidate that was decided on.
        self.show(self.detail.draft.base if edit.kind in ("paint", "feather", "remove_layer") else edit.candidate_id)
        self.history_moved.emit(edit)
        self.message.emit(f"{done}: {edit.label}")

    def _back_up(self, work: Callable[[], None]) -> None:
        """Make a backup in a thread; announce once why it failed."""
        self.workers.run(work, lambda _: None, self._not_backed_up, lane="backup", urgency=LATER)

    def _not_backed_up(self, error: Exception) -> None:
        if not isinstance(error, RaincleanError):
            raise error
        if self.project is not None and str(error) not in self.project.notes:
            self.project.notes.append(str(error))
            self.message.emit(str(error))

    def _suggest(self) -> None:
        self._suggested = None if self.selected is None else self.suggestions.for_sequence(self.selected)

    def _load_summaries(self) -> None:
        assert self.project is not None
        self.summaries = _summaries_of(self.project)

    def _load_summary(self, sequence_id: int) -> None:
        assert self.project is not None
        (summary,) = overview(self.project, [self.summaries[sequence_id].sequence.name])
        self.summaries[sequence_id] = summary
        self.sequences_changed.emit()

    def _load_detail(self, *, quietly: bool = False) -> None:
        """Load the detail of the selected sequence. quietly: the caller emits the signals."""
        previous = self.detail
        self.detail = self._read_detail()
        self._suggest()
        ids = {c.id for c in self.detail.candidates}
        moved = self.displayed not in ids or (self.compared_with is not None and self.compared_with not in ids)
        if self.displayed not in ids:
            self.displayed = self._first_to_show()
        if self.compared_with not in ids:
            self.compared_with = None
        if quietly:
            return
        if previous.candidates != self.detail.candidates or previous.analysis != self.detail.analysis:
            self.detail_changed.emit()
        if previous.draft != self.detail.draft:
            self.draft_changed.emit()
        if moved:
            self.displayed_changed.emit()

    def _read_detail(self) -> Detail:
        if self.project is None or self.editor is None or self.selected is None:
            return Detail()
        return read_detail(self.project, self.editor, self.selected, blind=self.blind)

    def _first_to_show(self) -> int | None:
        """Return the candidate decided on, else the suggested one, else the first in the list."""
        decision = self.summary.decision if self.summary else None
        decided = decision.candidate_id if decision and not self.blind else None
        ids = [c.id for c in self.detail.candidates]
        suggested = self.suggested
        first = suggested.candidate_id if suggested else next(iter(ids), None)
        return decided if decided in ids else first

    def _read(self, name: str) -> "U8":
        assert self._artefacts is not None
        return self._artefacts.picture(name)


def _summaries_of(project: Project) -> dict[int, Overview]:
    with project.snapshot():
        return {summary.sequence.id: summary for summary in overview(project)}
