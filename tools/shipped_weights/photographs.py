"""Scenes from photographs that scikit-image ships under free terms."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.shipped_weights.colours import F32, U8, Generator, finished, hsv


class Photograph(NamedTuple):
    """A photograph of `skimage.data`: the split whose scenes may show it, and how many train or val scenes do."""

    name: str
    split: str
    scenes: int
    by: str
    licence: str


PHOTOGRAPHS = (
    Photograph("camera", "train", 45, "Lav Varshney", "CC0"),
    Photograph("grass", "train", 24, "linolafett (DeviantArt)", "CC0"),
    Photograph("brick", "train", 24, "CC0Textures (Bricks25)", "CC0"),
    Photograph("retina", "train", 14, "Mikael Häggström", "CC0"),
    Photograph("hubble_deep_field", "train", 13, "NASA", "public domain"),
    Photograph("gravel", "val", 3, "CC0Textures (Gravel04)", "CC0"),
    Photograph("clock", "val", 2, "Stéfan van der Walt", "public domain"),
    Photograph("cell", "val", 2, "Paul Müller et al.", "CC0"),
)
"""Those that scikit-image ships under clear and free terms. Grey ones are tinted.

The other free ones (`HELD_OUT`) are behind the samples, on which the weights are judged.
"""

HELD_OUT = ("astronaut", "chelsea", "coffee", "rocket")


def photographs(split: str) -> dict[str, U8]:
    """Return photographs for the scenes of a split, (H, W, 3) uint8 each, by name."""
    from skimage import data

    loaded = {each.name: getattr(data, each.name)() for each in PHOTOGRAPHS if each.split == split}
    return {name: np.ascontiguousarray(_rgb(picture)) for name, picture in loaded.items()}


def photograph_scene(rng: Generator, picture: U8, side: int) -> U8:
    """Cut a piece of a photograph (H, W, 3) in other size, light and colours: (side, side, 3) uint8."""
    import cv2

    smallest = min(picture.shape[:2])
    size = round(min(smallest, side * math.exp(rng.uniform(math.log(0.75), math.log(3.0)))))
    top, left = (int(rng.integers(0, edge - size + 1)) for edge in picture.shape[:2])
    how = cv2.INTER_AREA if size > side else cv2.INTER_CUBIC
    piece = cv2.resize(picture[top : top + size, left : left + size], (side, side), interpolation=how)
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    grey = bool((picture[::7, ::7, 0] == picture[::7, ::7, 2]).all())
    scene: F32 = np.asarray(piece, np.float32) / np.float32(255)
    scene = _tinted(rng, scene[..., 1]) if grey else scene ** np.float32(rng.uniform(0.6, 1.6))
    return finished(rng, scene)


def _rgb(picture: NDArray[np.generic]) -> U8:
    levels = np.asarray(picture, np.uint8)
    return np.repeat(levels[..., None], 3, axis=2) if levels.ndim == 2 else levels[..., :3]


def _tinted(rng: Generator, grey: F32) -> F32:
    """Tint a grey picture (H, W) 0…1 from a dark colour over a middle one to a light one."""
    hue = rng.uniform(0, 1)
    stops = [
        hsv(hue + rng.normal(0, 0.08), rng.uniform(0, 0.5), rng.uniform(0, 0.15)),
        hsv(hue, rng.uniform(0, 0.5), rng.uniform(0.3, 0.65)),
        hsv(hue + rng.normal(0, 0.08), rng.uniform(0, 0.25), rng.uniform(0.75, 1)),
    ]
    return np.stack([np.interp(grey, [0, 0.5, 1], [s[c] for s in stops]) for c in range(3)], axis=2).astype(np.float32)
