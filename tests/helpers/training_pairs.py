"""Small data sets with scenes, to train on."""

from pathlib import Path

import numpy as np

from rainclean.png import encode_png


def streaked(seed: int, side: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """A smooth picture and the same with bright vertical lines, (side, side, 3) uint8 RGB."""
    draw = np.random.default_rng(seed)
    down, across = np.mgrid[:side, :side] / side
    shade = 60 + 80 * down * draw.random() + 60 * across * draw.random()
    clean = np.repeat(shade[..., None], 3, 2) + draw.integers(-20, 20, 3)
    rainy = clean.copy()
    for column in draw.integers(0, side, 4):
        rainy[draw.integers(0, side // 2) :, column] += 70
    return rainy.clip(0, 255).astype(np.uint8), clean.clip(0, 255).astype(np.uint8)


def write_dataset(root: Path, scenes: int = 3, frames: int = 3, val: bool = False, side: int = 40) -> Path:
    """Layout "paired" without a manifest; names tell the scenes. val: the last scene is in split val."""
    for scene in range(scenes):
        split = "val" if val and scene == scenes - 1 else "train"
        for frame in range(frames):
            for name, picture in zip(("input", "target"), streaked(100 * scene + frame, side), strict=True):
                path = root / split / name / f"{scene:03}-{frame:04}_0_0.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encode_png(picture))
    return root
