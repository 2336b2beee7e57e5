"""A project as tables and pictures, for scripts and notebooks. Nothing here changes a project."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pipeline.project.analysis import analyses, candidates, read_picture
from pipeline.project.clips import sequences
from pipeline.project.decisions import by_sequence, decisions, journal
from pipeline.project.overview import overview
from pipeline.project.storage import Project
from rainclean.errors import InputError
from rainclean.picture import Picture

if TYPE_CHECKING:
    from pandas import DataFrame


class ProjectView:
    """An open project, a context manager. Each table is read from the store when it is asked for.

    Attributes:
        folder: absolute path.
        notes: one line each that a person should know.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self.folder, self.notes = project.folder, tuple(project.notes)

    @property
    def sequences(self) -> "DataFrame":
        """Return a table with a row for each sequence, in the order in which they were added.

        Returns:
            Columns sequence (name), scene, first, stop (frame indices; stop is the first one not in it), state
            ("new", "failed", "ready", "accepted", "accepted automatically", "rejected"), trust ("fit", "look",
            "unfit", "no verdict yet", ""), candidates (number), chosen (candidate decided on, else the best-scored),
            score (of it, grey levels), star, note, conflict (people disagree), error, source, author, licence,
            consent.
        """
        with self._project.explaining():
            lines = overview(self._project)
        return _table(
            ("sequence", "scene", "first", "stop", "state", "trust", "candidates", "chosen", "score", "star", "note",
             "conflict", "error", "source", "author", "licence", "consent"),
            [
                (
                    line.sequence.name, line.sequence.scene, line.sequence.first, line.sequence.stop, line.state,
                    line.trust, line.candidates, line.chosen, line.score, line.star, line.note, line.conflict,
                    line.error, line.sequence.source, line.sequence.author, line.sequence.licence,
                    line.sequence.consent,
                )
                for line in lines
            ],
        )  # fmt: skip

    @property
    def candidates(self) -> "DataFrame":
        """Return a table with a row for each candidate: sequence by sequence, main analysis first, by rank.

        Returns:
            Columns sequence, analysis (id), origin ("analysis", "composite", "kept"), rank, recipe, description, eta
            (percent), percentile, score and its parts streaks, detail, darkening, disagreement in grey levels,
            picture (file below the project, or "" where it is not kept).
        """
        rows = []
        with self._project.explaining():
            for sequence in sequences(self._project):
                for analysis in analyses(self._project, sequence.id):
                    rows += [
                        (
                            sequence.name, analysis.id, analysis.origin, each.rank, each.name, each.label, each.eta,
                            each.percentile, each.score, each.streaks, each.detail, each.darkening,
                            each.disagreement,
                            self._project.artefacts.path(each.picture).relative_to(self.folder).as_posix()
                            if each.kept else "",
                        )
                        for each in candidates(self._project, analysis.id)
                    ]  # fmt: skip
        return _table(
            ("sequence", "analysis", "origin", "rank", "recipe", "description", "eta", "percentile", "score",
             "streaks", "detail", "darkening", "disagreement", "picture"),
            rows,
        )  # fmt: skip

    @property
    def decisions(self) -> "DataFrame":
        """Return a table with a row for each decision, in the order in which they came in.

        Returns:
            Columns decision (uuid), sequence, kind ("person", "automatic"), verdict ("accepted", "rejected",
            "undone"), recipe (of the candidate, or ""), who, at (time, UTC), note, reasons (keys, with spaces
            between), holds (whether it is the one that counts).
        """
        from pandas import to_datetime

        with self._project.explaining():
            names = {each.id: each.name for each in sequences(self._project, which="all")}
            recipes = {row["id"]: row["name"] for row in self._project.rows("SELECT id, name FROM candidate")}
            holding = {made[0].id for made in by_sequence(self._project).values()}
            table = _table(
                ("decision", "sequence", "kind", "verdict", "recipe", "who", "at", "note", "reasons", "holds"),
                [
                    (
                        each.uuid, names[each.sequence_id], each.kind, each.verdict,
                        recipes.get(each.candidate_id, ""), each.who, each.at, each.note, " ".join(each.reasons),
                        each.id in holding,
                    )
                    for each in journal(self._project)
                ],
            )  # fmt: skip
        return table.assign(at=to_datetime(table["at"], utc=True, format="ISO8601"))

    def show(self, sequence: str, recipe: str = "") -> Picture:
        """Return a clean image of a sequence.

        An image that is not kept is made again from the clip.

        Args:
            sequence: name of the sequence.
            recipe: name of a candidate. Default: the one decided on, else the best-scored one.

        Raises:
            InputError: the project has no such sequence, or it has no such candidate; or its image is neither kept nor
                can be made again.
        """
        with self._project.explaining():
            (line,) = overview(self._project, [sequence])
            if recipe:
                chosen = decisions.candidate_of(self._project, line.sequence, recipe)
                return Picture(read_picture(self._project, chosen.picture), f"{line.sequence.name}: {chosen.name}")
            if not line.picture:
                raise InputError(
                    self.folder, f"sequence {line.sequence.name!r} has no candidates", "run rainclean analyze on it"
                )
            return Picture(read_picture(self._project, line.picture), f"{line.sequence.name}: {line.chosen}")

    def close(self) -> None:
        """Close the files of the project."""
        self._project.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ProjectView {self.folder}>"


def open_project(folder: Path | str) -> ProjectView:
    """Open a project to look at it.

    Args:
        folder: of the project.

    Returns:
        Its tables: `sequences`, `candidates`, `decisions`. Close it, or use it in ``with``.

    Raises:
        InputError: there is no project.
        StoreError: its store is damaged.
    """
    return ProjectView(Project.again(Path(folder)))


def _table(columns: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> "DataFrame":
    from pandas import DataFrame

    return DataFrame(rows, columns=list(columns))
