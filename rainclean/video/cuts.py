"""Find scene cuts on thumbnails: a cut is a jump that stays."""

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 16
"""Side of a thumbnail in pixels, whatever the shape of the frame."""

_MIN_JUMP = 6.0  # grey levels: smaller jumps are noise, rain or a slight change of exposure
_NEIGHBOUR_FACTOR = 4.0  # by which a cut exceeds the changes around it
_NEIGHBOURS = 12  # frames on either side that show what change is usual
_LASTING_FRAMES = 8  # on either side, whose median is the picture before and after; lightning is shorter
_MIN_DISTANCE = 0.2  # 1 − correlation of before and after from which they are two scenes


def thumbnail(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce an (H, W, 3) uint8 frame to (16, 16, 3) uint8. Under 1 ms even for 4K.

    At most about 128 rows and columns are read: rain averages out over those as well.
    """
    import cv2

    height, width = rgb.shape[:2]
    sparse = np.ascontiguousarray(rgb[:: max(1, height // 128), :: max(1, width // 128)])
    small = cv2.resize(sparse, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def scene_cuts(thumbnails: NDArray[np.uint8]) -> list[int]:
    """Find the index of the first frame of each new shot, rising; never 0.

    A cut changes the picture by more than its neighbours do, and for longer than a flash: the medians before and after
    have to differ in more than brightness. Slow fades are no cuts.

    Args:
        thumbnails: (N, h, w, 3) uint8 of N consecutive frames.
    """
    count = len(thumbnails)
    if count < 2:
        return []
    change = np.empty(count)
    change[0] = 0.0
    for i in range(1, count):
        change[i] = np.abs(thumbnails[i].astype(np.int16) - thumbnails[i - 1]).mean()
    cuts: list[int] = []
    for i in map(int, np.flatnonzero(change > _MIN_JUMP)):
        around = np.r_[0.0, change[max(1, i - _NEIGHBOURS) : i], change[i + 1 : i + 1 + _NEIGHBOURS]]
        if change[i] < _NEIGHBOUR_FACTOR * np.median(around):
            continue
        since = max(i - _LASTING_FRAMES, cuts[-1] if cuts else 0)
        before, after = (np.median(thumbnails[a:b], axis=0) for a, b in ((since, i), (i, i + _LASTING_FRAMES)))
        if _two_scenes(before, after):
            cuts.append(i)
    return cuts


def _two_scenes(before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Return whether two mean pictures differ in more than gain and offset of their brightness."""
    if np.abs(before - after).mean() < _MIN_JUMP:
        return False
    a, b = (p - p.mean(axis=(0, 1)) for p in (before, after))
    # Two grey levels a pixel are added: what is flat (a black frame) resembles nothing but another flat one.
    spread = float(np.sqrt((a**2).sum() * (b**2).sum())) + 4.0 * a.size
    return bool(1 - float((a * b).sum()) / spread > _MIN_DISTANCE)
