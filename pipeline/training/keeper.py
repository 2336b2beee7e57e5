"""Keep a run between the steps of its training: checkpoints, validation, metrics, and progress."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any, cast

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.tensorboard import SummaryWriter

from pipeline.training import run_folder
from pipeline.training.metrics_log import MetricsLog, MetricsRow
from pipeline.training.module import LOWER_RATE, StepOutput, Training
from pipeline.training.optimizer_state import check_optimizer
from pipeline.training.validation import PROTOCOL, Validation, validate
from rainclean.dataset import DatasetPair
from rainclean.errors import RaincleanError
from rainclean.png import encode_png
from rainclean.spanet import Origin

LOG_EVERY = 10
"""Steps of a row in metrics.csv."""


class Stopped(Exception):
    """The training was stopped before its first step, so there is nothing to keep."""


@dataclass(frozen=True)
class _Records:
    """Outputs for the metrics of a run: metrics.csv, and TensorBoard."""

    log: MetricsLog
    board: SummaryWriter


class Keeper(Callback):
    """Keeps a run: the first process does everything, the others wait for it.

    folder: of the run. validation: pairs to validate with. origin: of the weights, but for the number of steps.
    report: called with each finished step and, now and then, a line for a person. stop: set it to end the training
    after the current step. A validation then ends after the current picture, and is made up for when the run resumes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        validation: Sequence[DatasetPair],
        origin: Origin,
        report: Callable[[int, str], None],
        stop: Event,
    ) -> None:
        self.folder, self.validation, self.origin, self.report, self.stop = folder, validation, origin, report, stop
        self.best, self.best_step, self.kept, self.started = float("-inf"), 0, -1, False
        self._sums: dict[str, torch.Tensor] = {}
        self._count = 0
        self._skipped: set[str] = set()
        self._unjudged: MetricsRow | None = None  # still to be completed by its validation
        self._open_records: _Records | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs; goes into the checkpoint."""
        known = {"best": self.best, "best_step": self.best_step, "sums": dict(self._sums), "count": self._count}
        return {**known, "unjudged": self._unjudged.to_json() if self._unjudged else {}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.best, self.best_step = float(state["best"]), int(state["best_step"])
        self._sums, self._count = dict(state["sums"]), int(state["count"])
        self._unjudged = MetricsRow.from_json(state.get("unjudged", {}))

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Open the records. A new run is validated before its first step."""
        step = self.kept = trainer.global_step
        for optimizer in trainer.optimizers:
            check_optimizer(optimizer)
        self._sums = {name: value.to(module.device) for name, value in self._sums.items()}
        self.started = True
        if trainer.is_global_zero:
            log = MetricsLog(self.folder / run_folder.METRICS, step)
            # purge_step: an earlier part of the run may have gone further than its last checkpoint.
            board = SummaryWriter(str(self.folder / run_folder.TENSORBOARD), purge_step=step + 1 if step else 0)
            self._open_records = _Records(log, board)
            if step == 0 or self._unjudged:
                self._judge(_training(module), step)
        if trainer.strategy.reduce_boolean_decision(trainer.is_global_zero and bool(self._unjudged), all=False):
            raise Stopped

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log, validate and save after a step, as the recipe says."""
        training, step, output = _training(module), trainer.global_step, cast(StepOutput, outputs)
        recipe = training.recipe
        last = step >= recipe.steps
        judge = last or step % recipe.validate_every == 0
        self._add_up(output)
        means = self._means(trainer) if judge or step % LOG_EVERY == 0 else None
        if trainer.is_global_zero:
            if means is not None:
                row = self._losses(step, recipe.learning_rate * recipe.rate_at(step - 1), means)
                if judge:
                    self._unjudged = row
                    self._judge(training, step, last=last)
                else:
                    self._records.log.add(row)
            self.report(step, "")
        self._report_skipped(output, step)
        stopping = trainer.strategy.reduce_boolean_decision(self.stop.is_set(), all=False)
        if judge or stopping or step % recipe.checkpoint_every == 0:
            self._keep(trainer, training)
        if stopping:
            trainer.should_stop = True

    def teardown(self, trainer: Trainer, module: LightningModule, stage: str) -> None:
        """Close the records, however the training ended."""
        if self._open_records is not None:
            self._open_records.board.close()

    @property
    def _records(self) -> _Records:
        assert self._open_records is not None  # open from the start of the training, in the first process
        return self._open_records

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
            self._write(training, run_folder.LAST, step)
        self.kept = step
        trainer.strategy.barrier()

    def _judge(self, training: Training, step: int, *, last: bool = False) -> None:
        """Complete the row of a step by its validation and write it, unless the training is to stop.

        last: the run ends here, so that nothing could make up for this validation; it is not stopped.
        """
        stopped = (lambda: False) if last else self.stop.is_set
        found = validate(training.net, self.validation, training.recipe.mask, stopped, training.kind)
        if found is None:
            self._unjudged = self._unjudged or MetricsRow(step=step)
            return
        if not math.isfinite(found.psnr):
            raise RaincleanError(f"step {step}: the output is no longer finite; {LOWER_RATE}")
        better = found.psnr > self.best
        if better:
            self.best, self.best_step = found.psnr, step
            self._write(training, run_folder.BEST, step)
        self._show(found, step)
        against = f"{found.psnr:.2f} dB (rainy {found.rainy_psnr:.2f}; {PROTOCOL})"
        self.report(step, f"step {step}: validation {against}{', best so far' if better and step else ''}")
        row = replace(
            self._unjudged or MetricsRow(step=step),
            step=step,
            validation_protocol=PROTOCOL,
            validation_psnr_db=found.psnr,
            validation_ssim=found.ssim,
            validation_rainy_psnr_db=found.rainy_psnr,
        )
        self._records.log.add(row)
        self._unjudged = None
        if step:
            self._records.log.draw(self.folder / run_folder.CURVES)

    def _show(self, found: Validation, step: int) -> None:
        run_folder.put(self.folder / run_folder.VALIDATION, encode_png(found.shown))
        words, board = ", ".join(found.columns), self._records.board
        board.add_image(f"validation: {words}", found.shown, step, dataformats="HWC")
        for name, value in (("psnr_db", found.psnr), ("ssim", found.ssim), ("rainy_psnr_db", found.rainy_psnr)):
            board.add_scalar(f"validation {PROTOCOL}/{name}", value, step)
        board.flush()

    def _write(self, training: Training, name: str, step: int) -> None:
        training.kind.write(training.net.state_dict(), self.folder / name, replace(self.origin, steps=str(step)))

    def _add_up(self, output: StepOutput) -> None:
        for name, value in output["losses"].items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
        self._count += 1

    def _means(self, trainer: Trainer) -> dict[str, float]:
        """Return the mean losses since the last call, over all devices."""
        means = {name: value / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return {name: float(trainer.strategy.reduce(value, reduce_op="mean")) for name, value in means.items()}

    def _losses(self, step: int, rate: float, means: dict[str, float]) -> MetricsRow:
        names = {"total": "loss", **{name: f"loss_{name}" for name in ("l1", "ssim", "attention")}}
        for name, value in means.items():
            self._records.board.add_scalar(f"training/{names[name]}", value, step)
        self._records.board.add_scalar("training/learning_rate", rate, step)
        return MetricsRow(
            step=step,
            learning_rate=rate,
            loss=means["total"],
            loss_l1=means.get("l1"),
            loss_ssim=means.get("ssim"),
            loss_attention=means.get("attention"),
        )

    def _report_skipped(self, output: StepOutput, step: int) -> None:
        for text in dict.fromkeys(output["skipped"]):
            if text not in self._skipped:
                self._skipped.add(text)
                self.report(step, f"skipped: {text}")


def _training(module: LightningModule) -> Training:
    assert isinstance(module, Training)
    return module
