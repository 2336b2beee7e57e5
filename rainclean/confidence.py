"""Encode confidence maps: the expected error at each pixel of a clean image, in 8 bits; and read older ones.

The value is 255 / (1 + (σ/2)²), rounded, with σ the expected error in grey levels: 255 exact, 204 one level, 128 two,
51 four. Divided by 255 it is an inverse-variance weight of σ² + 2², as a fraction of that of an exact pixel.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import InputError

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

ERROR = "expected error"
"""Form of confidence maps as they are written now; its name in report.json and export.json."""

CHANCE = "chance within 1 level"
"""Older form: 255 times the chance that R, G and B are less than one level off."""

KEY: Final = "confidence_form"
"""Key of report.json and export.json that names the form; CHANCE where it is missing."""

HALF = 2.0
"""Expected error, grey levels, at which confidence is a half."""

LEAST_WEIGHT = 26
"""Smallest weight of a pixel in training, of 255; reached at σ = 6. What must not count is excluded."""

LEAST_BY_CHANCE = 127
"""The same for maps of chances: in compressed clips hardly any pixel is certain to a level."""


def to_picture(error: F32) -> U8:
    """Encode expected errors, (H, W) float32 in grey levels, as a confidence map, (H, W) uint8."""
    return np.asarray(np.rint(255 / (1 + np.square(error / np.float32(HALF)))), np.uint8)


def weights(picture: U8, form: str) -> U8:
    """Return the weights of pixels in training, of 255: (H, W) uint8, from a confidence map of a form."""
    if form == ERROR:
        return np.maximum(picture, np.uint8(LEAST_WEIGHT))
    return (LEAST_BY_CHANCE + picture.astype(np.uint16) * (255 - LEAST_BY_CHANCE) // 255).astype(np.uint8)


def form_of(document: object, path: Path) -> str:
    """Read the form of confidence maps from a report.json or export.json. Raises InputError for an unknown one."""
    form = document.get(KEY) or CHANCE if isinstance(document, dict) else CHANCE
    if form not in (ERROR, CHANCE):
        raise InputError(path, f"says {KEY} {form!r}, which this rainclean does not know", "update rainclean")
    return str(form)
