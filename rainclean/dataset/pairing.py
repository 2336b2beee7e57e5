"""How rainy and clean pictures of a data set belong together, where a person says so."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rainclean.dataset.rules import Rule
from rainclean.errors import UsageError

UNSPLIT = "all"
"""Split of the pairs of a data set that has no splits."""

SPLITS = ("train", "val", "test", UNSPLIT)

PAIRS_NAME = "pairs.csv"
"""A list of pairs that is read wherever it is in the folder of a data set."""

_WORDS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test",
    "testing": "test",
}  # fmt: skip
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """The pairs of a data set, named by a rule or by a list; neither: names that are known.

    Attributes:
        rainy: Pattern of the rainy pictures (`rules`).
        clean: Template of the clean picture of each.
        pairs: CSV file with columns rainy, clean, and perhaps scene and split; names are relative to the file.
    """

    rainy: str | None = None
    clean: str | None = None
    pairs: Path | None = None

    def __post_init__(self) -> None:
        if (self.rainy is None) != (self.clean is None):
            lacking = "--clean" if self.clean is None else "--rainy"
            raise UsageError(f"{lacking} is missing: --rainy and --clean make one rule together")
        if self.rainy is not None and self.pairs is not None:
            raise UsageError("--pairs lists the pairs: leave out --rainy and --clean")

    def check(self) -> None:
        """Raise UsageError, naming the part, for a pattern or rule that means nothing."""
        if self.rainy is not None and self.clean is not None:
            Rule(self.rainy, self.clean).check()

    @property
    def is_named(self) -> bool:
        """Return whether a person named the pairs."""
        return self.rainy is not None or self.pairs is not None

    def to_json(self) -> dict[str, str]:
        """Return the values that are given, by field; the list's path is absolute."""
        values = {
            "rainy": self.rainy,
            "clean": self.clean,
            "pairs": None if self.pairs is None else self.pairs.absolute(),
        }
        return {name: str(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Return the pairing that `to_json` gave. Raises KeyError, TypeError or UsageError for anything else."""
        if not isinstance(document, dict) or not all(isinstance(each, str) for each in document.values()):
            raise TypeError("pairing is not what it should be")
        pairs = document.get("pairs")
        return cls(**{**document, "pairs": None if pairs is None else Path(pairs)})


KNOWN_NAMES = Pairing()
"""Nothing is said about the pairs: they are found by names that are known."""


def split_of(folder: str) -> str:
    """Return the split that a folder's name tells, the outermost one first; "all" where none does.

    Args:
        folder: Name below the root, such as ``GT-RAIN_train/Yangon_2``.
    """
    for part in folder.split("/"):
        for word in _WORD.findall(part):
            if word.lower() in _WORDS:
                return _WORDS[word.lower()]
    return UNSPLIT


def split_named(text: str) -> str | None:
    """Return the split of a word such as "training"; "all" for "", None for another word."""
    return UNSPLIT if text in ("", UNSPLIT) else _WORDS.get(text.lower())
