"""Figures of pictures against their truth, and of confidences against what came out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rainclean.metrics import score

U8 = NDArray[np.uint8]
Seconds = tuple[float | None, float | None]

PROTOCOL = "basicsr-rgb"
"""PSNR over the three channels of 8-bit pictures; SSIM with an 11×11 Gaussian, mean of the channels."""

EQUAL_DB = 100.0
"""What stands for the PSNR of equal pictures, so that means and differences stay numbers."""

WORST_SHARE = 0.01

BINS = 10


@dataclass(frozen=True)
class Figures:
    """One picture against its truth. psnr: dB, EQUAL_DB at most. ssim: up to 1. worst: mean error of the worst 1 % of
    the pixels, grey levels, largest channel of each. seconds: of making it; decoding: what of that was spent waiting
    for the decoder; None where nothing was made.
    """

    psnr: float
    ssim: float
    worst: float
    seconds: float | None = None
    decoding: float | None = None


def psnr(picture: NDArray[Any], truth: U8) -> float:
    """PSNR in dB, peak 255, of a picture in grey levels, rounded or not; EQUAL_DB at most."""
    error = float(np.mean((picture.astype(np.float64) - truth) ** 2))
    return EQUAL_DB if error == 0 else min(EQUAL_DB, float(10 * np.log10(255**2 / error)))


def compare(picture: NDArray[Any], truth: U8, seconds: Seconds = (None, None)) -> Figures:
    """All figures of a picture, (h, w, 3) grey levels 0…255, uint8 or floating; only SSIM rounds the latter.

    seconds: the whole, and decoding.
    """
    rounded: U8 = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    errors = np.abs(picture.astype(np.float64) - truth).max(axis=2).ravel()
    count = max(1, round(WORST_SHARE * errors.size))
    worst = float(np.partition(errors, errors.size - count)[-count:].mean())
    return Figures(psnr(picture, truth), score(rounded, truth, PROTOCOL).ssim, worst, *seconds)


@dataclass(frozen=True)
class Reliability:
    """Confidences beside how many of their pixels were right, in BINS bins of equal width over 0…1.

    counts: pixels in each bin. claimed: sum of their confidences. right: how many of them had an error below 1 level.
    """

    counts: tuple[float, ...]
    claimed: tuple[float, ...]
    right: tuple[float, ...]

    @classmethod
    def of(cls, confidence: NDArray[np.floating], picture: NDArray[Any], truth: U8) -> Self:
        """Of one picture; confidence: (h, w), 0…1. The error of a pixel is that of its largest channel, in levels."""
        if confidence.shape != picture.shape[:2] or not bool(((confidence >= 0) & (confidence <= 1)).all()):
            raise ValueError(
                f"confidences {confidence.shape} of a picture {picture.shape}: one of 0…1 for each pixel is needed"
            )
        claims = confidence.astype(np.float64).ravel()
        right = (np.abs(picture.astype(np.float64) - truth).max(axis=2) < 1).ravel()
        place = np.minimum((claims * BINS).astype(int), BINS - 1)
        sums = (np.bincount(place, weights, BINS) for weights in (None, claims, right))
        return cls(*(tuple(map(float, each)) for each in sums))

    @classmethod
    def pooled(cls, several: "Sequence[Reliability]") -> Self:
        """All pixels of several pictures together."""
        parts = ((r.counts for r in several), (r.claimed for r in several), (r.right for r in several))
        return cls(*(tuple(map(sum, zip(*part, strict=True))) for part in parts))

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of claim and outcome of the bins, weighted by their pixels.

        Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599.
        """
        apart = sum(abs(claimed - right) for claimed, right in zip(self.claimed, self.right, strict=True))
        return apart / max(1.0, sum(self.counts))

    @property
    def curve(self) -> list[tuple[float, float, float]]:
        """Of each bin that holds pixels: their share of all, mean confidence, share that was right."""
        total = sum(self.counts)
        bins = zip(self.counts, self.claimed, self.right, strict=True)
        return [(n / total, claimed / n, right / n) for n, claimed, right in bins if n]

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "calibration_error": self.error}
