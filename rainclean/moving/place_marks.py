"""Locate marks that were drawn over the frames of a moving camera, in the reference frame's geometry.

`stabilization.find_marks` finds them; `detection` excludes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.moving.residual_grid import Grid, Mask

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """Marks drawn over the frames of a clip, and the geometry of these frames.

    Attributes:
        mask: (mh, mw) bool, over a whole frame.
        size: (height, width) px of a frame.
        matrices: (3, 3) float64 each, px of a picture in the reference frame's geometry to px of each frame.
        reference: position of the reference frame.
    """

    mask: Mask
    size: tuple[int, int]
    matrices: Sequence[F64]
    reference: int

    def on(self, grid: Grid, position: int) -> Mask:
        """Find the cells that the marks hide in a frame.

        Args:
            grid: over the picture in the reference frame's geometry.
            position: of the frame.

        Returns:
            (gh, gw) bool.
        """
        rows, columns = grid.cells
        across, down = self.mask.shape[1] / self.size[1], self.mask.shape[0] / self.size[0]
        # Middles of px stand at whole numbers.
        shrink = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
        middle = (grid.step - 1) / 2
        spread = np.array([[grid.step, 0, middle], [0, grid.step, middle], [0, 0, 1]])
        to_mask = shrink @ self.matrices[position] @ spread
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpPerspective(self.mask.view(np.uint8), to_mask, (columns, rows), flags=flags) > 0)
