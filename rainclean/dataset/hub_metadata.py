"""metadata-SPLIT.csv and metadata-SPLIT.parquet: the pairs of a split as Hugging Face's `datasets` reads them.

A column ``NAME_file_name`` becomes the image column ``NAME``. `datasets` 5.2 refuses names with "..", so the files lie
at the root, above both pictures and masks. It is told their names by ``metadata_filenames`` (from 4.0 on) in the head
of README.md. It reads the Parquet file: it would take the types of a CSV file from the first 10 000 lines, and refuse a
split without any mask, or with scenes named by numbers only, beside a split that differs.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

from rainclean.dataset.layout_base import Layout
from rainclean.dataset.manifest import ManifestRow, TableColumn, write_table

_TEXTS = ("scene", "sequence", "recipe", "verdict")
_WHOLE = ("frame", "x", "y", "width", "height")
_FRACTIONS = ("pts_seconds", "rain_share", "rain_amount")
_CONTAINER = re.compile(r"(.+?\.(?:tar|parquet))(?:/|$)")


def metadata_name(split: str, ending: str = "parquet") -> str:
    """Return the name of a split's metadata file; ending: parquet or csv."""
    return f"metadata-{split}.{ending}"


def is_packed(layout: Layout) -> bool:
    """Return whether a layout keeps its pictures in containers, where metadata files cannot name them."""
    return type(layout).store is not Layout.store


def metadata_files(rows: Sequence[ManifestRow]) -> dict[str, bytes]:
    """Return the metadata files of each split that has pairs: name → content.

    All splits have the same columns; those of a mask are missing if no pair of the data set has one.
    """
    masks = [mask for mask in ("exclude", "confidence") if any(getattr(row, mask) for row in rows)]
    files = {}
    for split, own in by_split(rows).items():
        columns = [
            TableColumn(f"{side}_file_name", str, [getattr(row, side) for row in own]) for side in ("rainy", "clean")
        ]
        columns += [
            TableColumn(f"{mask}_file_name", str, [getattr(row, mask) or None for row in own], True) for mask in masks
        ]
        for kind, names in ((str, _TEXTS), (int, _WHOLE), (float, _FRACTIONS)):
            columns += [TableColumn(name, kind, [getattr(row, name) for row in own]) for name in names]
        files[metadata_name(split, "csv")] = _csv(columns)
        files[metadata_name(split)] = write_table(columns)
    return files


def data_files(layout: Layout, rows: Sequence[ManifestRow]) -> dict[str, list[str]]:
    """Return the files and patterns by which `datasets` finds the pairs of each split; none where it cannot read them.

    It reads no LMDB, and a tar archive only if all pairs have the same masks.
    """
    found: dict[str, list[str]] = {}
    masks = {(bool(row.exclude), bool(row.confidence)) for row in rows}
    if any(row.rainy.partition(".tar/")[1] for row in rows) and len(masks) > 1:
        return found
    for split, own in by_split(rows).items():
        if is_packed(layout):
            names = sorted({match[1] for row in own if (match := _CONTAINER.match(row.rainy))})
        else:
            folders = {
                name.split("/")[0] for row in own for name in (row.rainy, row.clean, row.exclude, row.confidence)
            }
            names = [metadata_name(split), *(f"{folder}/**" for folder in sorted(folders - {""}))]
        if names:
            found[split] = names
    return found


def by_split(rows: Iterable[ManifestRow]) -> dict[str, list[ManifestRow]]:
    """Return the rows of each split that has some."""
    found: dict[str, list[ManifestRow]] = {}
    for row in rows:
        found.setdefault(row.split, []).append(row)
    return found


def _csv(columns: Sequence[TableColumn]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(zip(*(column.values for column in columns), strict=True))  # None becomes an empty cell
    return text.getvalue().encode()
