"""Masks as tints over a picture. Pixels outside a mask keep their exact values. No Qt."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.compare.kinds import U8, Colour
from gui.compare.viewport import Box

_STRIPE = 6
"""Width of a stripe of a hatched mask in device pixels."""

_BETWEEN = 0.35
"""Strength of the tint between the stripes, 0…1."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A tint.

    Attributes:
        mask: (H, W) uint8, from 0 for nothing to 255 for the colour at alpha.
        colour: One colour, or (256, 3) uint8 by value of the mask.
        alpha: Opacity, 0…1.
        hatched: Whether it is drawn in diagonal stripes.
    """

    mask: U8
    colour: Colour | U8
    alpha: float
    hatched: bool = False


def tint(pixels: U8, mask: U8, overlay: Overlay, at: Box) -> None:
    """Tint pixels in place.

    Args:
        pixels: (h, w, 4) uint8 BGRX, the part of the screen in the box.
        mask: (h, w) uint8, the mask of the overlay as sampled there.
        overlay: The tint.
        at: The box of the widget, in device pixels.
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
    """Return weights of stripes that stay in place on the screen, whichever part is painted."""
    diagonals = np.arange(at.x0 + at.y0, at.x1 + at.y1 - 1)
    line = np.where(diagonals // _STRIPE % 2 == 0, np.float32(1), np.float32(_BETWEEN))
    # Each row is the row above shifted by a pixel: a view, no array of all rows is made.
    return np.lib.stride_tricks.sliding_window_view(line, at.x1 - at.x0)
