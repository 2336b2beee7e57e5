"""What looks at frames as they pass."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class FrameObserver(Protocol):
    """Looks at each frame on its way somewhere else, and says in the end what it saw.

    Each observer has a `result` as well; what that needs and gives is its own.
    """

    def add_frame(self, rgb: NDArray[np.uint8]) -> None:
        """Take note of the next frame, in time order: (H, W, 3) uint8, not to be changed."""
