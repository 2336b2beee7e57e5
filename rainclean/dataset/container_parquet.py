"""Parquet files of pictures, as `datasets` reads them: columns of embedded PNG files, one row for each pair.

The picture of a role in the row with the key KEY is called ``ROLE/KEY.png`` here, the other values ``row/KEY.json``.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rainclean.dataset.container_base import ROLES, Container, Packer, row_values
from rainclean.errors import InputError

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

ROW = "row"
KEPT_CELLS = 10
"""Columns of a row group that stay in memory: pictures are often read one after another, by several threads."""

_ADVICE = "restore it, or export again"


class ParquetContainer(Container):
    """A file. Its keys are read once; a picture is read together with its row group."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._kept: dict[tuple[int, str], list[Any]] = {}
        self._lock = Lock()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all values, column by column. Raises InputError for a damaged file, or without both pictures."""
        with self._in_one_line():
            if not {"rainy", "clean"} <= set(self._columns):
                raise InputError(self.path, "has no columns rainy and clean", "give a data set that has both")
            names = []
            for role in ROLES:
                if role in self._columns:
                    present = self._pictures(role).is_valid().to_pylist()
                    names += [f"{role}/{key}.png" for key, has in zip(self._rows, present, strict=True) if has]
            if "rainy_sha256" in self._columns:  # an export wrote it
                names += [f"{ROW}/{key}.json" for key in self._rows]
            return tuple(names)

    def read(self, name: str) -> bytes:
        """Read a value. Raises InputError where it is missing or cannot be read."""
        if name not in self.known:
            raise self.missing(name)
        kind, _, file = name.partition("/")
        with self._in_one_line():
            group, place = self._rows[file.rpartition(".")[0]]
            cell = self._cells(group, kind)[place]
            return (json.dumps(cell, ensure_ascii=False) + "\n").encode() if kind == ROW else bytes(cell)

    @contextmanager
    def _in_one_line(self) -> Iterator[None]:
        """Raise InputError for what the library raises on damaged files: nearly anything."""
        import pyarrow

        try:
            yield
        except (pyarrow.ArrowException, OSError, LookupError, OverflowError, TypeError, ValueError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(self.path, f"is no readable Parquet file ({first})", _ADVICE) from error

    @cached_property
    def _footer(self) -> Any:
        import pyarrow.parquet

        return pyarrow.parquet.read_metadata(self.path)

    @cached_property
    def _columns(self) -> list[str]:
        return list(self._footer.schema.to_arrow_schema().names)

    @cached_property
    def _rows(self) -> dict[str, tuple[int, int]]:
        """Map the key of each row to its row group and its place there. Rows without names of their own get numbers."""
        names = [cell and cell["path"] for cell in self._pictures("rainy").to_pylist()]
        keys = [Path(name).stem if isinstance(name, str) else "" for name in names]
        if len(set(keys)) < len(keys) or not all(keys):
            keys = [f"{number:06}" for number in range(len(names))]
        sizes = [self._footer.row_group(group).num_rows for group in range(self._footer.num_row_groups)]
        places = ((group, place) for group, size in enumerate(sizes) for place in range(size))
        return dict(zip(keys, places, strict=True))

    def _pictures(self, role: str) -> Any:
        """Return the pictures of a role in all rows without their bytes: a struct with ``path``, null where none is."""
        import pyarrow

        groups = range(self._footer.num_row_groups)
        tables = [self._table(group, [f"{role}.path"]) for group in groups]
        return pyarrow.concat_tables(tables).column(role) if tables else pyarrow.array([], pyarrow.null())

    def _cells(self, group: int, kind: str) -> list[Any]:
        """Return the pictures of a role in a row group, or the other values of each of its rows."""
        with self._lock:
            if (group, kind) not in self._kept:
                while len(self._kept) >= KEPT_CELLS:
                    del self._kept[next(iter(self._kept))]
                if kind == ROW:
                    columns = [name for name in self._columns if name not in ROLES]
                    self._kept[group, kind] = self._table(group, columns).to_pylist()
                else:
                    cells = self._table(group, [f"{kind}.bytes"]).column(kind).to_pylist()
                    self._kept[group, kind] = [cell and cell["bytes"] for cell in cells]
            return self._kept[group, kind]

    def _table(self, group: int, columns: list[str]) -> Any:
        import pyarrow.parquet

        # One thread, and a file of its own: both work after a fork, as in the workers of a data loader.
        with pyarrow.parquet.ParquetFile(self.path, metadata=self._footer, pre_buffer=False) as file:
            return file.read_row_group(group, columns=columns, use_threads=False)


class ParquetPacker(Packer):
    """Writes Parquet files one after another, in row groups of a fixed number of pairs.

    The bytes are the same each time under one version of pyarrow.
    """

    def __init__(self, root: Path, rows: int) -> None:
        """Choose where and how.

        Args:
            root: Folder of the data set.
            rows: Pairs in a row group; so many are in memory.
        """
        self._root, self._limit = root, rows
        self._writer: tuple[str, Any] | None = None
        self._rows: list[dict[str, object]] = []

    def add(self, row: "ManifestRow", values: Mapping[str, bytes]) -> None:
        """Write a row. The name of its rainy picture says which file it goes into."""
        shard = row.rainy.rpartition(f"/{ROLES[0]}/")[0]
        if self._writer is None or self._writer[0] != shard:
            self._finish()
            self._writer = (shard, self._opened(self._root / shard))
        pictures = {
            role: {"bytes": values[role], "path": getattr(row, role).rpartition("/")[2]} if role in values else None
            for role in ROLES
        }
        self._rows.append({**pictures, **row_values(row)})
        if len(self._rows) >= self._limit:
            self._flush()

    def close(self) -> dict[str, str]:
        """Finish the file that is open. Its pictures have sums of their own in the manifest."""
        self._finish()
        return {}

    def _finish(self) -> None:
        if self._writer is not None:
            self._flush()
            self._writer[1].close()
            self._writer = None

    def _flush(self) -> None:
        import pyarrow

        if self._rows and self._writer is not None:
            writer = self._writer[1]
            writer.write_table(pyarrow.Table.from_pylist(self._rows, writer.schema), row_group_size=self._limit)
            self._rows = []

    @staticmethod
    def _opened(path: Path) -> Any:
        import pyarrow.parquet

        path.parent.mkdir(parents=True, exist_ok=True)
        return pyarrow.parquet.ParquetWriter(
            path, _schema(), version="2.6", compression="NONE", use_dictionary=False, write_statistics=False
        )


def _schema() -> Any:
    """Return the columns, with what `datasets` reads of them: which are pictures."""
    import pyarrow

    from rainclean.dataset.manifest import ManifestRow

    picture = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    names: dict[object, str] = {int: "int32", str: "string"}
    columns = {field.name: names.get(field.type, "float64") for field in fields(ManifestRow) if field.name not in ROLES}
    features: dict[str, dict[str, str]] = {role: {"_type": "Image"} for role in ROLES}
    features |= {column: {"dtype": kind, "_type": "Value"} for column, kind in columns.items()}
    types = {"int32": pyarrow.int32(), "string": pyarrow.string(), "float64": pyarrow.float64()}
    return pyarrow.schema(
        [*((role, picture) for role in ROLES), *((column, types[kind]) for column, kind in columns.items())],
        {"huggingface": json.dumps({"info": {"features": features}})},
    )
