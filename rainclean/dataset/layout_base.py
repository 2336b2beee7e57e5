"""The interface of a layout: the place of each picture of a pair, the list files beside them, and how to read both.

A layout is one module with one `Layout`, listed in `layouts.LAYOUTS`. Names of values are relative POSIX paths.
A layout that packs values into a container names them below the container (``lq.lmdb/000-12_256_0``) and has its own
`store`, an object with the methods of `Files`; everything else here uses only names and bytes.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from rainclean.dataset.files import Files
from rainclean.dataset.problems import BLOCKING, Kind, Problem
from rainclean.errors import InputError, UsageError, printable
from rainclean.file_names import is_passed_over

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

Report = Callable[[Problem], None]

SAFE_STEM = re.compile(r"[A-Za-z0-9_-]+")
"""Stems that every reader accepts; one extension follows, and no further dot."""

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
"""Extensions of pictures in published data sets; rainclean itself writes PNG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairKey:
    """The numbers that name a pair, all from 0.

    scene: unique in the data set. frame: unique within the scene, over all its sequences. x, y: upper left corner in
    px. serial: of the pair within its split. A data set holds crops of one size, so that scene, frame, x and y identify
    a pair.
    """

    split: str
    scene: int
    frame: int
    x: int
    y: int
    serial: int

    def __post_init__(self) -> None:
        if min(self.scene, self.frame, self.x, self.y, self.serial) < 0:
            raise ValueError(f"{self}: numbers start at 0")


@dataclass(frozen=True, slots=True)
class Widths:
    """Digits of the largest numbers in a data set: numbers are padded to one width, so that names sort."""

    scene: int = 1
    frame: int = 1
    serial: int = 1

    @classmethod
    def for_pairs(cls, keys: Iterable[PairKey]) -> Self:
        """Return the widths for all pairs of a data set, of every split."""
        scene = frame = serial = 0
        for key in keys:
            scene, frame, serial = max(scene, key.scene), max(frame, key.frame), max(serial, key.serial)
        return cls(len(str(scene)), len(str(frame)), len(str(serial)))


@dataclass(frozen=True, slots=True)
class PairPaths:
    """Names of a pair's values. Masks have names even if they are not written."""

    rainy: str
    clean: str
    exclude: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPair:
    """A pair in a folder: names below the root, None for a missing mask; stem of the rainy frame.

    scene: "" where only `Layout.scene_of` tells it, or nothing does.
    """

    split: str
    rainy: str
    clean: str
    exclude: str | None
    confidence: str | None
    stem: str
    scene: str = ""


class Layout(ABC):
    """The arrangement of pairs in a folder: names for the writer, pairs for the reader."""

    name: str
    splits: tuple[str, ...]

    @abstractmethod
    def paths(self, key: PairKey, widths: Widths) -> PairPaths:
        """Return the names of a pair's values. Raises UsageError for a split that the layout does not have."""

    @abstractmethod
    def is_here(self, files: Files) -> bool:
        """Return whether a folder looks like this layout."""

    @abstractmethod
    def scene_of(self, pair: StoredPair) -> str:
        """Return the scene in a pair's name, or "", for data sets without a manifest."""

    @abstractmethod
    def lists(self, rows: Iterable["ManifestRow"]) -> dict[str, bytes]:
        """Return the list files for the pairs of a manifest, in its order: name → content."""

    @abstractmethod
    def scan(self, files: Files, report: Report) -> Iterator[StoredPair]:
        """Yield the pairs in a folder, without using a manifest; pass problems to ``report``."""

    @abstractmethod
    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield problems that need all pairs: files that no list names, mixed extensions."""

    def store(self, root: Path | str, *, contained: bool = False) -> Files:
        """Return the store of the values below a root."""
        return Files(root, contained=contained)

    def check_splits(self, splits: Iterable[str]) -> None:
        """Raise UsageError for a split that the layout does not have."""
        for split in splits:
            if split not in self.splits:
                raise UsageError(f"layout {self.name} has no split {split!r}: use {', '.join(self.splits)}")

    def read(self, root: Path | str) -> Iterator[StoredPair]:
        """Yield the pairs below a root, without using a manifest, and accept variants of published data sets.

        Finds names that a list has under another root. Does not open pictures. Accepts what only other readers reject
        (`problems`).

        Raises:
            InputError: A list or a file is missing, or a line names no pair.
        """

        def refuse(problem: Problem) -> None:
            if problem.kind in BLOCKING:
                raise InputError(Path(root) / problem.path, problem.text)

        return self.scan(self.store(root), refuse)

    def problems(self, root: Path | str) -> list[Problem]:
        """Return everything that keeps this or other readers from reading the folder, without opening pictures."""
        return self.problems_and_pairs(self.store(root))[0]

    def problems_and_pairs(self, files: Files) -> tuple[list[Problem], list[StoredPair]]:
        """Return the problems (as `problems`), and the pairs that can be read in spite of them."""
        problems: list[Problem] = []
        pairs = list(self.scan(files, problems.append))
        problems += self.leftovers(files, pairs, problems)
        problems += _name_problems(pairs)
        return problems, pairs


class MaskNames(NamedTuple):
    """Names of a pair's masks; None for a missing one."""

    exclude: str | None
    confidence: str | None


def mask_names(files: Files, stem: str) -> MaskNames:
    """Find the exclusion and the confidence mask of a pair, which lie below the root in every layout."""
    return MaskNames(files.find(exclude_name(stem)), files.find(confidence_name(stem)))


def exclude_name(stem: str) -> str:
    """Return the name of a pair's exclusion mask."""
    return f"exclude/{stem}.png"


def confidence_name(stem: str) -> str:
    """Return the name of a pair's confidence mask."""
    return f"confidence/{stem}.png"


def stem_of(name: str) -> str:
    """Return a file's name without folders and extension. For lists of a million lines, pathlib is ten times slower."""
    return name.rpartition("/")[2].rpartition(".")[0]


def suffix_of(name: str) -> str:
    """Return a file's extension with its dot, unchanged."""
    return "".join(name.rpartition("/")[2].rpartition(".")[1:])


def is_picture(name: str) -> bool:
    """Return whether a name has the extension of a picture and is not ignored."""
    return suffix_of(name).lower() in PICTURES and not is_passed_over(name.rpartition("/")[2])


def difference(one: str, other: str) -> str:
    """Describe how two names differ that look alike (`file_names.folded`)."""
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
