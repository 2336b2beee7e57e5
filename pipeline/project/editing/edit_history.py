"""The edits of one person: the drafts that they add up to, and undo and redo.

Drafts are kept in memory. Each change is one transaction, and adds one row or batch to the journal of edits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pipeline.project import journals
from pipeline.project.clips import follow_suggestions, recompute
from pipeline.project.decisions import decisions, opinions
from pipeline.project.editing import edits
from pipeline.project.editing.drafts import Draft, Shapes, draft_of, with_edit
from pipeline.project.editing.edits import Edit, EditKind, EditValue
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project


class EditHistory:
    """The edits of one person, for one thread.

    A draft is kept in memory until somebody else writes to the project.
    """

    def __init__(self, project: Project, who: str) -> None:
        self.project, self.who = project, who
        self._drafts: dict[int, Draft] = {}
        self._shapes: Shapes = {}
        self._version = -1
        self._batch = ""

    def draft(self, sequence: ClipSequence | int) -> Draft:
        """Return what the current edits of all people add up to, for a sequence or its id."""
        number = id_of(sequence)
        self._forget_outdated()
        if number not in self._drafts:
            self._drafts[number] = draft_of(self.project, number, self._shapes)
        return self._drafts[number]

    def can_undo(self) -> Edit | None:
        """Return what `undo` would take back."""
        batch = self._undoable()
        return batch[-1] if batch else None

    def can_redo(self) -> Edit | None:
        """Return what `redo` would do again."""
        batch = edits.latest_undo(self.project, self.who)
        return self._undone(batch[0]) if batch else None

    def undo(self) -> Edit | None:
        """Take back this person's latest edit in the project, and return it; None where there is none."""
        with self._changing():
            batch = self._undoable()
            self._take_back(reversed(batch), "undo")
        return batch[-1] if batch else None

    def redo(self) -> Edit | None:
        """Redo what `undo` took back last, unless the person did something since; return it, or None."""
        with self._changing():
            batch = edits.latest_undo(self.project, self.who)
            self._take_back(reversed(batch), "redo")
        return self._undone(batch[0]) if batch else None

    def _undoable(self) -> list[Edit]:
        """Return the latest current batch, leaving out decisions that were taken back on the command line."""
        batch = edits.latest(self.project, self.who)
        while batch and all(edit.kind == "decision" and not self._current_rows(edit) for edit in batch):
            batch = edits.latest(self.project, self.who, batch[0].id)
        return batch

    def _take_back(self, batch: Iterator[Edit], kind: EditKind) -> None:
        name, follows = edits.new_batch(), False
        for edit in batch:
            value = EditValue()
            if edit.value.decisions:
                undone = (
                    decisions.append(self.project, edit.sequence_id, "undone", self.who, undoes=number)
                    for number in self._current_rows(edit)
                )
                value = EditValue(decisions=tuple(undone))
            elif edit.value.opinions:
                withdrawn = (
                    opinions.append(self.project, edit.sequence_id, "withdrawn", self.who, undoes=number)
                    for number in self._current_rows(edit)
                )
                value = EditValue(opinions=tuple(opinion.id for opinion in withdrawn))
            self._add(edit.sequence_id, kind, value, undoes=edit.id, batch=name)
            described = self._described(edit)
            if described:
                recompute(self.project, edit.sequence_id, described)
                follows = True
        if follows:
            follow_suggestions(self.project)

    def _described(self, edit: Edit) -> dict[str, Any]:
        """Return the columns of the sequence that an edit changed, or that an undo took back."""
        origin = self._undone(edit) if edit.kind == "undo" else edit
        return origin.value.after or {}

    def _current_rows(self, edit: Edit) -> list[int]:
        """Return the ids of the current rows among the decisions, or opinions, of an edit."""
        table = decisions if edit.value.decisions else opinions
        rows: dict[int, int | None] = {row.id: row.undoes for row in table.journal(self.project, edit.sequence_id)}
        standing = journals.standing(rows)
        return [number for number in edit.value.decisions or edit.value.opinions if number in standing]

    def _undone(self, edit: Edit) -> Edit:
        assert edit.undoes is not None
        return replace(edits.edit(self.project, edit.undoes), others=edit.others)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make all changes of the block one step for `undo`: all of them are stored, or none.

        Within the block `undo`, `redo` and this method must not be called.
        """
        with self._changing():
            self._batch = edits.new_batch()
            try:
                yield
            finally:
                self._batch = ""

    # -- inside ------------------------------------------------------------------------------------------------------

    def _change(
        self,
        sequence: ClipSequence,
        kind: EditKind,
        value: EditValue,
        candidate_id: int | None = None,
        *,
        batch: str = "",
    ) -> None:
        with self._changing():
            self._add(sequence.id, kind, value, candidate_id, batch=batch)

    def _add(
        self,
        sequence_id: int,
        kind: EditKind,
        value: EditValue,
        candidate_id: int | None = None,
        *,
        batch: str = "",
        undoes: int | None = None,
    ) -> None:
        batch = batch or self._batch
        edit = edits.append(
            self.project, sequence_id, kind, value, self.who, batch=batch, candidate_id=candidate_id, undoes=undoes
        )
        if kind in ("undo", "redo", "keep", "decision"):
            self._drafts.pop(sequence_id, None)
        elif sequence_id in self._drafts:
            self._drafts[sequence_id] = with_edit(self._drafts[sequence_id], edit, self._shapes)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Run the block in a transaction; forget all drafts where it fails."""
        if self._batch:  # within `together`
            yield
            return
        try:
            with self.project.transaction():
                yield
        except BaseException:
            self._drafts.clear()
            raise

    def _forget_outdated(self) -> None:
        """Forget all drafts where somebody else has written to the project."""
        version = int(self.project.value("PRAGMA data_version"))
        if version != self._version:
            self._drafts.clear()
            self._version = version


def id_of(sequence: ClipSequence | int) -> int:
    """Return the id of a sequence; an id is returned unchanged."""
    return sequence if isinstance(sequence, int) else sequence.id
