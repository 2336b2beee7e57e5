"""Convert decoded frames to RGB: exactly PyAV's ``to_ndarray(format="rgb24")``, but grey corrected and HDR as SDR."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rainclean.video.hdr import BITS, Hdr, levels

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_LIMITED, _FULL = 1, 2
_DEEP = "gbrp12le"
"""Planes of `hdr.BITS` bits, green first; swscale makes them of every format."""
# The standards of these codecs say: limited range where a stream does not state its range.
_LIMITED_UNLESS_SAID = {"h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "libvpx", "libvpx-vp9", "mpeg4"}


def is_grey(pixel_format: str) -> bool:
    """Return whether frames of this format hold luma alone (gray, gray10le, …)."""
    return pixel_format.startswith("gray")


def is_full_range(color_range: int, pixel_format: str, codec: str) -> bool:
    """Return whether black and white are 0 and the largest code (full), or 16 and 235 of 8 bits (limited)."""
    if color_range in (_LIMITED, _FULL):
        return color_range == _FULL
    if pixel_format.startswith("yuvj") or not pixel_format.startswith(("yuv", "nv", "p0", "gray")):
        return True
    return is_grey(pixel_format) and codec not in _LIMITED_UNLESS_SAID


class RgbConverter:
    """Turns frames of one stream into (H, W, 3) uint8, as stored (not yet upright).

    One swscale context serves all frames: ``VideoFrame.to_ndarray`` builds a new one each time, which
    takes as long as decoding does. The values are the same. One thread at a time.
    matrix: code point of H.273 in place of the frames' own. hdr: how colours are coded, if not for SDR.
    """

    def __init__(self, *, stretch_grey: bool, matrix: int | None = None, hdr: Hdr | None = None) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()
        self._matrix = matrix
        self._stretch = _stretch_table() if stretch_grey else None
        self._shown = None if hdr is None else _Shown(hdr, stretch_grey=stretch_grey)

    def __call__(self, frame: "VideoFrame") -> NDArray[np.uint8]:
        """Convert one frame; the array is new and nobody else writes to it."""
        if self._shown is not None:
            return self._shown(self._reformatter.reformat(frame, format=_DEEP, src_colorspace=self._matrix))
        converted = self._reformatter.reformat(frame, format="rgb24", src_colorspace=self._matrix)
        rgb: NDArray[np.uint8] = np.asarray(converted.to_ndarray(), np.uint8)
        # swscale takes every grey format for full range, whatever its tag says.
        if self._stretch is None:
            return rgb
        stretched: NDArray[np.uint8] = self._stretch[rgb]
        return stretched


class _Shown:
    """HDR in planes of codes, shown as SDR: tables for each channel, and between them a matrix of their light."""

    def __init__(self, hdr: Hdr, *, stretch_grey: bool) -> None:
        from rainclean.video import pulse

        self._light, self._mixed, self._levels = hdr.light(), hdr.to_bt709(), levels()
        if stretch_grey:
            black, white = 16 << BITS - 8, 235 << BITS - 8
            codes = np.arange(self._light.size)
            meant = np.clip((codes - black) / (white - black), 0, 1) * hdr.white
            self._light = np.interp(meant, codes, self._light).astype(np.float32)
        pulse.beat()
        from rainclean.video._hdr_kernel import show

        self._show: Any = show

    def __call__(self, frame: "VideoFrame") -> NDArray[np.uint8]:
        out = np.empty((frame.height, frame.width, 3), np.uint8)
        green, blue, red = (
            np.frombuffer(memoryview(plane), np.uint16).reshape(frame.height, plane.line_size // 2)
            for plane in frame.planes
        )
        self._show(red, green, blue, self._light, self._mixed, self._levels, out)
        return out


def _stretch_table() -> NDArray[np.uint8]:
    codes = np.arange(256)
    table: NDArray[np.uint8] = np.clip(np.rint((codes - 16) * (255 / 219)), 0, 255).astype(np.uint8)
    return table
