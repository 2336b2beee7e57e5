"""Tar files of pictures, as `webdataset` reads them: members ``KEY.input.png``, ``KEY.target.png``, ``KEY.json``."""

import tarfile
from collections.abc import Mapping
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from rainclean.dataset.container_base import Container, Packer, row_json
from rainclean.errors import InputError

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow


class TarContainer(Container):
    """An uncompressed tar file. Its index is read once, the values one at a time."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all members that are files, in stored order. Raises InputError for a damaged or cut file."""
        return tuple(self._places)

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """Return where each member is: its first byte and its length."""
        places: dict[str, tuple[int, int]] = {}
        size = self.path.stat().st_size
        try:
            with tarfile.open(self.path, "r:") as archive:
                for member in archive:
                    if member.offset_data + member.size > size:
                        raise InputError(self.path, f"ends inside {member.name!a}", "restore it, or export again")
                    if member.isfile():
                        places[member.name] = (member.offset_data, member.size)
        except (tarfile.TarError, OSError, ValueError) as error:
            raise InputError(self.path, f"is no readable tar file ({error})", "restore it, or export again") from error
        return places

    def read(self, name: str) -> bytes:
        """Read a member. Raises InputError where it is missing or cannot be read."""
        place = self._places.get(name)
        if place is None:
            raise self.missing(name)
        try:
            with self.path.open("rb") as file:
                file.seek(place[0])
                return file.read(place[1])
        except OSError as error:
            raise InputError(self.path / name, error.strerror or "cannot be read") from error


class TarPacker(Packer):
    """Writes tar files one after another: no times, no owners, so that the bytes are the same each time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: tuple[str, tarfile.TarFile] | None = None

    def add(self, row: "ManifestRow", values: Mapping[str, bytes]) -> None:
        """Write the members of a pair behind one another. The name of a value says which file it goes into."""
        shard, _, first = row.rainy.partition("/")
        if self._open is None or self._open[0] != shard:
            self.close()
            self._root.mkdir(parents=True, exist_ok=True)
            archive = tarfile.open(self._root / shard, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
            self._open = (shard, archive)
        archive = self._open[1]
        members = {getattr(row, role).partition("/")[2]: data for role, data in values.items()}
        for name, data in {**members, json_name(first): row_json(row)}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, BytesIO(data))

    def close(self) -> dict[str, str]:
        """Finish the file that is open. Members have sums of their own in the manifest."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
        return {}


def json_name(member: str) -> str:
    """Return the name of the JSON member of a pair, from that of one of its pictures."""
    folder, slash, name = member.rpartition("/")
    return f"{folder}{slash}{name.partition('.')[0]}.json"
