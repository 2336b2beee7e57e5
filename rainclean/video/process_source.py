"""Read a clip in a process of its own: what its file does to a decoder, it does to that process.

`open_source` returns this. The process has bounded memory, says when it is stuck, and can be ended at any time, which
a thread within FFmpeg cannot: so every wait here can be interrupted. It is kept for the next clip. `reading_process`
is the other side, `messages` what both say.
"""

import atexit
import logging
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
from typing import Any, TypeVar

import numpy as np

import rainclean
from rainclean.environment import DEBUG
from rainclean.errors import RaincleanError, ResourceError
from rainclean.video.base import SourceBase
from rainclean.video.messages import (
    ENDS_PROCESS,
    Answer,
    Begun,
    DecodeOnly,
    Drop,
    Failure,
    Item,
    Next,
    Open,
    Opened,
    Read,
    Request,
    decode_answer,
    encode,
    error_of,
    path_to_text,
)
from rainclean.video.selection import check_indices, check_region
from rainclean.video.shared_frames import SharedFrames
from rainclean.video.source import Frame, Region, SourceInfo

_log = logging.getLogger(__name__)

MAX_SILENT_SECONDS = 30.0
"""Time without a heartbeat after which a process is ended: it says itself when it is stuck, if it still can."""

GRACE_SECONDS = 0.5
"""Time that a process gets to answer after nobody needs its answer any more; then it is ended."""

MAX_IDLE_PROCESSES = 2
"""Processes that are kept for the next clips."""

_TICK_SECONDS = 0.1
_START = "import sys; sys.path[:] = {}; from rainclean.video.reading_process import main; main(0, {}, {})"


Expected = TypeVar("Expected", Opened, Begun)


class ApartSource(SourceBase):
    """A clip as FrameSource, read by another process.

    Raises what `open_here` raises, and InputError for whatever else the file causes there.
    """

    def __init__(self, path: Path, *, salvage: bool = False, as_stored: bool = False, matrix: str = "") -> None:
        super().__init__(path)
        self._salvage, self._as_stored, self._matrix = salvage, as_stored, matrix
        self._numbers = count()
        self._process = self._opened()
        info = self._info
        _log.info("opened %s: %d×%d px, %d frames", path, info.width, info.height, info.frame_count)

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        """Deliver frames; see FrameSource.read. Clips whose colours are not read are refused with InputError."""
        self._check_open()
        wanted = check_indices(indices, len(self._times))
        part = check_region(region, self._info)
        everything = len(wanted) == len(self._times)
        number = next(self._numbers)
        self._begin(Read(number, None if everything else wanted, list(part)))
        return self._frames(number, 3 * part.width * part.height)

    def decode_only(self) -> Iterator[int]:
        """Decode every frame without converting it and yield its index. Raises as ``read``, whatever its colours."""
        self._check_open()
        number = next(self._numbers)
        self._begin(DecodeOnly(number))
        for item, _ in self._items(number, 0):
            yield item.index

    def close(self) -> None:
        """Release the process. Reading afterwards raises ValueError, also from iterators that are under way."""
        if not self._closed:
            super().close()
            self._release()

    def _frames(self, number: int, size: int) -> Iterator[Frame]:
        for item, rgb in self._items(number, size):
            yield Frame(item.index, item.time, rgb)
            self._check_open()

    def _begin(self, request: Read | DecodeOnly) -> None:
        if self._process.over:  # stuck or gone while something else was read
            self._process = self._opened()
        self._ask(self._process, request, Begun)

    def _items(self, number: int, size: int) -> Iterator[tuple[Item, Any]]:
        """Yield items of an iterator, with their pixels where there are any; frames take ``size`` bytes, or 0."""
        process = self._process
        into = ahead = None
        under_way = True
        try:
            into = process.frames.take(size)
            while True:
                self._check_open()
                ahead = process.frames.take(size)
                answer = self._answer(process, Next(number, into.offset, ahead.offset))
                if not isinstance(answer, Item):
                    under_way = False
                    return
                rgb = None
                if answer.shape is not None:
                    rgb = process.frames.array(into, answer.shape)
                    into, ahead = ahead, None
                yield answer, rgb
                del rgb
        except RaincleanError:
            under_way = False
            raise
        finally:
            if under_way and not process.over and not self._closed:
                self._ask(process, Drop(number), Begun)
            for slot in (into, ahead):
                if slot is not None:
                    process.frames.give_back(slot)

    def _opened(self) -> "_Process":
        process = _take()
        # However this object is deleted, its process does not stay.
        self._release = weakref.finalize(self, _give_back, process)
        request = Open(
            path=path_to_text(self._path),
            folder=path_to_text(Path.cwd()),
            salvage=self._salvage,
            as_stored=self._as_stored,
            matrix=self._matrix,
        )
        try:
            opened = self._ask(process, request, Opened)
        except BaseException:
            self._release()
            raise
        facts: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in opened.facts.items()}
        self._info = SourceInfo(path=self._path, **facts)
        self._times = np.asarray(opened.times, np.float64)
        self._times.setflags(write=False)
        return process

    def _ask(self, process: "_Process", request: Request, expected: type[Expected]) -> Expected:
        answer = self._answer(process, request)
        assert isinstance(answer, expected)
        return answer

    def _answer(self, process: "_Process", request: Request) -> Answer:
        answer = process.ask(request)
        if isinstance(answer, Failure):
            raise error_of(answer, self._path)
        return answer


_waiting = threading.local()


@contextmanager
def unless(cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let waits of this thread for a file end soon after ``cancelled`` returns True; a context manager.

    Args:
        cancelled: called several times a second while a clip is waited for.
    """
    outer = getattr(_waiting, "cancelled", None)
    _waiting.cancelled = cancelled
    try:
        yield
    finally:
        _waiting.cancelled = outer


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
                stderr=None if os.environ.get(DEBUG) else subprocess.DEVNULL,
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

    def ask(self, request: Request) -> Answer:
        """Send a request and wait for its answer. Where that does not come, the process is over."""
        answered = False
        try:
            assert self._process.stdin is not None
            with suppress(BrokenPipeError):  # it may have said why
                self._process.stdin.write(encode(request))
            answer = self._answer()
            answered = not (isinstance(answer, Failure) and answer.kind in ENDS_PROCESS)
            return answer
        finally:
            if not answered:
                self.end()

    def end(self) -> None:
        """End the process, whatever it does."""
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
        """Whether the process runs."""
        return not self.over and self._process.poll() is None

    def _answer(self) -> Answer:
        """Wait for an answer, or for a reason to give up."""
        cancelled = getattr(_waiting, "cancelled", None)
        silent = unwanted = 0.0
        ready = select.poll()
        ready.register(self._answers, select.POLLIN)
        while True:
            line, found, rest = self._heard.partition(b"\n")
            if found:
                self._heard = rest
                if line:
                    return decode_answer(line)
                continue
            if ready.poll(1000 * _TICK_SECONDS):
                heard = os.read(self._answers, 1 << 20)
                if not heard:
                    return Failure("gone")
                self._heard += heard
                silent = 0.0
            else:
                silent += _TICK_SECONDS
            if cancelled is not None and cancelled():
                unwanted += _TICK_SECONDS
            if unwanted > GRACE_SECONDS:
                return Failure("cancelled")
            if silent > MAX_SILENT_SECONDS:
                return Failure("stuck")


_idle: list[_Process] = []
_lock = threading.Lock()
_over = False


def _take() -> _Process:
    """Return a process that waits, of the priority of this thread, or a new one."""
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
        surplus = _idle[: -1 * MAX_IDLE_PROCESSES] if not _over else list(_idle)
        del _idle[: len(surplus)]
    for one in surplus:
        one.end()


def _forget() -> None:
    """Forget all processes, after a fork: those of the parent are not ours."""
    _idle.clear()


def end_idle() -> None:
    """End the processes that wait for a clip."""
    with _lock:
        while _idle:
            _idle.pop().end()


def _end_at_exit() -> None:
    """End what waits, and keep no more: the interpreter ends."""
    global _over
    _over = True
    end_idle()


def _niceness() -> int:
    # On Linux that of the calling thread, which is what a process started by it gets.
    return os.getpriority(os.PRIO_PROCESS, 0)


atexit.register(_end_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
