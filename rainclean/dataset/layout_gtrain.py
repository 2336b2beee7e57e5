"""Layout "gtrain": that of GT-RAIN; many rainy images share one clean image, and a folder holds those of one.

    train/SSS-Q-K_x_y/SSS-Q-K_x_y-R-FFF.png     rainy: scene, sequence, thousands of the frame, upper left corner, frame
    train/SSS-Q-K_x_y/SSS-Q-K_x_y-C-000.png     its clean image

Its reader takes each folder for a scene and ``NAME-C-000.png`` for the clean image of all ``NAME-R-FFF.png`` in it; it
cuts the last nine characters, so FFF has three digits. Sequences of a place have clean images of their own, and so has
each crop: each gets a folder. K tells frames apart that have the same last three digits.
"""

import re
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
    exclude_name,
    is_picture,
    mask_names,
    stem_of,
)
from rainclean.dataset.problems import Kind, Problem
from rainclean.file_names import is_litter

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

_RAINY = re.compile(r"(?P<name>.+)-R-(?P<frame>\d+)")
_CLEAN = re.compile(r"(?P<name>.+)-C-(?P<frame>\d+)")
_NAME = re.compile(r"(\d{3,})-\d+-\d+_\d+_\d+")


class GtRain(Layout):
    """A folder for each clean image, with all rainy images that belong to it."""

    name = "gtrain"
    splits = ("train", "val", "test")
    label = "GT-RAIN"
    description = "A folder for each clean image, with all rainy images that belong to it."
    shares_clean = True
    written = re.compile(rf"(train|val|test)/({_NAME.pattern})/\2-(R-\d{{3}}|C-000)\.png|{MASKS}")

    def paths(self, key: PairKey, widths: Widths) -> PairPaths:
        """Return the names of a pair. Pairs of a sequence with the same corner share the clean image."""
        self.check_splits([key.split])
        scene = f"{key.scene:0{max(3, widths.scene)}}"
        sequence = f"{key.sequence:0{widths.sequence}}"
        thousands = f"{key.frame // 1000:0{max(1, widths.frame - 3)}}"
        name = f"{scene}-{sequence}-{thousands}_{key.x}_{key.y}"
        stem = f"{name}-R-{key.frame % 1000:03}"
        folder = f"{key.split}/{name}"
        return PairPaths(
            f"{folder}/{stem}.png", f"{folder}/{name}-C-000.png", exclude_name(stem), confidence_name(stem)
        )

    def is_here(self, files: Files) -> bool:
        """Return whether there is a folder with a rainy image of this layout."""
        return any(
            _RAINY.fullmatch(stem_of(name))
            for split in self.splits
            for folder in files.subfolders(split)
            for name in files.folder(folder)
        )

    def scene_of(self, pair: StoredPair) -> str:
        """Return the scene in a name that rainclean wrote, else the name of the folder."""
        folder = pair.rainy.split("/")[-2]
        match = _NAME.fullmatch(folder)
        return match[1] if match else folder

    def lists(self, rows: Iterable["ManifestRow"]) -> dict[str, bytes]:
        """Return no lists: the folders define the pairs."""
        return {}

    def scan(self, files: Files, report: Report) -> Iterator[StoredPair]:
        """Yield pairs in the order of their names, split by split."""
        found = False
        for split in self.splits:
            for folder in files.subfolders(split):
                for pair in self._pairs_in(files, split, folder, report):
                    found = True
                    yield pair
        if not found:
            text = "no train/SCENE/NAME-R-000.png with its NAME-C-000.png; give the folder that holds train or test"
            report(Problem("", Kind.MISSING_LIST, text))

    @staticmethod
    def _pairs_in(files: Files, split: str, folder: str, report: Report) -> Iterator[StoredPair]:
        names = sorted(filter(is_picture, files.folder(folder)))
        clean = {match["name"]: name for name in names if (match := _CLEAN.fullmatch(stem_of(name)))}
        used: set[str] = set()
        for name in names:
            match = _RAINY.fullmatch(stem_of(name))
            path = f"{folder}/{name}"
            if match is None or (files.contained and not files.inside(path)):
                continue
            if match["name"] not in clean:
                other = f"{folder}/{match['name']}-C-000.png"
                report(Problem(path, Kind.UNPAIRED, f"has no {other}; add it, or remove this file", (path, other)))
                continue
            if len(match["frame"]) != 3:
                text = "has a frame number that is not of three digits, so that other readers miss its clean image"
                report(Problem(path, Kind.STEMS, f"{text}; rename it", (path,)))
            used.add(match["name"])
            stem = stem_of(name)
            masks = mask_names(files, stem)
            yield StoredPair(
                split=split,
                rainy=path,
                clean=f"{folder}/{clean[match['name']]}",
                exclude=masks.exclude,
                confidence=masks.confidence,
                stem=stem,
            )
        for name, file in clean.items():
            if name not in used:
                path = f"{folder}/{file}"
                report(Problem(path, Kind.UNPAIRED, "has no rainy image; remove it, or restore them", (path,)))

    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield problems of other files among the pictures."""
        known = {name for pair in pairs for name in (pair.rainy, pair.clean)}
        known |= {name for problem in problems for name in problem.about}
        for split in self.splits:
            for folder in files.subfolders(split):
                for name in sorted(files.folder(folder)):
                    path = f"{folder}/{name}"
                    if path not in known and not is_litter(name):
                        text = "is neither NAME-R-000.png nor NAME-C-000.png, but lies among them; remove it"
                        yield Problem(path, Kind.NOT_LISTED, text, (path,))


LAYOUT = GtRain()
