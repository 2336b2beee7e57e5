"""Read the backdrop that it rains over: one picture in all frames, or the frames of a clip."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rainclean.video import SUFFIXES, FrameSource, check_name, open_source, read_picture

U8 = NDArray[np.uint8]


class Backdrop:
    """A picture file, or a clip (video file or folder of images), a context manager.

    Raises InputError for what cannot be read.

    Attributes:
        size: (height, width) px, upright.
        frames: how many it has; None for a picture.
        rate: frames a second; None for a picture.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = check_name(path)
        self._source: FrameSource | None = None
        self._picture: U8 | None = None
        self.frames: int | None = None
        self.rate: Fraction | None = None
        if self.path.is_file() and self.path.suffix.lower() in SUFFIXES:
            self._picture = read_picture(self.path)
            self.size = (self._picture.shape[0], self._picture.shape[1])
            return
        self._source = open_source(self.path)
        info, times = self._source.info, self._source.times
        self.size = (info.height, info.width)
        self.frames = info.frame_count
        span = float(times[-1] - times[0])
        rate = Fraction((len(times) - 1) / span).limit_denominator(1001) if span > 0 else Fraction(0)
        self.rate = rate or Fraction(25)  # hours between two frames make no rate

    def pictures(self, count: int) -> Iterator[U8]:
        """Yield the first ``count`` pictures, (H, W, 3) uint8 RGB; of a picture always the same array."""
        if self._source is None:
            assert self._picture is not None
            return repeat(self._picture, count)
        return (frame.rgb for frame in self._source.read(range(count)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._source is not None:
            self._source.close()
