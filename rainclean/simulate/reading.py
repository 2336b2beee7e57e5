"""Read back the ground truth of a simulated clip from its folder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate.record import Record


def truth(folder: Path | str, frame: int) -> NDArray[np.uint8]:
    """Read the ground truth of a frame: what it would show without rain, noise and foreground.

    Of an H.264 clip it is the frame of the rain-free clip, encoded alike.

    Args:
        folder: that `rainclean simulate` wrote.
        frame: 0-based frame index.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: there is no such folder or frame.
    """
    return Record.read(folder).truth(frame)


def rain(folder: Path | str, frame: int) -> NDArray[np.uint8]:
    """Read the opacity of the rain in a frame.

    Args:
        folder: that `rainclean simulate` wrote.
        frame: 0-based frame index.

    Returns:
        (H, W) uint8, 255 times 0…1, rounded.

    Raises:
        InputError: there is no such folder or frame.
    """
    return Record.read(folder).rain(frame)


def passers(folder: Path | str, frame: int) -> NDArray[np.uint8]:
    """Read the opacity of the foreground in a frame.

    Args:
        folder: that `rainclean simulate` wrote.
        frame: 0-based frame index.

    Returns:
        (H, W) uint8, as in `rain`; 0 where there is none.

    Raises:
        InputError: there is no such folder or frame.
    """
    return Record.read(folder).passers(frame)


def water(folder: Path | str, frame: int) -> NDArray[np.uint8]:
    """Read where a frame shows water. Its ground truth is that of this one frame: no two show the same ripples.

    Args:
        folder: that `rainclean simulate` wrote.
        frame: 0-based frame index.

    Returns:
        (H, W) uint8, as in `rain`; 0 where there is none.

    Raises:
        InputError: there is no such folder or frame.
    """
    return Record.read(folder).water(frame)
