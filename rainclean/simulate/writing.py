"""Write clips frame by frame: lossless, or H.264 at a constant rate factor."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

U8 = NDArray[np.uint8]

_BT709 = 1
_LIMITED = 1
# Fixed slices: the bytes do not depend on the number of threads. A key frame now and then, so that readers can seek.
_FFV1 = {"level": "3", "slices": "4", "coder": "1", "context": "1", "g": "25", "threads": "1"}

# Without cpu-independent, x264's AVX-512 code gives other bytes in each run, one thread or not.
_X264 = {"threads": "1", "x264-params": "cpu-independent=1"}


class ClipWriter:
    """A video file that grows frame by frame, a context manager; frames are of one size.

    One encoder thread: the same frames and versions give the same file on every machine.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], rate: Fraction, *, crf: int | None, grey: bool = False
    ) -> None:
        """Create the file.

        Args:
            path: of the file.
            size: (height, width) px of the frames.
            rate: frames a second.
            crf: None: FFV1, which keeps every value; else H.264 4:2:0 (even sizes), BT.709, stated in the file.
            grey: frames are (H, W) uint8 instead of (H, W, 3); FFV1 only.

        Raises:
            OSError: it cannot be written.
        """
        import av

        self._crf, self._given = crf, "gray" if grey else "rgb24"
        self._container: OutputContainer = av.open(str(path), "w", container_options={"fflags": "+bitexact"})
        try:
            if crf is None:
                stream = self._container.add_stream("ffv1", rate, options=dict(_FFV1))
                stream.pix_fmt = "gray" if grey else "bgr0"
            else:
                stream = self._container.add_stream("libx264", rate, options={**_X264, "crf": str(crf)})
                stream.pix_fmt = "yuv420p"
                context = stream.codec_context
                context.colorspace = context.color_primaries = context.color_trc = _BT709
                context.color_range = _LIMITED
            stream.height, stream.width = size
        except BaseException:
            self._container.close()
            raise
        self._stream: VideoStream = stream

    def write(self, picture: U8) -> None:
        """Append one frame."""
        from av import VideoFrame

        frame = VideoFrame.from_ndarray(picture, format=self._given)
        if self._crf is not None:
            frame = frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED)
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file; after an error it is only closed."""
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
