"""The second half of the demo: train SPANet briefly on the demo's data set, and score it beside the shipped weights."""

import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.stages import Progress
from rainclean.errors import RaincleanError

if TYPE_CHECKING:
    from pipeline.evaluation import EvaluationReport

STEPS = 200
"""About two minutes on 2 cores."""

SHOWN = 3


@dataclass(frozen=True)
class Learnt:
    """The result of the training. run: its folder; evaluation: folder with index.html; report: its content."""

    run: Path
    evaluation: Path
    report: "EvaluationReport"


def train_and_evaluate(output: Path, steps: int = STEPS) -> Generator[Progress, None, Learnt | None]:
    """Train on OUTPUT/dataset into OUTPUT/run, and score its test pairs into OUTPUT/evaluation.

    Returns None, after a note, where SPANet is not installed. Raises RaincleanError.
    """
    from pipeline.training import require_training
    from rainclean.spanet import shipped_weights

    try:
        require_training()
    except RaincleanError as error:
        yield Progress("train", 0, steps, note=f"training skipped: {error}")
        return None
    from pipeline.evaluation import EvaluateSettings, evaluate, evaluation_folder
    from pipeline.training import BEST, RUN, Machine, begin, preset

    dataset, run, evaluation = (output / name for name in ("dataset", "run", "evaluation"))
    recipe = preset("quick", steps=steps, validate_every=steps // 2, checkpoint_every=steps // 2)
    if (run / RUN).exists():  # of an earlier demo
        _check_ours(run, dataset)
        shutil.rmtree(run)
    yield from begin(dataset, run, recipe, Machine(accelerator="cpu"))
    settings = EvaluateSettings((run / BEST, shipped_weights()), gallery=SHOWN, device="cpu")
    with evaluation_folder(evaluation, dataset) as folder:
        report = yield from evaluate(dataset, settings, folder)
    return Learnt(run, evaluation, report)


def _check_ours(run: Path, dataset: Path) -> None:
    """Raise RaincleanError unless a folder is the training of a demo, and nothing else lies in it."""
    from pipeline.training import run_folder

    known = {getattr(run_folder, name) for name in ("RUN", "CHECKPOINT", "METRICS", "LAST", "BEST", "CURVES")}
    known |= {run_folder.VALIDATION, run_folder.TENSORBOARD}
    strange = [path.name for path in run.iterdir() if not path.name.startswith(".") and path.name not in known]
    of_demo = not run.is_symlink() and run_folder.read(run).dataset == dataset.resolve()
    if strange or not of_demo:
        what = f"holds {strange[0]}, which is not part of the demo" if strange else "is another run"
        raise RaincleanError(f"{run}: {what}; choose another folder with -o")
