"""Whether two clips show the same place: their backgrounds, small and without light, laid over one another.

The comparison is coarse on purpose. It has to survive rain, another hour of the day and a tripod that was
nudged; it suggests, and a person decides.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

WIDTH, HEIGHT = 48, 32
"""Size of a background in px, whatever the shape of the frame."""

MOST_FRAMES = 25
"""Frames that a background is the median of: enough for rain and passers-by to vanish."""

ALIKE = 0.45
"""Likeness from which two backgrounds are taken for one place: different photographs stay below 0.35, one place
filmed with the camera nudged by a tenth of the picture or turned by 3° reaches 0.45 to 0.8, left alone 0.95."""

_SHIFT_X, _SHIFT_Y = 5, 4
_LIGHT = 4.0  # px: what varies more slowly over the picture is light, not things
_FLAT = 4.0  # grey levels of structure below which a neighbourhood says nothing


def reduce_frame(rgb: U8) -> U8:
    """An (H, W, 3) uint8 frame as (32, 48) uint8 grey; about 256 of its rows and columns are looked at."""
    import cv2

    height, width = rgb.shape[:2]
    sparse = np.ascontiguousarray(rgb[:: max(1, height // 256), :: max(1, width // 256)])
    grey = cv2.cvtColor(sparse, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def background(reduced: Sequence[U8]) -> U8:
    """Median over time of at most 25 evenly spaced reduced frames: (32, 48) uint8."""
    chosen = np.linspace(0, len(reduced) - 1, min(MOST_FRAMES, len(reduced))).round().astype(int)
    return np.median([reduced[i] for i in chosen], axis=0).astype(np.uint8)


def likeness(one: U8, others: NDArray[np.uint8]) -> F32:
    """How alike a background is to each of others, −1…1; the best over small shifts.

    one: (32, 48) uint8; others: (K, 32, 48) uint8; returns (K,) float32. Correlation of local structure: gain,
    offset and slow gradients of light drop out. Featureless backgrounds resemble nothing.
    """
    ours, theirs = _structure(one), [_structure(other) for other in others]
    core = np.s_[_SHIFT_Y : HEIGHT - _SHIFT_Y, _SHIFT_X : WIDTH - _SHIFT_X]
    wanted = np.stack([_unit(structure[core]) for structure in theirs]) if theirs else np.zeros((0, 1), np.float32)
    shifted = np.stack(
        [
            _unit(ours[y : HEIGHT - 2 * _SHIFT_Y + y, x : WIDTH - 2 * _SHIFT_X + x])
            for y in range(2 * _SHIFT_Y + 1)
            for x in range(2 * _SHIFT_X + 1)
        ]
    )
    return (wanted @ shifted.T).max(axis=1) if theirs else np.zeros(0, np.float32)


def _structure(picture: U8) -> F32:
    """Local structure: differences from the neighbourhood, in units of how much there is around."""
    import cv2

    grey = picture.astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), _LIGHT)
    around = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), _LIGHT))
    return np.asarray(fine / (around + np.float32(_FLAT)), np.float32)


def _unit(part: F32) -> F32:
    flat = (part - part.mean()).ravel()
    # A background without structure has norm near 0; a share of the largest norm possible keeps it from mattering.
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 0.15 * flat.size**0.5), np.float32)
