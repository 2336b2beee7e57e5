"""What a worker does: one task, into the folder of results."""

import platform
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

from pipeline.batch.result_folder import ResultFolder
from pipeline.batch.tasks import Task
from pipeline.border import told
from pipeline.project.analysis import compute, whole_sequence_of
from pipeline.project.storage import ARTEFACTS, Artefacts
from pipeline.stages import Progress, finish
from rainclean import __version__
from rainclean.environment import DECODER_THREADS
from rainclean.errors import RaincleanError

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", DECODER_THREADS), "1"
)
"""Environment of a worker, in which libraries and decoders compute in one thread."""


class Outcome(NamedTuple):
    """What became of a task.

    Attributes:
        key: Of the task.
        error: Why it failed, one line; "" where its result is in the folder.
        general: No clip is to blame: every other task would fail the same way.
    """

    key: str
    error: str = ""
    general: bool = False


def compute_into(
    results: ResultFolder, task: Task, *, workers: int, memory: int | None = None
) -> Generator[Progress, None, None]:
    """Do a task, unless its result is there.

    Args:
        results: Takes the result.
        task: The task.
        workers: Threads.
        memory: Limit where the task has none, bytes.

    Raises:
        RaincleanError: The clip cannot be used, the folder cannot be written to, or this is another rainclean.
    """
    if results.has(task):
        return
    check_version(task)
    settings = task.request.settings(workers=workers, memory=memory)
    yield Progress("open", 0, None)
    with results.making(task) as partial:
        with whole_sequence_of(task.folder, task.clip, task.sequence) as source:
            computed = yield from compute(
                source, task.sequence, settings, Artefacts(partial / ARTEFACTS), keep=task.request.keep
            )
        results.write(task, partial, computed)


def check_version(task: Task) -> None:
    """Raise RaincleanError where this rainclean would make other candidates than the one that made the task."""
    if task.rainclean != __version__ or task.request.lasting() != task.settings:
        raise RaincleanError(
            f"{platform.node()}: rainclean {__version__} there, {task.rainclean} here, or other plug-ins; install the "
            "same on all machines"
        )


def work(task: Task, folder: Path, memory: int | None = None) -> Outcome:
    """Do a task in one thread, in a process that does nothing else at the time; never raises what a clip causes.

    Args:
        task: The task.
        folder: Folder of results, which must exist.
        memory: Limit where the task has none, bytes.
    """
    import cv2

    cv2.setNumThreads(1)
    results = ResultFolder(folder)
    try:
        check_version(task)
        results.check()
    except RaincleanError as error:
        return Outcome(task.key, told(error), general=True)
    try:
        finish(compute_into(results, task, workers=1, memory=memory))
    except Exception as error:
        if results.has(task):  # another worker was faster, and removed what this one was writing
            return Outcome(task.key)
        return Outcome(task.key, told(error, task.sequence.name))
    return Outcome(task.key)
