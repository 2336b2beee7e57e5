"""``rainclean train``: train SPANet or another network on a data set, or resume a run."""

from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg

from pipeline.cli.console import follow, print_json, print_note, print_text
from pipeline.cli.pairing_flags import NO_FLAGS, PairingFlags
from pipeline.stages import Progress
from pipeline.text_format import quoted
from rainclean.errors import RaincleanError, UsageError

if TYPE_CHECKING:
    from pipeline.training import Machine, Trained
    from rainclean.dataset import Pairing


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train SPANet, or a network of yours, on the pairs of a data set.

    Reads exports of rainclean, SPA-Data and other data sets. Validates on scenes that it does not learn from: the split
    val, or some training scenes that are held out. --resume continues a run after Ctrl-C or a crash, and ends with the
    same weights as without the interruption. TensorBoard: tensorboard --logdir RUN.

    --network trains what a function of yours returns: a torch module that maps (B, 3, H, W) RGB in 0…1 to the same. Its
    code is run, here and whenever you name it again: to resume, evaluate or derain.
    """

    dataset: Annotated[Positional[Path | None], arg(metavar="DATASET")] = None
    """Folder of the data set. With --resume, give it only if it has moved."""
    output: Annotated[Path | None, arg(aliases=["-o"], metavar="RUN")] = None
    """Folder for the new run."""
    pairing: Annotated[PairingFlags, OmitArgPrefixes] = NO_FLAGS
    snapshot: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """First copy the data set to this folder and train on the copy. Links are used where the disk supports them."""
    resume: Annotated[Path | None, arg(metavar="RUN")] = None
    """Resume this run with the settings it was started with."""
    network: Annotated[str | None, arg(metavar="MODULE:FACTORY")] = None
    """Train this network instead of SPANet: FILE.py:FACTORY, or MODULE:FACTORY of a module that Python finds."""
    network_arguments: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE…")] = ()
    """Arguments for the factory; values are JSON, or else text."""
    accept_changed_network: bool = False
    """With --resume: continue although the source of the network has changed."""
    preset: Literal["paper", "released", "quick"] | None = None
    """paper (default): as published. released: like the published weights. quick: some minutes on a CPU."""
    start: str | None = None
    """random, identity (a network that changes nothing), or a weights file to start from."""
    steps: int | None = None
    """Number of optimizer steps."""
    batch: int | None = None
    """Examples in each step, over all devices."""
    size: int | None = None
    """Side of an example in px."""
    learning_rate: float | None = None
    """Initial learning rate of Adam."""
    decay: Literal["drop", "cosine"] | None = None
    """Learning-rate schedule: drop (to 10 % after 75 % of the steps, as published) or cosine."""
    mask: Literal["threshold", "any-difference"] | None = None
    """What counts as rain: clearly brighter than the clean image, or any difference (as in the released code)."""
    direction_attention: Literal["on", "off"] | None = None
    """on as in the paper, off as in the released code. Default: as in the preset, or in the weights of --start."""
    flip: Literal["on", "off"] | None = None
    """Mirror half of the examples horizontally."""
    clip_gradients: float | None = None
    """Clip the norm of the gradients to this value; 0 for no limit."""
    precision: Literal["32", "64", "bf16-mixed", "16-mixed"] | None = None
    """Numerical precision. Mixed precision needs a device that supports it."""
    validate_every: int | None = None
    """Steps between validations."""
    validation_pictures: int | None = None
    """Largest number of validation images."""
    validation_share: float | None = None
    """Share to hold out for validation where there is no split val, such as 0.1: of the scenes, or of the clean images
    where names do not give the scenes."""
    checkpoint_every: int | None = None
    """Steps between checkpoints."""
    seed: int | None = None
    """Seed of the initial weights, the order, the crops and what is held out."""
    skip_broken: bool = False
    """Leave out pairs that cannot be read, instead of stopping at the first one."""
    workers: int = 0
    """Number of processes that read images; it does not change the result."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """Device to compute on."""
    devices: int = 1
    """Number of GPUs (or CPU processes) that share each batch."""
    nodes: int = 1
    """Number of machines; start the command on each with torchrun."""
    threads: int = 0
    """Number of CPU threads; 0 for one per core."""
    json: bool = False
    """Print JSON instead of text."""

    def run(self) -> None:
        """Train, and print where the weights are."""
        self._check()
        from pipeline.training import require_training

        require_training()
        from pipeline.training import RUN, Machine, is_further_process
        from rainclean.allocator import keep_freed_memory

        keep_freed_memory()
        machine = Machine(
            workers=self.workers,
            accelerator=self.accelerator,
            devices=self.devices,
            nodes=self.nodes,
            threads=self.threads,
        )
        try:
            result = follow(self._recorded(self._stage(machine)))
        except KeyboardInterrupt:
            run = self.resume or self.output
            if run is not None and (run / RUN).exists() and not is_further_process():
                print_note(f"note: progress is kept; resume with: rainclean train --resume {quoted(run)}")
            raise
        if not is_further_process():
            self._report(result)

    def _recorded(self, stage: "Generator[Progress, None, Trained]") -> "Generator[Progress, None, Trained]":
        """Record the training in the project that exported the data set, if it is at its place."""
        from pipeline.cli.command_line import command_line
        from pipeline.project.activities import project_of, recorded
        from pipeline.training import absolute_factory, is_further_process, run_folder

        if is_further_process():
            return stage
        run, dataset = self.resume or self.output, self.dataset
        assert run is not None
        if dataset is None:
            try:
                dataset = run_folder.read(run).dataset
            except RaincleanError:
                return stage  # what is wrong with the run is said when it is resumed
        return recorded(
            stage,
            project_of(dataset),
            "training",
            run,
            arguments=command_line("train", replace(self, network=self.network and absolute_factory(self.network))),
            summary=lambda one: {
                "steps": one.steps, "step": one.step, "best_psnr": one.best_psnr, "best_step": one.best_step
            },
        )  # fmt: skip

    def _stage(self, machine: "Machine") -> "Generator[Progress, None, Trained]":
        from pipeline.training import begin, parse_arguments, preset, resume
        from rainclean.spanet import STARTS

        network, changed = self.network or "", self.accept_changed_network
        if self.resume is not None:
            return resume(
                self.resume,
                machine,
                self.dataset,
                pairing=self.pairing.pairing(),
                network=network,
                accept_changed=changed,
                skip=self.skip_broken,
            )
        arguments = parse_arguments(self.network_arguments)
        assert self.dataset is not None and self.output is not None
        changes = {name: getattr(self, name) for name in _RECIPE if name not in ("preset", "start")}
        changes |= {name: None if changes[name] is None else changes[name] == "on" for name in _SWITCHES}
        named = self.start in STARTS
        weights = None if self.start is None or named else Path(self.start)
        if weights is not None and self.direction_attention is None and not network:
            from rainclean.spanet import read

            changes["direction_attention"] = read(weights)[0].direction_attention
        recipe = preset(self.preset or "paper", start=self.start if named else None, **changes)
        dataset, output, pairing = self.dataset, self.output, self.pairing.pairing()

        def begun(data: Path, pairing: "Pairing") -> "Generator[Progress, None, Trained]":
            options: dict[str, Any] = {"network": network, "arguments": arguments, "skip": self.skip_broken}
            return begin(data, output, recipe, machine, weights=weights, pairing=pairing, **options)

        if self.snapshot is None:
            return begun(dataset, pairing)
        return _on_snapshot(dataset, pairing, self.snapshot, output, begun)

    def _check(self) -> None:
        if self.resume is None and (self.dataset is None or self.output is None):
            raise UsageError("give the data set, and the folder of the run with -o; or use --resume RUN")
        if self.resume is not None:
            given = [name for name in ("output", "snapshot", *_RECIPE) if getattr(self, name) is not None]
            if self.pairing != NO_FLAGS and self.dataset is None:
                raise UsageError("--rainy, --clean, --pairs: give them with --resume only where DATASET has moved")
            if given:
                flag = "-o" if given[0] == "output" else f"--{given[0].replace('_', '-')}"
                why = "cannot be changed when a run is resumed"
                raise UsageError(f"{flag} {why}: leave it out, or start a new run with -o")
        self._check_network()
        for name, least in (("workers", 0), ("devices", 1), ("nodes", 1), ("threads", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"--{name} {getattr(self, name)}: at least {least}")

    def _check_network(self) -> None:
        """Refuse flags that do not go together."""
        if self.resume is not None and self.network_arguments:
            raise UsageError("--network-arguments cannot be changed when a run is resumed: leave it out")
        if self.resume is None and self.accept_changed_network:
            raise UsageError("--accept-changed-network goes with --resume")
        if self.network is None and self.network_arguments:
            raise UsageError("--network-arguments goes with --network")
        if self.network is not None and self.direction_attention is not None:
            raise UsageError("--direction-attention goes with SPANet: leave it out, or leave out --network")
        if self.network is not None and self.start in ("identity", "random"):
            raise UsageError(
                f"--start {self.start} goes with SPANet; a network of yours starts as its factory makes it"
            )

    def _report(self, result: "Trained") -> None:
        from pipeline.training import PROTOCOL

        best = result.folder / "best.safetensors"
        if self.json:
            document = {**asdict(result), "folder": str(result.folder), "weights": str(best), "protocol": PROTOCOL}
            print_json(document)
            return
        if not result.anew:
            print_note(f"note: {result.folder} is finished already: all {result.steps} steps are done")
        print_text(f"{best}: validation {result.best_psnr:.2f} dB ({PROTOCOL}) at step {result.best_step}")


def _on_snapshot(
    dataset: Path,
    pairing: "Pairing",
    folder: Path,
    output: Path,
    begun: "Callable[[Path, Pairing], Generator[Progress, None, Trained]]",
) -> "Generator[Progress, None, Trained]":
    """Train on an immutable copy of the data set."""
    from pipeline.training import check_new, is_further_process, take_snapshot
    from rainclean.dataset import KNOWN_NAMES

    if not is_further_process():  # of a run that the first one has begun
        check_new(output, folder)  # before the copy is made
    return (yield from begun((yield from take_snapshot(dataset, folder, pairing)), KNOWN_NAMES))


_SWITCHES = ("direction_attention", "flip")
_RECIPE = (
    "preset", "start", "steps", "batch", "size", "learning_rate", "decay", "mask", *_SWITCHES, "clip_gradients",
    "precision", "validate_every", "validation_pictures", "validation_share", "checkpoint_every", "seed",
)  # fmt: skip
