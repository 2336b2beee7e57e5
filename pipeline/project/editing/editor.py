"""What a person does to a project in the window, command by command.

Each call is one transaction, on disk before it returns, and one row or batch in the journal of edits, which the
person can take back and do again, also after a restart.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.project.analysis import analysis, candidate, candidates
from pipeline.project.decisions import decisions, journals, opinions
from pipeline.project.editing import edits, made_candidates
from pipeline.project.editing.drafts import Draft, Shapes, draft_of, with_edit
from pipeline.project.editing.edits import Edit, EditKind
from pipeline.project.editing.masks import keep_shapes
from pipeline.project.model import REASONS, Decision, Opinion, StoredCandidate
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.words import one_line
from rainclean.compositing import Layer, Shape
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from pipeline.project.editing.made_candidates import U8
    from rainclean.candidates import Recipe, Scores

__all__ = ["REASONS", "Editor"]

Result = TypeVar("Result")


class Editor:
    """The commands of one person. Used by one thread. All raise RaincleanError where the project cannot be written.

    sequence: the sequence, or its id. A draft is kept in memory until somebody else writes to the project.
    """

    def __init__(self, project: Project, who: str) -> None:
        self.project, self.who = project, who
        self._drafts: dict[int, Draft] = {}
        self._shapes: Shapes = {}
        self._version = -1

    # -- looking -----------------------------------------------------------------------------------------------------

    def draft(self, sequence: ClipSequence | int) -> Draft:
        """What the standing edits of all people come to."""
        number = _id(sequence)
        self._look_around()
        if number not in self._drafts:
            self._drafts[number] = draft_of(self.project, number, self._shapes)
        return self._drafts[number]

    def guide(self, sequence: ClipSequence | int, shown: int) -> int:
        """The candidate whose picture strokes go by, given the one that is shown and painted on."""
        return self.draft(sequence).guide or shown

    def has_opinion(self, sequence: ClipSequence | int) -> bool:
        """Whether this person's opinion on a sequence stands."""
        return any(o.who == self.who for o in opinions.opinions(self.project, _id(sequence))[_id(sequence)])

    def can_undo(self) -> Edit | None:
        """What `undo` would take back."""
        batch = self._undoable()
        return batch[-1] if batch else None

    def can_redo(self) -> Edit | None:
        """What `redo` would do again."""
        batch = edits.latest_undo(self.project, self.who)
        return self._undone(batch[0]) if batch else None

    # -- decisions ---------------------------------------------------------------------------------------------------

    def accept(
        self, sequence: ClipSequence, candidate_id: int, note: str = "", reasons: Sequence[str] = ()
    ) -> Decision:
        """Accept a candidate; where it is the base of layers, the composite of them, which is made and scored.

        The shapes of the exclusion mask, if there are any, go along. Raises RaincleanError, InputError, UsageError.
        """
        checked, said = decisions.known_reasons(reasons), one_line(note, "note")
        draft, made = self.draft(sequence), None
        chosen = made_candidates.of_sequence(self.project, sequence, candidate_id)
        if draft.layers and draft.base == candidate_id:
            made = made_candidates.composite(self.project, sequence, draft)
        exclude = keep_shapes(self.project, draft.exclude, candidate(self.project, draft.guide or chosen.id), chosen)
        with self._changing():
            if made is not None:
                like = analysis(self.project, chosen.analysis_id)
                chosen = made_candidates.find_made(self.project, sequence.id, made) or made_candidates.store_made(
                    self.project, sequence.id, made, "composite", like
                )
            decision = decisions.append(
                self.project, sequence.id, "accepted", self.who, chosen.id, note=said, exclude=exclude, reasons=checked
            )
            self._add(sequence.id, "decision", {"verdict": "accepted", "decisions": [decision.id]}, chosen.id)
        return decision

    def reject(self, sequence: ClipSequence, reasons: Sequence[str] = (), note: str = "") -> Decision:
        """Find no candidate fit for use. reasons: keys of REASONS. Raises UsageError for others."""
        checked, said = decisions.known_reasons(reasons), one_line(note, "note")
        with self._changing():
            decision = decisions.append(self.project, sequence.id, "rejected", self.who, note=said, reasons=checked)
            self._add(sequence.id, "decision", {"verdict": "rejected", "decisions": [decision.id]})
        return decision

    def unset(self, sequence: ClipSequence) -> None:
        """Take back all decisions that stand on a sequence, whoever made them."""
        with self._changing():
            stand = decisions.standing(decisions.journal(self.project, sequence.id))
            made = [decisions.append(self.project, sequence.id, "undone", self.who, undoes=d.id).id for d in stand]
            if made:
                self._add(sequence.id, "decision", {"verdict": "undone", "decisions": made})

    def opine(
        self, sequence: ClipSequence, candidate_id: int | None, reasons: Sequence[str] = (), note: str = ""
    ) -> Opinion:
        """Say blindly which candidate is fit, None for none. It changes no decision; the latest counts."""
        checked, said = decisions.known_reasons(reasons), one_line(note, "note")
        if candidate_id is not None:
            made_candidates.of_sequence(self.project, sequence, candidate_id)
        with self._changing():
            opinion = opinions.append(
                self.project, sequence.id, "rejected" if candidate_id is None else "accepted", self.who, candidate_id,
                note=said, reasons=checked,
            )  # fmt: skip
            self._add(sequence.id, "opinion", {"opinions": [opinion.id]}, candidate_id)
        return opinion

    # -- what is said of a sequence ----------------------------------------------------------------------------------

    def star(self, sequence: ClipSequence, on: bool) -> None:
        """Star a sequence, or take the star away."""
        if on != self.draft(sequence).star:
            self._change(sequence, "star", {"on": on})

    def note(self, sequence: ClipSequence, text: str) -> None:
        """Note something on a sequence; several lines become one. Raises UsageError for what is no text."""
        line = one_line(text, "note")
        if line != self.draft(sequence).note:
            self._change(sequence, "note", {"text": line})

    def choose_frames(self, sequence: ClipSequence, frames: Sequence[int] | None) -> None:
        """Choose the rainy frames of the pairs, by their indices in the clip; None: as the export settings say."""
        chosen = None if frames is None else sorted({int(frame) for frame in frames})
        if chosen is not None and not chosen:
            raise UsageError(f"{sequence.name}: at least one rainy frame is needed; any leaves it to the export")
        if chosen and not (sequence.first <= chosen[0] and chosen[-1] < sequence.stop):
            wrong = next(frame for frame in chosen if not sequence.first <= frame < sequence.stop)
            raise UsageError(f"{sequence.name}: has frames {sequence.first} to {sequence.stop - 1}, not {wrong}")
        if (None if chosen is None else tuple(chosen)) != self.draft(sequence).frames:
            self._change(sequence, "frames", {"frames": chosen})

    # -- composites and exclusion masks ------------------------------------------------------------------------------

    def paint(
        self,
        sequence: ClipSequence,
        base_id: int,
        candidate_id: int,
        shape: Shape,
        layer_key: str | None = None,
        batch: str = "",
    ) -> Draft:
        """Paint a candidate over a base, on its layer or the one with this key; either is made where it is missing.

        batch: takes the stroke back together with others of the same.
        """
        draft, key = self.draft(sequence), layer_key or str(candidate_id)
        layer = draft.layer(key)
        if layer is not None and layer.candidate != candidate_id:
            raise UsageError(f"{sequence.name}: layer {key} is of another candidate")
        if candidate_id == base_id:
            raise UsageError(f"{sequence.name}: the candidate that is painted on cannot be painted with")
        for number in {base_id, candidate_id} - {draft.base, *(one.candidate for one in draft.layers)}:
            made_candidates.of_sequence(self.project, sequence, number)
        with self._changing():
            batch = batch or edits.new_batch()
            if draft.base != base_id:
                self._add(sequence.id, "base", {}, base_id, batch)
            self._add(sequence.id, "paint", {"key": key, "shape": shape.to_json()}, candidate_id, batch)
        return self.draft(sequence)

    def remove_layer(self, sequence: ClipSequence, key: str) -> None:
        """Take a layer away. Raises UsageError where there is none of this key."""
        self._layer(sequence, key)
        self._change(sequence, "remove_layer", {"key": key})

    def feather(self, sequence: ClipSequence, key: str, px: float) -> None:
        """Soften a layer's joins by so many px. Raises UsageError where there is no such layer, or px is no width."""
        layer = self._layer(sequence, key)
        if Layer(key, layer.candidate, (), px) != Layer(key, layer.candidate, (), layer.feather):
            self._change(sequence, "feather", {"key": key, "px": float(px)})

    def exclude(self, sequence: ClipSequence, shape: Shape, guide_id: int | None = None, batch: str = "") -> None:
        """Add a shape to the exclusion mask.

        guide_id: the candidate it is painted on, which is the guide unless the draft has one; else the best-scored
        one is. batch: takes the shape back together with others of the same.
        """
        guide = self.draft(sequence).guide or guide_id
        if guide is None:
            guide = candidates(self.project, made_candidates.analysed(self.project, sequence).id)[0].id
        made_candidates.of_sequence(self.project, sequence, guide)
        self._change(sequence, "exclude", {"shape": shape.to_json()}, guide, batch)

    def keep(
        self,
        sequence: ClipSequence,
        recipe: "Recipe",
        picture: "U8",
        eta: int,
        silent_share: float,
        scores: "Scores",
        batch: str = "",
    ) -> StoredCandidate:
        """Keep a candidate that was made outside ``analyze``, as that would store it.

        picture: (H, W, 3) uint8 RGB, of the main analysis' region. eta, silent_share, scores: as for other
        candidates. batch: takes it back together with others that were kept in the same. One that is there already is
        returned as it is.
        """
        like = made_candidates.analysed(self.project, sequence)
        if picture.shape[:2] != (like.region.height, like.region.width):
            raise UsageError(
                f"{sequence.name}: a picture of {picture.shape[1]}×{picture.shape[0]} px is another region"
            )
        made = made_candidates.kept(self.project, recipe, picture, eta, silent_share, scores)
        with self._changing():
            there = made_candidates.find_made(self.project, sequence.id, made)
            if there is None or there.id in self.draft(sequence).hidden:
                there = there or made_candidates.store_made(self.project, sequence.id, made, "kept", like)
                self._add(sequence.id, "keep", {}, there.id, batch)
        return there

    # -- taking back -------------------------------------------------------------------------------------------------

    def undo(self) -> Edit | None:
        """Take back this person's latest edit, wherever in the project it was; returns it, or None for none."""
        with self._changing():
            batch = self._undoable()
            self._take_back(reversed(batch), "undo")
        return batch[-1] if batch else None

    def redo(self) -> Edit | None:
        """Do again what `undo` took back last, unless something was done since; returns it, or None."""
        with self._changing():
            batch = edits.latest_undo(self.project, self.who)
            self._take_back(reversed(batch), "redo")
        return self._undone(batch[0]) if batch else None

    def _undoable(self) -> list[Edit]:
        """The latest batch that stands. Passes over decisions that were taken back on the command line."""
        batch = edits.latest(self.project, self.who)
        while batch and all(edit.kind == "decision" and not self._left(edit) for edit in batch):
            batch = edits.latest(self.project, self.who, batch[0].id)
        return batch

    def _take_back(self, batch: Iterator[Edit], kind: EditKind) -> None:
        name = edits.new_batch()
        for edit in batch:
            value: dict[str, Any] = {}
            if edit.value.get("decisions"):
                value["decisions"] = [
                    decisions.append(self.project, edit.sequence_id, "undone", self.who, undoes=number).id
                    for number in self._left(edit)
                ]
            if edit.value.get("opinions"):
                value["opinions"] = [
                    opinions.append(self.project, edit.sequence_id, "withdrawn", self.who, undoes=number).id
                    for number in self._left(edit)
                ]
            self._add(edit.sequence_id, kind, value, undoes=edit.id, batch=name)

    def _left(self, edit: Edit) -> list[int]:
        """The rows of an edit, decisions or opinions, that stand."""
        table = decisions if edit.value.get("decisions") else opinions
        rows: dict[int, int | None] = {row.id: row.undoes for row in table.journal(self.project, edit.sequence_id)}
        stand = journals.standing(rows)
        return [
            number for number in (edit.value.get("decisions") or edit.value.get("opinions") or ()) if number in stand
        ]

    def _undone(self, edit: Edit) -> Edit:
        assert edit.undoes is not None
        return edits.edit(self.project, edit.undoes)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _layer(self, sequence: ClipSequence, key: str) -> Layer:
        layer = self.draft(sequence).layer(key)
        if layer is None:
            raise UsageError(f"{sequence.name}: has no layer {key}")
        return layer

    def _change(
        self,
        sequence: ClipSequence,
        kind: EditKind,
        value: dict[str, Any],
        candidate_id: int | None = None,
        batch: str = "",
    ) -> None:
        with self._changing():
            self._add(sequence.id, kind, value, candidate_id, batch)

    def _add(
        self,
        sequence_id: int,
        kind: EditKind,
        value: dict[str, Any],
        candidate_id: int | None = None,
        batch: str = "",
        undoes: int | None = None,
    ) -> None:
        edit = edits.append(self.project, sequence_id, kind, value, self.who, batch, candidate_id, undoes)
        if kind in ("undo", "redo", "keep", "decision"):
            self._drafts.pop(sequence_id, None)
        elif sequence_id in self._drafts:
            self._drafts[sequence_id] = with_edit(self._drafts[sequence_id], edit, self._shapes)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """A transaction; what is kept in memory is forgotten where it fails."""
        try:
            with self.project.transaction():
                yield
        except BaseException:
            self._drafts.clear()
            raise

    def _look_around(self) -> None:
        version = int(self.project.value("PRAGMA data_version"))
        if version != self._version:
            self._drafts.clear()
            self._version = version


def _id(sequence: ClipSequence | int) -> int:
    return sequence if isinstance(sequence, int) else sequence.id
