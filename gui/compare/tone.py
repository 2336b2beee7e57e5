"""Brightness and gamma of the pictures on the screen. Stored pictures and values never change. No Qt."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gui.compare.kinds import U8

STOPS = (-4, 8)
"""Smallest and largest brightness in half stops: from a quarter to sixteen times."""

GAMMAS = (0.5, 4.0)
"""Smallest and largest gamma."""


@dataclass(frozen=True)
class Tone:
    """Brightness and gamma.

    Attributes:
        half_stops: Two double the levels.
        gamma: Above 1 dark parts become brighter, and white stays white.
    """

    half_stops: int = 0
    gamma: float = 1.0

    @property
    def gain(self) -> float:
        """Return the factor of the levels."""
        return float(2 ** (self.half_stops / 2))

    @property
    def label(self) -> str:
        """Return what is done to the pictures, such as "Brightened ×2, γ 1.8"."""
        word = "Darkened" if self.gain < 1 or (self.gain == 1 and self.gamma < 1) else "Brightened"
        parts = [f"×{self.gain:.2g}"] * (self.half_stops != 0) + [f"γ {self.gamma:.1f}"] * (self.gamma != 1)
        return f"{word} {', '.join(parts)}" if parts else "Brightness unchanged"

    @cached_property
    def lut(self) -> U8 | None:
        """Return the level on the screen by level, (256,) uint8; None for the same."""
        if self == NEUTRAL:
            return None
        levels = np.minimum(np.arange(256) / 255 * self.gain, 1.0) ** (1 / self.gamma)
        return np.rint(255 * levels).astype(np.uint8)

    def brighter(self, by: int) -> "Tone":
        """Return the tone with a number of half stops more, within limits."""
        return replace(self, half_stops=min(max(self.half_stops + by, STOPS[0]), STOPS[1]))

    def with_gamma(self, gamma: float) -> "Tone":
        """Return the tone with another gamma, within limits, rounded to a tenth."""
        return replace(self, gamma=round(min(max(gamma, GAMMAS[0]), GAMMAS[1]), 1))


NEUTRAL = Tone()
"""Changes nothing."""


def mapped(pixels: U8, lut: U8) -> U8:
    """Return uint8 pixels of any shape with each level replaced."""
    import cv2

    return cv2.LUT(pixels, lut)  # type: ignore[return-value]
