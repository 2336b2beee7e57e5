"""What runs in the process that reads a clip: its memory is bounded, and when it is stuck it says so and ends.

Requests come by standard input, a line of JSON each; so go the answers. Frames go through shared memory; while one is
looked at, the next is made. Everything that goes wrong is an answer, so that no file, however
made, does more than make this process end. `apart.py` is the other side.
"""

import json
import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rainclean.allocator import give_back_freed_memory, keep_freed_memory, share_heaps
from rainclean.errors import InputError, RaincleanError
from rainclean.video import bounds, pulse
from rainclean.video.damage import DamagedInput
from rainclean.video.limits import PIXEL_LIMIT
from rainclean.video.opening import open_here
from rainclean.video.shared_frames import write
from rainclean.video.source import FrameSource, Region

TICK = 0.25
"""Seconds between two looks at whether the reader lives."""

IDLE_TICKS = 8
"""Looks without work, one after the other, after which memory that was freed goes back to the system."""

HEARTBEAT = b"\n"


def main(requests: int, answers: int, frames: int) -> None:
    """Serve until the other side is gone. All three are file descriptors; ``frames`` is memory that both share."""
    share_heaps()
    # Of each frame some megabytes are freed and wanted again: fetched anew, they take a fifth of the time of decoding.
    keep_freed_memory()
    _Server(requests, answers, frames).serve()


class _Server:
    """One clip at a time, and iterators over it by number; the next frame of the last one is made ahead."""

    def __init__(self, requests: int, answers: int, frames: int) -> None:
        self._requests, self._answers, self._frames = requests, answers, frames
        self._writing = threading.Lock()
        self._busy = False
        self._source: FrameSource | None = None
        self._iterators: dict[int, Iterator[Any]] = {}
        self._ahead: dict[int, dict[str, Any]] = {}

    def serve(self) -> None:
        bounds.bound_this_process()
        threading.Thread(target=self._watch, daemon=True).start()
        with os.fdopen(self._requests, "rb", closefd=False) as lines:
            for line in lines:
                request = json.loads(line)
                self._busy = True
                answer = self._answered(request)
                self._say(answer)
                if request["do"] == "next" and "index" in answer:
                    self._ahead[request["iterator"]] = self._made(request["iterator"], request["ahead"])
                self._busy = False

    def _say(self, answer: dict[str, Any]) -> None:
        self._write(json.dumps(answer).encode() + b"\n")

    def _write(self, data: bytes) -> None:
        with self._writing:
            while data:
                data = data[os.write(self._answers, data) :]

    def _answered(self, request: dict[str, Any]) -> dict[str, Any]:
        what = request["do"]
        if what == "open":
            return self._open(request)
        assert self._source is not None
        number = request["iterator"]
        if what == "next":
            return self._ahead.pop(number, None) or self._made(number, request["into"])
        if what == "drop":
            self._ahead.pop(number, None)
            self._iterators.pop(number, None)
            return {"dropped": number}
        try:
            self._iterators[number] = _iterator(self._source, request)
        except BaseException as error:
            return _told(error, self._source.info.path)
        return {"begun": number}

    def _open(self, request: dict[str, Any]) -> dict[str, Any]:
        self._iterators.clear()
        self._ahead.clear()
        self._source = None
        path = Path(os.fsdecode(request["path"].encode("latin-1")))
        os.chdir(os.fsdecode(request["folder"].encode("latin-1")))
        bounds.bound_this_process()
        if path.is_dir():  # the header of each image is looked at before it is decoded
            bounds.expect_pictures(PIXEL_LIMIT)
        try:
            self._source = source = open_here(path, **request["how"])
        except BaseException as error:
            return _told(error, path)
        info = source.info
        facts = {name: value for name, value in vars(info).items() if name != "path"}
        return {"info": facts, "times": source.times.tolist()}

    def _made(self, number: int, offset: int) -> dict[str, Any]:
        """The next item of an iterator, written to ``offset`` if it is a frame, or how that failed, as an answer."""
        assert self._source is not None
        try:
            item = next(self._iterators[number], None)
            pulse.beat()
            if item is None:
                del self._iterators[number]
                return {"end": number}
            if isinstance(item, int):
                return {"index": item}
            write(self._frames, item.rgb, offset)
            return {"index": item.index, "time": item.time, "shape": item.rgb.shape}
        except BaseException as error:
            return _told(error, self._source.info.path)

    def _watch(self) -> None:
        """End with the other side; while there is work, tell that this process lives, or that its work is stuck."""
        gone = select.poll()
        gone.register(self._requests, 0)
        before, used, stuck, ticks, idle = -1, 0.0, 0.0, 0, 0
        while True:
            time.sleep(TICK)
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
                stuck += max(cpu - used, TICK / 4) if _wants_a_core() else TICK
            before, used = now, cpu
            if stuck >= bounds.STUCK_AFTER:
                self._say({"error": "stuck"})
                os._exit(1)
            if self._busy and ticks % 4 == 0:
                self._write(HEARTBEAT)


def _iterator(source: Any, request: dict[str, Any]) -> Iterator[Any]:
    if request["do"] == "decode only":
        return iter(source.decode_only())
    return iter(source.read(request["indices"], Region(*request["region"])))


def _wants_a_core() -> bool:
    """Whether a thread of this process waits for a core, or for a disk; False where that is not told."""
    with suppress(OSError):
        own = threading.get_native_id()
        for task in Path("/proc/self/task").iterdir():
            if task.name != str(own) and (task / "stat").read_text().rpartition(") ")[2][:1] in ("R", "D"):
                return True
    return False


def _told(error: BaseException, path: Path) -> dict[str, Any]:
    """An error as an answer; those that are not in words that help are named."""
    if isinstance(error, InputError):
        place = os.fsencode(error.path).decode("latin-1")
        told = {"error": "input", "path": place, "reason": error.reason, "advice": error.advice}
        if isinstance(error, DamagedInput):
            told |= {"error": "damaged", "decodable": error.decodable, "announced": error.announced}  # type: ignore[dict-item]
        return told
    if isinstance(error, RaincleanError):
        return {"error": "other", "message": str(error)}
    if isinstance(error, MemoryError):
        return {"error": "memory"}
    if isinstance(error, OSError) and error.strerror:
        return {"error": "system", "reason": error.strerror}
    return {"error": "unexpected", "reason": f"{type(error).__name__}: {error}"}
