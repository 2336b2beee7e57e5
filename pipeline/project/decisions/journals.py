"""What the appended tables (decisions, opinions, edits) have in common: which rows stand, and when each was made."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pipeline.project.storage import Project


def standing(undoes: Mapping[int, int | None]) -> set[int]:
    """Ids of the rows that stand, of a table in which a row may take back another one.

    undoes: of each row the id of the one that it takes back. A row stands unless a row that stands takes it back,
    whatever the order of the ids: rows of other projects come later than they were made.
    """
    unjudged = Counter(target for target in undoes.values() if target in undoes)
    gone: set[int] = set()
    ready = [one for one in undoes if not unjudged[one]]
    while ready:
        one = ready.pop()
        target = undoes[one]
        if target is None or target not in undoes:
            continue
        if one not in gone:
            gone.add(target)
        unjudged[target] -= 1
        if not unjudged[target]:
            ready.append(target)
    return undoes.keys() - gone


def moment(at: str) -> str:
    """A time as it sorts: early rows have whole seconds, later ones milliseconds."""
    return at if "." in at else f"{at[:-1]}.000Z"


def stamp(project: Project, table: str, sequence_id: int) -> str:
    """The present, UTC, to the millisecond, and later than all that a table has of a sequence.

    What was done last shall be what was done last also where a clock was set back, or another machine's is fast.
    """
    last = project.value(
        "SELECT max(substr(at, 1, 19) || CASE length(at) WHEN 20 THEN '.000Z' ELSE substr(at, 20) END) "
        f"FROM {table} WHERE sequence_id = ?", sequence_id,
    )  # fmt: skip
    present = datetime.now(UTC)
    if last:
        present = max(present, datetime.fromisoformat(last) + timedelta(milliseconds=1))
    return present.strftime("%Y-%m-%dT%H:%M:%S.") + f"{present.microsecond // 1000:03d}Z"
