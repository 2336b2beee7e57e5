"""Commands in forks of a process that has loaded what they need: starting Python anew takes longer than they do.

For tests that break commands off, too: a process of its own spends most of its life on starting, while there is
nothing to be lost.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from tests.helpers.commands import COMMAND

LONGEST = 240.0
"""Seconds after which a fork is killed."""

RUNS = 1000
"""Answer for a process that has not ended: no exit code."""


class Loaded:
    """A process that forks for each command; enter it. training: whether it loads torch and Lightning as well."""

    def __init__(self, *, training: bool = False) -> None:
        command = [sys.executable, __file__, *(["train"] if training else [])]
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def start(self, *words: object, output: Path | None = None, errors: Path | None = None, **environment: str) -> int:
        """Start a command, or a script that is named by its path, in a session of its own; returns the process's id.

        output, errors: files for what it prints.
        """
        streams = [str(file or os.devnull) for file in (output, errors)]
        return self._ask({"words": [*map(str, words)], "streams": streams, "environment": environment})

    def wait(self, pid: int) -> int:
        """Wait until a process has ended; returns its exit code, minus the number of the signal that ended it."""
        return self._ask({"wait": pid})

    def poll(self, pid: int) -> int | None:
        """Return how a process ended, as `wait` does; None while it runs."""
        code = self._ask({"poll": pid})
        return None if code == RUNS else code

    def run(self, *words: object, after: float | None = None, number: int = signal.SIGKILL) -> int:
        """Run a command, send it a signal after some seconds, if any; returns how it ended, as `wait` does."""
        pid = self.start(*words)
        if after is not None:
            time.sleep(after)
            os.kill(pid, number)
        return self.wait(pid)

    def _ask(self, request: dict[str, object]) -> int:
        told, heard = self._process.stdin, self._process.stdout
        assert told is not None and heard is not None
        told.write(json.dumps(request) + "\n")
        told.flush()
        return int(heard.readline())


def _fork(words: list[str], streams: list[str], environment: dict[str, str]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where all this runs in the background
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in enumerate(streams, 1):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666), number)
        os.environ.update(environment)
        if words[0].endswith(".py"):
            sys.argv = words
            runpy.run_path(words[0], run_name="__main__")
            code = 0
        else:
            from pipeline.cli.main import main

            sys.argv = [COMMAND, *words]
            code = main(words)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(child: int) -> int:
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _poll(child: int) -> int:
    ended, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else RUNS


def _answer(request: dict[str, Any]) -> int:
    if "wait" in request:
        return _wait(request["wait"])
    return _poll(request["poll"]) if "poll" in request else _fork(**request)


def _load() -> None:
    import pyarrow
    import tyro  # noqa: F401

    import pipeline.cli.analyze
    import pipeline.cli.export
    import pipeline.cli.select
    import pipeline.cli.train
    import pipeline.export.run
    import pipeline.project.analysis.run
    import pipeline.project.editing.editor
    import pipeline.project.editing.masks
    from rainclean import _kernels

    if "train" in sys.argv:
        import pipeline.training.fit  # noqa: F401
    _kernels.load()
    pyarrow.array([])  # loads pandas, where that is installed


if __name__ == "__main__":
    _load()
    for line in sys.stdin:
        sys.stdout.write(f"{_answer(json.loads(line))}\n")
        sys.stdout.flush()
