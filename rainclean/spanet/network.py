"""Define SPANet, a network that removes rain from single pictures (Wang et al., CVPR 2019, arXiv 1904.01538).

Names and shapes of parameters are those of the released checkpoint, so that weights of either fit the other;
colours are RGB here and BGR there (`rainclean.spanet.checkpoint` converts them).

In the paper four weights per pixel, predicted from the features, multiply the four directions of each IRNN. The
released code computes and then ignores them, and its weights were trained like that: ``direction_attention`` says
which of the two a network is.
"""

from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts

from rainclean.spanet.architecture import BLOCKS, CHANNELS, GROUPS
from rainclean.spanet.irnn import DIRECTIONS, irnn


class SPANet(nn.Module):
    """Picture in, attention map and clean picture out; 283 716 parameters."""

    def __init__(self, *, direction_attention: bool = False) -> None:
        """Make a network with torch's initial weights.

        Args:
            direction_attention: multiply the directions of the IRNNs by predicted weights (paper) or not (as
                released); without it the layers that predict them keep their place in the weights but are not
                computed.
        """
        super().__init__()
        self.direction_attention = direction_attention
        self.conv_in = nn.Sequential(_conv3x3(3, CHANNELS), nn.ReLU())
        self.SAM1 = SpatialAttention(direction_attention=direction_attention)
        for number in range(1, BLOCKS + 1):
            self.add_module(f"res_block{number}", Bottleneck())
        self.conv_out = nn.Sequential(_conv3x3(CHANNELS, 3))

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """Remove rain from pictures.

        On the CPU, without gradients, `rainclean.spanet.bands.forward_in_bands` returns the same in a third of the
        memory and about half the time.

        Args:
            rgb: (B, 3, H, W) float RGB in [0, 1], any size from 1×1.

        Returns:
            Attention (B, 1, H, W) in [0, 1], the first of four, and the clean picture (B, 3, H, W), which may leave
            [0, 1] by about 0.15: clip it.
        """
        out = self.conv_in(rgb.contiguous(memory_format=torch.channels_last))
        for number in (1, 2, 3):
            out = self.block(number)(out)
        first: Tensor | None = None
        for group in GROUPS:
            attention = self.SAM1(out)
            first = attention if first is None else first
            for number in group:
                out = self.block(number)(out, attention)
        for number in (16, 17):
            out = self.block(number)(out)
        assert first is not None
        return first, self.conv_out(out)

    def block(self, number: int) -> "Bottleneck":
        """Return the residual block of a number, 1 to 17."""
        block = self.get_submodule(f"res_block{number}")
        assert isinstance(block, Bottleneck)
        return block


class Bottleneck(nn.Module):
    """Residual block: 1×1, 3×3 with dilation 2 and 1×1 convolutions without bias, at 32 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.group1 = nn.Sequential()
        self.group1.add_module("conv1", _conv1x1(CHANNELS, CHANNELS))
        self.group1.add_module("relu1", nn.ReLU(inplace=True))
        self.group1.add_module("conv2", _conv3x3(CHANNELS, CHANNELS, dilation=2))
        self.group1.add_module("relu2", nn.ReLU(inplace=True))
        self.group1.add_module("conv3", _conv1x1(CHANNELS, CHANNELS))

    def forward(self, x: Tensor, attention: Tensor | None = None) -> Tensor:
        """Compute relu(x + block(x)·attention); attention (B, 1, H, W), without it 1."""
        out = self.group1(x)
        out = out + x if attention is None else torch.addcmul(x, out, attention)
        return functional.relu_(out)


class SpatialAttention(nn.Module):
    """Attention to rain: one map in [0, 1] from two rounds of IRNN, so that every pixel depends on every other."""

    def __init__(self, *, direction_attention: bool) -> None:
        super().__init__()
        self.direction_attention = direction_attention
        self.irnn1 = RecurrentWeights()
        self.irnn2 = RecurrentWeights()
        self.conv_in = _conv3x3(CHANNELS, CHANNELS)
        self.conv2 = _conv3x3(4 * CHANNELS, CHANNELS)
        self.conv3 = _conv3x3(4 * CHANNELS, CHANNELS)
        self.attention_layer = DirectionAttention()
        self.conv_out = _conv1x1(CHANNELS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Compute attention (B, 1, H, W) from features (B, 32, H, W)."""
        weights = self.attention_layer(x) if self.direction_attention else None
        out = _scan_and_convolve(self.conv_in(x), self.irnn1, weights, self.conv2)
        out = _scan_and_convolve(out, self.irnn2, weights, self.conv3)
        return torch.sigmoid_(self.conv_out(functional.relu_(out)))


class RecurrentWeights(nn.Module):
    """Weights and biases of an IRNN, kept one direction at a time as the released checkpoint does."""

    def __init__(self) -> None:
        super().__init__()
        for direction in DIRECTIONS:
            conv = nn.Conv2d(CHANNELS, CHANNELS, 1, groups=CHANNELS)
            nn.init.constant_(conv.weight, 1.0)
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
            self.add_module(f"{direction}_weight", conv)

    def stacked(self) -> tuple[Tensor, Tensor]:
        """Weight and bias as `irnn` wants them, (4, 32) each."""
        parts: list[Any] = [self.get_submodule(f"{direction}_weight") for direction in DIRECTIONS]
        return torch.stack([p.weight.flatten() for p in parts]), torch.stack([p.bias for p in parts])


class DirectionAttention(nn.Module):
    """Four weights in [0, 1] per pixel, one a direction: (B, 32, H, W) → (B, 4, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        half = CHANNELS // 2
        self.conv1 = nn.Conv2d(CHANNELS, half, 3, padding=1)
        self.conv2 = nn.Conv2d(half, half, 3, padding=1)
        self.conv3 = nn.Conv2d(half, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Predict weights in the order of `irnn.DIRECTIONS`."""
        out = functional.relu_(self.conv2(functional.relu_(self.conv1(x))))
        return torch.sigmoid_(self.conv3(out))


def _scan_and_convolve(x: Tensor, recurrent: "RecurrentWeights", weights: Tensor | None, conv: nn.Conv2d) -> Tensor:
    """IRNN and the convolution over its four directions.

    The four directions are the largest thing in the network and soon scanned again: for the backward pass they are
    not kept, the convolution's result is.
    """

    def stage(x: Tensor, weight: Tensor, bias: Tensor, weights: Tensor | None) -> Tensor:
        return cast(Tensor, conv(_weighted(irnn(x, weight, bias), weights)))

    weight, bias = recurrent.stacked()
    if not torch.is_grad_enabled() or torch.compiler.is_compiling():
        return stage(x, weight, bias, weights)
    keep = partial(create_selective_checkpoint_contexts, [torch.ops.aten.convolution.default])
    return cast(
        Tensor,
        checkpoint(stage, x, weight, bias, weights, use_reentrant=False, preserve_rng_state=False, context_fn=keep),
    )


def _weighted(directions: Tensor, weights: Tensor | None) -> Tensor:
    """Multiply each direction's 32 channels of (B, 128, H, W) by its plane of (B, 4, H, W)."""
    if weights is None:
        return directions
    return directions * weights.repeat_interleave(CHANNELS, 1)


def _conv3x3(inputs: int, outputs: int, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)


def _conv1x1(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1, bias=False)
