"""manifest.csv: the origin of every pair in an exported data set, and the content of its files.

One line for each pair. manifest.parquet holds the same rows.
"""

import csv
import math
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import category

from rainclean.errors import InputError
from rainclean.verdict import STATES

NAME = "manifest.csv"
REPORT = "export.json"
"""The file beside it that describes the whole data set."""

PARQUET_NAME = "manifest.parquet"

DECIMALS = 6
"""Decimals of every fraction: finer than any measurement, and the same text on every machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """One pair; the fields are the columns of manifest.csv, in this order.

    rainy, clean, exclude, confidence: names below the root; exclude and confidence may be "" (not written).
    sequence, scene: their names. frame: 0-based frame index in the clip; pts_seconds: its time.
    x, y, width, height: the crop in the clean image, px. decision: uuid of the decision.
    rain_share 0…1; rain_amount and the scores in grey levels, None where a clean image was not scored (a
    composite). …_sha256: of the file; …_pixels_sha256: `png.pixels_sha256` of its picture. verdict: "fit", "look" or
    "unfit", on the analysis of the clean image; "" where an older rainclean analysed it.
    Numbers are rounded to six decimals. Raises ValueError for values that a column cannot hold.
    """

    split: str
    sequence: str
    scene: str
    rainy: str
    clean: str
    exclude: str
    confidence: str
    frame: int
    pts_seconds: float
    x: int
    y: int
    width: int
    height: int
    recipe: str
    recipe_hash: str
    decision: str
    decision_kind: str
    rain_share: float
    rain_amount: float
    score: float | None
    streaks: float | None
    detail: float | None
    darkening: float | None
    disagreement: float | None
    rainy_sha256: str
    clean_sha256: str
    rainy_pixels_sha256: str
    clean_pixels_sha256: str
    exclude_sha256: str
    confidence_sha256: str
    verdict: str = ""

    def __post_init__(self) -> None:
        for column, take in _COLUMNS.items():
            try:
                object.__setattr__(self, column, take(getattr(self, column)))
            except (ValueError, TypeError, OverflowError) as error:
                raise ValueError(f"column {column}: {getattr(self, column)!r} is not {_EXPECTED[take]}") from error
        for mask in ("exclude", "confidence"):
            if bool(getattr(self, mask)) != bool(getattr(self, f"{mask}_sha256")):
                raise ValueError(f"column {mask}_sha256: a name needs a checksum, and a checksum a name")


def _text(value: Any) -> str:
    # Line ends and lone surrogates do not survive a CSV file, or cannot be written.
    if not isinstance(value, str) or not value or any(category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
        raise ValueError
    return value


def _text_or_empty(value: Any) -> str:
    return "" if value == "" else _text(value)


def _whole(value: Any) -> int:
    if isinstance(value, str) and not re.fullmatch("[0-9]+", value):
        raise ValueError
    number = int(value)
    if not 0 <= number < 2**31 or (not isinstance(value, str) and number != value):
        raise ValueError
    return number


def _positive(value: Any) -> int:
    number = _whole(value)
    if number < 1:
        raise ValueError
    return number


def _number(value: Any) -> float:
    number = round(float(value), DECIMALS)
    if not math.isfinite(number):
        raise ValueError
    return number + 0.0  # no -0.0


def _share(value: Any) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError
    return number


def _number_or_empty(value: Any) -> float | None:
    return None if value is None or value == "" else _number(value)


def _sum(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError
    return value


def _sum_or_empty(value: Any) -> str:
    return "" if value == "" else _sum(value)


def _hash(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{16}", value):
        raise ValueError
    return value


def _uuid(value: Any) -> str:
    return str(uuid.UUID(value if isinstance(value, str) else str(value)))


def _decision_kind(value: Any) -> str:
    if value not in ("person", "automatic"):
        raise ValueError
    return str(value)


def _verdict(value: Any) -> str:
    if value not in ("", *STATES):
        raise ValueError
    return str(value)


_EXPECTED: dict[Callable[[Any], Any], str] = {
    _text: "text in one line",
    _text_or_empty: "text in one line",
    _whole: "a whole number from 0",
    _positive: "a whole number from 1",
    _number: "a number",
    _share: "a share from 0 to 1",
    _number_or_empty: "a number",
    _sum: "a SHA-256 of 64 hexadecimal digits",
    _sum_or_empty: "a SHA-256 of 64 hexadecimal digits",
    _hash: "a hash of 16 hexadecimal digits",
    _uuid: "a UUID",
    _decision_kind: "person or automatic",
    _verdict: "fit, look or unfit",
}

_SPECIAL: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("exclude", "confidence"), _text_or_empty),
    **dict.fromkeys(("frame", "x", "y"), _whole),
    **dict.fromkeys(("width", "height"), _positive),
    **dict.fromkeys(("pts_seconds", "rain_amount"), _number),
    **dict.fromkeys(("score", "streaks", "detail", "darkening", "disagreement"), _number_or_empty),
    **dict.fromkeys(("rainy_sha256", "clean_sha256", "rainy_pixels_sha256", "clean_pixels_sha256"), _sum),
    **dict.fromkeys(("exclude_sha256", "confidence_sha256"), _sum_or_empty),
    "rain_share": _share,
    "recipe_hash": _hash,
    "decision": _uuid,
    "decision_kind": _decision_kind,
    "verdict": _verdict,
}

COLUMNS = tuple(field.name for field in fields(ManifestRow))

LATER = ("verdict",)
"""Columns that manifests of older versions lack; they are read as empty."""

_COLUMNS: dict[str, Callable[[Any], Any]] = {column: _SPECIAL.get(column, _text) for column in COLUMNS}


def write_manifest(rows: Iterable[ManifestRow]) -> bytes:
    """Return manifest.csv of some rows, in their order: UTF-8, LF line ends, the same bytes each time."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(["" if value is None else value for value in astuple(row)])
    return text.getvalue().encode()


def read_manifest(path: Path | str) -> list[ManifestRow]:
    """Read a manifest.csv, see `iterate_manifest`."""
    return list(iterate_manifest(path))


def iterate_manifest(path: Path | str) -> Iterator[ManifestRow]:
    """Read a manifest.csv line by line. Columns are found by name; further columns, CRLF and a BOM are ignored.

    Args:
        path: The file.

    Yields:
        Its rows.

    Raises:
        InputError: Anything that `write_manifest` would not write; the message names line and column.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _rows(path, file)
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be read") from error
    except UnicodeDecodeError as error:
        raise InputError(path, f"is not UTF-8 (byte {_bad_byte(path)})", "restore it, or export again") from error


def _bad_byte(path: Path) -> int:
    """Return the place of the first byte of a file that is not UTF-8."""
    try:
        path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _rows(path: Path, file: Iterable[str]) -> Iterator[ManifestRow]:
    reader = csv.reader(file, strict=True)
    try:
        header = next(reader, [])
        for column in COLUMNS:
            if header.count(column) != 1 and (column in header or column not in LATER):
                state = "is missing" if column not in header else "appears twice"
                raise InputError(path, f"line 1: column {column} {state}", "restore it, or export again")
        places = {column: header.index(column) for column in COLUMNS if column in header}
        for values in reader:
            line = reader.line_num
            if len(values) != len(header):
                raise InputError(path, f"line {line}: {len(values)} columns, not {len(header)}")
            try:
                row = ManifestRow(**{column: values[at] for column, at in places.items()})  # type: ignore[arg-type]
            except ValueError as error:
                raise InputError(path, f"line {line}, {error}", "restore it, or export again") from error
            yield row
    except csv.Error as error:
        raise InputError(path, f"line {reader.line_num}: {error}", "restore it, or export again") from error


def write_parquet(rows: Iterable[ManifestRow]) -> bytes:
    """Return manifest.parquet of some rows, the same bytes each time under one version of pyarrow."""
    columns = list(zip(*(astuple(row) for row in rows), strict=True)) or [()] * len(COLUMNS)
    return write_table(
        [
            TableColumn(field.name, field.type, values, _may_be_empty(field.name))  # type: ignore[arg-type]
            for field, values in zip(fields(ManifestRow), columns, strict=True)
        ]
    )


class TableColumn(NamedTuple):
    """A column of a Parquet table. kind: `str`, `int`, or anything else for float. optional: values may be None."""

    name: str
    kind: type
    values: Sequence[Any]
    optional: bool = False


def write_table(columns: Sequence[TableColumn]) -> bytes:
    """Return a Parquet file of some columns, whose types do not depend on their values."""
    import pyarrow
    import pyarrow.parquet

    types: dict[type, Any] = {str: pyarrow.string(), int: pyarrow.int32()}
    schema = pyarrow.schema(
        [pyarrow.field(each.name, types.get(each.kind, pyarrow.float64()), each.optional) for each in columns]
    )
    arrays = [pyarrow.array(each.values, field.type) for each, field in zip(columns, schema, strict=True)]
    target = BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), target, compression="zstd")
    return target.getvalue()


def _may_be_empty(column: str) -> bool:
    return _COLUMNS[column] is _number_or_empty
