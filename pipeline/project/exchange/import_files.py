"""Decisions of other projects, from files that `export_file` wrote.

Clips and candidates are found by their content. What the project has already stays. Lines that mean nothing here are
refused one by one, and the others are imported.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.border import border
from pipeline.project.analysis import analyses, decode_stabilization
from pipeline.project.clips import clips, sequences
from pipeline.project.editing import edits, made_candidates
from pipeline.project.exchange.conflicts import Conflict, conflicts
from pipeline.project.exchange.line_records import (
    LINE_TYPES,
    CandidateKey,
    EditLine,
    JudgementLine,
    Line,
    LinePlace,
    LineType,
    MadeContent,
    SequenceKey,
)
from pipeline.project.exchange.lines import MAX_LINE_BYTES, pictures_folder, read_lines
from pipeline.project.model import Analysis, Clip
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.text_format import counted, few
from rainclean.errors import InputError, RaincleanError, ResourceError
from rainclean.png import PngHeader, decode_png, png_header
from rainclean.video import Region

_PNG_OVERHEAD_BYTES = 1 << 20
"""Of a PNG file beside its pixels, at most."""


@dataclass(kw_only=True)
class Imported:
    """What an import did.

    Attributes:
        added: How many lines were imported, by type.
        known: How many the project had already.
        lines: How many there were.
        refused: A text for each line that means nothing, and for each file that is no export, with the reason.
        notes: What was left out, and why.
        conflicts: Sequences on which people decided differently.
    """

    added: Counter[str] = field(default_factory=Counter)
    known: int = 0
    lines: int = 0
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def import_decisions(project: Project, paths: Sequence[Path]) -> Imported:
    """Import files that `export_decisions` wrote. What the project has already stays.

    Lines on sequences and candidates that this project does not have are left out and noted. The same file may be
    imported again when it has them. Lines that mean nothing here (a mask of another size, a broken recipe) are refused
    one by one, and the others are imported.

    Args:
        project: The project.
        paths: The files.

    Returns:
        What was imported, left out and refused.

    Raises:
        InputError: No file is an export.
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


class _Known(NamedTuple):
    """A row that the project has. kind: of an edit, else ""."""

    id: int
    sequence_id: int
    kind: str


class _Importing:
    """One import: finds what lines name, and adds rows inside the caller's transaction."""

    def __init__(self, project: Project, lines: Sequence[Line], refused: list[str]) -> None:
        self._project = project
        self.result = Imported(lines=len(lines) + len(refused), refused=refused)
        self._clips: dict[int, Clip] = {clip.id: clip for clip in clips(project)}
        self._sequences: dict[SequenceKey, ClipSequence] = {
            SequenceKey.from_sequence(self._clips[s.clip_id].content, s): s for s in sequences(project, which="all")
        }
        self._unknown_sequences: set[str] = set()
        self._left_out: Counter[str] = Counter()
        # Files are written before the transaction: others need not wait for them.
        self._pictures: set[str] = set()
        self._masks: dict[LinePlace, str] = {}
        self._lines: list[Line] = []
        for line in lines:
            with border(line.place.path, refused.append, through=(ResourceError,)):
                if isinstance(line, JudgementLine):
                    self._prepare(line)
                self._lines.append(line)

    def _prepare(self, line: JudgementLine) -> None:
        """Check the candidate of a line, and take its files into the project. Raises InputError."""
        sequence, made = self._sequences.get(line.sequence), line.candidate.made if line.candidate else None
        if sequence is not None and made is not None and line.candidate is not None:
            self._check(line, made, sequence)
            self._pictures.update(self._take_picture(line, line.candidate.picture, made.use.region))
            self._pictures.update(self._take_stabilization(line, made, sequence))
        if line.exclude:
            self._masks[line.place] = self._take_mask(line)

    def run(self) -> None:
        """Add all lines that can be added."""
        self._known = {table: self._known_rows(table) for table in LINE_TYPES}
        waiting = list(self._lines)
        while waiting:
            # A row that takes back another one is added after it, whatever the order of files and lines.
            later = [line for line in waiting if not self._added(line)]
            if len(later) == len(waiting):
                break
            waiting = later
        if waiting:
            self._left_out["withdraws what this project does not have"] += len(waiting)
        if self._unknown_sequences:
            names = sorted(self._unknown_sequences)
            self.result.notes.append(f"left out because this project does not have their clips: {few(names)}")
        self.result.notes += [f"{counted(n, 'line')} left out: {why}" for why, n in sorted(self._left_out.items())]

    def _known_rows(self, table: LineType) -> dict[str, _Known]:
        """Return the rows of a table by UUID."""
        kind = "kind" if table == "edit" else "''"
        rows = self._project.rows(f"SELECT uuid, id, sequence_id, {kind} FROM {table}")
        return {row[0]: _Known(*tuple(row)[1:]) for row in rows}

    def _check(self, line: Line, made: MadeContent, sequence: ClipSequence) -> None:
        """Raise InputError for a candidate that cannot be one of its sequence."""
        (x, y, width, height), clip = made.use.region, self._clips[sequence.clip_id]
        if x + width > clip.width or y + height > clip.height:
            size = f"{clip.width}×{clip.height} px"
            raise line.place.error(f"its region lies outside the frame, which has {size}")
        first, stop = sequence.shot
        if not first <= made.use.reference_frame < stop:
            raise line.place.error("its reference frame lies outside the sequence")
        if len(made.use.rain) != stop - first:
            raise line.place.error("its rain amounts are not one for each frame")

    def _added(self, line: Line) -> bool:
        """Add one line as `_add` does. A line that turns out to mean nothing is refused, and nothing of it stays."""
        waits = False
        refused = len(self.result.refused)
        self._project.execute("SAVEPOINT line")
        with border(line.place.path, self.result.refused.append, through=(ResourceError,)):
            waits = not self._add(line)
        if len(self.result.refused) > refused:
            self._project.execute("ROLLBACK TO line")
        self._project.execute("RELEASE line")
        return not waits

    def _add(self, line: Line) -> bool:
        """Add one line, or note why not; return False where it has to wait for another one."""
        known = self._known[line.type]
        if line.uuid in known:
            self.result.known += 1
            return True
        sequence = self._sequences.get(line.sequence)
        if sequence is None:
            self._unknown_sequences.add(line.name)
            return True
        if line.undoes is not None and line.undoes not in known:
            return False
        kind = line.kind if isinstance(line, EditLine) else ""
        target = None if line.undoes is None else known[line.undoes]
        if target is not None:
            takes_back = {"undo": edits.REMARKS, "redo": ("undo",)}.get(kind, ("",))
            if target.sequence_id != sequence.id or target.kind not in takes_back:
                raise line.place.error("withdraws a row that it cannot withdraw")
        columns = self._columns(line, sequence)
        if columns is None:
            return True
        number = self._project.insert(
            line.type, uuid=line.uuid, sequence_id=sequence.id, undoes=target and target.id, who=line.who, at=line.at,
            **columns,
        )  # fmt: skip
        known[line.uuid] = _Known(number, sequence.id, kind)
        self.result.added[line.type] += 1
        return True

    def _columns(self, line: Line, sequence: ClipSequence) -> dict[str, Any] | None:
        """Return the columns that lines of this type have of their own; None where its candidate cannot be had."""
        if isinstance(line, EditLine):
            value = json.dumps(line.value.to_json(line.kind), ensure_ascii=False)
            return {"kind": line.kind, "batch": line.batch, "value": value}
        assert isinstance(line, JudgementLine)
        number = None if line.candidate is None else self._candidate(line, line.candidate, sequence)
        if line.candidate is not None and number is None:
            return None
        reasons = json.dumps(line.reasons)
        columns = {"candidate_id": number, "verdict": line.verdict, "note": line.note, "reasons": reasons}
        return columns | ({"kind": line.kind, "exclude": self._masks.get(line.place, "")} if line.kind else {})

    def _candidate(self, line: Line, key: CandidateKey, sequence: ClipSequence) -> int | None:
        """Return the candidate that a line names, made if need be; None, and noted, where that cannot be done."""
        number = self._project.value(
            "SELECT candidate.id FROM candidate JOIN analysis ON analysis_id = analysis.id "
            "WHERE sequence_id = ? AND recipe_hash = ? AND picture = ? ORDER BY candidate.id LIMIT 1",
            sequence.id, key.recipe_hash, key.picture,
        )  # fmt: skip
        if number is not None:
            return int(number)
        if key.made is None:
            self._left_out["candidates that analyze has not made here, or has made otherwise"] += 1
            return None
        if not self._pictures.issuperset(key.files):
            self._left_out[f"images that are not in {pictures_folder(line.place.path).name}"] += 1
            return None
        made, like = key.made, self._like(sequence, key.made)
        return made_candidates.store_made(self._project, sequence.id, made.candidate, made.use, like).id

    def _like(self, sequence: ClipSequence, made: MadeContent) -> Analysis | None:
        """Return an analysis that used the same frames alike: its scoring target and findings hold here, too.

        Another machine may stabilize frames differently in the last digits. The candidate keeps its own stabilization.
        """
        use = made.use
        same = (use.reference_frame, use.region, bool(use.stabilization))
        sound = (a for a in analyses(self._project, sequence.id) if not a.error)
        alike = [a for a in sound if (a.reference_frame, a.region, bool(a.stabilization)) == same]
        return min(alike, key=lambda a: a.stabilization != use.stabilization, default=None)

    def _take_picture(self, line: Line, name: str, region: Region) -> Iterator[str]:
        """Take the picture of a candidate that a person made into the project; yield its name if it is there."""
        path = pictures_folder(line.place.path) / name
        if not path.is_file():
            return
        data = _read(line, path, 4 * region.width * region.height + _PNG_OVERHEAD_BYTES)
        try:
            _check_size(png_header(data, path), region.width, region.height)
            decode_png(data, path)
        except RaincleanError as error:
            raise line.place.error(str(error)) from None
        self._project.artefacts.put(data, ".png")
        yield name

    def _take_stabilization(self, line: Line, made: MadeContent, sequence: ClipSequence) -> Iterator[str]:
        """Take the stabilization of a candidate's frames into the project, as `_take_picture`."""
        path = pictures_folder(line.place.path) / made.use.stabilization
        if not made.use.stabilization or not path.is_file():
            return
        data = _read(line, path, MAX_LINE_BYTES)
        try:
            stabilization = decode_stabilization(data, path)
        except InputError as error:
            raise line.place.error(str(error)) from None
        if stabilization.region != made.use.region:
            raise line.place.error(f"{path.name} has another region than its candidate")
        clip = self._clips[sequence.clip_id]
        if why := stabilization.misfit((clip.width, clip.height), range(*sequence.shot)):
            raise line.place.error(f"{path.name}: {why}")
        if made.use.reference_frame not in stabilization.poses:
            raise line.place.error(f"{path.name} does not hold the reference frame")
        self._project.artefacts.put(data, ".json")
        yield made.use.stabilization

    def _take_mask(self, line: JudgementLine) -> str:
        """Take an exclusion mask into the project, and return its artefact's name."""
        region = self._region_of(line)
        if region is None:
            return ""  # the candidate is not here: the line will be left out
        try:
            _check_size(png_header(line.exclude, "exclusion mask"), region.width, region.height)
            mask = decode_png(line.exclude, "exclusion mask")
        except RaincleanError as error:
            raise line.place.error(str(error)) from None
        if mask.ndim != 2 or ((mask != 0) & (mask != 255)).any():
            raise line.place.error("an exclusion mask may hold only 0 and 255")
        return self._project.artefacts.put(line.exclude, ".png")

    def _region_of(self, line: JudgementLine) -> Region | None:
        """Return the region of the candidate that a line names; None where it is not here."""
        sequence, key = self._sequences.get(line.sequence), line.candidate
        if sequence is None or key is None:
            return None
        if key.made is not None:
            return key.made.use.region
        region = self._project.value(
            "SELECT region FROM candidate JOIN analysis ON analysis_id = analysis.id "
            "WHERE sequence_id = ? AND recipe_hash = ? AND picture = ? ORDER BY candidate.id LIMIT 1",
            sequence.id, key.recipe_hash, key.picture,
        )  # fmt: skip
        return None if region is None else Region(*json.loads(region))


def _check_size(header: PngHeader, width: int, height: int) -> None:
    """Raise RaincleanError for another size, before a picture is decoded: a small file can hold a huge one."""
    if (header.width, header.height) != (width, height):
        raise RaincleanError(f"an image of {header.width}×{header.height} px has another size than its candidate")


def _read(line: Line, path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a file beside the lines that is named by its SHA-256. Raises InputError for any other one."""
    if path.stat().st_size > max_bytes:
        raise line.place.error(f"{path.name} is far too large")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise line.place.error(f"{path.name} is not the file that was exported")
    return data
