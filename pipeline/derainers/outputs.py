"""A folder of pictures that some program has written: one for each rainy picture, by its name."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.derainers.base import U8, Result
from pipeline.text_format import counted, few
from rainclean.dataset import DatasetPair, image_size
from rainclean.errors import InputError
from rainclean.file_names import folded, is_passed_over
from rainclean.video import SUFFIXES, DamagedInput, read_header, read_levels

_EXAMPLES = 3


class Outputs:
    """Pictures in a folder and its sub-folders, of any extension that is read.

    A picture belongs to the pair whose rainy picture, or else key or clean picture, has its name without extension.
    Capitals do not matter. Of several the one counts whose sub-folders have most names in common with that picture's
    folders.
    """

    libraries: tuple[str, ...] = ()

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self._by_stem = _pictures_below(path)
        self._of: dict[Path, Path] = {}
        self._digest = hashlib.sha256()

    def prepare(self, pairs: Sequence[DatasetPair]) -> None:
        """Find the picture of every pair, and compare sizes by the headers alone."""
        missing, unclear, odd = [], [], []
        for pair in pairs:
            found = self._found(pair)
            if len(found) == 1:
                self._of[pair.rainy] = found[0]
                odd += _wrong_size(found[0], pair)
            elif found:
                unclear.append(f"{pair.stem}: {found[0].name} in several folders")
            else:
                missing.append(pair.stem)
        count = Counter(self._of.values())
        shared = [path.name for path in count if count[path] > 1]
        total = counted(len(pairs), "pair")
        lines = (
            (missing, f"{len(missing)} of {total} have no image here"),
            (odd, f"{counted(len(odd), 'image')} cannot be used"),
            (unclear, f"{len(unclear)} of {total} have several"),
            (shared, f"{counted(len(shared), 'image')} would belong to several pairs"),
        )
        problems = [f"{line} ({few(names, _EXAMPLES)})" for names, line in lines if names]
        if problems:
            advice = "images are named like the rainy images; put those of equal names into folders like theirs"
            raise InputError(self.path, "; ".join(problems), advice if missing or unclear or shared else "")

    def derain(self, rainy: U8, pair: DatasetPair) -> Result:
        """Read the picture of a pair: uint8, or float32 where it has 16 bits a channel."""
        path = self._of[pair.rainy]
        self._digest.update(hashlib.sha256(path.read_bytes()).digest())
        try:
            levels = read_levels(path, read_header(path))
        except DamagedInput as error:  # its advice is about clips
            raise InputError(error.path, error.reason, "write it again") from error
        if levels.shape != rainy.shape:
            raise InputError(path, "has changed its size", "evaluate again")
        if levels.dtype == np.uint8:
            return Result(levels.astype(np.uint8, copy=False))
        return Result(levels.astype(np.float32) / np.float32(65535))

    def identity(self) -> dict[str, Any]:
        """Return folder, number of pictures and a checksum over those that were read, in the order of the pairs."""
        return {
            "outputs": {
                "folder": str(self.path),
                "pictures": sum(map(len, self._by_stem.values())),
                "sha256": self._digest.hexdigest(),
            }
        }

    def description(self) -> str:
        """Return the folder and the number of pictures used."""
        return f"{counted(len(self._of), 'image')} in {self.path}"

    def _found(self, pair: DatasetPair) -> list[Path]:
        """Return the pictures of a pair that share most of its folders."""
        # The members of a tar archive are KEY.input.png and KEY.target.png: their pair is called KEY.
        for original, stem in ((pair.rainy, pair.rainy.stem), (pair.rainy, pair.stem), (pair.clean, pair.clean.stem)):
            found = self._by_stem.get(folded(stem), [])
            if found:
                folders = {folded(part) for part in original.parent.parts}
                own = [path.relative_to(self.path).parent.parts for path in found]
                shared = [sum(folded(part) in folders for part in parts) for parts in own]
                return [path for path, number in zip(found, shared, strict=True) if number == max(shared)]
        return []


def _pictures_below(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        advice = "give the folder with the images that a method has written"
        raise InputError(folder, "is a file" if folder.exists() else "no such folder", advice)
    found: dict[str, list[Path]] = {}
    try:
        for path in sorted(folder.rglob("*")):
            passed = any(is_passed_over(part) for part in path.relative_to(folder).parts)
            if path.suffix.lower() in SUFFIXES and not passed and path.is_file():
                found.setdefault(folded(path.stem), []).append(path)
    except OSError as error:
        raise InputError(Path(error.filename or folder), error.strerror or "cannot be read") from error
    if not found:
        raise InputError(folder, "holds no images", f"those with {', '.join(sorted(SUFFIXES))} are read")
    return found


def _wrong_size(path: Path, pair: DatasetPair) -> list[str]:
    """Return a line where a picture cannot be read or has another size than the rainy one."""
    try:
        size, wanted = read_header(path).size, image_size(pair.rainy)
    except DamagedInput as error:
        return [f"{path.name} is damaged: {error.reason}"]
    except InputError as error:
        return [f"{path.name}: {error.reason}"]
    if size == wanted:
        return []
    return [f"{path.name} is {size[0]}×{size[1]} px, the rainy image {wanted[0]}×{wanted[1]}"]
