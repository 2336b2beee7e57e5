"""``rainclean weights``: import the released SPANet checkpoint, and describe weights files."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from pipeline.cli.console import print_json, print_table, print_text
from rainclean.errors import RaincleanError


@dataclass(frozen=True, kw_only=True)
class WeightsImport:
    """Convert the checkpoint published with SPANet into a weights file.

    Runs no code from the checkpoint. Converts the weights to a network that takes RGB, and records the origin in the
    file.
    """

    checkpoint: Annotated[Positional[Path], arg(metavar="CHECKPOINT")]
    """The published file (official_latest.pth), or one that the released code saved."""
    output: Annotated[Path, arg(aliases=["-o"], metavar="FILE")]
    """Weights file to write, such as spanet.safetensors."""
    direction_attention: bool = False
    """The checkpoint was trained with the direction attention applied; the released code does not apply it."""
    overwrite: bool = False
    """Replace an existing file."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Read, check, convert and write."""
        from rainclean.spanet import require_torch

        require_torch()
        if os.path.lexists(self.output) and not self.overwrite:
            raise RaincleanError(f"{self.output}: exists already; --overwrite replaces it")
        if self.output.exists() and self.checkpoint.exists() and self.output.samefile(self.checkpoint):
            raise RaincleanError(f"{self.output}: is the input; choose another name with -o")
        from rainclean.spanet import import_checkpoint

        import_checkpoint(self.checkpoint, self.output, direction_attention=self.direction_attention)
        document = _describe(self.output)
        if self.json:
            print_json(document)
        else:
            print_text(f"{self.output}: {document['kind']}, {document['parameters']:,} parameters")


@dataclass(frozen=True)
class WeightsInfo:
    """Check a weights file and describe it."""

    weights: Annotated[Positional[Path], arg(metavar="WEIGHTS")]
    """Weights file, from rainclean weights import or train."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Read the whole file and print its description."""
        from rainclean.spanet import require_torch

        require_torch()
        document = _describe(self.weights)
        if self.json:
            print_json(document)
        else:
            print_table(("", ""), _rows(document), title=str(self.weights))


def _describe(path: Path) -> dict[str, Any]:
    from pipeline.training import network_of, read_network
    from rainclean.spanet import COLOUR_ORDER, file_sha256, read

    record = network_of(path)
    origin, tensors = read(path) if record is None else read_network(path)
    document = {
        "file": str(path),
        "sha256": file_sha256(path),
        "parameters": sum(tensor.numel() for tensor in tensors.values()),
        "colour_order": COLOUR_ORDER,
        **asdict(origin),
    }
    if record is not None:
        del document["direction_attention"]
        document |= {"network": record.factory, "arguments": dict(record.arguments), "sources": dict(record.sources)}
    return document


def _rows(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of a table: a name and its value; a value with entries has a row for each of them."""
    rows: list[tuple[str, str]] = []
    for name, value in document.items():
        head = name.replace("_", " ")
        if isinstance(value, dict):
            texts = [f"{key}: {each}" for key, each in value.items()]
            rows += zip([head, *[""] * len(texts)], texts, strict=False)
        elif value != "":
            rows.append((head, _text(value)))
    return rows


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "applied" if value else "not applied (as released)"
    return f"{value:,}" if isinstance(value, int) else str(value)
