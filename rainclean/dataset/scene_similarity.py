"""Compare the backgrounds of two clips, reduced and without light, to suggest that they show the same place.

The comparison is coarse on purpose. It must survive rain, another hour of the day and a tripod that was nudged. It
suggests, and a person decides.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

WIDTH, HEIGHT = 48, 32
"""Size of a background in px, whatever the shape of the frame."""

MOST_FRAMES = 25
"""Largest number of frames in the median of a background: enough for rain and foreground to vanish."""

ALIKE = 0.45
"""Likeness from which two backgrounds count as one place: different photographs stay below 0.35, one place
filmed with the camera nudged by a tenth of the picture or turned by 3° reaches 0.45 to 0.8, left alone 0.95."""

_SHIFT_X, _SHIFT_Y = 5, 4
_LIGHT = 4.0  # px: slower variation over the picture is light, not objects
_FLAT = 4.0  # grey levels: neighbourhoods with less structure do not count


def reduce_frame(rgb: U8) -> U8:
    """Reduce an (H, W, 3) uint8 frame to (32, 48) uint8 grey, from about 256 of its rows and columns."""
    import cv2

    height, width = rgb.shape[:2]
    sparse = np.ascontiguousarray(rgb[:: max(1, height // 256), :: max(1, width // 256)])
    grey = cv2.cvtColor(sparse, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def background(reduced: Sequence[U8]) -> U8:
    """Return the median over time of at most 25 evenly spaced reduced frames: (32, 48) uint8."""
    chosen = np.linspace(0, len(reduced) - 1, min(MOST_FRAMES, len(reduced))).round().astype(int)
    return np.median([reduced[i] for i in chosen], axis=0).astype(np.uint8)


def likeness(one: U8, others: NDArray[np.uint8]) -> F32:
    """Return the likeness of a background to each of others, −1…1; the best over small shifts.

    It is the correlation of local structure, which ignores gain, offset and slow gradients of light. Featureless
    backgrounds resemble nothing.

    Args:
        one: (32, 48) uint8.
        others: (K, 32, 48) uint8.

    Returns:
        (K,) float32.
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
    """Return the local structure: differences from the neighbourhood, relative to their local root mean square."""
    import cv2

    grey = picture.astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), _LIGHT)
    around = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), _LIGHT))
    return np.asarray(fine / (around + np.float32(_FLAT)), np.float32)


def _unit(part: F32) -> F32:
    flat = (part - part.mean()).ravel()
    # A background without structure has norm near 0; a fraction of the largest possible norm keeps it from mattering.
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 0.15 * flat.size**0.5), np.float32)
