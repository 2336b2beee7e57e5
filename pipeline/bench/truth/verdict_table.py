"""Whether a clean image is fit to train on, told from the truth; and how often a verdict said so.

A verdict that `clean` gives rests on the clip alone. Here it is held against what is true.
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
"""So much farther from the truth than the rainy frame itself is a ruin."""

GAIN_DB, NEAR_DB = 3.0, 3.0
"""Clearly nearer than the rainy frame; near the limit."""

STAIN_LEVELS, STAIN_PX = 10.0, 7
"""Grey levels by which the mean error of STAIN_PX² px is a stain: streaks and noise are too thin and even for that."""

STAINED_POOR, STAINED_RUIN = 0.002, 0.02
"""Shares of the kept picture from which stains are seen at once, and from which nobody would take it."""

LEAST_KEPT = 0.2
"""Share of the frame below which a pair is of little use, however right."""


@dataclass(frozen=True)
class Truth:
    """What is true of the candidate that is put first.

    gain: dB by which it is nearer to the truth than the rainy frame, over what is kept and has a truth. stained:
    share of what is kept that is stained, places of passing things and water included. kept: share of the frame.
    worth: what that comes to.
    """

    gain: float
    stained: float
    kept: float
    worth: Worth


def truth_of(picture: U8, rainy: U8, known: U8, kept: Mask, aside: Mask, frame: int, limit: float | None) -> Truth:
    """Judge a picture (h, w, 3) by the truth ``known``.

    kept: what is not excluded, (h, w). aside: where ``known`` cannot be compared with the rainy frame. frame: px of a
    whole frame. limit: PSNR over all of the picture that could be had, dB; None where it is not known.
    """
    scored = kept & ~aside
    gain, near = 0.0, False
    if scored.any():
        found = psnr(picture[scored], known[scored])
        gain = found - psnr(rainy[scored], known[scored])
        near = limit is not None and found > limit - NEAR_DB
    stained, share = stained_share(picture, known, kept), float(kept.sum()) / frame
    if gain < -RUIN_DB or stained > STAINED_RUIN:
        return Truth(gain, stained, share, "ruin")
    good = (gain > GAIN_DB or near) and stained < STAINED_POOR and share >= LEAST_KEPT
    return Truth(gain, stained, share, "good" if good else "poor")


def stained_share(picture: U8, known: U8, kept: Mask) -> float:
    """Share of what is kept where the picture is off over an area, in any channel, (h, w, 3) uint8 both; 0 … 1."""
    import cv2

    if not kept.any():
        return 0.0
    # What is excluded neither counts nor reaches over its border.
    error = np.where(kept[..., None], picture.astype(np.float32) - known, 0)
    there = cv2.blur(kept.astype(np.float32), (STAIN_PX, STAIN_PX))
    mean = np.abs(cv2.blur(error, (STAIN_PX, STAIN_PX))).max(axis=2) / np.maximum(there, 1e-3)
    return float((mean > STAIN_LEVELS)[kept].mean())


def right(said: str, worth: Worth) -> bool:
    """Whether a verdict is: fit where the picture is good, and only there."""
    return (said == "fit") == (worth == "good")


def confusion(pairs: Sequence[tuple[str, Worth]]) -> dict[str, dict[str, int]]:
    """How often each verdict was said of pictures of each worth, by what was said."""
    return {said: {worth: pairs.count((said, worth)) for worth in WORTHS} for said in SAID}
