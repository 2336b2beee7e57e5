"""What happens beside the steps of a training: checkpoints, validation, metrics, and word to whoever follows it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.tensorboard import SummaryWriter

from pipeline.training import run_folder
from pipeline.training.metrics_log import MetricsLog
from pipeline.training.module import LOWER_RATE, Training
from pipeline.training.validation import PROTOCOL, Validation, validate
from rainclean.dataset import DatasetPair
from rainclean.errors import RaincleanError
from rainclean.png import encode_png
from rainclean.spanet import Origin, save

LOG_EVERY = 10
"""Steps of a row in metrics.csv."""


class Stopped(Exception):
    """The training was to stop before its first step: there is nothing to keep."""


class Keeper(Callback):
    """Keeps a run: everything is done by the first process, the others wait for it.

    say: is told each finished step and, now and then, a line for a person. stop: set by whoever wants the training
    to end after the current step; what was reached is kept. A validation ends after the current picture then, and is
    made up for when the run goes on.
    """

    def __init__(
        self,
        folder: Path,
        validation: Sequence[DatasetPair],
        origin: Origin,
        say: Callable[[int, str], None],
        stop: Event,
    ) -> None:
        self.folder, self.validation, self.origin, self.say, self.stop = folder, validation, origin, say, stop
        self.best, self.best_step, self.kept, self.started = float("-inf"), 0, -1, False
        self._sums: dict[str, torch.Tensor] = {}
        self._count, self._told = 0, 0
        self._unjudged: dict[str, Any] = {}  # row of metrics.csv that still wants its validation

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run has to know; goes into the checkpoint."""
        known = {"best": self.best, "best_step": self.best_step, "sums": dict(self._sums), "count": self._count}
        return {**known, "unjudged": dict(self._unjudged)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse."""
        self.best, self.best_step = float(state["best"]), int(state["best_step"])
        self._sums, self._count = dict(state["sums"]), int(state["count"])
        self._unjudged = dict(state.get("unjudged", {}))

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Begin or go on with the records; a new run is judged before its first step."""
        step = self.kept = trainer.global_step
        for optimizer in trainer.optimizers:
            look_at(optimizer)
        self._sums = {name: value.to(module.device) for name, value in self._sums.items()}
        self.started = True
        if trainer.is_global_zero:
            self._log = MetricsLog(self.folder / run_folder.METRICS, step)
            # purge_step: an earlier part of the run may have gone further than its last checkpoint.
            self._board = SummaryWriter(str(self.folder / run_folder.TENSORBOARD), purge_step=step + 1 if step else 0)
            if step == 0 or self._unjudged:
                self._judge(_training(module), step)
        if trainer.strategy.reduce_boolean_decision(trainer.is_global_zero and bool(self._unjudged), all=False):
            raise Stopped

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """After each step."""
        training, step = _training(module), trainer.global_step
        recipe = training.recipe
        last = step >= recipe.steps
        judge = last or step % recipe.validate_every == 0
        self._add_up(training)
        means = self._means(trainer) if judge or step % LOG_EVERY == 0 else None
        if trainer.is_global_zero:
            if means is not None:
                row = self._losses(step, recipe.learning_rate * recipe.rate_at(step - 1), means)
                if judge:
                    self._unjudged = row
                    self._judge(training, step, last)
                else:
                    self._log.add(row)
            self.say(step, "")
        self._tell_skipped(training, step)
        stopping = trainer.strategy.reduce_boolean_decision(self.stop.is_set(), all=False)
        if judge or stopping or step % recipe.checkpoint_every == 0:
            self._keep(trainer, training)
        if stopping:
            trainer.should_stop = True

    def teardown(self, trainer: Trainer, module: LightningModule, stage: str) -> None:
        """Close the records, however the training ended."""
        if board := getattr(self, "_board", None):
            board.close()

    def _keep(self, trainer: Trainer, training: Training) -> None:
        step = trainer.global_step
        path = self.folder / run_folder.CHECKPOINT
        partial = path.with_name(f".partial-{path.name}")
        try:
            trainer.save_checkpoint(partial, weights_only=False)  # all processes take part, the first one writes
            if trainer.is_global_zero:
                partial.replace(path)
        except OSError as error:
            raise RaincleanError(f"{path}: cannot be written ({error.strerror or error})") from error
        finally:
            if trainer.is_global_zero:
                partial.unlink(missing_ok=True)
        if trainer.is_global_zero:
            save(training.net, self.folder / run_folder.LAST, self._origin(step))
        self.kept = step
        trainer.strategy.barrier()

    def _judge(self, training: Training, step: int, last: bool = False) -> None:
        """Complete the row of a step by its validation and write it down; not where the training is to stop.

        last: nothing would come after it that could make up for it, so that it is not stopped.
        """
        stopped = (lambda: False) if last else self.stop.is_set
        found = validate(training.net, self.validation, training.recipe.mask, stopped)
        if found is None:
            self._unjudged = self._unjudged or {"step": step}
            return
        if not math.isfinite(found.psnr):
            raise RaincleanError(f"step {step}: the output is no number any more; {LOWER_RATE}")
        better = found.psnr > self.best
        if better:
            self.best, self.best_step = found.psnr, step
            save(training.net, self.folder / run_folder.BEST, self._origin(step))
        self._show(found, step)
        against = f"{found.psnr:.2f} dB (rainy {found.rainy_psnr:.2f}; {PROTOCOL})"
        self.say(step, f"step {step}: validation {against}{', best so far' if better and step else ''}")
        judged = {
            "step": step,
            "validation_protocol": PROTOCOL,
            "validation_psnr_db": found.psnr,
            "validation_ssim": found.ssim,
            "validation_rainy_psnr_db": found.rainy_psnr,
        }
        self._log.add({**self._unjudged, **judged})
        self._unjudged = {}
        if step:
            self._log.draw(self.folder / run_folder.CURVES)

    def _show(self, found: Validation, step: int) -> None:
        run_folder.put(self.folder / run_folder.VALIDATION, encode_png(found.shown))
        words = "rainy, output, clean, attention, mask"
        self._board.add_image(f"validation: {words}", found.shown, step, dataformats="HWC")
        for name, value in (("psnr_db", found.psnr), ("ssim", found.ssim), ("rainy_psnr_db", found.rainy_psnr)):
            self._board.add_scalar(f"validation {PROTOCOL}/{name}", value, step)
        self._board.flush()

    def _origin(self, step: int) -> Origin:
        return replace(self.origin, steps=str(step))

    def _add_up(self, training: Training) -> None:
        for name, value in training.last.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
        self._count += 1

    def _means(self, trainer: Trainer) -> dict[str, float]:
        """Mean losses since they were last asked for, over all devices."""
        means = {name: value / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return {name: float(trainer.strategy.reduce(value, reduce_op="mean")) for name, value in means.items()}

    def _losses(self, step: int, rate: float, means: dict[str, float]) -> dict[str, Any]:
        names = {"total": "loss", **{name: f"loss_{name}" for name in ("l1", "ssim", "attention")}}
        row = {names[name]: value for name, value in means.items()}
        for name, value in row.items():
            self._board.add_scalar(f"training/{name}", value, step)
        self._board.add_scalar("training/learning_rate", rate, step)
        return {"step": step, "learning_rate": rate, **row}

    def _tell_skipped(self, training: Training, step: int) -> None:
        for text in list(training.skipped)[self._told :]:
            self.say(step, f"skipped: {text}")
        self._told = len(training.skipped)


def _training(module: LightningModule) -> Training:
    assert isinstance(module, Training)
    return module


_STATE = {"step", "exp_avg", "exp_avg_sq"}
"""What Adam keeps of a weight once it has moved it."""


def look_at(optimizer: torch.optim.Optimizer) -> None:
    """Raise ValueError where the state of an optimizer, as a checkpoint brought it, does not belong to its weights."""
    wanted = optimizer.defaults.keys()
    for group in optimizer.param_groups:
        if not wanted <= group.keys():
            raise ValueError(f"an optimizer without {', '.join(sorted(wanted - group.keys()))}")
        if any(group[name] != optimizer.defaults[name] for name in wanted - {"lr"}) or not 0 <= group["lr"] < math.inf:
            raise ValueError("an optimizer of another kind")
        for weight in group["params"]:
            state = optimizer.state.get(weight, {})
            if state and state.keys() != _STATE:
                raise ValueError(f"a state of the optimizer with {', '.join(map(repr, state))}")
            for name, value in state.items():
                shape = torch.Size() if name == "step" else weight.shape
                if not (isinstance(value, torch.Tensor) and value.shape == shape and torch.isfinite(value).all()):
                    raise ValueError(f"a state of the optimizer, {name}, that is none")
                if not value.is_contiguous():
                    raise ValueError(f"a state of the optimizer, {name}, of which values may share memory")
