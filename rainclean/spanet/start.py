"""Initialize a network for training: at random as torch does it, or so that it changes nothing."""

import torch
from torch import nn

from rainclean.spanet.architecture import BLOCKS
from rainclean.spanet.network import SPANet


def new_network(start: str, *, direction_attention: bool, seed: int) -> SPANet:
    """Return an untrained network, the same for the same seed; torch's own random state is not changed.

    Args:
        start: "random": torch's defaults, recurrent weights 1, as the released code begins. "identity": three channels
            carry the picture from the first to the last layer, blocks add nothing yet, recurrences forget (weights
            0.2…0.9, so that what was learnt on small crops is right on large pictures): output equals input, and only
            rain is left to learn.
        direction_attention: see `SPANet`.
        seed: of the random values.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        net = SPANet(direction_attention=direction_attention)
        if start == "identity":
            with torch.no_grad():
                _begin_as_identity(net)
    return net


def _begin_as_identity(net: SPANet) -> None:
    first, last = _conv(net.conv_in[0]).weight, _conv(net.conv_out[0]).weight
    first[:3] = 0
    last.zero_()
    for colour in range(3):
        first[colour, colour, 1, 1] = 1
        last[colour, colour, 1, 1] = 1
    for number in range(1, BLOCKS + 1):
        nn.init.zeros_(_conv(net.block(number).group1.get_submodule("conv3")).weight)
    for recurrent in (net.SAM1.irnn1, net.SAM1.irnn2):
        for module in recurrent.children():
            nn.init.uniform_(_conv(module).weight, 0.2, 0.9)


def _conv(module: nn.Module) -> nn.Conv2d:
    assert isinstance(module, nn.Conv2d)
    return module
