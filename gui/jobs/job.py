"""One long piece of work of the window: a command of rainclean in a process of its own.

The window does not wait for it, does not go down with it, and shows the command that does the same on a terminal.
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

from gui.jobs.messages import advice_for, command_text, words_again
from gui.jobs.progress import JobProgress
from pipeline.progress_lines import VARIABLE, read_line
from pipeline.stages import Progress

LOG_LINES = 2000
GRACE = 10.0
"""Seconds that a job gets to stop by itself."""
_LONGER = {"train": 60.0}
"""A training ends after a whole step, which of large examples takes long on a CPU."""

_COMMAND = (sys.executable, "-P", "-m", "rainclean")
"""-P: what lies in the folder where the person happens to be is not imported."""
_ERROR = "rainclean: "
_INTERRUPTED = (129, 130, 143)
"""Exit codes of a command that a signal has ended."""


class State(Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(QObject):
    """A command, queued, at work, or over.

    title: for a person. words: the command without ``rainclean`` (["analyze", "/data/rain"]); --json is added.
    project: folder of the project that it is about. program: run this instead, for tests.

    Signals: `changed` after each step, line and change of state; `finished` once, when it is over.
    """

    changed = Signal()
    finished = Signal()

    def __init__(
        self, title: str, words: Sequence[str], project: Path | None = None, program: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.title, self.words, self.project = title, tuple(map(str, words)), project
        self.state = State.QUEUED
        self.stopping = False
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.logged = 0  # lines ever, of which the log keeps the last
        self.result: Any = None
        self.error = self.advice = ""
        self.grace = _LONGER.get(self.kind, GRACE)
        self._program = tuple(program) or (*_COMMAND, *self.words, "--json")
        self._fake = tuple(program)
        self._progress = JobProgress(self.kind)
        self._process: QProcess | None = None
        self._out, self._err = bytearray(), bytearray()

    @property
    def kind(self) -> str:
        """The command: "analyze"."""
        return self.words[0] if self.words else ""

    @property
    def command(self) -> str:
        """The same as typed on a terminal."""
        return command_text(self.words)

    @property
    def progress(self) -> Progress | None:
        """The latest step; None before the first."""
        return self._progress.step

    @property
    def share(self) -> float | None:
        """Of all the work, 0…1; None where it is not known."""
        return 1.0 if self.state is State.FINISHED else self._progress.share

    @property
    def seconds_left(self) -> float | None:
        """Estimated; None until enough is known."""
        return self._progress.seconds_left(time.monotonic()) if self.state is State.RUNNING else None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in (State.FINISHED, State.FAILED, State.CANCELLED)

    @property
    def pid(self) -> int | None:
        """Number of its process while it runs."""
        return int(self._process.processId()) or None if self._process is not None else None

    def doing(self) -> str:
        """One line that says what it is doing, or how it ended."""
        if self.stopping and not self.is_over:
            return "stopping"
        return self._progress.words(time.monotonic()) if self.state is State.RUNNING else self.state.value

    def again(self) -> "Job":
        """A job that tries it again, or goes on where this one was."""
        return Job(self.title, words_again(self.words), self.project, self._fake)

    def start(self) -> None:
        """Start the process; asked for by `gui.jobs.queue.Jobs` when it is this job's turn."""
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
        process.started.connect(self._step_back)
        self.state = State.RUNNING
        process.start(self._program[0], list(self._program[1:]))
        self.changed.emit()

    def cancel(self) -> None:
        """Ask it to stop; what does not within `grace` seconds, or is asked twice, is killed."""
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
        """End it before the window goes: wait for it to stop, kill it if it does not, wait for that."""
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

    def _step_back(self) -> None:
        """The window goes first where both want the processor."""
        pid = self.pid
        if pid is not None and hasattr(os, "setpriority"):
            try:
                os.setpriority(os.PRIO_PROCESS, pid, 5)
            except OSError:
                return  # it has ended already, or may not: nothing is lost

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
            self._take(line)
        if lines:
            self.changed.emit()

    def _take(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        step = read_line(text)
        if step is not None:
            self._progress.take(step, time.monotonic())
            text = f"note: {step.note}" if step.note else ""
        if text:
            self._note(text)

    def _note(self, line: str) -> None:
        self.log.append(line)
        self.logged += 1

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self.error = f"cannot be started: {self._process.errorString()}"
            self._end(State.FAILED)

    def _on_finished(self, code: int, how: QProcess.ExitStatus) -> None:
        self._read_out()
        self._read_err()
        self._take(bytes(self._err))
        self._parse()
        if how is QProcess.ExitStatus.NormalExit and code == 0:
            self._end(State.FINISHED)
        elif self.stopping or code in _INTERRUPTED:
            self._end(State.CANCELLED)
        elif how is QProcess.ExitStatus.CrashExit:
            self.error = f"the job died (signal {code})" if os.name == "posix" else "the job died"
            self._end(State.FAILED)
        else:
            said = [line for line in self.log if line.startswith(_ERROR)]
            self.error = said[-1].removeprefix(_ERROR) if said else f"it ended with exit code {code}"
            self._end(State.FAILED)

    def _parse(self) -> None:
        try:
            self.result = json.loads(self._out.decode("utf-8", "replace")) if self._out else None
        except ValueError:
            for line in self._out.decode("utf-8", "replace").splitlines():
                self._note(line)
        self._out.clear()

    def _end(self, state: State) -> None:
        self.state, self.stopping = state, False
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
