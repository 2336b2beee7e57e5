"""Layout "spa": that of published SPA-Data (SPANet, RCDNet read it); list files define the pairs.

    real_world/SSS/SSS-F/SSS-F_x_y.png      scene / scene-frame / scene-frame_x_y
    real_world_gt/SSS/SSS-F/SSS-F_x_y.png
    real_world.txt                          "<rainy path> <clean path>\\n"
    real_test_1000/rain/NNN.png, real_test_1000/gt/NNNgt.png, real_test_1000.txt

Its readers do ``line.split(' ')[1][:-1]``: the last line needs its newline, no CRLF, no space in a path. The test
reader puts "." before each path, so test lines start with "/"; the training reader puts nothing.
"""

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from rainclean.dataset.files import Files
from rainclean.dataset.layout_base import (
    MASKS,
    Layout,
    PairKey,
    PairPaths,
    Report,
    StoredPair,
    Widths,
    confidence_name,
    exclude_name,
    has_masks,
    is_picture,
    mask_names,
    stem_of,
)
from rainclean.dataset.problems import Kind, Problem
from rainclean.errors import InputError, printable
from rainclean.file_names import folded

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

LISTS = {"train": "real_world.txt", "test": "real_test_1000.txt"}
FOLDERS = {"train": ("real_world", "real_world_gt"), "test": ("real_test_1000/rain", "real_test_1000/gt")}

_MARKERS = ("real_world", "real_world_gt", "real_test_1000")
_BETWEEN = re.compile(r"(?:(?<=\.png|\.jpg|\.bmp)|(?<=\.jpeg))\s+", re.IGNORECASE)
_DEPTH = 2
"""Folders between the given root and the lists: archives unpack into folders of their own."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_HABITS = {
    Kind.CRLF: "ends in CRLF; write lines that end in LF only",
    Kind.BLANK_LINE: "is blank; remove it",
    Kind.SPACE: "has extra spaces; write one between the two paths, and none in a path",
    Kind.OTHER_ROOT: "names images below another root; name them relative to this folder",
    Kind.REPEATED_LINE: "repeats a pair; remove it",
    Kind.BACKSLASH: "writes paths with \\; write /",
    Kind.SPELLING: "spells a path differently from the file (case or Unicode form); use the spelling of the file",
    Kind.STEMS: "joins two images with different names; name those of one pair",
}
_SLASH = {"train": "starts a path with /; remove that", "test": "starts a path without /; add that"}


class Spa(Layout):
    """Nested folders and two list files."""

    name = "spa"
    splits = ("train", "test")
    label = "SPA-Data (SPANet, RCDNet)"
    description = "Nested folders, and a list file for each split. RCDNet trains with it."
    written = re.compile(
        rf"(real_world(_gt)?(/[\d-]+)*|real_test_1000/(rain|gt))/\d[\d_-]*(gt)?\.png|{'|'.join(LISTS.values())}|{MASKS}"
    )

    def paths(self, key: PairKey, widths: Widths) -> PairPaths:
        """Return the names of a pair. The stem of a test pair is its serial, which no training pair can have."""
        self.check_splits([key.split])
        if key.split == "test":
            stem = f"{key.serial:0{max(3, widths.serial)}}"
            rainy, clean = f"real_test_1000/rain/{stem}.png", f"real_test_1000/gt/{stem}gt.png"
        else:
            scene = f"{key.scene:0{max(3, widths.scene)}}"
            frame = f"{scene}-{key.frame:0{widths.frame}}"
            stem = f"{frame}_{key.x}_{key.y}"
            rainy, clean = (f"{folder}/{scene}/{frame}/{stem}.png" for folder in FOLDERS["train"])
        return PairPaths(rainy, clean, exclude_name(stem), confidence_name(stem))

    def is_here(self, files: Files) -> bool:
        """Return whether there is a list or a folder of this layout."""
        homes = _homes(files)
        if any(_list_file(files, homes, split) for split in self.splits):
            return True
        return any(not set(_MARKERS).isdisjoint(_last(files.subfolders(home))) for home in homes)

    def scene_of(self, pair: StoredPair) -> str:
        """Return the first folder below real_world; "" for test pairs."""
        return _scene(pair.rainy.rpartition("/")[0])

    def lists(self, rows: Iterable["ManifestRow"]) -> dict[str, bytes]:
        """Return a list for each split that has pairs, one line for each pair."""
        lines: dict[str, list[str]] = {}
        for row in rows:
            slash = "/" if row.split == "test" else ""
            lines.setdefault(LISTS[row.split], []).append(f"{slash}{row.rainy} {slash}{row.clean}\n")
        return {name: "".join(each).encode() for name, each in lines.items()}

    def scan(self, files: Files, report: Report) -> Iterator[StoredPair]:
        """Yield pairs in the order of the lists, the training list first."""
        homes = _homes(files)
        lists = {split: _list_file(files, homes, split) for split in self.splits}
        for split, name in lists.items():
            if name is not None:
                yield from _List(files, homes, split, name).scan(report)
            elif any(FOLDERS[split][0].split("/")[0] in _last(files.subfolders(home)) for home in homes):
                text = f"is missing, but there is a folder {FOLDERS[split][0]}; restore the list from its source"
                report(Problem(LISTS[split], Kind.MISSING_LIST, text))
            elif not any(lists.values()) and split == self.splits[0]:
                text = f"no {LISTS['train']} nor {LISTS['test']}; give the folder that holds these"
                report(Problem("", Kind.MISSING_LIST, text))

    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield a problem for each pair of pictures that no line names."""
        homes = _homes(files)
        # One list may name the other split's pictures: a file is listed if any list names it.
        listed = {name for pair in pairs for name in (pair.rainy, pair.clean)}
        splits = {pair.split for pair in pairs}
        for split in self.splits:
            name = _list_file(files, homes, split)
            if name is None or split not in splits:
                continue  # a missing or empty list was reported already
            home = name.rpartition("/")[0]
            unlisted: dict[str, list[str]] = {}
            for folder in FOLDERS[split]:
                for path in files.names(_join(home, folder)):
                    if path not in listed and is_picture(path):
                        unlisted.setdefault(_key(path, home, split), []).append(path)
            # A line that names one missing picture still names the other one of its pair; a line that names a wrong
            # picture leaves the right one unnamed: each is one problem, reported for the line.
            broken = 0
            for problem in problems:
                if problem.path == name and problem.kind in (Kind.BAD_LINE, Kind.MISSING_FILE, Kind.STEMS):
                    keys = [_key(path, home, split) for path in problem.about]
                    broken += all(unlisted.pop(key, None) is None for key in keys)
            if len(unlisted) > broken:
                for paths in unlisted.values():
                    text = f"names no {printable(paths[0])}; add a line for it or remove the image"
                    yield Problem(name, Kind.NOT_LISTED, text, tuple(paths))


class _List:
    """One list file."""

    def __init__(self, files: Files, homes: list[str], split: str, name: str) -> None:
        self.files, self.split, self.name = files, split, name
        self.home = name.rpartition("/")[0]
        marked = [home for home in homes if not set(_MARKERS).isdisjoint(_last(files.subfolders(home)))]
        self.bases = [self.home, *(home for home in marked if home != self.home)]
        self.habits: dict[Kind, list[int]] = {}
        self.has_masks = has_masks(files)
        self.prefixes = [_join(self.home, f"{folder}/") for folder in FOLDERS[split]]

    def scan(self, report: Report) -> Iterator[StoredPair]:
        """Yield the pairs of this list. Harmless variants are reported once for the whole list."""
        try:
            data = self.files.read(self.name)
        except InputError as error:
            report(Problem(self.name, Kind.MISSING_LIST, error.reason))
            return
        mark, encoding = next((each for each in _MARKS if data.startswith(each[0])), (b"", "utf-8"))
        if mark:
            report(
                Problem(self.name, Kind.BYTE_ORDER_MARK, "starts with a byte order mark; save it as UTF-8 without one")
            )
        if encoding != "utf-8":
            data, mark = data[len(mark) :].decode(encoding, "replace").encode("utf-8", "surrogateescape"), b""
        if not data[len(mark) : 4096].strip() and not data[len(mark) :].strip():
            report(Problem(self.name, Kind.BAD_LINE, "names no pair; export again"))
            return
        # Of a million names only the hashes.
        seen: set[int] = set()
        lines = BytesIO(data)
        lines.seek(len(mark))
        for number, each in enumerate(lines, 1):
            # Names with bytes of another encoding are compared as the file system returns them.
            line = each.removesuffix(b"\n").decode("utf-8", "surrogateescape")
            pair = self._published(line) or self._pair(number, line, report)
            if pair is not None and hash(pair.rainy) in seen:
                self._habit(Kind.REPEATED_LINE, number)
            elif pair is not None:
                seen.add(hash(pair.rainy))
                yield pair
        if not data.endswith(b"\n"):
            report(Problem(self.name, Kind.LAST_NEWLINE, "the last line has no newline; add one"))
        for kind, numbers in self.habits.items():
            words = _SLASH[self.split] if kind == Kind.SLASH else _HABITS[kind]
            more = f" (and {len(numbers) - 1} more)" if len(numbers) > 1 else ""
            report(Problem(self.name, kind, f"line {numbers[0]}{more} {words}"))

    def _habit(self, kind: Kind, number: int) -> None:
        self.habits.setdefault(kind, []).append(number)

    def _published(self, line: str) -> StoredPair | None:
        """Return the pair of a line as published lists have it; None where there is anything to look at.

        Nearly all of a million lines are such lines. `_pair` returns the same for them, and takes longer.
        """
        parts = line.split()
        if self.split != "train" or self.has_masks or len(parts) != 2 or "\\" in line:
            return None
        rainy, clean = parts
        if len(line) != len(rainy) + 1 + len(clean) or line[len(rainy)] != " ":
            return None
        if self.home:
            rainy, clean = f"{self.home}/{rainy}", f"{self.home}/{clean}"
        if not rainy.startswith(self.prefixes[0]) or not clean.startswith(self.prefixes[1]):
            return None
        file = rainy.rpartition("/")[2]
        if not clean.endswith(f"/{file}") or not self.files.has(rainy) or not self.files.has(clean):
            return None
        return StoredPair(self.split, rainy, clean, None, None, file.rpartition(".")[0])

    def _pair(self, number: int, line: str, report: Report) -> StoredPair | None:
        if line.endswith("\r"):
            self._habit(Kind.CRLF, number)
        line = line.removesuffix("\r")
        if not line.strip():
            self._habit(Kind.BLANK_LINE, number)
            return None
        parts = line.split()
        if len(parts) != 2:
            parts = _BETWEEN.split(line.strip())
        if len(parts) != 2:
            text = f"line {number} is not '<rainy path> <clean path>'; correct or remove it"
            report(Problem(self.name, Kind.BAD_LINE, text))
            return None
        if line.count(" ") != 1 or line != " ".join(parts):
            self._habit(Kind.SPACE, number)
        if "\\" in line:
            self._habit(Kind.BACKSLASH, number)
            parts = [part.replace("\\", "/") for part in parts]
        found = [self._find(part) for part in parts]
        for part, name in zip(parts, found, strict=True):
            if name is None:
                path = _join(self.home, part.lstrip("/"))
                text = f"line {number} names {printable(part)}, which is missing; restore the file or remove the line"
                report(Problem(self.name, Kind.MISSING_FILE, text, (path,)))
        rainy, clean = found
        if rainy is None or clean is None:
            return None
        meant = [_join(self.home, _bare(part)) for part in parts]
        differs = [rainy, clean] != meant
        if differs and any(folded(name) != folded(other) for name, other in zip((rainy, clean), meant, strict=True)):
            self._habit(Kind.OTHER_ROOT, number)
        elif differs:
            self._habit(Kind.SPELLING, number)
        elif FOLDERS[self.split][0] not in rainy:
            pass  # pictures of the other split: their names do not make the line wrong
        elif any(part.startswith("/") != (self.split == "test") for part in parts):
            self._habit(Kind.SLASH, number)
        stem, twin = stem_of(rainy), stem_of(clean)
        if twin not in (stem, f"{stem}gt"):
            self._habit(Kind.STEMS, number)
        masks = mask_names(self.files, stem)
        return StoredPair(
            split=self.split,
            rainy=rainy,
            clean=clean,
            exclude=masks.exclude,
            confidence=masks.confidence,
            stem=stem,
        )

    def _find(self, path: str) -> str | None:
        """Find the file of a listed path: below the list's folder, or below the layout's folder under another root."""
        bare = _bare(path)
        name = self.files.find(_join(self.home, bare))
        if name is not None:
            return name
        parts = bare.split("/")
        mark = max((place for place, part in enumerate(parts) if part in _MARKERS), default=len(parts))
        names = (self.files.find(_join(base, "/".join(parts[mark:]))) for base in self.bases)
        return next((name for name in names if name is not None), None)


@lru_cache(maxsize=64)
def _scene(folder: str) -> str:
    """Return the folder below the innermost real_world."""
    parts = folder.split("/")
    marked = [place for place, part in enumerate(parts[:-1]) if part == FOLDERS["train"][0]]
    return parts[marked[-1] + 1] if marked else ""


def _homes(files: Files) -> list[str]:
    """Return folders that may hold the lists, the root first."""
    homes, level = [""], [""]
    for _ in range(_DEPTH):
        level = [
            folder for home in level for folder in files.subfolders(home) if folder.rpartition("/")[2] not in _MARKERS
        ]
        homes += level
    return homes


def _list_file(files: Files, homes: list[str], split: str) -> str | None:
    return next((name for home in homes if files.has(name := _join(home, LISTS[split]))), None)


def _key(path: str, home: str, split: str) -> str:
    """Return the part of a path that both pictures of a pair share."""
    rainy, clean = (_join(home, folder) + "/" for folder in FOLDERS[split])
    stem = path.removeprefix(rainy).removeprefix(clean).rpartition(".")[0]
    return stem.removesuffix("gt") if split == "test" and path.startswith(clean) else stem


def _last(names: list[str]) -> set[str]:
    return {name.rpartition("/")[2] for name in names}


def _bare(path: str) -> str:
    return path.lstrip("/").removeprefix("./")


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


LAYOUT = Spa()
