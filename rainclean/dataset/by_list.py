"""Pairs by a list: a CSV file with the columns rainy, clean, and perhaps scene and split."""

import csv
import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from rainclean.dataset.files import Files, is_relative
from rainclean.dataset.foreign_base import ForeignLayout
from rainclean.dataset.layout_base import Report, StoredPair, is_picture, stem_of
from rainclean.dataset.pairing import split_named, split_of
from rainclean.dataset.problems import Kind, Problem
from rainclean.errors import InputError, printable

COLUMNS = ("rainy", "clean", "scene", "split")

_REPEATED = 3
"""Names of a list that a message gives."""


class _Line(NamedTuple):
    rainy: str
    clean: str
    scene: str
    split: str


class ByList(ForeignLayout):
    """The pairs of a list. Names are relative to the list, and stay below the root."""

    name = "list"

    def __init__(self, path: Path) -> None:
        self._path = path

    def scan(self, files: Files, report: Report) -> Iterator[StoredPair]:
        """Yield the pairs in the order of the list."""
        place, shown = _Place(self._path, files), _shown(self._path, files.root)
        seen: dict[str, int] = {}
        for number, line in self._lines(files):
            problem = _problem(number, line, seen) or place.problem(number, line)
            if problem is not None:
                report(Problem(shown, problem.kind, problem.text, problem.about))
                continue
            seen[line.rainy] = number
            rainy, clean = place.below(line.rainy) or "", place.below(line.clean) or ""
            yield StoredPair(
                split=(split_named(line.split) if line.split else None) or split_of(rainy.rpartition("/")[0]),
                rainy=rainy,
                clean=clean,
                exclude=None,
                confidence=None,
                stem=stem_of(rainy),
                scene=line.scene,
            )

    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield nothing: what the list does not name does not belong to the data set."""
        return iter(())

    def _lines(self, files: Files) -> Iterator[tuple[int, _Line]]:
        """Yield the lines with their numbers. Raises InputError for a file that is no such list."""
        try:
            text = self._path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise InputError(self._path, error.strerror or "cannot be read", "give a CSV file") from error
        except UnicodeDecodeError as error:
            raise InputError(self._path, f"is not UTF-8 (byte {error.start})", "save it as UTF-8") from error
        files.contents.add(_shown(self._path, files.root))
        reader = csv.DictReader(StringIO(text, newline=""), strict=True)
        try:
            header = [name.strip() for name in reader.fieldnames or ()]
            if header.count("rainy") != 1 or header.count("clean") != 1:
                what = f"has no columns rainy and clean in line 1 ({printable(', '.join(header[:_REPEATED]))})"
                raise InputError(self._path, what, "give a CSV file with rainy,clean[,scene][,split]")
            reader.fieldnames = header
            for row in reader:
                values = {name: (row.get(name) or "").strip() for name in COLUMNS}
                yield reader.line_num, _Line(**values)
        except csv.Error as error:
            raise InputError(self._path, f"line {reader.reader.line_num}: {error}", "write it as CSV") from error


def is_list(files: Files, name: str) -> bool:
    """Return whether a file is a list of pairs: its first line names the columns."""
    if not files.has(name):
        return False
    try:
        with (files.root / name).open(encoding="utf-8-sig", errors="replace") as file:
            header = [part.strip().strip('"') for part in file.readline(500).split(",")]
    except OSError:
        return False
    return {"rainy", "clean"} <= set(header)


def write_list(lines: Iterable[Sequence[str]]) -> bytes:
    """Return a list of pairs: rainy, clean, scene and split of each."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _problem(number: int, line: _Line, seen: dict[str, int]) -> Problem | None:
    """Return what is wrong with a line itself."""
    if not line.rainy or not line.clean:
        lacking = "clean" if line.rainy else "rainy"
        return Problem("", Kind.BAD_LINE, f"line {number} has no {lacking} image; correct or remove it")
    if split_named(line.split) is None:
        text = f"line {number}: split {printable(line.split)} is not train, val or test"
        return Problem("", Kind.BAD_LINE, text)
    if line.rainy in seen:
        return Problem("", Kind.REPEATED_LINE, f"line {number} repeats line {seen[line.rainy]}; remove it")
    if not is_picture(line.rainy) or not is_picture(line.clean):
        other = line.clean if is_picture(line.rainy) else line.rainy
        return Problem("", Kind.BAD_LINE, f"line {number} names {printable(other)}, which is no image; correct it")
    return None


class _Place:
    """The folder of a list, seen from the root of its data set."""

    def __init__(self, path: Path, files: Files) -> None:
        self._files = files
        self._root = Path(os.path.normpath(files.root.absolute())).as_posix()
        self._folder = path.parent.absolute().as_posix()

    def below(self, name: str) -> str | None:
        """Return a listed name as one below the root, None for one that leads out."""
        name = name.replace("\\", "/")
        path = posixpath.normpath(name if Path(name).is_absolute() else posixpath.join(self._folder, name))
        below = path.removeprefix(self._root.rstrip("/") + "/")
        return below if below != path and is_relative(below) else None

    def problem(self, number: int, line: _Line) -> Problem | None:
        """Return what is wrong with the files that a line names."""
        for given in (line.rainy, line.clean):
            name = self.below(given)
            what = f"line {number} names {printable(given)}, which is"
            if name is None:
                return Problem("", Kind.BAD_LINE, f"{what} outside {self._root}; give the folder of all images")
            if not self._files.has(name):
                return Problem("", Kind.MISSING_FILE, f"{what} missing; restore it or remove the line", (name,))
        return None


def _shown(path: Path, root: Path) -> str:
    """Return a list as a name below the root, or absolute."""
    place = path.absolute()
    return place.relative_to(root.absolute()).as_posix() if place.is_relative_to(root.absolute()) else str(place)
