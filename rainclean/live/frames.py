"""Keep the frames of one sequence in order of time, so that lines of all of them are read in one piece.

They are in a scratch file line by line: all frames' first lines, then all frames' second lines, and so on. What a
person looks at is a region, and what is sorted is a line, so both read only what they need. Besides, every step-th
pixel of every step-th line is kept in memory: enough for a preview of the whole picture.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rainclean import _kernels
from rainclean.live.scratch import ScratchFile

U8 = NDArray[np.uint8]
Window = tuple[int, int]

REDUCED_BYTES = 64 << 20
"""Most memory for the reduced copy: every 4th pixel of 100 frames of 1920×1080 takes 39 MB."""

REDUCED_PIXELS = 150_000
"""Most pixels of the reduced copy: as many as a preview computes in time."""

FRAMES_WAITING = 2
"""Frames that may wait to be written while the decoder goes on."""


class LiveFrames:
    """Room for ``count`` frames of height × width px, RGB; ``step`` is that of the reduced copy.

    Frames are added by one thread; once all were added, any number of threads may read. `close` gives all back.
    """

    def __init__(self, height: int, width: int, count: int, folder: Path) -> None:
        self.height, self.width, self.count = height, width, count
        self.added, self._filled = 0, False
        self.step = reduced_step(height, width, count)
        self._file = ScratchFile(folder)
        lines, columns = -(-height // self.step), -(-width // self.step)
        self._reduced: U8 = np.empty((lines, count, 3 * columns), np.uint8)
        self._room = threading.local()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="rainclean-live-store")
        self._waiting: list[Future[None]] = []

    def add(self, rgb: U8) -> None:
        """Add the next frame, (H, W, 3) uint8; it must not be changed from then on.

        Returns while it is still being written, except for the last one.
        """
        if rgb.shape != (self.height, self.width, 3) or rgb.dtype != np.uint8:
            raise ValueError(f"frame of {rgb.dtype} {rgb.shape} for uint8 {(self.height, self.width, 3)}")
        if self.added == self.count:
            raise ValueError(f"more than the {self.count} frames that there is room for")
        self._waiting.append(self._pool.submit(self._store, self.added, np.ascontiguousarray(rgb)))
        self.added += 1
        while len(self._waiting) > (FRAMES_WAITING if self.added < self.count else 0):
            self._waiting.pop(0).result()
        self._filled = self.added == self.count

    def check_filled(self) -> None:
        """Raise ValueError unless all frames were added."""
        if not self._filled:
            raise ValueError(f"{self.added} of {self.count} frames were added")

    def line(self, y: int, window: Window) -> U8:
        """Read line y of the frames start … stop − 1: (stop − start, 3·W) uint8, the caller's to change."""
        out = np.empty((window[1] - window[0], 3 * self.width), np.uint8)
        self._read(y, window, out)
        return out

    def part(self, y: int, window: Window, first: int, pixels: int, step: int) -> U8:
        """Read each ``step``-th pixel of line y from ``first`` on: (stop − start, 3·pixels) uint8, the caller's own.

        Comes from the reduced copy where line, first pixel and step are multiples of its own step.
        """
        if y % self.step or first % self.step or step % self.step:
            return _taken(self._passing_line(y, window), first, pixels, step)
        reduced = self._reduced[y // self.step, slice(*window)]
        return _taken(reduced, first // self.step, pixels, step // self.step)

    def frame(self, position: int) -> U8:
        """Read one frame as it was added: (H, W, 3) uint8."""
        out = np.empty((self.height, 3 * self.width), np.uint8)
        for y in range(self.height):
            self._read(y, (position, position + 1), out[y])
        return out.reshape(self.height, self.width, 3)

    def pixel(self, x: int, y: int) -> U8:
        """Read one pixel of all frames: (N, 3) uint8."""
        return self.part(y, (0, self.count), x, 1, 1)

    def close(self) -> None:
        """Stop writing and give memory and disk space back."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._file.close()
        self._reduced = np.empty((0, 0, 0), np.uint8)
        self._room = threading.local()

    def _passing_line(self, y: int, window: Window) -> U8:
        """Read as `line` does, until this thread reads the next one: new memory for each takes as long as reading."""
        if not hasattr(self._room, "line"):
            self._room.line = np.empty((self.count, 3 * self.width), np.uint8)
        out: U8 = self._room.line[: window[1] - window[0]]
        self._read(y, window, out)
        return out

    def _read(self, y: int, window: Window, out: U8) -> None:
        self._file.read((y * self.count + window[0]) * 3 * self.width, out)

    def _store(self, frame: int, rgb: U8) -> None:
        self._reduced[:, frame] = rgb[:: self.step, :: self.step].reshape(len(self._reduced), -1)
        lines = rgb.reshape(self.height, -1)
        for y in range(self.height):
            self._file.write((y * self.count + frame) * 3 * self.width, lines[y])


def reduced_step(height: int, width: int, count: int) -> int:
    """Return the smallest step whose reduced copy of ``count`` frames is within REDUCED_BYTES and REDUCED_PIXELS."""
    most, step = min(REDUCED_PIXELS, REDUCED_BYTES // (3 * count)), 1
    while -(-height // step) * -(-width // step) > most and step < max(height, width):
        step += 1
    return step


def _taken(line: U8, first: int, pixels: int, step: int) -> U8:
    if step == 1:
        return line[:, 3 * first : 3 * (first + pixels)].copy()
    out = np.empty((len(line), 3 * pixels), np.uint8)
    _kernels.every_pixel(line, first, step, out)
    return out
