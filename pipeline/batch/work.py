"""What a worker does: one task, into the folder of results."""

import logging
import platform
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler
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

_LOGGERS = ("rainclean", "pipeline")

_log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What became of a task.

    Attributes:
        key: Of the task.
        error: Why it failed, one line; "" where its result is in the folder.
        general: No clip is to blame: every other task would fail the same way.
        log: Records of the worker's loggers, where the command logs.
    """

    key: str
    error: str = ""
    general: bool = False
    log: tuple[logging.LogRecord, ...] = ()

    def hand_on(self) -> None:
        """Log here what the worker has logged."""
        for record in self.log:
            logging.getLogger(record.name).handle(record)


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


def is_logging() -> bool:
    """Return whether this command logs, so that its workers must."""
    return all(logging.getLogger(name).isEnabledFor(logging.DEBUG) for name in _LOGGERS)


def work(task: Task, folder: Path, memory: int | None = None, *, logs: bool = False) -> Outcome:
    """Do a task in one thread, in a process that does nothing else at the time; never raises what a clip causes.

    Args:
        task: The task.
        folder: Folder of results, which must exist.
        memory: Limit where the task has none, bytes.
        logs: Whether to return what is logged meanwhile.
    """
    if not logs:
        return _work(task, folder, memory)
    with _collecting(task.sequence.name) as records:
        outcome = _work(task, folder, memory)
        _log.info("%s", outcome.error or "done")
    return outcome._replace(log=tuple(records))


def _work(task: Task, folder: Path, memory: int | None) -> Outcome:
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


class _Collector(QueueHandler):
    """Collects records as another process can take them, with the name of the sequence before their text."""

    def __init__(self, name: str) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.records: list[logging.LogRecord] = []
        self._sequence = name

    def enqueue(self, record: logging.LogRecord) -> None:
        record.msg = f"{self._sequence}: {record.msg}"
        self.records.append(record)


@contextmanager
def _collecting(name: str) -> Iterator[list[logging.LogRecord]]:
    """Collect what is logged in the block. name: of the sequence."""
    collector, loggers = _Collector(name), [logging.getLogger(each) for each in _LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(collector)
    try:
        yield collector.records
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.removeHandler(collector)
