"""What layouts with containers have in common: names of pairs as in "paired", pairs by key, values behind one store."""

import re
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rainclean.dataset.container_base import ROLES
from rainclean.dataset.containers import PackedFiles
from rainclean.dataset.files import Files
from rainclean.dataset.layout_base import Layout, PairKey, Report, StoredPair, Widths
from rainclean.dataset.layout_paired import STEM
from rainclean.dataset.problems import Kind, Problem
from rainclean.errors import printable

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow


class Member(NamedTuple):
    """A picture in a container: of which pair, and which of `ROLES` it has there."""

    key: str
    role: str


class Packed(Layout):
    """Pictures in containers. A subclass gives names to values and says what a name means."""

    splits = ("train", "val", "test")
    pattern: re.Pattern[str]
    """Matches the names of containers below the root; the group ``split`` is the split."""

    folders: tuple[str, ...] = ("",)
    """Folders that the containers are in, "" for the root."""

    @abstractmethod
    def member(self, container: str, name: str) -> Member | None:
        """Return what a name in a container means; None for a value that is no picture of a pair."""

    @abstractmethod
    def value(self, container: str, member: Member) -> str:
        """Return the name below the root that a picture has; the inverse of `member`."""

    def sibling(self, container: str, role: str) -> str:
        """Return the container that holds the picture of another role, where a container holds one of a pair."""
        return container

    def store(self, root: Path | str, *, contained: bool = False, closed: Collection[str] = ()) -> PackedFiles:
        """Return the store of the values below a root: it looks into the containers."""
        return PackedFiles(
            root, contained=contained, pattern=self.pattern, folders=self.folders, closed=frozenset(closed)
        )

    def stem(self, key: PairKey, widths: Widths) -> str:
        """Return the key of a pair in its containers. Raises UsageError for a split that the layout does not have."""
        self.check_splits([key.split])
        return f"{key.scene:0{max(3, widths.scene)}}-{key.frame:0{max(4, widths.frame)}}_{key.x}_{key.y}"

    def is_here(self, files: Files) -> bool:
        """Return whether there is a container of this layout."""
        return bool(self.store(files.root, contained=files.contained).containers())

    def scene_of(self, pair: StoredPair) -> str:
        """Return the part before the first "-" of names that rainclean wrote."""
        match = STEM.fullmatch(pair.stem)
        return match[1] if match else ""

    def lists(self, rows: Iterable["ManifestRow"]) -> dict[str, bytes]:
        """Return no lists: the keys in the containers define the pairs."""
        return {}

    def scan(self, files: Files, report: Report) -> Iterator[StoredPair]:
        """Yield pairs in the order of their keys, split by split."""
        assert isinstance(files, PackedFiles)
        found = False
        for split in self.splits:
            for pair in self._pairs(files, split, report):
                found = True
                yield pair
        if not found:
            text = f"its containers hold no pairs with the names of layout {self.name}; see docs/formats.md"
            report(Problem("", Kind.MISSING_LIST, text))

    def _pairs(self, files: PackedFiles, split: str, report: Report) -> Iterator[StoredPair]:
        names: dict[str, dict[str, str]] = {role: {} for role in ROLES}
        for container in self._containers(files, split):
            members = files.members(container)
            if fault := files.fault(container):
                text = f"cannot be read ({fault}); restore it, or export again"
                report(Problem(container, Kind.MISSING_FILE, text, (container,)))
            for member in (self.member(container, name) for name in members):
                if member is None:
                    continue
                name = self.value(container, member)
                twin = names[member.role].setdefault(member.key, name)
                if twin != name:
                    text = f"has the same key as {printable(twin)}; keep one of them"
                    report(Problem(name, Kind.UNPAIRED, text, (name,)))
        for key in sorted(names["rainy"].keys() | names["clean"].keys()):
            rainy, clean = names["rainy"].get(key), names["clean"].get(key)
            if rainy is None or clean is None:
                name, lacking = rainy or clean or "", "clean" if rainy else "rainy"
                other = self.value(self.sibling(files.container_of(name), lacking), Member(key, lacking))
                text = f"has no partner {printable(other)}; add it, or remove this one"
                report(Problem(name, Kind.UNPAIRED, text, (name, other)))
                continue
            exclude, confidence = names["exclude"].get(key), names["confidence"].get(key)
            yield StoredPair(
                split=split,
                rainy=rainy,
                clean=clean,
                exclude=exclude,
                confidence=confidence,
                stem=key.rpartition("/")[2],
            )

    def _containers(self, files: PackedFiles, split: str) -> list[str]:
        matches = ((name, self.pattern.fullmatch(name)) for name in files.containers())
        return [name for name, match in matches if match is not None and match["split"] == split]

    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield no problems: what is in a container and belongs to no pair was reported or is read by nobody."""
        return iter(())
