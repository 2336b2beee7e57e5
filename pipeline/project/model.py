"""Records of what a project knows: clips, sequences, analyses, candidates, decisions.

Each is made of a row of the store by its ``of``. That raises ValueError for a row that no rainclean wrote: then the
store is damaged (`soundness`).
"""

import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

from pipeline.project.documents import AnalysisSettings, StoredRecipe
from pipeline.project.storage import checked, listed, mapped
from rainclean.candidates import OUR_DEFECTS
from rainclean.verdict import STATES as CLIP_STATES
from rainclean.verdict import Verdict as ClipVerdict
from rainclean.video import Region

ActivityKind = Literal["export", "training", "evaluation"]
ActivityState = Literal["running", "finished", "failed", "interrupted"]
SceneBy = Literal["person", "suggestion", "name"]
Kind = Literal["person", "automatic"]
Verdict = Literal["accepted", "rejected", "undone"]
OpinionVerdict = Literal["accepted", "rejected", "withdrawn"]
Origin = Literal["analysis", "composite", "kept"]
State = Literal["new", "failed", "ready", "accepted", "accepted automatically", "rejected"]

STATES: tuple[State, ...] = ("new", "failed", "ready", "accepted", "accepted automatically", "rejected")

NOT_JUDGED = "no verdict yet"
"""Verdict of candidates that an older rainclean made."""

TRUST = (*CLIP_STATES, NOT_JUDGED)
"""How far the candidates of a sequence can be trusted, as a person reads it."""

REASONS: tuple[tuple[str, str], ...] = (
    ("streaks", "leftover streaks"),
    ("camera", "camera moves"),
    ("light", "light changes"),
    ("passers-by", "people or vehicles everywhere"),
    ("few-frames", "too few frames"),
    ("not-rain", "no rain"),
    ("damaged", "clip damaged"),
    ("consent", "consent or licence missing"),
)
"""Why a sequence is rejected: what is stored, and how a person reads it."""

SCORE_COLUMNS = tuple(defect.name for defect in OUR_DEFECTS)
"""Defects that have a column of their own; those from outside share one."""

ORIGIN = ("source", "author", "licence", "consent", "notes")
"""Columns that describe a sequence beside its scene. They are exported with the data."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One file, or folder of images, that sequences are taken from.

    Attributes:
        content: SHA-256, 64 hexadecimal digits.
        bytes: Size when the content was last read.
        modified_ns: Time of the last change then, ns.
        duration: Seconds.
        salvage: Read what can be decoded of a damaged file.
        matrix: Colour matrix where the file does not name it, "" for the usual one.
        colours: How colours are read, for a person; "" where an older rainclean added the clip.
    """

    id: int
    content: str
    path: Path
    relative: str
    copied: bool
    bytes: int
    modified_ns: int
    width: int
    height: int
    frame_count: int
    duration: float
    codec: str
    salvage: bool
    notes: tuple[str, ...]
    added: str
    matrix: str
    colours: str

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Return the clip of a row."""
        flags = {name: bool(row[name]) for name in ("copied", "salvage")}
        return checked(cls(**{**row, "path": Path(row["path"]), "notes": listed(row["notes"]), **flags}))

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for programs."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True)
class Chosen:
    """What a person chose of a clip; of an analysis what was chosen when it was made.

    Attributes:
        first: In point; None for the first frame of the shot.
        stop: First frame after the out point; None for that of the shot.
        region: Region in the upright frame; None for all of it.
    """

    first: int | None = None
    stop: int | None = None
    region: Region | None = None

    @classmethod
    def from_columns(cls, row: Any) -> Self:
        """Return what a row of a sequence, or of an analysis, holds of it."""
        if not row["chosen_region"] and row["chosen_first"] is None and row["chosen_last"] is None:
            return cls()  # most rows: a project has many
        region = None
        if row["chosen_region"]:
            sides = listed(row["chosen_region"])
            if len(sides) != 4 or not all(type(side) is int and side >= 0 for side in sides):
                raise ValueError(f"region {row['chosen_region'][:40]!r}")
            region = Region(*sides)
        return checked(cls(row["chosen_first"], row["chosen_last"], region))

    def columns(self) -> dict[str, Any]:
        """Return its columns."""
        region = json.dumps(self.region) if self.region else ""
        return {"chosen_first": self.first, "chosen_last": self.stop, "chosen_region": region}


ALL_OF_IT = Chosen()
"""Nothing was chosen: all frames of the shot, and the whole frame."""

_SEQUENCE_COLUMNS = ("id", "clip_id", "name", "scene", "scene_by", *ORIGIN, "display_name")


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """One clip, or one shot of it: frames ``first`` to ``stop`` − 1.

    Attributes:
        first: In point.
        stop: First frame that is no longer in it. The store and JSON call it "last".
        scene_by: Who named the scene: a person, a suggestion (its background looks like another's), or nobody. Then the
            scene has the sequence's name.
        display_name: What a person calls it, or "".
        region: Region that a person wishes the next analysis to have, in the upright frame; None for all of it.
        shot: First frame, and first one after the last, of the shot that it was added as. It never changes.
        removed: A person removed it from the project.
    """

    id: int
    clip_id: int
    name: str
    first: int
    stop: int
    scene: str
    scene_by: SceneBy
    source: str
    author: str
    licence: str
    consent: str
    notes: str
    display_name: str = ""
    region: Region | None = None
    shot: tuple[int, ...] = ()
    removed: bool = False

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Return the sequence of a row."""
        columns = {name: row[name] for name in _SEQUENCE_COLUMNS}
        shot, chosen = (row["first"], row["last"]), Chosen.from_columns(row)
        columns["first"] = shot[0] if chosen.first is None else chosen.first
        columns["stop"] = shot[1] if chosen.stop is None else chosen.stop
        sequence = checked(cls(**columns, region=chosen.region, shot=shot, removed=bool(row["removed"])))
        if not 0 <= sequence.first < sequence.stop or not 0 <= shot[0] < shot[1]:
            raise ValueError(f"sequence {sequence.name!r} has frames {sequence.first} to {sequence.stop - 1}")
        return sequence

    def to_json(self) -> dict[str, Any]:
        """Return the fields by the names of their columns, for programs."""
        return {"last" if key == "stop" else key: value for key, value in asdict(self).items()}

    @property
    def label(self) -> str:
        """What a person calls it: the display name, or the name."""
        return self.display_name or self.name

    @property
    def chosen(self) -> "Chosen":
        """What a person chose of its clip."""
        if not self.shot:
            return Chosen(region=self.region)
        first, stop = self.shot
        return Chosen(
            None if self.first == first else self.first, None if self.stop == stop else self.stop, self.region
        )

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return self.stop - self.first


@dataclass(frozen=True, kw_only=True)
class FindingColumns:
    """What was found of a clip beside its candidates, as it is stored; "" for what was not looked for.

    It holds for whatever is made of the same frames.

    Attributes:
        stabilization: Artefact of how frames were stabilized (`findings`), or "".
        posterior_mean: Artefact of the posterior's mean, or "".
        posterior_sd: Artefact of the posterior's standard deviation, or "".
        areas: Artefact of where things move, or "".
        passing: Artefact of the foreground objects of each frame, or "".
        moving: JSON of `findings.MotionSummary`, or "".
        verdict: JSON, whether the candidates can be trusted; "" where nobody judged.
        places: Artefact of where they cannot, or "".
        repeats: JSON, frames that repeat another one, or "".
    """

    stabilization: str = ""
    posterior_mean: str = ""
    posterior_sd: str = ""
    areas: str = ""
    passing: str = ""
    moving: str = ""
    verdict: str = ""
    places: str = ""
    repeats: str = ""


@dataclass(frozen=True, kw_only=True)
class Analysis(FindingColumns):
    """Candidates were made of a sequence, or that failed (``error`` then says why).

    Attributes:
        reference_frame: Index in the clip.
        region: Region of the candidates in the upright frame.
        sheet: Artefact of the contact sheet that earlier versions stored, or "".
        scoring_target: Artefact of the scoring target, or "".
        reference: Artefact of the rainy reference frame, cut to the region, or "".
        spread: Mean distance of the other candidates from the best-scored one, levels of luma.
        origin: What made it.
        chosen: What a person had chosen of the clip.
    """

    id: int
    sequence_id: int
    settings: AnalysisSettings
    settings_hash: str
    rainclean: str
    finished: str
    error: str
    reference_frame: int
    region: Region
    warnings: tuple[str, ...]
    sheet: str
    scoring_target: str = ""
    reference: str = ""
    spread: float = 0.0
    origin: Origin = "analysis"
    chosen: Chosen = ALL_OF_IT

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Return the analysis of a row."""
        columns = {name: value for name, value in {**row}.items() if not name.startswith("chosen_")}
        region = Region(*(json.loads(row["region"]) or (0, 0, 0, 0)))
        if not all(type(side) is int and side >= 0 for side in region):
            raise ValueError(f"region {row['region']!r}")
        settings, warnings = AnalysisSettings(mapped(row["settings"])), listed(row["warnings"])
        columns |= {"region": region, "settings": settings, "warnings": warnings, "chosen": Chosen.from_columns(row)}
        return checked(cls(**columns))

    @property
    def findings(self) -> FindingColumns:
        """What was found, alone."""
        return FindingColumns(**{column.name: getattr(self, column.name) for column in fields(FindingColumns)})

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for programs."""
        return {**asdict(self), "settings": self.settings.document}


@dataclass(frozen=True, kw_only=True)
class StoredCandidate:
    """A candidate and the artefact that holds its picture.

    Attributes:
        rank: 1 for the best-scored of its analysis.
        name: Name of the recipe.
        percentile: Percentile that the recipe came to.
        eta: η* of the window.
        silent_share: Share 0…1 of the pixels without a vote.
        merged: Names of candidates that gave nearly the same picture.
        more_scores: Scores of defects that have no column, by name.
        kept: Whether the picture must be on disk; otherwise clip and recipe make it again.
    """

    id: int
    analysis_id: int
    rank: int
    name: str
    recipe: StoredRecipe
    recipe_hash: str
    percentile: float
    eta: int
    silent_share: float
    streaks: float
    detail: float
    darkening: float
    disagreement: float
    merged: tuple[str, ...]
    picture: str
    more_scores: dict[str, float] = field(default_factory=dict)
    kept: bool = True

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Return the candidate of a row."""
        more = mapped(row["more_scores"])
        if not all(type(value) in (int, float) and math.isfinite(value) for value in more.values()):
            raise ValueError(f"scores {row['more_scores'][:40]!r}")
        recipe = StoredRecipe(mapped(row["recipe"]))
        parsed = {"merged": listed(row["merged"]), "more_scores": more, "kept": bool(row["kept"])}
        return checked(cls(**{**row, "recipe": recipe, **parsed}))

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for programs."""
        return {**asdict(self), "recipe": self.recipe.document}

    @property
    def score(self) -> float:
        """Sum of all defects in grey levels, lower is better."""
        return self.streaks + self.detail + self.darkening + self.disagreement + sum(self.more_scores.values())

    @property
    def scores(self) -> dict[str, float]:
        """Defects by name, in grey levels."""
        ours = {name: float(getattr(self, name)) for name in SCORE_COLUMNS}
        return {**ours, **self.more_scores}

    @property
    def label(self) -> str:
        """Its recipe for a person: ``100 frames, η* − 5``, ``composite of 3 candidates``."""
        return self.recipe.label or self.name


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person, or the automatic choice, decided on a sequence.

    Attributes:
        exclude: Artefact of the exclusion mask, or "".
        at: Time, UTC.
        undoes: Id of the decision that this one takes back.
        reasons: Keys of REASONS.
    """

    id: int
    uuid: str
    sequence_id: int
    kind: Kind
    verdict: Verdict
    candidate_id: int | None
    undoes: int | None
    exclude: str
    note: str
    who: str
    at: str
    reasons: tuple[str, ...] = ()

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Return the decision of a row."""
        return checked(cls(**{**row, "reasons": listed(row["reasons"])}))


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What a second person found fit, without knowing what was decided.

    Attributes:
        candidate_id: None for a rejection.
        undoes: Id of the opinion that this one, then "withdrawn", takes back.
        reasons: Keys of REASONS.
        at: Time, UTC.
    """

    id: int
    uuid: str
    sequence_id: int
    verdict: OpinionVerdict
    candidate_id: int | None
    undoes: int | None
    reasons: tuple[str, ...]
    note: str
    who: str
    at: str

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Return the opinion of a row."""
        return checked(cls(**{**row, "reasons": listed(row["reasons"])}))


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One row of `status`: a sequence, its state, and what was chosen.

    Attributes:
        candidates: How many the main analysis has.
        chosen: Name of the candidate decided on, or of the best-scored one where nothing is decided; "" where the
            sequence is rejected.
        score: Score of that candidate.
        spread: Spread of the main analysis.
        thumbnail: Artefact to know the sequence by: the rainy reference frame, or the best-scored candidate, or "".
        picture: Artefact of the candidate decided on, or of the best-scored one, or "".
        star: Whether people starred the sequence.
        note: What people noted on it.
        conflict: Whether current decisions of several people differ.
        verdict: Verdict of the main analysis; None where there is none, or where an older rainclean analysed.
        places: Artefact of where the verdict's reasons are, or "".
        outdated: In point, out point or region was changed since the main analysis.
    """

    sequence: Sequence
    state: State
    error: str
    candidates: int
    chosen: str
    score: float | None
    decision: Decision | None
    spread: float = 0.0
    thumbnail: str = ""
    picture: str = ""
    star: bool = False
    note: str = ""
    conflict: bool = False
    verdict: ClipVerdict | None = None
    places: str = ""
    outdated: bool = False

    @property
    def trust(self) -> str:
        """One of TRUST, or "" where there are no candidates."""
        return self.verdict.state if self.verdict else NOT_JUDGED if self.candidates else ""
