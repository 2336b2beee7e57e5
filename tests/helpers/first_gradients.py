"""Gradients of the first step of a run in float64, saved; started by test_train.py, and by Lightning once more."""

import sys
import warnings
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from pipeline.training.fit import loader, trainer_for
from pipeline.training.job import Machine
from pipeline.training.module import Training
from pipeline.training.recipe import preset
from rainclean.dataset.reader import read_dataset
from rainclean.spanet.data import Cut, Examples
from rainclean.spanet.start import new_network


class Save(Callback):
    def __init__(self, path: Path) -> None:
        self.path = path

    def on_after_backward(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.is_global_zero:
            found = {n: p.grad.clone() for n, p in module.named_parameters() if p.grad is not None}
            torch.save(found, self.path)


def save_gradients(dataset: Path, path: Path, devices: int) -> None:
    """Of all processes together, by parameter."""
    recipe = preset(
        "quick", steps=1, batch=4, size=24, precision="64", start="random", direction_attention=True, clip_gradients=0.0
    )
    machine = Machine(accelerator="cpu", devices=devices, threads=1)
    trainer = trainer_for(recipe, machine, [Save(path)])
    examples = Examples(read_dataset(dataset).split("train"), Cut(recipe.size), recipe.mask, 3)
    net = Training(new_network("random", direction_attention=True, seed=3), recipe)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(net, loader(examples, recipe, machine, 0, trainer.global_rank))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    save_gradients(Path(sys.argv[1]), Path(sys.argv[2]), devices=int(sys.argv[3]))
