"""Checks that a store holds what rainclean wrote: beyond SQLite's own checks, each row is read as it is used."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from pipeline.project.activities import Activity
from pipeline.project.analysis import FINDING_FILES, covered_frames, repeats_of, verdict_of
from pipeline.project.editing import Edit, draft_of
from pipeline.project.model import Analysis, Clip, Decision, Opinion, Sequence, StoredCandidate
from pipeline.project.storage import Project, listed, short_line
from rainclean.errors import RaincleanError

MAX_PROBLEMS = 20
"""That are listed."""

_NAME = re.compile(r"[\w.-]*")
"""Names of artefacts: parts of paths, so that nothing else may be in them."""


def problems(project: Project) -> list[str]:
    """Return what is wrong with a store, a line each; empty where it is sound.

    Tables are checked one by one, not in one snapshot: others need not wait for all of it.

    Raises:
        RaincleanError: The store is in use, or was removed.
    """
    result: list[str] = []
    for check in (_file, _references, _tables, _rows):
        # Where the file itself is damaged the other checks repeat that, or fail everywhere.
        if not result:
            try:
                result += [short_line(line) for line in check(project)][:MAX_PROBLEMS]
            except Exception as error:
                if isinstance(error, RaincleanError) and error.__cause__ is None:
                    raise  # it is in use, or was removed
                result.append(_reason(error))
    return result


def _file(project: Project) -> Iterator[str]:
    yield from (row[0] for row in project.rows(f"PRAGMA integrity_check({MAX_PROBLEMS})") if row[0] != "ok")


def _references(project: Project) -> Iterator[str]:
    for row in project.rows("PRAGMA foreign_key_check"):
        yield f"{row[0]}: row {row[1]} refers to a missing {row[2]}"


def _tables(project: Project) -> Iterator[str]:
    yield from project.differences()
    if project.value("SELECT count(*) FROM project") != 1:
        yield "project: does not have exactly one row"


def _rows(project: Project) -> Iterator[str]:
    for table, read in READ.items():
        for number, row in _each(project, table):
            try:
                read(row() if callable(row) else row)
            except Exception as error:
                yield f"{table}: row {number} cannot be read ({_reason(error)})"
    for row in project.rows("SELECT DISTINCT sequence_id FROM edit"):
        try:
            draft_of(project, row[0], {})
        except RaincleanError:
            continue  # of a newer rainclean, which is reported elsewhere
        except Exception as error:
            yield f"edit: what was done to sequence {row[0]} cannot be read ({_reason(error)})"


def _each(project: Project, table: str) -> Iterator[tuple[int, Any]]:
    """Yield id and row of each row, or a function that reads the row where all at once cannot be read."""
    try:
        yield from ((row["id"], row) for row in project.rows(f"SELECT * FROM {table}"))
    except sqlite3.Error:
        for (number,) in project.rows(f"SELECT id FROM {table}"):
            yield number, partial(_one, project, table, number)


def _one(project: Project, table: str, number: int) -> Any:
    return project.rows(f"SELECT * FROM {table} WHERE id = ?", number)[0]


def _read_sequence(row: Any) -> None:
    Sequence.from_row(row)


def _read_analysis(row: Any) -> None:
    analysis = Analysis.from_row({name: row[name] for name in row.keys() if name != "rain"})  # noqa: SIM118
    _check(all(amount is None or type(amount) in (int, float) for amount in listed(row["rain"])), "rain amounts")
    _check(analysis.settings.is_complete, "settings without a recipe")
    files = (getattr(analysis, name) for name in FINDING_FILES)
    _check_names(analysis.sheet, analysis.scoring_target, analysis.reference, *files)
    covered_frames(analysis)
    repeats_of(analysis)
    verdict_of(analysis.verdict)


def _read_candidate(row: Any) -> None:
    _check_names(StoredCandidate.from_row(row).picture)


def _read_decision(row: Any) -> None:
    decision = Decision.from_row(row)
    _check_names(decision.exclude)
    datetime.fromisoformat(decision.at)


def _read_opinion(row: Any) -> None:
    datetime.fromisoformat(Opinion.from_row(row).at)


def _read_edit(row: Any) -> None:
    edit = Edit.from_row({**row, "sequence": ""})
    datetime.fromisoformat(edit.at)
    assert edit.label


READ: dict[str, Callable[[Any], object]] = {
    "clip": Clip.from_row,
    "sequence": _read_sequence,
    "analysis": _read_analysis,
    "candidate": _read_candidate,
    "decision": _read_decision,
    "opinion": _read_opinion,
    "edit": _read_edit,
    "activity": Activity.from_row,
}
"""Tables, and what reads a row of each."""


def _check(true: bool, what: str) -> None:
    if not true:
        raise ValueError(what)


def _check_names(*names: str) -> None:
    for name in names:
        _check(_NAME.fullmatch(name) is not None, f"{name[:40]!r} is not the name of a file")


def _reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, RaincleanError) and error.__cause__ is not None else error
    return short_line(str(cause) or type(cause).__name__)
