"""A data set as whoever trains on it or scores with it sees it: pairs with their scenes, and pictures as RGB.

Takes every export of rainclean, and data sets of the same layouts from elsewhere; the layout is found out.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rainclean.confidence import form_of
from rainclean.dataset.layout_base import StoredPair
from rainclean.dataset.layouts import LAYOUTS
from rainclean.dataset.manifest import NAME, REPORT, read_manifest
from rainclean.errors import InputError
from rainclean.json_text import parse_json
from rainclean.png import decode_png
from rainclean.video import DamagedInput, read_picture

U8 = NDArray[np.uint8]

_SIZED = 1000
"""Pairs, about, whose file sizes go into the check sum where there is no manifest."""


@dataclass(frozen=True, slots=True)
class DatasetPair:
    """One pair: files below the data set's folder, None for a mask that is not there.

    scene: what the manifest calls its place, or what its name says of it; "" where neither does. confidence_form: what
    the confidence picture holds, `rainclean.confidence`.
    """

    split: str
    rainy: Path
    clean: Path
    exclude: Path | None
    confidence: Path | None
    stem: str
    scene: str
    confidence_form: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder with pairs. pairs_sha256: of what they are: names, scenes and the manifest, which has the check sums of
    all pictures; without one, sizes of some of the files. The pictures are not read."""

    root: Path
    layout: str
    pairs: tuple[DatasetPair, ...]
    pairs_sha256: str

    def of(self, split: str) -> tuple[DatasetPair, ...]:
        """Pairs of a split."""
        return tuple(pair for pair in self.pairs if pair.split == split)

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits that have pairs, in the order in which they stand."""
        return tuple(dict.fromkeys(pair.split for pair in self.pairs))


def read_dataset(root: Path | str) -> Dataset:
    """Find the layout and the pairs of a folder. Pictures are not opened.

    Raises InputError, one line, for a folder without pairs or with lists that name missing files.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(root, "is a file" if root.exists() else "no such folder", "name the folder of a data set")
    root = _export_below(root)
    here = [layout for layout in LAYOUTS.values() if layout.is_here(layout.store(root))]
    if not here:
        looked_for = "neither lists of SPA-Data (real_world.txt) nor folders such as train/input"
        raise InputError(root, f"holds no data set: {looked_for}", "name the folder that holds these")
    # Where two layouts lie in one folder, the first is meant: its lists were made on purpose.
    stored = list(here[0].read(root))
    scenes = {row.rainy: row.scene for row in read_manifest(root / NAME)} if (root / NAME).is_file() else {}
    form = _confidence_form(root / REPORT)
    pairs = tuple(_pair(root, each, scenes.get(each.rainy) or here[0].scene_of(each), form) for each in stored)
    if not pairs:
        raise InputError(root, "holds no pair", "export again")
    digest = hashlib.sha256()
    for one in pairs:
        names: tuple[str, ...]
        names = (one.split, one.scene, one.rainy.relative_to(root).as_posix(), one.clean.relative_to(root).as_posix())
        names += tuple(mask.relative_to(root).as_posix() for mask in (one.exclude, one.confidence) if mask is not None)
        digest.update("\0".join(names).encode("utf-8", "surrogateescape") + b"\n")
    if (root / NAME).is_file():
        digest.update((root / NAME).read_bytes())
    else:
        for one in pairs[:: max(1, len(pairs) // _SIZED)]:
            digest.update(f"{_size(one.rainy)} {_size(one.clean)}\n".encode())
    return Dataset(root, here[0].name, pairs, digest.hexdigest())


def read_rgb(path: Path) -> U8:
    """(H, W, 3) uint8 RGB of a picture of a data set, upright. Raises InputError for a damaged file.

    Values are as the file has them, whatever its colour profile says, as everyone reads data sets.
    """
    try:
        return read_picture(path, as_stored=True)
    except DamagedInput as error:  # its advice is about clips
        raise InputError(error.path, error.reason, "replace it, or take its pair out of the data set") from error


def read_pair(pair: DatasetPair) -> tuple[U8, U8]:
    """Both sides of a pair, (H, W, 3) uint8 RGB each. Raises InputError for a damaged file or unequal sizes."""
    rainy, clean = read_rgb(pair.rainy), read_rgb(pair.clean)
    check_size(pair.rainy, rainy, pair.clean, clean)
    return rainy, clean


def read_mask(path: Path, like: U8, owner: Path) -> U8:
    """(H, W) uint8 of a mask of a picture. Raises InputError where it is damaged, not grey, or of another size."""
    mask = decode_png(path.read_bytes(), path)
    if mask.ndim != 2:
        raise InputError(path, "is not grey, as masks are", "export again")
    check_size(path, mask, owner, like)
    return mask


def check_size(path: Path, picture: NDArray[np.generic], other: Path, twin: NDArray[np.generic]) -> None:
    """Raise InputError, one line that names both files, unless two pictures have one size."""
    if picture.shape[:2] != twin.shape[:2]:
        sizes = [f"{shape[1]}×{shape[0]}" for shape in (picture.shape, twin.shape)]
        raise InputError(path, f"is {sizes[0]} px, but its partner {other} is {sizes[1]} px", "replace one of them")


def _export_below(root: Path) -> Path:
    """The export that a folder holds, where somebody named the folder around it: its manifest and masks count."""
    if (root / NAME).is_file():
        return root
    found = [path.parent for depth in ("*", "*/*") for path in root.glob(f"{depth}/{NAME}")]
    return found[0] if len(found) == 1 else root


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be read") from error


def _confidence_form(path: Path) -> str:
    """What an export.json says of the confidence pictures beside it; one that is missing or damaged says nothing."""
    try:
        document = parse_json(path.read_bytes())
    except (OSError, ValueError):
        document = None
    return form_of(document, path)


def _pair(root: Path, stored: StoredPair, scene: str, form: str) -> DatasetPair:
    rainy, clean = root / stored.rainy, root / stored.clean
    exclude, confidence = (None if name is None else root / name for name in (stored.exclude, stored.confidence))
    return DatasetPair(stored.split, rainy, clean, exclude, confidence, stored.stem, scene, form)
