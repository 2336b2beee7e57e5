"""Where marks that were drawn over the frames of a moving camera lie over the scene."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.moving.residual_grid import Grid, Mask

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """What is drawn over the frames of a clip, and where that lies over a picture of the reference frame's geometry.

    mask: (mh, mw) bool, over a whole frame of ``size`` (height, width) px. matrices: (3, 3) float64 each, px of that
    picture to px of each frame. reference: position of the reference frame.
    """

    mask: Mask
    size: tuple[int, int]
    matrices: Sequence[F64]
    reference: int

    def on(self, grid: Grid, position: int) -> Mask:
        """Cells of a grid over the picture that it hides in the frame at a position, (gh, gw) bool."""
        rows, columns = grid.cells
        across, down = self.mask.shape[1] / self.size[1], self.mask.shape[0] / self.size[0]
        # Middles of px stand at whole numbers.
        shrink = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
        middle = (grid.step - 1) / 2
        spread = np.array([[grid.step, 0, middle], [0, grid.step, middle], [0, 0, 1]])
        there = shrink @ self.matrices[position] @ spread
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpPerspective(self.mask.view(np.uint8), there, (columns, rows), flags=flags) > 0)
