"""One job: a command of rainclean in a process of its own.

The window does not wait for it, does not crash with it, and shows the equivalent command line.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from gui.jobs.messages import advice_for, command_text, retry_arguments
from gui.jobs.progress import JobProgress
from gui.jobs.spool import CAN_KEEP, Record, Spool
from pipeline.progress_lines import read_line
from pipeline.stages import Progress
from rainclean.environment import CONFIG, PROGRESS

LOG_LINES = 2000
"""Lines of the log that are kept."""
GRACE = 10.0
"""Seconds that a job gets to stop by itself before it is killed."""
_LONGER_GRACE = {"train": 60.0}
"""The same by kind. A training stops after a whole step, which takes long on a CPU with large examples."""

POLL_MS = 50
"""Milliseconds between two looks at the output of a job."""

_COMMAND = (sys.executable, "-P", "-m", "rainclean")
"""-P: nothing from the current directory is imported."""
_ERROR = "rainclean: "
_INTERRUPTED = (129, 130, 143)
"""Exit codes of a command that was ended by a signal."""


class State(Enum):
    """State of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(QObject):
    """A command that is queued, running or over.

    Signals: `changed` after each step, line and change of state; `finished` once, when it is over.

    Attributes:
        title: Name for the person.
        arguments: The command without ``rainclean``, such as ("analyze", "/data/rain").
        project: Folder of the project that it works on.
        state: See `State`.
        stopping: Whether it was asked to stop.
        log: The last lines that it wrote.
        logged: Number of all lines that it wrote.
        result: What it printed as JSON; None before it is over.
        error: Why it failed, in one line.
        advice: What to do about it, in one line.
        grace: Seconds that it gets to stop by itself.
        seconds: How long it ran; None before it is over, and if it never ran.
    """

    changed = Signal()
    finished = Signal()

    def __init__(
        self, title: str, arguments: Sequence[str], project: Path | None = None, *, program: Sequence[str] = ()
    ) -> None:
        """Make a job. program: command line to run instead, for tests."""
        super().__init__()
        self.title, self.arguments, self.project = title, tuple(map(str, arguments)), project
        self.state = State.QUEUED
        self.stopping = False
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.logged = 0
        self.result: Any = None
        self.error = self.advice = ""
        self.grace = _LONGER_GRACE.get(self.kind, GRACE)
        self.seconds: float | None = None
        self._began: float | None = None
        self._program = tuple(program) or (*_COMMAND, *self.arguments, "--json")
        self._test_program = tuple(program)
        self._progress = JobProgress(self.kind)
        self._process: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._spool: Spool | None = None
        self._err = b""
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._poll)

    @classmethod
    def left_behind(cls, spool: Spool, record: Record) -> "Job":
        """Return a job that an earlier window left running, or that has ended since."""
        job = cls(record.title, record.arguments, Path(record.project) if record.project else None)
        job._spool, job._pid, job.state = spool, record.pid, State.RUNNING
        return job

    @property
    def kind(self) -> str:
        """Return the name of the command, such as "analyze"."""
        return self.arguments[0] if self.arguments else ""

    @property
    def command(self) -> str:
        """Return the equivalent command line."""
        return command_text(self.arguments)

    @property
    def progress(self) -> Progress | None:
        """Return the latest step; None before the first."""
        return self._progress.step

    @property
    def fraction(self) -> float | None:
        """Return the finished fraction of the work, 0…1; None if it is not known."""
        return 1.0 if self.state is State.FINISHED else self._progress.fraction

    @property
    def seconds_left(self) -> float | None:
        """Return the estimated seconds left; None until enough is known."""
        return self._progress.seconds_left(time.monotonic()) if self.state is State.RUNNING else None

    @property
    def is_over(self) -> bool:
        """Return whether the job has ended."""
        return self.state in (State.FINISHED, State.FAILED, State.CANCELLED)

    @property
    def pid(self) -> int | None:
        """Return the id of its process while it runs."""
        return self._pid

    @property
    def can_be_kept(self) -> bool:
        """Return whether it can go on without the window."""
        return CAN_KEEP and self.state is State.RUNNING and not self.stopping

    def doing(self) -> str:
        """Return a line on what it is doing, or how it ended."""
        if self.stopping and not self.is_over:
            return "stopping"
        return self._progress.description(time.monotonic()) if self.state is State.RUNNING else self.state.value

    def again(self) -> "Job":
        """Return a job that tries again, or resumes this one."""
        return Job(self.title, retry_arguments(self.arguments), self.project, program=self._test_program)

    def start(self, root: Path, environment: Mapping[str, str]) -> None:
        """Start the process. Called by `gui.jobs.queue.Jobs` when it is this job's turn.

        Args:
            root: Folder in which the job gets a folder of its own.
            environment: Variables that it gets in addition to those of the window.
        """
        if self.state is not State.QUEUED:
            return
        self.state, self._began = State.RUNNING, time.monotonic()
        try:
            self._spool = Spool.make(root)
            self._process = _started(self._program, self._spool, environment)
            self._pid = self._process.pid
            self._spool.write(Record(self.title, self.arguments, str(self.project or ""), self._pid))
        except OSError as error:
            if self._process is None:
                self.error = f"The job could not be started: {error.strerror or error}"
                self._end(State.FAILED)
                return
        self._lower_priority()
        self.follow()
        self.changed.emit()

    def follow(self) -> None:
        """Read what it writes from now on, and notice when it has ended."""
        self._timer.start()

    def keep(self) -> None:
        """Let it go on without the window. It is not followed any more."""
        self._timer.stop()
        if self._spool is not None:
            self._spool.leave()
        if self._process is not None:
            self._process.returncode = 0  # nobody waits for it, and Python need not warn of that
        self._process = self._spool = self._pid = None

    def cancel(self) -> None:
        """Ask the job to stop. It is killed after `grace` seconds, or when it is asked twice."""
        if self.is_over:
            return
        if self._pid is None:
            self._end(State.CANCELLED)
            return
        if self.stopping:
            self._kill()
            return
        self.stopping = True
        self._signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        QTimer.singleShot(round(1000 * self.grace), self, self._kill)
        self.changed.emit()

    def wait(self, seconds: float) -> None:
        """Wait until the process has ended; kill it after so many seconds."""
        if self._pid is None:
            return
        end = time.monotonic() + seconds
        while not self._has_ended() and time.monotonic() < end:
            time.sleep(0.01)
        if not self._has_ended():
            self._kill()
            while not self._has_ended():
                time.sleep(0.01)
        self._poll()

    def _signal(self, number: int) -> None:
        if self._pid is not None and not self._has_ended():
            with suppress(OSError):
                os.kill(self._pid, number)

    def _kill(self) -> None:
        self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))

    def _has_ended(self) -> bool:
        if self._process is not None:
            return self._process.poll() is not None
        return self._spool is None or not self._spool.is_alive()

    def _lower_priority(self) -> None:
        """Lower the priority of the process, so that the window gets the processor first."""
        pid = self.pid
        if pid is not None and hasattr(os, "setpriority"):
            try:
                os.setpriority(os.PRIO_PROCESS, pid, 5)
            except OSError:
                return  # it has ended already, or the system forbids it

    def _poll(self) -> None:
        """Read what it wrote since the last look, and end with it."""
        if self._spool is None:
            return
        ended = self._has_ended()  # before reading: what it wrote last is read then
        self._read(self._spool.news())
        if ended:
            self._on_finished()

    def _read(self, news: bytes) -> None:
        *lines, self._err = (self._err + news).split(b"\n")
        # Of many steps at once, such as those of an earlier window's job, only the last says what it is doing now.
        steps = [line for line in lines if line.startswith(b"{")]
        skipped = set(map(id, steps[:-1])) if self._process is None else set()
        for line in lines:
            if id(line) in skipped:
                continue
            before = self.progress
            self._add_line(line)
            if before is not None and self.progress is not None and before.stage != self.progress.stage:
                self.changed.emit()  # each stage is shown, even if several pass between two looks
        if lines:
            self.changed.emit()

    def _add_line(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        step = read_line(text)
        if step is not None:
            self._progress.add_step(step, time.monotonic())
            text = f"note: {step.note}" if step.note else ""
        if text:
            self._log(text)

    def _log(self, line: str) -> None:
        self.log.append(line)
        self.logged += 1

    def _on_finished(self) -> None:
        code = self._process.returncode if self._process is not None else None
        self._add_line(self._err)
        self._parse()
        errors = [line for line in self.log if line.startswith(_ERROR)]
        if code == 0 or (code is None and self.result is not None and not errors):
            self._end(State.FINISHED)
        elif self.stopping or code in _INTERRUPTED:
            self._end(State.CANCELLED)
        else:
            if code is not None and code < 0:
                self.error = f"The job died (signal {-code})"
            elif errors:
                self.error = errors[-1].removeprefix(_ERROR)
            else:
                self.error = "The job ended" + (f" with exit code {code}" if code is not None else " without a result")
            self._end(State.FAILED)

    def _parse(self) -> None:
        out = self._spool.output() if self._spool is not None else b""
        try:
            self.result = json.loads(out.decode("utf-8", "replace")) if out else None
        except ValueError:
            for line in out.decode("utf-8", "replace").splitlines():
                self._log(line)

    def _end(self, state: State) -> None:
        self.state, self.stopping = state, False
        self.seconds = None if self._began is None else time.monotonic() - self._began
        if state is State.FAILED:
            self.advice = advice_for(self.kind, self.error)
        self._timer.stop()
        if self._spool is not None:
            self._spool.remove()
        self._process = self._spool = self._pid = None
        self.changed.emit()
        self.finished.emit()


def _started(program: Sequence[str], spool: Spool, more: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start a process whose output goes to files, and that goes on when the window is gone. Raises OSError."""
    environment = {**os.environ, **more, PROGRESS: "json", CONFIG: "", "PYTHONIOENCODING": "utf-8"}
    alive = spool.alive()
    # A window that was started in the background ignores SIGINT, and its processes would inherit that.
    ignored = os.name == "posix" and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with spool.out.open("wb") as out, spool.err.open("wb") as err:
            return subprocess.Popen(
                list(program), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment,
                start_new_session=True, pass_fds=() if alive is None else (alive,),
            )  # fmt: skip
    finally:
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        if alive is not None:
            os.close(alive)
