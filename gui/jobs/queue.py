"""The queue of jobs: at most a few at a time, and never two of one kind on one project."""

from PySide6.QtCore import QObject, Signal

from gui.jobs.job import Job, State

__all__ = ["MOST", "Job", "Jobs", "State"]

MOST = 2
"""Jobs at a time: each uses all cores where it can."""


class Jobs(QObject):
    """Starts jobs when it is their turn and keeps them in the order in which they came.

    Signals: `added`, `changed`, `finished` and `removed`, each with the job. Call `shutdown` before the window goes.
    """

    added = Signal(object)
    changed = Signal(object)
    finished = Signal(object)
    removed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[Job] = []
        self._closed = False

    @property
    def all(self) -> tuple[Job, ...]:
        """Every job, the oldest first."""
        return tuple(self._jobs)

    def running(self) -> tuple[Job, ...]:
        """Jobs with a process."""
        return tuple(job for job in self._jobs if job.state is State.RUNNING)

    def unfinished(self) -> tuple[Job, ...]:
        """Jobs that run or wait."""
        return tuple(job for job in self._jobs if not job.is_over)

    def start(self, job: Job) -> Job:
        """Put a job into the queue; it starts at once where it can."""
        job.setParent(self)
        job.changed.connect(lambda: self.changed.emit(job))
        job.finished.connect(lambda: self._on_finished(job))
        self._jobs.append(job)
        self.added.emit(job)
        self._start_next()
        return job

    def again(self, job: Job) -> Job:
        """Try a job again, or go on with it; the new one takes its place in the list."""
        new = job.again()
        self.remove(job)
        return self.start(new)

    def remove(self, job: Job) -> None:
        """Forget a job that is over."""
        if job.is_over and job in self._jobs:
            self._jobs.remove(job)
            self.removed.emit(job)
            job.deleteLater()

    def cancel_all(self) -> None:
        """Ask every job to stop, and start none of those that wait."""
        for job in reversed(self._jobs):
            job.cancel()

    def shutdown(self, seconds: float | None = None) -> None:
        """Stop every job and wait until no process is left; kills what has not stopped after so many seconds.

        Without any number, each gets what it needs to stop by itself.
        """
        self._closed = True
        for job in reversed(self._jobs):
            if not job.stopping:
                job.cancel()
        for job in self.running():
            job.wait(job.grace if seconds is None else seconds)

    def _on_finished(self, job: Job) -> None:
        self.finished.emit(job)
        self._start_next()

    def _start_next(self) -> None:
        if self._closed:
            return
        for job in self._jobs:
            running = self.running()
            if len(running) >= MOST:
                return
            if job.state is State.QUEUED and _turn(job) not in map(_turn, running):
                job.start()


def _turn(job: Job) -> tuple[str, str]:
    """Jobs that share this run one after the other."""
    return str(job.project or ""), job.kind
