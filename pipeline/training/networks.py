"""Networks of the user: made by a factory that they name, whose code runs here only then."""

import hashlib
import importlib
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from pipeline.padding import multiple_of, padded, planes_of
from pipeline.training.network_record import (
    FORMAT,
    FORMAT_VERSION,
    NetworkRecord,
    absolute_factory,
    network_of,
    weights_metadata,
)
from rainclean.errors import InputError, RaincleanError, UsageError, printable
from rainclean.spanet import COLOUR_ORDER, Origin, write_tensors

F32 = NDArray[np.float32]

_LIBRARIES = ("torch", "lightning", "lightning_fabric", "pytorch_lightning")
"""Packages whose classes are not part of a network's source; run.json states their versions."""

_FORM = "give MODULE:FACTORY or FILE.py:FACTORY"


class Made(NamedTuple):
    """A network and how it was made."""

    net: nn.Module
    record: NetworkRecord

    def derain(self, rgb: NDArray[np.uint8] | NDArray[np.uint16] | F32) -> F32:
        """Return a picture without rain; the network is in eval mode.

        Args:
            rgb: (H, W, 3) uint8, uint16, or float32 in 0…1, of any size.

        Returns:
            (H, W, 3) float32 of about 0…1, unclipped.
        """
        return infer(self.net, planes_of(rgb))


def make_network(factory: str, arguments: Mapping[str, Any], seed: int) -> Made:
    """Run a factory that a person has named.

    Args:
        factory: ``module:factory``, of an installed module or one in the working folder, or ``file.py:factory``.
        arguments: to call it with, by name.
        seed: of torch's random numbers while it runs; they are put back afterwards.

    Returns:
        A network that maps (B, 3, H, W) to (B, 3, H, W), not yet tried.

    Raises:
        UsageError: The name has another form.
        RaincleanError: It cannot be imported, fails, or returns something else.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        with _reported(factory, "cannot be imported"):
            module = _imported(factory)
            make = getattr(module, factory.rpartition(":")[2], None)
        if not callable(make):
            raise RaincleanError(f"--network {factory}: {module.__file__} has no such function")
        with _reported(factory, "fails"), _importable(_folder(factory)):
            net = make(**arguments)
    if not isinstance(net, nn.Module):
        raise RaincleanError(f"--network {factory}: returns {type(net).__name__}, not a torch.nn.Module")
    return Made(net, NetworkRecord(absolute_factory(factory), dict(arguments), _sources(module, net)))


def check_network(factory: str, net: nn.Module, side: int) -> None:
    """Try a network on a picture of zeros, (1, 3, side, side). Raises RaincleanError where it returns anything else."""
    multiple = size_multiple(net)
    if side % multiple:
        raise UsageError(f"--size {side}: --network {factory} needs a multiple of {multiple}")
    if not any(weight.requires_grad for weight in net.parameters()):
        raise RaincleanError(f"--network {factory}: has no weights to train")
    state = net.training
    with (
        _reported(factory, f"fails for an input of (1, 3, {side}, {side})"),
        torch.random.fork_rng(devices=()),
        torch.no_grad(),
    ):
        output = net.eval()(torch.zeros(1, 3, side, side))
    net.train(state)
    found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if found != (1, 3, side, side):
        raise RaincleanError(f"--network {factory}: returns {found} for an input of {(1, 3, side, side)}")


def size_multiple(net: nn.Module) -> int:
    """Return the number that sides of its pictures must be multiples of: its attribute ``size_multiple``, or 1."""
    multiple = getattr(net, "size_multiple", 1)
    if not isinstance(multiple, int) or multiple < 1:
        raise RaincleanError(f"size_multiple {multiple!r} of {type(net).__name__}: a whole number from 1 is needed")
    return multiple


def infer(net: nn.Module, planes: F32) -> F32:
    """Run a network on a picture of any size.

    Args:
        net: in eval mode.
        planes: (1, 3, H, W) float32 RGB in 0…1.

    Returns:
        (H, W, 3) float32, unclipped.
    """
    first = next(net.parameters())
    height, width = planes.shape[2:]
    multiple = size_multiple(net)
    given = padded(planes, multiple_of(height, multiple), multiple_of(width, multiple))
    with torch.inference_mode():
        output = net(torch.from_numpy(given).to(first.device, first.dtype))
    return np.ascontiguousarray(output[0, :, :height, :width].permute(1, 2, 0).float().cpu().numpy())


def write_network(tensors: Mapping[str, Tensor], path: Path, record: NetworkRecord, origin: Origin) -> None:
    """Write the weights of a network, whole or not at all. Raises InputError where one is not finite."""
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    for name, tensor in copies.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise InputError(path, f"{name} holds NaN or infinity")
    texts = {name: value for name, value in asdict(origin).items() if name != "direction_attention"}
    network = json.dumps(record.to_json(), sort_keys=True, ensure_ascii=False)
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "colour_order": COLOUR_ORDER, "network": network}
    write_tensors(copies, path, head | texts)


def read_network(path: Path) -> tuple[Origin, dict[str, Tensor]]:
    """Read where the weights of a network come from, and its tensors by name. Raises InputError."""
    metadata = weights_metadata(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, MemoryError, RuntimeError) as error:
        reason = f"not a whole safetensors file ({printable(' '.join(str(error).split()))[:120]})"
        raise InputError(path, reason, "give weights of rainclean train") from error
    texts = {field.name: metadata.get(field.name, "") for field in fields(Origin)}
    del texts["direction_attention"]
    return Origin(direction_attention=False, **texts), tensors


def load_network(path: Path, networks: Sequence[str], *, accept_changed: bool = False, device: str = "cpu") -> Made:
    """Load weights of a network that is not SPANet, into what its factory makes.

    Args:
        path: Weights file of `rainclean train --network`.
        networks: Factories that a person allows to run; the one of the weights' name is used.
        accept_changed: Use it even if its source has changed since the training.
        device: "cpu" or "cuda".

    Returns:
        The network, in eval mode, without gradients.

    Raises:
        RaincleanError: The factory is not among those, cannot be imported, has changed, or makes another network.
    """
    record = network_of(path)
    if record is None:
        raise InputError(path, "holds no weights of a network of yours", "give weights of rainclean train --network")
    allowed = [each for each in networks if NetworkRecord(each, {}, {}).name == record.name]
    if not allowed:
        what = f"are weights of {record.factory}, whose code runs here only if you name it"
        raise RaincleanError(printable(f"{path}: {what}; if you trust it: --network {record.factory}"))
    made = make_network(allowed[0], record.arguments, seed=0)
    check_sources(path, record, made.record, accept_changed=accept_changed)
    _, tensors = read_network(path)
    load_tensors(made.net, tensors, path)
    return Made(made.net.eval().requires_grad_(False).to(device), made.record)


def load_tensors(net: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put weights into a network. Raises InputError where they are of another one."""
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]] or [str(error)]
        raise InputError(path, f"does not fit the network: {printable(lines[0])[:160]}") from error


def check_sources(path: Path, known: NetworkRecord, now: NetworkRecord, *, accept_changed: bool) -> None:
    """Raise InputError where the source of a network differs from that of its training, unless that is accepted."""
    if accept_changed or known.sources == now.sources:
        return
    changed = sorted({*known.sources, *now.sources} - {n for n, s in known.sources.items() if now.sources.get(n) == s})
    reason = f"the source of its network has changed since the training ({', '.join(changed[:3])})"
    raise InputError(path, reason, "put the earlier source back, or use --accept-changed-network")


def _folder(factory: str) -> Path:
    """Return the folder that modules are imported from beside the installed ones."""
    module = factory.rpartition(":")[0]
    return Path(module).resolve().parent if module.endswith(".py") else Path.cwd()


def _imported(factory: str) -> ModuleType:
    name, _, function = factory.rpartition(":")
    if not name or not function.isidentifier():
        raise UsageError(f"--network {factory}: {_FORM}")
    with _importable(_folder(factory)):
        if not name.endswith(".py"):
            return importlib.import_module(name)
        path = Path(name).resolve()
        if not path.is_file():
            raise RaincleanError(f"--network {factory}: no such file")
        # A name of its own, so that a file called like a library does not take its place.
        own = f"_rainclean_network_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
        spec = importlib.util.spec_from_file_location(own, path)
        assert spec is not None and spec.loader is not None
        module = sys.modules[own] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let modules of a folder be imported, as ``python`` does beside a script."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


@contextmanager
def _reported(factory: str, what: str) -> Iterator[None]:
    """Report whatever the code of a person raises in one line."""
    try:
        yield
    except RaincleanError:
        raise
    except Exception as error:
        text = printable(" ".join(f"{type(error).__name__}: {error}".split()))[:240]
        raise RaincleanError(f"--network {factory}: {what} ({text})") from error


def _sources(module: ModuleType, net: nn.Module) -> dict[str, str]:
    """Return the check sums of the files that define a network: of its factory, and of the classes of its parts."""
    found: dict[str, Path] = {}
    things: list[Callable[..., Any] | ModuleType] = [module, *dict.fromkeys(type(part) for part in net.modules())]
    for thing in things:
        name = thing.__name__ if isinstance(thing, ModuleType) else thing.__module__
        if name.partition(".")[0] in _LIBRARIES:
            continue
        try:
            file = inspect.getsourcefile(thing)
        except TypeError:  # a class that was made in C
            continue
        if file is not None and Path(file).is_file():
            own = name.startswith("_rainclean_network_")
            found[Path(file).name if own else f"{name.replace('.', '/')}.py"] = Path(file)
    return {name: hashlib.sha256(found[name].read_bytes()).hexdigest() for name in sorted(found)}
