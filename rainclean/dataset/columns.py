"""Pairs as columns of texts and numbers: a million of them take less than 100 MB, in memory or in a file.

The file is mapped into memory: processes that read it share one copy, and parts that nobody asks for are not loaded.
"""

import json
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.dataset.layout_base import StoredPair, stem_of

_MAGIC = b"rainclean pairs 1\n"
_ALIGNED = 64
_TEXTS = ("rainy", "clean", "exclude", "confidence", "stems", "split_names", "scene_names")
_NUMBERS = ("split", "scene")
_BLOCK = 4096
"""Texts that are encoded or decoded together."""

_KINDS = ("uint8", "int32", "int64", "uint32", "uint64")


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A column of texts.

    Attributes:
        data: (N,) uint8, all texts in UTF-8, one after another.
        stops: (K,) uint32 or uint64, where each ends.
    """

    data: NDArray[np.uint8]
    stops: NDArray[Any]

    def __len__(self) -> int:
        return len(self.stops)

    def __getitem__(self, place: int) -> str:
        start = int(self.stops[place - 1]) if place else 0
        return self.data[start : int(self.stops[place])].tobytes().decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        for text in self.encoded():
            yield text.decode("utf-8", "surrogateescape")

    def encoded(self) -> Iterator[bytes]:
        """Yield the texts in UTF-8."""
        begin = 0
        for first in range(0, len(self.stops), _BLOCK):
            stops = self.stops[first : first + _BLOCK].tolist()
            block, start = self.data[begin : stops[-1]].tobytes(), 0
            for stop in stops:
                yield block[start : stop - begin]
                start = stop - begin
            begin = stops[-1]


class TextsBuilder:
    """Collects texts for a column."""

    def __init__(self) -> None:
        self._data, self._stops = bytearray(), array("Q")
        self._block: list[str] = []

    def add(self, text: str) -> None:
        """Append a text."""
        self._block.append(text)
        if len(self._block) == _BLOCK:
            self._encode()

    def __len__(self) -> int:
        return len(self._stops) + len(self._block)

    def _encode(self) -> None:
        """Encode the texts that were added since the last block."""
        data = "".join(self._block).encode("utf-8", "surrogateescape")
        lengths: Iterable[int] = map(len, self._block)
        if not data.isascii():
            lengths = (len(text.encode("utf-8", "surrogateescape")) for text in self._block)
        self._stops.extend(islice(accumulate(lengths, initial=len(self._data)), 1, None))
        self._data += data
        self._block.clear()

    def result(self) -> Texts:
        """Return the column; nothing can be added afterwards."""
        self._encode()
        stops = np.frombuffer(self._stops, np.uint64) if self._stops else np.zeros(0, np.uint64)
        kind = np.uint32 if len(self._data) < 1 << 32 else np.uint64
        return Texts(np.frombuffer(self._data, np.uint8), stops.astype(kind))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """The columns of all pairs of a data set.

    Attributes:
        rainy, clean: Names below the root.
        exclude, confidence: Names of masks, "" for none; an empty column where no pair has one.
        stems: Stems, "" for that of the rainy name; an empty column where all are.
        split: (K,) uint8, index into split_names.
        scene: (K,) int32, index into scene_names.
        split_names, scene_names: In the order of their first pairs.
        file: The file that they are mapped from, None where they are in memory.
    """

    rainy: Texts
    clean: Texts
    exclude: Texts
    confidence: Texts
    stems: Texts
    split: NDArray[np.uint8]
    scene: NDArray[np.int32]
    split_names: Texts
    scene_names: Texts
    file: Path | None = None


class ColumnsBuilder:
    """Collects pairs for columns. What no pair has, or names tell already, takes no memory."""

    def __init__(self) -> None:
        self._rainy, self._clean = TextsBuilder(), TextsBuilder()
        self._exclude, self._confidence, self._stems = _Rare(), _Rare(), _Rare()
        self._split, self._scene = array("B"), array("i")
        self._splits: dict[str, int] = {}
        self._scenes: dict[str, int] = {}

    def add(self, pair: StoredPair, scene: str) -> None:
        """Append a pair."""
        place = len(self._split)
        self._rainy.add(pair.rainy)
        self._clean.add(pair.clean)
        if pair.exclude:
            self._exclude.add(place, pair.exclude)
        if pair.confidence:
            self._confidence.add(place, pair.confidence)
        if pair.stem != stem_of(pair.rainy):
            self._stems.add(place, pair.stem)
        self._split.append(self._splits.setdefault(pair.split, len(self._splits)))
        self._scene.append(self._scenes.setdefault(scene, len(self._scenes)))

    def result(self) -> Columns:
        """Return the columns; nothing can be added afterwards."""
        count = len(self._split)
        return Columns(
            rainy=self._rainy.result(),
            clean=self._clean.result(),
            exclude=self._exclude.result(count),
            confidence=self._confidence.result(count),
            stems=self._stems.result(count),
            split=np.array(self._split, np.uint8),
            scene=np.array(self._scene, np.int32),
            split_names=texts(self._splits),
            scene_names=texts(self._scenes),
        )


class _Rare:
    """Collects texts that most pairs do not have."""

    def __init__(self) -> None:
        self._texts = TextsBuilder()

    def add(self, place: int, text: str) -> None:
        self._fill(place)
        self._texts.add(text)

    def _fill(self, count: int) -> None:
        for _ in range(count - len(self._texts)):
            self._texts.add("")

    def result(self, count: int) -> Texts:
        if len(self._texts):
            self._fill(count)
        return self._texts.result()


def texts(values: Iterable[str]) -> Texts:
    """Return a column of texts."""
    builder = TextsBuilder()
    for value in values:
        builder.add(value)
    return builder.result()


class StoredColumns(NamedTuple):
    """The content of a file of columns: further texts and numbers by name, and what else was stored."""

    columns: Columns
    further: dict[str, NDArray[Any]]
    facts: dict[str, Any]


def write_columns(path: Path, columns: Columns, further: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
    """Write columns to a new file.

    Args:
        path: The file.
        columns: Of all pairs.
        further: Further arrays to store with them.
        facts: JSON values to store with them.

    Raises:
        OSError: It cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {name: getattr(columns, name) for name in _NUMBERS}
    for name in _TEXTS:
        arrays[f"{name}.data"], arrays[f"{name}.stops"] = getattr(columns, name).data, getattr(columns, name).stops
    arrays |= {f"+{name}": values for name, values in further.items()}
    at, check, places = 0, 0, []
    for name, values in arrays.items():
        places.append([name, str(values.dtype), len(values), at])
        check = zlib.crc32(values.tobytes(), check)
        at += -(-values.nbytes // _ALIGNED) * _ALIGNED
    head = json.dumps({"arrays": places, "check": check, "size": at, "facts": facts}).encode()
    head = _MAGIC + head + b" " * (-(len(_MAGIC) + len(head) + 1) % _ALIGNED) + b"\n"
    with path.open("wb") as file:
        file.write(head)
        for values in arrays.values():
            file.write(values.tobytes())
            file.write(bytes(-values.nbytes % _ALIGNED))


def open_columns(path: Path) -> StoredColumns:
    """Map the columns of a file into memory.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no such file, or damaged.
    """
    with path.open("rb") as file:
        if file.readline(len(_MAGIC)) != _MAGIC:
            raise ValueError("no columns")
        head = json.loads(file.readline())
        start = file.tell()
    memory = np.memmap(path, np.uint8, "r", offset=start)
    if len(memory) != head["size"]:
        raise ValueError("cut off")
    arrays, check = {}, 0
    for name, kind, count, at in head["arrays"]:
        if kind not in _KINDS:
            raise ValueError(f"no such type: {kind}")
        part = memory[at : at + count * np.dtype(kind).itemsize]
        check = zlib.crc32(part.data, check)
        arrays[name] = part.view(kind).view(np.ndarray)
    if check != head["check"]:
        raise ValueError("damaged")
    fields: dict[str, Any] = {name: Texts(arrays[f"{name}.data"], arrays[f"{name}.stops"]) for name in _TEXTS}
    columns = Columns(**fields, split=arrays["split"], scene=arrays["scene"], file=path)
    further = {name[1:]: values for name, values in arrays.items() if name.startswith("+")}
    return StoredColumns(columns, further, head["facts"])
