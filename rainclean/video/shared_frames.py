"""Memory that two processes share, for frames: one writes them, the other keeps them as arrays without a copy."""

import mmap
import os
import tempfile
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

KEPT = 3
"""Free places of one size whose memory is kept, as it is faster to write to again."""

AT_ONCE = 64 << 20
"""Bytes of addresses that are fetched at once; memory comes with use."""


@dataclass(kw_only=True)
class Slot:
    """Room for one frame: ``offset`` in the file that is shared, ``start`` in what is mapped here."""

    offset: int
    start: int
    size: int
    memory: mmap.mmap
    used: bool = False


class SharedFrames:
    """The side that keeps frames and says where the next ones go. A slot is free again when its array is gone."""

    def __init__(self) -> None:
        self.file = _shared_file()
        self._end = 0
        self._free: dict[int, list[Slot]] = {}

    def take(self, size: int) -> Slot:
        """Return a place for so many bytes."""
        size = max(1, -(-size // mmap.ALLOCATIONGRANULARITY)) * mmap.ALLOCATIONGRANULARITY
        free = self._free.setdefault(size, [])
        if not free:
            number = max(1, AT_ONCE // size)
            os.ftruncate(self.file, self._end + number * size)
            memory = mmap.mmap(self.file, number * size, offset=self._end)
            free += [
                Slot(offset=self._end + start, start=start, size=size, memory=memory)
                for start in range(0, number * size, size)
            ]
            self._end += number * size
        return free.pop()

    def array(self, slot: Slot, shape: Sequence[int]) -> Any:
        """Return what was written to a slot, uint8. The array owns the slot."""
        slot.used = True
        flat = np.frombuffer(slot.memory, np.uint8, int(np.prod(shape)), slot.start)
        weakref.finalize(flat, self.give_back, slot).atexit = False
        return flat.reshape(shape)

    def give_back(self, slot: Slot) -> None:
        """Let a place be used again. Called wherever an array goes, so it may wait for nothing."""
        free = self._free.get(slot.size)
        if free is None:  # of a clip before
            _empty(slot)
        elif slot.used and sum(other.used for other in free[-KEPT:]) < KEPT:
            free.append(slot)
        else:
            _empty(slot)
            free.insert(0, slot)

    def clear(self) -> None:
        """Hand back all memory that no array has."""
        for free in self._free.values():
            for slot in free:
                _empty(slot)
        self._free = {}

    def close(self) -> None:
        """Write no more; arrays stay."""
        self.clear()
        os.close(self.file)


def write(file: int, rgb: Any, offset: int) -> None:
    """Put a frame, uint8, where the other side wants it: half the time of writing to memory that is mapped."""
    data = memoryview(rgb).cast("B")
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


def _shared_file() -> int:
    """Create a file without a name, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("rainclean-frames")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _empty(slot: Slot) -> None:
    if slot.used and hasattr(mmap, "MADV_REMOVE"):
        with suppress(OSError):
            slot.memory.madvise(mmap.MADV_REMOVE, slot.start, slot.size)
        slot.used = False
