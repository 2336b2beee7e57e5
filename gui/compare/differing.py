"""Places where two pictures differ most. No Qt."""

from typing import NamedTuple

import numpy as np

from gui.compare.kinds import U8

MOST = 6
"""Places that are returned, at most."""

SCALE_PX = 4.0
"""Standard deviation of the smoothing in px: about as wide as a streak, far wider than noise."""

APART = 1 / 8
"""Distance of two places, at least, as a fraction of the smaller side of the picture."""

LEAST_LEVELS = 1.0
"""Differences below this are not places: nobody would see them."""


class DifferingPlace(NamedTuple):
    """A place where two pictures differ. x, y: in px, pixel centres at .5. levels: mean absolute difference there."""

    x: float
    y: float
    levels: float


def places_of_difference(left: U8, right: U8, most: int = MOST) -> list[DifferingPlace]:
    """Return the places where two pictures differ most, the strongest first.

    The absolute difference, mean over the channels, is smoothed at SCALE_PX. Each place is the largest value outside
    the neighbourhoods of the places before it.

    Args:
        left: (H, W, 3) uint8 RGB.
        right: The same shape.
        most: Number of places, at most.
    """
    import cv2

    height, width = left.shape[:2]
    # Half the resolution keeps what SCALE_PX keeps, in a quarter of the time.
    small = (max(1, width // 2), max(1, height // 2))
    halved = cv2.resize(cv2.absdiff(left, right), small, interpolation=cv2.INTER_AREA)
    mean = cv2.transform(halved.astype(np.float32), np.full((1, 3), 1 / 3, np.float32))
    sigma = SCALE_PX * small[0] / width
    smooth = cv2.GaussianBlur(mean, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    radius = max(1, round(APART * min(small)))
    places: list[DifferingPlace] = []
    for _ in range(most):
        _, levels, _, (x, y) = cv2.minMaxLoc(smooth)
        if levels < LEAST_LEVELS:
            break
        places.append(DifferingPlace((x + 0.5) * width / small[0], (y + 0.5) * height / small[1], levels))
        cv2.circle(smooth, (x, y), radius, 0.0, thickness=cv2.FILLED)
    return places
