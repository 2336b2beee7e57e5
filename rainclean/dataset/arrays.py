"""A data set as arrays and a table: for scripts and notebooks."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rainclean.dataset.manifest import NAME, ManifestRow, read_manifest
from rainclean.dataset.reader import Dataset, DatasetPair, read_dataset, read_mask, read_pair
from rainclean.errors import UsageError
from rainclean.picture import Picture

if TYPE_CHECKING:
    from pandas import DataFrame

U8 = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class PairArrays:
    """One pair of a data set.

    Attributes:
        rainy, clean: (H, W, 3) uint8 RGB.
        exclude: (H, W) uint8, 255 where the clean picture must not be trusted; None where there is no mask.
        confidence: (H, W) uint8 as stored (`rainclean.confidence`); None where there is none.
        split, scene, name: what the data set calls them.
    """

    rainy: U8
    clean: U8
    exclude: U8 | None
    confidence: U8 | None
    split: str
    scene: str
    name: str

    def show(self) -> Picture:
        """Return both sides as one picture, the rainy one on the left."""
        return Picture(np.concatenate([self.rainy, self.clean], axis=1), f"{self.name}: rainy, clean")


class DatasetArrays:
    """Pairs of a data set: a sequence that reads the pictures of a pair when it is asked for."""

    def __init__(self, dataset: Dataset, pairs: tuple[DatasetPair, ...]) -> None:
        self._dataset, self._pairs = dataset, pairs

    @property
    def root(self) -> Path:
        """Return the folder of the data set."""
        return self._dataset.root

    @property
    def layout(self) -> str:
        """Return the name of the layout, such as "paired" or "spa"."""
        return self._dataset.layout

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits that have pairs."""
        return self._dataset.splits

    def split(self, split: str) -> "DatasetArrays":
        """Return the pairs of one split.

        Raises:
            UsageError: the data set has no such split.
        """
        if split not in self.splits:
            raise UsageError(f"split {split!r}: {self.root} has {', '.join(self.splits)}")
        return DatasetArrays(self._dataset, tuple(pair for pair in self._pairs if pair.split == split))

    @property
    def manifest(self) -> "DataFrame":
        """Return a table with a row for each pair, in the order of the pairs.

        Returns:
            Columns split, scene, rainy, clean, exclude, confidence (file names below the root, "" for none). A data
            set with manifest.csv also has its other columns (`ManifestRow`): sequence, frame, crop, recipe, scores.

        Raises:
            InputError: manifest.csv is damaged.
        """
        from pandas import DataFrame

        columns = ["split", "scene", "rainy", "clean", "exclude", "confidence"]
        rows = [
            (
                pair.split, pair.scene, *("" if file is None else file.relative_to(self.root).as_posix()
                for file in (pair.rainy, pair.clean, pair.exclude, pair.confidence)),
            )
            for pair in self._pairs
        ]  # fmt: skip
        table = DataFrame(rows, columns=columns)
        if not (self.root / NAME).is_file():
            return table
        more = [field.name for field in fields(ManifestRow) if field.name not in columns]
        known = {row.rainy: [getattr(row, name) for name in more] for row in read_manifest(self.root / NAME)}
        nothing: list[object] = [None] * len(more)
        further = DataFrame([known.get(row[2], nothing) for row in rows], columns=more)
        return table.join(further)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, number: int) -> PairArrays:
        pair = self._pairs[number]
        rainy, clean = read_pair(pair)
        exclude = None if pair.exclude is None else read_mask(pair.exclude, rainy, pair.rainy)
        confidence = None if pair.confidence is None else read_mask(pair.confidence, rainy, pair.rainy)
        return PairArrays(
            rainy=rainy,
            clean=clean,
            exclude=exclude,
            confidence=confidence,
            split=pair.split,
            scene=pair.scene,
            name=pair.stem,
        )

    def __iter__(self) -> Iterator[PairArrays]:
        return (self[number] for number in range(len(self)))

    def __repr__(self) -> str:
        return f"<DatasetArrays {self.root}: {len(self)} pairs>"


def read_arrays(root: Path | str) -> DatasetArrays:
    """Open a data set: an export of rainclean, or another one in one of its layouts.

    Args:
        root: folder of the data set.

    Returns:
        Its pairs. Pictures are read when a pair is asked for.

    Raises:
        InputError: the folder holds no data set, or lists name files that are missing.
    """
    dataset = read_dataset(root)
    return DatasetArrays(dataset, dataset.pairs)
