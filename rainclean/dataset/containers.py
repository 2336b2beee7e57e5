"""Values in containers under the names that files would have: readers of data sets need not know which it is.

A path such as ``dataset/train-000000.tar/000-0012_0_0.input.png`` leads through a container. `read_value` reads it like
a file; `PackedFiles` lists a data set that has such paths.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from re import Pattern
from typing import NamedTuple

from rainclean.dataset.container_base import Container
from rainclean.dataset.container_lmdb import LmdbContainer
from rainclean.dataset.container_parquet import ParquetContainer
from rainclean.dataset.container_tar import TarContainer
from rainclean.dataset.files import Files
from rainclean.errors import InputError

KINDS: dict[str, type[Container]] = {
    ".tar": TarContainer,
    ".lmdb": LmdbContainer,
    ".parquet": ParquetContainer,
}
"""Kinds of containers by the end of their names."""

_KEPT = 1024
"""Containers whose index stays in memory."""


class Place(NamedTuple):
    """A value in a container: the file or folder that it is in, and its name there."""

    container: Path
    name: str

    @property
    def file(self) -> Path:
        """The file that holds the bytes."""
        return self.container / KINDS[self.container.suffix].file


def place_of(path: Path) -> Place | None:
    """Return where in a container a path leads; None for the path of a file."""
    for parent in path.parents:
        kind = KINDS.get(parent.suffix)
        if kind is not None and (parent / kind.file).is_file():
            return Place(parent, path.relative_to(parent).as_posix())
    return None


def file_of(path: Path) -> Path:
    """Return the file that holds the bytes of a path: itself, or that of a container."""
    place = place_of(path)
    return path if place is None else place.file


def read_value(path: Path) -> bytes:
    """Read a file, or a value in a container.

    Raises:
        InputError: It is missing in its container, or the container is damaged.
        OSError: A file cannot be read.
    """
    place = place_of(path)
    return path.read_bytes() if place is None else container(place.container).read(place.name)


def container(path: Path) -> Container:
    """Return the container at a path; its index is kept while its file is unchanged. Raises InputError."""
    kind = KINDS[path.suffix]
    try:
        state = (path / kind.file).stat()
    except OSError as error:
        raise InputError(path, error.strerror or "cannot be read", "restore it, or export again") from error
    return _container(kind, path, (state.st_ino, state.st_mtime_ns, state.st_size))


@lru_cache(_KEPT)
def _container(kind: type[Container], path: Path, _: tuple[int, int, int]) -> Container:
    return kind(path)


class PackedFiles(Files):
    """The files of a data set that keeps its pictures in containers.

    Names of values lie below those of their containers. A container that cannot be read has no values; `fault` tells
    why.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        contained: bool = False,
        pattern: Pattern[str],
        folders: Sequence[str],
        closed: frozenset[str] = frozenset(),
    ) -> None:
        """Open the data set below a root.

        Args:
            root: Its folder.
            contained: As in `Files`.
            pattern: Matches the names of its containers below the root.
            folders: Folders that they are in, "" for the root.
            closed: Containers that must not be opened.
        """
        super().__init__(root, contained=contained)
        self._pattern, self._places, self._closed = pattern, folders, closed
        self._faults: dict[str, str] = {}

    def containers(self) -> list[str]:
        """Return the names of all containers, sorted."""
        names = [f"{folder}/{file}" if folder else file for folder in self._places for file in self.folder(folder)]
        names += [name for folder in self._places for name in self.subfolders(folder)]
        return sorted(filter(self._pattern.fullmatch, names))

    def container_of(self, name: str) -> str:
        """Return the container that a name leads through or to, "" for none."""
        at = len(name)
        while at > 0:
            if self._pattern.fullmatch(name[:at]):
                return name[:at]
            at = name.rfind("/", 0, at)
        return ""

    def fault(self, container_name: str) -> str:
        """Return why a container cannot be read; "" where it can."""
        self.members(container_name)
        return self._faults.get(container_name, "")

    def members(self, container_name: str) -> tuple[str, ...]:
        """Return the names in a container, in stored order; none where it cannot be read."""
        found = self._container(container_name)
        return () if found is None else found.names

    def _container(self, name: str) -> Container | None:
        """Return a container whose names can be read; None for another one, with the reason in `_faults`."""
        if name in self._faults:
            return None
        if name in self._closed:
            self._faults[name] = "was changed after the export"
        elif self.contained and not self._is_within(name):
            self._faults[name] = "leads out of the data set"
        else:
            try:
                found = container(self.root / name)
                _ = found.known
            except InputError as error:
                self._faults[name] = error.reason
            else:
                return found
        return None

    def _is_within(self, name: str) -> bool:
        file = KINDS[Path(name).suffix].file
        return super().inside(f"{name}/{file}" if file else name)

    def _holder(self, name: str) -> Container | None:
        """Return the container that holds a value; None for a file, or a value that is missing."""
        owner = self.container_of(name)
        if not owner or owner == name:
            return None
        found = self._container(owner)
        return found if found is not None and name[len(owner) + 1 :] in found.known else None

    def inside(self, name: str) -> bool:
        """Return whether a name stays below the root; that of a value, if its container does."""
        owner = self.container_of(name)
        return self._is_within(owner) if owner and owner != name else super().inside(name)

    def has(self, name: str) -> bool:
        """Return whether there is a file or value of a name."""
        return self._holder(name) is not None or super().has(name)

    def find(self, name: str) -> str | None:
        """Return the existing spelling of a name. Names in containers must be exact."""
        return name if self.has(name) else None if self.container_of(name) else super().find(name)

    def names(self, under: str = "") -> list[str]:
        """Return all files and values below a folder, as sorted names below the root."""
        found: list[str] = []
        for name in super().names(under):
            owner = self.container_of(name)
            kind = KINDS[Path(owner).suffix] if owner else Container
            inner = name[len(owner) + 1 :]
            if not owner or inner not in (kind.file, *kind.litter):
                found.append(name)
            elif inner == kind.file:
                found += (f"{owner}/{member}" for member in self.members(owner))
        return sorted(found)

    def read(self, name: str) -> bytes:
        """Read a file or value. Raises InputError where it is missing, outside (if contained) or unreadable."""
        holder = self._holder(name)
        return super().read(name) if holder is None else holder.read(name[len(self.container_of(name)) + 1 :])
