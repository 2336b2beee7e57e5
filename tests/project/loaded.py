"""The command in a process that has loaded it already, killed after some seconds; started by test_kills.py.

A process of its own spends most of its life on starting Python, while there is nothing to be lost.
"""

import json
import os
import signal
import sys
import time

import tyro  # noqa: F401

import pipeline.cli.analyze
import pipeline.cli.export
import pipeline.cli.select
import pipeline.export.writing
import pipeline.project.analyzing
import pipeline.project.editor
import pipeline.project.masks  # noqa: F401
from pipeline.cli.main import main
from rainclean import _kernels


def run(words: list[str], after: float | None) -> bool:
    """Run the command in a fork, and kill it after some seconds, if any; whether it was still running then."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nothing, stream)
            code = main(words)
        finally:
            os._exit(code)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    _kernels.load()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(*json.loads(line))) + "\n")
        sys.stdout.flush()
