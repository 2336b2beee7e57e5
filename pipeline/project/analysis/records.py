"""Analyses of a project: what was made of a sequence, stored as candidates and artefacts."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pipeline.project.documents import AnalysisSettings, StoredRecipe
from pipeline.project.model import ALL_OF_IT, SCORE_COLUMNS, Analysis, Chosen, FindingColumns, Origin, StoredCandidate
from pipeline.project.storage import Project, listed, mapped, now, schema
from rainclean import __version__
from rainclean.video import Region

if TYPE_CHECKING:
    from rainclean.candidates import Recipe, Scores


FINDING_FILES = ("stabilization", "posterior_mean", "posterior_sd", "areas", "passing", "places")
"""Those of `FindingColumns` that name an artefact."""


class WindowVotes(NamedTuple):
    """What the votes of a candidate's window came to.

    Attributes:
        percentile: That the recipe came to, 0…100.
        eta: η* of the window.
        silent_share: Share of its pixels without a vote, 0…1.
    """

    percentile: float
    eta: int
    silent_share: float

    @classmethod
    def from_candidate(cls, stored: StoredCandidate) -> Self:
        """Return the votes of a stored candidate."""
        return cls(stored.percentile, stored.eta, stored.silent_share)


@dataclass(frozen=True, kw_only=True)
class CandidateRow:
    """A candidate that is to be stored. The fields are those of `StoredCandidate`."""

    name: str
    recipe: StoredRecipe
    recipe_hash: str
    percentile: float
    eta: int
    silent_share: float
    scores: "Scores"
    picture: str
    rank: int = 1
    merged: tuple[str, ...] = ()
    kept: bool = True

    @classmethod
    def from_recipe(cls, recipe: "Recipe", eta: int, silent_share: float, scores: "Scores", picture: str) -> Self:
        """Return the row of a candidate that is alone in its analysis.

        Args:
            recipe: Its recipe.
            eta: η* of its window.
            silent_share: Share of the window's pixels without a vote, 0…1.
            scores: Its scores.
            picture: Artefact.
        """
        votes = WindowVotes(recipe.resolve(eta), eta, silent_share)
        return cls.of_stored(StoredRecipe(recipe.to_json()), votes, scores, picture)

    @classmethod
    def of_stored(cls, recipe: StoredRecipe, votes: WindowVotes, scores: "Scores", picture: str) -> Self:
        """Return the same for a recipe as it is stored: also that of a composite.

        Args:
            recipe: Its recipe, with name and hash.
            votes: Of its window; for a composite, those of its base.
            scores: Its scores.
            picture: Artefact.
        """
        return cls(
            name=recipe.document["name"],
            recipe=recipe,
            recipe_hash=recipe.document["hash"],
            **votes._asdict(),
            scores=scores,
            picture=picture,
        )

    @classmethod
    def again(cls, stored: StoredCandidate) -> Self:
        """Return the row that stores a candidate again, alone in its analysis."""
        from rainclean.candidates import Scores

        ours = {name: getattr(stored, name) for name in SCORE_COLUMNS}
        return cls(
            name=stored.name,
            recipe=stored.recipe,
            recipe_hash=stored.recipe_hash,
            **WindowVotes.from_candidate(stored)._asdict(),
            scores=Scores(**ours, more=stored.more_scores),
            picture=stored.picture,
        )

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any]) -> Self:
        """Return the row that has these columns, as `columns` gave them. Raises as `AnalysisRow.from_columns`."""
        from rainclean.candidates import Scores

        votes = WindowVotes(**{name: columns[name] for name in WindowVotes._fields})
        return cls(
            name=columns["name"],
            recipe=StoredRecipe(mapped(columns["recipe"])),
            recipe_hash=columns["recipe_hash"],
            **votes._asdict(),
            scores=Scores(**{name: columns[name] for name in SCORE_COLUMNS}, more=mapped(columns["more_scores"])),
            picture=columns["picture"],
            rank=columns["rank"],
            merged=listed(columns["merged"]),
            kept=bool(columns.get("kept", 1)),  # older results of shards keep all
        )

    def columns(self) -> dict[str, Any]:
        """Return its columns but id and analysis_id."""
        return {
            "rank": self.rank,
            "name": self.name,
            "recipe": json.dumps(self.recipe.document, ensure_ascii=False),
            "recipe_hash": self.recipe_hash,
            "percentile": self.percentile,
            "eta": self.eta,
            "silent_share": self.silent_share,
            **self.scores.ours,
            "more_scores": json.dumps(dict(self.scores.more)),
            "merged": json.dumps(self.merged),
            "picture": self.picture,
            "kept": int(self.kept),
        }


@dataclass(frozen=True, kw_only=True)
class AnalysisRow:
    """An analysis that is to be stored. The fields are those of `Analysis`; rain: see `rain_amounts`.

    finished: "" for the moment in which it is stored.
    """

    settings: AnalysisSettings
    error: str = ""
    reference_frame: int = 0
    region: Region | None = None
    warnings: tuple[str, ...] = ()
    rain: Sequence[float | None] = ()
    sheet: str = ""
    scoring_target: str = ""
    reference: str = ""
    spread: float = 0.0
    origin: Origin = "analysis"
    findings: FindingColumns = field(default_factory=FindingColumns)
    chosen: Chosen = ALL_OF_IT
    rainclean: str = __version__
    finished: str = ""

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any]) -> Self:
        """Return the row that has these columns, as `columns` gave them, perhaps in another rainclean.

        Raises:
            KeyError: A column is missing.
            ValueError: A column holds something else.
            TypeError: As ValueError.
        """
        sides = listed(columns["region"])
        return cls(
            settings=AnalysisSettings(mapped(columns["settings"])),
            error=columns["error"],
            reference_frame=columns["reference_frame"],
            region=Region(*sides) if sides else None,
            warnings=listed(columns["warnings"]),
            rain=stored_rain(columns["rain"]),
            sheet=columns["sheet"],
            scoring_target=columns["scoring_target"],
            reference=columns["reference"],
            spread=columns["spread"],
            findings=FindingColumns(**{column.name: columns[column.name] for column in fields(FindingColumns)}),
            chosen=Chosen.from_columns(columns),
            rainclean=columns["rainclean"],
            finished=columns["finished"],
        )

    def columns(self) -> dict[str, Any]:
        """Return its columns but id and sequence_id."""
        return {
            "settings": json.dumps(self.settings.document, sort_keys=True),
            "settings_hash": self.settings.hash,
            "error": self.error,
            "reference_frame": self.reference_frame,
            "region": json.dumps(self.region or ()),
            "warnings": json.dumps(self.warnings, ensure_ascii=False),
            "rain": json.dumps([None if amount is None else round(float(amount), 4) for amount in self.rain]),
            "sheet": self.sheet,
            "scoring_target": self.scoring_target,
            "reference": self.reference,
            "spread": self.spread,
            "origin": self.origin,
            **asdict(self.findings),
            **self.chosen.columns(),
            "rainclean": self.rainclean,
            "finished": self.finished or now(),
        }


_COLUMNS = (
    "id, sequence_id, settings, settings_hash, rainclean, finished, error, reference_frame, region, warnings, sheet, "
    f"scoring_target, reference, spread, origin, {', '.join(column.name for column in fields(FindingColumns))}, "
    "chosen_first, chosen_last, chosen_region"
)
"""All but the rain amounts, which are long and seldom wanted."""


_PICTURE = re.compile(r"[0-9a-f]{64}\.png")

USED = "SELECT candidate_id FROM decision UNION SELECT candidate_id FROM opinion UNION SELECT candidate_id FROM edit"
"""Query for the candidates that a person decided on or edited from."""


def analyses(project: Project, sequence_id: int) -> list[Analysis]:
    """Return the analyses of a sequence, the main one first: the last sweep, or the last of any where there was none.

    Of several sweeps, one of the frames and the region that the sequence has now comes first. What a person made
    (composites, kept candidates) comes after what was analysed. Scores of different analyses cannot be compared; the
    automatic choice goes by the main one. A sequence whose analysis failed has that one, with its error, and no other.
    """
    rows = project.rows(
        f"SELECT {_COLUMNS} FROM analysis WHERE sequence_id = ? ORDER BY {schema.UP_TO_DATE} DESC, id DESC", sequence_id
    )
    return sorted(map(Analysis.from_row, rows), key=lambda a: (a.settings.recipe is not None, a.origin != "analysis"))


def analysis(project: Project, analysis_id: int) -> Analysis:
    """Return one analysis by its id."""
    return Analysis.from_row(project.rows(f"SELECT {_COLUMNS} FROM analysis WHERE id = ?", analysis_id)[0])


def rain_amounts(project: Project, analysis_id: int) -> list[float | None]:
    """Return the rain amount of each frame that the sequence has now, grey levels.

    None for a frame that cannot be stabilized, or that the sequence did not have when it was analysed.
    """
    row = project.rows(
        "SELECT rain, analysis.chosen_first AS then_first, first, last, sequence.chosen_first AS now_first, "
        "sequence.chosen_last AS now_last FROM analysis JOIN sequence ON sequence_id = sequence.id "
        "WHERE analysis.id = ?", analysis_id,
    )[0]  # fmt: skip
    amounts = stored_rain(row["rain"])
    begin, first, stop = (
        shot if chosen is None else chosen
        for chosen, shot in (
            (row["then_first"], row["first"]), (row["now_first"], row["first"]), (row["now_last"], row["last"])
        )
    )  # fmt: skip
    if (begin, begin + len(amounts)) == (first, stop) or not amounts:
        return amounts
    known = range(begin, begin + len(amounts))
    return [amounts[frame - begin] if frame in known else None for frame in range(first, stop)]


def stored_rain(text: str) -> list[float | None]:
    """Return the rain amounts of a column: of the frames that the sequence had when it was analysed."""
    return [None if amount is None else float(amount) for amount in json.loads(text)]


def candidates(project: Project, analysis_id: int) -> list[StoredCandidate]:
    """Return the candidates of one analysis, best-scored first."""
    rows = project.rows("SELECT * FROM candidate WHERE analysis_id = ? ORDER BY rank", analysis_id)
    return [StoredCandidate.from_row(row) for row in rows]


def all_candidates(project: Project, sequence_id: int) -> list[StoredCandidate]:
    """Return the candidates of a sequence: those of its main analysis, then those of others with other names."""
    by_name: dict[str, StoredCandidate] = {}
    for each in analyses(project, sequence_id):
        for one in candidates(project, each.id):
            by_name.setdefault(one.name, one)
    return list(by_name.values())


def candidate(project: Project, candidate_id: int) -> StoredCandidate:
    """Return one candidate by its id."""
    return StoredCandidate.from_row(project.rows("SELECT * FROM candidate WHERE id = ?", candidate_id)[0])


def store_analysis(project: Project, sequence_id: int, row: AnalysisRow, candidate_rows: Sequence[CandidateRow]) -> int:
    """Store an analysis, or that it failed, beside those of other settings.

    An earlier one of the same settings goes, unless a person has used a candidate of it. Returns the id.
    """
    with project.transaction():
        return replace_analysis(project, sequence_id, row, candidate_rows)


def replace_analysis(
    project: Project, sequence_id: int, row: AnalysisRow, candidate_rows: Sequence[CandidateRow]
) -> int:
    """Do the same inside a transaction."""
    project.execute(
        "DELETE FROM analysis WHERE sequence_id = ? AND (settings_hash = ? OR error != '') AND id NOT IN ("
        f"SELECT analysis_id FROM candidate WHERE id IN ({USED}))",
        sequence_id,
        row.settings.hash,
    )
    return insert_analysis(project, sequence_id, row, candidate_rows)


def insert_analysis(
    project: Project, sequence_id: int, row: AnalysisRow, candidate_rows: Sequence[CandidateRow]
) -> int:
    """Add an analysis and its candidates inside a transaction, and return its id."""
    number = project.insert("analysis", sequence_id=sequence_id, **row.columns())
    for candidate_row in candidate_rows:
        project.insert("candidate", analysis_id=number, **candidate_row.columns())
    return number


def release_absent(project: Project) -> None:
    """Note that pictures which are missing, and which nobody uses, are made again when they are needed.

    A backup may be older than what deleted them. Contact sheets that are missing are none any more.
    """
    used = used_pictures(project)
    rows = project.rows("SELECT id, picture FROM candidate WHERE kept")
    absent = [row["id"] for row in rows if row["picture"] not in used and not project.artefacts.has(row["picture"])]
    sheets = project.rows("SELECT DISTINCT sheet FROM analysis WHERE sheet != ''")
    no_sheets = [row["sheet"] for row in sheets if not project.artefacts.has(row["sheet"])]
    if absent or no_sheets:
        with project.transaction():
            for number in absent:
                project.execute("UPDATE candidate SET kept = 0 WHERE id = ?", number)
            for name in no_sheets:
                project.execute("UPDATE analysis SET sheet = '' WHERE sheet = ?", name)


def used_pictures(project: Project) -> set[str]:
    """Return the pictures that a person decided on, edited from, joined others of, or made: they are always kept."""
    rows = project.rows(
        f"SELECT picture, NULL AS recipe FROM candidate WHERE id IN ({USED}) UNION ALL "
        "SELECT picture, recipe FROM candidate JOIN analysis ON analysis_id = analysis.id WHERE origin != 'analysis'"
    )
    parts = {name for row in rows if row["recipe"] for name in _PICTURE.findall(row["recipe"])}
    return parts | {row["picture"] for row in rows}


def wanted_artefacts(project: Project) -> set[str]:
    """Return the names of all artefacts that must be on disk."""
    rows = project.rows(
        "SELECT picture FROM candidate WHERE kept UNION SELECT sheet FROM analysis "
        "UNION SELECT scoring_target FROM analysis UNION SELECT reference FROM analysis "
        "UNION SELECT exclude FROM decision "
        + " ".join(f"UNION SELECT {column} FROM analysis" for column in FINDING_FILES)
    )
    return {str(row[0]) for row in rows if row[0]}
