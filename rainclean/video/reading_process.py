"""Run the process that reads a clip: its memory is bounded, and when it is stuck it says so and ends.

Requests come by standard input, a line of JSON each; so go the answers (`messages`). Frames go through shared memory;
while one is used, the next is decoded. Every error is an answer, so that no file, however made, does more than make
this process end. `process_source` is the other side.
"""

import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rainclean.allocator import give_back_freed_memory, keep_freed_memory, share_heaps
from rainclean.video import bounds, pulse
from rainclean.video.limits import PIXEL_LIMIT
from rainclean.video.messages import (
    HEARTBEAT,
    Answer,
    Begun,
    DecodeOnly,
    Drop,
    Ended,
    Failure,
    Item,
    Next,
    Open,
    Opened,
    Read,
    Request,
    decode_request,
    encode,
    failure_of,
    text_to_path,
)
from rainclean.video.opening import open_here
from rainclean.video.shared_frames import write
from rainclean.video.source import FrameSource, Region

TICK_SECONDS = 0.25
"""Time between two checks of whether the reader lives."""

IDLE_TICKS = 8
"""Checks without work, one after the other, after which memory that was freed goes back to the system."""


def main(requests: int, answers: int, frames: int) -> None:
    """Serve until the other side is gone. All three are file descriptors; ``frames`` is memory that both share."""
    share_heaps()
    # Of each frame some megabytes are freed and needed again: allocated anew, they take a fifth of the decoding time.
    keep_freed_memory()
    _Server(requests, answers, frames).serve()


class _Server:
    """One clip at a time, and iterators over it by number; the next frame of the last one is decoded ahead."""

    def __init__(self, requests: int, answers: int, frames: int) -> None:
        self._requests, self._answers, self._frames = requests, answers, frames
        self._writing = threading.Lock()
        self._busy = False
        self._source: FrameSource | None = None
        self._iterators: dict[int, Iterator[Any]] = {}
        self._ahead: dict[int, Answer] = {}

    def serve(self) -> None:
        """Answer requests until there are no more."""
        bounds.bound_this_process()
        threading.Thread(target=self._watch, daemon=True).start()
        with os.fdopen(self._requests, "rb", closefd=False) as lines:
            for line in lines:
                request = decode_request(line)
                self._busy = True
                answer = self._answer(request)
                self._write(encode(answer))
                if isinstance(request, Next) and isinstance(answer, Item):
                    self._ahead[request.iterator] = self._next_item(request.iterator, request.ahead)
                self._busy = False

    def _write(self, data: bytes) -> None:
        with self._writing:
            while data:
                data = data[os.write(self._answers, data) :]

    def _answer(self, request: Request) -> Answer:
        if isinstance(request, Open):
            return self._open(request)
        assert self._source is not None
        number = request.iterator
        if isinstance(request, Next):
            return self._ahead.pop(number, None) or self._next_item(number, request.into)
        if isinstance(request, Drop):
            self._ahead.pop(number, None)
            self._iterators.pop(number, None)
            return Begun(number)
        try:
            self._iterators[number] = _iterator(self._source, request)
        except BaseException as error:
            return failure_of(error)
        return Begun(number)

    def _open(self, request: Open) -> Answer:
        self._iterators.clear()
        self._ahead.clear()
        self._source = None
        path = text_to_path(request.path)
        os.chdir(text_to_path(request.folder))
        bounds.bound_this_process()
        if path.is_dir():  # the header of each image is checked before it is decoded
            bounds.expect_pictures(PIXEL_LIMIT)
        try:
            self._source = source = open_here(
                path, salvage=request.salvage, as_stored=request.as_stored, matrix=request.matrix
            )
        except BaseException as error:
            return failure_of(error)
        info = source.info
        facts = {name: value for name, value in vars(info).items() if name != "path"}
        return Opened(facts, source.times.tolist())

    def _next_item(self, number: int, offset: int) -> Answer:
        """Take the next item of an iterator, and write it to ``offset`` if it is a frame."""
        assert self._source is not None
        try:
            item = next(self._iterators[number], None)
            pulse.beat()
            if item is None:
                del self._iterators[number]
                return Ended(number)
            if isinstance(item, int):
                return Item(item)
            write(self._frames, item.rgb, offset)
            return Item(item.index, item.time, list(item.rgb.shape))
        except BaseException as error:
            return failure_of(error)

    def _watch(self) -> None:
        """End with the other side; while there is work, say that this process lives, or that its work is stuck."""
        gone = select.poll()
        gone.register(self._requests, 0)
        before, used, stuck, ticks, idle = -1, 0.0, 0.0, 0, 0
        while True:
            time.sleep(TICK_SECONDS)
            if gone.poll(0):
                os._exit(0)
            ticks += 1
            idle = 0 if self._busy else idle + 1
            if idle == IDLE_TICKS:
                give_back_freed_memory()
            now, cpu = pulse.beats, time.process_time()
            if not self._busy or pulse.waiting or now != before:
                stuck = 0.0
            else:  # on a busy machine it may take four times as long
                stuck += max(cpu - used, TICK_SECONDS / 4) if _wants_a_core() else TICK_SECONDS
            before, used = now, cpu
            if stuck >= bounds.STUCK_AFTER:
                self._write(encode(Failure("stuck")))
                os._exit(1)
            if self._busy and ticks % 4 == 0:
                self._write(HEARTBEAT)


def _iterator(source: Any, request: Read | DecodeOnly) -> Iterator[Any]:
    if isinstance(request, DecodeOnly):
        return iter(source.decode_only())
    return iter(source.read(request.indices, Region(*request.region)))


def _wants_a_core() -> bool:
    """Return whether a thread of this process waits for a core, or for a disk; False where the system does not say."""
    with suppress(OSError):
        own = threading.get_native_id()
        for task in Path("/proc/self/task").iterdir():
            if task.name != str(own) and (task / "stat").read_text().rpartition(") ")[2][:1] in ("R", "D"):
                return True
    return False
