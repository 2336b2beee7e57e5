"""A training run from its data set to its weights, as a stage that can be followed and stopped.

torch is loaded once arguments and data set are read, and Lightning where the training begins: that takes seconds.
"""

import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.stages import Progress
from pipeline.training import run_folder
from pipeline.training.examples import Parts, divide, usable
from pipeline.training.job import Job, Machine, Trained, is_further_process
from pipeline.training.recipe import TrainRecipe
from rainclean import __version__
from rainclean.dataset import KNOWN_NAMES, Dataset, Pairing, read_dataset
from rainclean.errors import InputError, UsageError

if TYPE_CHECKING:
    import torch

    from pipeline.training.kinds import NetworkKind
    from rainclean.spanet import Origin

_LARGEST_CHECKPOINT = 16 << 30
"""Bytes of a checkpoint of a network of the user. That of SPANet has a limit of its own."""


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
    _check(recipe, machine)
    data = read_dataset(dataset, pairing)
    parts = divide(data, recipe.seed, recipe.validation_pictures, recipe.validation_share)
    notes: list[str] = []
    if not is_further_process():  # of a run that the first one has begun
        run_folder.check_new(folder, dataset)
        parts, notes = _judged_by_whole_pictures(parts, skip=skip)
    import torch

    from pipeline.training.start import new_network_of
    from rainclean.spanet import file_sha256

    net, kind = new_network_of(network, arguments or {}, recipe, weights)
    start = recipe.start if not network else f"as {network} makes it"
    if weights is not None:
        recipe = replace(recipe, start="weights", start_sha256=file_sha256(weights))
        start = str(weights)
    origin = _origin(recipe, data)
    job = Job(folder=folder, recipe=recipe, net=net, kind=kind, parts=parts, machine=machine, skip=skip, origin=origin)
    from pipeline.training.fit import check_accelerator, fit

    check_accelerator(recipe, machine)
    if is_further_process():
        return (yield from fit(job))
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
        kind.write(net.state_dict(), folder / run_folder.LAST, origin)
        run_folder.create(folder, record)
        words = f"{len(parts.training)} training pairs; validation: {parts.description}; start: {start}"
        if kind.record is None:
            words += f", direction attention {'on' if recipe.direction_attention else 'off'}"
        for note in (words, *notes):
            yield Progress("train", 0, recipe.steps, note=note)
        return (yield from fit(job))


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
    from pipeline.training.kinds import SPANET, UserKind
    from pipeline.training.start import network_again

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
    notes: list[str] = []
    if not is_further_process():
        parts, notes = _judged_by_whole_pictures(parts, skip=skip)
    job = Job(
        folder=folder,
        recipe=recipe,
        net=net,
        kind=kind,
        parts=parts,
        machine=machine,
        skip=skip,
        origin=_origin(recipe, data),
        checkpoint=path if path.exists() else None,
        first=step,
    )
    from pipeline.training.fit import check_accelerator, fit

    check_accelerator(recipe, machine)
    if is_further_process():
        return (yield from fit(job))
    with run_folder.locked(folder):
        for note in (f"resuming from step {step} of {recipe.steps}", *notes):
            yield Progress("train", step, recipe.steps, note=note)
        return (yield from fit(job))


def _judged_by_whole_pictures(parts: Parts, *, skip: bool) -> tuple[Parts, list[str]]:
    good, skipped = usable(parts.validation, skip_broken=skip)
    return replace(parts, validation=tuple(good)), [f"skipped: {text}" for text in skipped]


def _origin(recipe: TrainRecipe, data: Dataset) -> "Origin":
    from rainclean.spanet import Origin

    kind = f"trained by rainclean {__version__}, preset {recipe.preset}"
    source = data.root.resolve().name
    return Origin(recipe.direction_attention, kind, source=source, source_sha256=data.pairs_sha256, steps="0")


@dataclass(frozen=True)
class _Reached:
    """The content of a checkpoint: step, best validation PSNR and its step, weights by their names in SPANet."""

    step: int
    best: float
    best_step: int
    weights: "dict[str, torch.Tensor]"


def _reached(path: Path, kind: "NetworkKind") -> _Reached:
    """Read a checkpoint. Raises InputError."""
    from rainclean.spanet import unpickle

    advice = run_folder.new_run_advice(path)
    state = unpickle(path, advice) if kind.record is None else unpickle(path, advice, _LARGEST_CHECKPOINT)
    try:
        kept = state["callbacks"]["Keeper"]
        weights = {name.removeprefix("net."): value for name, value in state["state_dict"].items()}
        return _Reached(int(state["global_step"]), float(kept["best"]), int(kept["best_step"]), weights)
    except Exception as error:  # a damaged file can hold anything
        raise run_folder.damaged(path) from error


def _finished(folder: Path, kind: "NetworkKind", recipe: TrainRecipe, reached: _Reached) -> Trained:
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
