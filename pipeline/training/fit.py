"""The training itself, by Lightning, whose import takes seconds: import this only where a training begins."""

import logging
import warnings
from collections.abc import Generator, Sequence
from queue import SimpleQueue
from threading import Event, Thread

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.strategies import DDPStrategy
from torch.utils.data import DataLoader

from pipeline import signals
from pipeline.stages import Progress
from pipeline.training import run_folder
from pipeline.training.job import Job, Machine, Trained
from pipeline.training.keeper import Keeper, Stopped
from pipeline.training.module import Training
from pipeline.training.recipe import TrainRecipe
from rainclean.errors import RaincleanError, UsageError
from rainclean.spanet import Batches, Cut, Examples, together


def check_accelerator(recipe: TrainRecipe, machine: Machine) -> None:
    """Raise UsageError where an accelerator is not available, or does not fit the recipe."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            accelerator = trainer_for(recipe, machine, []).accelerator
    except MisconfigurationException as error:
        raise UsageError(f"--accelerator {machine.accelerator}: {' '.join(str(error).split())}") from error
    if recipe.precision == "16-mixed" and isinstance(accelerator, CPUAccelerator):
        raise UsageError("--precision 16-mixed: needs a GPU; use bf16-mixed on a CPU")


def trainer_for(recipe: TrainRecipe, machine: Machine, callbacks: Sequence[Callback]) -> Trainer:
    """Return Lightning's trainer for a recipe: it steps, the keeper does the rest."""
    for name in ("lightning.pytorch", "lightning.fabric"):  # they set their own levels when they are loaded
        logging.getLogger(name).setLevel(logging.ERROR)
    several = machine.devices * machine.nodes > 1
    # Direction weights that are not applied get no gradients.
    strategy = DDPStrategy(find_unused_parameters=not recipe.direction_attention) if several else "auto"
    return Trainer(
        accelerator=machine.accelerator,
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy=strategy,
        precision=f"{recipe.precision}-true" if recipe.precision in ("32", "64") else recipe.precision,  # type: ignore[arg-type]
        max_steps=recipe.steps,
        max_epochs=-1,
        gradient_clip_val=recipe.clip_gradients or None,
        logger=False,
        callbacks=list(callbacks),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )


def loader(data: Examples, recipe: TrainRecipe, machine: Machine, first: int, rank: int) -> DataLoader:  # type: ignore[type-arg]
    """Return a loader of the batches of one process, from step ``first`` on."""
    return DataLoader(
        data,
        batch_sampler=Batches(first, recipe.steps, recipe.batch, rank=rank, devices=machine.devices * machine.nodes),
        collate_fn=together,
        num_workers=machine.workers,
        # Forked children of a process with threads can deadlock.
        multiprocessing_context="spawn" if machine.workers else None,
        persistent_workers=machine.workers > 0,
        worker_init_fn=signals.work_for_parent,
        pin_memory=machine.accelerator != "cpu" and torch.cuda.is_available(),
    )


def fit(job: Job) -> Generator[Progress, None, Trained]:
    """Train a job to its end, or until it is stopped. Yields progress; returns the result."""
    recipe, machine = job.recipe, job.machine
    cut = Cut(recipe.size, recipe.smallest_scale, recipe.flip)
    examples = Examples(job.parts.training, cut, recipe.mask, recipe.seed, skip_broken=job.skip)
    messages: SimpleQueue[Progress | BaseException | None] = SimpleQueue()
    stop = Event()

    def report(step: int, text: str) -> None:
        messages.put(Progress("train", step, recipe.steps, note=text))

    keeper = Keeper(job.folder, validation=job.parts.validation, origin=job.origin, report=report, stop=stop)

    def work() -> None:
        # Nor do the processes that read pictures for it: one that ends before its time would end the training.
        signals.block()
        try:
            if machine.threads:
                torch.set_num_threads(machine.threads)
            with warnings.catch_warnings():
                # Lightning advises on workers and logging, which are ours to choose.
                warnings.simplefilter("ignore")
                trainer = trainer_for(recipe, machine, [keeper])
                batches = loader(examples, recipe, machine, job.first, trainer.global_rank)
                trainer.fit(Training(job.net, recipe, job.kind), batches, ckpt_path=job.checkpoint, weights_only=True)
            messages.put(None)
        except Stopped:
            messages.put(None)
        except BaseException as error:
            messages.put(error)

    # In a thread of its own, so that Ctrl-C reaches whoever follows, who then lets the step be finished and kept.
    thread = Thread(target=work, name="rainclean-train")
    signals.announce("stopping after this step, then writing the checkpoint")
    try:
        thread.start()
        while (message := messages.get()) is not None:
            if isinstance(message, BaseException):
                raise _explained(message, job, started=keeper.started) from message
            yield message
    finally:
        stop.set()
        if thread.ident is not None:
            thread.join()
    return Trained(
        folder=job.folder,
        step=keeper.kept,
        steps=recipe.steps,
        best_psnr=keeper.best,
        best_step=keeper.best_step,
        anew=True,
    )


def _explained(error: BaseException, job: Job, *, started: bool) -> BaseException:
    """Return an error that says what to do, where it can be given; else the error itself."""
    if isinstance(error, RaincleanError):
        return error
    if job.checkpoint is not None and not started and isinstance(error, Exception) and not isinstance(error, OSError):
        return run_folder.damaged(job.checkpoint)
    if job.machine.devices * job.machine.nodes > 1 and isinstance(error, RuntimeError) and "peer" in str(error):
        return RaincleanError("another process of this run failed; see its message")
    return error
