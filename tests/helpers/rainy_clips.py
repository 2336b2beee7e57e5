"""Small rainy clips, made on the spot."""

from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

SIZE = (72, 56)
FRAMES = 24


def background(seed: int, size: tuple[int, int] = SIZE) -> U8:
    """(h, w, 3) uint8: blots of colour; another seed is another place."""
    rng = np.random.default_rng(seed)
    picture = sum(
        cv2.GaussianBlur(rng.normal(size=(size[1], size[0], 3)), (0, 0), blur) * blur for blur in (2.0, 5.0, 9.0)
    )
    assert isinstance(picture, np.ndarray)
    picture -= picture.min()
    return np.asarray(30 + 150 * picture / picture.max(), np.uint8)


def rainy_frames(seed: int, count: int = FRAMES, of: U8 | None = None) -> list[U8]:
    """Frames of one place with bright vertical streaks and noise, more of them the later it is."""
    rng = np.random.default_rng([seed, 7])
    clean = background(seed) if of is None else of
    frames = []
    for index in range(count):
        frame = clean.copy()
        for _ in range(4 + index // 2):
            x, y = rng.integers(0, frame.shape[1]), rng.integers(0, frame.shape[0])
            frame[y : y + 9, x] = np.maximum(frame[y : y + 9, x], 220)
        frames.append(np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255).astype(np.uint8))
    return frames


def write_clip(path: Path, frames: Sequence[U8]) -> Path:
    """Losslessly, so that what is decoded is what was painted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", 25)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def rainy_clip(path: Path, seed: int, count: int = FRAMES) -> Path:
    return write_clip(path, rainy_frames(seed, count))
