"""Confidence pictures: what is expected to be off at each pixel of a clean image, in 8 bits; and what older ones said.

The value is 255 / (1 + (σ/2)²), rounded, with σ the expected error in grey levels: 255 exact, 204 one level, 128 two,
51 four. Over 255 it is what an inverse-variance weight of σ² + 2² is, as a share of that of an exact pixel.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import InputError

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

ERROR = "expected error"
"""What confidence pictures hold as they are written now; the word for it in report.json and export.json."""

CHANCE = "chance within 1 level"
"""What they held before that was said: 255 times the chance that R, G and B are less than one level off."""

KEY = "confidence_form"
"""Where report.json and export.json say which of these it is; CHANCE where they do not."""

HALF = 2.0
"""Expected error, grey levels, at which confidence is a half."""

LEAST_WEIGHT = 26
"""Of 255: what a pixel weighs at least in training; reached at σ = 6. What must not count is excluded."""

LEAST_BY_CHANCE = 127
"""The same of pictures that hold chances: of compressed clips hardly any pixel is sure to a level."""


def to_picture(error: F32) -> U8:
    """The confidence picture of expected errors: (H, W) float32 in grey levels → (H, W) uint8."""
    return np.asarray(np.rint(255 / (1 + np.square(error / np.float32(HALF)))), np.uint8)


def weights(picture: U8, form: str) -> U8:
    """What pixels weigh in training, of 255: (H, W) uint8 of a confidence picture of that form."""
    if form == ERROR:
        return np.maximum(picture, np.uint8(LEAST_WEIGHT))
    return (LEAST_BY_CHANCE + picture.astype(np.uint16) * (255 - LEAST_BY_CHANCE) // 255).astype(np.uint8)


def form_of(document: object, path: Path) -> str:
    """Which form a report.json or export.json says. Raises InputError, for an unknown one."""
    form = document.get(KEY) or CHANCE if isinstance(document, dict) else CHANCE
    if form not in (ERROR, CHANCE):
        raise InputError(path, f"says {KEY} {form!r}, which this rainclean does not know", "use a newer one")
    return str(form)
