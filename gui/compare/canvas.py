"""The pictures as pixels of the screen: composed where something has changed, copied at each paint.

The canvas is one QImage of the widget's size, which is kept until the size changes, so that painting allocates nothing.
"""

from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QImage

from gui.compare.contents import Contents, Side
from gui.compare.kinds import U8
from gui.compare.overlays import Overlay, tint
from gui.compare.panes import Pane
from gui.compare.sampling import Sampler
from gui.compare.tone import mapped
from gui.compare.viewport import Box, Viewport

SURROUND = 119
"""Perceptual middle grey (L* 50): pictures are judged in a neutral surround."""


class Canvas:
    """The composed pixels. image: what is to be painted, Format_RGB32."""

    def __init__(self) -> None:
        self.sampler = Sampler()
        self._allocate(1, 1)

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in device pixels."""
        return self.image.width(), self.image.height()

    @property
    def pixels(self) -> U8:
        """Return the image's memory, (H, W, 4) uint8 BGRX, to write to; valid until the next `resize`."""
        return self._pixels

    def resize(self, size: tuple[int, int], ratio: float) -> bool:
        """Take the size of the widget in device pixels.

        Args:
            size: Width and height in device pixels.
            ratio: Device pixels per logical pixel.

        Returns:
            Whether everything must be composed anew.
        """
        if size == self.size:
            self.image.setDevicePixelRatio(ratio)
            return False
        self._allocate(*size)
        self.image.setDevicePixelRatio(ratio)
        return True

    def compose(
        self,
        dirty: Box,
        panes: Sequence[Pane],
        viewport: Viewport | None,
        contents: Contents,
        *,
        tinted: Sequence[Side],
        overlays: Sequence[Overlay],
        lut: U8 | None = None,
    ) -> None:
        """Compose a box of the widget.

        Args:
            dirty: The box, in device pixels.
            panes: Panes of the widget.
            viewport: View of each pane; None without a picture.
            contents: The pictures.
            tinted: Sides over which the overlays are drawn.
            overlays: Tints, the lowest first.
            lut: Level on the screen by level of the pictures, (256,) uint8; None for the same. Differences keep theirs.
        """
        dirty = dirty.cut(Box(0, 0, *self.size))
        if dirty.empty:
            return
        self._pixels[dirty.slices] = SURROUND
        if viewport is None:
            return
        for pane in panes:
            left, top = pane.box.x0, pane.box.y0
            for side, part in pane.parts:
                box = viewport.extent.moved(left, top).cut(part).cut(dirty)
                picture = contents.picture(side)
                if box.empty or picture is None:
                    continue
                inner, target = box.moved(-left, -top), self._pixels[box.slices]
                sample = self.sampler.sample(picture, viewport, inner)
                target[...] = sample if lut is None or side == "difference" else mapped(sample, lut)
                for overlay in overlays if side in tinted else ():
                    tint(target, self.sampler.sample(overlay.mask, viewport, inner), overlay, box)

    def _allocate(self, width: int, height: int) -> None:
        self.image = QImage(width, height, QImage.Format.Format_RGB32)
        # The array looks into the image's memory; both are replaced together. Rows of 32 bits have no padding.
        self._pixels: U8 = np.frombuffer(self.image.bits(), np.uint8).reshape(height, width, 4)
        self._pixels[...] = SURROUND
