"""Decisions of one project in another: lines of JSON, in which everything is named by its content.

What people decided, their second opinions, stars, notes and chosen frames go along; candidates that only a person
could make (composites, kept ones) with their pictures, in a folder beside the file.
"""

import base64
import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.border import border
from pipeline.project.analysis import analyses, analysis, candidate, decode_stabilization, rain_amounts, rain_text
from pipeline.project.clips import sequences
from pipeline.project.decisions import decisions, opinions
from pipeline.project.editing import edits, made_candidates
from pipeline.project.exchange.lines import DEFECTS, FORMAT, HEADER, LONGEST, Line, read_lines
from pipeline.project.model import Decision
from pipeline.project.storage import Project
from pipeline.words import counted, few
from rainclean import __version__
from rainclean.errors import InputError, RaincleanError, ResourceError
from rainclean.png import PngHeader, decode_png, png_header
from rainclean.video import Region

_OVERHEAD = 1 << 20
"""Bytes of a PNG file beside its pixels, at most."""


@dataclass(frozen=True)
class Conflict:
    """People decided differently on a sequence: each one's latest decision that stands, the one that holds first."""

    sequence: str
    decisions: tuple[Decision, ...]


@dataclass
class Imported:
    """What was taken in, by type of line; how many were there before; what was left out, and what refused.

    lines: how many there were. refused: a line for each that means nothing, and each file that is none, with why.
    """

    added: Counter[str] = field(default_factory=Counter)
    known: int = 0
    lines: int = 0
    refused: list[str] = field(default_factory=list)
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


def export_decisions(project: Project, target: Path, left_out: list[str] | None = None) -> Counter[str]:
    """Write a file, and pictures into ``<target>.pictures``; returns how many lines of each type.

    left_out: takes a line for each decision that cannot be written, because its picture or mask is damaged; without
    it that is raised. Raises RaincleanError, also where nothing can be written.
    """
    pictures: set[str] = set()
    with project.snapshot():
        lines = list(_lines(project, pictures))
    header = {HEADER: FORMAT, "rainclean": __version__, "project": project.uuid}
    folder = _pictures_of(target)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise RaincleanError(f"{folder}: is a link or a file, and pictures are to be written there; move it away")
    partial = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    written, taken = set[str](), []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # The file comes last: where it is, its pictures are.
        with partial.open("xb") as file:
            file.write(_as_text(header))
            # Files are read after the snapshot, as they are written before a transaction: others need not wait.
            for line in lines:
                try:
                    _put_pictures(project, folder, pictures & _pictures_in(line), written)
                    if line.get("exclude"):
                        line["exclude"] = base64.b64encode(project.artefacts.read(line["exclude"])).decode()
                except InputError as error:
                    if left_out is None:
                        raise
                    left_out.append(f"{line['sequence']['name']}: {line['type']} by {line['who']}: {error}")
                    continue
                file.write(_as_text(line))
                taken.append(line)
        partial.replace(target)
    except OSError as error:
        raise ResourceError(f"{error.filename or target}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return Counter(str(line["type"]) for line in taken)


def _as_text(line: dict[str, Any]) -> bytes:
    """A line of the file. What is no text, which an older rainclean took in unseen, is written as codes."""
    try:
        return (json.dumps(line, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(line) + "\n").encode()


def _pictures_in(line: dict[str, Any]) -> set[str]:
    named = line.get("candidate") or {}
    return {named.get("picture", ""), (named.get("made") or {}).get("steadying", "")}


def _put_pictures(project: Project, folder: Path, names: set[str], written: set[str]) -> None:
    for name in sorted(names - written):
        data = project.artefacts.read(name)
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{name}.{secrets.token_hex(4)}"
        try:
            with partial.open("xb") as file:
                file.write(data)
            partial.replace(folder / name)  # a link of that name goes, what it leads to stays
        finally:
            partial.unlink(missing_ok=True)
        written.add(name)


def import_decisions(project: Project, paths: Sequence[Path]) -> Imported:
    """Take in files that `export_decisions` wrote; what is there already stays as it is.

    Lines on sequences and candidates that this project does not have are left out and noted; the same file may be
    given again when it has them. Lines that mean nothing here (a mask of another size, a recipe that is none) are
    refused one by one, and the rest is taken. Raises InputError where no file is one of an export.
    """
    refused: list[str] = []
    lines: list[Line] = []
    failed: list[InputError] = []
    for path in paths:
        try:
            lines += read_lines(path, refused.append)
        except InputError as error:
            failed.append(error)
    if len(failed) == len(paths):
        raise failed[0]
    refused = [*map(str, failed), *refused]
    importing = _Importing(project, lines, refused)
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
        pictures |= {name for name in (one.picture, of.stabilization) if name}
        line["made"] = {
            "origin": of.origin,
            "settings": of.settings,
            "reference_frame": of.reference_frame,
            "region": list(of.region),
            "rain": rain_amounts(project, of.id),
            "steadying": of.stabilization,
            "recipe": one.recipe,
            "percentile": one.percentile,
            "eta": one.eta,
            "silent_share": one.silent_share,
            **{name: getattr(one, name) for name in DEFECTS},
            **({"more_scores": one.more_scores} if one.more_scores else {}),
        }
    return line


class _Importing:
    """One import: finds what lines name, and adds rows inside the caller's transaction."""

    def __init__(self, project: Project, lines: Sequence[Line], refused: list[str]) -> None:
        self._project = project
        self.result = Imported(lines=len(lines) + len(refused), refused=refused)
        self._sequences, self._sizes = self._found_sequences()
        self._unknown_sequences: set[str] = set()
        self._left_out: Counter[str] = Counter()
        # Files are written before the transaction: others need not wait for them.
        self._pictures: set[str] = set()
        self._masks: dict[int, str] = {}
        self._lines = []
        for line in lines:
            with border(line.path, refused.append, through=(ResourceError,)):
                self._check(line)
                self._pictures.update(self._take_picture(line), self._take_stabilization(line))
                if line.values.get("exclude"):
                    self._masks[id(line)] = self._take_mask(line)
                self._lines.append(line)

    def run(self) -> None:
        """Add all lines that can be added."""
        self._ids = {kind: self._known(kind) for kind in ("decision", "opinion", "edit")}
        waiting = list(self._lines)
        while waiting:
            # What takes back comes after what is taken back, in whatever order files and lines stand.
            later = [line for line in waiting if not self._added(line)]
            if len(later) == len(waiting):
                break
            waiting = later
        if waiting:
            self._left_out["takes back what is not there"] += len(waiting)
        if self._unknown_sequences:
            names = sorted(self._unknown_sequences)
            self.result.notes.append(f"left out, this project does not have the clips of: {few(names)}")
        self.result.notes += [f"{counted(n, 'line')} left out: {why}" for why, n in sorted(self._left_out.items())]

    def _found_sequences(self) -> tuple[dict[tuple[str, int, int], Any], dict[int, tuple[int, int]]]:
        """Sequences by what lines name them by; width and height of each clip."""
        rows = {row["id"]: row for row in self._project.rows("SELECT id, content, width, height FROM clip")}
        sizes = {number: (row["width"], row["height"]) for number, row in rows.items()}
        return {(rows[s.clip_id]["content"], s.first, s.last): s for s in sequences(self._project)}, sizes

    def _known(self, table: str) -> dict[str, tuple[int, int, str]]:
        """Of each row by its UUID: id, sequence and, of edits, kind."""
        kind = "kind" if table == "edit" else "''"
        rows = self._project.rows(f"SELECT uuid, id, sequence_id, {kind} FROM {table}")
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def _check(self, line: Line) -> None:
        """Raise InputError for a candidate that cannot be one of its sequence."""
        sequence, named = self._sequences.get(line.values["sequence"]), line.values.get("candidate")
        if sequence is None or not named or named["made"] is None:
            return
        made = named["made"]
        (x, y, width, height), (whole_width, whole_height) = made["region"], self._sizes[sequence.clip_id]
        if x + width > whole_width or y + height > whole_height:
            raise line.error(f"its region lies outside of the frame, which has {whole_width}×{whole_height} px")
        if not sequence.first <= made["reference_frame"] < sequence.last:
            raise line.error("its reference frame lies outside of the sequence")
        if len(made["rain"]) != sequence.frame_count:
            raise line.error("has rain amounts of another number of frames")

    def _added(self, line: Line) -> bool:
        """As `_add`; a line that turns out to mean nothing is refused, and nothing stays of it."""
        waits = False
        before = len(self.result.refused)
        self._project.execute("SAVEPOINT line")
        with border(line.path, self.result.refused.append, through=(ResourceError,)):
            waits = not self._add(line)
        if len(self.result.refused) > before:
            self._project.execute("ROLLBACK TO line")
        self._project.execute("RELEASE line")
        return not waits

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
        row = {
            "rank": 1,
            "name": named["name"],
            "recipe": json.dumps(made["recipe"], ensure_ascii=False),
            "recipe_hash": named["recipe_hash"],
            "merged": "[]",
            "picture": named["picture"],
            **{name: made[name] for name in ("percentile", "eta", "silent_share", *DEFECTS)},
            "more_scores": json.dumps(made["more_scores"]),
        }
        like = self._like(sequence, made)
        columns = {
            "reference_frame": made["reference_frame"],
            "region": json.dumps(made["region"]),
            "rain": rain_text(made["rain"]),
            "stabilization": made["steadying"],
        }
        return made_candidates.store_made(
            self._project, sequence.id, (made["settings"], row), made["origin"], like, **columns
        ).id

    def _like(self, sequence: Any, made: dict[str, Any]) -> Any:
        """An analysis of the same frames, used alike: then its scoring_target, and what it found, hold here, too.

        Another machine may steady them otherwise in the last digits: that of the candidate stays its own.
        """
        same = (made["reference_frame"], Region(*made["region"]), bool(made["steadying"]))
        there = (a for a in analyses(self._project, sequence.id) if not a.error)
        alike = [a for a in there if (a.reference_frame, a.region, bool(a.stabilization)) == same]
        return min(alike, key=lambda a: a.stabilization != made["steadying"], default=None)

    def _take_picture(self, line: Line) -> Iterator[str]:
        """Take the picture of a candidate that a person made into the project; yields its name if it is there."""
        named = line.values.get("candidate")
        if not named or named["made"] is None or line.values["sequence"] not in self._sequences:
            return
        path = _pictures_of(line.path) / named["picture"]
        if not path.is_file():
            return
        _, _, width, height = named["made"]["region"]
        data = _read(line, path, 4 * width * height + _OVERHEAD)
        try:
            _check_size(png_header(data, path), width, height)
            decode_png(data, path)
        except RaincleanError as error:
            raise line.error(str(error)) from None
        self._project.artefacts.put(data, ".png")
        yield named["picture"]

    def _take_stabilization(self, line: Line) -> Iterator[str]:
        """As `_take_picture`, of how the frames of that candidate were stabilized."""
        named = line.values.get("candidate")
        if not named or named["made"] is None:
            return
        wanted = str(named["made"]["steadying"])
        if not wanted or line.values["sequence"] not in self._sequences:
            return
        path = _pictures_of(line.path) / wanted
        if not path.is_file():
            return
        data = _read(line, path, LONGEST)
        try:
            stabilization = decode_stabilization(data, path)
        except InputError as error:
            raise line.error(str(error)) from None
        sequence = self._sequences[line.values["sequence"]]
        if list(stabilization.region) != named["made"]["region"]:
            raise line.error(f"{path.name} is of another region than its candidate")
        if why := stabilization.misfit(self._sizes[sequence.clip_id], range(sequence.first, sequence.last)):
            raise line.error(f"{path.name}: {why}")
        if named["made"]["reference_frame"] not in stabilization.poses:
            raise line.error(f"{path.name} says nothing of the reference frame")
        self._project.artefacts.put(data, ".json")
        yield wanted

    def _take_mask(self, line: Line) -> str:
        """Take an exclusion mask into the project; returns its artefact's name."""
        data = line.values["exclude"]
        size = self._size_of(line)
        if size is None:
            return ""  # the candidate is not here: the line will be left out
        try:
            header = png_header(data, "exclusion mask")
            _check_size(header, *size)
            mask = decode_png(data, "exclusion mask")
        except RaincleanError as error:
            raise line.error(str(error)) from None
        if mask.ndim != 2 or ((mask != 0) & (mask != 255)).any():
            raise line.error("an exclusion mask holds 0 and 255 only")
        return self._project.artefacts.put(data, ".png")

    def _size_of(self, line: Line) -> tuple[int, int] | None:
        """Width and height of the candidate that a line names."""
        named, sequence = line.values["candidate"], self._sequences.get(line.values["sequence"])
        if sequence is None:
            return None
        if named["made"] is not None:
            return named["made"]["region"][2], named["made"]["region"][3]
        region = self._project.value(
            "SELECT region FROM candidate JOIN analysis ON analysis_id = analysis.id "
            "WHERE sequence_id = ? AND recipe_hash = ? AND picture = ? ORDER BY candidate.id LIMIT 1",
            sequence.id, named["recipe_hash"], named["picture"],
        )  # fmt: skip
        return None if region is None else (Region(*json.loads(region)).width, Region(*json.loads(region)).height)


def _check_size(header: PngHeader, width: int, height: int) -> None:
    """Looked at before a picture is decoded: a small file can hold a huge one."""
    if (header.width, header.height) != (width, height):
        raise RaincleanError(f"a picture of {header.width}×{header.height} px has another size than its candidate")


def _read(line: Line, path: Path, most: int) -> bytes:
    """A file beside the lines that is named by its SHA-256. Raises InputError for any other one."""
    if path.stat().st_size > most:
        raise line.error(f"{path.name} is far too large for what it shall be")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise line.error(f"{path.name} is not the file that was exported")
    return data


def _pictures_of(path: Path) -> Path:
    return path.with_name(path.name + ".pictures")
