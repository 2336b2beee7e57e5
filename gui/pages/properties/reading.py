"""Read a frame of a clip for a dialog, in any thread."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.project.clips import open_clip
from pipeline.project.model import Clip
from pipeline.project.storage import Project
from rainclean.errors import InputError

WIDTH = 960
"""Largest width of the frame, px."""


def read_frame(folder: Path, clip: Clip, frame: int) -> NDArray[np.uint8]:
    """Return a frame, (h, w, 3) uint8 RGB, upright, at most WIDTH px wide, as it is in the clip: not stabilized.

    Args:
        folder: The project, which is opened anew.
        clip: The clip.
        frame: Index in the clip.

    Raises:
        RaincleanError: Project or clip cannot be read.
    """
    import cv2

    with Project.again(folder) as project, open_clip(project, clip) as source:
        found = next(iter(source.read([frame])), None)
        if found is None:
            raise InputError(source.info.path, f"ends before frame {frame}")
        rgb = found.rgb
    if rgb.shape[1] <= WIDTH:
        return rgb
    size = (WIDTH, max(1, round(rgb.shape[0] * WIDTH / rgb.shape[1])))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
