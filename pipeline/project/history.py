"""History of a sequence: what was done to it, by whom and when, in plain words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from pipeline.project import journals
from pipeline.project.analysis import analyses, candidate, candidates, verdict_of
from pipeline.project.clips import clip, property_names
from pipeline.project.decisions import decisions, opinions
from pipeline.project.editing import Edit, edits
from pipeline.project.model import REASONS, Decision, Sequence
from pipeline.project.storage import Project, listed
from pipeline.text_format import counted
from rainclean.video import Region


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One thing that was done.

    Attributes:
        at: Time, UTC, ISO.
        who: The person, or "" for rainclean.
        text: What was done; it ends with "(undone)" where that was taken back.
        undone: Whether it was taken back.
    """

    at: str
    who: str
    text: str
    undone: bool = False


def history(project: Project, sequence: Sequence) -> list[HistoryEntry]:
    """Return what was done to a sequence, earliest first.

    Undoing is no entry of its own: what was taken back says so. Of a second opinion only that it was given is said.
    """
    entries = [HistoryEntry(at=clip(project, sequence.clip_id).added, who="", text="added")]
    entries += _analyses(project, sequence)
    entries += _decisions(project, sequence)
    rows = opinions.journal(project, sequence.id)
    current = journals.standing({row.id: row.undoes for row in rows})
    entries += [
        _entry(row.at, row.who, "gave a second opinion", undone=row.id not in current)
        for row in rows
        if row.undoes is None
    ]
    entries += _edits(project, sequence)
    return sorted(entries, key=lambda entry: journals.moment(entry.at))


def _entry(at: str, who: str, text: str, *, undone: bool = False) -> HistoryEntry:
    return HistoryEntry(at=at, who=who, text=f"{text} (undone)" if undone else text, undone=undone)


def _analyses(project: Project, sequence: Sequence) -> Iterator[HistoryEntry]:
    for one in analyses(project, sequence.id):
        if one.origin != "analysis":
            continue
        by = f"by rainclean {one.rainclean}"
        if one.error:
            yield _entry(one.finished, "", f"analysis {by} failed: {one.error}")
            continue
        verdict = verdict_of(one.verdict)
        judged = f", {verdict.state}" if verdict else ""
        number = counted(len(candidates(project, one.id)), "candidate")
        yield _entry(one.finished, "", f"analysed {by}: {number}{judged}")


def _decisions(project: Project, sequence: Sequence) -> Iterator[HistoryEntry]:
    rows = decisions.journal(project, sequence.id)
    current = journals.standing({row.id: row.undoes for row in rows})
    for row in rows:
        if row.undoes is None:
            who = "" if row.kind == "automatic" else row.who
            yield _entry(row.at, who, _decision(project, row), undone=row.id not in current)


def _decision(project: Project, row: Decision) -> str:
    text: str = "accepted automatically" if row.kind == "automatic" else row.verdict
    if row.candidate_id is not None:
        text += f" {candidate(project, row.candidate_id).label}"
    if row.reasons:
        text += f" ({', '.join(dict(REASONS).get(key, key) for key in row.reasons)})"
    if row.exclude:
        text += ", with an exclusion mask"
    return text + (f": {row.note}" if row.note else "")


def _edits(project: Project, sequence: Sequence) -> Iterator[HistoryEntry]:
    rows = edits.journal(project, sequence.id)
    current = journals.standing({row.id: row.undoes for row in rows})
    shown = [row for row in rows if row.kind not in ("undo", "redo", "decision", "opinion", "base")]
    # A person paints many strokes one after the other: they are one thing.
    for _, group in groupby(shown, lambda row: _key(row, undone=row.id not in current)):
        several = list(group)
        kind, who, undone = several[0].kind, several[0].who, several[0].id not in current
        if kind in ("paint", "exclude"):
            yield _entry(several[-1].at, who, _painted(project, several), undone=undone)
        else:
            for row in several:
                yield _entry(row.at, who, _edit(project, row), undone=undone)


def _key(row: Edit, *, undone: bool) -> str:
    """Return what edits that are told together have in common."""
    return f"{row.kind} {row.candidate_id if row.kind == 'paint' else ''} {undone} {row.who}"


def _painted(project: Project, rows: list[Edit]) -> str:
    number = counted(len(rows), "shape")
    if rows[0].kind == "exclude":
        return f"excluded: {number}"
    number_of = rows[0].candidate_id
    return f"painted {number} with {candidate(project, number_of).label}" if number_of else f"painted {number}"


def _edit(project: Project, row: Edit) -> str:
    value = row.value
    if row.kind == "star":
        return "starred" if value.starred else "removed the star"
    if row.kind == "note":
        return f"note: {value.text}" if value.text else "removed the note"
    if row.kind == "frames":
        return (
            "chose the rainy frames " + _list(value.frames) if value.frames else "left the rainy frames to the export"
        )
    if row.kind == "keep" and row.candidate_id is not None:
        return f"kept {candidate(project, row.candidate_id).label}"
    if row.kind == "remove":
        return "removed" if (value.after or {}).get("removed") else "brought back"
    if row.kind == "properties":
        return _properties(value.after or {})
    return {"remove_layer": "removed a layer", "feather": "changed the feather of a layer"}.get(row.kind, row.kind)


def _properties(after: dict[str, object]) -> str:
    """Return what was set: ``set scene to "mill" and in point to frame 10``."""
    if "scene_by" in after and "scene" not in after:
        after = {**after, "scene": None}
    parts = []
    for column, value in after.items():
        if column == "scene_by":
            continue
        name = property_names({column: value})
        if column == "scene" and value is None:
            parts.append("confirmed the scene")
        elif column in ("chosen_first", "chosen_last"):
            shot = "the first" if column == "chosen_first" else "the last"
            frame = f"frame {value if column == 'chosen_first' else value - 1}" if isinstance(value, int) else shot
            parts.append(f"set {name} to {frame}")
        elif column == "chosen_region":
            region = Region(*listed(str(value))) if value else None
            where = (
                "the whole frame" if region is None else f"{region.width}×{region.height} px at {region.x}, {region.y}"
            )
            parts.append(f"set {name} to {where}")
        else:
            parts.append(f"set {name} to {value}" if value else f"cleared {name}")
    return ", ".join(parts)


def _list(frames: Iterable[int] | None) -> str:
    return ", ".join(map(str, frames or ()))
