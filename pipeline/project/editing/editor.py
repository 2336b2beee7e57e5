"""What a person does to a project in the window, command by command.

Each call is one transaction, on disk before it returns. It adds one row or batch to the journal of edits. The person
can undo and redo it, also after a restart.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.project.analysis import analysis, candidate, candidates
from pipeline.project.clips import Properties, set_properties, set_removed
from pipeline.project.decisions import decisions, opinions
from pipeline.project.editing import edits, made_candidates
from pipeline.project.editing.drafts import Draft
from pipeline.project.editing.edit_history import EditHistory, id_of
from pipeline.project.editing.edits import EditValue
from pipeline.project.editing.made_candidates import FrameUse, MadeCandidate
from pipeline.project.editing.masks import keep_shapes
from pipeline.project.model import REASONS, Analysis, Decision, Opinion, StoredCandidate
from pipeline.project.model import Sequence as ClipSequence
from pipeline.text_format import one_line
from rainclean.compositing import Layer, Shape
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from pipeline.project.editing.made_candidates import U8
    from rainclean.candidates import Recipe, Scores

__all__ = ["REASONS", "Editor", "Properties"]


class Editor(EditHistory):
    """The commands of one person, for one thread. All raise RaincleanError where the project cannot be written to."""

    # -- reading -----------------------------------------------------------------------------------------------------

    def guide(self, sequence: ClipSequence | int, displayed: int) -> int:
        """Return the id of the candidate whose edges strokes keep to, given that of the displayed one."""
        return self.draft(sequence).guide or displayed

    def has_opinion(self, sequence: ClipSequence | int) -> bool:
        """Return whether this person has a current opinion on a sequence."""
        number = id_of(sequence)
        return any(o.who == self.who for o in opinions.opinions(self.project, number)[number])

    # -- decisions ---------------------------------------------------------------------------------------------------

    def accept(
        self, sequence: ClipSequence, candidate_id: int, note: str = "", reasons: Sequence[str] = ()
    ) -> Decision:
        """Accept a candidate. Where it is the base of layers, make, score and accept the composite of them.

        The decision keeps the exclusion mask, if there is one.

        Args:
            sequence: The sequence.
            candidate_id: The candidate.
            note: Why, in one line.
            reasons: Keys of REASONS.

        Raises:
            InputError: The sequence does not have the candidate, or an artefact is missing.
            RaincleanError: Pictures differ in size, or an older rainclean analysed.
            UsageError: A reason is unknown, or the note cannot be stored.
        """
        checked, line = decisions.known_reasons(reasons), one_line(note, "note")
        draft, made = self.draft(sequence), None
        chosen = made_candidates.of_sequence(self.project, sequence, candidate_id)
        if draft.layers and draft.base == candidate_id:
            made = made_candidates.make_composite(self.project, sequence, draft)
        exclude = keep_shapes(self.project, draft.exclude, candidate(self.project, draft.guide or chosen.id), chosen)
        with self._changing():
            if made is not None:
                like = analysis(self.project, chosen.analysis_id)
                chosen = self._stored(sequence, made, like)
            number = decisions.append(
                self.project, sequence.id, "accepted", self.who, chosen.id, note=line, exclude=exclude, reasons=checked
            )
            self._add(sequence.id, "decision", EditValue(verdict="accepted", decisions=(number,)), chosen.id)
            return decisions.one(self.project, number)

    def reject(self, sequence: ClipSequence, reasons: Sequence[str] = (), note: str = "") -> Decision:
        """Reject a sequence: no candidate is fit for use.

        Args:
            sequence: The sequence.
            reasons: Keys of REASONS.
            note: Why, in one line.

        Raises:
            UsageError: A reason is unknown, or the note cannot be stored.
        """
        checked, line = decisions.known_reasons(reasons), one_line(note, "note")
        with self._changing():
            number = decisions.append(self.project, sequence.id, "rejected", self.who, note=line, reasons=checked)
            self._add(sequence.id, "decision", EditValue(verdict="rejected", decisions=(number,)))
            return decisions.one(self.project, number)

    def unset(self, sequence: ClipSequence) -> None:
        """Take back all current decisions on a sequence, whoever made them."""
        with self._changing():
            current = decisions.standing(decisions.journal(self.project, sequence.id))
            undone = (decisions.append(self.project, sequence.id, "undone", self.who, undoes=d.id) for d in current)
            if numbers := tuple(undone):
                self._add(sequence.id, "decision", EditValue(verdict="undone", decisions=numbers))

    def opine(
        self, sequence: ClipSequence, candidate_id: int | None, reasons: Sequence[str] = (), note: str = ""
    ) -> Opinion:
        """Add an opinion: which candidate is fit, without knowing what was decided. The latest one counts.

        Args:
            sequence: The sequence.
            candidate_id: The candidate; None where none is fit.
            reasons: Keys of REASONS.
            note: Why, in one line.

        Raises:
            InputError: The sequence does not have the candidate.
            UsageError: A reason is unknown, or the note cannot be stored.
        """
        checked, line = decisions.known_reasons(reasons), one_line(note, "note")
        if candidate_id is not None:
            made_candidates.of_sequence(self.project, sequence, candidate_id)
        with self._changing():
            opinion = opinions.append(
                self.project, sequence.id, "rejected" if candidate_id is None else "accepted", self.who, candidate_id,
                note=line, reasons=checked,
            )  # fmt: skip
            self._add(sequence.id, "opinion", EditValue(opinions=(opinion.id,)), candidate_id)
        return opinion

    # -- remarks on a sequence ---------------------------------------------------------------------------------------

    def star(self, sequence: ClipSequence, *, on: bool) -> None:
        """Star a sequence, or remove the star."""
        if on != self.draft(sequence).star:
            self._change(sequence, "star", EditValue(starred=on))

    def note(self, sequence: ClipSequence, text: str) -> None:
        """Note something on a sequence; several lines become one. Raises UsageError where it cannot be stored."""
        line = one_line(text, "note")
        if line != self.draft(sequence).note:
            self._change(sequence, "note", EditValue(text=line))

    def choose_frames(self, sequence: ClipSequence, frames: Sequence[int] | None) -> None:
        """Choose the rainy frames of the pairs.

        Args:
            sequence: The sequence.
            frames: Indices in the clip; None for those that the export settings choose.

        Raises:
            UsageError: There is no frame, or one lies outside of the sequence.
        """
        chosen = None if frames is None else tuple(sorted({int(frame) for frame in frames}))
        if chosen is not None and not chosen:
            raise UsageError(f"{sequence.name}: choose at least one rainy frame; any leaves the choice to the export")
        if chosen and not (sequence.first <= chosen[0] and chosen[-1] < sequence.stop):
            wrong = next(frame for frame in chosen if not sequence.first <= frame < sequence.stop)
            raise UsageError(f"{sequence.name}: has frames {sequence.first} to {sequence.stop - 1}, not {wrong}")
        if chosen != self.draft(sequence).frames:
            self._change(sequence, "frames", EditValue(frames=chosen))

    # -- properties, removal ------------------------------------------------------------------------------------------

    def set_properties(self, sequences: Sequence[ClipSequence], changes: Properties) -> None:
        """Change properties of sequences; all of it is one step for `undo`.

        Args:
            sequences: The sequences.
            changes: What is changed, of all of them.

        Raises:
            UsageError: A text cannot be stored, a scene is "", or frames or region do not fit a clip.
        """
        with self._changing():
            set_properties(self.project, sequences, changes, self.who, batch=self._batch)

    def remove(self, sequences: Sequence[ClipSequence]) -> None:
        """Remove sequences from all lists and exports; files and decisions stay. All of it is one step for `undo`."""
        with self._changing():
            set_removed(self.project, _ids(sequences), self.who, removed=True, batch=self._batch)

    def restore(self, sequences: Sequence[ClipSequence]) -> None:
        """Bring removed sequences back. All of it is one step for `undo`."""
        with self._changing():
            set_removed(self.project, _ids(sequences), self.who, removed=False, batch=self._batch)

    # -- composites and exclusion masks ------------------------------------------------------------------------------

    def paint(
        self,
        sequence: ClipSequence,
        base_id: int,
        candidate_id: int,
        shape: Shape,
        layer_key: str | None = None,
        *,
        batch: str = "",
    ) -> Draft:
        """Paint a candidate over a base, on a layer that is made where it is missing.

        Args:
            sequence: The sequence.
            base_id: Candidate that is painted on.
            candidate_id: Candidate that is painted with.
            shape: Stroke or area.
            layer_key: Key of the layer; by default the candidate's layer.
            batch: Name that strokes have in common which are taken back together.

        Returns:
            The draft then.

        Raises:
            InputError: The sequence does not have a candidate.
            UsageError: The layer is of another candidate, or both candidates are one.
        """
        draft, key = self.draft(sequence), layer_key or str(candidate_id)
        layer = draft.layer(key)
        if layer is not None and layer.candidate != candidate_id:
            raise UsageError(f"{sequence.name}: layer {key} belongs to another candidate")
        if candidate_id == base_id:
            raise UsageError(f"{sequence.name}: choose a candidate other than the base to paint with")
        for number in {base_id, candidate_id} - {draft.base, *(one.candidate for one in draft.layers)}:
            made_candidates.of_sequence(self.project, sequence, number)
        with self._changing():
            batch = batch or edits.new_batch()
            if draft.base != base_id:
                self._add(sequence.id, "base", EditValue(), base_id, batch=batch)
            self._add(sequence.id, "paint", EditValue(key=key, shape=shape.to_json()), candidate_id, batch=batch)
        return self.draft(sequence)

    def remove_layer(self, sequence: ClipSequence, key: str) -> None:
        """Remove a layer. Raises UsageError where there is none of this key."""
        self._layer(sequence, key)
        self._change(sequence, "remove_layer", EditValue(key=key))

    def feather(self, sequence: ClipSequence, key: str, px: float) -> None:
        """Set by how many px a layer's joins are softened. Raises UsageError where there is no such layer."""
        layer = self._layer(sequence, key)
        if Layer(key, layer.candidate, (), px) != Layer(key, layer.candidate, (), layer.feather):
            self._change(sequence, "feather", EditValue(key=key, px=float(px)))

    def exclude(self, sequence: ClipSequence, shape: Shape, guide_id: int | None = None, *, batch: str = "") -> None:
        """Add a shape to the exclusion mask.

        Args:
            sequence: The sequence.
            shape: Stroke or area.
            guide_id: Candidate that it is painted on. It becomes the guide unless the draft has one. By default the
                best-scored candidate.
            batch: Name that shapes have in common which are taken back together.

        Raises:
            InputError: The sequence does not have the candidate.
        """
        guide = self.draft(sequence).guide or guide_id
        if guide is None:
            guide = candidates(self.project, made_candidates.analysed(self.project, sequence).id)[0].id
        made_candidates.of_sequence(self.project, sequence, guide)
        self._change(sequence, "exclude", EditValue(shape=shape.to_json()), guide, batch=batch)

    def keep(
        self,
        sequence: ClipSequence,
        recipe: "Recipe",
        picture: "U8",
        *,
        eta: int,
        silent_share: float,
        scores: "Scores",
        batch: str = "",
    ) -> StoredCandidate:
        """Keep a candidate that was made outside ``analyze``, as that would store it.

        Args:
            sequence: The sequence.
            recipe: Recipe of the candidate.
            picture: (H, W, 3) uint8 RGB, cut to the main analysis' region.
            eta: η* of its window.
            silent_share: Share of the window's pixels without a vote, 0…1.
            scores: Its scores.
            batch: Name that candidates have in common which are taken back together.

        Returns:
            The stored candidate. Where the sequence has one of this recipe already, that one.

        Raises:
            InputError: The sequence is not analysed.
            UsageError: The picture has another size than the region.
        """
        like = made_candidates.analysed(self.project, sequence)
        if picture.shape[:2] != (like.region.height, like.region.width):
            raise UsageError(
                f"{sequence.name}: the image has {picture.shape[1]}×{picture.shape[0]} px, the analysis another size"
            )
        made = made_candidates.keep_candidate(
            self.project, recipe, picture, eta=eta, silent_share=silent_share, scores=scores
        )
        with self._changing():
            existing = made_candidates.find_made(self.project, sequence.id, made)
            stored = existing or self._stored(sequence, made, like)
            if existing is None or existing.id in self.draft(sequence).hidden:
                self._add(sequence.id, "keep", EditValue(), stored.id, batch=batch)
        return stored

    # -- inside ------------------------------------------------------------------------------------------------------

    def _stored(self, sequence: ClipSequence, made: MadeCandidate, like: Analysis) -> StoredCandidate:
        """Return the stored candidate of the same recipe; it is added where there is none."""
        return made_candidates.find_made(self.project, sequence.id, made) or made_candidates.store_made(
            self.project, sequence.id, made, FrameUse.from_analysis(self.project, like), like
        )

    def _layer(self, sequence: ClipSequence, key: str) -> Layer:
        layer = self.draft(sequence).layer(key)
        if layer is None:
            raise UsageError(f"{sequence.name}: has no layer {key}")
        return layer


def _ids(sequences: Sequence[ClipSequence]) -> list[int]:
    return [sequence.id for sequence in sequences]
