"""The checkpoint published with SPANet, and others in its form, as weights of ours.

Read without running code from it: torch's restricted unpickler knows tensors and plain containers only, and what it
gives is checked name by name. Pictures go into the released network as BGR; its first and last convolution are
turned, so that ours takes RGB.
"""

import io
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from rainclean.errors import InputError
from rainclean.spanet.weights import Origin, check_size, check_tensors, file_sha256, write

LARGEST_FILE = 16 << 20
"""Bytes. The released file has 3.4 million: weights and twice as much of its optimizer."""

KNOWN = {
    "3b5d58d0f4569004a0d2dc6f4373463bd60991fc8a04c061361357cf012e5eb0": "SPANet as released with the paper, 2019",
}
"""Check sums of published files, and what they are called."""

NAMES = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_(tensor_v2|parameter)"
    r"|torch (Float|Double|Half|BFloat16|Long|Int|Byte|Bool)Storage"
)
"""What a pickle of weights and of the state of their optimizer names."""

LEGACY_PICKLES = 5
"""Before torch 1.6 a checkpoint was this many pickles, one after the other, and then the numbers."""

_ADVICE = "a checkpoint of the released SPANet code is needed"


def import_checkpoint(checkpoint: Path | str, target: Path | str, direction_attention: bool = False) -> Origin:
    """Turn a checkpoint of the released code into a weights file; returns what was recorded of it.

    checkpoint: file of `torch.save`: a state dict, or one under "net", "state_dict" or "model"; names may begin with
    "module.". direction_attention: only for weights trained with the direction attention applied, which those of the
    released code are not.

    Raises InputError where it is something else, is damaged, or holds values that are not finite.
    """
    path, target = Path(checkpoint), Path(target)
    content = _unpickle(path)
    tensors = _rgb(_float32(path, _state_dict(path, content)))
    digest = file_sha256(path)
    origin = Origin(
        direction_attention=direction_attention,
        kind=KNOWN.get(digest, "checkpoint of the released code, BGR turned to RGB"),
        source=path.name,
        source_sha256=digest,
        steps=_steps(content),
    )
    write(tensors, target, origin)
    return origin


def _unpickle(path: Path) -> Any:
    check_size(path, LARGEST_FILE, _ADVICE)
    try:
        _look_before_unpickling(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch thinks of the file is said below
            return torch.load(path, map_location="cpu", weights_only=True)
    except InputError:
        raise
    # The unpickler raises whatever the bytes lead it to; none of it is worth more than one line here.
    except Exception as error:
        raise InputError(path, *_refusal(error)) from error


def _look_before_unpickling(path: Path) -> None:
    """Raise where unpickling would need anything but tensors and dictionaries.

    Even the restricted unpickler makes a bytearray of any length that a file of 100 bytes asks for.
    """
    with path.open("rb") as file:
        start = file.read(9)
    if start[:4] == b"PK\x03\x04":  # what torch goes by
        _check_archive(path)
        return
    # torch.load reads safetensors as well, but ours are RGB already, and of others nobody knows.
    if start[8:] == b"{":
        raise InputError(path, "is a safetensors file, not a checkpoint", "rainclean weights info says what it is")
    with path.open("rb") as file:
        for _ in range(LEGACY_PICKLES):
            _check_globals(file)


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_FILE:
            raise InputError(path, f"unpacks to {unpacked:,} bytes, more than a checkpoint of SPANet can have")
        for entry in archive.infolist():
            if entry.filename.endswith("data.pkl"):
                _check_globals(io.BytesIO(archive.read(entry)))


def _check_globals(file: IO[bytes]) -> None:
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name in ("GLOBAL", "STACK_GLOBAL", "INST") and not NAMES.fullmatch(str(argument)):
            raise pickle.UnpicklingError("more than weights")


def _refusal(error: Exception) -> tuple[str, str]:
    if isinstance(error, pickle.UnpicklingError):
        return "not a checkpoint, or one that holds more than weights; nothing in it was run", _ADVICE
    return f"not a whole checkpoint ({type(error).__name__})", "download it again"


def _state_dict(path: Path, content: Any) -> dict[str, Tensor]:
    for key in ("net", "state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise InputError(path, "no weights by name in it", _ADVICE)
    for name, value in content.items():
        if not isinstance(value, Tensor):
            raise InputError(path, f"{name[:80]!r} is not a tensor", _ADVICE)
    return {name.removeprefix("module."): value for name, value in content.items()}


def _float32(path: Path, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    check_tensors(path, tensors, exact=False, advice=_ADVICE)
    tensors = {name: tensor.detach().to(torch.float32).contiguous().clone() for name, tensor in tensors.items()}
    check_tensors(path, tensors, exact=True, advice=_ADVICE)  # a float64 may be beyond float32
    return tensors


def _rgb(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """BGR to RGB or back: what comes from the picture and what goes into one."""
    first, last = tensors["conv_in.0.weight"], tensors["conv_out.0.weight"]
    turned = {"conv_in.0.weight": first.flip(1).contiguous(), "conv_out.0.weight": last.flip(0).contiguous()}
    return {**tensors, **turned}


def _steps(content: Any) -> str:
    steps = content.get("clock") if isinstance(content, Mapping) else None
    return str(steps) if isinstance(steps, int) and 0 <= steps < 1 << 53 else ""
