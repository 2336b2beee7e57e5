"""The files of a data set, by their names relative to its root."""

import os
from functools import lru_cache
from pathlib import Path

from rainclean.errors import InputError
from rainclean.file_names import folded, is_litter, is_passed_over

_NOT_PLAIN = frozenset({"", ".", ".."})

_MOST_NAMES = 200_000
"""Names of listed folders that are kept in memory; a data set of a million pictures goes through folder by folder."""

_MOST_REPEATS = 2000
"""Folders listed again after which all are kept: the pairs are in another order than the folders."""


class Files:
    """Values of a data set as separate files; names are relative POSIX paths.

    contained: never read outside the root, be it by "..", by an absolute name or through a link; use it for names that
    somebody else wrote. Otherwise links are followed: people keep large folders on other disks.

    Attributes:
        seen: Folders that were listed, with their modification times (ns) before; -1 for a missing one.
        contents: Files that were read whole.
    """

    def __init__(self, root: Path | str, *, contained: bool = False) -> None:
        self.root = Path(root)
        self.contained = contained
        self._root = os.fspath(self.root)
        self._resolved = self.root.resolve()
        self._inside: dict[str, bool] = {}
        self.seen: dict[str, int] = {}
        self.contents: set[str] = set()
        self._folders: dict[str, frozenset[str]] = {}
        self._subfolders: dict[str, tuple[str, ...]] = {}
        self._listed = self._repeats = 0
        self._folded: dict[str, dict[str, list[str]]] = {}

    def inside(self, name: str) -> bool:
        """Return whether a name stays below the root, links resolved."""
        if not is_relative(name):
            return False
        folder, _, _ = name.rpartition("/")
        if folder not in self._inside:
            self._inside[folder] = self._is_inside(self.root / folder)
        # A folder is resolved once; a file in it can lead elsewhere only if it is a link itself.
        path = self.root / name
        try:
            return self._inside[folder] and (not path.is_symlink() or self._is_inside(path))
        except OSError:  # a name that is too long for the file system
            return False

    def _is_inside(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self._resolved)
        except (OSError, RuntimeError):  # a circle of links
            return False

    def folder(self, name: str) -> frozenset[str]:
        """Return the names of the files directly in a folder ("" is the root); empty for a missing one."""
        names = self._folders.get(name)
        if names is None:
            self._repeats += name in self._subfolders
            names = self._list(name)
            self._keep(name, names)
        return names

    def _list(self, name: str) -> frozenset[str]:
        """Return the names of the files directly in a folder, and keep those of the folders in it, which are few."""
        self._see(name)
        files, folders, follow = [], [], not self.contained
        try:
            with os.scandir(self._path(name)) as entries:
                for entry in entries:
                    if entry.is_file():
                        files.append(entry.name)
                    elif entry.is_dir(follow_symlinks=follow) and not is_passed_over(entry.name):
                        folders.append(f"{name}/{entry.name}" if name else entry.name)
        except OSError:
            files, folders = [], []
        self._subfolders[name] = tuple(sorted(folders))
        return frozenset(files)

    def _path(self, name: str) -> str:
        """Return the path of a folder; pathlib takes longer than the system does to list one."""
        return f"{self._root}/{name}" if name else self._root

    def _keep(self, name: str, names: frozenset[str]) -> None:
        """Keep the names of a folder, and forget those of folders that were listed long ago."""
        self._folders[name] = names
        self._listed += len(names)
        while self._listed > _MOST_NAMES and len(self._folders) > 2 and self._repeats < _MOST_REPEATS:
            oldest = next(iter(self._folders))
            self._listed -= len(self._folders.pop(oldest))

    def _see(self, folder: str) -> None:
        """Note the modification time of a folder that is about to be listed."""
        if folder not in self.seen:
            try:
                self.seen[folder] = Path(self._path(folder)).stat().st_mtime_ns
            except OSError:
                self.seen[folder] = -1

    def has(self, name: str) -> bool:
        """Return whether a file exists."""
        folder, _, file = name.rpartition("/")
        if not self.contained and file in self._folders.get(folder, ()):
            return True
        if not is_relative(name) or (self.contained and not self.inside(name)):
            return False
        return file in self.folder(folder)

    def find(self, name: str) -> str | None:
        """Return the existing spelling of a name, ignoring case and Unicode form.

        None where there is no such file, or several of which none is spelt exactly like the name.
        """
        top, slash, _ = name.partition("/")
        if slash and not self.has_top(top):
            return None
        if self.has(name):
            return name
        if not is_relative(name):
            return None
        path = ""
        for part in name.split("/"):
            spellings = self._spellings(path).get(folded(part), [])
            if part not in spellings and len(spellings) != 1:
                return None
            spelt = part if part in spellings else spellings[0]
            path = f"{path}/{spelt}" if path else spelt
        return path if self.has(path) else None

    def has_top(self, name: str) -> bool:
        """Return whether the root has a file or folder of this name, in any spelling."""
        return _folded_folder(name) in self._spellings("")

    def _spellings(self, folder: str) -> dict[str, list[str]]:
        """Return the names directly in a folder, grouped by their folded form. Read once."""
        if folder not in self._folded:
            self._see(folder)
            try:
                names = sorted(path.name for path in (self.root / folder).iterdir())
            except OSError:
                names = []
            groups: dict[str, list[str]] = {}
            for each in names:
                groups.setdefault(folded(each), []).append(each)
            self._folded[folder] = groups
        return self._folded[folder]

    def subfolders(self, name: str) -> list[str]:
        """Return the folders directly in a folder, as sorted names below the root, without ignored ones.

        Links are left out where contained.
        """
        if name not in self._subfolders:
            self._keep(name, self._list(name))
        return list(self._subfolders[name])

    def names(self, under: str = "") -> list[str]:
        """Return all files below a folder, as sorted names below the root, without litter of the system.

        Links to folders are listed, not followed.
        """
        found = []
        for folder, folders, files in os.walk(self.root / under):
            place = Path(folder)
            folders[:] = [name for name in folders if not is_litter(name)]
            linked = [name for name in folders if (place / name).is_symlink()]
            each = [name for name in files if not is_litter(name)] + linked
            found += [(place / name).relative_to(self.root).as_posix() for name in each]
        return sorted(found)

    def read(self, name: str) -> bytes:
        """Read a file. Raises InputError where it is missing, outside (if contained) or unreadable."""
        if self.contained and not self.inside(name):
            raise InputError(self.root / name, "leads out of the data set")
        self.contents.add(name)
        try:
            return (self.root / name).read_bytes()
        except OSError as error:
            raise InputError(self.root / name, error.strerror or "cannot be read") from error
        except ValueError as error:
            raise InputError(ascii(name), f"is not a valid file name ({error})") from error

    def write(self, name: str, data: bytes) -> None:
        """Write a file and create its folders. Raises ValueError for a name that leads out, OSError where it fails."""
        if not is_relative(name):
            raise ValueError(f"{name!r} leads out of the data set")
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@lru_cache(maxsize=64)
def _folded_folder(name: str) -> str:
    return folded(name)


def is_relative(name: str) -> bool:
    """Return whether a name is a plain relative POSIX path: no "..", no root, no drive, already normalized."""
    if "\0" in name or "\\" in name or not _NOT_PLAIN.isdisjoint(name.split("/")):
        return False
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # a lone surrogate, which only crafted files have
        return False
    return True
