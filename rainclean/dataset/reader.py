"""Read a data set for training or scoring: pairs with their scenes, and pictures as RGB.

Reads exports of rainclean, and other data sets by names that are known, a rule or a list (`pairing`).
"""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.confidence import form_of
from rainclean.dataset.columns import Columns, ColumnsBuilder
from rainclean.dataset.containers import file_of, place_of, read_value
from rainclean.dataset.families import FAMILIES, KNOWN
from rainclean.dataset.files import Files
from rainclean.dataset.foreign import foreign_layout
from rainclean.dataset.foreign_base import ForeignLayout
from rainclean.dataset.index_cache import Source, keep, load
from rainclean.dataset.layout_base import Layout
from rainclean.dataset.layouts import LAYOUTS
from rainclean.dataset.manifest import NAME, REPORT, ManifestRow, iterate_manifest
from rainclean.dataset.pair_table import DatasetPair, PairTable
from rainclean.dataset.pairing import KNOWN_NAMES, Pairing
from rainclean.dataset.problems import BLOCKING, Kind, Problem
from rainclean.errors import InputError
from rainclean.json_text import parse_json
from rainclean.png import decode_png, png_size
from rainclean.video import DamagedInput, read_header, read_picture

U8 = NDArray[np.uint8]

_LINES = 1000
"""Lines that go into the check sum together."""

_SIZED = 1000
"""Approximate number of pairs whose file sizes go into the checksum where there is no manifest."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder with pairs.

    pairs_sha256: over names, scenes and the manifest, which has the checksums of all pictures; without a manifest, over
    the sizes of some files. The pictures are not read.
    """

    root: Path
    layout: str
    pairs: PairTable
    pairs_sha256: str

    def split(self, split: str) -> PairTable:
        """Return the pairs of a split."""
        return self.pairs.of_split(split)

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits that have pairs, in the order of the pairs."""
        return self.pairs.splits


def read_dataset(root: Path | str, pairing: Pairing = KNOWN_NAMES) -> Dataset:
    """Find the layout and the pairs of a folder, without opening pictures.

    The index of a large data set is kept (`index_cache`).

    Args:
        root: The folder, or one around an export.
        pairing: What a person says about the pairs; nothing where they are found by themselves.

    Raises:
        InputError: There are no pairs, or lists name missing files, or a rainy picture has no clean one.
        UsageError: The pairing means nothing.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(root, "is a file" if root.exists() else "no such folder", "give the folder of a data set")
    if not pairing.is_named:
        root = _export_below(root)
    form = _confidence_form(root / REPORT)
    asked = {**pairing.to_json(), "layouts": ",".join(LAYOUTS), "families": repr(FAMILIES)}
    stored = load(root, asked)
    if stored is not None:
        digest = stored.facts["digest"]
        if _sizes(root, stored.columns) != stored.facts["sizes"]:
            digest = _digest(root, stored.columns)
        return Dataset(root, stored.facts["layout"], PairTable(root, stored.columns, form), digest)
    started = time.time_ns()
    index = _indexed(root, pairing)
    files, columns, name = index.files, index.columns, index.layout
    digest = _digest(root, columns)
    if type(files) is Files:
        listed = [each for each in (NAME, REPORT) if (root / each).is_file()]
        contents = (*sorted(files.contents), *listed)
        source = Source(root=root, asked=asked, folders=files.seen, contents=contents, started=started)
        columns = keep(source, columns, {"layout": name, "digest": digest, "sizes": _sizes(root, columns)})
    return Dataset(root, name, PairTable(root, columns, form), digest)


def layout_of(root: Path, pairing: Pairing = KNOWN_NAMES) -> Layout:
    """Return how the pairs of a folder are found: the layout of an export, else by `foreign`.

    Raises:
        InputError: There is a manifest, but no layout.
        UsageError: The pairing means nothing.
    """
    if pairing.is_named or not (root / NAME).is_file():
        return foreign_layout(Files(root), pairing)
    # Of two layouts in one folder, take the one of the export, else the first: its lists were made on purpose.
    exported = _exported_layout(root / REPORT)
    layouts = sorted(LAYOUTS.values(), key=lambda layout: layout.name != exported)
    found = next((each for each in layouts if each.is_here(each.store(root))), None)
    if found is None:
        raise InputError(root, f"holds {NAME}, but no pairs of it", "give the folder that holds both")
    return found


class _Index(NamedTuple):
    files: Files
    columns: Columns
    layout: str


def _indexed(root: Path, pairing: Pairing) -> _Index:
    """Find the pairs of a folder."""
    chosen = layout_of(root, pairing)
    is_export = not pairing.is_named and (root / NAME).is_file()
    scenes = _Scenes(iterate_manifest(root / NAME) if is_export else iter(()))
    files, builder, first = chosen.store(root), ColumnsBuilder(), list[Problem]()

    def refuse(problem: Problem) -> None:
        if problem.kind in BLOCKING:
            first.append(problem)
            if problem.kind is not Kind.MISSING_LIST:
                raise InputError(root / problem.path, problem.text)

    for pair in chosen.scan(files, refuse):
        builder.add(pair, scenes.of(pair.rainy) or pair.scene or chosen.scene_of(pair))
    scenes.finish()
    columns = builder.result()
    if first:
        raise InputError(root / first[0].path, first[0].text)
    if not len(columns.rainy):
        if is_export or not isinstance(chosen, ForeignLayout):
            raise InputError(root, "holds no pairs", "export again")
        raise _nothing_found(root, pairing)
    return _Index(files, columns, chosen.name)


class _Scenes:
    """Scenes of pairs by a manifest, which is read on as pairs are asked for: it mostly has the order of the pairs."""

    def __init__(self, rows: Iterator[ManifestRow]) -> None:
        self._rows, self._passed = rows, dict[str, str]()

    def of(self, rainy: str) -> str:
        """Return the scene of a pair, "" where the manifest does not have it; each may be asked for once."""
        if rainy in self._passed:
            return self._passed.pop(rainy)
        for row in self._rows:
            if row.rainy == rainy:
                return row.scene
            self._passed[row.rainy] = intern(row.scene)
        return ""

    def finish(self) -> None:
        """Read the rest. Raises InputError where the manifest is damaged."""
        for _ in self._rows:
            pass


def _nothing_found(root: Path, pairing: Pairing) -> InputError:
    if pairing.rainy is not None:
        return InputError(root, f"holds no image {pairing.rainy}", "--rainy is a pattern below this folder")
    if pairing.pairs is not None:
        return InputError(pairing.pairs, "names no pair", "add lines to it")
    known = f"folders such as train/input, nor names of {KNOWN}"
    what = f"holds no data set: neither lists of SPA-Data (real_world.txt), {known}"
    return InputError(root, what, "give the folder that holds these, or name the pairs by --rainy and --clean")


def _digest(root: Path, columns: Columns) -> str:
    """Return the check sum of the pairs."""
    digest = hashlib.sha256()
    splits, scenes = list(columns.split_names.encoded()), list(columns.scene_names.encoded())
    labels = (map(splits.__getitem__, columns.split.tolist()), map(scenes.__getitem__, columns.scene.tolist()))
    rows: Iterator[tuple[bytes, ...]] = zip(*labels, columns.rainy.encoded(), columns.clean.encoded(), strict=True)
    masks = [column.encoded() for column in (columns.exclude, columns.confidence) if len(column)]
    if masks:
        rows = ((*row, *filter(None, names)) for row, *names in zip(rows, *masks, strict=True))
    lines = map(b"\0".join, rows)
    while block := list(islice(lines, _LINES)):
        digest.update(b"\n".join([*block, b""]))
    if (root / NAME).is_file():
        with (root / NAME).open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    else:
        for size in _sizes(root, columns):
            digest.update(f"{size}\n".encode())
    return digest.hexdigest()


def _sizes(root: Path, columns: Columns) -> list[str]:
    """Return the sizes of both files of about `_SIZED` pairs; none where a manifest has check sums."""
    if (root / NAME).is_file():
        return []
    step = max(1, len(columns.rainy) // _SIZED)
    rows = range(0, len(columns.rainy), step)
    return [f"{_size(root / columns.rainy[row])} {_size(root / columns.clean[row])}" for row in rows]


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


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height of an image of a data set, upright, in px. Raises InputError where it cannot be read.

    Only the header is decoded. The image may be in a container, which holds PNG files alone.
    """
    if place_of(path) is None:
        return read_header(path).size
    return png_size(read_value(path), path)


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
