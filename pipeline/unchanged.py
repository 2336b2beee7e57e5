"""Whether an input stays what it is while it is read.

What is read more than once (a clip is, up to five times) must be one thing all the time: of a clip that somebody
replaces meanwhile, a picture of one and rain amounts of another would be kept, and nothing would say so.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rainclean.errors import InputError, UsageError
from rainclean.video import images_in

_SAMPLES, _SAMPLE = 16, 4096
"""Places of a file that are looked at where the system says two things of it, and bytes at each."""


@dataclass(frozen=True)
class Look:
    """What a file, or a folder of images, is at one moment, as far as can be told without reading it.

    stats: of each file its name, size and time of the last change in ns. marks: of each device, inode, and when the
    system last changed anything of it. sample: sum over some of a single file's bytes.
    """

    stats: tuple[tuple[str, int, int], ...]
    marks: tuple[tuple[int, int, int], ...]
    sample: str

    @property
    def trace(self) -> tuple[int, int]:
        """(bytes, time of the last change in ns); of a folder of images, bytes and a sum over all of them."""
        if self.stats[0][0] == "":
            return self.stats[0][1:]
        digest = hashlib.sha256(repr(list(self.stats)).encode("utf-8", "surrogateescape")).digest()
        return sum(size for _, size, _ in self.stats), int.from_bytes(digest[:7], "big")


def look(path: Path, sampled: bool = True) -> Look:
    """Look at a file, or at the images of a folder. Raises InputError where it cannot be read.

    sampled: take the sample, too; whoever knows the sum over all of it needs none.
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
    """Raise InputError at the end of the block, or in place of what it raises, where an input is no longer the same.

    before: what it was when it was first read; by default, what it is when the block begins. is_same: reads all of it
    and says whether it is what it shall be: asked where times or places have changed, which may mean nothing.
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
    """Whether an input is what it was."""
    try:
        now = look(path, bool(before.sample))
        if now == before:
            return True
        if is_same is not None:
            return is_same() and look(path, bool(before.sample)) == now
    except (InputError, OSError):
        return False
    # A backup that links it and some network shares change the marks alone: then its bytes tell.
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
    what = "changed while it was read" if path.exists() else "went away while it was read"
    return InputError(path, what, "do it again when nothing writes to it")
