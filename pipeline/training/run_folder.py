"""The folder of a training run, and its files.

run.json            recipe, data set with its check sum, environment; written once
last.ckpt           state of the training after the latest checkpoint: what resuming reads
last.safetensors    weights at that point; best.safetensors: with the best validation PSNR so far
metrics.csv         losses and validation by step
curves.png          the same as a picture; validation.png: some validation pictures
tensorboard/        scalars and pictures for TensorBoard
"""

import json
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

from pipeline.partial import Lock, remove, unique
from pipeline.training.network_record import NetworkRecord
from pipeline.training.recipe import TrainRecipe
from rainclean import __version__
from rainclean.dataset import KNOWN_NAMES, Pairing
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.json_text import parse_json

RUN, CHECKPOINT, METRICS = "run.json", "last.ckpt", "metrics.csv"
LAST, BEST = "last.safetensors", "best.safetensors"
CURVES, VALIDATION, TENSORBOARD = "curves.png", "validation.png", "tensorboard"

_LOCK = ".lock"
_LIBRARIES = ("torch", "lightning", "numpy", "opencv-python", "numba")


@dataclass(frozen=True)
class RunRecord:
    """The content of run.json.

    dataset: its folder; pairs_sha256: of its pairs (`rainclean.dataset.reader.Dataset`). pairing: what a person said
    about its pairs. network: how a network that is not SPANet was made; reading it runs no code.
    """

    recipe: TrainRecipe
    dataset: Path
    pairs_sha256: str
    environment: dict[str, str]
    _: KW_ONLY
    pairing: Pairing = KNOWN_NAMES
    network: NetworkRecord | None = None


def check_new(folder: Path, dataset: Path) -> None:
    """Raise RaincleanError unless a run can start in a folder; writes nothing."""
    if (folder / RUN).exists():
        resume = f"resume it with --resume {folder}"
        raise RaincleanError(f"{folder}: is a run already; {resume}, or choose another folder with -o")
    if folder.exists() and not folder.is_dir():
        raise RaincleanError(f"{folder}: is a file; name a folder with -o")
    # Weights beside a lock, without run.json, belong to a run that was killed while it started.
    begun = (folder / _LOCK).is_file() and not (folder / LAST).is_symlink()
    if folder.exists() and any(not (p.name.startswith(".") or (p.name == LAST and begun)) for p in folder.iterdir()):
        raise RaincleanError(f"{folder}: is not empty, and not a run of rainclean train; choose another folder with -o")
    if folder.resolve().is_relative_to(dataset.resolve()):
        raise RaincleanError(f"{folder}: lies in the data set, which must not change; choose another folder with -o")


def create(folder: Path, record: RunRecord) -> None:
    """Write run.json, which makes a folder a run. Raises RaincleanError where it cannot be written."""
    try:
        document: dict[str, Any] = {
            "rainclean": __version__,
            "recipe": record.recipe.to_json(),
            "dataset": str(record.dataset.resolve()),
            "pairs_sha256": record.pairs_sha256,
            "environment": record.environment,
        }
        if record.pairing.is_named:
            document["pairing"] = record.pairing.to_json()
        if record.network is not None:
            document["network"] = record.network.to_json()
        put(folder / RUN, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise RaincleanError(
            f"{error.filename or folder}: {error.strerror or error}; choose another folder with -o"
        ) from error


def read(folder: Path) -> RunRecord:
    """Read run.json. Raises InputError where it is missing or damaged."""
    path = folder / RUN
    try:
        document = parse_json(path.read_text(encoding="utf-8"))
        recipe = TrainRecipe.from_json(document["recipe"])
        environment = {str(k): str(v) for k, v in document["environment"].items()}
        pairing = Pairing.from_json(document.get("pairing", {}))
        network = NetworkRecord.from_json(document["network"]) if "network" in document else None
        dataset, pairs = Path(document["dataset"]), str(document["pairs_sha256"])
        return RunRecord(recipe, dataset, pairs, environment, pairing=pairing, network=network)
    except OSError as error:
        raise InputError(folder, f"is not a run of rainclean train ({RUN}: {error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError, UsageError) as error:
        raise InputError(path, f"is damaged ({' '.join(str(error).split())})", "start a new run") from error


def damaged(checkpoint: Path) -> InputError:
    """Return the error for a damaged checkpoint."""
    return InputError(checkpoint, "is damaged", new_run_advice(checkpoint))


def new_run_advice(checkpoint: Path) -> str:
    """Return what to do where a checkpoint cannot be used."""
    return f"start a new run with --start {checkpoint.with_name(LAST)}"


def weights_in(path: Path) -> Path:
    """Return a weights file, or the best weights of a run's folder. Raises InputError for another folder."""
    if not path.is_dir():
        return path
    if not (path / RUN).is_file():
        raise InputError(path, "is a folder, but not a training run", "give a weights file, or the folder of a run")
    return path / BEST


def environment(threads: int) -> dict[str, str]:
    """Return versions and machine, to explain later why two runs differ."""
    from importlib.metadata import PackageNotFoundError, version  # not above: it loads much that nobody else needs

    found = {"python": platform.python_version(), "system": platform.platform(), "threads": str(threads)}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a run for this process. Raises RaincleanError where another one holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RaincleanError(
            f"{error.filename or folder}: {error.strerror or error}; choose another folder with -o"
        ) from error
    for name in (_LOCK, RUN, CHECKPOINT, METRICS, LAST, BEST, CURVES, VALIDATION, TENSORBOARD):
        if (folder / name).is_symlink():
            raise RaincleanError(f"{folder / name}: is a link, and nothing is written through it; move it away")
    lock = Lock(folder / _LOCK)
    try:
        if not lock.take():
            raise RaincleanError(f"{folder}: another rainclean is training this run; wait for it")
    except OSError as error:
        raise RaincleanError(
            f"{error.filename or folder}: {error.strerror or error}; choose another folder with -o"
        ) from error
    try:
        for leftover in folder.glob(".*partial*"):  # of a process that was killed: the lock is ours
            remove(leftover)
        yield
    finally:
        lock.let_go(remove=False)


def put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    put_by(path, lambda partial: partial.write_bytes(content))


def put_by(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file whole or not at all, with a function that writes to the path it is given."""
    partial = unique(path)
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
