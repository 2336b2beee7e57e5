"""Results of workers into the store, by the one process that writes to it."""

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline.batch.result_folder import Result, ResultFolder
from pipeline.batch.tasks import Request
from pipeline.border import border
from pipeline.project.analysis import (
    Analyzed,
    analyses,
    candidates,
    not_analysed,
    note_failure,
    rain_amounts,
    replace_analysis,
    sweep,
)
from pipeline.project.clips import clips, sequences
from pipeline.project.model import Sequence as ClipSequence
from pipeline.project.storage import Project
from pipeline.stages import Progress
from rainclean.errors import InputError, RaincleanError, ResourceError, UsageError
from rainclean.png import png_header

_BAD_VALUES = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""What the store raises for values of other kinds than a column takes."""

_ADVICE = "remove the result, then run its shard again"


class Stored(NamedTuple):
    """What became of a result.

    Attributes:
        name: Of the sequence in this project.
        what: It was stored; the project had it already; it says why the analysis failed.
    """

    name: str
    what: Literal["stored", "known", "failed"]


class Intake:
    """Takes results into a project.

    Args:
        project: The project, which nobody else analyses meanwhile.
    """

    def __init__(self, project: Project) -> None:
        self._project, self._uuid = project, project.uuid
        contents = {clip.id: clip.content for clip in clips(project)}
        self._contents = set(contents.values())
        # Also what a person removed: it comes back with its candidates.
        self._names = {(contents[s.clip_id], s.shot): s.name for s in sequences(project, which="all")}
        self._settings: dict[Request, str] = {}

    def take(self, result: Result, *, again: bool = False) -> Stored:
        """Store a result, with its files.

        Args:
            result: The result.
            again: Also where the project has candidates by these settings.

        Raises:
            InputError: It does not belong to the project, or is damaged.
        """
        sequence = self._sequence(result)
        if not again and not not_analysed(self._project, [sequence], result.row.settings):
            return Stored(sequence.name, "known")
        if result.row.error:
            with _bad_values_refused(result):
                note_failure(self._project, sequence, result.row.settings, result.row.error)
            return Stored(sequence.name, "failed")
        self._check_pictures(result)
        for name in result.files:
            self._project.artefacts.adopt(result.artefact(name))
        with _bad_values_refused(result), self._project.transaction():
            number = replace_analysis(self._project, sequence.id, result.row, result.candidates)
            # Read as everybody reads it, before it is stored for good.
            candidates(self._project, number), rain_amounts(self._project, number)
            analyses(self._project, sequence.id)
        return Stored(sequence.name, "stored")

    def _sequence(self, result: Result) -> ClipSequence:
        """Return the sequence of this project that a result is of. Raises InputError where there is none."""
        path, name = result.path, result.name
        if result.project != self._uuid:
            raise InputError(path, f"({name}) is of another project")
        if result.content not in self._contents:
            raise InputError(path, f"({name}) is of a clip that this project does not have")
        known = self._names.get((result.content, result.shot))
        if known is None:
            raise InputError(path, f"({name}) is of frames that are no sequence of this project")
        if result.row.settings.hash != self._hash(result):
            made = f"rainclean {result.row.rainclean} made it by other rules"
            raise InputError(path, f"({known}) has a recipe that this rainclean does not have: {made}", "analyse again")
        (sequence,) = sequences(self._project, (known,), which="all")
        if sequence.chosen != result.row.chosen:
            raise InputError(path, f"({known}) is of other frames or another region than it has now", "analyse again")
        return sequence

    def _hash(self, result: Result) -> str:
        """Return the hash that the settings of a result have by the rules of this rainclean; "" for no settings."""
        frames, recipe = result.row.settings.document.get("frames"), result.row.settings.recipe
        if not isinstance(frames, int | None) or not result.row.settings.is_complete:
            return ""
        request = Request(recipe=recipe, frames=frames)
        if request not in self._settings:
            try:
                self._settings[request] = request.lasting().hash
            except UsageError:
                self._settings[request] = ""
        return self._settings[request]

    def _check_pictures(self, result: Result) -> None:
        """Raise InputError where a candidate is no picture of the region that the analysis has."""
        region = result.row.region
        for candidate in (each for each in result.candidates if each.kept):
            path = result.artefact(candidate.picture)
            try:
                header = png_header(path.read_bytes(), path)
            except OSError as error:
                raise InputError(path, f"{error.strerror or error}", _ADVICE) from error
            if region is None or (header.width, header.height) != (region.width, region.height):
                raise _damaged(result.path)


@contextmanager
def _bad_values_refused(result: Result) -> Iterator[None]:
    """Raise InputError where the store refuses values of a result, or they cannot be read from it."""
    try:
        yield
    except (*_BAD_VALUES, ValueError, TypeError, KeyError, OverflowError) as error:
        raise _damaged(result.path) from error


@dataclass(kw_only=True)
class Imported(Analyzed):
    """What an import of results did; ``skipped`` are those that the project had.

    Attributes:
        refused: A line for each result that does not belong to the project, or is damaged.
    """

    refused: list[str] = field(default_factory=list)


def import_results(project: Project, folders: Sequence[Path]) -> Generator[Progress, None, Imported]:
    """Take the results of shards into a project. They stay where they are, and may be imported again.

    Args:
        project: The project.
        folders: Folders that `analyze_shard` wrote to.

    Yields:
        How far it has come.

    Returns:
        What became of each result.

    Raises:
        InputError: A folder holds no results.
        RaincleanError: Another process is analysing this project.
    """
    imported = Imported()
    with project.job("analyze"):
        paths = [path for folder in folders for path in ResultFolder(folder).entries()]
        intake = Intake(project)
        for done, path in enumerate(paths):
            yield Progress("import", done, len(paths))
            with border(path, imported.refused.append, through=(ResourceError,)), project.explaining():
                result = Result.read(path)
                note(imported, intake.take(result), result)
        yield Progress("import", len(paths), len(paths))
        sweep(project)
    return imported


def note(analyzed: Analyzed, stored: Stored, result: Result) -> None:
    """Note what became of a result."""
    if stored.what == "stored":
        analyzed.add(stored.name, result.row)
        analyzed.failed.pop(stored.name, None)
    elif stored.what == "known":
        analyzed.skipped.append(stored.name)
    else:
        analyzed.failed[stored.name] = result.row.error


def _damaged(path: Path) -> RaincleanError:
    return InputError(path, "is damaged", _ADVICE)
