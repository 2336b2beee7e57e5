"""Decoded pictures in memory: read in threads, the most recently used kept, the next ones read ahead."""

from collections import OrderedDict
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.workers import LATER, NOW, Task, Workers

U8 = NDArray[np.uint8]

MAX_BYTES = 768 << 20
"""Bytes of decoded pictures kept: about 120 pictures of 1920×1080 px."""


class ImageCache(QObject):
    """Pictures by the names of their artefacts.

    Signals: `loaded` with the name of a picture that was read; `failed` with a name and the reason; `absent` with the
    name of one that is not on disk.
    """

    loaded = Signal(str)
    failed = Signal(str, str)
    absent = Signal(str)

    def __init__(self, workers: Workers, read: Callable[[str], U8], limit: int = MAX_BYTES) -> None:
        """Make an empty cache.

        Args:
            workers: Threads that read.
            read: Decodes a picture, (H, W, 3) uint8 RGB; called in any thread. Raises FileNotFoundError for one that
                is not on disk.
            limit: Bytes to keep.
        """
        super().__init__()
        self._workers, self._read, self._limit = workers, read, limit
        self._kept: OrderedDict[str, U8] = OrderedDict()
        self._bytes = 0
        self._coming: dict[str, tuple[int, Task]] = {}

    def get(self, name: str) -> U8 | None:
        """Return a picture if it is in memory; else read it most urgently, and emit `loaded` afterwards."""
        picture = self.peek(name)
        if picture is None and name:
            self._fetch(name, NOW)
        return picture

    def peek(self, name: str) -> U8 | None:
        """Return a picture if it is in memory."""
        picture = self._kept.get(name)
        if picture is not None:
            self._kept.move_to_end(name)
        return picture

    def put(self, name: str, picture: U8) -> None:
        """Store a picture that was decoded elsewhere."""
        self._bytes -= self._kept.pop(name).nbytes if name in self._kept else 0
        self._kept[name] = picture
        self._bytes += picture.nbytes
        while self._bytes > self._limit and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= gone.nbytes

    def expect(self, names: Iterable[str]) -> None:
        """Read these ahead in this order, and cancel reading ahead of all others."""
        wanted = [name for name in dict.fromkeys(names) if name and name not in self._kept]
        for name, (urgency, task) in list(self._coming.items()):
            if urgency == LATER and name not in wanted:
                task.cancel()
                del self._coming[name]
        for name in wanted:
            if name not in self._coming:
                self._fetch(name, LATER)

    def clear(self) -> None:
        """Drop all pictures, and cancel all reading."""
        for _, task in self._coming.values():
            task.cancel()
        self._coming.clear()
        self._kept.clear()
        self._bytes = 0

    def _fetch(self, name: str, urgency: int) -> None:
        if name in self._coming:
            before, task = self._coming[name]
            if before <= urgency:
                return
            task.cancel()
        task = self._workers.run(
            lambda: self._read(name),
            lambda picture: self._come(name, picture),
            lambda error: self._fail(name, error, urgency),
            urgency=urgency,
        )
        self._coming[name] = (urgency, task)

    def _come(self, name: str, picture: U8) -> None:
        self._coming.pop(name, None)
        self.put(name, picture)
        self.loaded.emit(name)

    def _fail(self, name: str, error: Exception, urgency: int) -> None:
        self._coming.pop(name, None)
        if urgency == NOW and isinstance(error, FileNotFoundError):
            self.absent.emit(name)
        elif urgency == NOW:  # nobody waits for a picture that is read ahead
            self.failed.emit(name, str(error))
