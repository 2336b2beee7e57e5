"""Records of the lines in a file with decisions. Everything is named by its content, the same in every project."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pipeline.project.analysis import CandidateRow, analysis, candidate
from pipeline.project.editing import Edit, EditKind, EditValue, FrameUse, MadeCandidate
from pipeline.project.model import Decision, Kind, Opinion, Sequence
from pipeline.project.storage import Project
from rainclean.errors import InputError

LineType = Literal["decision", "opinion", "edit"]

LINE_TYPES: tuple[LineType, ...] = ("decision", "opinion", "edit")


@dataclass(frozen=True)
class SequenceKey:
    """A sequence by the SHA-256 of its clip and the frames of its shot, whatever a person chose of them."""

    clip: str
    first: int
    stop: int

    @classmethod
    def from_sequence(cls, clip: str, sequence: Sequence) -> Self:
        """Return the key of a sequence, given the SHA-256 of its clip."""
        return cls(clip, *sequence.shot)

    def to_json(self, name: str) -> dict[str, Any]:
        """Return it as a line names it. name: of the sequence, for readers."""
        return {"clip": self.clip, "first": self.first, "last": self.stop, "name": name}


@dataclass(frozen=True)
class MadeContent:
    """A candidate that a person made, with all that is needed to store it in another project."""

    candidate: MadeCandidate
    use: FrameUse

    def to_json(self) -> dict[str, Any]:
        """Return it as a line holds it."""
        row, use = self.candidate.row, self.use
        return {
            "origin": self.candidate.origin,
            "settings": self.candidate.settings.document,
            "reference_frame": use.reference_frame,
            "region": list(use.region),
            "rain": list(use.rain),
            "steadying": use.stabilization,
            "recipe": row.recipe.document,
            "percentile": row.percentile,
            "eta": row.eta,
            "silent_share": row.silent_share,
            **row.scores.ours,
            **({"more_scores": dict(row.scores.more)} if row.scores.more else {}),
        }


@dataclass(frozen=True)
class CandidateKey:
    """A candidate by its recipe and picture.

    Attributes:
        name: Name of the recipe.
        recipe_hash: Its hash.
        picture: Artefact.
        made: Everything else of a candidate that a person made; None for one that `analyze` makes.
    """

    name: str
    recipe_hash: str
    picture: str
    made: MadeContent | None = None

    @classmethod
    def from_candidate(cls, project: Project, candidate_id: int) -> Self:
        """Return the key of a candidate in a project."""
        one = candidate(project, candidate_id)
        made_in = analysis(project, one.analysis_id)
        if made_in.origin == "analysis":
            return cls(one.name, one.recipe_hash, one.picture)
        made = MadeCandidate(made_in.settings, CandidateRow.again(one), made_in.origin)
        shot = project.rows("SELECT first, last FROM sequence WHERE id = ?", made_in.sequence_id)[0]
        use = FrameUse.from_analysis(project, made_in).of_shot(shot["first"], shot["last"])
        return cls(one.name, one.recipe_hash, one.picture, MadeContent(made, use))

    @property
    def files(self) -> tuple[str, ...]:
        """Artefacts that are exported beside the lines."""
        return tuple(filter(None, (self.picture, self.made.use.stabilization))) if self.made else ()

    def to_json(self) -> dict[str, Any]:
        """Return it as a line names it."""
        document: dict[str, Any] = {"name": self.name, "recipe_hash": self.recipe_hash, "picture": self.picture}
        return document | ({"made": self.made.to_json()} if self.made else {})


# -- lines that are written --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class WrittenLine:
    """A row of a journal as it is exported.

    Attributes:
        row: The row.
        undoes: UUID of the row that it takes back.
        sequence: Its sequence.
        name: Name of the sequence.
        candidate: The candidate that it chooses.
    """

    row: Decision | Opinion | Edit
    undoes: str | None
    sequence: SequenceKey
    name: str
    candidate: CandidateKey | None = None

    @property
    def type(self) -> LineType:
        """Kind of the line."""
        return "decision" if isinstance(self.row, Decision) else "opinion" if isinstance(self.row, Opinion) else "edit"

    @property
    def exclude(self) -> str:
        """Artefact of the exclusion mask, or ""."""
        return self.row.exclude if isinstance(self.row, Decision) else ""

    def to_json(self, mask: str) -> dict[str, Any]:
        """Return the line. mask: the exclusion mask in Base64, or ""."""
        row, sequence = self.row, self.sequence.to_json(self.name)
        named = {"sequence": sequence, "candidate": self.candidate.to_json() if self.candidate else None}
        if isinstance(row, Edit):
            return {
                "type": self.type, "uuid": row.uuid, "batch": row.batch, "kind": row.kind,
                "value": row.value.to_json(row.kind), "undoes": self.undoes, "who": row.who, "at": row.at,
                "sequence": sequence,
            }  # fmt: skip
        if isinstance(row, Opinion):
            return {
                "type": self.type, "uuid": row.uuid, "verdict": row.verdict, "undoes": self.undoes,
                "reasons": row.reasons, "note": row.note, "who": row.who, "at": row.at, **named,
            }  # fmt: skip
        return {
            "type": self.type, "uuid": row.uuid, "kind": row.kind, "verdict": row.verdict, "undoes": self.undoes,
            "exclude": mask, "note": row.note, "who": row.who, "at": row.at, "reasons": row.reasons, **named,
        }  # fmt: skip


# -- lines that are read -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LinePlace:
    """A line of a file."""

    path: Path
    number: int

    def error(self, reason: str) -> InputError:
        """Return the error that says what is wrong with the line."""
        return InputError(self.path, f"line {self.number}: {reason}")


@dataclass(frozen=True, kw_only=True)
class Line:
    """What all lines hold, checked.

    Attributes:
        place: Where the line is.
        uuid: Of the row.
        undoes: UUID of the row that it takes back.
        at: Time, UTC.
        sequence: Its sequence.
        name: Name of the sequence in the project that it comes from.
    """

    place: LinePlace
    type: LineType
    uuid: str
    undoes: str | None
    who: str
    at: str
    sequence: SequenceKey
    name: str


@dataclass(frozen=True, kw_only=True)
class JudgementLine(Line):
    """A decision or a second opinion.

    Attributes:
        kind: Who decided; None for an opinion.
        reasons: Keys of REASONS.
        exclude: PNG of the exclusion mask, or b"".
    """

    verdict: str
    note: str
    reasons: tuple[str, ...]
    candidate: CandidateKey | None
    kind: Kind | None = None
    exclude: bytes = b""


@dataclass(frozen=True, kw_only=True)
class EditLine(Line):
    """A star, a note, a choice of frames, an undo or a redo."""

    kind: EditKind
    value: EditValue
    batch: str
