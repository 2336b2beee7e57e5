"""Convert the checkpoint published with SPANet, and others in its form, to weights files.

It is read without running code from it (`unpickling`), and checked name by name. The released network takes BGR; its
first and last convolution are flipped, so that ours takes RGB.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rainclean.errors import InputError
from rainclean.spanet.unpickling import unpickle
from rainclean.spanet.weights import Origin, check_tensors, file_sha256, write

KNOWN = {
    "3b5d58d0f4569004a0d2dc6f4373463bd60991fc8a04c061361357cf012e5eb0": "SPANet as released with the paper, 2019",
}
"""Names of published files by their check sums."""

_ADVICE = "give a checkpoint that the released SPANet code saved"


def import_checkpoint(checkpoint: Path | str, target: Path | str, *, direction_attention: bool = False) -> Origin:
    """Convert a checkpoint of the released code to a weights file.

    Args:
        checkpoint: file of `torch.save`: a state dict, or one under "net", "state_dict" or "model"; names may begin
            with "module.".
        target: weights file to write.
        direction_attention: only for weights trained with the direction attention applied, which those of the released
            code are not.

    Returns:
        What was recorded of its origin.

    Raises:
        InputError: it is something else, is damaged, or holds values that are not finite.
    """
    path, target = Path(checkpoint), Path(target)
    content = unpickle(path, _ADVICE)
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


def _state_dict(path: Path, content: Any) -> dict[str, Tensor]:
    for key in ("net", "state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise InputError(path, "has no weights by name", _ADVICE)
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
    """Flip the first and the last convolution from BGR to RGB or back."""
    first, last = tensors["conv_in.0.weight"], tensors["conv_out.0.weight"]
    turned = {"conv_in.0.weight": first.flip(1).contiguous(), "conv_out.0.weight": last.flip(0).contiguous()}
    return {**tensors, **turned}


def _steps(content: Any) -> str:
    steps = content.get("clock") if isinstance(content, Mapping) else None
    return str(steps) if isinstance(steps, int) and 0 <= steps < 1 << 53 else ""
