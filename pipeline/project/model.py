"""What a project knows, as values: clips, sequences, analyses, candidates, decisions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rainclean.video import Region

SceneBy = Literal["person", "suggestion", "name"]
Kind = Literal["person", "automatic"]
Verdict = Literal["accepted", "rejected", "undone"]
State = Literal["new", "failed", "ready", "accepted", "accepted automatically", "rejected"]

STATES: tuple[State, ...] = ("new", "failed", "ready", "accepted", "accepted automatically", "rejected")

ORIGIN = ("source", "author", "licence", "consent", "notes")
"""What is said of a sequence beside its scene, and exported with the data."""


@dataclass(frozen=True)
class Clip:
    """One file, or folder of images, that sequences are taken from.

    content: SHA-256, 64 hexadecimal digits. bytes, modified_ns: what the file was when its content was last
    looked at. duration in seconds. salvage: read what can be decoded of a damaged file.
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

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return self.last - self.first


@dataclass(frozen=True)
class Analysis:
    """Candidates were made of a sequence, or that failed (``error`` then says why).

    settings: "recipe" (None: the sweep), "frames", "rules". reference_frame: index in the clip. region: of the
    candidates in the upright frame. sheet: artefact of the contact sheet.
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


@dataclass(frozen=True)
class StoredCandidate:
    """A candidate and the artefact that holds its picture; rank 1 is the best-scored.

    recipe: as `Recipe.to_json` gives it, perhaps by an older version of the rules. name: the recipe's.
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

    @property
    def score(self) -> float:
        """Sum of the four defects in grey levels, lower is better."""
        return self.streaks + self.detail + self.darkening + self.disagreement


@dataclass(frozen=True)
class Decision:
    """What a person, or the automatic choice, said of a sequence.

    exclude: artefact of the exclusion mask, or "". at: UTC. undoes: id of the decision that this one takes back.
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


@dataclass(frozen=True)
class Overview:
    """One line of `status`: a sequence, where it stands, and what was chosen.

    candidates: number of them, of the main analysis. chosen, score: of the candidate decided on, or the best-scored
    one where nothing is decided; none where the sequence is rejected.
    """

    sequence: Sequence
    state: State
    error: str
    candidates: int
    chosen: str
    score: float | None
    decision: Decision | None
