"""Bound clean values by what frames show at each pixel before their exposure is undone.

Where exposure changed, the rain-free mean is clipped to these bounds at the end.
"""

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

ALLOWED = 1
"""Grey levels beyond what is shown that are allowed: noise makes a mean of what no single frame shows."""


class Bounds:
    """Lowest and highest value at each pixel and channel over the frames seen, as each of them was exposed.

    Attributes:
        lowest: (h, w, 3) uint8, `ALLOWED` subtracted, once a frame was seen.
        highest: (h, w, 3) uint8, `ALLOWED` added, once a frame was seen.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        """Begin with no frame; shape: (h, w) px of the frames."""
        self.lowest: U8 = np.full((*shape, 3), 255, np.uint8)
        self.highest: U8 = np.zeros((*shape, 3), np.uint8)

    def add_frame(self, relit: U8, gain: F64, offset: F64) -> None:
        """Widen the bounds by a frame, as it was before its exposure was undone.

        Args:
            relit: (h, w, 3) uint8, the frame as exposed like the reference frame.
            gain: (3,) that was undone.
            offset: (3,) grey levels that were undone.
        """
        import cv2  # takes a while to be loaded

        table = np.arange(256)[:, None] * gain + offset
        low, high = table - ALLOWED, table + ALLOWED
        low[0], high[255] = 0, 255  # darker and brighter ones were cut off there
        for edge, levels, pick in ((self.lowest, low, cv2.min), (self.highest, high, cv2.max)):
            shown = cv2.LUT(relit, np.clip(np.rint(levels), 0, 255).astype(np.uint8)[:, None])
            pick(edge, shown, dst=edge)

    def clip(self, picture: F32) -> None:
        """Bring a picture (h, w, 3) float32 within the bounds, in place."""
        np.clip(picture, self.lowest, self.highest, out=picture)
