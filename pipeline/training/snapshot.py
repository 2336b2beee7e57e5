"""An immutable copy of a data set for one training: later exports cannot change what it learns from.

Files are linked where the disk can do that, which takes no room, and copied elsewhere. Links keep the bytes that they
were made of, because rainclean replaces files and never writes into one that is there; so does almost every other
program. One that writes into a picture in place would change both.
"""

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.partial import beside
from pipeline.stages import Progress
from rainclean.dataset import Dataset, read_dataset
from rainclean.errors import InputError, RaincleanError, ResourceError

_STEP = 200
"""Files between two words of progress."""


def take_snapshot(dataset: Path, folder: Path) -> Generator[Progress, None, Path]:
    """Make ``folder`` a snapshot of a data set; returns it. It comes into being whole, by a renaming.

    A snapshot of the same pairs that is there already is used as it is. Raises RaincleanError, one line, for a data
    set that cannot be read, another folder in the way, one that lies in the data set, and a disk that cannot take it.
    """
    data = read_dataset(dataset)
    if folder.resolve().is_relative_to(data.root.resolve()):
        raise RaincleanError(f"{folder}: lies in the data set, which stays as it is; choose another folder")
    if folder.exists():
        return _same(folder, data)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with beside(folder) as partial:
            yield from _linked(data, partial)
            # Both are read again before it counts: an export that came in between has mixed two data sets.
            if {read_dataset(each).pairs_sha256 for each in (data.root, partial)} != {data.pairs_sha256}:
                raise InputError(data.root, "changed while it was copied", "try again when the export has ended")
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


def _same(folder: Path, data: Dataset) -> Path:
    """A folder that is there, if it holds these pairs."""
    try:
        if folder.is_dir() and read_dataset(folder).pairs_sha256 == data.pairs_sha256:
            return folder
    except InputError:
        pass
    raise RaincleanError(f"{folder}: is there and no snapshot of {data.root}; choose another folder, or remove it")


def _names(data: Dataset) -> Iterator[str]:
    """Files that a data set consists of, below its root: pictures and masks of its pairs, lists, manifest, report."""
    paths = [path for pair in data.pairs for path in (pair.rainy, pair.clean, pair.exclude, pair.confidence) if path]
    # Published data sets have their lists up to two folders below the one that is named.
    lists = (path for depth in ("", "*/", "*/*/") for path in data.root.glob(f"{depth}*.txt"))
    beside = (path for path in data.root.iterdir() if path.suffix in (".csv", ".json", ".parquet"))
    for path in (*paths, *(path for path in (*lists, *beside) if path.is_file())):
        yield path.relative_to(data.root).as_posix()


def _link(source: Path, target: Path) -> None:
    """The same bytes under another name; a link where that can be."""
    source = source.resolve()  # a link to a link would follow what the first one is made to name later
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copy2(source, target)
