"""The two kinds of networks that a run trains: SPANet, and networks of the user."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.padding import planes_of
from pipeline.training.network_record import NetworkRecord
from pipeline.training.networks import infer, read_network, write_network
from rainclean.spanet import Origin, SPANet, forward_in_bands, losses, read, write

F32 = NDArray[np.float32]


class Forward(NamedTuple):
    """Output (B, 3, H, W) and attention map (B, 1, H, W) of a network; None where it has no such map."""

    output: Tensor
    attention: Tensor | None


class Picture(NamedTuple):
    """Output (H, W, 3) float32, unclipped, and attention map (H, W) float32, for one picture."""

    output: F32
    attention: F32 | None


class NetworkKind(Protocol):
    """What differs between networks in a run.

    Attributes:
        record: how the network was made; None for SPANet.
    """

    record: NetworkRecord | None

    def forward(self, net: nn.Module, rainy: Tensor) -> Forward:
        """Run a network for training; rainy: (B, 3, H, W) in 0…1."""

    def losses(self, net: nn.Module, found: Forward, clean: Tensor, mask: Tensor, weight: Tensor) -> dict[str, Tensor]:
        """Return scalars by name, "total" first. Tensors as in `rainclean.spanet.losses`."""

    def picture(self, net: nn.Module, rainy: NDArray[np.uint8]) -> Picture:
        """Run a network in eval mode on one picture, (H, W, 3) uint8 of any size."""

    def write(self, tensors: Mapping[str, Tensor], path: Path, origin: Origin) -> None:
        """Write weights by name to a file."""

    def read(self, path: Path) -> tuple[Origin, dict[str, Tensor]]:
        """Read a weights file."""


class _Spanet:
    """SPANet: supervised by the rain mask, too."""

    record: NetworkRecord | None = None

    def forward(self, net: nn.Module, rainy: Tensor) -> Forward:
        attention, output = net(rainy)
        return Forward(output, attention)

    def losses(self, net: nn.Module, found: Forward, clean: Tensor, mask: Tensor, weight: Tensor) -> dict[str, Tensor]:
        attention = None if found.attention is None else found.attention.to(clean.dtype)
        return _by_name(found.output.to(clean.dtype), attention, clean, mask, weight)

    def picture(self, net: nn.Module, rainy: NDArray[np.uint8]) -> Picture:
        first = next(net.parameters())
        with torch.inference_mode():
            rgb = torch.from_numpy(rainy.transpose(2, 0, 1).copy())[None].to(first.device, first.dtype) / 255
            attention, output = forward_in_bands(cast(SPANet, net), rgb)
        return Picture(output[0].permute(1, 2, 0).float().cpu().numpy(), attention[0, 0].float().cpu().numpy())

    def write(self, tensors: Mapping[str, Tensor], path: Path, origin: Origin) -> None:
        write({name: t.detach().to("cpu", torch.float32).contiguous() for name, t in tensors.items()}, path, origin)

    def read(self, path: Path) -> tuple[Origin, dict[str, Tensor]]:
        return read(path)


class UserKind:
    """A network of the user, which maps (B, 3, H, W) to (B, 3, H, W).

    Its loss is L1 + (1 − SSIM), or what its method ``training_loss(output, clean, weight)`` returns.
    """

    def __init__(self, record: NetworkRecord) -> None:
        self.record: NetworkRecord | None = record
        self._record = record

    def forward(self, net: nn.Module, rainy: Tensor) -> Forward:
        """Run it; it has no attention map."""
        return Forward(net(rainy), None)

    def losses(self, net: nn.Module, found: Forward, clean: Tensor, mask: Tensor, weight: Tensor) -> dict[str, Tensor]:
        """Return its own loss as the total, or L1, SSIM and their sum."""
        output = found.output.to(clean.dtype)
        own = getattr(net, "training_loss", None)
        return _by_name(output, None, clean, mask, weight) if own is None else {"total": own(output, clean, weight)}

    def picture(self, net: nn.Module, rainy: NDArray[np.uint8]) -> Picture:
        """Run it on a picture that is padded to the multiple it needs."""
        return Picture(infer(net, planes_of(rainy)), None)

    def write(self, tensors: Mapping[str, Tensor], path: Path, origin: Origin) -> None:
        """Write weights that say what network they are of."""
        write_network(tensors, path, self._record, origin)

    def read(self, path: Path) -> tuple[Origin, dict[str, Tensor]]:
        """Read such weights."""
        return read_network(path)


SPANET: NetworkKind = _Spanet()


def _by_name(
    output: Tensor, attention: Tensor | None, clean: Tensor, mask: Tensor, weight: Tensor
) -> dict[str, Tensor]:
    found = losses(output, attention, clean, mask, weight)._asdict()
    return {name: value for name, value in found.items() if name != "attention" or attention is not None}
