"""Analyses of a project: what was made of a sequence, kept as candidates and artefacts."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.project.model import Analysis, StoredCandidate
from pipeline.project.storage import Project, now
from rainclean import __version__
from rainclean.video import Region

if TYPE_CHECKING:
    from rainclean.candidates import Recipe, Scores

FOUND = ("stabilization", "posterior_mean", "posterior_sd", "areas", "passing", "moving", "verdict", "places")
"""Columns of what an analysis found beside its candidates; they hold for whatever is made of the same frames."""

FOUND_FILES = tuple(name for name in FOUND if name not in ("moving", "verdict"))
"""Those of them that name an artefact."""

OF_FRAMES = (*FOUND, "repeats")
"""The same, and which frames repeat another one."""

_COLUMNS = (
    "id, sequence_id, settings, settings_hash, rainclean, finished, error, reference_frame, region, warnings, sheet, "
    f"scoring_target, reference, spread, origin, {', '.join(OF_FRAMES)}"
)
"""All but the rain amounts, which are long and seldom wanted."""


def settings_hash(settings: dict[str, Any]) -> str:
    """16 hexadecimal digits over everything that decides what an analysis gives."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def analyses(project: Project, sequence_id: int) -> list[Analysis]:
    """The analyses of a sequence, the main one first: the last sweep, or the last one where there was no sweep.

    What a person made (composites, kept candidates) comes after what was analysed. Scores of different analyses do
    not compare; what is chosen automatically comes from the main one. A sequence whose analysis failed has that one,
    with its error, and no other.
    """
    rows = project.rows(f"SELECT {_COLUMNS} FROM analysis WHERE sequence_id = ? ORDER BY id DESC", sequence_id)
    found = map(Analysis.of, rows)
    return sorted(found, key=lambda a: (a.settings.get("recipe", "") is not None, a.origin != "analysis"))


def analysis(project: Project, analysis_id: int) -> Analysis:
    """One analysis by its id."""
    return Analysis.of(project.rows(f"SELECT {_COLUMNS} FROM analysis WHERE id = ?", analysis_id)[0])


def rain_amounts(project: Project, analysis_id: int) -> list[float | None]:
    """Rain amount of each frame of the sequence in grey levels; None for a frame that cannot be had (stabilized)."""
    amounts = json.loads(project.value("SELECT rain FROM analysis WHERE id = ?", analysis_id))
    return [None if amount is None else float(amount) for amount in amounts]


def rain_text(amounts: Sequence[float | None]) -> str:
    """Rain amounts as they are stored."""
    return json.dumps([None if amount is None else round(float(amount), 4) for amount in amounts])


def candidates(project: Project, analysis_id: int) -> list[StoredCandidate]:
    """Candidates of one analysis, best-scored first."""
    rows = project.rows("SELECT * FROM candidate WHERE analysis_id = ? ORDER BY rank", analysis_id)
    return [StoredCandidate.of(row) for row in rows]


def all_candidates(project: Project, sequence_id: int) -> list[StoredCandidate]:
    """Candidates of a sequence: those of its main analysis, then of others what has another name."""
    found: dict[str, StoredCandidate] = {}
    for each in analyses(project, sequence_id):
        for one in candidates(project, each.id):
            found.setdefault(one.name, one)
    return list(found.values())


def candidate(project: Project, candidate_id: int) -> StoredCandidate:
    """One candidate by its id."""
    return StoredCandidate.of(project.rows("SELECT * FROM candidate WHERE id = ?", candidate_id)[0])


def store_analysis(
    project: Project,
    sequence_id: int,
    settings: dict[str, Any],
    *,
    error: str = "",
    reference_frame: int = 0,
    region: Region | None = None,
    warnings: Sequence[str] = (),
    rain: Sequence[float | None] = (),
    sheet: str = "",
    scoring_target: str = "",
    reference: str = "",
    spread: float = 0.0,
    found: Mapping[str, str] | None = None,
    made: Sequence[dict[str, Any]] = (),
) -> int:
    """Keep what an analysis gave, or that it failed, beside what other settings gave.

    What an earlier one gave by the same settings goes, unless a person has used a candidate of it.

    rain: see `rain_amounts`. found: the columns `OF_FRAMES`, as `findings.keep` gives them. made: columns of its
    candidates but id and analysis_id. Returns the id of the analysis.
    """
    columns = {
        "error": error,
        "reference_frame": reference_frame,
        "region": json.dumps(region or ()),
        "warnings": json.dumps(list(warnings), ensure_ascii=False),
        "rain": rain_text(rain),
        "sheet": sheet,
        "scoring_target": scoring_target,
        "reference": reference,
        "spread": spread,
        **(found or {}),
    }
    with project.transaction():
        project.execute(
            "DELETE FROM analysis WHERE sequence_id = ? AND (settings_hash = ? OR error != '') AND id NOT IN ("
            "SELECT analysis_id FROM candidate WHERE id IN (SELECT candidate_id FROM decision "
            "UNION SELECT candidate_id FROM opinion UNION SELECT candidate_id FROM edit))",
            sequence_id,
            settings_hash(settings),
        )
        return insert_analysis(project, sequence_id, settings, columns, made)


def insert_analysis(
    project: Project,
    sequence_id: int,
    settings: dict[str, Any],
    columns: dict[str, Any],
    made: Sequence[dict[str, Any]],
) -> int:
    """Add an analysis and its candidates inside a transaction; returns its id. columns: as they are stored."""
    number = project.insert(
        "analysis",
        sequence_id=sequence_id,
        settings=json.dumps(settings, sort_keys=True),
        settings_hash=settings_hash(settings),
        rainclean=__version__,
        finished=now(),
        **columns,
    )
    for row in made:
        project.insert("candidate", analysis_id=number, **row)
    return number


def candidate_row(recipe: "Recipe", eta: int, silent_share: float, scores: "Scores", picture: str) -> dict[str, Any]:
    """Columns of a candidate that is alone in its analysis."""
    return {
        "rank": 1,
        "name": recipe.name,
        "recipe": json.dumps(recipe.to_json(), ensure_ascii=False),
        "recipe_hash": recipe.hash,
        "percentile": recipe.resolve(eta),
        "eta": eta,
        "silent_share": silent_share,
        **score_columns(scores),
        "merged": "[]",
        "picture": picture,
    }


def score_columns(scores: "Scores") -> dict[str, Any]:
    """Columns of a candidate that hold its scores."""
    ours = {name: score for name, score in scores.by_name.items() if name not in scores.more}
    return {**ours, "more_scores": json.dumps(dict(scores.more))}


def wanted_artefacts(project: Project) -> set[str]:
    """Names of all artefacts that something refers to."""
    rows = project.rows(
        "SELECT picture FROM candidate UNION SELECT sheet FROM analysis UNION SELECT scoring_target FROM analysis "
        "UNION SELECT reference FROM analysis UNION SELECT exclude FROM decision "
        + " ".join(f"UNION SELECT {column} FROM analysis" for column in FOUND_FILES)
    )
    return {str(row[0]) for row in rows if row[0]}
