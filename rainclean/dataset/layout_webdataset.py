"""Layout "webdataset": ``SPLIT-000000.tar`` with ``KEY.input.png``, ``KEY.target.png``, ``KEY.json`` (webdataset).

Further members are ``KEY.exclude.png`` and ``KEY.confidence.png``. The members of a key follow one another, because the
library reads a stream. KEY is the text before the first dot.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rainclean.dataset.container_base import Packer, row_json
from rainclean.dataset.container_tar import TarPacker, json_name
from rainclean.dataset.containers import PackedFiles
from rainclean.dataset.files import Files
from rainclean.dataset.layout_base import PairKey, PairPaths, StoredPair, Widths
from rainclean.dataset.layout_packed import Member, Packed
from rainclean.dataset.problems import Kind, Problem

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

_ENDINGS = {"rainy": "input.png", "clean": "target.png", "exclude": "exclude.png", "confidence": "confidence.png"}
_ROLES = {ending: role for role, ending in _ENDINGS.items()}


class WebDataset(Packed):
    """Tar files of about 500 MB, each with whole pairs."""

    name = "webdataset"
    label = "WebDataset (tar)"
    description = "Tar files that are read as a stream, for long trainings on many machines."
    pattern = re.compile(r"(?P<split>train|val|test)-\d+\.tar")
    written = re.compile(r"(train|val|test)-\d{6}\.tar")

    def paths(self, key: PairKey, widths: Widths) -> PairPaths:
        """Return the names of a pair: members of the tar file that holds its serial number."""
        shard, stem = f"{key.split}-{key.serial // widths.shard:06}.tar", self.stem(key, widths)
        return PairPaths(*(f"{shard}/{stem}.{ending}" for ending in _ENDINGS.values()))

    def packer(self, root: Path, widths: Widths, pixels: int) -> Packer:
        """Return what writes the tar files."""
        return TarPacker(root)

    def further(self, row: "ManifestRow") -> dict[str, bytes]:
        """Return the JSON member of a pair."""
        return {json_name(row.rainy): row_json(row)}

    def member(self, container: str, name: str) -> Member | None:
        """Return which picture a member of a tar file is."""
        folder, slash, file = name.rpartition("/")
        key, _, ending = file.partition(".")
        role = _ROLES.get(ending.lower())
        return Member(f"{folder}{slash}{key}", role) if role and key else None

    def value(self, container: str, member: Member) -> str:
        """Return the name of a picture below the root."""
        return f"{container}/{member.key}.{_ENDINGS[member.role]}"

    def key_of(self, name: str) -> str:
        """Return the text before the first dot of a member's name."""
        return name.rpartition("/")[2].partition(".")[0]

    def leftovers(self, files: Files, pairs: Sequence[StoredPair], problems: Sequence[Problem]) -> Iterator[Problem]:
        """Yield tar files in which the members of a key do not follow one another."""
        assert isinstance(files, PackedFiles)
        for container in files.containers():
            seen: set[str] = set()
            last = ""
            for name in files.members(container):
                key = name[: len(name) - len(name.rpartition("/")[2].partition(".")[2])]
                if key != last and key in seen:
                    text = f"members of {key!a} do not follow one another, so webdataset makes two samples of them"
                    yield Problem(container, Kind.REPEATED_LINE, f"{text}; export again")
                    break
                seen.add(key)
                last = key


LAYOUT = WebDataset()
