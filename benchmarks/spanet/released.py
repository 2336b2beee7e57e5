"""Compute the released network as published, with `irnn` in place of its CUDA kernel, for comparison.

Each operation is a call of its own, in the order of the released code: direction weights are computed and their
products forgotten, the four directions are joined by a copy, every intermediate result is a new tensor. It takes
the parameters of a `SPANet`; colours are then those of its weights.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from rainclean.spanet.irnn import irnn

if TYPE_CHECKING:
    from rainclean.spanet.network import Bottleneck, RecurrentWeights, SPANet, SpatialAttention


def released_graph(net: "SPANet", picture: Tensor) -> tuple[Tensor, Tensor]:
    """Compute (B, 3, H, W) → first attention (B, 1, H, W) and clean picture (B, 3, H, W), as `SPANet.forward`."""
    out = functional.relu(net.conv_in[0](picture), inplace=True)
    maps: list[Tensor] = []
    for number in range(1, 18):
        if number in (4, 7, 10, 13):
            maps.append(_attention(net.SAM1, out))
        block = _block(net.block(number), out)
        if 4 <= number <= 15:
            block = block * maps[-1]
        out = functional.relu(block + out)
    return maps[0], net.conv_out[0](out)


def _block(block: "Bottleneck", x: Tensor) -> Tensor:
    out: Tensor = block.group1(x)
    return out


def _attention(sam: "SpatialAttention", x: Tensor) -> Tensor:
    weights = _direction_weights(sam, x)
    out = sam.conv2(_directions(sam.conv_in(x), sam.irnn1, weights))
    out = sam.conv3(_directions(out, sam.irnn2, weights))
    out = functional.relu(out, inplace=True)
    return torch.sigmoid(sam.conv_out(out))


def _direction_weights(sam: "SpatialAttention", x: Tensor) -> Tensor:
    layer = sam.attention_layer
    out = functional.relu(layer.conv1(x), inplace=True)
    out = functional.relu(layer.conv2(out), inplace=True)
    return torch.sigmoid(layer.conv3(out))


def _directions(x: Tensor, recurrent: "RecurrentWeights", weights: Tensor) -> Tensor:
    parts = irnn(x, *recurrent.stacked()).chunk(4, 1)
    for index, part in enumerate(parts):
        part.mul(weights[:, index : index + 1])  # as released: the product goes nowhere
    return torch.cat(parts, 1)
