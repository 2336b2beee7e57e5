"""One job: a command of rainclean in a process of its own.

The window does not wait for it, does not crash with it, and shows the equivalent command line.
"""

import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from gui.jobs.messages import advice_for, command_text, retry_arguments
from gui.jobs.progress import JobProgress
from pipeline.progress_lines import VARIABLE, read_line
from pipeline.stages import Progress

LOG_LINES = 2000
"""Lines of the log that are kept."""
GRACE = 10.0
"""Seconds that a job gets to stop by itself before it is killed."""
_LONGER_GRACE = {"train": 60.0}
"""The same by kind. A training stops after a whole step, which takes long on a CPU with large examples."""

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
        self._process: QProcess | None = None
        self._out, self._err = bytearray(), bytearray()

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
        return int(self._process.processId()) or None if self._process is not None else None

    def doing(self) -> str:
        """Return a line on what it is doing, or how it ended."""
        if self.stopping and not self.is_over:
            return "stopping"
        return self._progress.description(time.monotonic()) if self.state is State.RUNNING else self.state.value

    def again(self) -> "Job":
        """Return a job that tries again, or resumes this one."""
        return Job(self.title, retry_arguments(self.arguments), self.project, program=self._test_program)

    def start(self) -> None:
        """Start the process. Called by `gui.jobs.queue.Jobs` when it is this job's turn."""
        if self.state is not State.QUEUED:
            return
        process = self._process = QProcess(self)
        process.setProcessEnvironment(_environment())
        if hasattr(process, "setUnixProcessParameters"):
            # A window that was started in the background ignores SIGINT; its jobs must not.
            process.setUnixProcessParameters(QProcess.UnixProcessFlag.ResetSignalHandlers)
        process.setStandardInputFile(QProcess.nullDevice())
        process.readyReadStandardOutput.connect(self._read_out)
        process.readyReadStandardError.connect(self._read_err)
        process.errorOccurred.connect(self._on_error)
        process.finished.connect(self._on_finished)
        process.started.connect(self._lower_priority)
        self.state, self._began = State.RUNNING, time.monotonic()
        process.start(self._program[0], list(self._program[1:]))
        self.changed.emit()

    def cancel(self) -> None:
        """Ask the job to stop. It is killed after `grace` seconds, or when it is asked twice."""
        if self.is_over:
            return
        if self._process is None:
            self._end(State.CANCELLED)
            return
        if self.stopping:
            self._process.kill()
            return
        self.stopping = True
        self._interrupt()
        QTimer.singleShot(round(1000 * self.grace), self, self._kill)
        self.changed.emit()

    def wait(self, seconds: float) -> None:
        """Wait until the process has ended; kill it after so many seconds."""
        if self._process is not None and not self._process.waitForFinished(round(1000 * seconds)):
            self._kill()
            if self._process is not None:
                self._process.waitForFinished(-1)

    def _interrupt(self) -> None:
        assert self._process is not None
        pid = self._process.processId()
        if os.name == "posix" and pid:
            os.kill(pid, signal.SIGINT)
        else:
            self._process.kill()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _lower_priority(self) -> None:
        """Lower the priority of the process, so that the window gets the processor first."""
        pid = self.pid
        if pid is not None and hasattr(os, "setpriority"):
            try:
                os.setpriority(os.PRIO_PROCESS, pid, 5)
            except OSError:
                return  # it has ended already, or the system forbids it

    def _read_out(self) -> None:
        if self._process is not None:
            self._out += self._process.readAllStandardOutput().data()

    def _read_err(self) -> None:
        if self._process is None:
            return
        self._err += self._process.readAllStandardError().data()
        *lines, rest = bytes(self._err).split(b"\n")
        self._err = bytearray(rest)
        for line in lines:
            self._add_line(line)
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

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self.error = f"The job could not be started: {self._process.errorString()}"
            self._end(State.FAILED)

    def _on_finished(self, code: int, how: QProcess.ExitStatus) -> None:
        self._read_out()
        self._read_err()
        self._add_line(bytes(self._err))
        self._parse()
        if how is QProcess.ExitStatus.NormalExit and code == 0:
            self._end(State.FINISHED)
        elif self.stopping or code in _INTERRUPTED:
            self._end(State.CANCELLED)
        elif how is QProcess.ExitStatus.CrashExit:
            self.error = f"The job died (signal {code})" if os.name == "posix" else "The job died"
            self._end(State.FAILED)
        else:
            errors = [line for line in self.log if line.startswith(_ERROR)]
            self.error = errors[-1].removeprefix(_ERROR) if errors else f"The job ended with exit code {code}"
            self._end(State.FAILED)

    def _parse(self) -> None:
        try:
            self.result = json.loads(self._out.decode("utf-8", "replace")) if self._out else None
        except ValueError:
            for line in self._out.decode("utf-8", "replace").splitlines():
                self._log(line)
        self._out.clear()

    def _end(self, state: State) -> None:
        self.state, self.stopping = state, False
        self.seconds = None if self._began is None else time.monotonic() - self._began
        if state is State.FAILED:
            self.advice = advice_for(self.kind, self.error)
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        self.changed.emit()
        self.finished.emit()


def _environment() -> QProcessEnvironment:
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert(VARIABLE, "json")
    environment.insert("PYTHONIOENCODING", "utf-8")
    return environment
