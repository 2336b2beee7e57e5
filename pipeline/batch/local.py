"""Workers on this machine: one process a worker, one thread a process. A worker that dies takes its clip along only."""

import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.batch.tasks import Task
    from pipeline.batch.work import Outcome

_TICK_SECONDS = 0.2
_TRIES = 2
"""How often a task is begun whose worker dies: the first time another program may have taken the memory."""

_LEAST_MEMORY_BYTES = 512 << 20
"""Limit of a worker on a machine with many cores and little memory."""


def in_processes(tasks: "Sequence[Task]", folder: Path, *, workers: int) -> "Iterator[Outcome | None]":
    """Do tasks in processes of this machine. Closing it ends them.

    Args:
        tasks: The tasks.
        folder: Takes the results.
        workers: Number of processes.

    Yields:
        What became of each task, as they end; None several times a second.
    """
    from pipeline.batch.result_folder import ResultFolder
    from pipeline.batch.work import Outcome, is_logging

    waiting, tries = deque(tasks), dict[str, int]()
    crew = [_Worker(folder, _memory(workers), logs=is_logging()) for _ in range(min(workers, len(tasks)))]
    try:
        while waiting or any(worker.task for worker in crew):
            for worker in crew:
                if worker.task is None and waiting:
                    worker.begin(waiting.popleft())
            busy = {worker.connection: worker for worker in crew if worker.task}
            for connection in wait(list(busy), _TICK_SECONDS):
                worker = busy[connection]  # type: ignore[index]
                task, outcome = worker.task, worker.outcome()
                assert task is not None
                if outcome is not None:
                    yield outcome
                    continue
                tries[task.key] = tries.get(task.key, 0) + 1
                if tries[task.key] < _TRIES:
                    waiting.append(task)
                else:
                    how = f"its worker {worker.end()} twice while it worked on this clip"
                    yield Outcome(task.key, f"{task.sequence.name}: {how}; is there enough memory? --workers uses less")
            yield None
    finally:
        for worker in crew:
            worker.kill()
            if worker.task is not None:
                ResultFolder(folder).clear(worker.task)


class _Worker:
    """A process that does one task after another, and is started again where it died."""

    def __init__(self, folder: Path, memory: int, *, logs: bool) -> None:
        self._arguments, self._options = (folder, memory), {"logs": logs}
        self.task: Task | None = None
        self._start()

    def begin(self, task: "Task") -> None:
        """Hand over a task."""
        if not self._process.is_alive():
            self._start()
        self.task = task
        with suppress(BrokenPipeError):  # it ended just now, which `outcome` tells
            self.connection.send(task)

    def outcome(self) -> "Outcome | None":
        """Return what it says of its task; None where it died."""
        self.task = None
        try:
            outcome: Outcome = self.connection.recv()
            return outcome
        except (EOFError, ConnectionResetError):
            self._process.join()
            return None

    def end(self) -> str:
        """Return how the process ended."""
        code = self._process.exitcode or 0
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def kill(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self.connection.close()

    def _start(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve,
            args=(theirs, *self._arguments),
            kwargs=self._options,
            name="rainclean-worker",
            daemon=True,
        )
        with _in_one_thread(), _without_interrupt():
            self._process.start()
        theirs.close()


def _serve(connection: Connection, folder: Path, memory: int, *, logs: bool) -> None:
    """Do the tasks that come, until the parent is gone."""
    Thread(target=_end_with_parent, daemon=True).start()
    from pipeline.batch.work import work
    from rainclean.allocator import share_heaps

    share_heaps()
    with suppress(EOFError):
        while True:
            connection.send(work(connection.recv(), folder, memory, logs=logs))


def _end_with_parent() -> None:
    """End this process when its parent does, also in the middle of a clip."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _memory(workers: int) -> int:
    """Return the limit of each of several workers: together they take no more than half of the machine's memory."""
    import psutil

    from rainclean.temporal import default_memory

    return max(_LEAST_MEMORY_BYTES, min(default_memory(), psutil.virtual_memory().total // 2 // workers))


@contextmanager
def _in_one_thread() -> Iterator[None]:
    """Set the environment of processes that are started in the block, so that libraries compute in one thread."""
    from pipeline.batch.work import ONE_THREAD

    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_interrupt() -> Iterator[None]:
    """Let processes that are started in the block never see Ctrl-C: this one ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
