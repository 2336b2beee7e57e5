"""A network as Lightning trains it: one step, the optimizer and its learning rate."""

from typing import Any, TypedDict

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from pipeline.training.kinds import SPANET, NetworkKind
from pipeline.training.recipe import TrainRecipe
from rainclean.errors import RaincleanError
from rainclean.spanet import Batch, Broken

LOWER_RATE = "use a lower --learning-rate or --clip-gradients 1"


class StepOutput(TypedDict):
    """The result of a step; Lightning hands it to the callbacks.

    loss: with its graph, a detached copy for callbacks. losses: detached, by name. skipped: broken pictures of the
    batch, one line each.
    """

    loss: Tensor
    losses: dict[str, Tensor]
    skipped: tuple[str, ...]


class Training(LightningModule):
    """One network with its recipe.

    Of a network that is a LightningModule itself, only ``forward``, ``training_loss`` and the weights are used.
    """

    def __init__(self, net: nn.Module, recipe: TrainRecipe, kind: NetworkKind = SPANET) -> None:
        super().__init__()
        self.net, self.recipe, self.kind = net, recipe, kind

    def training_step(self, batch: Batch | Broken, number: int) -> StepOutput:
        """Compute the loss of a batch. Raises RaincleanError for a broken picture, or a loss that is not finite."""
        if isinstance(batch, Broken):
            raise RaincleanError(f"{batch.error} (--skip-broken trains without such pairs)")
        rainy, clean, mask, weight = (self._unit(t) for t in (batch.rainy, batch.clean, batch.mask, batch.weight))
        if self.kind.record is not None:
            # A network may draw numbers: those of a step are the same in a run that was resumed.
            torch.manual_seed((self.recipe.seed * 1_000_003 + self.global_step) * 1009 + self.global_rank)
        forward = self.kind.forward(self.net, rainy)
        # SSIM is a difference of squares: half precision is too coarse for it.
        with torch.autocast(self.device.type, enabled=False):
            found = self.kind.losses(self.net, forward, clean, mask, weight)
        if not torch.isfinite(found["total"]):
            raise RaincleanError(f"step {self.global_step + 1}: the loss is no longer finite; {LOWER_RATE}")
        losses_by_name = {name: value.detach() for name, value in found.items()}
        return {"loss": found["total"], "losses": losses_by_name, "skipped": tuple(batch.skipped)}

    def configure_optimizers(self) -> Any:
        """Return Adam, with the learning rate of `TrainRecipe.rate_at`."""
        optimizer = torch.optim.Adam(self.net.parameters(), lr=self.recipe.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self.recipe.rate_at)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _unit(self, levels: Tensor) -> Tensor:
        return levels.to(next(self.net.parameters()).dtype) / 255
