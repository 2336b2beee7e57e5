"""Whether a store holds what rainclean wrote: beyond what SQLite checks by itself, each row is read as it is used."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from pipeline.project.analysis import FOUND_FILES, covered_frames, repeats_of, verdict_of
from pipeline.project.editing import Edit, draft_of
from pipeline.project.model import Analysis, Clip, Decision, Opinion, Sequence, StoredCandidate
from pipeline.project.storage import Project, listed, told
from rainclean.errors import RaincleanError

MOST = 20
"""Problems that are told at most."""

_NAME = re.compile(r"[\w.-]*")
"""Names of artefacts: parts of paths, so that nothing else may be in them."""


def problems(project: Project) -> list[str]:
    """What is wrong with a store, a line each; empty where it is sound. Raises RaincleanError where others hold it.

    Looked at table by table, not in one snapshot: others need not wait for all of it.
    """
    found: list[str] = []
    for look in (_file, _references, _tables, _rows):
        # Where the file itself is damaged the rest says nothing new, or everything.
        if not found:
            try:
                found += [told(line) for line in look(project)][:MOST]
            except Exception as error:
                if isinstance(error, RaincleanError) and error.__cause__ is None:
                    raise  # it is in use, or was taken away
                found.append(_said(error))
    return found


def _file(project: Project) -> Iterator[str]:
    yield from (row[0] for row in project.rows(f"PRAGMA integrity_check({MOST})") if row[0] != "ok")


def _references(project: Project) -> Iterator[str]:
    for row in project.rows("PRAGMA foreign_key_check"):
        yield f"{row[0]}: row {row[1]} refers to a missing {row[2]}"


def _tables(project: Project) -> Iterator[str]:
    yield from project.differences()
    if project.value("SELECT count(*) FROM project") != 1:
        yield "project: has not one row"


def _rows(project: Project) -> Iterator[str]:
    for table, read in READ.items():
        for number, row in _each(project, table):
            try:
                read(row() if callable(row) else row)
            except Exception as error:
                yield f"{table}: row {number} cannot be read ({_said(error)})"
    for row in project.rows("SELECT DISTINCT sequence_id FROM edit"):
        try:
            draft_of(project, row[0], {})
        except RaincleanError:
            continue  # of a newer rainclean, and told as that
        except Exception as error:
            yield f"edit: what was done to sequence {row[0]} cannot be read ({_said(error)})"


def _each(project: Project, table: str) -> Iterator[tuple[int, Any]]:
    """Id and row, or a way to read it where all at once cannot be read."""
    try:
        yield from ((row["id"], row) for row in project.rows(f"SELECT * FROM {table}"))
    except sqlite3.Error:
        for (number,) in project.rows(f"SELECT id FROM {table}"):
            yield number, partial(_one, project, table, number)


def _one(project: Project, table: str, number: int) -> Any:
    return project.rows(f"SELECT * FROM {table} WHERE id = ?", number)[0]


def _read_sequence(row: Any) -> None:
    Sequence.of({name: row[name] for name in row.keys() if name not in ("background", "looks_like")})  # noqa: SIM118


def _read_analysis(row: Any) -> None:
    made = Analysis.of({name: row[name] for name in row.keys() if name != "rain"})  # noqa: SIM118
    _need(all(amount is None or type(amount) in (int, float) for amount in listed(row["rain"])), "rain amounts")
    _need("recipe" in made.settings, "settings without a recipe")
    _need_names(made.sheet, made.scoring_target, made.reference, *(getattr(made, name) for name in FOUND_FILES))
    covered_frames(made)
    repeats_of(made)
    verdict_of(made.verdict)


def _read_candidate(row: Any) -> None:
    _need_names(StoredCandidate.of(row).picture)


def _read_decision(row: Any) -> None:
    made = Decision.of(row)
    _need_names(made.exclude)
    datetime.fromisoformat(made.at)


def _read_opinion(row: Any) -> None:
    datetime.fromisoformat(Opinion.of(row).at)


def _read_edit(row: Any) -> None:
    made = Edit.of({**row, "sequence": ""})
    datetime.fromisoformat(made.at)
    assert made.words


READ: dict[str, Callable[[Any], object]] = {
    "clip": Clip.of,
    "sequence": _read_sequence,
    "analysis": _read_analysis,
    "candidate": _read_candidate,
    "decision": _read_decision,
    "opinion": _read_opinion,
    "edit": _read_edit,
}
"""Tables, and how a row of each is looked at."""


def _need(true: bool, what: str) -> None:
    if not true:
        raise ValueError(what)


def _need_names(*names: str) -> None:
    for name in names:
        _need(_NAME.fullmatch(name) is not None, f"{name[:40]!r} names no picture")


def _said(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, RaincleanError) and error.__cause__ is not None else error
    return told(str(cause) or type(cause).__name__)
