"""The shipped sample: a clip with painted rain whose clean image is known."""

from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rainclean.errors import InputError

SAMPLE = "table"


def sample_file(name: str) -> Path:
    """Path of a file that ships in sample_sequences/, from a clone or an installed wheel alike."""
    with as_file(files("sample_sequences") / name) as path:
        return path


def psnr(picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures over all values, in dB with peak 255."""
    error = float(np.mean((picture.astype(np.float64) - truth) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """A picture file as (H, W, 3) uint8 RGB."""
    import cv2

    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(path, "is no picture")
    return picture[..., ::-1].astype(np.uint8)
