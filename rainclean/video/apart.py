"""A clip that is read in a process of its own: what its file does to a decoder, it does to that process.

The process has bounded memory, says when it is stuck, and can be ended at any time, which a thread within FFmpeg
cannot: so every wait here can be interrupted. It is kept for the next clip.
"""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

import rainclean
from rainclean.errors import InputError, RaincleanError, ResourceError
from rainclean.video.base import SourceBase
from rainclean.video.damage import DamagedInput
from rainclean.video.selection import check_indices, check_region
from rainclean.video.shared_frames import SharedFrames
from rainclean.video.source import Frame, Region, SourceInfo

SILENT_AFTER = 30.0
"""Seconds without a heartbeat after which a process is ended: it says itself when it is stuck, if it still can."""

GRACE = 0.5
"""Seconds that a process gets to answer after nobody wants its answer any more; then it is ended."""

MOST_IDLE = 2
"""Processes that are kept for the next clips."""

_TICK = 0.1
_AGAIN = "copy or download it again"
_START = "import sys; sys.path[:] = {}; from rainclean.video.reading_process import main; main(0, {}, {})"


class ApartSource(SourceBase):
    """A clip as FrameSource, read by another process. Raises what `open_here` raises, and InputError for whatever else
    the file brings about there.
    """

    def __init__(self, path: Path, *, salvage: bool = False, as_stored: bool = False, matrix: str = "") -> None:
        super().__init__(path)
        self._how = {"salvage": salvage, "as_stored": as_stored, "matrix": matrix}
        self._numbers = count()
        self._process = self._opened()

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        """Deliver frames; see FrameSource.read. Clips whose colours are not read are refused with InputError."""
        self._check_open()
        wanted = check_indices(indices, len(self._times))
        part = check_region(region, self._info)
        everything = len(wanted) == len(self._times)
        number = self._begin({"do": "read", "indices": None if everything else wanted, "region": list(part)})
        return self._frames(number, 3 * part.width * part.height)

    def decode_only(self) -> Iterator[int]:
        """Decode every frame without converting it and yield its index. Raises as ``read``, whatever its colours."""
        self._check_open()
        for answer in self._items(self._begin({"do": "decode only", "region": None}), 0):
            yield answer["index"]

    def close(self) -> None:
        """Hand the process back. Reading afterwards raises ValueError, also from iterators that are under way."""
        if not self._closed:
            super().close()
            self._let_go()

    def _frames(self, number: int, size: int) -> Iterator[Frame]:
        for answer in self._items(number, size):
            yield Frame(answer["index"], answer["time"], answer["rgb"])
            self._check_open()

    def _begin(self, request: dict[str, Any]) -> int:
        if self._process.over:  # stuck or gone while something else was read
            self._process = self._opened()
        number = next(self._numbers)
        self._ask(self._process, {**request, "iterator": number})
        return number

    def _items(self, number: int, size: int) -> Iterator[dict[str, Any]]:
        """Answers of an iterator; frames take ``size`` bytes, 0 where none come."""
        process = self._process
        into = ahead = None
        under_way = True
        try:
            into = process.frames.take(size)
            while True:
                self._check_open()
                ahead = process.frames.take(size)
                request = {"do": "next", "iterator": number, "into": into.offset, "ahead": ahead.offset}
                answer = self._ask(process, request)
                if "index" not in answer:
                    under_way = False
                    return
                if "shape" in answer:
                    answer["rgb"] = process.frames.array(into, answer["shape"])
                    into, ahead = ahead, None
                yield answer
        except RaincleanError:
            under_way = False
            raise
        finally:
            if under_way and not process.over and not self._closed:
                self._ask(process, {"do": "drop", "iterator": number})
            for slot in (into, ahead):
                if slot is not None:
                    process.frames.give_back(slot)

    def _opened(self) -> "_Process":
        process = _take()
        # However this object goes, its process does not stay.
        self._let_go = weakref.finalize(self, _give_back, process)
        folder = os.fsencode(Path.cwd()).decode("latin-1")
        path = os.fsencode(self._path).decode("latin-1")
        try:
            answer = self._ask(process, {"do": "open", "path": path, "folder": folder, "how": self._how})
        except BaseException:
            self._let_go()
            raise
        facts: Any = {
            name: tuple(value) if isinstance(value, list) else value for name, value in answer["info"].items()
        }
        self._info = SourceInfo(path=self._path, **facts)
        self._times = np.asarray(answer["times"], np.float64)
        self._times.setflags(write=False)
        return process

    def _ask(self, process: "_Process", request: dict[str, Any]) -> dict[str, Any]:
        answer = process.ask(request)
        if "error" in answer:
            raise _error(self._path, answer)
        return answer


def _error(path: Path, answer: dict[str, Any]) -> RaincleanError:
    kind = answer["error"]
    if kind in ("input", "damaged"):
        place = Path(os.fsdecode(answer["path"].encode("latin-1")))
        words = place, answer["reason"], answer["advice"]
        return (
            DamagedInput(*words, answer["decodable"], answer["announced"]) if kind == "damaged" else InputError(*words)
        )
    if kind == "other":
        return RaincleanError(answer["message"])
    if kind == "cancelled":
        return RaincleanError(f"{path}: reading was cancelled")
    reason = {
        "stuck": "its decoder does not come to an end: the file is damaged",
        "gone": "its decoder has crashed: the file is damaged",
        "memory": "its decoder asks for more memory than such a file can need: the file is damaged",
        "system": f"cannot be read: {answer.get('reason')}",
    }.get(kind, f"cannot be read ({answer.get('reason')}): the file is damaged")
    return InputError(path, reason, _AGAIN)


_cancelled = threading.local()


@contextmanager
def unless(cancelled: Callable[[], bool]) -> Iterator[None]:
    """Within this, waiting in this thread for what a file gives ends soon after ``cancelled`` says so."""
    before = getattr(_cancelled, "asked", None)
    _cancelled.asked = cancelled
    try:
        yield
    finally:
        _cancelled.asked = before


class _Process:
    """The other process, its pipes and the memory that is shared with it."""

    def __init__(self) -> None:
        self.niceness = _niceness()
        self.over = False
        self.frames = SharedFrames()
        self._heard = b""
        answers, theirs = os.pipe()
        places = [str(Path(rainclean.__file__).parents[1]), *(str(Path(p).absolute()) for p in sys.path if p)]
        start = _START.format(places, theirs, self.frames.file)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", start],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("RAINCLEAN_DEBUG") else subprocess.DEVNULL,
                pass_fds=(theirs, self.frames.file),
                start_new_session=True,  # Ctrl-C is for whoever waits
                bufsize=0,
            )
        except OSError as error:
            os.close(answers)
            self.frames.close()
            raise ResourceError(f"no process can be started to read a clip: {error.strerror or error}") from error
        finally:
            os.close(theirs)
        self._answers = answers

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer. Where that does not come, the process is over."""
        answered = False
        try:
            assert self._process.stdin is not None
            with suppress(BrokenPipeError):  # it may have said why
                self._process.stdin.write(json.dumps(request).encode() + b"\n")
            answer = self._answer()
            answered = "error" not in answer or answer["error"] not in ("stuck", "gone", "memory", "cancelled")
            return answer
        finally:
            if not answered:
                self.end()

    def end(self) -> None:
        """End the process, whatever it is at."""
        if self.over:
            return
        self.over = True
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # one that waits for a dead disk ends with that
            self._process.wait(1)
        if self._process.stdin is not None:
            self._process.stdin.close()
        os.close(self._answers)
        self.frames.close()

    @property
    def lives(self) -> bool:
        return not self.over and self._process.poll() is None

    def _answer(self) -> dict[str, Any]:
        asked = getattr(_cancelled, "asked", None)
        silent = unwanted = 0.0
        ready = select.poll()
        ready.register(self._answers, select.POLLIN)
        while True:
            line, found, rest = self._heard.partition(b"\n")
            if found:
                self._heard = rest
                if line:
                    answer: dict[str, Any] = json.loads(line)
                    return answer
                continue
            if ready.poll(1000 * _TICK):
                heard = os.read(self._answers, 1 << 20)
                if not heard:
                    return {"error": "gone"}
                self._heard += heard
                silent = 0.0
            else:
                silent += _TICK
            if asked is not None and asked():
                unwanted += _TICK
            if unwanted > GRACE:
                return {"error": "cancelled"}
            if silent > SILENT_AFTER:
                return {"error": "stuck"}


_idle: list[_Process] = []
_lock = threading.Lock()
_over = False


def _take() -> _Process:
    """A process that waits, of the priority of this thread, or a new one."""
    niceness = _niceness()
    with _lock:
        for process in list(_idle):
            if not process.lives:
                _idle.remove(process)
                process.end()
            elif process.niceness == niceness:
                _idle.remove(process)
                return process
    return _Process()


def _give_back(process: _Process) -> None:
    if process.over:
        return
    process.frames.clear()
    with _lock:
        _idle.append(process)
        surplus = _idle[: -1 * MOST_IDLE] if not _over else list(_idle)
        del _idle[: len(surplus)]
    for one in surplus:
        one.end()


def _forget() -> None:
    """In a forked process: those of the other one are not ours."""
    _idle.clear()


def end_idle() -> None:
    """End the processes that wait for a clip."""
    with _lock:
        while _idle:
            _idle.pop().end()


def _end_at_exit() -> None:
    """With the interpreter: end what waits, and keep no more."""
    global _over
    _over = True
    end_idle()


def _niceness() -> int:
    # On Linux that of the calling thread, which is what a process started by it gets.
    return os.getpriority(os.PRIO_PROCESS, 0)


atexit.register(_end_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
