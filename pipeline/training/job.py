"""The things that a training is given and returns. No torch: a command knows them before it loads anything."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.training.examples import Parts
from pipeline.training.recipe import TrainRecipe

if TYPE_CHECKING:
    from torch import nn

    from pipeline.training.kinds import NetworkKind
    from rainclean.spanet import Origin

_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""Environment variables with the number of a process, in the order in which Lightning reads them."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The devices of a run; nothing here changes the result.

    workers: extra processes that read pictures. accelerator: auto, cpu or gpu. devices: on each machine. nodes:
    machines. threads: of the CPU, 0 for torch's choice.
    """

    workers: int = 0
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    threads: int = 0


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The result of a run.

    best_psnr: of the validation at best_step, dB by `validation.PROTOCOL`. anew: whether this call trained it; else it
    was finished before.
    """

    folder: Path
    step: int
    steps: int
    best_psnr: float
    best_step: int
    anew: bool


@dataclass(frozen=True, kw_only=True)
class Job:
    """Everything that a training needs.

    origin: of its weights, but for the number of steps. checkpoint: where it resumes, at step ``first``.
    """

    folder: Path
    recipe: TrainRecipe
    net: "nn.Module"
    kind: "NetworkKind"
    parts: Parts
    machine: Machine
    skip: bool
    origin: "Origin"
    checkpoint: Path | None = None
    first: int = 0


def is_further_process() -> bool:
    """Return whether this is a further process of a run, started by Lightning or torchrun; the first one reports."""
    return next((os.environ[name] for name in _RANKS if name in os.environ), "0") != "0"
