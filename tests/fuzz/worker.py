"""``python -m fuzz.worker MODULE``: reads files by its functions; both names come by standard input, a line each.

Answers each with a line of JSON: how it went, seconds, bytes of memory of the largest process.
"""

import importlib
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from rainclean.errors import RaincleanError, printable
from tests.fuzz.engine import family, forget_peaks, peak

_BREAK = 12 << 30
"""Bytes of addresses: where a bomb goes off before the machine is out of memory."""


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what readers print is not an answer
    module = importlib.import_module(sys.argv[1])
    if hasattr(module, "prepare"):
        module.prepare()  # what the first input should not be timed for
    resource.setrlimit(resource.RLIMIT_AS, (_BREAK, resource.getrlimit(resource.RLIMIT_AS)[1]))
    _say(answers, "ready")
    for line in sys.stdin:
        function, _, name = line.rstrip("\n").partition(" ")
        for pid in family(os.getpid()):
            forget_peaks(pid)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        begun = time.monotonic()
        how = _how(getattr(module, function), Path(name))
        seconds = time.monotonic() - begun
        size = max(peak(pid) for pid in family(os.getpid()))
        now = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if now > ended:  # a process that has come and gone was larger than all before
            size = max(size, now * 1024)
        _say(answers, {"how": how, "seconds": seconds, "bytes": size})


def _how(read: Callable[[Path], None], path: Path) -> str:
    try:
        read(path)
    except RaincleanError as error:
        return "refused" if printable(str(error)) == str(error) else f"not one line: {str(error)!r}"
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)
        own = next(f for f in reversed(where) if "site-packages" not in f.filename and "lib/python" not in f.filename)
        return f"{type(error).__name__} at {Path(own.filename).name}:{own.lineno}: {str(error)[:200]!r}"
    return "taken"


def _say(answers: TextIO, what: object) -> None:
    print(json.dumps(what), file=answers, flush=True)


if __name__ == "__main__":
    main()
