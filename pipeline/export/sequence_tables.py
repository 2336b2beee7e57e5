"""sequences.csv and credits.csv: where the sequences of an export come from, and what was decided on them."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

from pipeline.export.exclusions import REASONS
from pipeline.export.pair_record import PairRecord
from pipeline.export.plan import Item, Plan

Records = Mapping[int, Sequence[PairRecord]]
"""Records of the prepared pairs, by the id of their sequence."""

SEQUENCES = "sequences.csv"
CREDITS = "credits.csv"

_SEQUENCE_COLUMNS = (
    "sequence", "scene", "scene_by", "split", "clip", "clip_sha256", "first", "last", "width", "height",
    "source", "author", "licence", "consent", "notes",
    "recipe", "decision", "decision_kind", "decided_by", "decided_at", "decision_note", "decision_reasons",
    "opinions", "opinions_agreeing", "frames", "pairs", "steadied", "excluded",
    "colours",
    "verdict", "verdict_reasons",
)  # fmt: skip


class VerdictCells(NamedTuple):
    """Columns of a verdict: its state, and the codes of its reasons; both "" where there is none."""

    state: str
    reasons: str


class Credit(NamedTuple):
    """Sequences of one licence, author, source and consent; the fields are the columns of credits.csv.

    sequences: names, with spaces between them. pairs: number of their pairs.
    """

    licence: str
    author: str
    source: str
    consent: str
    sequences: str
    pairs: int


def part_name(item: Item) -> str:
    """Return the name under which a sequence's pairs are prepared."""
    return f"sequence-{item.sequence.id}"


def sequences_csv(plan: Plan, records: Records) -> bytes:
    """Return sequences.csv, one line for each sequence."""
    lines = []
    for item in plan.items:
        s, d, own = item.sequence, item.decision, records[item.sequence.id]
        values = (
            s.name, s.scene, s.scene_by, item.split, item.clip.path.name, item.clip.content, s.first, s.stop,
            item.clip.width, item.clip.height, s.source, s.author, s.licence, s.consent, s.notes,
            item.candidate.name, d.uuid, d.kind, d.who, d.at, d.note, " ".join(d.reasons),
            item.opinions, item.agreeing, len({record.frame for record in own}), len(own),
            "yes" if item.analysis.stabilization else "no", " ".join(excluded(own)),
            item.clip.colours,
            *verdict_cells(item),
        )  # fmt: skip
        lines.append(values)
    return _csv(_SEQUENCE_COLUMNS, lines)


def verdict_cells(item: Item) -> VerdictCells:
    """Return the verdict of a sequence as columns."""
    verdict = item.verdict
    if verdict is None:
        return VerdictCells("", "")
    return VerdictCells(verdict.state, " ".join(reason.code for reason in verdict.reasons))


def excluded(records: Sequence[PairRecord]) -> list[str]:
    """Return why something is excluded in any pair of a sequence, of `REASONS`."""
    codes = {code for record in records for code in record.excluded}
    return [reason for reason in REASONS if reason in codes]


def used_items(plan: Plan, records: Records) -> list[Item]:
    """Return the sequences that have pairs."""
    return [item for item in plan.items if records[item.sequence.id]]


def credit_rows(plan: Plan, records: Records) -> list[Credit]:
    """Return the credits of the sequences that have pairs, sorted."""
    groups: dict[tuple[str, str, str, str], list[Item]] = {}
    for item in used_items(plan, records):
        s = item.sequence
        groups.setdefault((s.licence, s.author, s.source, s.consent), []).append(item)
    return [
        Credit(
            *origin,
            sequences=" ".join(item.sequence.name for item in items),
            pairs=sum(len(records[item.sequence.id]) for item in items),
        )
        for origin, items in sorted(groups.items())
    ]


def credits_csv(credit: Iterable[Credit]) -> bytes:
    """Return credits.csv."""
    return _csv(Credit._fields, credit)


def _csv(columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    return text.getvalue().encode()
