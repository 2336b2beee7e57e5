"""Turn stored pictures upright: display matrices of video files and EXIF tags of photographs.

Eight orientations: a clockwise turn by 0, 90, 180 or 270 degrees, then perhaps a left-right mirror.
"""

import struct
from math import hypot
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.video.source import Region

# What a matrix does to image axes (x right, y down): x' = a·x + c·y, y' = b·x + d·y → signs of (a, b, c, d).
_TURNS = {(1, 0, 0, 1): 0, (0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}
_UNIT = 1 << 16
_EXIF = {1: (0, False), 2: (0, True), 3: (180, False), 4: (180, True)}
_EXIF |= {5: (90, True), 6: (90, False), 7: (270, True), 8: (270, False)}


class Orientation(NamedTuple):
    """How stored pictures become upright.

    rotation: degrees clockwise (0, 90, 180, 270). mirrored: left-right mirror after that turn.
    """

    rotation: int = 0
    mirrored: bool = False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Upright (width, height) in pixels of a stored picture."""
        return (height, width) if self.rotation in (90, 270) else (width, height)

    def upright(self, stored: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
        """Cut the region (upright geometry) out of a stored (H, W, 3) uint8 picture and turn it.

        Returns a C-contiguous array; its memory is that of ``stored`` only where nothing had to be done, so that
        who keeps a cut does not keep the whole picture.
        """
        rows, columns = stored.shape[:2]
        width, _ = self.size(columns, rows)
        x, y, w, h = region
        if self.mirrored:
            x = width - x - w
        if self.rotation == 90:
            x, y, w, h = y, rows - x - w, h, w
        elif self.rotation == 180:
            x, y = columns - x - w, rows - y - h
        elif self.rotation == 270:
            x, y, w, h = columns - y - h, x, h, w
        part = stored[y : y + h, x : x + w]
        rgb = np.ascontiguousarray(_turned(part, self.rotation, mirrored=self.mirrored))
        return rgb.copy() if rgb.nbytes < stored.nbytes and np.shares_memory(rgb, stored) else rgb


def from_display_matrix(matrix: bytes | None) -> Orientation | None:
    """Read FFmpeg's display matrix: nine native int32, 16.16 fixed point; None or b"" is upright.

    What it scales by does not matter here (`display_scale`), and one that leaves no area says nothing, as players
    take it. Returns None for any other angle than a multiple of 90 degrees, and for shears.
    """
    wide, high = display_scale(matrix)
    if not matrix or not wide or not high:
        return Orientation()
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    lengths = (a / wide, b / wide, c / high, d / high)
    signs = tuple(round(v / _UNIT) for v in lengths)
    # A hundredth of the unit: less than half a pixel in a hundred, which is rounding and no angle.
    if any(abs(v - s * _UNIT) > _UNIT / 100 for v, s in zip(lengths, signs, strict=True)):
        return None
    if signs in _TURNS:
        return Orientation(_TURNS[signs])
    unmirrored = (-signs[0], signs[1], -signs[2], signs[3])
    if unmirrored in _TURNS:
        return Orientation(_TURNS[unmirrored], mirrored=True)
    return None


def display_scale(matrix: bytes | None) -> tuple[float, float]:
    """By how much FFmpeg's display matrix stretches the width and the height of stored pictures."""
    if not matrix:
        return 1.0, 1.0
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    return hypot(a, b) / _UNIT, hypot(c, d) / _UNIT


def from_exif(tag: int | None) -> Orientation:
    """Read EXIF tag 0x0112; values that the standard does not know stand for upright."""
    return Orientation(*_EXIF.get(tag or 1, (0, False)))


def _turned(part: NDArray[np.uint8], rotation: int, *, mirrored: bool) -> NDArray[np.uint8]:
    if not rotation and not mirrored:
        return part
    import cv2  # four to ten times as fast as copying a numpy view that stands on its side

    turned = part
    if rotation:
        code = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
        turned = cv2.rotate(part, code[rotation])  # type: ignore[assignment]
    if mirrored:
        turned = cv2.flip(turned, 1)  # type: ignore[assignment]
    return turned
