"""Measure how far the camera moved between two pictures, in pixels, under rain.

Bright things narrower than a few pixels (streaks) are opened away. Corners are tracked with pyramidal Lucas-Kanade
(Bouguet 2001) forward and back. RANSAC finds the similarity (shift, turn, zoom) that most tracks agree on, which
leaves foreground out. A reweighted fit then prefers the tracks that streaks did not disturb. That last step brings the
error under heavy rain from a quarter of a pixel to a few hundredths.
"""

import numpy as np
from numpy.typing import NDArray

STILL_THRESHOLD_PX = 0.1
"""px, per frame or root mean square over a clip, below which a camera stands still: the error of tracking itself."""

# All px below are of the reduced picture, except _DOUBTFUL_PX.
_REDUCED_SIDE_PX = 640  # more detail makes it slower and no better
_CORNERS = 400
_ROUND_TRIP_PX = 0.5
_INLIER_PX = 0.7
_MIN_TRACKS = 12
_STREAK_PX = 5  # what is bright and narrower than this across is taken for rain
_DOUBTFUL_PX = 0.5  # of the full frame: a longer shift is checked, for heavy rain misleads tracking by so much
_MAX_RESIDUAL = 0.985  # fraction of the difference that may be left when a motion is undone, for it to be accepted
_MIN_PEAK = 0.03  # of a correlation: how far the best alignment of two pictures stands out
_ILLUMINATION_PX = 6.0  # what varies more slowly is illumination
_SEARCH_PX = 12
_MAX_DIFFERENCE = 24  # grey levels: a larger difference is rain or foreground, not motion
_TRACK_ERROR_PX = 0.15  # a track further off than this counts for little


class Reduced:
    """A luma picture prepared for tracking; keep it to compare one frame with several others."""

    def __init__(self, luma: NDArray[np.uint8]) -> None:
        """Reduce the picture, (H, W) uint8, and open streaks away."""
        import cv2

        height, width = luma.shape
        self.size = (width, height)
        self.scale = min(1.0, _REDUCED_SIDE_PX / max(height, width))
        small = luma
        if self.scale < 1.0:
            target = (max(1, round(width * self.scale)), max(1, round(height * self.scale)))
            small = cv2.resize(luma, target, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        across = np.ones((1, _STREAK_PX), np.uint8)
        self.picture = cv2.GaussianBlur(cv2.morphologyEx(small, cv2.MORPH_OPEN, across), (0, 0), 1.0)
        self._corners: NDArray[np.float32] | None = None

    @property
    def corners(self) -> NDArray[np.float32]:
        """Corners to track, (K, 1, 2) float32 px of the reduced picture; K may be 0."""
        import cv2

        if self._corners is None:
            found = cv2.goodFeaturesToTrack(self.picture, _CORNERS, 0.01, 8.0)
            none = np.empty((0, 1, 2), np.float32)
            self._corners = none if found is None else np.asarray(found, np.float32)
        return self._corners


def luma(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert (H, W, 3) uint8 RGB to (H, W) uint8 BT.601 luma, rounded."""
    import cv2

    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def camera_shift(luma_a: NDArray[np.uint8], luma_b: NDArray[np.uint8]) -> float | None:
    """Measure how far the picture moved from a to b, at the four corners.

    The corners, because a turn or a zoom moves everything but the centre.

    Args:
        luma_a: (H, W) uint8.
        luma_b: (H, W) uint8, of the same size.

    Returns:
        Mean length of the corners' shifts, px of the full frame; None where there is too little texture, or too little
        that both pictures show.

    Raises:
        ValueError: the sizes differ.
    """
    return shift_between(Reduced(luma_a), Reduced(luma_b))


def shift_between(a: Reduced, b: Reduced) -> float | None:
    """Measure `camera_shift` of pictures that are prepared already.

    Args:
        a: the first picture.
        b: the second.

    Returns:
        As `camera_shift`; 0.0 where rain or darkness mislead tracking and the pictures are most alike without a shift.
    """
    matrix = similarity(a, b)
    shift = None if matrix is None else _corner_shift(a, matrix)
    if (shift is None or shift > _DOUBTFUL_PX) and not _explains(a, b, matrix) and _match_unshifted(a, b):
        return 0.0
    return shift


def _corner_shift(a: Reduced, matrix: NDArray[np.float64]) -> float:
    width, height = a.size
    corners = np.array([(0, 0, 1), (width, 0, 1), (0, height, 1), (width, height, 1)], float)
    corners[:, :2] *= a.scale
    moved = corners @ matrix.T - corners[:, :2]
    return float(np.hypot(moved[:, 0], moved[:, 1]).mean() / a.scale)


def _explains(a: Reduced, b: Reduced, matrix: NDArray[np.float64] | None) -> bool:
    """Return whether a tracked motion brings the pictures nearer to one another."""
    if matrix is None:
        return False
    return _difference(a, b, matrix) < _MAX_RESIDUAL * _difference(a, b, np.eye(2, 3))


def _match_unshifted(a: Reduced, b: Reduced) -> bool:
    """Return whether the pictures are most alike without a shift, of all shifts within 12 px."""
    import cv2

    if min(a.picture.shape) < 4 * _SEARCH_PX:
        return False
    fine = [(p := r.picture.astype(np.float32)) - cv2.GaussianBlur(p, (0, 0), _ILLUMINATION_PX) for r in (a, b)]
    inner = fine[0][_SEARCH_PX:-_SEARCH_PX, _SEARCH_PX:-_SEARCH_PX]
    correlation = cv2.matchTemplate(fine[1], inner, cv2.TM_CCOEFF_NORMED)
    y, x = np.unravel_index(int(np.argmax(correlation)), correlation.shape)
    near = max(abs(int(y) - _SEARCH_PX), abs(int(x) - _SEARCH_PX)) <= 1
    return bool(near and correlation.max() - np.median(correlation) > _MIN_PEAK)


def _difference(a: Reduced, b: Reduced, matrix: NDArray[np.float64]) -> float:
    """Return the mean difference of b and a moved, in grey levels, far enough from the borders."""
    import cv2

    height, width = a.picture.shape
    moved = cv2.warpAffine(a.picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    margin = min(_SEARCH_PX, height // 4, width // 4)
    inside = np.s_[margin : height - margin, margin : width - margin]
    return float(np.minimum(cv2.absdiff(moved, b.picture)[inside], _MAX_DIFFERENCE).mean())


def similarity(a: Reduced, b: Reduced) -> NDArray[np.float64] | None:
    """Estimate the similarity between two prepared pictures.

    Args:
        a: the first picture.
        b: the second, of the same size.

    Returns:
        (2, 3) float64, takes px of reduced picture a to b; None where too few tracks agree.

    Raises:
        ValueError: the sizes differ.
    """
    import cv2

    if a.size != b.size:
        raise ValueError(f"pictures of two sizes: {a.size} and {b.size}")
    if len(a.corners) < _MIN_TRACKS:
        return None
    window = {"winSize": (15, 15), "maxLevel": 3}
    forward, tracked, _ = cv2.calcOpticalFlowPyrLK(a.picture, b.picture, a.corners, None, **window)  # type: ignore[call-overload]
    back, tracked_back, _ = cv2.calcOpticalFlowPyrLK(b.picture, a.picture, forward, None, **window)  # type: ignore[call-overload]
    error = np.abs(back - a.corners).reshape(-1, 2).max(axis=1)
    good = (tracked.ravel() == 1) & (tracked_back.ravel() == 1) & (error < _ROUND_TRIP_PX)
    if good.sum() < _MIN_TRACKS:
        return None
    matrix, inliers = cv2.estimateAffinePartial2D(
        a.corners[good], forward[good], method=cv2.RANSAC, ransacReprojThreshold=_INLIER_PX
    )
    if matrix is None or inliers is None or inliers.sum() < max(_MIN_TRACKS, 0.25 * good.sum()):
        return None
    return _refit(np.asarray(matrix, np.float64), a.corners[good].reshape(-1, 2), forward[good].reshape(-1, 2))


def _refit(matrix: NDArray[np.float64], old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.float64]:
    """Fit by least squares over all tracks, each weighted by how well it fits (Geman-McClure)."""
    x, y = old.astype(np.float64).T
    one, zero = np.ones(len(x)), np.zeros(len(x))
    # Unknowns of a similarity: [u, v, s, t] with x' = u·x − v·y + s, y' = v·x + u·y + t.
    rows = np.stack([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)], 1).reshape(-1, 4)
    target = new.astype(np.float64).ravel()
    fit = np.array([matrix[0, 0], matrix[1, 0], matrix[0, 2], matrix[1, 2]])
    for _ in range(8):
        off = np.hypot(*(rows @ fit - target).reshape(-1, 2).T)
        scale = float(np.clip(np.median(off), 0.02, _TRACK_ERROR_PX))
        weight = np.repeat((1 + (off / scale) ** 2) ** -2, 2)[:, None]
        weighted = (rows * weight).T
        fit = np.linalg.lstsq(weighted @ rows, weighted @ target, rcond=None)[0]
    u, v, s, t = fit
    return np.array([[u, -v, s], [v, u, t]])
