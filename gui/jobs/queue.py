"""The queue of jobs: a few at a time, never two of one kind on one project."""

from pathlib import Path
from tempfile import TemporaryDirectory

from PySide6.QtCore import QObject, Signal

from gui.jobs.job import Job, State
from gui.jobs.spool import left_behind

__all__ = ["MAX_RUNNING", "Job", "Jobs", "State"]

MAX_RUNNING = 2
"""Jobs at a time: each uses all cores if it can."""


class Jobs(QObject):
    """Starts jobs when it is their turn, and keeps them in the order in which they were queued.

    Signals: `added`, `changed`, `finished` and `removed`, each with the job. Call `shutdown` before the window closes.
    """

    added = Signal(object)
    changed = Signal(object)
    finished = Signal(object)
    removed = Signal(object)

    def __init__(self, parent: QObject | None = None, root: Path | None = None) -> None:
        """Make a queue.

        Args:
            parent: Parent of the object.
            root: Folder for the output of jobs, in which a later window finds those that go on without this one. By
                default a temporary folder.
        """
        super().__init__(parent)
        self._root = root
        self._temporary: TemporaryDirectory[str] | None = None
        self._jobs: list[Job] = []
        self._closed = False
        self.environment: dict[str, str] = {}
        """Environment variables that jobs get in addition to those of the window."""

    @property
    def all(self) -> tuple[Job, ...]:
        """Return every job, the oldest first."""
        return tuple(self._jobs)

    def running(self) -> tuple[Job, ...]:
        """Return the running jobs."""
        return tuple(job for job in self._jobs if job.state is State.RUNNING)

    def unfinished(self) -> tuple[Job, ...]:
        """Return the jobs that run or wait."""
        return tuple(job for job in self._jobs if not job.is_over)

    def start(self, job: Job) -> Job:
        """Queue a job, and return it. It starts at once if it can."""
        self._add(job)
        self._start_next()
        return job

    def follow_left_behind(self) -> list[Job]:
        """Follow the jobs that an earlier window left running; return them. Those that have ended end at once."""
        new = [] if self._root is None else [Job.left_behind(*each) for each in left_behind(self._root)]
        for job in new:
            self._add(job)
            job.follow()
        return new

    def keep_running(self) -> None:
        """Let running jobs go on without the window, where they can. Waiting ones are cancelled."""
        self._closed = True
        for job in reversed(self._jobs):
            if job.can_be_kept:
                job.keep()
                self._jobs.remove(job)
            elif job.state is State.QUEUED:
                job.cancel()

    def again(self, job: Job) -> Job:
        """Try a job again, or resume it; return the new job, which replaces it in the list."""
        new = job.again()
        self.remove(job)
        return self.start(new)

    def remove(self, job: Job) -> None:
        """Remove a job that is over."""
        if job.is_over and job in self._jobs:
            self._jobs.remove(job)
            self.removed.emit(job)
            job.deleteLater()

    def cancel_all(self) -> None:
        """Ask every job to stop, waiting ones included."""
        for job in reversed(self._jobs):
            job.cancel()

    def shutdown(self, seconds: float | None = None) -> None:
        """Stop every job, and wait until no process is left.

        Args:
            seconds: Time until a job is killed; by default the grace of each job.
        """
        self._closed = True
        for job in reversed(self._jobs):
            if not job.stopping:
                job.cancel()
        for job in self.running():
            job.wait(job.grace if seconds is None else seconds)
        if self._temporary is not None:
            self._temporary.cleanup()

    def _add(self, job: Job) -> None:
        job.setParent(self)
        job.changed.connect(lambda: self.changed.emit(job))
        job.finished.connect(lambda: self._on_finished(job))
        self._jobs.append(job)
        self.added.emit(job)

    def _place(self) -> Path:
        """Return the folder for the output of jobs."""
        if self._root is not None:
            return self._root
        if self._temporary is None:
            self._temporary = TemporaryDirectory(prefix="rainclean-jobs-", ignore_cleanup_errors=True)
        return Path(self._temporary.name)

    def _on_finished(self, job: Job) -> None:
        self.finished.emit(job)
        self._start_next()

    def _start_next(self) -> None:
        if self._closed:
            return
        for job in self._jobs:
            running = self.running()
            if len(running) >= MAX_RUNNING:
                return
            if job.state is State.QUEUED and _turn(job) not in map(_turn, running):
                job.start(self._place(), self.environment)


def _turn(job: Job) -> tuple[str, str]:
    """Return what jobs share that must run one after the other."""
    return str(job.project or ""), job.kind
