"""Layout "basicsr": paired folders with ``SPLIT/meta_info.txt``, a line ``NAME.png (h,w,c)`` for each pair (BasicSR).

BasicSR takes the names of a split from this file instead of listing the folders (`meta_info_file`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rainclean.dataset.files import Files
from rainclean.dataset.layout_base import StoredPair
from rainclean.dataset.layout_paired import Paired
from rainclean.dataset.problems import Kind, Problem
from rainclean.errors import printable

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

LIST = "meta_info.txt"

_LINE = re.compile(r"(?P<name>\S+\.png)(?: \((?P<size>\d+,\d+(?:,\d+)?)\)(?: \d+)?)?")


class BasicSr(Paired):
    """Two folders and a list for each split."""

    name = "basicsr"
    label = "BasicSR"
    description = "Paired folders, and a list meta_info.txt for each split."
    written = re.compile(rf"(train|val|test)/{re.escape(LIST)}|{Paired.written.pattern}")

    def is_here(self, files: Files) -> bool:
        """Return whether there are paired folders with a list beside them."""
        return super().is_here(files) and any(files.has(f"{split}/{LIST}") for split in self.splits)

    def lists(self, rows: Iterable["ManifestRow"]) -> dict[str, bytes]:
        """Return a list for each split that has pairs, one line for each pair."""
        lines: dict[str, list[str]] = {}
        for row in rows:
            lines.setdefault(f"{row.split}/{LIST}", []).append(meta_info(row.clean.rpartition("/")[2], row, 3))
        return {name: "".join(each).encode() for name, each in lines.items()}

    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield problems of the folders, lines that name no pair, and pairs that no line names."""
        yield from super().leftovers(files, pairs, problems)
        for split in self.splits:
            own = {pair.clean.rpartition("/")[2]: pair for pair in pairs if pair.split == split}
            name = f"{split}/{LIST}"
            if files.has(name):
                yield from _line_problems(name, files.read(name), own)
            elif own:
                yield Problem(name, Kind.NOT_LISTED, "is missing; restore it or export again", (name,))


def meta_info(name: str, row: "ManifestRow", channels: int, ending: str = "") -> str:
    """Return a line of BasicSR's lists for a picture of a pair."""
    return f"{name} ({row.height},{row.width},{channels}){ending}\n"


def listed_names(name: str, content: bytes) -> Iterator[str | Problem]:
    """Yield the names in one of BasicSR's lists, and a problem for each line or habit that its readers fail at."""
    text = content.decode("utf-8", "replace")
    if "\r" in text:
        yield Problem(name, Kind.CRLF, "has lines that end in CRLF; write lines that end in LF only")
    for number, line in enumerate(text.replace("\r", "").removesuffix("\n").split("\n"), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            # Its readers take names from the beginning of the line, so that an empty one is the folder itself.
            kind = Kind.BAD_LINE if line.strip() else Kind.BLANK_LINE
            yield Problem(name, kind, f"line {number} is not 'NAME.png (height,width,channels)'; correct or remove it")
        else:
            yield match["name"]


def _line_problems(name: str, content: bytes, pairs: dict[str, StoredPair]) -> Iterator[Problem]:
    listed: set[str] = set()
    for each in listed_names(name, content):
        if isinstance(each, Problem):
            yield each
        elif each in listed:
            yield Problem(name, Kind.REPEATED_LINE, f"names {printable(each)} twice; remove one line")
        elif each not in pairs:
            about = name.rpartition("/")[0]
            text = f"names {printable(each)}, which is no pair; restore its images or remove the line"
            yield Problem(name, Kind.MISSING_FILE, text, (f"{about}/{each}",))
        else:
            listed.add(each)
    for file, pair in pairs.items():
        if file not in listed:
            text = f"names no {printable(file)}; add a line for it or remove its images"
            yield Problem(name, Kind.NOT_LISTED, text, (pair.rainy, pair.clean))
            return


LAYOUT = BasicSr()
