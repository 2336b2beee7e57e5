"""A training run from its data set to its weights: a stage, so that it can be followed and stopped."""

import logging
import os
import warnings
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities import rank_zero_only
from torch.utils.data import DataLoader

from pipeline.stages import Progress
from pipeline.training import run_folder
from pipeline.training.examples import Parts, divide
from pipeline.training.keeper import Keeper
from pipeline.training.module import Training
from pipeline.training.recipe import TrainRecipe
from rainclean import __version__
from rainclean.errors import InputError, RaincleanError
from rainclean.formats.dataset import Dataset, read_dataset
from rainclean.spanet.data import Batches, Cut, Examples, together
from rainclean.spanet.network import SPANet
from rainclean.spanet.start import new_network
from rainclean.spanet.weights import Origin, file_sha256, load, save


@dataclass(frozen=True)
class Machine:
    """Where a run computes; nothing here changes what it is asked to learn.

    workers: processes that read pictures, 0 for none beside the training's own. accelerator: auto, cpu, gpu.
    devices: on each machine. nodes: machines. threads: of the CPU, 0 for torch's choice.
    """

    workers: int = 0
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    threads: int = 0


@dataclass(frozen=True)
class Trained:
    """How a run stands. state: finished, stopped (resume it), or "was finished" before this call.

    best_psnr: of the validation, protocol `validation.PROTOCOL`, at best_step.
    """

    folder: Path
    state: str
    step: int
    steps: int
    best_psnr: float
    best_step: int


def begin(
    dataset: Path, folder: Path, recipe: TrainRecipe, machine: Machine, weights: Path | None = None, skip: bool = False
) -> Generator[Progress, None, Trained]:
    """Train from the start. weights: what recipe.start "weights" means. skip: train without broken pairs.

    Raises RaincleanError, before anything is written, for what cannot be trained.
    """
    if weights is not None:
        net = load(weights).requires_grad_()
        recipe = replace(
            recipe, start="weights", start_sha256=file_sha256(weights), direction_attention=net.direction_attention
        )
    else:
        net = new_network(recipe.start, recipe.direction_attention, recipe.seed)
    data = read_dataset(dataset)
    parts = divide(data, recipe.seed, recipe.validation_pictures)
    _check(recipe, machine)
    threads = machine.threads or torch.get_num_threads()
    record = run_folder.RunRecord(recipe, dataset, data.pairs_sha256, run_folder.environment(threads))
    if _is_further_process():  # a further process of the same run: the first one has begun it
        return (yield from _train(folder, recipe, net, data, parts, machine, None, skip))
    with run_folder.locked(folder):
        run_folder.create(folder, record)
        save(net, folder / run_folder.LAST, _origin(recipe, data))
        yield Progress("train", 0, recipe.steps, f"{len(parts.training)} training pairs; validation: {parts.words}")
        return (yield from _train(folder, recipe, net, data, parts, machine, None, skip))


def resume(
    folder: Path, machine: Machine, dataset: Path | None = None, skip: bool = False
) -> Generator[Progress, None, Trained]:
    """Go on with a run from its last checkpoint, as if it had never stopped. dataset: where the data set is now."""
    record = run_folder.read(folder)
    recipe = record.recipe
    path = folder / run_folder.CHECKPOINT
    step, best, best_step = _reached(path) if path.exists() else (0, float("-inf"), 0)
    if step >= recipe.steps:
        return Trained(folder, "was finished", step, recipe.steps, best, best_step)
    data = read_dataset(dataset or record.dataset)
    if data.pairs_sha256 != record.pairs_sha256:
        advice = "name the same one as DATASET, or begin a new run"
        raise InputError(data.root, f"is another data set than the one that {folder} was begun with", advice)
    parts = divide(data, recipe.seed, recipe.validation_pictures)
    _check(recipe, machine)
    # Without a checkpoint yet, these are what the run began with.
    net, checkpoint = load(folder / run_folder.LAST).requires_grad_(), path if path.exists() else None
    if _is_further_process():
        return (yield from _train(folder, recipe, net, data, parts, machine, checkpoint, skip, step))
    with run_folder.locked(folder):
        yield Progress("train", step, recipe.steps, f"going on from step {step} of {recipe.steps}")
        return (yield from _train(folder, recipe, net, data, parts, machine, checkpoint, skip, step))


def trainer_for(recipe: TrainRecipe, machine: Machine, callbacks: list[Keeper]) -> Trainer:
    """Lightning's trainer for a recipe: it steps, the keeper does the rest."""
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
    """Batches of one process from step ``first`` on."""
    return DataLoader(
        data,
        batch_sampler=Batches(first, recipe.steps, recipe.batch, rank, machine.devices * machine.nodes),
        collate_fn=together,
        num_workers=machine.workers,
        # Forked children of a process with threads can wait for ever.
        multiprocessing_context="spawn" if machine.workers else None,
        persistent_workers=machine.workers > 0,
        pin_memory=machine.accelerator != "cpu" and torch.cuda.is_available(),
    )


def _train(
    folder: Path,
    recipe: TrainRecipe,
    net: SPANet,
    data: Dataset,
    parts: Parts,
    machine: Machine,
    checkpoint: Path | None,
    skip: bool,
    first: int = 0,
) -> Generator[Progress, None, Trained]:
    cut = Cut(recipe.size, recipe.smallest_scale, recipe.flip)
    examples = Examples(parts.training, cut, recipe.mask, recipe.seed, skip)
    said: SimpleQueue[tuple[int, str] | BaseException | None] = SimpleQueue()
    stop = Event()
    keeper = Keeper(folder, parts.validation, _origin(recipe, data), lambda step, text: said.put((step, text)), stop)

    def work() -> None:
        try:
            if machine.threads:
                torch.set_num_threads(machine.threads)
            trainer = trainer_for(recipe, machine, [keeper])
            batches = loader(examples, recipe, machine, first, trainer.global_rank)
            with warnings.catch_warnings():
                # Lightning advises on workers and logging, which are ours to choose.
                warnings.simplefilter("ignore")
                trainer.fit(Training(net, recipe), batches, ckpt_path=checkpoint, weights_only=True)
            said.put(None)
        except BaseException as error:
            said.put(error)

    # In a thread of its own, so that Ctrl-C reaches whoever follows, who then lets the step be finished and kept.
    thread = Thread(target=work, name="rainclean-train")
    thread.start()
    try:
        while (word := said.get()) is not None:
            if isinstance(word, BaseException):
                raise word
            step, text = word
            yield Progress("train", step, recipe.steps, text)
    finally:
        stop.set()
        thread.join()
    step = keeper.kept
    state = "finished" if step >= recipe.steps else "stopped"
    return Trained(folder, state, step, recipe.steps, keeper.best, keeper.best_step)


def _reached(path: Path) -> tuple[int, float, int]:
    """Step, best validation PSNR and its step of a checkpoint. Raises InputError."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        kept = state["callbacks"]["Keeper"]
        return int(state["global_step"]), float(kept["best"]), int(kept["best_step"])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError) as error:
        raise InputError(path, "is damaged", "begin a new run; its weights are in last.safetensors") from error


def _origin(recipe: TrainRecipe, data: Dataset) -> Origin:
    kind = f"trained by rainclean {__version__}, preset {recipe.preset}"
    return Origin(recipe.direction_attention, kind, data.root.resolve().name, data.pairs_sha256, "0")


def _is_further_process() -> bool:
    """Whether Lightning or torchrun has started this process beside the first one of the run."""
    return bool(getattr(rank_zero_only, "rank", 0))


def _check(recipe: TrainRecipe, machine: Machine) -> None:
    share = machine.devices * machine.nodes
    if recipe.batch % share:
        raise RaincleanError(f"--batch {recipe.batch}: must be a multiple of the {share} devices that share it")
    available = os.cpu_count() or 1
    if machine.workers > 8 * available:
        raise RaincleanError(f"--workers {machine.workers}: this machine has {available} cores")
