"""Thumbnails as pixmaps, loaded when they are first needed."""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from gui.state.session import Session
from gui.workers import SOON
from pipeline.project.clips import thumbnail

WIDTH = 192
"""Width in px. Shown at 96 px on ordinary screens, at 192 px on dense ones."""

MAX_KEPT = 2000
"""Pixmaps kept in memory."""


class Thumbnails(QObject):
    """Pixmaps by the names of their artefacts. `loaded` carries the name of one that was missing."""

    loaded = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._kept: OrderedDict[str, QPixmap] = OrderedDict()
        self._coming: set[str] = set()
        session.opened.connect(self.clear)
        session.sequences_changed.connect(self._coming.clear)

    def get(self, name: str) -> QPixmap | None:
        """Return a pixmap if it is in memory; else load it, and emit `loaded` afterwards."""
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        project = self._session.project
        if name and name not in self._coming and project is not None:
            folder = project.folder
            self._coming.add(name)
            self._session.workers.run(
                lambda: thumbnail(folder, name, WIDTH),
                lambda picture: self._come(name, picture),
                lambda _: None,  # a missing picture is reported where it is shown large; tried again with the next list
                urgency=SOON,
            )
        return None

    def clear(self) -> None:
        """Drop all pixmaps."""
        self._kept.clear()
        self._coming.clear()

    def _come(self, name: str, picture: NDArray[np.uint8]) -> None:
        self._coming.discard(name)
        self._kept[name] = pixmap(picture)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        self.loaded.emit(name)


def pixmap(picture: NDArray[np.uint8]) -> QPixmap:
    """Return a pixmap of an (H, W, 3) uint8 RGB array."""
    data = np.ascontiguousarray(picture)
    height, width = data.shape[:2]
    # The image shares the array's memory; the pixmap is a copy.
    return QPixmap.fromImage(QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888))
