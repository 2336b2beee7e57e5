"""How far off a clean image is, told without the truth: by frames that lie next to the reference frame.

Where the reference frame shows no rain it is the truth and noise. A candidate that differs from it by more than noise
does is wrong there, whatever many frames say: smeared, shifted, darkened. Its squared error is the squared difference,
less the variance of the noise, and twice that variance by the weight that the reference frame has in the candidate
itself (Stein's unbiased estimate of risk, Ann. Stat. 1981). Where the reference frame shows rain the frames next to
it are asked, laid over it (`near`), those pixels of each that show no rain; what they are off themselves is told
where all are dry, and taken off. All candidates are asked about the same pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.rainfree import Near, Posterior, noise_of_difference, over_time

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

NEXT = 2
"""Frames to each side of the reference frame that candidates are asked by where that shows rain."""

_LOW = 20
"""Percentile of the other frames that rain in the reference frame is told by, where many frames do not agree."""

_AGREE = 2.0
"""Grey levels that the mean of many frames may be off where they agree."""

_LEAST = 0.05
_CLEARLY = 2.0  # grey levels, root mean square
_TIMES = 4.0
_REACH = 3.0
_PLACED = 0.25
"""Standard deviations that a dry pixel may be off, with so many px times the slope of the picture."""


@dataclass(frozen=True)
class Told:
    """What was found of one candidate, squared grey levels over the picture and its channels.

    squared: expected squared error, which may come out below 0 where there is hardly any. dry, rainy: of pixels of the
    reference frame without rain, and of the others.
    """

    squared: float
    dry: float
    rainy: float


def overrule(told: Sequence[Told], mean: Told) -> bool:
    """Whether few frames overrule many: only where they say that the mean of many is clearly wrong.

    Faint rain that passes for none in few frames makes them prefer what is a little too bright; what a codec did to the
    reference frame, what has the same done to it.
    """
    best = max(0.0, min(one.squared for one in told))
    return mean.squared > _TIMES * best + _CLEARLY**2


def errors(told: Sequence[Told]) -> list[float]:
    """Expected errors of candidates, root mean square in grey levels; 0 is never said.

    What differs between them is known better than what is common to them, which rests on the strength of the noise.
    """
    best = min(one.squared for one in told)
    return [math.sqrt(max(best, _LEAST**2) + one.squared - best) for one in told]


class Evidence:
    """What frames near the reference frame say of any clean image of it.

    noise: standard deviation of a frame, grey levels. share: of pixels of the reference frame that show no rain.
    """

    def __init__(self, near: Near, posterior: Posterior | None = None, passing: Mask | None = None) -> None:
        """Take note of the frames.

        posterior: of many frames; where they agree they tell rain better than few. passing: (H, W) bool, what is known
        to pass in the reference frame: a clean image may show what is behind it.
        """
        there = np.ones(near.reference.shape[:2], bool) if passing is None else ~passing
        frames, at = near.frames, near.at
        others = np.delete(frames, at, axis=0)
        self._lowest = frames.min(axis=0)
        self._clean = over_time(others, _LOW)
        if posterior is not None:
            agree = posterior.sd < _AGREE
            self._clean[agree] = posterior.mean[agree]
        apart = _apart(near.reference, self._clean)
        self._usual = usual(apart)
        self._reach = self._allowed()
        self.noise = min(noise_of_difference(apart), self._usual)
        dry = (np.abs(apart) < self._reach) & there
        self._reference, self._dry = near.reference, _mask(dry)
        self.share = float(dry[there].mean()) if there.any() else 0.0
        self._next: list[tuple[int, U8, U8, float]] = []
        for k in range(max(0, at - NEXT), min(len(frames), at + NEXT + 1)):
            if k == at:
                continue
            own = np.abs(_apart(frames[k], self._clean)) < self._reach
            # What a frame differs by from the reference frame where both are dry is noise of both, and misplaced.
            both = _squared(frames[k], near.reference, _mask(own & dry)) - self.noise**2
            self._next.append((k, np.asarray(frames[k], np.uint8), _mask(own & there & ~dry), both))

    @property
    def asked(self) -> list[int]:
        """Positions in `Near.frames` of those that are asked where the reference frame shows rain."""
        return [k for k, *_ in self._next]

    def own(self, share: F32) -> float:
        """Mean weight of the reference frame where that shows no rain. share: (H, W) float32."""
        return float(share[self._dry > 0].mean()) if self._dry.any() else 0.0

    def tell(self, candidate: U8, own: float, without: dict[int, U8] | None = None, frames: int = 0) -> Told:
        """Say how far off a candidate is, (H, W, 3) uint8.

        own: weight that the reference frame has in it where that shows no rain, 0…1. without: the same candidate made
        without a frame, by position in `Near.frames`; else ``frames`` says of how many it was made, each alike.
        """
        variance = self.noise**2
        dry = _squared(self._reference, candidate, self._dry) - variance * (1 - 2 * own)
        grown = 1.0 if frames < 2 else (frames / (frames - 1)) ** 2
        sums = count = 0.0
        for k, picture, mask, off in self._next:
            pixels = float(np.count_nonzero(mask))
            if pixels:
                made = candidate if without is None else without[k]
                sums += pixels * (grown * _squared(picture, made, mask) - off)
                count += pixels
        rainy = sums / count if count else dry
        return Told(self.share * dry + (1 - self.share) * rainy, dry, rainy)

    def places(self, candidate: U8) -> dict[str, Mask]:
        """Where frames near the reference frame speak against a candidate, (h, w) bool by what is wrong.

        brighter: than the reference frame, which rain can only brighten. darker: than all of the frames.
        """
        lowest = cv2.blur(self._lowest.mean(axis=2), (3, 3))
        picture = cv2.blur(candidate.astype(np.float32).mean(axis=2), (3, 3))
        rainy = cv2.blur(self._reference.astype(np.float32).mean(axis=2), (3, 3))
        found = {"brighter": picture > rainy + self._reach, "darker": picture < lowest - self._reach}
        return {code: _whole(where) for code, where in found.items()}

    def _allowed(self) -> F32:
        grey = cv2.blur(self._clean.mean(axis=2), (3, 3))
        slope = np.hypot(*(cv2.Sobel(grey, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1))))
        return np.asarray(_REACH * np.hypot(self._usual, _PLACED * slope), np.float32)


def usual(apart: F32) -> float:
    """What most pixels are off below, as a standard deviation, grey levels."""
    below = -apart[apart < 0]
    return max(0.5, 1.4826 * float(np.median(below))) if below.size else 0.5


def _apart(frame: U8, clean: F32) -> F32:
    return np.asarray((frame - clean).mean(axis=2), np.float32)


def _whole(where: Mask) -> Mask:
    """Without specks."""
    return np.asarray(cv2.morphologyEx(_mask(where), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def _mask(where: Mask) -> U8:
    return where.astype(np.uint8)


def _squared(one: U8, other: U8, mask: U8) -> float:
    """Mean squared difference over the channels of the pixels in a mask; 0 where there are none."""
    pixels = int(np.count_nonzero(mask))
    return float(cv2.norm(one, other, cv2.NORM_L2SQR, mask)) / (3 * pixels) if pixels else 0.0
