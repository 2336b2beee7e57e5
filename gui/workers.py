"""Background work: the only file that knows threads.

Work runs in a few threads, most urgent first. Work that may wait has threads of its own with lower priority. Results
and errors are handed over in the window's thread.

Within a lane, newer work cancels older work. Work that has not begun is dropped. Running work is asked to stop (a stage
at its next yield, or while it waits for a clip), and its result is dropped.
"""

import contextlib
import itertools
import os
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from queue import PriorityQueue
from typing import Any, Literal, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from pipeline.stages import Progress
from rainclean.video import unless

Result = TypeVar("Result")

NOW, SOON, LATER = 0, 1, 2
"""Urgency: what the person is looking at, what comes next, what may be needed later."""

THREADS = 2
"""Threads for urgent work, and as many for work that may wait, so that long work never delays the next picture."""

NICENESS = 10
"""Niceness of the threads for work that may wait."""


class Task:
    """One piece of work. Long work asks ``cancelled`` itself."""

    def __init__(
        self,
        work: "Callable[[Task], Any]",
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self.work, self.done, self.failed, self.progress = work, done, failed, progress
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Return whether the result is not wanted any more."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Drop the result. Work that has begun ends when it can."""
        self._cancelled.set()


@dataclass(frozen=True, order=True)
class _Queued:
    """A task in a queue: the most urgent first, of equally urgent ones the oldest. task: None ends a thread."""

    urgency: int
    serial: int
    task: Task | None = field(compare=False)


@dataclass(frozen=True)
class _News:
    """What a thread hands over. value: the step of ``progress``, the result of ``done``, the error of ``failed``."""

    task: Task
    kind: Literal["progress", "done", "failed", "cancelled"]
    value: Any = None


class Workers(QObject):
    """The threads. Make it in the window's thread, and `close` it before it is deleted."""

    _handed_over = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._urgent: PriorityQueue[_Queued] = PriorityQueue()
        self._patient: PriorityQueue[_Queued] = PriorityQueue()
        self._serial = itertools.count()
        self._lanes: dict[str, Task] = {}
        self._unfinished = 0
        self._count = threading.Lock()
        self._closed = False
        # Queued: the slot runs in the thread that this object lives in, whichever thread emits.
        self._handed_over.connect(self._hand_over, Qt.ConnectionType.QueuedConnection)
        self._threads = [
            threading.Thread(target=self._work, args=(queue, nice), name=f"rainclean-gui-{nice}-{n}", daemon=True)
            for queue, nice in ((self._urgent, 0), (self._patient, NICENESS))
            for n in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def run(
        self,
        work: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[Exception], None] | None = None,
        *,
        lane: str = "",
        urgency: int = NOW,
    ) -> Task:
        """Run work in a thread.

        Args:
            work: Called in a thread.
            done: Called with its result in the window's thread.
            failed: Called with its error in the window's thread. Without it the error is raised there, as a bug.
            lane: Name of a lane, in which newer work cancels older work; "" for none.
            urgency: NOW, SOON or LATER.

        Returns:
            The task, which can be cancelled.
        """
        return self._submit(Task(lambda _: work(), done, failed), lane, urgency)

    def run_stage(
        self,
        make: Callable[[], Generator[Progress, None, Result]],
        done: Callable[[Result], None],
        failed: Callable[[Exception], None] | None = None,
        *,
        progress: Callable[[Progress], None] | None = None,
        lane: str = "",
        urgency: int = NOW,
    ) -> Task:
        """Run a stage in a thread. When it is cancelled, it is closed at its next yield.

        Args:
            make: Makes the stage; called in the thread.
            done: See `run`.
            failed: See `run`.
            progress: Called with each step in the window's thread.
            lane: See `run`.
            urgency: See `run`.

        Returns:
            The task, which can be cancelled.
        """

        def work(task: Task) -> Any:
            stage = make()
            try:
                while not task.cancelled:
                    try:
                        step = next(stage)
                    except StopIteration as end:
                        return end.value
                    if progress is not None:
                        self._handed_over.emit(_News(task, "progress", step))
                return None
            finally:
                stage.close()

        return self._submit(Task(work, done, failed, progress), lane, urgency)

    def cancel(self, lane: str) -> None:
        """Cancel the work of a lane."""
        if lane in self._lanes:
            self._lanes.pop(lane).cancel()

    @property
    def busy(self) -> bool:
        """Return whether any work waits, runs, or has a result to hand over."""
        return self._unfinished > 0

    def close(self) -> None:
        """Cancel all work, and wait until the threads have ended."""
        self._closed = True
        for task in self._lanes.values():
            task.cancel()
        for queue in (self._urgent, self._patient):
            while not queue.empty():
                waiting = queue.get_nowait().task
                if waiting is not None:
                    waiting.cancel()
            for _ in range(THREADS):
                queue.put(_Queued(-1, next(self._serial), None))
        for thread in self._threads:
            thread.join()
        self._handed_over.disconnect(self._hand_over)

    def _submit(self, task: Task, lane: str, urgency: int) -> Task:
        if lane:
            self.cancel(lane)
            self._lanes[lane] = task
        with self._count:
            self._unfinished += 1
        (self._patient if urgency == LATER else self._urgent).put(_Queued(urgency, next(self._serial), task))
        return task

    def _work(self, queue: PriorityQueue[_Queued], niceness: int) -> None:
        _lower_priority(niceness)
        while True:
            task = queue.get().task
            if task is None:
                return
            if task.cancelled:
                news = _News(task, "cancelled")
            else:
                try:
                    with unless(partial(self._is_dropped, task)):
                        news = _News(task, "done", task.work(task))
                except Exception as error:
                    news = _News(task, "failed", error)
            if not self._closed:
                self._handed_over.emit(news)
            # The result must not stay in memory until the next task comes.
            del task, news

    def _is_dropped(self, task: Task) -> bool:
        return task.cancelled or self._closed

    @Slot(object)
    def _hand_over(self, news: _News) -> None:
        task, how, value = news.task, news.kind, news.value
        if how != "progress":
            with self._count:
                self._unfinished -= 1
        if task.cancelled or self._closed:
            if how == "done" and hasattr(value, "close"):
                value.close()
            return
        if how == "progress":
            assert task.progress is not None
            task.progress(value)
        elif how == "done":
            task.done(value)
        elif task.failed is not None:
            task.failed(value)
        else:
            raise value


def _lower_priority(niceness: int) -> None:
    """Lower the priority of this thread and the threads it starts. Only Linux has niceness of threads."""
    if niceness and sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
