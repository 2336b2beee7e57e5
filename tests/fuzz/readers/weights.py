"""Weights and checkpoints: safetensors of ours, checkpoints of the released code, ``last.ckpt`` of a run."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from pipeline.training.job import Machine
from pipeline.training.recipe import preset
from pipeline.training.train import begin, resume
from rainclean.errors import RaincleanError
from rainclean.spanet import shipped_weights
from tests.fuzz.engine import Reader
from tests.helpers.training_pairs import write_dataset

MACHINE = Machine(accelerator="cpu", threads=1)


def prepare() -> None:
    """Load Lightning, which takes seconds; not where the tests are collected."""
    import pipeline.training.fit  # noqa: F401


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


def pickles(folder: Path) -> Mapping[str, bytes]:
    """The pickle within the last checkpoint of a run: damage to the archive is found by its check sums."""
    _run(folder)
    with ZipFile(folder / "run" / "last.ckpt") as archive:
        return {"data.pkl": archive.read("archive/data.pkl")}


def read_pickle(path: Path) -> None:
    """Go on with a run whose checkpoint has it, up to the first step; and take it for a checkpoint to import."""
    from rainclean.spanet.checkpoint import import_checkpoint

    run, dataset = _here(path.parent)
    with ZipFile(run / "last.ckpt") as whole, ZipFile(path.with_name("last.ckpt"), "w") as changed:
        for entry in whole.infolist():
            data = path.read_bytes() if entry.filename.endswith("data.pkl") else whole.read(entry)
            changed.writestr(entry.filename, data)
    for name in ("run.json", "last.safetensors", "best.safetensors"):
        shutil.copyfile(run / name, path.with_name(name))
    for name in ("metrics.csv", "curves.png"):
        path.with_name(name).unlink(missing_ok=True)
    with suppress(RaincleanError):
        import_checkpoint(path.with_name("last.ckpt"), path.with_name("out.safetensors"))
    stage = resume(path.parent, MACHINE, dataset)
    try:
        before = None
        for step in stage:
            if before is not None and step.done > before:
                return
            before = step.done
    finally:
        stage.close()


def _run(folder: Path) -> None:
    """A data set and a run of two steps."""
    recipe = preset("quick", steps=60, batch=1, size=16, validate_every=100, checkpoint_every=1, validation_pictures=1)
    stage = begin(write_dataset(folder / "pairs", scenes=2, frames=1, side=24), folder / "run", recipe, MACHINE)
    while next(stage).done < 2:
        pass
    stage.close()


@cache
def _here(folder: Path) -> tuple[Path, Path]:
    import torch

    torch.set_num_threads(1)
    _run(place := folder / "whole")
    return place / "run", place / "pairs"


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
    Reader("checkpoint of a run", pickles, read_pickle, OPCODES, short=12),
    Reader("checkpoint", checkpoints, read_checkpoint, OPCODES, short=80),
    Reader("weights", weights, read_weights, HEADER, short=60),
]
