"""The demo's second half: SPANet trained a little on the demo's data set, and scored beside the shipped weights."""

import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.stages import Progress
from rainclean.errors import RaincleanError

STEPS = 200
"""About two minutes on 2 cores."""

SHOWN = 3


@dataclass(frozen=True)
class Learnt:
    """What came of it. run: folder of the training; evaluation: folder with index.html; report: what that says."""

    run: Path
    evaluation: Path
    report: dict[str, Any]


def train_and_evaluate(output: Path, steps: int = STEPS) -> Generator[Progress, None, Learnt | None]:
    """Train on OUTPUT/dataset into OUTPUT/run and score its test pairs into OUTPUT/evaluation.

    None, and a note, where SPANet is not installed. Raises RaincleanError.
    """
    from pipeline.training import require_training
    from rainclean.spanet import shipped_weights

    try:
        require_training()
    except RaincleanError as error:
        yield Progress("train", 0, steps, f"training is left out: {error}")
        return None
    from pipeline.evaluate import EvaluateSettings, evaluate, evaluation_folder
    from pipeline.training.recipe import preset
    from pipeline.training.run_folder import BEST, RUN
    from pipeline.training.train import Machine, begin

    dataset, run, evaluation = (output / name for name in ("dataset", "run", "evaluation"))
    if (run / RUN).exists():  # of an earlier demo
        shutil.rmtree(run)
    recipe = preset("quick", steps=steps, validate_every=steps // 2, checkpoint_every=steps // 2)
    yield from begin(dataset, run, recipe, Machine(accelerator="cpu"))
    settings = EvaluateSettings((run / BEST, shipped_weights()), gallery=SHOWN, device="cpu")
    with evaluation_folder(evaluation, dataset) as folder:
        report = yield from evaluate(dataset, settings, folder)
    return Learnt(run, evaluation, report)
