"""What a run and its weights say about a network that is not SPANet. Reading this runs no code and needs no torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from rainclean.errors import InputError, UsageError
from rainclean.json_text import parse_json

FORMAT = "rainclean-network"
FORMAT_VERSION = "1"

_LARGEST_HEADER = 16 << 20
"""Bytes of the header of a safetensors file at most."""


@dataclass(frozen=True)
class NetworkRecord:
    """How a network was made.

    factory: ``module:factory`` or ``file.py:factory``, as it was typed. arguments: it was called with. sources: SHA-256
    of the files that define it, by their names.
    """

    factory: str
    arguments: Mapping[str, Any]
    sources: Mapping[str, str]

    @property
    def name(self) -> str:
        """Return file and factory without folders, to recognize it by."""
        module, _, factory = self.factory.rpartition(":")
        return f"{Path(module).name}:{factory}"

    def to_json(self) -> dict[str, Any]:
        """Return all values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Return the record that `to_json` gave. Raises KeyError or TypeError for anything else."""
        factory, arguments, sources = document["factory"], document["arguments"], document["sources"]
        texts = isinstance(factory, str) and isinstance(sources, dict) and all(map(_is_text, sources.items()))
        if not texts or not isinstance(arguments, dict):
            raise TypeError("network is not what it should be")
        return cls(factory, arguments, sources)


def absolute_factory(factory: str) -> str:
    """Return a factory with the whole path of its file; that of a module as it is."""
    module, _, function = factory.rpartition(":")
    return f"{Path(module).absolute()}:{function}" if module.endswith(".py") else factory


def parse_arguments(texts: Sequence[str]) -> dict[str, Any]:
    """Return arguments of a factory from ``NAME=VALUE``; a value is JSON, or else a text.

    Raises:
        UsageError: A name is missing, no identifier, or given twice.
    """
    arguments: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--network-arguments {text}: give NAME=VALUE")
        if name in arguments:
            raise UsageError(f"--network-arguments {text}: {name} is given twice")
        try:
            arguments[name] = parse_json(value)
        except ValueError:
            arguments[name] = value
    return arguments


def network_of(path: Path) -> NetworkRecord | None:
    """Return what a weights file says of its network; None for SPANet, and for files that are no such weights."""
    metadata = weights_metadata(path)
    if metadata.get("format") != FORMAT:
        return None
    if metadata.get("format_version") != FORMAT_VERSION:
        version = metadata.get("format_version", "")[:20]
        raise InputError(path, f"format version {version!r}, not {FORMAT_VERSION}", "update rainclean")
    try:
        return NetworkRecord.from_json(parse_json(metadata["network"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(path, "is damaged: it does not say what network its weights are of") from error


def weights_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file; empty for any other file."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= _LARGEST_HEADER else {}
        found = header.get("__metadata__", {})
        return {str(name): str(value) for name, value in found.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def _is_text(pair: tuple[object, object]) -> bool:
    return all(isinstance(each, str) for each in pair)
