"""Damaged inputs by the thousand for whatever reads files of strangers.

A reader is a function that is given a file. It may take it, or refuse it with a RaincleanError of one line. It runs in
processes of their own, so that one that hangs can be ended and memory be measured. Found is what is neither: another
exception, more than SLOWEST seconds, more than LARGEST bytes in a process.

A module in `fuzz/readers/` with a list READERS is all that a new reader takes.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from select import select
from threading import Lock
from unicodedata import category

from tests.fuzz.mutations import mutated

SLOWEST = 10.0
"""Seconds for one input."""

LARGEST = 1_500_000_000
"""Bytes of memory in one process: the reader's own, or one that it starts."""

ENDED_AFTER = 15.0
"""Seconds after which a process that says nothing is killed."""


def is_clean(text: str) -> bool:
    """Whether a text is one line that shows what it says; spaces and joiners of other scripts may be in names."""
    return all(c.isprintable() or c in "\u200c\u200d" or category(c) == "Zs" for c in text)


@dataclass(frozen=True)
class Reader:
    """Something that reads.

    samples: makes sound files in an empty folder by our own encoders, once a run; returns them by name. Their suffixes
    are those of the damaged ones. read: module-level function, given a damaged file in a folder that it has for itself.
    tokens: words of the format, see `mutated`. short: inputs in the default run of the tests; those of all readers
    together should take less than 20 s.
    """

    name: str
    samples: Callable[[Path], Mapping[str, bytes]]
    read: Callable[[Path], None]
    tokens: Sequence[bytes] = ()
    short: int = 200


@dataclass
class Found:
    """What a run came to. strange: what was neither taken nor refused, by kind, with the file that did it."""

    inputs: int = 0
    taken: int = 0
    refused: int = 0
    seconds: float = 0.0
    bytes: int = 0
    strange: dict[str, Path] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        rows = [f"{self.inputs} inputs: {self.taken} taken, {self.refused} refused"]
        rows += [f"slowest {self.seconds:.1f} s, largest process {self.bytes / 1e6:.0f} MB"]
        return "\n".join(rows + [f"{self.kinds[kind]} × {kind}\n    {path}" for kind, path in self.strange.items()])


def fuzz(
    reader: Reader, folder: Path, inputs: int, seed: str = "1", workers: int = 2, kept: "Process | None" = None
) -> Found:
    """Give a reader so many damaged inputs. Those that it did not stand are kept in ``folder``.

    kept: a process of the reader's module to use in place of new ones.
    """
    start = folder / "samples"
    start.mkdir()
    samples = dict(reader.samples(start))
    found, lock, numbers = Found(), Lock(), count()

    def work(n: int) -> None:
        place = folder / f"worker-{n}"
        place.mkdir()
        process = Process(reader.read.__module__, folder) if kept is None else kept
        try:
            while (number := next(numbers)) < inputs:
                data = mutated(samples, f"{reader.name} {seed}", number, reader.tokens)
                path = place / f"input{Path(sorted(samples)[0]).suffix}"
                path.write_bytes(data)
                said = process.give(reader.read.__qualname__, path)
                with lock:
                    _note(found, said, data, folder / f"{number}{path.suffix}")
        finally:
            if process is not kept:
                process.end()

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(work, n) for n in range(workers)]:
            future.result()
    if log := os.environ.get("FUZZ_LOG"):
        with Path(log).open("a") as file:
            file.write(f"{reader.name}: {found}\n")
    return found


def _note(found: Found, said: "dict[str, object]", data: bytes, keep: Path) -> None:
    found.inputs += 1
    seconds, size = float(str(said["seconds"])), int(str(said["bytes"]))
    found.seconds, found.bytes = max(found.seconds, seconds), max(found.bytes, size)
    how = str(said["how"])
    found.taken += how == "taken"
    found.refused += how == "refused"
    kinds = [how] if how not in ("taken", "refused") else []
    kinds += [f"more than {SLOWEST:.0f} s"] if seconds > SLOWEST else []
    kinds += [f"more than {LARGEST / 1e9} GB"] if size > LARGEST else []
    for kind in kinds:
        found.kinds[kind] += 1
        if kind not in found.strange:
            keep.write_bytes(data)
            found.strange[kind] = keep


class Process:
    """One process that reads by the functions of a module, started again where it ended or was ended."""

    def __init__(self, module: str, folder: Path) -> None:
        self._words = [sys.executable, "-m", "tests.fuzz.worker", module]
        self._errors = folder / "stderr"
        self._process: subprocess.Popen[bytes] | None = None

    def give(self, function: str, path: Path) -> "dict[str, object]":
        """Let a function read a file; how that went."""
        if self._process is None:
            self._process = self._started()
            if not self._answer(60):
                raise AssertionError(f"no reader: {self._errors.read_text(errors='replace')[-2000:]}")
        process = self._process
        begun = time.monotonic()
        assert process.stdin is not None
        process.stdin.write(f"{function} {path}\n".encode())
        process.stdin.flush()
        line = self._answer(ENDED_AFTER)
        if line.endswith(b"\n"):
            said: dict[str, object] = json.loads(line)
            return said
        seconds, size, hangs = time.monotonic() - begun, peak(process.pid), line == b"hangs"
        self.end(kill=True)
        return {"how": "hangs" if hangs else f"ended by signal {-process.wait()}", "seconds": seconds, "bytes": size}

    def end(self, kill: bool = False) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(0 if kill else 5)
            except subprocess.TimeoutExpired:
                process.kill()

    def _started(self) -> "subprocess.Popen[bytes]":
        here = Path(__file__).parents[1]
        places = [str(here.parent), str(here), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        environment = {"PYTHONPATH": os.pathsep.join(filter(None, places)), "QT_QPA_PLATFORM": "offscreen"}
        with self._errors.open("ab") as errors:
            return subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def _answer(self, seconds: float) -> bytes:
        """A line of the process, nothing where it has ended, ``hangs`` where nothing came in so many seconds."""
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select([self._process.stdout], [], [], seconds)
        return self._process.stdout.readline() if ready else b"hangs"


def peak(pid: int) -> int:
    """Bytes of memory that a process has held at most since `forget_peaks`; 0 where that is not told."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        # The largest so far of this process, elsewhere than on Linux.
        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale if pid == os.getpid() else 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def family(pid: int) -> Iterator[int]:
    """The process and all that it has started, as far as they live."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                yield from family(int(child))
        except OSError:
            continue


def forget_peaks(pid: int) -> None:
    """Begin to measure anew."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return
