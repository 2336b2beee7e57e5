"""What the window is about: the open project, the selected sequence, what is shown of it. Panels observe it.

It knows no widgets. Whatever changes the project goes through `Editor` and is on disk when the call returns.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from gui.state.image_cache import ImageCache
from gui.state.preference_learning import PreferenceLearning
from gui.state.sequence_order import nearest, neighbour
from gui.workers import LATER, Workers
from pipeline.project.analysis import all_candidates, analyses, rain_amounts
from pipeline.project.decisions import by_sequence, person
from pipeline.project.editing import Draft, Editor
from pipeline.project.model import Analysis, Overview, StoredCandidate
from pipeline.project.overview import overview
from pipeline.project.preference import Suggested, Suggestions
from pipeline.project.storage import Artefacts, Project
from rainclean.errors import RaincleanError, StoreError

if TYPE_CHECKING:
    from gui.state.image_cache import U8
    from pipeline.project.editing import Edit

WAIT = 3.0
"""Seconds to wait for another process's transaction: they take milliseconds, and the window stands still meanwhile."""

LOOK_AROUND = 1000
"""Milliseconds between looks whether another process has changed the project."""


@dataclass(frozen=True)
class Detail:
    """What is known of the selected sequence. analysis: None where there are no candidates.

    candidates: as they are listed; in a blind judgement in an order that says nothing. rain: amount of each frame,
    None for one that cannot be stabilized as the others were, or repeats another.
    """

    analysis: Analysis | None = None
    candidates: tuple[StoredCandidate, ...] = ()
    rain: tuple[float | None, ...] = ()
    draft: Draft = field(default_factory=Draft)


class Session(QObject):
    """The state that panels share.

    Signals say what has changed; `learned`: what is suggested may be another candidate now; `travelled` carries the
    edit that was taken back or done again, `said` a line for the person, `complained` one on what could not be done;
    `broken` the folder of a project whose store turned out to be damaged, or another one.
    """

    opened = Signal()
    sequences_changed = Signal()
    target_changed = Signal()
    detail_changed = Signal()
    shown_changed = Signal()
    draft_changed = Signal()
    learned = Signal()
    travelled = Signal(object)
    said = Signal(str)
    complained = Signal(str)
    broken = Signal(Path)

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self.workers = workers
        self.project: Project | None = None
        self.editor: Editor | None = None
        self.who = person()
        self.blind = False
        self.lines: dict[int, Overview] = {}
        self.order: list[int] = []
        self.target: int | None = None
        self.detail = Detail()
        self.shown: int | None = None
        self.opponent: int | None = None
        self._learning = PreferenceLearning(workers)
        self._learning.changed.connect(self._suggest)
        self._learning.changed.connect(self.learned)
        self._suggested: Suggested | None = None
        self.pictures = ImageCache(workers, self._read)
        self._artefacts: Artefacts | None = None
        self._version, self._complaint = -1, ""
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_AROUND)
        self._timer.timeout.connect(self.look_around)

    # -- the project ---------------------------------------------------------------------------------------------

    def open(self, folder: Path) -> None:
        """Open a project in place of the one before. Raises RaincleanError, and then keeps the one before."""
        with ExitStack() as opening:
            project = opening.enter_context(Project(folder, WAIT, self._back_up))
            lines, version = _lines_of(project), _version_of(project)
            opening.pop_all()
        self.close()
        self.project, self._artefacts = project, project.artefacts
        self.editor = Editor(project, self.who)
        self.lines, self._version, self._complaint = lines, version, ""
        self._timer.start()
        self._learning.open(project.folder)
        self.opened.emit()
        for note in project.notes:
            self.said.emit(note)
        self.sequences_changed.emit()

    def close(self) -> None:
        """Let the project go."""
        if self.project is None:
            return
        self._timer.stop()
        self._learning.open(None)
        self._suggested = None
        self.project.close()
        self.project = self.editor = self._artefacts = None
        self.pictures.clear()
        self.lines, self.order = {}, []
        self.target = None
        self.detail, self.shown, self.opponent = Detail(), None, None
        self.opened.emit()
        self.target_changed.emit()
        self.shown_changed.emit()

    def be(self, who: str) -> None:
        """Go on as this person."""
        self.who = who
        if self.project is not None:
            self.editor = Editor(self.project, who)
            self._load_detail()

    def look_around(self) -> None:
        """Load what other processes have changed: an analysis that goes on, an import."""
        if self.project is None:
            return
        try:
            version = _version_of(self.project)
            if version != self._version:
                self.refresh()
        except Exception as error:
            said = self._explained(error)
            if said is None:
                raise
            if said != self._complaint:  # not every second
                self.complained.emit(said)
            self._complaint = said
        else:
            self._version, self._complaint = version, ""

    def explain(self, error: BaseException) -> bool:
        """Say what an error comes from, if it is the project: others hold it, it was replaced, or it is damaged."""
        said = self._explained(error)
        if said is not None:
            self.complained.emit(said)
        return said is not None

    def refresh(self) -> None:
        """Load lines and detail anew."""
        self._learning.again()
        self._load_lines()
        self.sequences_changed.emit()
        if self.target is not None:
            self._load_detail()

    # -- what is selected and shown --------------------------------------------------------------------------------

    @property
    def line(self) -> Overview | None:
        """The selected sequence's line."""
        return self.lines.get(self.target) if self.target is not None else None

    def frame(self, sequence_id: int | None) -> None:
        """Frame a sequence: from now on keys act on it."""
        if sequence_id == self.target or (sequence_id is not None and sequence_id not in self.lines):
            return
        self.target, self.shown, self.opponent = sequence_id, None, None
        self._load_detail(quietly=True)
        self.target_changed.emit()
        self.shown_changed.emit()

    def step(self, by: int) -> None:
        """Select the next or previous sequence of the list."""
        self.frame(neighbour(self.order, self.target, by))

    def step_undecided(self) -> None:
        """Select the nearest sequence that this person has still to judge."""
        if self.target is None:
            self.frame(neighbour(self.order, None, 0))
            return
        following = nearest(self.order, self.target, self._is_open)
        if following is None:
            self.said.emit("nothing is left to decide in this list")
        else:
            self.frame(following)

    def show(self, candidate_id: int | None) -> None:
        """Show a candidate."""
        if candidate_id != self.shown and any(c.id == candidate_id for c in self.detail.candidates):
            self.shown = candidate_id
            self.shown_changed.emit()

    def step_candidate(self, by: int) -> None:
        """Show the next or previous candidate, round and round."""
        ids = [c.id for c in self.detail.candidates]
        if ids:
            place = ids.index(self.shown) if self.shown in ids else 0
            self.show(ids[(place + by) % len(ids)])

    def compare_with(self, candidate_id: int | None) -> None:
        """Compare with this candidate, None for the rainy frame."""
        if candidate_id != self.opponent:
            self.opponent = candidate_id
            self.shown_changed.emit()

    def candidate(self, candidate_id: int | None) -> StoredCandidate | None:
        """A candidate of the selected sequence."""
        return next((c for c in self.detail.candidates if c.id == candidate_id), None)

    @property
    def suggestions(self) -> Suggestions:
        """What was learned of this project."""
        return self._learning.suggestions

    @property
    def suggested(self) -> Suggested | None:
        """What is suggested for the selected sequence; never in a blind judgement, which it would sway."""
        found = self._suggested
        return None if self.blind or found is None or self.candidate(found.candidate_id) is None else found

    def label(self, candidate: StoredCandidate) -> str:
        """What a candidate is called: its recipe in words, or in a blind judgement a letter."""
        if self.blind:
            place = [c.id for c in self.detail.candidates].index(candidate.id)
            return f"candidate {chr(ord('A') + place % 26)}{place // 26 or ''}"
        return candidate.words

    def set_blind(self, blind: bool) -> None:
        """Begin or end judging blindly: order by chance, no names, no scores, no earlier decision."""
        if blind != self.blind:
            self.blind = blind
            self.shown = self.opponent = None
            self._load_detail(quietly=True)
            self.sequences_changed.emit()
            self.target_changed.emit()
            self.shown_changed.emit()

    # -- decisions -----------------------------------------------------------------------------------------------

    def accept(self, candidate_id: int | None = None, advance: bool = True) -> None:
        """Accept a candidate, the shown one if none is named, and go on to the nearest undecided sequence."""
        line, chosen = self.line, candidate_id or self.shown
        if summary is None or self.editor is None or chosen is None:
            self.complained.emit("there is no candidate to accept yet; analyse the sequence first")
            return
        self._decide(lambda editor: editor.opine(summary.sequence, chosen) if self.blind
                     else editor.accept(summary.sequence, chosen), advance)  # fmt: skip

    def reject(self, reasons: Sequence[str] = (), note: str = "", advance: bool = True) -> None:
        """Reject all candidates of the selected sequence."""
        if (summary := self.line) is not None:
            self._decide(lambda editor: editor.opine(summary.sequence, None, reasons, note) if self.blind
                         else editor.reject(summary.sequence, reasons, note), advance)  # fmt: skip

    def unset(self) -> None:
        """Take back what was decided on the selected sequence."""
        if (summary := self.line) is not None:
            self.change(lambda editor: editor.unset(summary.sequence))

    def star(self) -> None:
        """Star the selected sequence, or take the star away."""
        if (summary := self.line) is not None:
            self.change(lambda editor: editor.star(summary.sequence, not self.detail.draft.star))

    def note(self, text: str, sequence_id: int | None = None) -> bool:
        """Note something on a sequence, the selected one if none is named. False where it could not be stored."""
        number = self.target if sequence_id is None else sequence_id
        line = self.lines.get(number) if number is not None else None
        if summary is None or text == summary.note:
            return True
        stored = self.change(lambda editor: editor.note(summary.sequence, text))
        if stored and number is not None and number != self.target:
            self._load_line(number)
        return stored

    def undo(self) -> None:
        """Take back this person's latest edit, and bring what it was about into view."""
        self._travel("undone", lambda editor: editor.undo(), "nothing to undo")

    def redo(self) -> None:
        """Redo what was undone last, and bring it into view."""
        self._travel("Redone", lambda editor: editor.redo(), "Nothing to redo")

    def change(self, act: Callable[[Editor], object]) -> bool:
        """Let the editor change the selected sequence, and tell everybody. False where it could not be done."""
        if self.editor is None or self.project is None:
            return False
        try:
            if self.project.read_only:
                raise RaincleanError(f"{self.project.folder}: cannot be written to; copy it to change it")
            act(self.editor)
        except RaincleanError as error:
            self.complained.emit(self._explained(error) or str(error))
            return False
        self._learning.again()
        if self.target is not None:
            self._load_line(self.target)
        self._load_detail()
        return True

    # -- inside --------------------------------------------------------------------------------------------------

    def _decide(self, act: Callable[[Editor], object], advance: bool) -> None:
        following = nearest(self.order, self.target, self._is_open) if self.target is not None else None
        if not self.change(act) or not advance:
            return
        if following is None:
            self.said.emit("nothing is left to decide in this list")
        else:
            self.frame(following)

    def _is_open(self, sequence_id: int) -> bool:
        line = self.lines.get(sequence_id)
        if summary is None:
            return False
        if self.blind:
            return summary.candidates > 0 and self.editor is not None and not self.editor.has_opinion(sequence_id)
        return summary.state in ("ready", "accepted automatically")

    def _travel(self, how: str, act: "Callable[[Editor], Edit | None]", nothing: str) -> None:
        found: list[Edit | None] = []
        if not self.change(lambda editor: found.append(act(editor))):
            return
        edit = found[0]
        if edit is None:
            self.said.emit(nothing)
            return
        self.frame(edit.sequence_id)
        self._load_line(edit.sequence_id)
        self._load_detail()
        # What it was about is shown: the composite that a stroke belongs to, the candidate that was decided on.
        self.show(self.detail.draft.base if edit.kind in ("paint", "feather", "remove_layer") else edit.candidate_id)
        self.travelled.emit(edit)
        self.said.emit(f"{how}: {edit.words}")

    def _back_up(self, work: Callable[[], None]) -> None:
        """Do it beside the window; what keeps it from being done is said once."""
        self.workers.run(work, lambda _: None, self._not_backed_up, lane="backup", urgency=LATER)

    def _not_backed_up(self, error: Exception) -> None:
        if not isinstance(error, RaincleanError):
            raise error
        if self.project is not None and str(error) not in self.project.notes:
            self.project.notes.append(str(error))
            self.said.emit(str(error))

    def _suggest(self) -> None:
        self._suggested = None if self.target is None else self.suggestions.of(self.target)

    def _explained(self, error: BaseException) -> str | None:
        try:
            if self.project is not None:
                self.project.explain(error)
        except StoreError as damage:
            error = damage
        if isinstance(error, StoreError):
            self.broken.emit(error.path.parent)
            self._timer.stop()  # it stays as it is until it is opened again
        return str(error) if isinstance(error, RaincleanError) else None

    def _load_lines(self) -> None:
        assert self.project is not None
        self.lines = _lines_of(self.project)

    def _load_line(self, sequence_id: int) -> None:
        assert self.project is not None
        (line,) = overview(self.project, [self.lines[sequence_id].sequence.name])
        self.lines[sequence_id] = line
        self.sequences_changed.emit()

    def _load_detail(self, quietly: bool = False) -> None:
        """Load what is known of the selected sequence. quietly: the caller tells everybody."""
        before = self.detail
        self.detail = self._read_detail()
        self._suggest()
        ids = {c.id for c in self.detail.candidates}
        moved = self.shown not in ids or (self.opponent is not None and self.opponent not in ids)
        if self.shown not in ids:
            self.shown = self._first_to_show()
        if self.opponent not in ids:
            self.opponent = None
        if quietly:
            return
        if before.candidates != self.detail.candidates or before.analysis != self.detail.analysis:
            self.detail_changed.emit()
        if before.draft != self.detail.draft:
            self.draft_changed.emit()
        if moved:
            self.shown_changed.emit()

    def _read_detail(self) -> Detail:
        if self.project is None or self.editor is None or self.target is None:
            return Detail()
        with self.project.snapshot():
            return self._detail_of(self.project, self.editor, self.target)

    def _detail_of(self, project: Project, editor: Editor, target: int) -> Detail:
        # Blindly, what somebody painted says as much as what they decided.
        standing = editor.draft(target)
        draft = Draft() if self.blind else standing
        there = analyses(project, target)
        if not there or there[0].error:
            return Detail(draft=draft)
        listed = [c for c in all_candidates(project, target) if c.id not in standing.hidden]
        # A composite whose acceptance was taken back lives on in its layers.
        decided = {d.candidate_id for d in by_sequence(project, [target])[target]}
        listed = [c for c in listed if "composite" not in c.recipe or c.id in decided]
        if self.blind:
            random.Random(f"{self.who}/{project.uuid}/{target}").shuffle(listed)
        return Detail(there[0], tuple(listed), tuple(rain_amounts(project, there[0].id)), draft)

    def _first_to_show(self) -> int | None:
        """The candidate decided on, else the suggested one, else the first of the list."""
        decision = self.line.decision if self.line else None
        decided = decision.candidate_id if decision and not self.blind else None
        ids = [c.id for c in self.detail.candidates]
        suggested = self.suggested
        first = suggested.candidate_id if suggested else next(iter(ids), None)
        return decided if decided in ids else first

    def _read(self, name: str) -> "U8":

        assert self._artefacts is not None
        return self._artefacts.picture(name)


def _lines_of(project: Project) -> dict[int, Overview]:
    with project.snapshot():
        return {summary.sequence.id: line for line in overview(project)}


def _version_of(project: Project) -> int:
    """Another number whenever another process has changed the project."""
    return int(project.value("PRAGMA data_version"))
