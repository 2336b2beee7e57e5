"""SPANet as Lightning trains it: one step, the optimiser and its rate."""

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from pipeline.training.recipe import TrainRecipe
from rainclean.errors import RaincleanError
from rainclean.spanet import Batch, Broken, SPANet, losses

LOWER_RATE = "use a lower --learning-rate or --clip-gradients 1"


class Training(LightningModule):
    """One network with its recipe. ``last``: the losses of the latest step, for whoever writes them down.

    skipped: pictures that were passed over so far, each once.
    """

    def __init__(self, net: SPANet, recipe: TrainRecipe) -> None:
        super().__init__()
        self.net, self.recipe = net, recipe
        self.last: dict[str, Tensor] = {}
        self.skipped: dict[str, None] = {}

    def training_step(self, batch: Batch | Broken, number: int) -> Tensor:
        """Loss of a batch. Raises RaincleanError for a broken picture, and where the loss is no number."""
        if isinstance(batch, Broken):
            raise RaincleanError(f"{batch.error} (--skip-broken trains without such pairs)")
        self.skipped.update(dict.fromkeys(batch.skipped))
        rainy, clean, mask, weight = (self._unit(t) for t in (batch.rainy, batch.clean, batch.mask, batch.weight))
        attention, output = self.net(rainy)
        # SSIM is a difference of squares: half precision is too coarse for it.
        with torch.autocast(self.device.type, enabled=False):
            found = losses(output.to(clean.dtype), attention.to(clean.dtype), clean, mask, weight)
        if not torch.isfinite(found.total):
            raise RaincleanError(f"step {self.global_step + 1}: the loss is no number any more; {LOWER_RATE}")
        self.last = {name: value.detach() for name, value in found._asdict().items()}
        return found.total

    def configure_optimizers(self) -> Any:
        """Adam, its rate by `TrainRecipe.rate_at`."""
        optimizer = torch.optim.Adam(self.net.parameters(), lr=self.recipe.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self.recipe.rate_at)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _unit(self, levels: Tensor) -> Tensor:
        return levels.to(next(self.net.parameters()).dtype) / 255
