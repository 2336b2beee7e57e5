"""Candidates that a person cannot tell apart: the window folds them, and a project need not keep their pictures."""

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

MEAN_LEVELS = 1.0
"""Mean difference of twins at most, 8-bit levels over all pixels and channels: one level is not seen when it blinks.

In the sample project (352×240 px, 20 candidates a sequence) this and LOCAL_LEVELS leave 10 of cat, 5 of launch, 6 of
portrait and 5 of table; percentile 50 and the 20-frame candidates with streaks stay. Of the clips lake (25) and
short_r1 (8), where water and leaves move, 23 and 8 stay: they differ by 6 to 30 levels in places. With 2 and 8 levels
lake would fold to 12, and candidates with visible streaks (n20-vote-minus10 of portrait, 4 levels) would be folded.
"""

LOCAL_LEVELS = 4.0
"""Difference that hardly any place of twins exceeds, 8-bit levels, mean of WINDOW × WINDOW px and of the channels."""

WINDOW = 5
"""Side in px of the places that are compared: smaller ones are noise, larger ones average a streak away."""

EXCEEDING = 0.001
"""Fraction of the places of twins that may differ by more than LOCAL_LEVELS: the quantile is 99.9 %."""

LONGEST = 960
"""Pictures are measured at this many px along the longer side: about what is seen of them when they fit the desk."""


class Distinct:
    """Pictures that a person can tell apart, taken best first."""

    def __init__(self) -> None:
        self._visible: dict[str, U8] = {}

    def __len__(self) -> int:
        return len(self._visible)

    def add(self, name: str, picture: U8) -> str | None:
        """Take a picture, (H, W, 3) uint8; return the name of an earlier one that looks the same, or None."""
        small = _reduced(picture)
        twin = next((other for other, seen in self._visible.items() if look_alike(seen, small)), None)
        if twin is None:
            self._visible[name] = small
        return twin


def fold(pictures: dict[str, U8]) -> dict[str, str]:
    """Return each picture that looks like a better one, with the name of that one.

    Args:
        pictures: (H, W, 3) uint8 RGB by name, best first. Those of another size are no twins.
    """
    distinct = Distinct()
    twins = {name: distinct.add(name, picture) for name, picture in pictures.items()}
    return {name: twin for name, twin in twins.items() if twin is not None}


def look_alike(one: U8, other: U8) -> bool:
    """Return whether a person cannot tell two pictures apart. one, other: (H, W, 3) uint8."""
    import cv2

    if one.shape != other.shape:
        return False
    difference = cv2.absdiff(one, other)
    if float(np.mean(cv2.mean(difference)[:3])) > MEAN_LEVELS:
        return False
    channels = np.full((1, difference.shape[2]), 1 / difference.shape[2], np.float32)
    local = cv2.blur(cv2.transform(difference.astype(np.float32), channels), (WINDOW, WINDOW))
    return int(np.count_nonzero(local > LOCAL_LEVELS)) <= EXCEEDING * local.size


def _reduced(picture: U8) -> U8:
    import cv2

    scale = LONGEST / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
