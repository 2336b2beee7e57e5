"""Read and write weights of SPANet: safetensors, with metadata that says what they are.

A file holds the 79 tensors of a `SPANet` in float32, RGB, and as metadata the fields of `Origin`. Reading runs no
code from the file, and a file that is not exactly this is refused with one line.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from rainclean.errors import InputError
from rainclean.spanet.network import SPANet

FORMAT = "rainclean-spanet"
FORMAT_VERSION = "1"
COLOUR_ORDER = "RGB"

LARGEST_FILE = 16 << 20
"""Bytes of a file at most; the weights need 1.2 million, the rest is room for metadata."""

LONGEST_VALUE = 4096
"""Characters of one value of the metadata."""


@dataclass(frozen=True)
class Origin:
    """Kind and origin of weights; strings as in the metadata of the file.

    Attributes:
        direction_attention: whether the directions of the IRNNs are multiplied by predicted weights (paper) or not (as
            released).
        kind: how the weights were made, in words.
        source: the file that they were made from.
        source_sha256: its check sum.
        steps: training steps, where known.
    """

    direction_attention: bool
    kind: str
    _: KW_ONLY
    source: str = ""
    source_sha256: str = ""
    steps: str = ""


def load(path: Path | str) -> SPANet:
    """Load a network with the weights of a file, in eval mode, on the CPU, without gradients.

    ``net(rgb)`` takes float32 (B, 3, H, W) RGB in [0, 1] and returns attention (B, 1, H, W) and the clean picture
    (B, 3, H, W), unclipped. To train it: ``net.train().requires_grad_()``.

    Args:
        path: of the file.

    Raises:
        InputError: the file is no weights file of rainclean, damaged or whole but wrong.
    """
    origin, tensors = read(path)
    with torch.device("meta"):
        net = SPANet(direction_attention=origin.direction_attention)
    net.load_state_dict(tensors, assign=True)
    return net.eval().requires_grad_(False)


def read(path: Path | str) -> tuple[Origin, dict[str, Tensor]]:
    """Read a weights file: where the weights come from, and the tensors by name, checked.

    Args:
        path: of the file.

    Raises:
        InputError: as `load`.
    """
    path = Path(path)
    check_size(path, LARGEST_FILE, _ADVICE)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            origin = _origin(path, metadata)
            if sorted(file.keys()) != sorted(_shapes()):
                raise InputError(path, "its tensors are not those of SPANet", _ADVICE)
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except InputError:
        raise
    except (SafetensorError, OSError, ValueError, MemoryError, RuntimeError) as error:
        raise InputError(path, f"not a whole safetensors file ({one_line(error)})", _ADVICE) from error
    check_tensors(path, tensors, exact=True, advice=_ADVICE)
    return origin, tensors


def save(net: SPANet, path: Path | str, origin: Origin) -> None:
    """Write the weights of a network, whole or not at all: to a temporary file first, which is then renamed.

    Args:
        net: the network.
        path: of the file.
        origin: what the weights are.

    Raises:
        ValueError: ``origin`` and the network differ in direction_attention.
        InputError: the file cannot be written, or a weight is not finite.
    """
    if origin.direction_attention != net.direction_attention:
        raise ValueError("origin and network differ in direction_attention")
    tensors = {name: t.detach().to("cpu", torch.float32).contiguous() for name, t in net.state_dict().items()}
    write(tensors, Path(path), origin)


def write(tensors: Mapping[str, Tensor], path: Path, origin: Origin) -> None:
    """Write a weights file from tensors by name, as `save` does.

    Args:
        tensors: float32, by name.
        path: of the file.
        origin: what the weights are.

    Raises:
        InputError: the file cannot be written, or a tensor is not SPANet's.
    """
    check_tensors(path, tensors, exact=True)
    write_tensors(tensors, path, _metadata(origin))


def write_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, whole or not at all; the same values give the same bytes.

    Args:
        tensors: on the CPU, by name; they share no memory.
        path: of the file.
        metadata: texts by name.

    Raises:
        InputError: the file cannot be written.
    """
    content = _in_order(to_bytes(dict(tensors), metadata=dict(metadata)))
    partial = path.with_name(f".rainclean-{secrets.token_hex(8)}.partial")
    try:
        with partial.open("xb") as file:  # never through a link that lies there
            file.write(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(path, error.strerror or str(error), "choose another place") from error


def _in_order(content: bytes) -> bytes:
    """Sort the header of a safetensors file: the library writes metadata in another order each time.

    The same weights should be the same file.
    """
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__")
    ordered = {"__metadata__": dict(sorted(metadata.items())), **header}
    text = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def check_size(path: Path, largest: int, advice: str = "") -> None:
    """Raise InputError where a file is missing, is none, is empty, or larger than ``largest`` bytes."""
    try:
        if not path.is_file():
            raise InputError(path, "is a folder" if path.is_dir() else "no such file")
        size = path.stat().st_size
    except OSError as error:
        raise InputError(path, error.strerror or str(error)) from error
    if size == 0:
        raise InputError(path, "empty file", advice)
    if size > largest:
        raise InputError(path, f"{size:,} bytes, more than weights of SPANet can have ({largest:,})", advice)


def check_tensors(path: Path, tensors: Mapping[str, Tensor], *, exact: bool, advice: str = "") -> None:
    """Raise InputError unless names and shapes are SPANet's and all values finite floats (exact: float32)."""
    shapes = _shapes()
    for name in sorted(tensors.keys() | shapes.keys()):
        problem = _problem(tensors.get(name), shapes.get(name), exact=exact)
        if problem:
            raise InputError(path, f"{one_line(name)} {problem}", advice)


def _problem(tensor: Tensor | None, shape: tuple[int, ...] | None, *, exact: bool) -> str:
    if tensor is None:
        return "is missing"
    if shape is None:
        return "is not a weight of SPANet"
    if tuple(tensor.shape) != shape:
        return f"is {_by(tensor.shape)}, not {_by(shape)}"
    if tensor.layout is not torch.strided or tensor.device.type != "cpu":
        return "is not a plain tensor"
    if not tensor.is_floating_point() or (exact and tensor.dtype != torch.float32):
        return f"is {tensor.dtype}, not float32".replace("torch.", "")
    return "" if bool(tensor.isfinite().all()) else "holds NaN or infinity"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


_ADVICE = "rainclean weights import makes weights from the released checkpoint"


def _shapes() -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in SPANet().state_dict().items()}


def _metadata(origin: Origin) -> dict[str, str]:
    values = {name: str(value).lower() if isinstance(value, bool) else value for name, value in asdict(origin).items()}
    return {"format": FORMAT, "format_version": FORMAT_VERSION, "colour_order": COLOUR_ORDER, **values}


def _origin(path: Path, metadata: Mapping[str, str]) -> Origin:
    if metadata.get("format") != FORMAT:
        raise InputError(path, "safetensors, but not weights written by rainclean", _ADVICE)
    version = metadata.get("format_version", "")
    if version != FORMAT_VERSION:
        advice = "a newer rainclean wrote it: update" if version.isdecimal() else _ADVICE
        raise InputError(path, f"format version {one_line(version)!r}, not {FORMAT_VERSION}", advice)
    if metadata.get("colour_order") != COLOUR_ORDER:
        raise InputError(path, f"colour order {one_line(metadata.get('colour_order', ''))!r}, not {COLOUR_ORDER}")
    applied = metadata.get("direction_attention")
    if applied not in ("true", "false"):
        raise InputError(path, "does not say whether the direction attention is applied", _ADVICE)
    texts = {field.name: metadata.get(field.name, "")[:LONGEST_VALUE] for field in fields(Origin)}
    del texts["direction_attention"]
    return Origin(direction_attention=applied == "true", **texts)


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape[:6])) or "a single value"


def one_line(what: object) -> str:
    """Shorten foreign text for an error message to one line, not too long."""
    text = " ".join(str(what).split()) or type(what).__name__
    return text if len(text) <= 120 else text[:117] + "..."
