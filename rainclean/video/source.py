"""Define the contract between whatever holds frames and whatever uses them.

Every backend delivers the same thing: upright RGB frames with their place in the input and their time.
One contract suite (tests/rainclean/video/test_contract.py) runs over all backends and files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

if TYPE_CHECKING:  # numpy takes longer to load than `status` to answer
    import numpy as np
    from numpy.typing import NDArray


class Region(NamedTuple):
    """A rectangle in the upright geometry of the full frame, in pixels: ``[x, y, width, height]``."""

    x: int
    y: int
    width: int
    height: int


class Frame(NamedTuple):
    """One decoded frame.

    index: 0-based position in the input, in display order.
    time: presentation time in seconds from the container's zero (folder of images: index / rate).
    rgb: (H, W, 3) ndarray of uint8, C-contiguous, upright, cut to the region asked for. It is the
        receiver's to keep: the source never writes to it again.
    """

    index: int  # type: ignore[assignment]  # a tuple's own index() is not missed
    time: float
    rgb: "NDArray[np.uint8]"


@dataclass(frozen=True, kw_only=True)
class SourceInfo:
    """Facts about a clip, found without decoding more than necessary.

    Attributes:
        path: of the file or folder.
        backend: "PyAV" or "images".
        container: name that people use.
        codec: name of the codec.
        pixel_format: FFmpeg's or Pillow's name.
        width: of the upright full frame, px.
        height: of the upright full frame, px.
        frame_count: frames that ``read`` will yield if the file is sound.
        rotation: degrees, clockwise, by which stored pictures are turned to be upright (0, 90, 180, 270).
        mirrored: whether they are mirrored left to right after that turn.
        transfer: "SDR", or how brightness is coded for HDR.
        full_range: whether codes use the full range.
        colours: how they are read, in words.
        refused: why ``read`` refuses the clip for its colours, or "".
        notes: one line each, what a person should know (variable frame times, interlaced, …).
    """

    path: Path
    backend: str
    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    frame_count: int
    rotation: int = 0
    mirrored: bool = False
    transfer: str = "SDR"
    full_range: bool = False
    colours: str = ""
    refused: str = ""
    notes: tuple[str, ...] = ()


class FrameSource(Protocol):
    """Frames of one clip, in display order. A source is used by one thread at a time."""

    @property
    def info(self) -> SourceInfo:
        """Facts about the clip."""
        ...

    @property
    def times(self) -> "NDArray[np.float64]":
        """Presentation times (frame_count,) in seconds, strictly rising."""
        ...

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        """Read frames. Those not asked for are not converted to RGB, and skipped by seeking where that is faster.

        Args:
            indices: rising, without repeats; None: all.
            region: of the upright frame; None: all of it.

        Yields:
            The frames, cut to ``region``.

        Raises:
            InputError: the file is damaged or ends too early.
            IndexError: an index is outside 0…frame_count−1.
            ValueError: the indices do not rise, or the region is outside the frame.
        """
        ...

    def close(self) -> None:
        """Release the file. Reading afterwards raises ValueError."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...
