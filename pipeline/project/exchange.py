"""Decisions of one project in another: lines of JSON, in which everything is named by its content.

What people decided, their second opinions, stars, notes and chosen frames go along; candidates that only a person
could make (composites, kept ones) with their pictures, in a folder beside the file.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.project import decisions, edits, kept, opinions
from pipeline.project.analyses import analyses, analysis, candidate, rain_amounts, rain_text
from pipeline.project.exchange_lines import DEFECTS, FORMAT, HEADER, Line, read_lines
from pipeline.project.findings import decode_steadying
from pipeline.project.model import Decision
from pipeline.project.sequences import sequences
from pipeline.project.store import Project
from pipeline.words import counted, few
from rainclean import __version__
from rainclean.errors import InputError, RaincleanError, ResourceError
from rainclean.formats.png import decode_png
from rainclean.video import Region


@dataclass(frozen=True)
class Conflict:
    """People decided differently on a sequence: each one's latest decision that stands, the one that holds first."""

    sequence: str
    decisions: tuple[Decision, ...]


@dataclass
class Imported:
    """What was taken in, by type of line; how many were there before; and what was left out."""

    added: Counter[str] = field(default_factory=Counter)
    known: int = 0
    notes: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def conflicts(project: Project) -> list[Conflict]:
    """The sequences on which people decided differently, in the order in which they were added."""
    rows = {row["id"]: row for row in project.rows("SELECT id, picture FROM candidate")}
    standing = decisions.by_sequence(project)
    found = []
    for sequence in sequences(project):
        of_people = tuple(decisions.of_people(standing.get(sequence.id, ())).values())
        if decisions.differ(of_people, rows):
            found.append(Conflict(sequence.name, of_people))
    return found


def export_decisions(project: Project, target: Path) -> Counter[str]:
    """Write a file, and pictures into ``<target>.pictures``; returns how many lines of each type.

    Raises RaincleanError where a picture or mask is damaged, or nothing can be written.
    """
    pictures: set[str] = set()
    with project.snapshot():
        lines = list(_lines(project, pictures))
    # Files are read after the snapshot, as they are written before a transaction: others need not wait for them.
    for line in lines:
        if line["type"] == "decision":
            mask = project.artefacts.read(line["exclude"]) if line["exclude"] else b""
            line["exclude"] = base64.b64encode(mask).decode()
    header = {HEADER: FORMAT, "rainclean": __version__, "project": project.uuid}
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (header, *lines))
    folder = _pictures_of(target)
    partial = target.with_name(f".{target.name}.partial")
    try:
        for name in sorted(pictures):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(project.artefacts.read(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        # The file comes last: where it is, its pictures are.
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ResourceError(f"{error.filename or target}: {error.strerror or error}") from error
    return Counter(str(line["type"]) for line in lines)


def import_decisions(project: Project, paths: Sequence[Path]) -> Imported:
    """Take in files that `export_decisions` wrote, all or nothing; what is there already stays as it is.

    Lines on sequences and candidates that this project does not have are left out and noted; the same file may be
    given again when it has them. Raises InputError, with the number of the line, for damaged files.
    """
    lines = [line for path in paths for line in read_lines(path)]
    importing = _Importing(project, lines)
    with project.transaction():
        importing.run()
    importing.result.conflicts = conflicts(project)
    return importing.result


def _lines(project: Project, pictures: set[str]) -> Iterator[dict[str, Any]]:
    """All lines; fills ``pictures`` with those that have to go along."""
    named = {
        row["id"]: {"clip": row["content"], "first": row["first"], "last": row["last"], "name": row["name"]}
        for row in project.rows(
            "SELECT sequence.id, content, first, last, name FROM sequence JOIN clip ON clip_id = clip.id"
        )
    }
    for kind, rows in (("decision", decisions.journal(project)), ("opinion", opinions.journal(project))):
        uuids = {row.id: row.uuid for row in rows}
        for row in rows:
            line = {"type": kind, **asdict(row), "sequence": named[row.sequence_id]}
            line["candidate"] = None if row.candidate_id is None else _named(project, row.candidate_id, pictures)
            line["undoes"] = None if row.undoes is None else uuids[row.undoes]
            yield _without_ids(line)
    uuids = {}
    for edit in edits.all_said(project):
        uuids[edit.id] = edit.uuid
        line = {"type": "edit", **asdict(edit), "sequence": named[edit.sequence_id]}
        line["undoes"] = None if edit.undoes is None else uuids[edit.undoes]
        yield _without_ids(line)


def _without_ids(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in ("id", "sequence_id", "candidate_id")}


def _named(project: Project, candidate_id: int, pictures: set[str]) -> dict[str, Any]:
    """A candidate by its content; one that a person made with all that it is."""
    one = candidate(project, candidate_id)
    line: dict[str, Any] = {"name": one.name, "recipe_hash": one.recipe_hash, "picture": one.picture}
    of = analysis(project, one.analysis_id)
    if of.origin != "analysis":
        pictures |= {name for name in (one.picture, of.steadying) if name}
        line["made"] = {
            "origin": of.origin,
            "settings": of.settings,
            "reference_frame": of.reference_frame,
            "region": list(of.region),
            "rain": rain_amounts(project, of.id),
            "steadying": of.steadying,
            "recipe": one.recipe,
            "percentile": one.percentile,
            "eta": one.eta,
            "silent_share": one.silent_share,
            **{name: getattr(one, name) for name in DEFECTS},
        }
    return line


class _Importing:
    """One import: finds what lines name, and adds rows inside the caller's transaction."""

    def __init__(self, project: Project, lines: Sequence[Line]) -> None:
        self._project, self._lines = project, lines
        self.result = Imported()
        self._sequences = self._found_sequences()
        self._unknown_sequences: set[str] = set()
        self._left_out: Counter[str] = Counter()
        # Files are written before the transaction: others need not wait for them.
        self._pictures = {name for line in lines for name in (*self._take_picture(line), *self._take_steadying(line))}
        self._masks = {id(line): self._take_mask(line) for line in lines if line.values.get("exclude")}

    def run(self) -> None:
        """Add all lines that can be added."""
        self._ids = {kind: self._known(kind) for kind in ("decision", "opinion", "edit")}
        waiting = list(self._lines)
        while waiting:
            # What takes back comes after what is taken back, in whatever order files and lines stand.
            later = [line for line in waiting if not self._add(line)]
            if len(later) == len(waiting):
                break
            waiting = later
        if waiting:
            self._left_out["takes back what is not there"] += len(waiting)
        if self._unknown_sequences:
            names = sorted(self._unknown_sequences)
            self.result.notes.append(f"left out, this project does not have the clips of: {few(names)}")
        self.result.notes += [f"{counted(n, 'line')} left out: {why}" for why, n in sorted(self._left_out.items())]

    def _found_sequences(self) -> dict[tuple[str, int, int], Any]:
        of_clip = {row["id"]: row["content"] for row in self._project.rows("SELECT id, content FROM clip")}
        return {(of_clip[s.clip_id], s.first, s.last): s for s in sequences(self._project)}

    def _known(self, table: str) -> dict[str, tuple[int, int, str]]:
        """Of each row by its UUID: id, sequence and, of edits, kind."""
        kind = "kind" if table == "edit" else "''"
        rows = self._project.rows(f"SELECT uuid, id, sequence_id, {kind} FROM {table}")
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def _add(self, line: Line) -> bool:
        """Add one line, or note why not; False where it has to wait for another one."""
        values, known = line.values, self._ids[line.type]
        if values["uuid"] in known:
            self.result.known += 1
            return True
        sequence = self._sequences.get(values["sequence"])
        if sequence is None:
            self._unknown_sequences.add(values["name"])
            return True
        target = None
        if values["undoes"] is not None:
            if values["undoes"] not in known:
                return False
            target, of, kind = known[values["undoes"]]
            wanted = {"undo": edits.SAID, "redo": ("undo",)}.get(values.get("kind", ""), ("",))
            if of != sequence.id or kind not in wanted:
                raise line.error("takes back something else than it can")
        columns = {"uuid": values["uuid"], "sequence_id": sequence.id, "undoes": target}
        columns |= {name: values[name] for name in ("who", "at")}
        if line.type == "edit":
            columns |= {name: values[name] for name in ("kind", "batch")}
            columns["value"] = json.dumps(values["value"], ensure_ascii=False)
        else:
            chosen = self._candidate(line, sequence) if values["candidate"] else None
            if values["candidate"] and chosen is None:
                return True
            columns |= {"candidate_id": chosen, "verdict": values["verdict"], "note": values["note"]}
            columns["reasons"] = json.dumps(values["reasons"])
        if line.type == "decision":
            columns |= {"kind": values["kind"], "exclude": self._masks.get(id(line), "")}
        number = self._project.insert(line.type, **columns)
        known[values["uuid"]] = number, sequence.id, values.get("kind", "") if line.type == "edit" else ""
        self.result.added[line.type] += 1
        return True

    def _candidate(self, line: Line, sequence: Any) -> int | None:
        """The candidate that a line names, made if need be; None, and noted, where that cannot be."""
        named = line.values["candidate"]
        number = self._project.value(
            "SELECT candidate.id FROM candidate JOIN analysis ON analysis_id = analysis.id "
            "WHERE sequence_id = ? AND recipe_hash = ? AND picture = ? ORDER BY candidate.id LIMIT 1",
            sequence.id, named["recipe_hash"], named["picture"],
        )  # fmt: skip
        if number is not None:
            return int(number)
        if named["made"] is None:
            self._left_out["candidates that analyze has not made here, or has made otherwise"] += 1
            return None
        if not {named["picture"], named["made"]["steadying"]} <= self._pictures | {""}:
            self._left_out[f"pictures that are not in {_pictures_of(line.path).name}"] += 1
            return None
        return self._make(line, sequence, named)

    def _make(self, line: Line, sequence: Any, named: dict[str, Any]) -> int:
        made = named["made"]
        if len(made["rain"]) != sequence.frame_count:
            raise line.error("has rain amounts of another number of frames")
        row = {
            "rank": 1,
            "name": named["name"],
            "recipe": json.dumps(made["recipe"], ensure_ascii=False),
            "recipe_hash": named["recipe_hash"],
            "merged": "[]",
            "picture": named["picture"],
            **{name: made[name] for name in ("percentile", "eta", "silent_share", *DEFECTS)},
        }
        like = self._like(sequence, made)
        columns = {
            "reference_frame": made["reference_frame"],
            "region": json.dumps(made["region"]),
            "rain": rain_text(made["rain"]),
            "steadying": made["steadying"],
        }
        return kept.store_made(self._project, sequence.id, (made["settings"], row), made["origin"], like, **columns).id

    def _like(self, sequence: Any, made: dict[str, Any]) -> Any:
        """An analysis of the same frames, used alike: then its crowd, and what it found, hold here, too.

        Another machine may steady them otherwise in the last digits: that of the candidate stays its own.
        """
        same = (made["reference_frame"], Region(*made["region"]), bool(made["steadying"]))
        there = (a for a in analyses(self._project, sequence.id) if not a.error)
        alike = [a for a in there if (a.reference_frame, a.region, bool(a.steadying)) == same]
        return min(alike, key=lambda a: a.steadying != made["steadying"], default=None)

    def _take_picture(self, line: Line) -> Iterator[str]:
        """Take the picture of a candidate that a person made into the project; yields its name if it is there."""
        named = line.values.get("candidate")
        if not named or named["made"] is None or line.values["sequence"] not in self._sequences:
            return
        path = _pictures_of(line.path) / named["picture"]
        if not path.is_file():
            return
        data = path.read_bytes()
        try:
            picture = decode_png(data, path)
        except InputError as error:
            raise line.error(str(error)) from None
        x, y, width, height = named["made"]["region"]
        if picture.shape != (height, width, 3) or min(x, y) < 0:
            raise line.error(f"{path.name} has another size than its region")
        if self._project.artefacts.put(data, ".png") != named["picture"]:
            raise line.error(f"{path.name} is not the picture that was exported")
        yield named["picture"]

    def _take_steadying(self, line: Line) -> Iterator[str]:
        """As `_take_picture`, of how the frames of that candidate were steadied."""
        named = line.values.get("candidate")
        if not named or named["made"] is None:
            return
        wanted = str(named["made"]["steadying"])
        if not wanted or line.values["sequence"] not in self._sequences:
            return
        path = _pictures_of(line.path) / wanted
        if not path.is_file():
            return
        data = path.read_bytes()
        try:
            steadying = decode_steadying(data, path)
        except InputError as error:
            raise line.error(str(error)) from None
        if list(steadying.region) != named["made"]["region"]:
            raise line.error(f"{path.name} is of another region than its candidate")
        if self._project.artefacts.put(data, ".json") != wanted:
            raise line.error(f"{path.name} is not the steadying that was exported")
        yield wanted

    def _take_mask(self, line: Line) -> str:
        """Take an exclusion mask into the project; returns its artefact's name."""
        data = line.values["exclude"]
        try:
            mask = decode_png(data, "exclusion mask")
        except RaincleanError as error:
            raise line.error(str(error)) from None
        if mask.ndim != 2 or ((mask != 0) & (mask != 255)).any():
            raise line.error("an exclusion mask holds 0 and 255 only")
        return self._project.artefacts.put(data, ".png")


def _pictures_of(path: Path) -> Path:
    return path.with_name(path.name + ".pictures")
