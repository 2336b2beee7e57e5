"""What a simulated clip shows, read back from its folder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate.record import Record


def truth(folder: Path | str, frame: int) -> NDArray[np.uint8]:
    """What a frame of a simulated clip would show without rain, noise and passers-by: (H, W, 3) uint8 RGB.

    folder: what `rainclean simulate` wrote. frame: 0-based frame index. Of an H.264 clip it is the frame of the
    rain-free clip encoded alike. Raises InputError for a folder or a frame that is not there.
    """
    return Record.read(folder).truth(frame)


def rain(folder: Path | str, frame: int) -> NDArray[np.uint8]:
    """Opacity of the rain in a frame of a simulated clip: (H, W) uint8, 255 times 0…1, rounded.

    Raises InputError for a folder or a frame that is not there.
    """
    return Record.read(folder).rain(frame)


def passers(folder: Path | str, frame: int) -> NDArray[np.uint8]:
    """Opacity of the passers-by in a frame of a simulated clip: (H, W) uint8, as in `rain`; 0 where there are none.

    Raises InputError for a folder or a frame that is not there.
    """
    return Record.read(folder).passers(frame)


def water(folder: Path | str, frame: int) -> NDArray[np.uint8]:
    """Where a frame of a simulated clip shows water: (H, W) uint8, as in `rain`; 0 where there is none.

    Its truth is that of this one frame: no two show the same ripples. Raises InputError for a folder or a frame that
    is not there.
    """
    return Record.read(folder).water(frame)
