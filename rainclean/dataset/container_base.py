"""The interface of a container: one file, or one folder of a database, that holds many values of a data set.

A value has a name below its container, like a file in a folder: ``train-000000.tar/000-0012_0_0.input.png``.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from rainclean.errors import InputError

if TYPE_CHECKING:
    from rainclean.dataset.manifest import ManifestRow

ROLES = ("rainy", "clean", "exclude", "confidence")
"""Pictures of a pair; columns of the manifest with these names hold the names of their values."""


class Container(ABC):
    """The values in a container, read one at a time. Safe in several threads, and after a fork."""

    file: ClassVar[str] = ""
    """Name of the file that holds the values, below the container; "" where the container is a file itself."""

    litter: ClassVar[frozenset[str]] = frozenset()
    """Names of files below the container that a library leaves there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of all values, in stored order. Raises InputError for a damaged container."""

    @cached_property
    def known(self) -> frozenset[str]:
        """The same names as a set."""
        return frozenset(self.names)

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Read a value. Raises InputError where it is missing or cannot be read."""

    def missing(self, name: str) -> InputError:
        """Return the error for a value that is not here."""
        return InputError(self.path / name, "is missing in its container")


class Packer(ABC):
    """Writes the pairs of a data set into containers, in the order of the manifest; a context manager."""

    @abstractmethod
    def add(self, row: "ManifestRow", values: Mapping[str, bytes]) -> None:
        """Write a pair.

        Args:
            row: Its names and what the manifest says of it.
            values: Bytes of its pictures by role, of `ROLES`.

        Raises:
            OSError: The disk is full or fails.
        """

    @abstractmethod
    def close(self) -> dict[str, str]:
        """Finish all containers.

        Returns:
            SHA-256 of files that must be unchanged before anything in them can be read, by name below the root.

        Raises:
            OSError: The disk is full or fails.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def row_values(row: "ManifestRow") -> dict[str, object]:
    """Return the values of a manifest row that go into a container beside the pictures: all but their names."""
    return {column: value for column, value in asdict(row).items() if column not in ROLES}


def row_json(row: "ManifestRow") -> bytes:
    """Return the same values as JSON, the same bytes each time."""
    return (json.dumps(row_values(row), ensure_ascii=False) + "\n").encode()
