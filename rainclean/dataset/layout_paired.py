"""Layout "paired": ``{train,val,test}/{input,target}/NAME.png`` (Restormer, MPRNet, DRSformer, NAFNet).

Its readers pair by sorted order or by stem, so both sides hold identical names. NAME is ``SSS-FFFF_x_y``: scene,
frame, upper left corner; unique in the whole data set. The two folders can have other names (`SIDES`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
    difference,
    exclude_name,
    is_picture,
    mask_names,
    stem_of,
    suffix_of,
)
from rainclean.dataset.problems import Kind, Problem
from rainclean.errors import printable
from rainclean.file_names import folded, is_litter

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

SIDES = (("input", "target"), ("input", "gt"), ("rain", "norain"))
"""Names of the two folders: of most trainers; of SCD-Former (LHP-Rain); of RCDNet's test loader."""

STEM = re.compile(r"(\d{3,})-\d{4,}_\d+_\d+")
"""Stem of a pair that rainclean wrote, in this layout and others; the first group is the scene."""


class Paired(Layout):
    """Two folders for each split, paired by name."""

    name = "paired"
    splits = ("train", "val", "test")
    label = "Paired folders (Restormer, NAFNet)"
    description = (
        "Two folders for each split, with the same file names in both. MPRNet, DRSformer and SCD-Former read it, too."
    )
    sides = SIDES
    written = re.compile(rf"(train|val|test)/(input|target|gt|rain|norain)/{STEM.pattern}\.png|{MASKS}")

    def __init__(self, sides: tuple[str, str] | None = None) -> None:
        """Choose the names of the two folders.

        Args:
            sides: Of rainy and clean images, of `SIDES`. None: write the first of these, read those in a folder.
        """
        self._sides = sides

    def with_sides(self, sides: str) -> Layout:
        """Return this layout with other names of its two folders, such as "input,gt"; "" for the usual ones."""
        known = {",".join(each): each for each in self.sides}
        return type(self)(known[sides]) if sides in known else super().with_sides(sides)

    def _sides_of(self, files: Files) -> tuple[str, str]:
        """Return the names of the two folders: as chosen, or those that most splits have."""
        if self._sides is not None:
            return self._sides
        folders = {folder for split in self.splits for folder in files.subfolders(split)}
        return max(
            self.sides, key=lambda sides: sum(f"{split}/{side}" in folders for split in self.splits for side in sides)
        )

    def paths(self, key: PairKey, widths: Widths) -> PairPaths:
        """Return the names of a pair, which are identical on both sides."""
        self.check_splits([key.split])
        stem = f"{key.scene:0{max(3, widths.scene)}}-{key.frame:0{max(4, widths.frame)}}_{key.x}_{key.y}"
        rainy, clean = (f"{key.split}/{side}/{stem}.png" for side in self._sides or self.sides[0])
        return PairPaths(rainy, clean, exclude_name(stem), confidence_name(stem))

    def is_here(self, files: Files) -> bool:
        """Return whether there is a folder of rainy or clean images."""
        sides = self._sides_of(files)
        return any(f"{split}/{side}" in files.subfolders(split) for split in self.splits for side in sides)

    def scene_of(self, pair: StoredPair) -> str:
        """Return the part before the first "-" of names that rainclean wrote."""
        match = STEM.fullmatch(pair.stem)
        return match[1] if match else ""

    def lists(self, rows: Iterable["ManifestRow"]) -> dict[str, bytes]:
        """Return no lists: the folders define the pairs."""
        return {}

    def scan(self, files: Files, report: Report) -> Iterator[StoredPair]:
        """Yield pairs in the order of their names, split by split; match them by stem, whatever the extensions."""
        found = False
        names = self._sides_of(files)
        for split in self.splits:
            sides = [_by_stem(files, f"{split}/{side}", report) for side in names]
            found = found or any(sides)
            others = _spelt_otherwise(*sides)
            for stem in sorted(set(sides[0]) | (set(sides[1]) - set(others.values()))):
                rainy, clean = sides[0].get(stem), sides[1].get(others.get(stem, stem))
                if stem in others and rainy and clean:
                    text = f"is paired with {printable(clean)}: {difference(stem, others[stem])}; rename one"
                    report(Problem(rainy, Kind.SPELLING, text, (rainy, clean)))
                if rainy and clean:
                    masks = mask_names(files, stem)
                    yield StoredPair(
                        split=split,
                        rainy=rainy,
                        clean=clean,
                        exclude=masks.exclude,
                        confidence=masks.confidence,
                        stem=stem,
                    )
                else:
                    report(_unpaired(rainy or clean or "", names[0] if clean else names[1]))
        if not found:
            text = "no train/input, val/input or test/input with images; give the folder that holds these"
            report(Problem("", Kind.MISSING_LIST, text))

    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield problems of other files among the pictures, and of mixed extensions."""
        extensions: Counter[str] = Counter()
        for pair in pairs:
            extensions.update(suffix_of(name) for name in (pair.rainy, pair.clean))
        if len(extensions) > 1:
            rare = extensions.most_common()[-1][0]
            name = next(n for pair in pairs for n in (pair.rainy, pair.clean) if suffix_of(n) == rare)
            text = f"mixed extensions ({', '.join(sorted(extensions))}) in one data set; use one"
            yield Problem(name, Kind.EXTENSIONS, text, (name,))
        for split in self.splits:
            for side in self._sides_of(files):
                for name in sorted(files.folder(f"{split}/{side}")):
                    if not is_picture(name) and not is_litter(name):
                        path = f"{split}/{side}/{name}"
                        yield Problem(path, Kind.NOT_LISTED, "is not an image, but lies among them; remove it", (path,))


def _spelt_otherwise(rainy: dict[str, str], clean: dict[str, str]) -> dict[str, str]:
    """Map stems of rainy images to clean ones that differ only in case or Unicode form."""
    unmatched: list[dict[str, list[str]]] = []
    for one, other in ((rainy, clean), (clean, rainy)):
        unmatched.append({})
        for stem in one.keys() - other.keys():
            unmatched[-1].setdefault(folded(stem), []).append(stem)
    rainy_stems, clean_stems = unmatched
    alike = rainy_stems.keys() & clean_stems.keys()
    unique = [each for each in alike if len(rainy_stems[each]) == len(clean_stems[each]) == 1]
    return {rainy_stems[each][0]: clean_stems[each][0] for each in unique}


def _by_stem(files: Files, folder: str, report: Report) -> dict[str, str]:
    stems: dict[str, str] = {}
    for name in sorted(filter(is_picture, files.folder(folder))):
        path = f"{folder}/{name}"
        if not (files.contained and not files.inside(path)):
            twin = stems.setdefault(stem_of(name), path)
            if twin != path:
                report(
                    Problem(path, Kind.UNPAIRED, f"has the same stem as {printable(twin)}; keep one of them", (path,))
                )
    return stems


def _unpaired(name: str, lacking: str) -> Problem:
    split, _, file = name.split("/")
    other = f"{split}/{lacking}/{file}"
    return Problem(
        name, Kind.UNPAIRED, f"has no partner {printable(other)}; add it, or remove this file", (name, other)
    )


LAYOUT = Paired()
