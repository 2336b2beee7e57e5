"""The network that a run begins or goes on with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from pipeline.training import run_folder
from pipeline.training.kinds import SPANET, NetworkKind, UserKind
from pipeline.training.network_record import NetworkRecord
from pipeline.training.networks import check_network, check_sources, load_tensors, make_network
from pipeline.training.recipe import TrainRecipe
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.spanet import Origin, SPANet, new_network


class Network(NamedTuple):
    """A network to train, its kind, and where its weights come from."""

    net: nn.Module
    kind: NetworkKind
    origin: Origin


def new_network_of(
    factory: str, arguments: Mapping[str, Any], recipe: TrainRecipe, weights: Path | None
) -> tuple[nn.Module, NetworkKind]:
    """Return a network as it begins, from a weights file where there is one."""
    net: nn.Module
    kind: NetworkKind = SPANET
    if factory:
        made = make_network(factory, arguments, recipe.seed)
        check_network(factory, made.net, recipe.size)
        net, kind = made.net, UserKind(made.record)
    else:
        start = recipe.start if weights is None else "random"
        net = new_network(start, direction_attention=recipe.direction_attention, seed=recipe.seed)
    if weights is not None:
        load_tensors(net, kind.read(weights)[1], weights)
    return net, kind


def network_again(folder: Path, record: run_folder.RunRecord, factory: str, *, accept_changed: bool) -> Network:
    """Return the network of a run with its last weights."""
    path, recipe = folder / run_folder.LAST, record.recipe
    net: nn.Module
    if record.network is None:
        if factory:
            raise UsageError(f"--network {factory}: {folder} trains SPANet; leave it out")
        origin, tensors = SPANET.read(path)
        if origin.direction_attention != recipe.direction_attention:
            what = "is damaged: its direction attention differs from that of the weights"
            raise InputError(folder / run_folder.RUN, what)
        with torch.device("meta"):
            net = SPANet(direction_attention=origin.direction_attention)
        net.load_state_dict(tensors, assign=True)
        return Network(net.requires_grad_(), SPANET, origin)
    known = record.network
    if not factory:
        what = f"trains {known.factory}, whose code runs here only if you name it"
        raise RaincleanError(f"{folder}: {what}; if you trust it: --network {known.factory}")
    if NetworkRecord(factory, {}, {}).name != known.name:
        raise UsageError(f"--network {factory}: {folder} trains {known.factory}")
    made = make_network(factory, known.arguments, recipe.seed)
    check_sources(folder / run_folder.RUN, known, made.record, accept_changed=accept_changed)
    kind = UserKind(made.record)
    origin, tensors = kind.read(path)
    load_tensors(made.net, tensors, path)
    return Network(made.net, kind, origin)
