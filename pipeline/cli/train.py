"""``rainclean train``: train SPANet on a data set, or go on with a run."""

from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from pipeline.cli.console import follow, print_json, print_note, print_text
from pipeline.stages import Progress
from pipeline.words import quoted
from rainclean.errors import UsageError

if TYPE_CHECKING:
    from pipeline.training import Machine, Trained


@dataclass(frozen=True)
class Train:
    """Train SPANet on the pairs of a data set.

    Takes every export, and SPA-Data as published. Judged by scenes that it does not learn from: split val, or some
    of the training scenes that are held out. A run that was stopped, by Ctrl-C or a crash, goes on with --resume and
    ends as if it had not been. TensorBoard: tensorboard --logdir RUN.
    """

    dataset: Annotated[Positional[Path | None], arg(metavar="DATASET")] = None
    """Folder of the data set; with --resume only where it has moved."""
    output: Annotated[Path | None, arg(aliases=["-o"], metavar="RUN")] = None
    """Folder of the run to begin."""
    snapshot: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Train on an immutable copy of the data set, made there first; links, where the disk can, take no room."""
    resume: Annotated[Path | None, arg(metavar="RUN")] = None
    """Go on with this run, with the recipe that it was begun with."""
    preset: Literal["paper", "released", "quick"] | None = None
    """paper (default): as published. released: as the published weights were made. quick: minutes on a CPU."""
    start: str | None = None
    """random, identity (a network that changes nothing), or a weights file to go on from."""
    steps: int | None = None
    """Steps of the optimiser."""
    batch: int | None = None
    """Examples of a step, over all devices."""
    size: int | None = None
    """Side of an example, px."""
    learning_rate: float | None = None
    """Initial learning rate of Adam."""
    decay: Literal["drop", "cosine"] | None = None
    """How the learning rate falls: drop, to a tenth after three quarters of the steps (as published), or cosine."""
    mask: Literal["threshold", "any-difference"] | None = None
    """What counts as rain: clearly brighter than the clean image, or any difference (as released)."""
    direction_attention: Literal["on", "off"] | None = None
    """Whether predicted weights on the directions are applied (paper) or not (as released). Default: the preset's, or
    that of the weights file to start from."""
    flip: Literal["on", "off"] | None = None
    """Mirror half of the examples left and right."""
    clip_gradients: float | None = None
    """Largest norm of the gradients; 0: no limit."""
    precision: Literal["32", "64", "bf16-mixed", "16-mixed"] | None = None
    """Mixed precision needs a device that has it."""
    validate_every: int | None = None
    """Steps between two validations."""
    validation_pictures: int | None = None
    """How many pictures to validate with, at most."""
    checkpoint_every: int | None = None
    """Steps between two checkpoints."""
    seed: int | None = None
    """Decides weights at the start, order, crops and held-out scenes."""
    skip_broken: bool = False
    """Train without pairs that cannot be read, instead of stopping at the first."""
    workers: int = 0
    """Processes that read pictures; results do not depend on them."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """What to compute on."""
    devices: int = 1
    """GPUs (or CPU processes) to share each batch."""
    nodes: int = 1
    """Machines; start the command on each with torchrun."""
    threads: int = 0
    """CPU threads; 0: as many as cores."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Train, and say where the weights are."""
        self._check()
        from pipeline.training import require_training

        require_training()
        from pipeline.training import RUN, Machine, is_further_process
        from rainclean.allocator import keep_freed_memory

        keep_freed_memory()
        machine = Machine(self.workers, self.accelerator, self.devices, self.nodes, self.threads)
        try:
            result = follow(self._stage(machine))
        except KeyboardInterrupt:
            run = self.resume or self.output
            if run is not None and (run / RUN).exists() and not is_further_process():
                print_note(f"note: what was reached is kept; rainclean train --resume {quoted(run)} goes on")
            raise
        if not is_further_process():
            self._report(result)

    def _stage(self, machine: "Machine") -> "Generator[Progress, None, Trained]":
        from pipeline.training import begin, preset, resume
        from rainclean.spanet import STARTS, read

        if self.resume is not None:
            return resume(self.resume, machine, self.dataset, skip=self.skip_broken)
        assert self.dataset is not None and self.output is not None
        changes = {name: getattr(self, name) for name in _RECIPE if name not in ("preset", "start")}
        changes |= {name: None if changes[name] is None else changes[name] == "on" for name in _SWITCHES}
        named = self.start in STARTS
        weights = None if self.start is None or named else Path(self.start)
        if weights is not None and self.direction_attention is None:
            changes["direction_attention"] = read(weights)[0].direction_attention
        recipe = preset(self.preset or "paper", start=self.start if named else None, **changes)
        dataset, output = self.dataset, self.output

        def begun(data: Path) -> "Generator[Progress, None, Trained]":
            return begin(data, output, recipe, machine, weights=weights, skip=self.skip_broken)

        return begun(dataset) if self.snapshot is None else _on_snapshot(dataset, self.snapshot, output, begun)

    def _check(self) -> None:
        if self.resume is None and (self.dataset is None or self.output is None):
            raise UsageError("train: name the data set and, with -o, the folder of the run (or --resume RUN)")
        if self.resume is not None:
            given = [name for name in ("output", "snapshot", *_RECIPE) if getattr(self, name) is not None]
            if given:
                flag = "-o" if given[0] == "output" else f"--{given[0].replace('_', '-')}"
                why = "cannot be changed when a run is resumed"
                raise UsageError(f"{flag} {why}: leave it out, or begin a new run with -o")
        for name, least in (("workers", 0), ("devices", 1), ("nodes", 1), ("threads", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"--{name} {getattr(self, name)}: at least {least}")

    def _report(self, result: "Trained") -> None:
        from pipeline.training import PROTOCOL

        best = result.folder / "best.safetensors"
        if self.json:
            document = {**asdict(result), "folder": str(result.folder), "weights": str(best), "protocol": PROTOCOL}
            print_json(document)
            return
        if not result.anew:
            print_note(f"note: {result.folder} is finished: all {result.steps} steps are done, nothing was trained")
        print_text(f"{best}: validation {result.best_psnr:.2f} dB ({PROTOCOL}) at step {result.best_step}")


def _on_snapshot(
    dataset: Path, folder: Path, output: Path, begun: "Callable[[Path], Generator[Progress, None, Trained]]"
) -> "Generator[Progress, None, Trained]":
    """A training on a copy of its data set that nothing changes any more."""
    from pipeline.training import check_new, is_further_process, take_snapshot

    if not is_further_process():  # of a run that the first one has begun
        check_new(output, folder)  # a copy should not be made for nothing
    return (yield from begun((yield from take_snapshot(dataset, folder))))


_SWITCHES = ("direction_attention", "flip")
_RECIPE = (
    "preset", "start", "steps", "batch", "size", "learning_rate", "decay", "mask", *_SWITCHES, "clip_gradients",
    "precision", "validate_every", "validation_pictures", "checkpoint_every", "seed",
)  # fmt: skip
