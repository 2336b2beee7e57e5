"""What a layout is: where each picture of a pair stands, which list files go with them, and how they are read.

A layout is one module with one `Layout`; `formats.LAYOUTS` names it. Names of values are relative POSIX paths.
A layout that packs values into a container gives them names below the container's (``lq.lmdb/000-12_256_0``) and
its own `store`, an object with the methods of `Files`; everything else here knows only names and bytes.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rainclean.dataset.files import Files
from rainclean.dataset.problems import BLOCKING, Kind, Problem
from rainclean.errors import InputError, UsageError, printable
from rainclean.file_names import is_passed_over

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

Report = Callable[[Problem], None]

SAFE_STEM = re.compile(r"[A-Za-z0-9_-]+")
"""Stems that every reader of this field takes; one extension after it and no further dot."""

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
"""Extensions of pictures in data sets of this field; rainclean itself writes PNG."""


@dataclass(frozen=True, slots=True)
class PairKey:
    """What names a pair; all numbers from 0.

    scene: number of the scene, unique in the data set. frame: unique within the scene, over all its sequences.
    x, y: upper left corner in px. serial: number of the pair within its split. A data set holds crops of one
    size, so that scene, frame, x and y name a pair.
    """

    split: str
    scene: int
    frame: int
    x: int
    y: int
    serial: int

    def __post_init__(self) -> None:
        if min(self.scene, self.frame, self.x, self.y, self.serial) < 0:
            raise ValueError(f"{self}: numbers begin at 0")


@dataclass(frozen=True, slots=True)
class Widths:
    """Digits that the largest numbers of a data set take: numbers are padded to one width, so that names sort."""

    scene: int = 1
    frame: int = 1
    serial: int = 1

    @classmethod
    def of(cls, keys: Iterable[PairKey]) -> Self:
        """Widths for all pairs of a data set, of every split."""
        scene = frame = serial = 0
        for key in keys:
            scene, frame, serial = max(scene, key.scene), max(frame, key.frame), max(serial, key.serial)
        return cls(len(str(scene)), len(str(frame)), len(str(serial)))


@dataclass(frozen=True, slots=True)
class PairPaths:
    """Names of a pair's values. Masks need not be written; their names are theirs anyway."""

    rainy: str
    clean: str
    exclude: str
    confidence: str


@dataclass(frozen=True, slots=True)
class StoredPair:
    """A pair as a reader finds it: names below the root, None for a mask that is not there; stem of the rainy frame."""

    split: str
    rainy: str
    clean: str
    exclude: str | None
    confidence: str | None
    stem: str


class Layout(ABC):
    """How pairs stand in a folder: names for the writer, pairs for the reader."""

    name: str
    splits: tuple[str, ...]

    @abstractmethod
    def paths(self, key: PairKey, widths: Widths) -> PairPaths:
        """Where the values of a pair stand. Raises UsageError for a split that the layout does not know."""

    @abstractmethod
    def is_here(self, files: Files) -> bool:
        """Whether a folder looks like this layout at all."""

    @abstractmethod
    def scene_of(self, pair: StoredPair) -> str:
        """The scene that a pair's name tells, or "": for data sets without a manifest."""

    @abstractmethod
    def lists(self, rows: Iterable["ManifestRow"]) -> dict[str, bytes]:
        """List files that go with the pairs of a manifest, in its order: name → content."""

    @abstractmethod
    def scan(self, files: Files, report: Report) -> Iterator[StoredPair]:
        """Pairs that a folder holds, found without a manifest; what is wrong goes to ``report``."""

    @abstractmethod
    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Problems that show only after all pairs are known: files that no list names, mixed extensions."""

    def store(self, root: Path | str, *, contained: bool = False) -> Files:
        """What holds the values below a root."""
        return Files(root, contained=contained)

    def check_splits(self, splits: Iterable[str]) -> None:
        """Raises UsageError for a split that the layout does not know."""
        for split in splits:
            if split not in self.splits:
                raise UsageError(f"layout {self.name} has no split {split!r}: it knows {', '.join(self.splits)}")

    def read(self, root: Path | str) -> Iterator[StoredPair]:
        """Pairs below a root, found without a manifest, taking what published data sets of this layout do.

        Names that a list has under another root are found again. Pictures are not opened. Raises InputError, one
        line, at the first thing that keeps a pair from being read: a missing list or file, a line that names no
        pair. What only trips other readers (`problems`) is taken.
        """

        def refuse(problem: Problem) -> None:
            if problem.kind in BLOCKING:
                raise InputError(Path(root) / problem.path, problem.text)

        return self.scan(self.store(root), refuse)

    def problems(self, root: Path | str) -> list[Problem]:
        """Everything that keeps this or other readers from reading the folder, without opening pictures."""
        return self.problems_and_pairs(self.store(root))[0]

    def problems_and_pairs(self, files: Files) -> tuple[list[Problem], list[StoredPair]]:
        """As `problems`, and the pairs that can be read in spite of them."""
        problems: list[Problem] = []
        pairs = list(self.scan(files, problems.append))
        problems += self.leftovers(files, pairs, problems)
        problems += _name_problems(pairs)
        return problems, pairs


def mask_names(files: Files, stem: str) -> tuple[str | None, str | None]:
    """Exclusion and confidence mask of a pair, where they are: they stand at the root, whatever the layout."""
    names = exclude_name(stem), confidence_name(stem)
    present = tuple(files.find(name) for name in names)
    return present[0], present[1]


def exclude_name(stem: str) -> str:
    """Name of a pair's exclusion mask."""
    return f"exclude/{stem}.png"


def confidence_name(stem: str) -> str:
    """Name of a pair's confidence mask."""
    return f"confidence/{stem}.png"


def stem_of(name: str) -> str:
    """A file's name without folders and extension. Lists have a million lines: pathlib takes ten times as long."""
    return name.rpartition("/")[2].rpartition(".")[0]


def suffix_of(name: str) -> str:
    """A file's extension with its dot, as it is written."""
    return "".join(name.rpartition("/")[2].rpartition(".")[1:])


def is_picture(name: str) -> bool:
    """Whether a name has the extension of a picture and is not passed over."""
    return suffix_of(name).lower() in PICTURES and not is_passed_over(name.rpartition("/")[2])


def difference(one: str, other: str) -> str:
    """In words, how two names differ that people take for one (`files.folded`)."""
    if unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other):
        forms = ["NFC" if unicodedata.is_normalized("NFC", name) else "NFD" for name in (one, other)]
        return f"the two look alike but differ in Unicode form ({one!a} is {forms[0]}, {other!a} {forms[1]})"
    return "the two differ in upper and lower case"


def _name_problems(pairs: Sequence[StoredPair]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for pair in pairs:
        for name in (pair.rainy, pair.clean):
            if not SAFE_STEM.fullmatch(stem_of(name)):
                text = "this name is not safe for every reader; rename it with A-Z, a-z, 0-9, _ and - only"
                yield Problem(name, Kind.UNSAFE_NAME, text, (name,))
        twin = first.setdefault(pair.stem, pair.rainy)
        if twin != pair.rainy:
            text = f"has the same stem as {printable(twin)}; stems must be unique in the whole data set"
            yield Problem(pair.rainy, Kind.DUPLICATE_STEM, text, (pair.rainy,))
