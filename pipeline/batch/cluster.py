"""Workers of a cluster: tasks go to a scheduler of dask.distributed, results come by a shared file system.

What goes over the network is small: a task of some kB, and one line back. So nothing is lost with a scheduler or a
worker but the clips under way.
"""

import logging
import os
import platform
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from time import monotonic, sleep
from typing import Any

from pipeline.batch.result_folder import ResultFolder
from pipeline.batch.tasks import Task
from pipeline.batch.work import ONE_THREAD, Outcome, is_logging, work
from pipeline.border import told
from rainclean.errors import RaincleanError

_TICK_SECONDS = 0.2
_CONNECT_SECONDS = 10.0
_PATIENCE_SECONDS = 600.0
"""Time that a scheduler may be gone for."""

_LOOK_SECONDS = 5.0
"""Time between two looks at the workers."""

_SUBMITTED_AT_ONCE = 200
"""Tasks that are handed over between two looks at what has ended."""


def on_cluster(tasks: Sequence[Task], folder: Path, *, scheduler: str) -> Iterator[Outcome | str | None]:
    """Do tasks on the workers of a scheduler. Closing it withdraws those that are not begun.

    Args:
        tasks: The tasks.
        folder: Takes the results; all machines see it at this path.
        scheduler: Its address, such as ``tcp://node1:8786``.

    Yields:
        What became of each task, as they end; lines for a person; None several times a second.

    Raises:
        RaincleanError: There is no scheduler, or it is gone for ten minutes.
    """
    crew = _Cluster(scheduler, ResultFolder(folder))
    try:
        yield from crew.do({task.key: task for task in tasks})
    finally:
        crew.close()


class _Cluster:
    """A connection to a scheduler, renewed where the scheduler is started again."""

    def __init__(self, scheduler: str, results: ResultFolder) -> None:
        self._scheduler, self._results = scheduler, results
        self._client_class = _client_class()
        self._client: Any = self._connected()
        self._threads: dict[str, int] = {}
        self._looked_at = float("-inf")
        self._futures: dict[str, Any] = {}
        self._ended: Queue[Any] = Queue()

    def do(self, todo: dict[str, Task]) -> Iterator[Outcome | str | None]:
        """Do tasks, by key; see `on_cluster`."""
        noted, gone_since = "", 0.0
        while todo:
            if self._client.status == "running":
                gone_since = 0.0
                self._submit(todo)
                note = self._workers_note()
            else:
                gone_since = gone_since or monotonic()
                if monotonic() - gone_since > _PATIENCE_SECONDS:
                    raise RaincleanError(
                        f"{self._scheduler}: the scheduler has been gone for {_PATIENCE_SECONDS / 60:.0f} min; results "
                        "so far are stored; start it and its workers again, then repeat the command"
                    )
                self._reconnect()
                note = f"{self._scheduler}: the scheduler is gone; its tasks are handed over again when it is back"
            if note and note != noted:
                yield note
            noted = note
            try:
                future = self._ended.get(timeout=_TICK_SECONDS)
            except Empty:
                yield None
                continue
            outcome = self._outcome(future, todo)
            if outcome is not None:
                del todo[outcome.key]
                yield outcome

    def close(self) -> None:
        """Withdraw what is not begun, and disconnect."""
        with suppress(Exception):
            if self._client.status == "running":
                self._client.cancel(list(self._futures.values()))
        self._futures.clear()
        with suppress(Exception):
            self._client.close(timeout=5)

    def _submit(self, todo: dict[str, Task]) -> None:
        """Hand over some of the tasks that the scheduler does not have."""
        missing = [key for key in todo if key not in self._futures]
        for key in missing[:_SUBMITTED_AT_ONCE]:
            future = self._client.submit(
                _work, todo[key], self._results.folder, logs=is_logging(), key=f"rainclean-{key}", pure=False
            )
            self._futures[key] = future
            future.add_done_callback(self._ended.put)

    def _outcome(self, future: Any, todo: dict[str, Task]) -> Outcome | None:
        """Return what became of a task whose future has ended; None where it is to be handed over again."""
        key = str(future.key).removeprefix("rainclean-")
        if key not in todo or id(self._futures.get(key)) != id(future):
            return None
        del self._futures[key]
        task = todo[key]
        try:
            if future.status == "error":
                return self._failure(task, future.exception(timeout=_CONNECT_SECONDS))
            outcome: Outcome = future.result(timeout=_CONNECT_SECONDS)
        except Exception:  # withdrawn with its scheduler, or its worker is gone
            return Outcome(key) if self._results.has(task) else None
        if not outcome.error and not self._results.awaits(task):
            where = f"its result is not in {self._results.folder} on {platform.node()}"
            return Outcome(key, f"{where}; --results names a folder that all machines share", general=True)
        return outcome

    def _failure(self, task: Task, error: BaseException) -> Outcome:
        from distributed.scheduler import KilledWorker

        name = task.sequence.name
        if isinstance(error, KilledWorker):
            why = "each worker that began this clip died; give workers more memory, or --memory less"
            return Outcome(task.key, f"{name}: {why}")
        if isinstance(error, ImportError):
            return Outcome(task.key, f"a worker cannot load rainclean ({error}); install it there", general=True)
        return Outcome(task.key, told(error, name) if isinstance(error, Exception) else f"{name}: {error!r}")

    def _workers_note(self) -> str:
        """Return a line on the workers that a person should act on, or ""."""
        if monotonic() - self._looked_at > _LOOK_SECONDS:
            self._looked_at = monotonic()
            with suppress(OSError, TimeoutError):
                self._threads = dict(self._client.nthreads())
        if not self._threads:
            return f"{self._scheduler}: no worker has joined yet"
        if max(self._threads.values()) > 1:
            return "workers have several threads; start them with --nthreads 1, and more of them"
        return ""

    def _reconnect(self) -> None:
        """Connect again where the client has given up; it tries by itself before."""
        if self._client.status == "closed":
            self._futures.clear()
            with suppress(RaincleanError):
                self._client = self._connected()
        else:
            sleep(_TICK_SECONDS)

    def _connected(self) -> Any:
        try:
            _await_answer(self._scheduler)
            return self._client_class(self._scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            why = " ".join(str(error).split())[:120]
            raise RaincleanError(
                f"{self._scheduler}: no scheduler answers ({why}); start one with: dask scheduler"
            ) from error


def _await_answer(address: str) -> None:
    """Wait until something listens at an address: a client that cannot connect leaves much behind."""
    from distributed.comm.addressing import get_address_host_port, parse_address

    if parse_address(address)[0] not in ("tcp", "tls"):
        return
    place = get_address_host_port(address)
    until = monotonic() + _CONNECT_SECONDS
    while True:
        try:
            socket.create_connection(place, timeout=_CONNECT_SECONDS).close()
            return
        except OSError:
            if monotonic() > until:
                raise
            sleep(1.0)


def _client_class() -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise RaincleanError("--scheduler needs dask.distributed: pip install 'rainclean[cluster]'") from error
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what a person should know is said in a line
    return Client


def _work(task: Task, folder: Path, *, logs: bool) -> Outcome:
    """Do a task on a worker. Half of the memory that the worker may take is for it: Python itself takes some."""
    from distributed import get_worker

    from rainclean.allocator import share_heaps

    share_heaps()
    os.environ.update(ONE_THREAD)  # for the decoder's process; dask sets most of it itself
    worker = get_worker()
    limit = worker.memory_manager.memory_limit
    outcome = work(task, folder, limit // 2 // max(1, worker.state.nthreads) if limit else None, logs=logs)
    error = outcome.error if outcome.general or not outcome.error else f"{outcome.error} (on {platform.node()})"
    return outcome._replace(error=error)
