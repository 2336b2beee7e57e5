"""A training run from its data set to its weights, as a stage that can be followed and stopped."""

import logging
import os
import warnings
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities import rank_zero_only
from torch import nn
from torch.utils.data import DataLoader

from pipeline import signals
from pipeline.stages import Progress
from pipeline.training import run_folder
from pipeline.training.examples import Parts, divide
from pipeline.training.keeper import Keeper, Stopped
from pipeline.training.kinds import SPANET, NetworkKind, UserKind
from pipeline.training.module import Training
from pipeline.training.recipe import TrainRecipe
from pipeline.training.start import network_again, new_network_of
from pipeline.training.validation import usable
from rainclean import __version__
from rainclean.dataset import KNOWN_NAMES, Dataset, Pairing, read_dataset
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.spanet import (
    Batches,
    Cut,
    Examples,
    Origin,
    file_sha256,
    together,
    unpickle,
)

_LARGEST_CHECKPOINT = 16 << 30
"""Bytes of a checkpoint of a network of the user. That of SPANet has a limit of its own."""


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


def begin(
    dataset: Path,
    folder: Path,
    recipe: TrainRecipe,
    machine: Machine,
    *,
    weights: Path | None = None,
    pairing: Pairing = KNOWN_NAMES,
    network: str = "",
    arguments: Mapping[str, Any] | None = None,
    skip: bool = False,
) -> Generator[Progress, None, Trained]:
    """Start a training run.

    Args:
        dataset: Folder of the data set.
        folder: Folder of the run; must be empty or missing.
        recipe: What to train, and how.
        machine: Where to compute.
        weights: Weights file to start from; None starts as the recipe says.
        pairing: What a person says about the pairs of the data set.
        network: Factory of another network than SPANet (`networks.make_network`); its code is run.
        arguments: Of that factory, by name.
        skip: Leave broken pairs out instead of failing.

    Yields:
        Progress of the stage "train".

    Returns:
        The result, once the run is finished or stopped.

    Raises:
        RaincleanError: The run cannot start (nothing is written then), or it failed.
    """
    if network:
        recipe = replace(recipe, start="random", direction_attention=False)
    net, kind = new_network_of(network, arguments or {}, recipe, weights)
    start = recipe.start if not network else f"as {network} makes it"
    if weights is not None:
        recipe = replace(recipe, start="weights", start_sha256=file_sha256(weights))
        start = str(weights)
    _check(recipe, machine)
    data = read_dataset(dataset, pairing)
    parts = divide(data, recipe.seed, recipe.validation_pictures, recipe.validation_share)
    job = _Job(folder=folder, recipe=recipe, net=net, kind=kind, data=data, parts=parts, machine=machine, skip=skip)
    if is_further_process():  # of a run that the first one has begun
        return (yield from _train(job))
    run_folder.check_new(folder, dataset)
    job, notes = _judged_by_whole_pictures(job)
    threads = machine.threads or torch.get_num_threads()
    record = run_folder.RunRecord(
        recipe,
        dataset,
        data.pairs_sha256,
        run_folder.environment(threads),
        pairing=pairing,
        network=kind.record,
    )
    with run_folder.locked(folder):
        run_folder.check_new(folder, dataset)
        kind.write(net.state_dict(), folder / run_folder.LAST, _origin(recipe, data))
        run_folder.create(folder, record)
        words = f"{len(job.parts.training)} training pairs; validation: {job.parts.description}; start: {start}"
        if kind.record is None:
            words += f", direction attention {'on' if recipe.direction_attention else 'off'}"
        yield Progress("train", 0, recipe.steps, note=words)
        for note in notes:
            yield Progress("train", 0, recipe.steps, note=note)
        return (yield from _train(job))


def resume(
    folder: Path,
    machine: Machine,
    dataset: Path | None = None,
    *,
    pairing: Pairing = KNOWN_NAMES,
    network: str = "",
    accept_changed: bool = False,
    skip: bool = False,
) -> Generator[Progress, None, Trained]:
    """Resume a run from its last checkpoint, as if it had never stopped.

    Args:
        folder: Folder of the run.
        machine: Where to compute. Without a number of threads, the run uses that of its start.
        dataset: Where the data set is now; None where it has not moved.
        pairing: What a person says about its pairs, where that has moved too.
        network: Factory of the run's network, where that is not SPANet: its code runs only if a person names it.
        accept_changed: Resume even if the source of that network has changed.
        skip: Leave broken pairs out instead of failing.

    Yields:
        Progress of the stage "train".

    Returns:
        The result, once the run is finished or stopped.

    Raises:
        RaincleanError: The run or its data set cannot be used, or the training failed.
    """
    record = run_folder.read(folder)
    recipe = record.recipe
    path = folder / run_folder.CHECKPOINT
    kind: NetworkKind = SPANET if record.network is None else UserKind(record.network)
    reached = _reached(path, kind) if path.exists() else None
    if reached is not None and reached.step >= recipe.steps:
        return _finished(folder, kind, recipe, reached)
    net, kind, origin = network_again(folder, record, network, accept_changed=accept_changed)
    step = 0 if reached is None else reached.step
    if reached is None and origin.steps != "0":
        advice = f"start a new run with --start {folder / run_folder.LAST}"
        raise InputError(path, "is missing, and the weights beside it are not the initial ones", advice)
    try:
        data = read_dataset(dataset or record.dataset, pairing if pairing.is_named else record.pairing)
    except InputError as error:
        advice = f"if the data set has moved: rainclean train DATASET --resume {folder}"
        raise InputError(error.path, error.reason, advice) from error
    if data.pairs_sha256 != record.pairs_sha256:
        advice = "give that one as DATASET, or start a new run"
        raise InputError(data.root, f"is not the data set that {folder} was started with", advice)
    machine = replace(machine, threads=machine.threads or int(record.environment.get("threads", "0")))
    _check(recipe, machine)
    parts = divide(data, recipe.seed, recipe.validation_pictures, recipe.validation_share)
    job = _Job(
        folder=folder,
        recipe=recipe,
        net=net,
        kind=kind,
        data=data,
        parts=parts,
        machine=machine,
        skip=skip,
        checkpoint=path if path.exists() else None,
        first=step,
    )
    if is_further_process():
        return (yield from _train(job))
    job, notes = _judged_by_whole_pictures(job)
    with run_folder.locked(folder):
        for note in (f"resuming from step {step} of {recipe.steps}", *notes):
            yield Progress("train", step, recipe.steps, note=note)
        return (yield from _train(job))


def is_further_process() -> bool:
    """Return whether this is a further process of a run, started by Lightning or torchrun; the first one reports."""
    return bool(getattr(rank_zero_only, "rank", 0))


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


@dataclass(frozen=True, kw_only=True)
class _Job:
    """Everything that a training needs. checkpoint: where it resumes, at step ``first``."""

    folder: Path
    recipe: TrainRecipe
    net: nn.Module
    kind: NetworkKind
    data: Dataset
    parts: Parts
    machine: Machine
    skip: bool
    checkpoint: Path | None = None
    first: int = 0


def _judged_by_whole_pictures(job: _Job) -> tuple[_Job, list[str]]:
    good, skipped = usable(job.parts.validation, skip_broken=job.skip)
    return replace(job, parts=replace(job.parts, validation=tuple(good))), [f"skipped: {text}" for text in skipped]


def _train(job: _Job) -> Generator[Progress, None, Trained]:
    recipe, machine, data = job.recipe, job.machine, job.data
    cut = Cut(recipe.size, recipe.smallest_scale, recipe.flip)
    examples = Examples(job.parts.training, cut, recipe.mask, recipe.seed, skip_broken=job.skip)
    messages: SimpleQueue[Progress | BaseException | None] = SimpleQueue()
    stop = Event()

    def report(step: int, text: str) -> None:
        messages.put(Progress("train", step, recipe.steps, note=text))

    origin = _origin(recipe, data)
    keeper = Keeper(job.folder, validation=job.parts.validation, origin=origin, report=report, stop=stop)

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


def _explained(error: BaseException, job: _Job, *, started: bool) -> BaseException:
    """Return an error that says what to do, where it can be given; else the error itself."""
    if isinstance(error, RaincleanError):
        return error
    if job.checkpoint is not None and not started and isinstance(error, Exception) and not isinstance(error, OSError):
        return _damaged(job.checkpoint)
    if job.machine.devices * job.machine.nodes > 1 and isinstance(error, RuntimeError) and "peer" in str(error):
        return RaincleanError("another process of this run failed; see its message")
    return error


def _origin(recipe: TrainRecipe, data: Dataset) -> Origin:
    kind = f"trained by rainclean {__version__}, preset {recipe.preset}"
    source = data.root.resolve().name
    return Origin(recipe.direction_attention, kind, source=source, source_sha256=data.pairs_sha256, steps="0")


@dataclass(frozen=True)
class _Reached:
    """The content of a checkpoint: step, best validation PSNR and its step, weights by their names in SPANet."""

    step: int
    best: float
    best_step: int
    weights: dict[str, torch.Tensor]


def _reached(path: Path, kind: NetworkKind) -> _Reached:
    """Read a checkpoint. Raises InputError."""
    advice = _new_run(path)
    state = unpickle(path, advice) if kind.record is None else unpickle(path, advice, _LARGEST_CHECKPOINT)
    try:
        kept = state["callbacks"]["Keeper"]
        weights = {name.removeprefix("net."): value for name, value in state["state_dict"].items()}
        return _Reached(int(state["global_step"]), float(kept["best"]), int(kept["best_step"]), weights)
    except Exception as error:  # a damaged file can hold anything
        raise _damaged(path) from error


def _damaged(path: Path) -> InputError:
    return InputError(path, "is damaged", _new_run(path))


def _new_run(checkpoint: Path) -> str:
    return f"start a new run with --start {checkpoint.with_name(run_folder.LAST)}"


def _finished(folder: Path, kind: NetworkKind, recipe: TrainRecipe, reached: _Reached) -> Trained:
    """Return the result of a finished run; write its weights if a kill came between the last checkpoint and them."""
    origin, _ = kind.read(folder / run_folder.LAST)
    if origin.steps != str(reached.step):
        kind.write(reached.weights, folder / run_folder.LAST, replace(origin, steps=str(reached.step)))
    return Trained(
        folder=folder,
        step=reached.step,
        steps=recipe.steps,
        best_psnr=reached.best,
        best_step=reached.best_step,
        anew=False,
    )


def _check(recipe: TrainRecipe, machine: Machine) -> None:
    """Raise UsageError where the machine does not fit the recipe, or is not available."""
    share = machine.devices * machine.nodes
    if recipe.batch % share:
        raise UsageError(f"--batch {recipe.batch}: must be a multiple of the number of devices, {share}")
    available = os.cpu_count() or 1
    if machine.workers > 8 * available:
        raise UsageError(f"--workers {machine.workers}: this machine has {available} cores")
    world = os.environ.get("WORLD_SIZE", "1" if machine.nodes > 1 else str(share))
    if world != str(share):
        how = f"{world} processes are started, but --devices times --nodes is {share}"
        raise UsageError(f"{how}; on several machines, start the command on each with torchrun")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            accelerator = trainer_for(recipe, machine, []).accelerator
    except MisconfigurationException as error:
        raise UsageError(f"--accelerator {machine.accelerator}: {' '.join(str(error).split())}") from error
    if recipe.precision == "16-mixed" and isinstance(accelerator, CPUAccelerator):
        raise UsageError("--precision 16-mixed: needs a GPU; use bf16-mixed on a CPU")
