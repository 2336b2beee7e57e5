"""From decoded frames to RGB: exactly PyAV's ``to_ndarray(format="rgb24")``, with grey set right."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_LIMITED, _FULL = 1, 2
# The standards of these codecs say: limited range where a stream does not state its range.
_LIMITED_UNLESS_SAID = {"h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "libvpx", "libvpx-vp9", "mpeg4"}


def is_grey(pixel_format: str) -> bool:
    """Whether frames of this format hold luma alone (gray, gray10le, …)."""
    return pixel_format.startswith("gray")


def is_full_range(color_range: int, pixel_format: str, codec: str) -> bool:
    """Whether black and white are 0 and the largest code (full) or 16 and 235 of 8 bits (limited)."""
    if color_range in (_LIMITED, _FULL):
        return color_range == _FULL
    if pixel_format.startswith("yuvj") or not pixel_format.startswith(("yuv", "nv", "p0", "gray")):
        return True
    return is_grey(pixel_format) and codec not in _LIMITED_UNLESS_SAID


class RgbConverter:
    """Turns frames of one stream into (H, W, 3) uint8, as stored (not yet upright).

    One swscale context serves all frames: ``VideoFrame.to_ndarray`` builds a new one each time, which
    takes as long as decoding does. The values are the same. One thread at a time.
    """

    def __init__(self, stretch_grey: bool) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()
        self._stretch = _stretch_table() if stretch_grey else None

    def __call__(self, frame: "VideoFrame") -> NDArray[np.uint8]:
        """Convert one frame; the array is new and nobody else writes to it."""
        converted = self._reformatter.reformat(frame, format="rgb24")
        rgb: NDArray[np.uint8] = np.asarray(converted.to_ndarray(), np.uint8)
        # swscale takes every grey format for full range, whatever its tag says.
        if self._stretch is None:
            return rgb
        stretched: NDArray[np.uint8] = self._stretch[rgb]
        return stretched


def _stretch_table() -> NDArray[np.uint8]:
    codes = np.arange(256)
    table: NDArray[np.uint8] = np.clip(np.rint((codes - 16) * (255 / 219)), 0, 255).astype(np.uint8)
    return table
