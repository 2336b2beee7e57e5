"""Single rainy frames of the selected sequence: from the live stack where it holds them, else from the clip."""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.state.live_preview import LivePreview
from gui.state.session import Session
from gui.workers import NOW
from pipeline.project.analysis import open_frames
from pipeline.project.storage import Project
from rainclean.errors import InputError

U8 = NDArray[np.uint8]

KEPT = 8
"""Frames kept: a few steps back."""


class FrameReader(QObject):
    """loaded: a frame has come, by its index in the clip."""

    loaded = Signal(int)

    def __init__(self, session: Session, live: LivePreview) -> None:
        super().__init__()
        self._session, self._live = session, live
        self._kept: OrderedDict[int, U8] = OrderedDict()
        session.selection_changed.connect(self._forget)
        session.detail_changed.connect(self._forget)

    def get(self, frame: int) -> U8 | None:
        """A frame as the analysis used it, cut to its region; None while it is being decoded."""
        if frame in self._kept:
            return self._kept[frame]
        picture = self._live.frame(frame)
        if picture is None:
            self._decode(frame)
            return None
        return self._keep(frame, picture)

    def _forget(self) -> None:
        """Another sequence is selected, or another region of it: what comes now is not wanted any more."""
        self._session.workers.cancel("frame")
        self._kept.clear()

    def _keep(self, frame: int, picture: U8) -> U8:
        self._kept[frame] = picture
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return picture

    def _decode(self, frame: int) -> None:
        session = self._session
        summary, analysis, project = session.summary, session.detail.analysis, session.project
        if summary is None or analysis is None or project is None:
            return
        folder, sequence = project.folder, summary.sequence

        def work() -> U8:
            with Project.again(folder) as own, open_frames(own, sequence, analysis) as source:
                found = next(source.read([frame], analysis.region), None)
                if found is None:
                    raise InputError(source.info.path, f"ends before frame {frame}")
                return found.rgb

        # Of several frames that are asked for while one is decoded, only the last is wanted.
        session.workers.run(
            work,
            lambda picture: self._come(frame, picture),
            lambda error: session.warning.emit(str(error)),
            lane="frame",
            urgency=NOW,
        )

    def _come(self, frame: int, picture: U8) -> None:
        self._keep(frame, picture)
        self.loaded.emit(frame)
