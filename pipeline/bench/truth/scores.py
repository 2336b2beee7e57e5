"""Figures of pictures against their ground truth, and of expected errors against actual ones."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from rainclean.metrics import score

U8 = NDArray[np.uint8]


PROTOCOL = "basicsr-rgb"
"""PSNR over the three channels of 8-bit pictures; SSIM with an 11×11 Gaussian, mean of the channels."""

EQUAL_DB = 100.0
"""PSNR of equal pictures, finite so that means and differences stay numbers."""

WORST_SHARE = 0.01

EDGES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Upper ends of the bins of the expected error, grey levels."""

MIN_BIN_SHARE = 0.001
"""Share of the pixels that a bin must hold to count for the calibration."""

MIN_ERROR_LEVELS = 0.05
"""Smaller errors, grey levels, count as this one: nobody needs to predict them."""


class Seconds(NamedTuple):
    """Seconds of making a picture: in all, and waiting for the decoder; None where nothing was made."""

    whole: float | None = None
    decoding: float | None = None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One picture against its ground truth.

    psnr: dB, EQUAL_DB at most. ssim: up to 1. worst: mean error of the worst 1 % of the pixels, grey levels, largest
    channel of each. seconds, decoding: as in `Seconds`.
    """

    psnr: float
    ssim: float
    worst: float
    seconds: float | None = None
    decoding: float | None = None


_NOT_MADE = Seconds()


def psnr(picture: NDArray[Any], truth: U8) -> float:
    """Return the PSNR in dB, peak 255, of a picture in grey levels, rounded or not; EQUAL_DB at most."""
    error = float(np.mean((picture.astype(np.float64) - truth) ** 2)) if truth.size else 0.0
    return EQUAL_DB if error == 0 else min(EQUAL_DB, float(10 * np.log10(255**2 / error)))


def compare(
    picture: NDArray[Any], truth: U8, *, seconds: Seconds = _NOT_MADE, kept: NDArray[np.bool_] | None = None
) -> Figures:
    """Return all figures of a picture.

    Args:
        picture: (h, w, 3) grey levels 0…255, uint8 or floating; only SSIM rounds the latter.
        truth: The ground truth, (h, w, 3) uint8.
        seconds: Time that making it took.
        kept: (h, w) bool, which pixels count; SSIM takes the ground truth for the others.
    """
    if kept is not None:
        picture = np.where(kept[..., None], picture, truth)
    rounded: U8 = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    errors = np.abs(picture.astype(np.float64) - truth).max(axis=2)
    errors = errors.ravel() if kept is None else errors[kept]
    count = min(errors.size, max(1, round(WORST_SHARE * errors.size)))
    worst = float(np.partition(errors, errors.size - count)[-count:].mean()) if count else 0.0
    found = psnr(picture, truth) if kept is None else psnr(picture[kept], truth[kept])
    return Figures(
        psnr=found,
        ssim=score(rounded, truth, PROTOCOL).ssim,
        worst=worst,
        seconds=seconds.whole,
        decoding=seconds.decoding,
    )


class CurvePoint(NamedTuple):
    """One bin of expected errors: its share of the pixels, and root mean square errors in grey levels."""

    share: float
    expected: float
    actual: float


@dataclass(frozen=True)
class Reliability:
    """Expected errors beside actual ones, in bins of the expected error that end at EDGES.

    counts: pixels in each bin, the last one without end. claimed, found: sums of their squared errors, expected and
    actual, grey levels; that of a pixel is the mean of its channels'.
    """

    counts: tuple[float, ...]
    claimed: tuple[float, ...]
    found: tuple[float, ...]

    @classmethod
    def measure(cls, expected: NDArray[np.floating], picture: NDArray[Any], truth: U8) -> Self:
        """Return the reliability of one picture.

        Args:
            expected: (h, w) expected errors, grey levels, root mean square over the channels.
            picture: (h, w, 3) grey levels.
            truth: The ground truth, (h, w, 3) uint8.

        Raises:
            ValueError: ``expected`` has another size, or negative values.
        """
        if expected.shape != picture.shape[:2] or not bool((expected >= 0).all()):
            raise ValueError(f"expected errors {expected.shape} of a picture {picture.shape}: each one from 0")
        claims = expected.astype(np.float64).ravel()
        found = np.square(picture.astype(np.float64) - truth).mean(axis=2).ravel()
        place = np.searchsorted(EDGES, claims, side="right")
        sums = (np.bincount(place, weights, len(EDGES) + 1) for weights in (None, claims**2, found))
        return cls(*(tuple(map(float, each)) for each in sums))

    @classmethod
    def pooled(cls, several: "Sequence[Reliability]") -> Self:
        """Return the reliability of all pixels of several pictures together."""
        parts = ((r.counts for r in several), (r.claimed for r in several), (r.found for r in several))
        return cls(*(tuple(map(sum, zip(*part, strict=True))) for part in parts))

    @property
    def curve(self) -> list[CurvePoint]:
        """Return a point for each bin that holds pixels."""
        total = sum(self.counts)
        bins = zip(self.counts, self.claimed, self.found, strict=True)
        return [CurvePoint(n / total, (claimed / n) ** 0.5, (found / n) ** 0.5) for n, claimed, found in bins if n]

    @property
    def factor(self) -> float:
        """Return the ratio of actual and expected error, the larger over the smaller, in the bin that is off most.

        Only bins count that hold MIN_BIN_SHARE of the pixels; smaller errors than MIN_ERROR_LEVELS count as that.
        """
        judged = [
            (max(c, MIN_ERROR_LEVELS), max(found, MIN_ERROR_LEVELS))
            for share, c, found in self.curve
            if share >= MIN_BIN_SHARE
        ]
        return max((max(c, found) / min(c, found) for c, found in judged), default=1.0)

    def to_json(self) -> dict[str, Any]:
        """Return the values for --json."""
        return {**asdict(self), "edges": EDGES, "calibration_factor": self.factor}
