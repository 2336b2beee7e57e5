"""Read a data set for training or scoring: pairs with their scenes, and pictures as RGB.

Reads exports of rainclean, and other data sets in the same layouts; the layout is detected.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainclean.confidence import form_of
from rainclean.dataset.containers import file_of, place_of, read_value
from rainclean.dataset.layout_base import StoredPair
from rainclean.dataset.layouts import LAYOUTS
from rainclean.dataset.manifest import NAME, REPORT, read_manifest
from rainclean.errors import InputError
from rainclean.json_text import parse_json
from rainclean.png import decode_png
from rainclean.video import DamagedInput, read_picture

U8 = NDArray[np.uint8]

_SIZED = 1000
"""Approximate number of pairs whose file sizes go into the checksum where there is no manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPair:
    """One pair: files below the data set's folder, None for a missing mask.

    A path may lead through a container (`rainclean.dataset.containers`); `read_value` reads what it names.
    scene: from the manifest, or from its name; "" where neither has it. confidence_form: content of the confidence
    picture, `rainclean.confidence`.
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
    """A folder with pairs.

    pairs_sha256: over names, scenes and the manifest, which has the checksums of all pictures; without a manifest, over
    the sizes of some files. The pictures are not read.
    """

    root: Path
    layout: str
    pairs: tuple[DatasetPair, ...]
    pairs_sha256: str

    def split(self, split: str) -> tuple[DatasetPair, ...]:
        """Return the pairs of a split."""
        return tuple(pair for pair in self.pairs if pair.split == split)

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits that have pairs, in the order of the pairs."""
        return tuple(dict.fromkeys(pair.split for pair in self.pairs))


def read_dataset(root: Path | str) -> Dataset:
    """Find the layout and the pairs of a folder, without opening pictures.

    Args:
        root: The folder, or one around an export.

    Raises:
        InputError: There are no pairs, or lists name missing files.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(root, "is a file" if root.exists() else "no such folder", "give the folder of a data set")
    root = _export_below(root)
    # Of two layouts in one folder, take the one of the export, else the first: its lists were made on purpose.
    exported = _exported_layout(root / REPORT)
    layouts = sorted(LAYOUTS.values(), key=lambda layout: layout.name != exported)
    chosen = next((layout for layout in layouts if layout.is_here(layout.store(root))), None)
    if chosen is None:
        looked_for = "neither lists of SPA-Data (real_world.txt) nor folders such as train/input, nor containers"
        raise InputError(root, f"holds no data set: {looked_for}", "give the folder that holds these")
    stored = list(chosen.read(root))
    scenes = {row.rainy: row.scene for row in read_manifest(root / NAME)} if (root / NAME).is_file() else {}
    form = _confidence_form(root / REPORT)
    pairs = tuple(_pair(root, each, scenes.get(each.rainy) or chosen.scene_of(each), form) for each in stored)
    if not pairs:
        raise InputError(root, "holds no pairs", "export again")
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
    return Dataset(root, chosen.name, pairs, digest.hexdigest())


def read_rgb(path: Path) -> U8:
    """Read a picture of a data set, upright: (H, W, 3) uint8 RGB. Raises InputError for a damaged file.

    Returns the values of the file and ignores its colour profile, as all readers of data sets do.
    """
    if place_of(path) is not None:
        decoded = decode_png(read_value(path), path)
        return decoded if decoded.ndim == 3 else np.repeat(decoded[..., None], 3, axis=2)
    try:
        return read_picture(path, as_stored=True)
    except DamagedInput as error:  # its advice is about clips
        raise InputError(error.path, error.reason, "replace it, or take its pair out of the data set") from error


def read_pair(pair: DatasetPair) -> tuple[U8, U8]:
    """Read both sides of a pair, (H, W, 3) uint8 RGB each. Raises InputError for a damaged file or unequal sizes."""
    rainy, clean = read_rgb(pair.rainy), read_rgb(pair.clean)
    check_size(pair.rainy, rainy, pair.clean, clean)
    return rainy, clean


def read_mask(path: Path, like: U8, owner: Path) -> U8:
    """Read the mask of a picture, (H, W) uint8. Raises InputError where it is damaged, not grey, or of another size."""
    mask = decode_png(read_value(path), path)
    if mask.ndim != 2:
        raise InputError(path, "is not a grey image, as a mask must be", "export again")
    check_size(path, mask, owner, like)
    return mask


def check_size(path: Path, picture: NDArray[np.generic], other: Path, twin: NDArray[np.generic]) -> None:
    """Raise InputError, naming both files, unless two pictures have the same size."""
    if picture.shape[:2] != twin.shape[:2]:
        sizes = [f"{shape[1]}×{shape[0]}" for shape in (picture.shape, twin.shape)]
        raise InputError(path, f"is {sizes[0]} px, but its partner {other} is {sizes[1]} px", "replace one of them")


def _export_below(root: Path) -> Path:
    """Return the export below a folder, if there is exactly one; else the folder itself."""
    if (root / NAME).is_file():
        return root
    found = [path.parent for depth in ("*", "*/*") for path in root.glob(f"{depth}/{NAME}")]
    return found[0] if len(found) == 1 else root


def _size(path: Path) -> int:
    try:
        return file_of(path).stat().st_size
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be read") from error


def _confidence_form(path: Path) -> str:
    """Return the form of the confidence pictures by export.json; a missing or damaged file counts as empty."""
    return form_of(_report(path), path)


def _exported_layout(path: Path) -> str:
    """Return the layout by export.json, "" where that does not say it."""
    try:
        return str(_report(path)["settings"]["layout"])
    except (KeyError, TypeError):
        return ""


def _report(path: Path) -> Any:
    """Return export.json, None where it is missing or damaged."""
    try:
        return parse_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _pair(root: Path, stored: StoredPair, scene: str, form: str) -> DatasetPair:
    rainy, clean = root / stored.rainy, root / stored.clean
    exclude, confidence = (None if name is None else root / name for name in (stored.exclude, stored.confidence))
    return DatasetPair(
        split=stored.split,
        rainy=rainy,
        clean=clean,
        exclude=exclude,
        confidence=confidence,
        stem=stored.stem,
        scene=scene,
        confidence_form=form,
    )
