"""Layout "basicsr-lmdb": ``SPLIT/lq.lmdb`` and ``SPLIT/gt.lmdb`` with equal keys (BasicSR with `io_backend: lmdb`).

Each database has ``meta_info.txt`` with a line ``KEY.png (h,w,c) 1`` for each value; values are PNG files. Masks are in
``SPLIT/exclude.lmdb`` and ``SPLIT/confidence.lmdb``, under the keys of those pairs that have one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rainclean.dataset.container_base import ROLES, Packer
from rainclean.dataset.container_lmdb import SUFFIX, LmdbPacker
from rainclean.dataset.containers import PackedFiles
from rainclean.dataset.files import Files
from rainclean.dataset.layout_base import PairKey, PairPaths, StoredPair, Widths
from rainclean.dataset.layout_basicsr import LIST, listed_names, meta_info
from rainclean.dataset.layout_packed import Member, Packed
from rainclean.dataset.problems import Kind, Problem
from rainclean.errors import printable

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

_DATABASES = {"rainy": "lq", "clean": "gt", "exclude": "exclude", "confidence": "confidence"}
_ROLES = {database: role for role, database in _DATABASES.items()}


class BasicSrLmdb(Packed):
    """One database for each side of each split."""

    name = "basicsr-lmdb"
    label = "BasicSR with LMDB"
    description = "Two LMDB databases for each split: a few large files, for disks that are slow with many."
    pattern = re.compile(rf"(?P<split>train|val|test)/(?P<database>{'|'.join(_ROLES)})\.lmdb")
    folders = Packed.splits
    written = re.compile(rf"(train|val|test)/({'|'.join(_ROLES)})\.lmdb/(data\.mdb|lock\.mdb|{re.escape(LIST)})")

    def paths(self, key: PairKey, widths: Widths) -> PairPaths:
        """Return the names of a pair: the same key in each database."""
        stem = self.stem(key, widths)
        return PairPaths(*(f"{key.split}/{database}.lmdb/{stem}{SUFFIX}" for database in _DATABASES.values()))

    def packer(self, root: Path, widths: Widths, pixels: int) -> Packer:
        """Return what writes the databases."""
        return LmdbPacker(root)

    def lists(self, rows: Iterable["ManifestRow"]) -> dict[str, bytes]:
        """Return the list of each database, one line for each value in the order of the manifest."""
        lines: dict[str, list[str]] = {}
        for row in rows:
            for role in ROLES:
                if name := getattr(row, role):
                    folder, _, file = name.rpartition("/")
                    channels = 3 if role in ("rainy", "clean") else 1
                    lines.setdefault(f"{folder}/{LIST}", []).append(meta_info(file, row, channels, " 1"))
        return {name: "".join(each).encode() for name, each in lines.items()}

    def member(self, container: str, name: str) -> Member | None:
        """Return which picture a value is."""
        match = self.pattern.fullmatch(container)
        return None if match is None else Member(name.removesuffix(SUFFIX), _ROLES[match["database"]])

    def sibling(self, container: str, role: str) -> str:
        """Return the database of another role in the same split."""
        return f"{container.partition('/')[0]}/{_DATABASES[role]}.lmdb"

    def value(self, container: str, member: Member) -> str:
        """Return the name of a picture below the root."""
        return f"{container}/{member.key}{SUFFIX}"

    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield differences between the databases and their lists: BasicSR reads what is listed."""
        assert isinstance(files, PackedFiles)
        for container in files.containers():
            if files.fault(container):
                continue
            name, keys = f"{container}/{LIST}", set(files.members(container))
            if not files.has(name):
                yield Problem(name, Kind.NOT_LISTED, "is missing; restore it or export again", (name,))
                continue
            listed: set[str] = set()
            for each in listed_names(name, files.read(name)):
                if isinstance(each, Problem):
                    yield each
                else:
                    listed.add(each)
            for each in sorted(listed ^ keys)[:1]:
                missing = f"names {printable(each)}, which the database does not have"
                text = missing if each in listed else f"does not name {printable(each)}"
                yield Problem(name, Kind.NOT_LISTED, f"{text}; export again", (f"{container}/{each}",))


LAYOUT = BasicSrLmdb()
