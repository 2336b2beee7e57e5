"""Weights and checkpoints: safetensors of ours, checkpoints of the released code, ``last.ckpt`` of a run."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from rainclean.spanet import shipped_weights

from ..engine import Reader


def _saved(content: Any, legacy: bool) -> bytes:
    import torch

    file = BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def _state(net: Any) -> "dict[str, Any]":
    """Small tensors: damage should meet what describes them, not their numbers."""
    return dict(list(net.state_dict().items())[:4])


def checkpoints(_: Path) -> Mapping[str, bytes]:
    from rainclean.spanet.weights import load

    state = _state(load(shipped_weights()))
    return {
        "archive.ckpt": _saved({"net": state, "clock": 5}, legacy=False),
        "legacy.ckpt": _saved(state, legacy=True),
    }


def read_checkpoint(path: Path) -> None:
    from rainclean.spanet.checkpoint import import_checkpoint

    import_checkpoint(path, path.with_name("out.safetensors"))


def weights(_: Path) -> Mapping[str, bytes]:
    return {"weights.safetensors": shipped_weights().read_bytes()}


def read_weights(path: Path) -> None:
    from rainclean.spanet.weights import load

    load(path)


OPCODES = tuple(
    b"\x80\x02 ccollections\nOrderedDict\n R q\x00 ( ) } ] t tQ . \x8a\xff \x96\xff\xff\xff\xff\xff\x00\x00\x00 "
    b"\x8b\xff\xff\xff\x7f X\xff\xff\xff\x7f B\xff\xff\xff\x7f".split(b" ")
)
HEADER = (
    b'"shape":',
    b'"dtype":',
    b'"data_offsets":',
    b"[",
    b"]",
    b"{",
    b"}",
    b"-1",
    b"1e999",
    b"99999999999",
    b'"F64"',
)

READERS = [
    Reader("checkpoint", checkpoints, read_checkpoint, OPCODES, short=150),
    Reader("weights", weights, read_weights, HEADER, short=100),
]
