"""The journal of edits: what people did to sequences in the window, row by row, undone and done again by rows.

No numpy here: `status` asks for stars and notes.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Literal, Self

from pipeline.project.decisions import journals
from pipeline.project.storage import Project, checked, mapped

EditKind = Literal[
    "star", "note", "frames", "base", "paint", "remove_layer", "feather", "exclude", "keep", "decision", "opinion",
    "undo", "redo",
]  # fmt: skip

SAID: tuple[EditKind, ...] = ("star", "note", "frames")
"""Kinds that go along when decisions are exported: the others live on in composites and masks."""

_TOOLS = {"brush": "brush stroke", "rectangle": "rectangle", "lasso": "lasso", "fill": "fill"}

_STANDS = (
    "NOT EXISTS (SELECT 1 FROM edit AS taker WHERE taker.undoes = edit.id AND NOT EXISTS ("
    "SELECT 1 FROM edit AS giver WHERE giver.undoes = taker.id))"
)
"""Of a row that is neither undo nor redo, and of an undo: a redo is never taken back, its first row is undone again."""


@dataclass(frozen=True)
class Edit:
    """One row of the journal. sequence: its name. value: what was done, by kind. undoes: the row it takes back."""

    id: int
    uuid: str
    batch: str
    sequence_id: int
    kind: EditKind
    value: dict[str, Any]
    candidate_id: int | None
    undoes: int | None
    who: str
    at: str
    sequence: str

    @classmethod
    def of(cls, row: Any) -> Self:
        """The edit of a row, as `Decision.of`."""
        return checked(cls(**{**row, "value": mapped(row["value"])}))

    @property
    def words(self) -> str:
        """For a person: ``brush stroke on table``, ``acceptance of cat``."""
        return f"{self._what()} {self.sequence}"

    def _what(self) -> str:
        value = self.value
        if self.kind in ("paint", "exclude"):
            tool = _TOOLS.get(value["shape"].get("tool"), "shape")
            tool = f"erasing {tool}" if value["shape"].get("erase") else tool
            return f"{tool} {'on' if self.kind == 'paint' else 'in the exclusion mask of'}"
        if self.kind == "decision":
            return {"accepted": "acceptance of", "rejected": "rejection of"}.get(value["verdict"], "reopening of")
        if self.kind == "opinion":
            return "opinion on"
        return {
            "star": "star on" if value.get("on") else "taking the star from",
            "note": "note on",
            "frames": "choice of rainy frames of",
            "base": "base of",
            "remove_layer": "removal of a layer of",
            "feather": "feather of a layer of",
            "keep": "kept candidate of",
        }.get(self.kind, self.kind)


def new_batch() -> str:
    """A name for rows that are taken back together."""
    return uuid.uuid4().hex


def append(
    project: Project,
    sequence_id: int,
    kind: EditKind,
    value: dict[str, Any],
    who: str,
    batch: str = "",
    candidate_id: int | None = None,
    undoes: int | None = None,
) -> Edit:
    """Add a row inside a transaction. batch: of a row that belongs with others."""
    number = project.insert(
        "edit",
        uuid=str(uuid.uuid4()),
        batch=batch or new_batch(),
        sequence_id=sequence_id,
        kind=kind,
        value=json.dumps(value, ensure_ascii=False),
        candidate_id=candidate_id,
        undoes=undoes,
        who=who,
        at=journals.stamp(project, "edit", sequence_id),
    )
    return _select(project, "edit.id = ?", number)[0]


def edits_of(project: Project, sequence_id: int) -> list[Edit]:
    """The edits of a sequence that stand, of all people, in the order in which they were made."""
    stand = _select(project, f"sequence_id = ? AND kind NOT IN ('undo', 'redo') AND {_STANDS}", sequence_id)
    return sorted(stand, key=lambda e: (journals.moment(e.at), e.id))


def said(project: Project, sequence_ids: list[int] | None = None) -> dict[int, dict[str, Any]]:
    """What was said last of sequences, by id: "on" (star), "text" (note), "frames"; all of them if none is named."""
    marks = "" if sequence_ids is None else f" AND sequence_id IN ({', '.join('?' * len(sequence_ids))})"
    rows = project.rows(
        f"SELECT id, sequence_id, value, at FROM edit WHERE kind IN ('star', 'note', 'frames') AND {_STANDS}{marks}",
        *(sequence_ids or ()),
    )
    found: dict[int, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (journals.moment(row["at"]), row["id"])):
        found.setdefault(row["sequence_id"], {}).update(mapped(row["value"]))
    return found


def all_said(project: Project) -> list[Edit]:
    """All stars, notes and choices of frames, with what takes them back, in the order in which they came in."""
    chosen: dict[int, Edit] = {}
    for edit in _select(project, "kind IN ('star', 'note', 'frames', 'undo', 'redo')"):
        if edit.undoes is None or edit.undoes in chosen:
            chosen[edit.id] = edit
    return list(chosen.values())


def pair_frames(project: Project) -> dict[int, tuple[int, ...]]:
    """The rainy frames that people chose for the pairs, by the sequence's id."""
    chosen = ((number, value.get("frames")) for number, value in said(project).items())
    return {number: tuple(frames) for number, frames in chosen if frames is not None}


def latest(project: Project, who: str, before: int | None = None) -> list[Edit]:
    """A person's latest edit that stands, with the rest of its batch, in the order in which they were made.

    before: only edits with a lower id.
    """
    number = project.value(
        f"SELECT id FROM edit WHERE who = ? AND id < ? AND kind NOT IN ('undo', 'redo') AND {_STANDS} "
        "ORDER BY id DESC LIMIT 1", who, (1 << 62) if before is None else before,
    )  # fmt: skip
    return _batch(project, number)


def latest_undo(project: Project, who: str) -> list[Edit]:
    """A person's latest undoing that stands, unless they have done something since; with the rest of its batch."""
    number = project.value(
        f"SELECT id FROM edit WHERE who = ? AND kind = 'undo' AND {_STANDS} AND id > coalesce((SELECT id FROM edit "
        "WHERE who = ? AND kind NOT IN ('undo', 'redo') ORDER BY id DESC LIMIT 1), 0) ORDER BY id DESC LIMIT 1",
        who, who,
    )  # fmt: skip
    return _batch(project, number)


def edit(project: Project, edit_id: int) -> Edit:
    """One edit by its id."""
    return _select(project, "edit.id = ?", edit_id)[0]


def _batch(project: Project, number: int | None) -> list[Edit]:
    if number is None:
        return []
    last = edit(project, number)
    rows = _select(
        project,
        f"who = ? AND batch = ? AND (kind = 'undo') = ? AND kind != 'redo' AND {_STANDS}",
        last.who, last.batch, last.kind == "undo",
    )  # fmt: skip
    return rows


def _select(project: Project, where: str, *values: Any) -> list[Edit]:
    rows = project.rows(
        "SELECT edit.*, sequence.name AS sequence FROM edit JOIN sequence ON sequence_id = sequence.id "
        f"WHERE {where} ORDER BY edit.id", *values,
    )  # fmt: skip
    return [Edit.of(row) for row in rows]
