"""How far the camera moved between two pictures, in pixels, under rain.

Bright things narrower than a few pixels (streaks) are opened away; corners are tracked with pyramidal
Lucas-Kanade (Bouguet 2001) there and back; RANSAC finds the similarity (shift, turn, zoom) that most tracks
agree on, which leaves passers-by out; a reweighted fit then trusts the tracks that streaks left alone.
That last step is what brings the error under heavy rain from a quarter of a pixel to a few hundredths.
"""

import numpy as np
from numpy.typing import NDArray

STILL_THRESHOLD_PX = 0.1
"""px, per frame or root mean square over a clip, below which a camera stands still: the error of tracking itself."""

_LARGEST_SIDE = 640  # px: more detail makes it slower and no better
_CORNERS = 400
_THERE_AND_BACK = 0.5  # px in the reduced picture
_INLIER = 0.7  # px in the reduced picture
_LEAST_TRACKS = 12
_STREAK = 5  # px in the reduced picture: what is bright and narrower than this across is taken for rain
_DOUBTFUL = 0.5  # px: what is measured above this is checked, for heavy rain leads tracking astray by so much
_EXPLAINS = 0.985  # share of the difference that has to be left when a motion is undone, for it to be believed
_CLEARLY = 0.03  # of a correlation: how far the best way to lay two pictures over one another stands out
_LIGHT = 6.0  # px in the reduced picture: what varies more slowly is light
_APART = 12  # px in the reduced picture
_CAPPED = 24  # grey levels: more of a difference is rain or a passer-by, not motion
_SURE = 0.15  # px in the reduced picture: a track further off than this counts for little


class Reduced:
    """A luma picture made ready for tracking; keep it to compare one frame with several others."""

    def __init__(self, luma: NDArray[np.uint8]) -> None:
        """``luma``: (H, W) uint8."""
        import cv2

        height, width = luma.shape
        self.size = (width, height)
        self.scale = min(1.0, _LARGEST_SIDE / max(height, width))
        small = luma
        if self.scale < 1.0:
            target = (max(1, round(width * self.scale)), max(1, round(height * self.scale)))
            small = cv2.resize(luma, target, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        across = np.ones((1, _STREAK), np.uint8)
        self.picture = cv2.GaussianBlur(cv2.morphologyEx(small, cv2.MORPH_OPEN, across), (0, 0), 1.0)
        self._corners: NDArray[np.float32] | None = None

    @property
    def corners(self) -> NDArray[np.float32]:
        """(K, 1, 2) float32, corners to track, in the reduced picture; K may be 0."""
        import cv2

        if self._corners is None:
            found = cv2.goodFeaturesToTrack(self.picture, _CORNERS, 0.01, 8.0)
            none = np.empty((0, 1, 2), np.float32)
            self._corners = none if found is None else np.asarray(found, np.float32)
        return self._corners


def luma(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB to (H, W) uint8 BT.601 luma, rounded."""
    import cv2

    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def camera_shift(luma_a: NDArray[np.uint8], luma_b: NDArray[np.uint8]) -> float | None:
    """How far the picture moved from a to b: mean length, over the four corners, in px of the full frame.

    The corners, because a turn or a zoom moves everything but the centre. luma_a, luma_b: (H, W) uint8 of
    one size. None where there is too little texture, or too little that both pictures show, to tell.
    Raises ValueError where the sizes differ.
    """
    return shift_between(Reduced(luma_a), Reduced(luma_b))


def shift_between(a: Reduced, b: Reduced) -> float | None:
    """``camera_shift`` of pictures that are made ready already.

    0.0 where rain or darkness lead tracking astray and the pictures fit best as they are.
    """
    matrix = similarity(a, b)
    shift = None if matrix is None else _corner_shift(a, matrix)
    if (shift is None or shift > _DOUBTFUL) and not _explains(a, b, matrix) and _lie_on_one_another(a, b):
        return 0.0
    return shift


def _corner_shift(a: Reduced, matrix: NDArray[np.float64]) -> float:
    width, height = a.size
    corners = np.array([(0, 0, 1), (width, 0, 1), (0, height, 1), (width, height, 1)], float)
    corners[:, :2] *= a.scale
    moved = corners @ matrix.T - corners[:, :2]
    return float(np.hypot(moved[:, 0], moved[:, 1]).mean() / a.scale)


def _explains(a: Reduced, b: Reduced, matrix: NDArray[np.float64] | None) -> bool:
    """Whether a motion that was tracked takes the pictures nearer to one another than they are."""
    if matrix is None:
        return False
    return _difference(a, b, matrix) < _EXPLAINS * _difference(a, b, np.eye(2, 3))


def _lie_on_one_another(a: Reduced, b: Reduced) -> bool:
    """Whether the pictures are most alike as they are, of all ways to lay them over one another within 12 px."""
    import cv2

    if min(a.picture.shape) < 4 * _APART:
        return False
    fine = [(p := r.picture.astype(np.float32)) - cv2.GaussianBlur(p, (0, 0), _LIGHT) for r in (a, b)]
    alike = cv2.matchTemplate(fine[1], fine[0][_APART:-_APART, _APART:-_APART], cv2.TM_CCOEFF_NORMED)
    y, x = np.unravel_index(int(np.argmax(alike)), alike.shape)
    near = max(abs(int(y) - _APART), abs(int(x) - _APART)) <= 1
    return bool(near and alike.max() - np.median(alike) > _CLEARLY)


def _difference(a: Reduced, b: Reduced, matrix: NDArray[np.float64]) -> float:
    """Mean difference of b and a moved, in grey levels, far enough from the borders."""
    import cv2

    height, width = a.picture.shape
    moved = cv2.warpAffine(a.picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    margin = min(_APART, height // 4, width // 4)
    inside = np.s_[margin : height - margin, margin : width - margin]
    return float(np.minimum(cv2.absdiff(moved, b.picture)[inside], _CAPPED).mean())


def similarity(a: Reduced, b: Reduced) -> NDArray[np.float64] | None:
    """(2, 3) matrix that takes points of reduced picture a to b; None where it is not to be told."""
    import cv2

    if a.size != b.size:
        raise ValueError(f"pictures of two sizes: {a.size} and {b.size}")
    if len(a.corners) < _LEAST_TRACKS:
        return None
    window = {"winSize": (15, 15), "maxLevel": 3}
    there, found, _ = cv2.calcOpticalFlowPyrLK(a.picture, b.picture, a.corners, None, **window)  # type: ignore[call-overload]
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(b.picture, a.picture, there, None, **window)  # type: ignore[call-overload]
    error = np.abs(back - a.corners).reshape(-1, 2).max(axis=1)
    kept = (found.ravel() == 1) & (found_back.ravel() == 1) & (error < _THERE_AND_BACK)
    if kept.sum() < _LEAST_TRACKS:
        return None
    matrix, inliers = cv2.estimateAffinePartial2D(
        a.corners[kept], there[kept], method=cv2.RANSAC, ransacReprojThreshold=_INLIER
    )
    if matrix is None or inliers is None or inliers.sum() < max(_LEAST_TRACKS, 0.25 * kept.sum()):
        return None
    return _refit(np.asarray(matrix, np.float64), a.corners[kept].reshape(-1, 2), there[kept].reshape(-1, 2))


def _refit(matrix: NDArray[np.float64], old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.float64]:
    """Least squares over all tracks, each weighted by how well it fits (Geman-McClure)."""
    x, y = old.astype(np.float64).T
    one, zero = np.ones(len(x)), np.zeros(len(x))
    # Unknowns of a similarity: [u, v, s, t] with x' = u·x − v·y + s, y' = v·x + u·y + t.
    rows = np.stack([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)], 1).reshape(-1, 4)
    target = new.astype(np.float64).ravel()
    fit = np.array([matrix[0, 0], matrix[1, 0], matrix[0, 2], matrix[1, 2]])
    for _ in range(8):
        off = np.hypot(*(rows @ fit - target).reshape(-1, 2).T)
        scale = float(np.clip(np.median(off), 0.02, _SURE))
        weight = np.repeat((1 + (off / scale) ** 2) ** -2, 2)[:, None]
        weighted = (rows * weight).T
        fit = np.linalg.lstsq(weighted @ rows, weighted @ target, rcond=None)[0]
    u, v, s, t = fit
    return np.array([[u, -v, s], [v, u, t]])
