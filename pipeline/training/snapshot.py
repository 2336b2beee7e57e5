"""An immutable copy of a data set for one training: later exports cannot change what it learns from.

Files are linked where the disk supports that, which takes no space, and copied elsewhere. A link keeps its bytes,
because rainclean replaces files and never writes into an existing one; almost every other program does the same. A
program that writes into a picture in place would change both.
"""

import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.partial import beside
from pipeline.stages import Progress
from rainclean.dataset import (
    KNOWN_NAMES,
    LAYOUTS,
    PAIRS_NAME,
    Dataset,
    Pairing,
    file_of,
    read_dataset,
    write_list,
)
from rainclean.errors import InputError, RaincleanError, ResourceError

_TEXTS = ("README.md", "LICENSE")
"""Files beside the pairs that say what they are and what one may do with them."""

_STEP = 200
"""Files between two reports of progress."""


def take_snapshot(dataset: Path, folder: Path, pairing: Pairing = KNOWN_NAMES) -> Generator[Progress, None, Path]:
    """Take a snapshot of a data set. The folder appears whole, by renaming.

    Args:
        dataset: Folder of the data set.
        folder: Folder of the snapshot. A snapshot of the same pairs there is used again.
        pairing: What a person says about the pairs. The snapshot needs nothing said: it has a list of them.

    Yields:
        Progress of the stage "snapshot".

    Returns:
        ``folder``.

    Raises:
        RaincleanError: The data set cannot be read, another folder is in the way, ``folder`` lies in the data set, or
            the disk is full or fails.
    """
    data = read_dataset(dataset, pairing)
    if folder.resolve().is_relative_to(data.root.resolve()):
        raise RaincleanError(f"{folder}: lies in the data set, which must not change; choose another folder")
    if folder.exists():
        return _same(folder, data)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with beside(folder) as partial:
            yield from _linked(data, partial)
            _copy_texts(data.root, partial)
            if data.layout not in LAYOUTS:
                (partial / PAIRS_NAME).unlink(missing_ok=True)
                (partial / PAIRS_NAME).write_bytes(write_list(_lines(data)))
            # Both are read again before it counts: an export that came in between has mixed two data sets.
            again = read_dataset(dataset, pairing), read_dataset(partial)
            if {each.pairs_sha256 for each in again} != {data.pairs_sha256}:
                raise InputError(data.root, "changed while it was copied", "try again when the export is finished")
            try:
                partial.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
                return _same(folder, data)  # another process of this run was first
    except OSError as error:
        raise ResourceError(f"{error.filename or folder}: {error.strerror or error}") from error
    return folder


def _linked(data: Dataset, partial: Path) -> Generator[Progress, None, None]:
    names = sorted(set(_names(data)))
    made: set[Path] = set()
    for done, name in enumerate(names, 1):
        target = partial / name
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        _link(data.root / name, target)
        if done % _STEP == 0 or done == len(names):
            yield Progress("snapshot", done, len(names))


def _copy_texts(root: Path, partial: Path) -> None:
    """Copy the card and the licence of a data set. They are no links: people change these files where they are."""
    for name in _TEXTS:
        if (root / name).is_file():
            shutil.copyfile(root / name, partial / name)


def _same(folder: Path, data: Dataset) -> Path:
    """Return an existing folder if it holds these pairs. Raises RaincleanError where it does not."""
    try:
        if folder.is_dir() and read_dataset(folder).pairs_sha256 == data.pairs_sha256:
            return folder
    except InputError:
        pass
    what = f"{folder}: exists, and is not a snapshot of {data.root} with its present pairs"
    raise RaincleanError(f"{what}; choose another folder, or remove it")


def _names(data: Dataset) -> Iterator[str]:
    """Yield the files of a data set, below its root: pictures and masks of its pairs, lists, manifest, report."""
    for name in data.pairs.file_names():
        # A container is linked as a whole.
        yield file_of(data.root / name).relative_to(data.root).as_posix()
    # Published data sets have their lists up to two folders below their root.
    lists = (path for depth in ("", "*/", "*/*/") for path in data.root.glob(f"{depth}*.txt"))
    beside = (path for path in data.root.iterdir() if path.suffix in (".csv", ".json", ".parquet"))
    for path in (path for path in (*lists, *beside) if path.is_file()):
        yield path.relative_to(data.root).as_posix()


def _lines(data: Dataset) -> Iterator[Sequence[str]]:
    """Yield the lines of a list of the pairs."""
    names = zip(data.pairs.rainy_names(), data.pairs.clean_names(), strict=True)
    for (rainy, clean), pair in zip(names, data.pairs, strict=True):
        yield rainy, clean, pair.scene, pair.split


def _link(source: Path, target: Path) -> None:
    """Give the same bytes another name: a link where possible, else a copy."""
    source = source.resolve()  # a link to a link would follow later changes of the first one
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copy2(source, target)
