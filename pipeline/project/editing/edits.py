"""The journal of edits: what people did to sequences in the window. Undo and redo are rows, too.

No numpy here: `status` asks for stars and notes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, TypeVar

from pipeline.project import journals
from pipeline.project.clips import columns_of, property_names
from pipeline.project.storage import Project, checked, mapped

T = TypeVar("T")

EditKind = Literal[
    "star", "note", "frames", "base", "paint", "remove_layer", "feather", "exclude", "keep", "decision", "opinion",
    "properties", "remove", "undo", "redo",
]  # fmt: skip

REMARKS: tuple[EditKind, ...] = ("star", "note", "frames")
"""Kinds that are exported with decisions. What the others did is in composites and masks."""

_SEVERAL: tuple[EditKind, ...] = ("decision", "properties", "remove", "star")
"""Kinds of which one batch may be about several sequences."""

_TOOLS = {"brush": "brush stroke", "rectangle": "rectangle", "lasso": "lasso", "fill": "fill"}


@dataclass(frozen=True, kw_only=True)
class EditValue:
    """What an edit did; each kind has fields of its own, and the others are empty.

    Attributes:
        starred: star: whether the sequence is starred now.
        text: note.
        frames: frames: indices in the clip, rising; None for those that the export settings choose.
        key: paint, remove_layer, feather: key of the layer.
        shape: paint, exclude: what `Shape.to_json` gave.
        px: feather: width.
        verdict: decision: "accepted", "rejected" or "undone".
        decisions: decision, undo, redo: ids of the rows of the table of decisions.
        opinions: opinion, undo, redo: ids of the rows of the table of opinions.
        before, after: properties, remove: columns of the sequence that were changed, with their values.
    """

    starred: bool | None = None
    text: str | None = None
    frames: tuple[int, ...] | None = None
    key: str | None = None
    shape: dict[str, Any] | None = None
    px: float | None = None
    verdict: str | None = None
    decisions: tuple[int, ...] = ()
    opinions: tuple[int, ...] = ()
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return what `to_json` gave, or an older rainclean imported without a check."""
        frames, shape = document.get("frames"), document.get("shape")
        return cls(
            starred=document.get("on"),
            text=document.get("text"),
            frames=tuple(frames) if isinstance(frames, list) else None,
            key=document.get("key"),
            shape=shape if isinstance(shape, dict) else None,
            px=document.get("px"),
            verdict=document.get("verdict"),
            decisions=tuple(document.get("decisions") or ()),
            opinions=tuple(document.get("opinions") or ()),
            before=columns_of(document, "before") or None,
            after=columns_of(document, "after") or None,
        )

    def to_json(self, kind: EditKind) -> dict[str, Any]:
        """Return it as it is stored with an edit of a kind."""
        fields = {
            "on": self.starred,
            "text": self.text,
            "key": self.key,
            "shape": self.shape,
            "px": self.px,
            "verdict": self.verdict,
            "decisions": list(self.decisions) or None,
            "opinions": list(self.opinions) or None,
            "before": self.before,
            "after": self.after,
        }
        document = {name: value for name, value in fields.items() if value is not None}
        return document | ({"frames": self.frames} if kind == "frames" else {})


@dataclass(frozen=True)
class Remarks:
    """What people said of a sequence beside decisions.

    Attributes:
        starred: Whether it is starred.
        note: Text, or "".
        frames: Rainy frames chosen for the pairs, rising; None for those that the export settings choose.
    """

    starred: bool = False
    note: str = ""
    frames: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One row of the journal.

    Attributes:
        batch: Name that rows have in common which are taken back together.
        undoes: Id of the row that this one takes back.
        at: Time, UTC.
        sequence: Name of the sequence.
        others: Number of further rows in its batch; known of what `latest` and `latest_undo` return.
    """

    id: int
    uuid: str
    batch: str
    sequence_id: int
    kind: EditKind
    value: EditValue
    candidate_id: int | None
    undoes: int | None
    who: str
    at: str
    sequence: str
    others: int = 0

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Return the edit of a row, as `Decision.from_row`."""
        return checked(cls(**{**row, "value": EditValue.from_json(mapped(row["value"]))}))

    @property
    def label(self) -> str:
        """For a person: ``brush stroke on table``, ``acceptance of cat``, ``removal of cat and 3 others``."""
        others = {0: "", 1: " and 1 other"}.get(self.others, f" and {self.others} others")
        return f"{self._action()} {self.sequence}{others if self.kind in _SEVERAL else ''}"

    def _action(self) -> str:
        value = self.value
        if self.kind in ("paint", "exclude"):
            shape = required(value.shape, self.kind)
            tool = _TOOLS.get(shape.get("tool", ""), "shape")
            tool = f"erasing {tool}" if shape.get("erase") else tool
            return f"{tool} {'on' if self.kind == 'paint' else 'in the exclusion mask of'}"
        if self.kind == "decision":
            verdict = required(value.verdict, self.kind)
            return {"accepted": "acceptance of", "rejected": "rejection of"}.get(verdict, "reopening of")
        if self.kind == "opinion":
            return "opinion on"
        if self.kind == "remove":
            return "removal of" if required(value.after, self.kind).get("removed") else "return of"
        if self.kind == "properties":
            return f"{property_names(required(value.after, self.kind))} of"
        return {
            "star": "star on" if value.starred else "removal of the star of",
            "note": "note on",
            "frames": "choice of rainy frames of",
            "base": "base of",
            "remove_layer": "removal of a layer of",
            "feather": "feather of a layer of",
            "keep": "saved candidate of",
        }.get(self.kind, self.kind)


def required(value: T | None, kind: EditKind) -> T:
    """Return a field of an edit's value. Raises ValueError where an edit of this kind does not have it."""
    if value is None:
        raise ValueError(f"an edit of kind {kind} without its value")
    return value


new_batch = journals.new_batch
"""See `journals.new_batch`."""


def append(
    project: Project,
    sequence_id: int,
    kind: EditKind,
    value: EditValue,
    who: str,
    *,
    batch: str = "",
    candidate_id: int | None = None,
    undoes: int | None = None,
) -> Edit:
    """Add a row inside a transaction.

    Args:
        project: The project.
        sequence_id: Sequence that was edited.
        kind: What was done.
        value: How.
        who: Who did it.
        batch: Name of the batch of a row that belongs with others.
        candidate_id: Candidate that it is about.
        undoes: Id of the row that it takes back.
    """
    number = journals.append(
        project, "edit", sequence_id, who, undoes,
        batch=batch or new_batch(), kind=kind, value=json.dumps(value.to_json(kind), ensure_ascii=False),
        candidate_id=candidate_id,
    )  # fmt: skip
    return edit(project, number)


def journal(project: Project, sequence_id: int) -> list[Edit]:
    """Return all edits of a sequence in the order in which they came in, with those taken back."""
    return _select(project, "sequence_id = ?", sequence_id)


def edits_of(project: Project, sequence_id: int) -> list[Edit]:
    """Return the current edits of a sequence, of all people, in the order in which they were made."""
    stand = _select(
        project, f"sequence_id = ? AND kind NOT IN ('undo', 'redo') AND {journals.CURRENT_EDITS}", sequence_id
    )
    return sorted(stand, key=lambda e: (journals.moment(e.at), e.id))


def remarks(project: Project, sequence_ids: Sequence[int] | None = None) -> dict[int, Remarks]:
    """Return the current stars, notes and chosen frames by the sequence's id; of all sequences, or of these."""
    marks = "" if sequence_ids is None else f" AND sequence_id IN ({', '.join('?' * len(sequence_ids))})"
    rows = project.rows(
        "SELECT id, sequence_id, kind, value, at FROM edit "
        f"WHERE kind IN ('star', 'note', 'frames') AND {journals.CURRENT_EDITS}{marks}",
        *(sequence_ids or ()),
    )
    latest: dict[int, Remarks] = {}
    for row in sorted(rows, key=lambda row: (journals.moment(row["at"]), row["id"])):
        value, one = EditValue.from_json(mapped(row["value"])), latest.get(row["sequence_id"], Remarks())
        if row["kind"] == "star":
            one = replace(one, starred=bool(value.starred))
        elif row["kind"] == "note":
            one = replace(one, note=str(value.text or ""))
        else:
            one = replace(one, frames=value.frames)
        latest[row["sequence_id"]] = one
    return latest


def all_remarks(project: Project) -> list[Edit]:
    """Return all stars, notes and choices of frames, with what takes them back, in the order in which they came in."""
    chosen: dict[int, Edit] = {}
    for one in _select(project, "kind IN ('star', 'note', 'frames', 'undo', 'redo')"):
        if one.undoes is None or one.undoes in chosen:
            chosen[one.id] = one
    return list(chosen.values())


def pair_frames(project: Project) -> dict[int, tuple[int, ...]]:
    """Return the rainy frames that people chose for the pairs, by the sequence's id."""
    return {number: one.frames for number, one in remarks(project).items() if one.frames is not None}


def latest(project: Project, who: str, before: int | None = None) -> list[Edit]:
    """Return a person's latest current edit with the rest of its batch, in the order in which they were made.

    Args:
        project: The project.
        who: The person.
        before: Look only at edits with a lower id.
    """
    number = project.value(
        f"SELECT id FROM edit WHERE who = ? AND id < ? AND kind NOT IN ('undo', 'redo') AND {journals.CURRENT_EDITS} "
        "ORDER BY id DESC LIMIT 1", who, (1 << 62) if before is None else before,
    )  # fmt: skip
    return _batch(project, number)


def latest_undo(project: Project, who: str) -> list[Edit]:
    """Return a person's latest undo with the rest of its batch; nothing where they have done something since."""
    number = project.value(
        f"SELECT id FROM edit WHERE who = ? AND kind = 'undo' AND {journals.CURRENT_EDITS} AND id > coalesce(("
        "SELECT id FROM edit "
        "WHERE who = ? AND kind NOT IN ('undo', 'redo') ORDER BY id DESC LIMIT 1), 0) ORDER BY id DESC LIMIT 1",
        who, who,
    )  # fmt: skip
    return _batch(project, number)


def edit(project: Project, edit_id: int) -> Edit:
    """Return one edit by its id."""
    return _select(project, "edit.id = ?", edit_id)[0]


def _batch(project: Project, number: int | None) -> list[Edit]:
    if number is None:
        return []
    last = edit(project, number)
    batch = _select(
        project,
        f"who = ? AND batch = ? AND (kind = 'undo') = ? AND kind != 'redo' AND {journals.CURRENT_EDITS}",
        last.who, last.batch, last.kind == "undo",
    )  # fmt: skip
    return [replace(each, others=len(batch) - 1) for each in batch]


def _select(project: Project, where: str, *values: Any) -> list[Edit]:
    rows = project.rows(
        "SELECT edit.*, sequence.name AS sequence FROM edit JOIN sequence ON sequence_id = sequence.id "
        f"WHERE {where} ORDER BY edit.id", *values,
    )  # fmt: skip
    return [Edit.from_row(row) for row in rows]
