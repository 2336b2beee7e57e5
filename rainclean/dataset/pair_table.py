"""The pairs of a data set as a sequence over compact columns: a pair is made when it is asked for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from rainclean.dataset.columns import Columns, open_columns
from rainclean.dataset.layout_base import stem_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPair:
    """One pair: files below the data set's folder, None for a missing mask.

    A path may lead through a container (`rainclean.dataset.containers`); `read_value` reads what it names.
    scene: from the manifest, or from its name; "" where neither has it. confidence_form: content of the confidence
    picture, `rainclean.confidence`.
    """

    split: str
    rainy: Path
    clean: Path
    exclude: Path | None
    confidence: Path | None
    stem: str
    scene: str
    confidence_form: str


class PairTable(Sequence[DatasetPair]):
    """Pairs of a data set, all or some of them.

    Another process gets the name of the file that the columns are in, if they are in one, and shares its memory.
    """

    def __init__(self, root: Path, columns: Columns, form: str, rows: NDArray[np.int32] | None = None) -> None:
        """Make a table.

        Args:
            root: Folder of the data set.
            columns: Of all pairs of it.
            form: Content of the confidence pictures.
            rows: Places of its pairs in the columns; None for all.
        """
        self.root, self.columns, self.form = root, columns, form
        self.rows = np.arange(len(columns.rainy), dtype=np.int32) if rows is None else rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> DatasetPair: ...
    @overload
    def __getitem__(self, place: slice) -> "PairTable": ...
    def __getitem__(self, place: int | slice) -> "DatasetPair | PairTable":
        if isinstance(place, slice):
            return self.take(self.rows[place])
        row, columns, root = int(self.rows[place]), self.columns, self.root
        rainy = columns.rainy[row]
        masks = (column[row] if len(column) else "" for column in (columns.exclude, columns.confidence))
        exclude, confidence = (root / name if name else None for name in masks)
        return DatasetPair(
            split=columns.split_names[int(columns.split[row])],
            rainy=root / rainy,
            clean=root / columns.clean[row],
            exclude=exclude,
            confidence=confidence,
            stem=(columns.stems[row] if len(columns.stems) else "") or stem_of(rainy),
            scene=columns.scene_names[int(columns.scene[row])],
            confidence_form=self.form,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Callable[..., "PairTable"], tuple[Any, ...]]:
        columns = self.columns if self.columns.file is None else self.columns.file
        return _table, (self.root, columns, self.form, self.rows)

    def __repr__(self) -> str:
        return f"<PairTable {self.root}: {len(self)} pairs>"

    def take(self, rows: NDArray[np.int32]) -> "PairTable":
        """Return the pairs at these places of the columns."""
        return PairTable(self.root, self.columns, self.form, rows)

    def of_split(self, split: str) -> "PairTable":
        """Return the pairs of a split."""
        code = dict(zip(self.columns.split_names, range(256), strict=False)).get(split, 255)
        return self.take(self.rows[self.columns.split[self.rows] == code])

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits that have pairs, in the order of the pairs."""
        codes, first = np.unique(self.columns.split[self.rows], return_index=True)
        return tuple(self.columns.split_names[int(codes[at])] for at in np.argsort(first))

    def scenes(self) -> list[str]:
        """Return the different scenes, sorted; "" among them where a pair names none."""
        names = self.columns.scene_names
        return sorted(names[int(code)] for code in np.unique(self.columns.scene[self.rows]))

    def of_scenes(self, scenes: Iterable[str]) -> "PairTable":
        """Return the pairs of some scenes."""
        wanted = set(scenes)
        of = np.array([name in wanted for name in self.columns.scene_names], bool)
        return self.take(self.rows[of[self.columns.scene[self.rows]]])

    def clean_names(self) -> Iterator[str]:
        """Yield the name of the clean picture of each pair, below the root."""
        column = self.columns.clean
        return (column[row] for row in self.rows.tolist())

    def file_names(self) -> Iterator[str]:
        """Yield the name of each file of the pairs, below the root; that of a shared clean picture more than once."""
        columns = self.columns
        for column in (columns.rainy, columns.clean, columns.exclude, columns.confidence):
            if len(column):
                yield from filter(None, (column[row] for row in self.rows.tolist()))

    def rainy_names(self) -> Iterator[str]:
        """Yield the name of the rainy picture of each pair, below the root."""
        column = self.columns.rainy
        return (column[row] for row in self.rows.tolist())


def _table(root: Path, columns: Columns | Path, form: str, rows: NDArray[np.int32]) -> PairTable:
    """Return a table in another process."""
    return PairTable(root, open_columns(columns).columns if isinstance(columns, Path) else columns, form, rows)
