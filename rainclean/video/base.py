"""Share what all backends need: facts and times, and a source that can be closed."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rainclean.video.source import SourceInfo


class SourceBase:
    """The part of FrameSource that is the same over files and folders; a backend sets ``_info`` and ``_times``."""

    _info: SourceInfo
    _times: NDArray[np.float64]

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed = False

    @property
    def info(self) -> SourceInfo:
        """Facts about the clip."""
        return self._info

    @property
    def times(self) -> NDArray[np.float64]:
        """Presentation times (frame_count,) in seconds, strictly rising."""
        return self._times

    def close(self) -> None:
        """Close the source. Reading afterwards raises ValueError, also from iterators that are under way."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self._path}: the source is closed")
