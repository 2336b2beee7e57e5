"""Masks as tints over a picture. No Qt.

Outside a mask pixels keep their exact values.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.compare.kinds import U8, Colour
from gui.compare.viewport import Box

_STRIPE = 6
"""Device pixels across a stripe of a hatched mask."""

_BETWEEN = 0.35
"""How strongly the tint shows between the stripes."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """mask: (H, W) uint8, 0: nothing, 255: colour at alpha (0…1). hatched: in diagonal stripes.

    colour: one, or (256, 3) uint8 by value of the mask.
    """

    mask: U8
    colour: Colour | U8
    alpha: float
    hatched: bool = False


def tint(pixels: U8, mask: U8, overlay: Overlay, at: Box) -> None:
    """Tint pixels in place.

    pixels: (h, w, 4) BGRX, part of the screen at this box of the widget. mask: (h, w), the overlay's as seen there.
    """
    import cv2

    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return
    rows, columns = slice(y, y + height), slice(x, x + width)
    weights: NDArray[np.float32] = mask[rows, columns] * np.float32(overlay.alpha / 255)
    if overlay.hatched:
        weights *= _stripes(Box(at.x0 + x, at.y0 + y, at.x0 + x + width, at.y0 + y + height))
    colour = np.empty((height, width, 4), np.uint8)
    if isinstance(overlay.colour, tuple):
        colour[...] = (*overlay.colour[::-1], 255)
    else:
        colour[..., :3] = overlay.colour[mask[rows, columns], ::-1]
    pixels[rows, columns] = cv2.blendLinear(colour, np.ascontiguousarray(pixels[rows, columns]), weights, 1 - weights)


def _stripes(at: Box) -> NDArray[np.float32]:
    """Stripes that stay in place on the screen whatever part of it is painted."""
    diagonals = np.arange(at.x0 + at.y0, at.x1 + at.y1 - 1)
    line = np.where(diagonals // _STRIPE % 2 == 0, np.float32(1), np.float32(_BETWEEN))
    # Each row is the one above, a pixel further: no array of them is made.
    return np.lib.stride_tricks.sliding_window_view(line, at.x1 - at.x0)
