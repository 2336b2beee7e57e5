"""Judge by the ground truth whether a clean image is fit to train on, and count how often a verdict agrees.

A verdict of `clean` rests on the clip alone. Here it is compared with the ground truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.bench.truth.scores import psnr

U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Worth = Literal["good", "poor", "ruin"]
Said = Literal["fit", "look", "unfit"]

SAID: tuple[Said, ...] = ("fit", "look", "unfit")
WORTHS: tuple[Worth, ...] = ("good", "poor", "ruin")

RUIN_DB = 3.0
"""A picture that is farther from the ground truth than the rainy frame, by more dB than this, is a ruin."""

GAIN_DB, NEAR_DB = 3.0, 3.0
"""A good picture is more dB above the rainy frame than the first, or fewer below the upper bound than the second."""

STAIN_LEVELS, STAIN_PX = 10.0, 7
"""A mean error of STAIN_PX² px above so many grey levels is a stain; streaks and noise are too thin and even for it."""

STAINED_POOR, STAINED_RUIN = 0.002, 0.02
"""Shares of the kept picture from which stains are seen at once, and from which nobody would use it."""

MIN_KEPT = 0.2
"""Share of the frame below which a pair is of little use, however correct."""


@dataclass(frozen=True)
class TrueWorth:
    """The worth of the first candidate by the ground truth.

    gain: dB by which it is nearer to the ground truth than the rainy frame, over what is kept and comparable.
    stained: share of what is kept that is stained, places of foreground and water included. kept: share of the frame.
    worth: what follows from these.
    """

    gain: float
    stained: float
    kept: float
    worth: Worth


def true_worth(
    picture: U8, rainy: U8, known: U8, *, kept: Mask, aside: Mask, frame: int, limit: float | None
) -> TrueWorth:
    """Judge a picture by the ground truth.

    Args:
        picture: (h, w, 3) uint8.
        rainy: The rainy frame, (h, w, 3) uint8.
        known: The ground truth, (h, w, 3) uint8.
        kept: What is not excluded, (h, w) bool.
        aside: Where ``known`` cannot be compared with the rainy frame, (h, w) bool.
        frame: Number of px in a whole frame.
        limit: PSNR of the upper bound over all of the picture, dB; None where it is not known.
    """
    scored = kept & ~aside
    gain, near = 0.0, False
    if scored.any():
        found = psnr(picture[scored], known[scored])
        gain = found - psnr(rainy[scored], known[scored])
        near = limit is not None and found > limit - NEAR_DB
    stained, share = stained_share(picture, known, kept), float(kept.sum()) / frame
    if gain < -RUIN_DB or stained > STAINED_RUIN:
        return TrueWorth(gain, stained, share, "ruin")
    good = (gain > GAIN_DB or near) and stained < STAINED_POOR and share >= MIN_KEPT
    return TrueWorth(gain, stained, share, "good" if good else "poor")


def stained_share(picture: U8, known: U8, kept: Mask) -> float:
    """Return the share of what is kept where an area is off in any channel, 0…1; pictures (h, w, 3) uint8."""
    import cv2

    if not kept.any():
        return 0.0
    # What is excluded neither counts nor reaches over its border.
    error = np.where(kept[..., None], picture.astype(np.float32) - known, 0)
    coverage = cv2.blur(kept.astype(np.float32), (STAIN_PX, STAIN_PX))
    mean = np.abs(cv2.blur(error, (STAIN_PX, STAIN_PX))).max(axis=2) / np.maximum(coverage, 1e-3)
    return float((mean > STAIN_LEVELS)[kept].mean())


def right(said: str, worth: Worth) -> bool:
    """Return whether a verdict is right: fit where the picture is good, and only there."""
    return (said == "fit") == (worth == "good")


def confusion(pairs: Sequence[tuple[str, Worth]]) -> dict[str, dict[str, int]]:
    """Count how often each verdict was given to pictures of each worth, by verdict."""
    return {said: {worth: pairs.count((said, worth)) for worth in WORTHS} for said in SAID}
