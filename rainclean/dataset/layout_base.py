"""The interface of a layout: the place of each picture of a pair, the list files beside them, and how to read both.

A layout is one module with one `Layout`, listed in `layouts.LAYOUTS`. Names of values are relative POSIX paths.
A layout that packs values into containers names them below the container (``train/lq.lmdb/000-0012_256_0.png``). It has
a `packer` that writes them and a `store` that reads them, an object with the methods of `Files`
(`layout_packed.Packed`). Everything else here uses only names and bytes.
"""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from rainclean.dataset.container_base import Packer
from rainclean.dataset.files import Files
from rainclean.dataset.problems import BLOCKING, Kind, Problem
from rainclean.errors import InputError, UsageError, printable
from rainclean.file_names import is_passed_over

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

Report = Callable[[Problem], None]

MASKS = r"(exclude|confidence)/\d[\d_-]*(-R-\d{3})?\.png"
"""Pattern of the names of masks that are files, in every layout."""

SAFE_STEM = re.compile(r"[A-Za-z0-9_-]+")
"""Stems that every reader accepts; one extension follows, and no further dot."""

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
"""Extensions of pictures in published data sets; rainclean itself writes PNG."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairKey:
    """The numbers that name a pair, all from 0.

    scene: unique in the data set. frame: unique within the scene, over all its sequences. x, y: upper left corner in
    px. serial: of the pair within its split. sequence: of its sequence within the scene; all pairs of a sequence with
    the same x and y have the same clean image. A data set holds crops of one size, so that scene, frame, x and y
    identify a pair.
    """

    split: str
    scene: int
    frame: int
    x: int
    y: int
    serial: int
    sequence: int = 0

    def __post_init__(self) -> None:
        if min(self.scene, self.frame, self.x, self.y, self.serial, self.sequence) < 0:
            raise ValueError(f"{self}: numbers start at 0")


SHARD_PIXELS = 2**27
"""Pixels of one side in a shard: about 500 MB of PNG files, both sides together."""


@dataclass(frozen=True, slots=True)
class Widths:
    """What names depend on beside the numbers of a pair.

    scene, frame, serial, sequence: digits of the largest numbers in a data set; numbers are padded to one width, so
    that names sort. shard: pairs in a shard, for layouts that have shards. pairs: number by split.
    """

    scene: int = 1
    frame: int = 1
    serial: int = 1
    _: KW_ONLY
    sequence: int = 1
    shard: int = 1000
    pairs: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def for_pairs(cls, keys: Iterable[PairKey], pixels: int = 2**16) -> Self:
        """Return the widths for all pairs of a data set, of every split.

        Args:
            keys: Of the pairs.
            pixels: In the largest picture.
        """
        scene = frame = serial = sequence = 0
        pairs: Counter[str] = Counter()
        for key in keys:
            scene, frame, serial = max(scene, key.scene), max(frame, key.frame), max(serial, key.serial)
            sequence = max(sequence, key.sequence)
            pairs[key.split] += 1
        return cls(
            len(str(scene)),
            len(str(frame)),
            len(str(serial)),
            sequence=len(str(sequence)),
            shard=max(1, SHARD_PIXELS // pixels),
            pairs=dict(pairs),
        )

    def shards(self, split: str) -> int:
        """Return the number of shards of a split."""
        return -(-self.pairs.get(split, 0) // self.shard)


@dataclass(frozen=True, slots=True)
class PairPaths:
    """Names of a pair's values. Masks have names even if they are not written."""

    rainy: str
    clean: str
    exclude: str
    confidence: str


class StoredPair(NamedTuple):
    """A pair in a folder: names below the root, None for a missing mask; stem of the rainy frame.

    A tuple, because a data set of a million pairs makes a million of them.

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

    label = ""
    """What the window calls it, in sentence case; "": its name."""

    description = ""
    """What it looks like and who reads it, one sentence."""

    sides: tuple[tuple[str, str], ...] = ()
    """Names that its folders of rainy and clean images can have, the usual ones first; empty where they are fixed."""

    shares_clean = False
    """Whether pairs with the same clean image share one file."""

    written = re.compile("(?!)")
    """Matches the names of all files that this layout writes: an export may be replaced only where nothing else is."""

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

    def store(self, root: Path | str, *, contained: bool = False, closed: Collection[str] = ()) -> Files:
        """Return the store of the values below a root.

        Args:
            root: Folder of the data set.
            contained: As in `Files`.
            closed: Names of containers that must not be opened, because their files were changed.
        """
        return Files(root, contained=contained)

    def packer(self, root: Path, widths: Widths, pixels: int) -> Packer | None:
        """Return what writes pairs into containers; None where every picture is a file of its own.

        Args:
            root: Folder of the data set.
            widths: As for `paths`.
            pixels: In the largest picture.
        """
        return None

    def further(self, row: "ManifestRow") -> dict[str, bytes]:
        """Return the values that a packer writes beside the pictures of a pair, by name."""
        return {}

    def with_sides(self, sides: str) -> "Layout":
        """Return this layout with other names of its two folders, such as "input,gt"; "" for the usual ones.

        Raises UsageError where it does not have these.
        """
        if not sides:
            return self
        if not self.sides:
            raise UsageError(f"layout {self.name} has fixed folder names: leave out --sides")
        choices = " or ".join(",".join(each) for each in self.sides)
        raise UsageError(f"layout {self.name} has no sides {sides!r}: use {choices}")

    def key_of(self, name: str) -> str:
        """Return the part of a picture's name that must be safe for every reader."""
        return stem_of(name)

    def check_splits(self, splits: Iterable[str]) -> None:
        """Raise UsageError for a split that the layout does not have."""
        for split in splits:
            if split not in self.splits:
                other = "; or choose a layout that has it, such as paired" if split == "val" else ""
                raise UsageError(f"layout {self.name} has no split {split!r}: use {', '.join(self.splits)}{other}")

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
        problems += _name_problems(pairs, self.key_of)
        return problems, pairs


class MaskNames(NamedTuple):
    """Names of a pair's masks; None for a missing one."""

    exclude: str | None
    confidence: str | None


def has_masks(files: Files) -> bool:
    """Return whether there is a folder of masks."""
    return any(files.has_top(make("").partition("/")[0]) for make in (exclude_name, confidence_name))


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


def _name_problems(pairs: Sequence[StoredPair], key_of: Callable[[str], str]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for pair in pairs:
        for name in (pair.rainy, pair.clean):
            if not SAFE_STEM.fullmatch(key_of(name)):
                text = "this name is not safe for every reader; rename it with A-Z, a-z, 0-9, _ and - only"
                yield Problem(name, Kind.UNSAFE_NAME, text, (name,))
        twin = first.setdefault(pair.stem, pair.rainy)
        if twin != pair.rainy:
            text = f"has the same stem as {printable(twin)}; stems must be unique in the whole data set"
            yield Problem(pair.rainy, Kind.DUPLICATE_STEM, text, (pair.rainy,))
