"""Detect that an input changes while it is read.

A clip is read up to five times and must be the same each time. If somebody replaced it meanwhile, a picture of one clip
and rain amounts of another would be stored, silently.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rainclean.errors import InputError, UsageError
from rainclean.video import images_in

_SAMPLES, _SAMPLE = 16, 4096
"""Places of a file that are compared where file attributes contradict each other, and bytes at each."""


@dataclass(frozen=True)
class Look:
    """The state of a file, or a folder of images, at one moment, without reading all of it.

    stats: name, size and time of the last change in ns of each file. marks: device, inode, and time of the last change
    of its attributes. sample: checksum over some bytes of a single file.
    """

    stats: tuple[tuple[str, int, int], ...]
    marks: tuple[tuple[int, int, int], ...]
    sample: str

    @property
    def trace(self) -> tuple[int, int]:
        """Return (bytes, time of the last change in ns); for a folder of images, bytes and a sum over all of them."""
        if self.stats[0][0] == "":
            return self.stats[0][1:]
        digest = hashlib.sha256(repr(list(self.stats)).encode("utf-8", "surrogateescape")).digest()
        return sum(size for _, size, _ in self.stats), int.from_bytes(digest[:7], "big")


def look(path: Path, *, sampled: bool = True) -> Look:
    """Return the state of a file, or of the images in a folder. Raises InputError where it cannot be read.

    sampled: take the sample, too; callers that know the checksum of the whole file need none.
    """
    try:
        if path.is_file():
            files, sample = [("", path)], _sample(path) if sampled else ""
        else:
            files, sample = [(image.name, image) for image in images_in(path)[0]], ""
        found = [(name, file.stat()) for name, file in files]
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}") from error
    return Look(
        tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found),
        tuple((stat.st_dev, stat.st_ino, stat.st_ctime_ns) for _, stat in found),
        sample,
    )


@contextmanager
def unchanged(path: Path, before: Look | None = None, is_same: Callable[[], bool] | None = None) -> Iterator[None]:
    """Raise InputError at the end of the block, or instead of its error, where an input has changed.

    Args:
        path: The input.
        before: Its state when it was first read; by default, its state when the block begins.
        is_same: Reads all of the input and returns whether it is the expected one. It is asked where only times or
            places have changed.
    """
    before = look(path) if before is None else before
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        if is_unchanged(path, before, is_same):
            raise
        raise _changed(path) from error
    if not is_unchanged(path, before, is_same):
        raise _changed(path)


def is_unchanged(path: Path, before: Look, is_same: Callable[[], bool] | None = None) -> bool:
    """Return whether an input is unchanged."""
    try:
        now = look(path, sampled=bool(before.sample))
        if now == before:
            return True
        if is_same is not None:
            return is_same() and look(path, sampled=bool(before.sample)) == now
    except (InputError, OSError):
        return False
    # A backup that links the file, and some network shares, change the marks only: then compare bytes.
    return now.stats == before.stats and now.sample == before.sample != ""


def _sample(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = file.seek(0, 2)
        for number in range(_SAMPLES):
            file.seek(max(0, size - _SAMPLE) * number // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def _changed(path: Path) -> InputError:
    what = "changed while it was read" if path.exists() else "disappeared while it was read"
    return InputError(path, what, "try again when nothing writes to it")
