"""The command in a process that has loaded it already, broken off after some seconds; for test_kills.py and its like.

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
import pipeline.export.run
import pipeline.project.analysis.run
import pipeline.project.editing.editor
import pipeline.project.editing.masks
from pipeline.cli.main import main
from rainclean import _kernels


def run(words: list[str], after: float | None, number: int = signal.SIGKILL) -> int:
    """Run the command in a fork, send it a signal after some seconds, if any; returns how it ended (-9: killed)."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where all this runs in the background
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nothing, stream)
            code = main(words)
        finally:
            os._exit(code)
    if after is not None:
        time.sleep(after)
        os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    if "train" in sys.argv:
        import pipeline.training.train  # noqa: F401
    _kernels.load()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(*json.loads(line))) + "\n")
        sys.stdout.flush()
