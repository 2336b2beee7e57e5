"""The state of the window: the open project, the selected sequence, the displayed candidate. Panels observe it.

It knows no widgets. Every change of the project goes through `Editor` and is on disk when the call returns.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.state.deciding import Deciding
from gui.state.detail import Detail, read_detail
from gui.state.folding import Folding, foldable, visible_of
from gui.state.image_cache import ImageCache
from gui.state.marks import Marks
from gui.state.preference_learning import PreferenceLearning
from gui.state.project_watch import ProjectWatch, version_of
from gui.state.remaking import Remaking
from gui.state.sequence_order import nearest, neighbour
from gui.workers import LATER, Workers
from pipeline.project.analysis import analyses, candidates
from pipeline.project.decisions import person
from pipeline.project.editing import Editor
from pipeline.project.model import Overview, StoredCandidate
from pipeline.project.overview import overview
from pipeline.project.preference import Suggested, Suggestions
from pipeline.project.storage import Artefacts, Project
from rainclean.errors import RaincleanError

if TYPE_CHECKING:
    from gui.state.image_cache import U8

WAIT = 3.0
"""Seconds to wait for another process's transaction. They take milliseconds; the window is frozen meanwhile."""


class Session(QObject):
    """State that panels share.

    Signals:
        opened: A project was opened or closed.
        sequences_changed: Rows of the list have changed.
        selection_changed: Another sequence is selected, or the same one is judged otherwise.
        detail_changed: Analysis or candidates of the selected sequence have changed.
        displayed_changed: Another candidate is displayed or compared with.
        draft_changed: The draft of the selected sequence has changed.
        user_changed: Decisions are recorded under another name. Carries the name.
        folded: Other candidates may be listed now: twins were found, or all are shown.
        suggestions_changed: Another candidate may be suggested now.
        history_moved: An edit was undone or redone. Carries the edit.
        message: Carries a line for the person.
        warning: Carries a line on what could not be done, and why.
        withdrawn: Carries a line that is no longer true.
        troubled: The project cannot be read. Carries why, and whether its store is damaged.
        mended: The project can be read again.
        store_damaged: The store is damaged or was replaced. Carries the project's folder.

    Attributes:
        project: The open project, None on the start page.
        editor: Changes the project in the name of `user`.
        user: Name under which decisions are recorded.
        blind: Whether the person gives a second opinion: random order, no names, no scores, no earlier decision.
        summaries: Row of each sequence by its id.
        removed: Row of each removed sequence by its id.
        order: Ids of the listed sequences in the order of the list.
        selected: Id of the selected sequence, on which keys act.
        marks: Sequences that are marked in the list, for actions on several.
        detail: What is known of the selected sequence.
        displayed: Id of the displayed candidate.
        compared_with: Id of the candidate that it is compared with; None for the rainy frame.
        pictures: Decoded pictures of the project.
        remaking: Makes pictures again that are not on disk.
        all_listed: Whether candidates that look the same are listed, too.
    """

    opened = Signal()
    sequences_changed = Signal()
    selection_changed = Signal()
    detail_changed = Signal()
    displayed_changed = Signal()
    draft_changed = Signal()
    user_changed = Signal(str)
    history_moved = Signal(object)
    message = Signal(str)
    warning = Signal(str)
    folded = Signal()
    suggestions_changed = Signal()
    withdrawn = Signal(str)
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
        self.removed: dict[int, Overview] = {}
        self.order: list[int] = []
        self.selected: int | None = None
        self.marks = Marks()
        self.detail = Detail()
        self.displayed: int | None = None
        self.compared_with: int | None = None
        deciding = self._deciding = Deciding(self)
        for ours, its in (
            (self.history_moved, deciding.history_moved),
            (self.message, deciding.message),
            (self.warning, deciding.warning),
        ):
            its.connect(ours)
        self.accept, self.reject, self.unset = deciding.accept, deciding.reject, deciding.unset
        self.star, self.note, self.undo, self.redo = deciding.star, deciding.note, deciding.undo, deciding.redo
        self.change, self.change_several = deciding.change, deciding.change_several
        self.progress_text = deciding.progress_text
        self._preference = PreferenceLearning(workers)
        self._preference.changed.connect(self._suggest)
        self._preference.changed.connect(self.suggestions_changed)
        self._suggested: Suggested | None = None
        self.pictures = ImageCache(workers, self._read)
        self.remaking = Remaking(workers)
        self.pictures.absent.connect(self._make_again)
        self.remaking.made.connect(self._made_again)
        self.remaking.failed.connect(self.pictures.failed)
        self.selection_changed.connect(self.remaking.cancel)
        self.all_listed = False
        self._folding = Folding(workers, self._picture)
        self._folding.changed.connect(self.folded)
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
            (summaries, removed), version = _summaries_of(project), version_of(project)
            opening.pop_all()
        self.close()
        self.project, self._artefacts = project, project.artefacts
        self.editor = Editor(project, self.user)
        self.summaries, self.removed = summaries, removed
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
        self.remaking.cancel()
        self._preference.open(None)
        self._suggested = None
        self.project.close()
        self.project = self.editor = self._artefacts = None
        self.pictures.clear()
        self.summaries, self.removed, self.order = {}, {}, []
        self.marks.clear()
        self.selected = None
        self.detail, self.displayed, self.compared_with = Detail(), None, None
        self.opened.emit()
        self.selection_changed.emit()
        self.displayed_changed.emit()

    def set_user(self, user: str) -> None:
        """Record decisions under another name from now on."""
        self.user = user
        self.user_changed.emit(user)
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
        if self.selected is not None and self.selected not in self.summaries:
            self.select(nearest(self.order, self.selected, self.summaries.__contains__))
        self.sequences_changed.emit()
        if self.selected is not None:
            self._load_detail()

    @property
    def summary(self) -> Overview | None:
        """Return the row of the selected sequence."""
        return self.summaries.get(self.selected) if self.selected is not None else None

    @property
    def following(self) -> int | None:
        """Return the id of the nearest other sequence that this person has not judged, None if there is none."""
        return self._deciding.following

    # -- selection and display --------------------------------------------------------------------------------

    @property
    def marked(self) -> set[int]:
        """Return the ids of the marked sequences: none, or at least two."""
        return self.marks.ids

    def acted_on(self) -> list[Overview]:
        """Return the rows that an action on sequences is about: the marked ones, else the selected one."""
        ids = self.marks.ids or {self.selected or 0}
        return [row for rows in (self.summaries, self.removed) for number, row in rows.items() if number in ids]

    def set_order(self, order: Sequence[int]) -> None:
        """Set the ids of the listed sequences, in the order of the list. `step` follows it."""
        self.order = list(order)

    def select(self, sequence_id: int | None) -> None:
        """Select a sequence, None for none. Keys act on it from now on."""
        if sequence_id is not None and sequence_id not in self.summaries:
            return
        self.marks.clear()
        if sequence_id == self.selected:
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
        following = self.following
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
        ids = [c.id for c in self.listed]
        if ids:
            place = ids.index(self.displayed) if self.displayed in ids else 0
            self.show(ids[(place + by) % len(ids)])

    @property
    def listed(self) -> tuple[StoredCandidate, ...]:
        """Return the candidates that are listed: without those that look like a better one.

        During a second opinion all are: what is left open would say what was decided.
        """
        candidates, analysis, draft = self.detail.candidates, self.detail.analysis, self.detail.draft
        if self.all_listed or self.blind or analysis is None:
            return candidates
        decision = self.summary.decision if self.summary else None
        pinned = {self.displayed, self.compared_with, decision.candidate_id if decision else None, draft.base}
        pinned |= {self._suggested.candidate_id if self._suggested else None}
        pinned |= {int(layer.candidate) for layer in draft.layers}
        return visible_of(candidates, analysis.id, self._folding, pinned)

    def list_all(self, *, on: bool) -> None:
        """List candidates that look the same, too, or fold them."""
        if on != self.all_listed:
            self.all_listed = on
            self.folded.emit()

    def fold_ahead(self) -> None:
        """Find the twins of the selected sequence and of the next one in a thread."""
        if self.project is None or self.selected is None or self.blind or self.all_listed:
            return
        if self.detail.analysis is not None:
            self._folding.measure(foldable(self.detail.candidates, self.detail.analysis.id), "fold")
        following = neighbour(self.order, self.selected, 1)
        if following is not None and following != self.selected and self.summaries[following].candidates:
            main = analyses(self.project, following)[0]
            self._folding.measure(foldable(candidates(self.project, main.id), main.id), "fold ahead")

    def compare_with(self, candidate_id: int | None) -> None:
        """Compare the displayed candidate with another one, None for the rainy frame."""
        if candidate_id != self.compared_with:
            self.compared_with = candidate_id
            self.displayed_changed.emit()

    def candidate(self, candidate_id: int | None) -> StoredCandidate | None:
        """Return a candidate of the selected sequence by its id; None where it has no such candidate."""
        return next((c for c in self.detail.candidates if c.id == candidate_id), None)

    def is_at_hand(self, candidate_id: int) -> bool:
        """Return whether the picture of a candidate need not be made again before it can be used."""
        candidate = self.candidate(candidate_id)
        return candidate is None or candidate.kept or self._artefacts is None or self._artefacts.has(candidate.picture)

    def first_candidate(self, sequence_id: int) -> int | None:
        """Return the candidate of a sequence that is suggested, else the best-scored one; None where it has none."""
        assert self.project is not None and self.editor is not None
        listed = [c.id for c in read_detail(self.project, self.editor, sequence_id, blind=False).candidates]
        suggested = self.suggestions.for_sequence(sequence_id)
        return suggested.candidate_id if suggested and suggested.candidate_id in listed else next(iter(listed), None)

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
            self.marks.clear()
            self.displayed = self.compared_with = None
            self._load_detail(quietly=True)
            self.sequences_changed.emit()
            self.selection_changed.emit()
            self.displayed_changed.emit()

    # -- inside --------------------------------------------------------------------------------------------------

    def _back_up(self, work: Callable[[], None]) -> None:
        """Make a backup in a thread; announce once why it failed."""
        self.workers.run(work, lambda _: None, self._not_backed_up, lane="backup", urgency=LATER)

    def _not_backed_up(self, error: Exception) -> None:
        if not isinstance(error, RaincleanError):
            raise error
        if self.project is not None and str(error) not in self.project.notes:
            self.project.notes.append(str(error))
            self.message.emit(str(error))

    def load_change(self, *, with_detail: bool = True) -> None:
        """Load what a change of the selected sequence may have changed: its row, and its detail if it stays."""
        self._preference.again()
        if self.selected is not None:
            self.load_summary(self.selected)
        if with_detail:
            self._load_detail()

    def cause_of(self, error: RaincleanError) -> str:
        """Return why a change failed, for the person."""
        return self._watch.explain(error) or str(error)

    def _suggest(self) -> None:
        self._suggested = None if self.selected is None else self.suggestions.for_sequence(self.selected)

    def _load_summaries(self) -> None:
        assert self.project is not None
        self.summaries, self.removed = _summaries_of(self.project)

    def load_summary(self, sequence_id: int) -> None:
        """Load the row of a sequence anew."""
        assert self.project is not None
        (summary,) = overview(self.project, [self.summaries[sequence_id].sequence.name], "all")
        if summary.sequence.removed:  # by another process meanwhile
            self.refresh()
            return
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

    def _picture(self, name: str) -> "U8":
        picture = self.pictures.peek(name)
        return self._read(name) if picture is None else picture

    def _read(self, name: str) -> "U8":
        assert self._artefacts is not None
        if not self._artefacts.has(name):
            raise FileNotFoundError(name)
        return self._artefacts.picture(name)

    def _make_again(self, name: str) -> None:
        if self.project is not None:
            self.remaking.ask(self.project.folder, name)

    def _made_again(self, name: str, picture: "U8") -> None:
        self.pictures.put(name, picture)
        self.pictures.loaded.emit(name)


def _summaries_of(project: Project) -> tuple[dict[int, Overview], dict[int, Overview]]:
    """Return the rows of the sequences in the project, and of the removed ones."""
    with project.snapshot():
        rows = overview(project, which="all")
    by_id = [{row.sequence.id: row for row in rows if row.sequence.removed == removed} for removed in (False, True)]
    return by_id[0], by_id[1]
