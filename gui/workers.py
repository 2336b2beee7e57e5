"""Work beside the window: the only file that knows threads.

Work runs in a few threads of ours, most urgent first; what may wait has threads of its own, which step back where
the window wants the core. What work returns, or the error it raises, is handed over in the window's thread. Within a
lane only the newest piece of work counts: what was asked for before and has not begun is dropped, and what has begun
is told to stop (a stage at its next yield, and where it waits for a clip) and its result forgotten.
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
"""Urgency: what the person is looking at, what comes next, what may be wanted."""

THREADS = 2
"""For what is urgent, and as many for what may wait: a long piece of it must not keep the next picture from coming."""

NICENESS = 10
"""Of threads for what may wait."""


class Task:
    """One piece of work. ``cancelled`` is asked by long work itself; `cancel` makes its result be forgotten."""

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
        """Whether nobody waits for this any more."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Forget this; what has begun ends where it can."""
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
    kind: Literal["progress", "done", "failed", "forgotten"]
    value: Any = None


class Workers(QObject):
    """The threads. Make it in the window's thread; `close` before it goes."""

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
        """Do ``work`` in a thread, then call ``done`` with its result, or ``failed`` with its error, in this one.

        Without ``failed`` an error is raised in the window's thread, where it is reported as a bug.
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
        """Step a stage in a thread; cancelled, it is closed at its next yield."""

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
        """Forget the work of a lane."""
        if lane in self._lanes:
            self._lanes.pop(lane).cancel()

    @property
    def busy(self) -> bool:
        """Whether anything is waiting, under way, or on its way back."""
        return self._unfinished > 0

    def close(self) -> None:
        """End all work and wait for the threads."""
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
        _step_back(niceness)
        while True:
            task = queue.get().task
            if task is None:
                return
            if task.cancelled:
                news = _News(task, "forgotten")
            else:
                try:
                    with unless(partial(self._forgotten, task)):
                        news = _News(task, "done", task.work(task))
                except Exception as error:
                    news = _News(task, "failed", error)
            if not self._closed:
                self._handed_over.emit(news)
            # What a task leaves must not live on until the next one comes.
            del task, news

    def _forgotten(self, task: Task) -> bool:
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


def _step_back(niceness: int) -> None:
    """Let others go before this thread where both want a core, and the threads it starts; only Linux knows how."""
    if niceness and sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
