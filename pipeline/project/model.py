"""What a project knows, as values: clips, sequences, analyses, candidates, decisions.

Each is made of a row of the store by its ``of``, which raises ValueError for what no rainclean has written: the store
is damaged then (`soundness`).
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from pipeline.project.storage import checked, listed, mapped
from rainclean.candidates import OUR_DEFECTS
from rainclean.verdict import STATES as CLIP_STATES
from rainclean.verdict import Verdict as ClipVerdict
from rainclean.video import Region

SceneBy = Literal["person", "suggestion", "name"]
Kind = Literal["person", "automatic"]
Verdict = Literal["accepted", "rejected", "undone"]
OpinionVerdict = Literal["accepted", "rejected", "withdrawn"]
Origin = Literal["analysis", "composite", "kept"]
State = Literal["new", "failed", "ready", "accepted", "accepted automatically", "rejected"]

STATES: tuple[State, ...] = ("new", "failed", "ready", "accepted", "accepted automatically", "rejected")

NOT_JUDGED = "not judged yet"
"""Of candidates that an older rainclean made."""

TRUST = (*CLIP_STATES, NOT_JUDGED)
"""How far the candidates of a sequence can be trusted, as a person reads it."""

REASONS: tuple[tuple[str, str], ...] = (
    ("streaks", "streaks left"),
    ("camera", "camera moves"),
    ("light", "light changes"),
    ("passers-by", "passers-by everywhere"),
    ("few-frames", "too few frames"),
    ("not-rain", "not rain"),
    ("damaged", "damaged"),
    ("consent", "consent or licence"),
)
"""Why a sequence is rejected: what is stored, and how a person reads it."""

ORIGIN = ("source", "author", "licence", "consent", "notes")
"""What is said of a sequence beside its scene, and exported with the data."""


@dataclass(frozen=True)
class Clip:
    """One file, or folder of images, that sequences are taken from.

    content: SHA-256, 64 hexadecimal digits. bytes, modified_ns: what the file was when its content was last
    looked at. duration in seconds. salvage: read what can be decoded of a damaged file. matrix: the colour matrix
    where the file does not say it, "" for the usual one. colours: how they are read, in words; "" where an older
    rainclean added it.
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
    def of(cls, row: Any) -> Self:
        """The clip of a row."""
        flags = {name: bool(row[name]) for name in ("copied", "salvage")}
        return checked(cls(**{**row, "path": Path(row["path"]), "notes": listed(row["notes"]), **flags}))


@dataclass(frozen=True)
class Sequence:
    """One clip, or one shot of it: frames ``first`` to ``last`` − 1.

    scene_by: who named the scene: a person, a suggestion (its background looks like another's), or nobody (then
    it is called like the sequence). last: the first frame that is no longer in it.
    """

    id: int
    clip_id: int
    name: str
    first: int
    last: int
    scene: str
    scene_by: SceneBy
    source: str
    author: str
    licence: str
    consent: str
    notes: str

    @classmethod
    def of(cls, row: Any) -> Self:
        """The sequence of a row."""
        made = checked(cls(**row))
        if not 0 <= made.first < made.last:
            raise ValueError(f"sequence {made.name!r} has frames {made.first} to {made.last - 1}")
        return made

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return self.last - self.first


@dataclass(frozen=True)
class Analysis:
    """Candidates were made of a sequence, or that failed (``error`` then says why).

    settings: "recipe" (None: the sweep), "frames", "rules", of a composite also "composite". reference_frame: index in
    the clip. region: of the candidates in the upright frame. sheet, scoring_target, reference: artefacts of the contact
    sheet, the scoring_target and the rainy reference frame cut to the region; each may be "". spread: how far the other
    candidates lie from the best-scored one, mean, in levels of luma. origin: what made it. stabilization,
    posterior_mean, posterior_sd, areas, passing: artefacts of what was found (`findings`); each may be "". moving: what
    is to be read of moving things, JSON, or "". verdict: whether the candidates can be trusted, JSON, or "" where
    nobody judged; places: artefact of where not, or "". repeats: frames that repeat one, JSON, or "".
    """

    id: int
    sequence_id: int
    settings: dict[str, Any]
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
    stabilization: str = ""
    posterior_mean: str = ""
    posterior_sd: str = ""
    areas: str = ""
    passing: str = ""
    moving: str = ""
    verdict: str = ""
    places: str = ""
    repeats: str = ""

    @classmethod
    def of(cls, row: Any) -> Self:
        """The analysis of a row."""
        region = Region(*(json.loads(row["region"]) or (0, 0, 0, 0)))
        if not all(type(side) is int and side >= 0 for side in region):
            raise ValueError(f"region {row['region']!r}")
        settings, warnings = mapped(row["settings"]), listed(row["warnings"])
        return checked(cls(**{**row, "region": region, "settings": settings, "warnings": warnings}))


@dataclass(frozen=True)
class StoredCandidate:
    """A candidate and the artefact that holds its picture; rank 1 is the best-scored.

    recipe: as `Recipe.to_json` gives it, perhaps by an older version of the rules. name: the recipe's. more_scores:
    of defects that have no column, by name.
    """

    id: int
    analysis_id: int
    rank: int
    name: str
    recipe: dict[str, Any]
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
    more_scores: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Any) -> Self:
        """The candidate of a row."""
        more = mapped(row["more_scores"])
        if not all(type(value) in (int, float) and math.isfinite(value) for value in more.values()):
            raise ValueError(f"scores {row['more_scores'][:40]!r}")
        recipe, merged = mapped(row["recipe"]), listed(row["merged"])
        return checked(cls(**{**row, "recipe": recipe, "merged": merged, "more_scores": more}))

    @property
    def score(self) -> float:
        """Sum of all defects in grey levels, lower is better."""
        return self.streaks + self.detail + self.darkening + self.disagreement + sum(self.more_scores.values())

    @property
    def scores(self) -> dict[str, float]:
        """Defects by name, in grey levels."""
        ours = {defect.name: float(getattr(self, defect.name)) for defect in OUR_DEFECTS}
        return {**ours, **self.more_scores}

    @property
    def words(self) -> str:
        """Its recipe for a person: ``100 frames, η* − 5``, ``composite of 3 candidates``."""
        return str(self.recipe.get("words") or self.name)


@dataclass(frozen=True)
class Decision:
    """What a person, or the automatic choice, said of a sequence.

    exclude: artefact of the exclusion mask, or "". at: UTC. undoes: id of the decision that this one takes back.
    reasons: keys of REASONS.
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
    def of(cls, row: Any) -> Self:
        """The decision of a row."""
        return checked(cls(**{**row, "reasons": listed(row["reasons"])}))


@dataclass(frozen=True)
class Opinion:
    """What a second person found fit, without knowing what was decided; candidate_id: None for a rejection.

    undoes: id of the opinion that this one, then "withdrawn", takes back.
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
    def of(cls, row: Any) -> Self:
        """The opinion of a row."""
        return checked(cls(**{**row, "reasons": listed(row["reasons"])}))


@dataclass(frozen=True)
class Overview:
    """One line of `status`: a sequence, where it stands, and what was chosen.

    candidates: number of them, of the main analysis. chosen, score: of the candidate decided on, or the best-scored
    one where nothing is decided; none where the sequence is rejected. spread: of the main analysis.
    thumbnail: artefact to know the sequence by, the rainy reference frame, or the best-scored candidate, or "".
    picture: artefact of the candidate decided on, or the best-scored one, or "".
    star, note: what people said of it in the window. conflict: standing decisions of several people differ.
    verdict: of the main analysis; None where there is none, or an older rainclean analysed. places: artefact, or "".
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

    @property
    def trust(self) -> str:
        """One of TRUST, or "" where there are no candidates."""
        return self.verdict.state if self.verdict else NOT_JUDGED if self.candidates else ""
