"""Journals: tables whose rows are appended and may take back earlier ones (decisions, opinions, edits)."""

import getpass
import os
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pipeline.project.storage import Project
from rainclean.environment import PERSON

Table = Literal["decision", "opinion", "edit"]

CURRENT_EDITS = (
    "NOT EXISTS (SELECT 1 FROM edit AS taker WHERE taker.undoes = edit.id AND NOT EXISTS ("
    "SELECT 1 FROM edit AS giver WHERE giver.undoes = taker.id))"
)
"""Holds for an edit, or an undo, that nothing takes back. A redo is never taken back: its first row is undone again."""


def standing(undoes: Mapping[int, int | None]) -> set[int]:
    """Return the ids of the current rows: those that no current row takes back.

    The order of the ids does not matter: rows of other projects come later than they were made.

    Args:
        undoes: Id of each row → id of the row that it takes back, if any.
    """
    unjudged = Counter(target for target in undoes.values() if target in undoes)
    undone: set[int] = set()
    ready = [number for number in undoes if not unjudged[number]]
    while ready:
        number = ready.pop()
        target = undoes[number]
        if target is None or target not in undoes:
            continue
        if number not in undone:
            undone.add(target)
        unjudged[target] -= 1
        if not unjudged[target]:
            ready.append(target)
    return undoes.keys() - undone


def append(
    project: Project, table: Table, sequence_id: int, who: str, undoes: int | None = None, **columns: Any
) -> int:
    """Add a row to a journal inside a transaction, under a new UUID and the present time, and return its id.

    Args:
        project: The project.
        table: The journal.
        sequence_id: Sequence that the row is about.
        who: The person.
        undoes: Id of the row that this one takes back.
        columns: Its other columns, as they are stored.
    """
    if (candidate_id := columns.get("candidate_id")) is not None:
        _keep_picture(project, candidate_id)
    at = stamp(project, table, sequence_id)
    row_uuid = str(uuid.uuid4())
    return project.insert(
        table, uuid=row_uuid, sequence_id=sequence_id, who=who, undoes=undoes, at=at, **columns
    )  # fmt: skip


def _keep_picture(project: Project, candidate_id: int) -> None:
    """Keep the picture of a candidate for good, if it is on disk but was only made again for a while."""
    rows = project.rows("SELECT picture FROM candidate WHERE id = ? AND NOT kept", candidate_id)
    if rows and project.artefacts.settle(rows[0]["picture"]):
        project.execute("UPDATE candidate SET kept = 1 WHERE id = ?", candidate_id)


def new_batch() -> str:
    """Return a new name for edits that are taken back together."""
    return uuid.uuid4().hex


def person() -> str:
    """Return the name of the person: as `PERSON` says it, else as they are logged in."""
    if name := os.environ.get(PERSON, "").strip():
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def moment(at: str) -> str:
    """Return a time as it sorts: early rows have whole seconds, later ones milliseconds."""
    return at if "." in at else f"{at[:-1]}.000Z"


def present() -> str:
    """Return the present, UTC, to the millisecond."""
    return _written(datetime.now(UTC))


def stamp(project: Project, table: Table, sequence_id: int) -> str:
    """Return the present, UTC, to the millisecond, and later than every row that a table has of a sequence.

    So the latest row stays the latest where a clock was set back, or where another machine's clock is fast.
    """
    last = project.value(
        "SELECT max(substr(at, 1, 19) || CASE length(at) WHEN 20 THEN '.000Z' ELSE substr(at, 20) END) "
        f"FROM {table} WHERE sequence_id = ?", sequence_id,
    )  # fmt: skip
    at = datetime.now(UTC)
    if last:
        at = max(at, datetime.fromisoformat(last) + timedelta(milliseconds=1))
    return _written(at)


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
