"""The contract between whatever holds frames and whatever uses them.

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


@dataclass(frozen=True)
class SourceInfo:
    """What a source says of itself without decoding more than it must.

    width, height: size of the upright full frame in pixels.
    frame_count: frames that ``read`` will deliver if the file is sound.
    rotation: degrees, clockwise, by which stored pictures are turned to stand upright (0, 90, 180, 270).
    mirrored: whether they are mirrored left to right after that turn.
    transfer: "SDR", or how brightness is coded for HDR. colours: how they are read, in words.
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
        """(frame_count,) presentation times in seconds, strictly rising."""
        ...

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        """Deliver the frames with these indices (rising, without repeats; None: all), cut to ``region``.

        Frames that are not asked for are not converted to RGB, and skipped by seeking where that pays.
        Raises InputError where the file is damaged or ends too early, IndexError for indices outside
        0…frame_count−1, ValueError for indices that do not rise or a region outside the frame.
        """
        ...

    def close(self) -> None:
        """Release the file. Reading afterwards raises ValueError."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...
