"""Single rainy frames of the selected sequence, from the live stack if it holds them, else from the clip."""

from collections import OrderedDict
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.state.live_preview import LivePreview
from gui.state.session import Session
from gui.workers import NOW
from pipeline.project.clips import open_sequence
from pipeline.project.storage import Project
from rainclean.errors import InputError

U8 = NDArray[np.uint8]

MAX_KEPT = 8
"""Frames kept in memory, for a few steps back."""

RUN = 8
"""Frames of a clip that is not analysed that are read at a time: playing it opens the clip once in so many frames."""


class FrameReader(QObject):
    """Reads frames of the selected sequence in a thread.

    Signals: `loaded` carries the index of a frame that was read; `failed`: a frame cannot be read.

    Attributes:
        error: Why the latest frame of the selected sequence could not be read, or "".
    """

    loaded = Signal(int)
    failed = Signal()

    def __init__(self, session: Session, live: LivePreview) -> None:
        super().__init__()
        self._session, self._live = session, live
        self._kept: OrderedDict[int, U8] = OrderedDict()
        self._coming = range(0)
        self._wanted: int | None = None
        self.error = ""
        session.selection_changed.connect(self._forget)
        session.detail_changed.connect(self._forget)

    def get(self, frame: int) -> U8 | None:
        """Return a frame, (H, W, 3) uint8, as the analysis used it and cut to its region; None while it is decoded.

        Before the analysis it is the clip's own frame.
        """
        if frame in self._kept:
            return self._kept[frame]
        picture = self._live.frame(frame)
        if picture is not None:
            return self._keep(frame, picture)
        if self._session.detail.analysis is None:
            self._read_run(frame)
        else:
            self._decode(frame)
        return None

    def has(self, frame: int) -> bool:
        """Return whether a frame is in memory."""
        return frame in self._kept

    def _forget(self) -> None:
        """Drop frames of another sequence or region, and those that are still being read."""
        self._session.workers.cancel("frame")
        self._kept.clear()
        self._coming, self._wanted, self.error = range(0), None, ""

    def _keep(self, frame: int, picture: U8) -> U8:
        self._kept[frame] = picture
        while len(self._kept) > (MAX_KEPT if self._session.detail.analysis is not None else 2 * RUN):
            self._kept.popitem(last=False)
        return picture

    def _decode(self, frame: int) -> None:
        session = self._session
        summary, analysis, project = session.summary, session.detail.analysis, session.project
        if summary is None or analysis is None or project is None:
            return
        folder, sequence = project.folder, summary.sequence

        def work() -> dict[int, U8]:
            from pipeline.project.analysis import open_frames  # it needs numba, which takes half a second to import

            with Project.again(folder) as own, open_frames(own, sequence, analysis) as source:
                result = next(source.read([frame], analysis.region), None)
                if result is None:
                    raise InputError(source.info.path, f"ends before frame {frame}")
                return {frame: result.rgb}

        # Of several frames that are asked for while one is decoded, only the last is wanted.
        self._run(work)

    def _read_run(self, frame: int) -> None:
        """Read this frame of the clip and those after it; while others are being read, they come first."""
        session = self._session
        summary, project = session.summary, session.project
        if summary is None or project is None:
            return
        self._wanted = frame
        if self._coming:
            return
        folder, sequence = project.folder, summary.sequence
        run = self._coming = range(frame, min(frame + RUN, sequence.stop))

        def work() -> dict[int, U8]:
            with Project.again(folder) as own, open_sequence(own, sequence) as source:
                return {index: read.rgb for index, read in zip(run, source.read(run), strict=False)}

        self._run(work)

    def _run(self, work: Callable[[], dict[int, U8]]) -> None:
        self._session.workers.run(work, self._come, self._fail, lane="frame", urgency=NOW)

    def _fail(self, error: Exception) -> None:
        self._coming, self._wanted = range(0), None
        self.error = str(error)
        self._session.warning.emit(self.error)
        self.failed.emit()

    def _come(self, pictures: dict[int, U8]) -> None:
        for frame, picture in pictures.items():
            self._keep(frame, picture)
        run, self._coming = self._coming, range(0)
        if run and self._wanted is not None and self._wanted not in run:
            self._read_run(self._wanted)
        self._announce(pictures)

    def _announce(self, frames: Iterable[int]) -> None:
        for frame in frames:
            self.loaded.emit(frame)
