"""Properties of sequences: changed, taken back and done again as rows of the journal of edits.

A property has the value of the latest current edit that sets it. Without one it has the value from before the first.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from pipeline.project import journals
from pipeline.project.model import ORIGIN, Chosen
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project, mapped
from pipeline.text_format import one_line
from rainclean.errors import UsageError
from rainclean.video import Region

Columns = dict[str, Any]
"""Columns of the table of sequences, with values as they are stored."""

_NAMES = {
    "display_name": "display name",
    "scene": "scene",
    **{name: name for name in ORIGIN},
    "chosen_first": "in point",
    "chosen_last": "out point",
    "chosen_region": "region",
    "scene_by": "scene",
}
"""Column → what a person calls it."""

_COLUMNS = frozenset({*_NAMES, "removed"})


@dataclass(frozen=True, kw_only=True)
class Properties:
    """Changes of the properties of sequences. None leaves a property unchanged.

    Attributes:
        display_name: What a person calls the sequence; "" for its name.
        scene: The place that was filmed.
        first: In point, index in the clip.
        stop: First frame after the out point.
        region: Region in the upright frame for the next analysis; "whole" for the whole frame.
        confirm_scene: True makes a suggested scene the person's choice.
    """

    display_name: str | None = None
    scene: str | None = None
    licence: str | None = None
    author: str | None = None
    source: str | None = None
    consent: str | None = None
    notes: str | None = None
    first: int | None = None
    stop: int | None = None
    region: Region | Literal["whole"] | None = None
    confirm_scene: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is changed."""
        return all(getattr(self, field.name) is None for field in fields(self))


def set_properties(
    project: Project, sequences: Sequence[ClipSequence], changes: Properties, who: str, *, batch: str = ""
) -> None:
    """Change properties of sequences inside a transaction, and record that as one batch of edits.

    Args:
        project: The project.
        sequences: The sequences.
        changes: What is changed, of all of them.
        who: The person.
        batch: Name of the batch; by default a new one.

    Raises:
        UsageError: A text cannot be stored, a scene is "", or frames or region do not fit a clip.
    """
    texts = {
        name: one_line(value, f"--{name.replace('_', '-')}")
        for name in ("display_name", "scene", *ORIGIN)
        if (value := getattr(changes, name)) is not None
    }
    if texts.get("scene") == "":
        raise UsageError("--scene '': a scene needs a name")
    batch = batch or journals.new_batch()
    for sequence in sequences:
        after: Columns = {**texts, **_chosen(project, sequence, changes)}
        if "scene" in texts or (changes.confirm_scene and _value(project, sequence.id, "scene_by") == "suggestion"):
            after["scene_by"] = "person"
        _change(project, sequence.id, after, who, kind="properties", batch=batch)
    follow_suggestions(project)


def set_removed(project: Project, sequence_ids: Iterable[int], who: str, *, removed: bool, batch: str = "") -> None:
    """Remove sequences from the lists of a project, or bring them back, inside a transaction.

    Args:
        project: The project.
        sequence_ids: The sequences.
        who: The person.
        removed: False brings them back.
        batch: Name of the batch; by default a new one.
    """
    batch = batch or journals.new_batch()
    for number in sequence_ids:
        _change(project, number, {"removed": int(removed)}, who, kind="remove", batch=batch)


def recompute(project: Project, sequence_id: int, columns: Iterable[str]) -> None:
    """Set columns of a sequence to what its current edits say, inside a transaction.

    Call `follow_suggestions` after the last of a batch.
    """
    rows = project.rows(
        f"SELECT id, value, at, {journals.CURRENT_EDITS} AS current FROM edit "
        "WHERE sequence_id = ? AND kind IN ('properties', 'remove')", sequence_id,
    )  # fmt: skip
    values: Columns = {}
    for row in sorted(rows, key=lambda row: (journals.moment(row["at"]), row["id"])):
        document = mapped(row["value"])
        for column, value in columns_of(document, "before").items():
            values.setdefault(column, value)
        if row["current"]:
            values |= columns_of(document, "after")
    for column in sorted(set(columns) & values.keys()):
        project.execute(f"UPDATE sequence SET {column} = ? WHERE id = ?", values[column], sequence_id)


def follow_suggestions(project: Project) -> None:
    """Set suggested scenes to the scene of the sequence that each looks like: one place must not become two scenes."""
    for row in project.rows("SELECT id, looks_like FROM sequence WHERE scene_by = 'suggestion' ORDER BY id"):
        # It looks like one that was added before it, so in this order each gets a final scene.
        project.execute(
            "UPDATE sequence SET scene = new.scene FROM (SELECT scene FROM sequence WHERE id = ?) AS new "
            "WHERE id = ? AND sequence.scene != new.scene",
            row["looks_like"], row["id"],
        )  # fmt: skip


def columns_of(document: Mapping[str, Any], key: str) -> Columns:
    """Return the columns that an edit's value holds under a key; {} where it holds none."""
    columns = document.get(key)
    if not isinstance(columns, dict):
        return {}
    if unknown := columns.keys() - _COLUMNS:
        raise ValueError(f"an edit changes {sorted(unknown)[0][:40]!r}")
    return dict(columns)


def property_names(columns: Mapping[str, Any]) -> str:
    """Return what a person calls the properties of some columns: ``scene and licence``."""
    names = list(dict.fromkeys(_NAMES[name] for name in _NAMES if name in columns))
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _change(project: Project, sequence_id: int, after: Columns, who: str, *, kind: str, batch: str) -> None:
    """Set columns of a sequence, and add the edit; nothing where they have these values."""
    before = {column: _value(project, sequence_id, column) for column in after}
    changed = {column: value for column, value in after.items() if value != before[column]}
    if not changed:
        return
    for column, value in changed.items():
        project.execute(f"UPDATE sequence SET {column} = ? WHERE id = ?", value, sequence_id)
    value = {"before": {column: before[column] for column in changed}, "after": changed}
    journals.append(
        project, "edit", sequence_id, who,
        batch=batch, kind=kind, value=json.dumps(value, ensure_ascii=False), candidate_id=None,
    )  # fmt: skip


def _value(project: Project, sequence_id: int, column: str) -> Any:
    assert column in _COLUMNS
    return project.value(f"SELECT {column} FROM sequence WHERE id = ?", sequence_id)


def _chosen(project: Project, sequence: ClipSequence, changes: Properties) -> Columns:
    """Return the columns of in point, out point and region. Raises UsageError where they do not fit the clip."""
    if changes.first is None and changes.stop is None and changes.region is None:
        return {}
    row = project.rows(
        "SELECT sequence.*, frame_count, width, height FROM sequence JOIN clip ON clip_id = clip.id "
        "WHERE sequence.id = ?", sequence.id,
    )[0]  # fmt: skip
    frame_count, size = row["frame_count"], (row["width"], row["height"])
    now = ClipSequence.from_row(row)
    first = now.first if changes.first is None else changes.first
    stop = now.stop if changes.stop is None else changes.stop
    after: Columns = {}
    if (first, stop) != (now.first, now.stop):
        if not 0 <= first < stop <= frame_count:
            raise UsageError(
                f"{sequence.name}: first {first} and stop {stop} do not fit; first must be at least 0 and less than "
                f"stop, and stop at most {frame_count}, the frames of the clip"
            )
        if stop - first < 2:
            raise UsageError(f"{sequence.name}: first {first} and stop {stop} leave 1 frame; at least 2 are needed")
    shot = now.shot
    chosen = Chosen(None if first == shot[0] else first, None if stop == shot[1] else stop).columns()
    if changes.first is not None:
        after["chosen_first"] = chosen["chosen_first"]
    if changes.stop is not None:
        after["chosen_last"] = chosen["chosen_last"]
    if changes.region is not None:
        region = None if changes.region == "whole" else Region(*map(int, changes.region))
        if region is not None:
            x, y, width, height = region
            if min(x, y) < 0 or min(width, height) < 1 or x + width > size[0] or y + height > size[1]:
                raise UsageError(
                    f"{sequence.name}: region {x},{y},{width},{height} lies outside the frame, which has "
                    f"{size[0]}×{size[1]} px"
                )
            if region == Region(0, 0, *size):
                region = None
        after["chosen_region"] = Chosen(region=region).columns()["chosen_region"]
    return after
