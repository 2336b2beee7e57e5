"""Draw what changes the whole picture or a part of it: patches of sun, water, and overlays."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate.camera import generator
from rainclean.simulate.ingredients import Overlay, Sun, Water
from rainclean.simulate.textures import noise

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

_RING_FRAMES = 14
"""How long a ring on water is seen."""


def sunlight(sun: Sun, time: float, size: tuple[int, int], seed: int) -> F32:
    """Return factors on the picture's light at a time, (H, W, 1) float32 from 1 up."""
    height, width = size
    patches = _patches(size, sun.patch, seed)
    x = (sun.speed * time) % (patches.shape[1] - width)
    whole = int(x)
    share = np.float32(x - whole)
    seen = (1 - share) * patches[:height, whole : whole + width] + share * patches[
        :height, whole + 1 : whole + 1 + width
    ]
    breeze = np.float32(1 + 0.12 * math.sin(0.21 * time))  # branches open and close
    return (1 + np.float32(sun.strength) * np.clip(seen * breeze, 0, 1))[..., None]


@lru_cache(maxsize=4)
def _patches(size: tuple[int, int], patch: float, seed: int) -> F32:
    """Draw where sun comes through, (H, ≥ 2·W) float32, soft edges."""
    rng = generator(seed, "sun")
    grain = patch * size[0]
    field = noise((size[0], 3 * size[1] + 2), grain, rng) + 0.35 * noise((size[0], 3 * size[1] + 2), grain / 3, rng)
    return np.clip(1.6 * (field - 0.15), 0, 1).astype(np.float32)


def flood(picture: F32, water: Water, time: float, seed: int) -> F32:
    """Water over the lower part of a picture (H, W, 3), in place; returns where it is, 0…1 (H, W)."""
    import cv2

    height, width = picture.shape[:2]
    shore = height - round(water.share * height)
    rows = np.arange(shore, height, dtype=np.float32)[:, None]
    near = (rows - shore + 2) / (height - shore)  # 0 far … 1 near
    x = np.arange(width, dtype=np.float32)[None, :] / width
    depth = 1 / (near + 0.06)  # goes with distance: waves get shorter toward the shore
    slope = np.zeros((height - shore, width), np.float32)
    for k, (along, deep, rate, phase) in enumerate(_ripples(seed)):
        slope += np.sin(along * x * depth * 0.35 + deep * depth + rate * time + phase) / np.float32(1 + 0.25 * k)
    slope = slope / 2.2 + _rings(water, time, (height, width), shore, seed)
    up = 2 * shore - rows - water.ripple * near**0.5 * slope * 1.6
    aside = np.arange(width, dtype=np.float32)[None, :] + water.ripple * near * slope
    mirrored = cv2.remap(
        picture, np.broadcast_to(aside, slope.shape).astype(np.float32), np.abs(up).astype(np.float32),
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    bed = np.array((62.0, 92.0, 96.0), np.float32)
    level = 0.55 * np.asarray(mirrored, np.float32) + 0.45 * bed + 11 * (near**0.5 * slope)[..., None]
    picture[shore:] = np.clip(level, 0, 255)
    cover = np.zeros((height, width), np.float32)
    cover[shore:] = 1
    return cover


@lru_cache(maxsize=4)
def _ripples(seed: int) -> list[tuple[float, ...]]:
    """Wave numbers across and in depth, rates in radians a frame, phases."""
    rng = generator(seed, "ripples")
    ranges = ((-60, 60), (5, 26), (0.25, 0.7), (0, 6))
    return [tuple(float(rng.uniform(low, high)) for low, high in ranges) for _ in range(7)]


def _rings(water: Water, time: float, size: tuple[int, int], shore: int, seed: int) -> F32:
    """Compute slopes of the rings of all drops that have recently fallen in, (rows of water, W)."""
    height, width = size
    rows = np.arange(shore, height, dtype=np.float32)
    x = np.arange(width, dtype=np.float32)
    slope = np.zeros((height - shore, width), np.float32)
    for frame in range(int(time) - _RING_FRAMES + 1, int(time) + 1):
        rng = generator(seed, "rings", frame + _RING_FRAMES)
        for _ in range(rng.poisson(water.rings)):
            cx, deep = rng.uniform(0, width), rng.uniform(0, 1) ** 0.7
            age, cy = (time - frame) / _RING_FRAMES, shore + deep * (height - shore)
            radius, flat = (2 + 26 * deep) * age, 0.3 + 0.2 * deep
            reach = radius + 5
            left, right = np.searchsorted(x, (cx - reach, cx + reach))
            top, bottom = np.searchsorted(rows, (cy - reach, cy + reach))
            away = np.hypot(x[None, left:right] - cx, (rows[top:bottom, None] - cy) / flat) - radius
            ring = np.exp(-((away / 2.2) ** 2)) * np.sin(away * 1.5)
            slope[top:bottom, left:right] += (2.2 * (1 - age) * ring).astype(np.float32)
    return slope


def sign(overlay: Overlay, size: tuple[int, int], seed: int) -> tuple[F32, F32]:
    """Draw what is put over all frames: grey levels (H, W, 1) and their opacity (H, W, 1), float32."""
    import cv2

    height, width = size
    rng = generator(seed, "overlay")
    opacity = np.float32(rng.uniform(overlay.weakest, overlay.strongest) / 255)
    drawn = np.zeros((4 * height, 4 * width), np.uint8)  # four times finer: soft edges
    font, word = cv2.FONT_HERSHEY_DUPLEX, ("STOCKFILM", "preview", "rainclips")[rng.integers(3)]
    if rng.random() < 0.5:
        scale = 4 * width / 352 * 1.5
        (wide, _), _ = cv2.getTextSize(word, font, scale, round(1.9 * scale))
        cv2.putText(drawn, word, (2 * width - wide // 2, round(2.15 * height)), font, scale, 255, round(1.9 * scale))
        cv2.circle(drawn, (2 * width, 2 * height), round(1.35 * height), 255, round(0.04 * height) * 3)
    else:
        scale = 4 * width / 352 * 0.6
        for row, y in enumerate(range(height // 4, 5 * height, round(0.9 * height))):
            for x in range(-row % 2 * width // 2, 5 * width, round(1.3 * width)):
                cv2.putText(drawn, word, (x, y), font, scale, 255, round(2.2 * scale))
        turn = np.asarray(cv2.getRotationMatrix2D((2 * width, 2 * height), 22, 1.0))
        drawn = np.asarray(cv2.warpAffine(drawn, turn, (4 * width, 4 * height)), np.uint8)
    cover = np.asarray(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA), np.float32)[..., None]
    return np.full((height, width, 1), 235, np.float32), (opacity * cover).astype(np.float32)


def under(picture: U8, overlay: tuple[F32, F32]) -> U8:
    """Put a picture (H, W, 3) under a sign as from `sign`."""
    level, cover = overlay
    return np.rint(picture + cover * (level - picture)).astype(np.uint8)
