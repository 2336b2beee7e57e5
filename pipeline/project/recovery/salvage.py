"""Rows that a damaged store still has: read, checked one by one, and added to a sound store.

What is there already is told by what never changes: a clip by its content, a sequence by its frames, an appended row by
its UUID. Both stores are of one project, so ids mostly agree; where they do not, a row gets a new one.
"""

import json
import math
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pipeline.project.editing import Draft, Edit, with_edit
from pipeline.project.recovery.soundness import READ
from pipeline.project.recovery.sqlite_pages import Cell, Pages
from pipeline.project.storage import schema
from pipeline.stages import Progress
from pipeline.text_format import counted

Row = dict[str, Any]

JOURNALS = ("decision", "opinion", "edit")
"""Tables whose rows are appended, never changed or removed: ids without gaps."""

ORDER = ("clip", "sequence", "analysis", "candidate", *JOURNALS, "activity")
"""Tables, each after those that it refers to."""

_PAGES_A_STEP = 256


@dataclass
class Found:
    """What was read. rows: by table and id. unreadable: rows that are damaged. project: the row of the project."""

    rows: dict[str, dict[int, Row]] = field(default_factory=lambda: {table: {} for table in ORDER})
    unreadable: int = 0
    project: Row | None = None


@dataclass
class Salvaged:
    """What was added, by table. described: sequences of which it was newer. notes: what could not be added, and why.

    missed: rows of the sound store that were not to be read in the other one.
    """

    added: Counter[str] = field(default_factory=Counter)
    described: int = 0
    missed: int = 0
    notes: list[str] = field(default_factory=list)


def read(data: bytes) -> Generator[Progress, None, Found]:
    """Read and check all rows in the bytes of a store, damaged or not."""
    found, pages = Found(), Pages(data)
    for number, cells in enumerate(pages.cells()):
        for cell in cells:
            _sort_in(found, cell)
        if number % _PAGES_A_STEP == 0:
            yield Progress("read", number, len(pages))
    return found


def merge(
    db: sqlite3.Connection, found: Found, tables: Sequence[str] = ORDER, *, newer: bool
) -> Generator[Progress, None, Salvaged]:
    """Add to a sound store, inside a transaction, the rows that were found and that it does not have.

    Args:
        db: The store.
        found: The rows.
        tables: Tables that are added to.
        newer: Of what can change (places of clips, descriptions), the found values are later ones.
    """
    merging = _Merging(db, found, newer=newer)
    merging.count_missed()
    for done, table in enumerate(ORDER):
        yield Progress("salvage", done, len(ORDER))
        if table in tables:
            merging.add(table)
    merging.count_missing()
    return merging.salvaged


# -- what a row may be ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str
    required: bool
    default: str | None


@lru_cache(maxsize=1)
def _tables() -> dict[str, list[_Column]]:
    """The columns of all tables, as the newest rainclean makes them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        schema.migrate(db)
        return {
            table: [_Column(name, kind, bool(needed), default)
                    for _, name, kind, needed, default, _ in db.execute(f"PRAGMA table_info({table})")]
            for table in ("project", *ORDER)
        }  # fmt: skip


def _sort_in(found: Found, cell: Cell | None) -> None:
    if cell is None:
        found.unreadable += 1
        return
    number, values = cell
    if len(values) == 5 and values[0] in ("table", "index", "trigger", "view"):
        return  # of the schema
    for table, columns in _tables().items():
        row = _as_row(columns, values)
        if row is None or not _makes_sense(table, number, row):
            continue
        if table == "project":
            found.project = row
        else:
            found.rows[table].setdefault(number, row)
        return
    found.unreadable += 1


def _as_row(columns: list[_Column], values: tuple[Any, ...]) -> Row | None:
    """Values as the columns of a table; None where they cannot be. Columns that were added later may be missing."""
    if columns[0].name == "id":
        if not values or values[0] is not None:
            return None
        columns, values = columns[1:], values[1:]
    if len(values) > len(columns) or any(c.required and c.default is None for c in columns[len(values) :]):
        return None
    row: Row = {column.name: _default(column) for column in columns[len(values) :]}
    for column, value in zip(columns, values, strict=False):
        if column.kind == "REAL" and type(value) is int:
            value = float(value)  # SQLite keeps whole ones so
        if not ((value is None and not column.required) or isinstance(value, _TYPES[column.kind])):
            return None
        if isinstance(value, float) and not math.isfinite(value):
            return None
        row[column.name] = value
    return row


_TYPES: dict[str, type] = {"INTEGER": int, "REAL": float, "TEXT": str, "BLOB": bytes}


def _default(column: _Column) -> Any:
    text = column.default
    return None if text is None else text[1:-1] if text.startswith("'") else _TYPES[column.kind](text)


_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", re.ASCII)


def _makes_sense(table: str, number: int, row: Row) -> bool:
    """Whether a row can be read as it is used, and is named and dated as ours are."""
    if "uuid" in row and not _UUID.fullmatch(row["uuid"]):
        return False
    if "at" in row and not _AT.fullmatch(row["at"]):
        return False
    try:
        if table in READ:
            READ[table]({"id": number, **row})
        if table == "edit":
            with_edit(Draft(), Edit.from_row({"id": number, **row, "sequence": ""}), {})
    except Exception:  # whatever a damaged row leads to
        return False
    return table != "analysis" or len(json.loads(row["region"])) in (0, 4)


# -- adding -----------------------------------------------------------------------------------------------------------

_CHANGEABLE = {
    "clip": ("path", "relative", "copied", "bytes", "modified_ns", "salvage"),
    "sequence": (
        "name",
        "scene",
        "scene_by",
        "source",
        "author",
        "licence",
        "consent",
        "notes",
        "display_name",
        "chosen_first",
        "chosen_last",
        "chosen_region",
        "removed",
    ),
    "candidate": ("kept",),
    "activity": ("ended", "state", "summary", "error"),
}
"""Columns that change."""


_SAME = "id = ? AND analysis_id = ? AND name = ? AND recipe_hash = ? AND picture = ?"
"""Of a candidate that is another one's equal."""


class _NotPlaced(Exception):
    """A row cannot be added; its text says why."""


class _Merging:
    """One merge. Ids of what was found are mapped to those of the store."""

    def __init__(self, db: sqlite3.Connection, found: Found, *, newer: bool) -> None:
        self._db, self._found, self._newer = db, found, newer
        db.row_factory = sqlite3.Row
        self._ids: dict[str, dict[int, int]] = {table: {} for table in ORDER}
        self._left_out: Counter[str] = Counter()
        self._candidates: dict[int, list[int]] = defaultdict(list)
        for number, row in found.rows["candidate"].items():
            self._candidates[row["analysis_id"]].append(number)
        self._referred = {row["candidate_id"] for table in JOURNALS for row in found.rows[table].values()}
        self.salvaged = Salvaged()

    def add(self, table: str) -> None:
        """Add the rows of a table that are not there."""
        waiting = sorted(self._found.rows[table].items())
        for number, row in waiting:
            try:
                self._place(table, number, row)
            except _NotPlaced as error:
                self._left_out[f"{table}: {error}"] += 1
            except sqlite3.IntegrityError:
                self._left_out[f"{table}: conflict with existing rows"] += 1

    def count_missed(self) -> None:
        """Count rows of the store that could not be read of what it is merged with, before any is added."""
        for table in ORDER:
            existing = {row[0] for row in self._db.execute(f"SELECT id FROM {table}")}
            self.salvaged.missed += len(existing - self._found.rows[table].keys())

    def count_missing(self) -> None:
        """Say what was left out, and what is missing: numbers of appended rows have no gaps."""
        self.salvaged.notes += [
            f"{counted(n, key.partition(': ')[0])} left out: {key.partition(': ')[2]}"
            for key, n in sorted(self._left_out.items())
        ]
        for table in JOURNALS:
            count, last = self._db.execute(f"SELECT count(*), coalesce(max(id), 0) FROM {table}").fetchone()
            last = max(last, *self._found.rows[table], *self._rows_of_edits(table))
            if lost := last - count - sum(n for key, n in self._left_out.items() if key.startswith(f"{table}:")):
                self.salvaged.notes.append(f"{counted(lost, table)} cannot be read")

    def _rows_of_edits(self, table: str) -> set[int]:
        """Ids of decisions or opinions that edits were: the last ones leave no gap where they are lost."""
        values = (json.loads(row["value"]).get(f"{table}s") for row in self._found.rows["edit"].values())
        return {0, *(n for value in values if isinstance(value, list) for n in value if type(n) is int)}

    def _place(self, table: str, number: int, row: Row) -> None:
        if table == "analysis":
            row = {**row, "sequence_id": self._known("sequence", row["sequence_id"])}
            existing = self._one(
                "id = ? AND sequence_id = ? AND settings_hash = ? AND finished = ?", table, number, row
            )
            if existing is None and not self._is_wanted(number, row):
                raise _NotPlaced("not all of its candidates can be read; analyze makes them again")
        elif table == "candidate":
            of = row["analysis_id"]
            if of not in self._ids["analysis"]:
                # Its analysis was left out, or cannot be read: then the store's, if that has the very same candidate.
                if of not in self._found.rows["analysis"] and self._one(_SAME, table, number, row) is not None:
                    self._ids[table][number] = number
                return
            row = {**row, "analysis_id": self._ids["analysis"][of]}
            existing = self._one("analysis_id = ? AND name = ?", table, row)
        elif table == "clip":
            existing = self._one("content = ?", table, row)
        elif table == "sequence":
            row = self._sequence(row)
            existing = self._one("clip_id = ? AND first = ? AND last = ?", table, row)
        elif table == "activity":
            existing = self._one("uuid = ?", table, row)
        else:
            row = self._appended(table, row)
            existing = self._one("uuid = ?", table, row) or self._one(
                "id = ? AND at = ? AND who = ?", table, number, row
            )
        if existing is None:
            self._ids[table][number] = self._insert(table, number, row)
            self.salvaged.added[table] += 1
        else:
            self._ids[table][number] = existing
            self._update(table, existing, row)

    def _one(self, where: str, table: str, *keys: Any) -> int | None:
        """The id of the row of the store with these values: of a row, or an id and a row."""
        row = keys[-1] | ({"id": keys[0]} if len(keys) > 1 else {})
        names = re.findall(r"(\w+) = \?", where)
        row_found = self._db.execute(f"SELECT id FROM {table} WHERE {where}", [row[name] for name in names]).fetchone()
        return None if row_found is None else int(row_found["id"])

    def _insert(self, table: str, number: int, row: Row) -> int:
        """Under the id that it had, or another where that is taken."""
        if self._has(table, number):
            number = self._db.execute(f"SELECT max(id) + 1 FROM {table}").fetchone()[0]
        row = {"id": number, **row}
        marks = ", ".join("?" * len(row))
        self._db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", [*row.values()])
        return number

    def _update(self, table: str, number: int, row: Row) -> None:
        """Take over what can change, where it has."""
        columns = _CHANGEABLE.get(table, ()) if self._newer else ()
        if not columns:
            return
        present = self._db.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE id = ?", (number,)).fetchone()
        if tuple(present) != tuple(row[column] for column in columns):
            marks = ", ".join(f"{column} = ?" for column in columns)
            self._db.execute(f"UPDATE {table} SET {marks} WHERE id = ?", [*(row[c] for c in columns), number])
            self.salvaged.described += table == "sequence"

    def _known(self, table: str, number: int) -> int:
        """The store's id for one of what was found; the same where its row could not be read, but is in the store."""
        if number in self._ids[table]:
            return self._ids[table][number]
        if number in self._found.rows[table] or not self._has(table, number):
            raise _NotPlaced(f"its {table} cannot be read")
        return number

    def _has(self, table: str, number: int) -> bool:
        return self._db.execute(f"SELECT 1 FROM {table} WHERE id = ?", (number,)).fetchone() is not None

    def _sequence(self, row: Row) -> Row:
        row = {**row, "clip_id": self._known("clip", row["clip_id"])}
        if row["looks_like"] is not None:
            try:
                row["looks_like"] = self._known("sequence", row["looks_like"])
            except _NotPlaced:
                row["looks_like"] = None
                row["scene_by"] = "name" if row["scene_by"] == "suggestion" else row["scene_by"]
        return row

    def _is_wanted(self, number: int, row: Row) -> bool:
        """Whether an analysis is whole, or something hangs on it."""
        candidates = self._candidates[number]
        ranks = sorted(self._found.rows["candidate"][one]["rank"] for one in candidates)
        whole = bool(row["error"]) or (bool(ranks) and ranks == list(range(1, len(ranks) + 1)))
        return whole or not self._referred.isdisjoint(candidates)

    def _appended(self, table: str, row: Row) -> Row:
        row = {**row, "sequence_id": self._known("sequence", row["sequence_id"])}
        if row["candidate_id"] is not None:
            row["candidate_id"] = self._candidate(row["candidate_id"], row["sequence_id"])
        if row["undoes"] is not None:
            row["undoes"] = self._known(table, row["undoes"])
        if table == "edit":
            row["value"] = self._value(row["value"])
        return row

    def _candidate(self, number: int, sequence: int) -> int:
        if number in self._ids["candidate"]:
            return self._ids["candidate"][number]
        existing = self._db.execute(
            "SELECT analysis_id, sequence_id FROM candidate JOIN analysis ON analysis_id = analysis.id "
            "WHERE candidate.id = ?", (number,),
        ).fetchone()  # fmt: skip
        # The store's candidate of that number, unless analyze has used the number again since.
        if number in self._found.rows["candidate"] or existing is None or existing["sequence_id"] != sequence:
            raise _NotPlaced("its candidate cannot be read")
        of = existing["analysis_id"]
        if of in self._found.rows["analysis"] and self._ids["analysis"].get(of) != of:
            raise _NotPlaced("its candidate cannot be read")
        return number

    def _value(self, text: str) -> str:
        """What an edit says of decisions and opinions, by their ids in the store."""
        value = json.loads(text)
        changed = False
        for key, table in (("decisions", "decision"), ("opinions", "opinion")):
            if isinstance(value.get(key), list):
                numbers = [self._ids[table].get(n, n) if type(n) is int else n for n in value[key]]
                changed |= numbers != value[key]
                value[key] = numbers
        return json.dumps(value, ensure_ascii=False) if changed else text


def salvaged_text(salvaged: Salvaged) -> str:
    """Return what was salvaged, for a person: ``30 decisions, 2 clips``; empty for nothing."""
    plural = {"analysis": "analyses", "activity": "activities"}
    parts = [
        f"{n} {plural.get(table, f'{table}s')}" if n > 1 else counted(n, table)
        for table in (*JOURNALS, *(table for table in ORDER if table not in JOURNALS))
        if (n := salvaged.added[table])
    ]
    if salvaged.described:
        parts.append(f"descriptions of {counted(salvaged.described, 'sequence')}")
    return ", ".join(parts)
