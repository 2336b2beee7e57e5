"""Pictures of things, made from numbers: leaves, paving, walls, posts, vehicles. (h, w, 4) uint8, opacity last.

Colours are not yet multiplied by opacity; `cut_out` does that.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


def noise(shape: tuple[int, int], grain: float, rng: np.random.Generator) -> F32:
    """Soft noise of standard deviation 1 with spots of ``grain`` px, (h, w) float32."""
    import cv2

    coarse = rng.standard_normal((max(2, math.ceil(shape[0] / grain)), max(2, math.ceil(shape[1] / grain))), np.float32)
    grown = np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    return grown / max(float(grown.std()), 1e-6)


def cloudy(shape: tuple[int, int], rng: np.random.Generator, coarsest: float = 64) -> F32:
    """Noise at all sizes up to ``coarsest`` px, coarse parts stronger, as surfaces have it; about −1…1."""
    total, grain = np.zeros(shape, np.float32), coarsest
    while grain >= 1:
        total += noise(shape, grain, rng) * np.float32((grain / coarsest) ** 0.6)
        grain /= 2.5
    return total / np.float32(max(float(np.abs(total).max()), 1e-6))


def opaque(rgb: NDArray[Any]) -> U8:
    """Turn levels (h, w, 3) into a picture that covers everything."""
    whole = np.full((*rgb.shape[:2], 4), 255, np.uint8)
    whole[..., :3] = np.clip(rgb, 0, 255)
    return whole


def cut_out(picture: U8) -> U8:
    """Multiply the colours of a picture by its opacity, as `layers.Layer` has it."""
    share = picture[..., 3:].astype(np.float32) / 255
    return np.concatenate((np.rint(picture[..., :3] * share).astype(np.uint8), picture[..., 3:]), axis=2)


def leaves(
    shape: tuple[int, int], size: float, rng: np.random.Generator, *, ragged: bool = True, hue: float = 0.0
) -> U8:
    """Draw foliage: leaves of about ``size`` px over each other, the deeper the darker.

    ragged: only where a crown of that shape has leaves, with holes; else everywhere. hue: −1 yellow … 1 blue.
    """
    import cv2

    height, width = shape
    picture = np.zeros((height, width, 4), np.uint8)
    if not ragged:
        picture[:] = (14, 20, 12, 255)
    count = round(3.2 * height * width / (size * size))
    x, y = rng.uniform(0, width, count), rng.uniform(0, height, count)
    if ragged:
        clumps = noise(shape, max(6.0, height / 4), rng)
        u, v = (x - width / 2) / (width / 2), (y - height / 2) / (height / 2)
        inside = np.hypot(u, v) < 0.86 + 0.1 * clumps[np.minimum(y.astype(int), height - 1), x.astype(int)]
        x, y = x[inside], y[inside]
    depth = np.arange(1, len(x) + 1) / len(x)  # later ones lie in front
    row, column = np.minimum(y.astype(int), height - 1), np.minimum(x.astype(int), width - 1)
    light = 0.3 + 0.55 * depth + 0.22 * noise(shape, max(4.0, 5 * size), rng)[row, column]
    light = (light + 0.14 * rng.standard_normal(len(x))) * (1.15 - 0.4 * y / height)
    green = np.stack((74 - 20 * hue + 26 * light, 98 + 20 * light, 46 + 26 * hue + 20 * light), axis=1)
    colours = np.clip(green * np.maximum(light, 0.12)[:, None], 0, 255).tolist()
    long = np.maximum(np.rint(size * rng.uniform((0.35, 0.15), (0.7, 0.4), (len(x), 2))), 1).astype(int).tolist()
    places = np.rint(np.stack((x, y), axis=1)).astype(int).tolist()
    for place, axes, turn, colour in zip(places, long, rng.uniform(0, 180, len(x)).tolist(), colours, strict=True):
        cv2.ellipse(picture, place, axes, turn, 0, 360, (*colour, 255.0), -1, cv2.LINE_8)
    return picture


def paving(shape: tuple[int, int], stone: int, rng: np.random.Generator) -> U8:
    """Draw stones of ``stone`` px side by side, each of another grey, joints darker, wet patches."""
    height, width = shape
    rows, columns = -(-height // stone), -(-width // stone) + 1
    tint = rng.uniform(-16, 16, (rows, columns)) + 9 * noise((rows, columns), 5, rng)
    yy, xx = np.mgrid[0:height, 0:width]
    row = yy // stone
    shifted = xx + (row % 2) * (stone // 2)
    grey = 124 + tint[row, np.minimum(shifted // stone, columns - 1)]
    joint = np.minimum(np.minimum(yy % stone, stone - yy % stone), np.minimum(shifted % stone, stone - shifted % stone))
    grey = grey - 40 * np.clip(1.3 - joint / (0.06 * stone + 0.5), 0, 1)
    grey = grey + 14 * cloudy(shape, rng, 120) + 7 * rng.standard_normal(shape)
    wet = 1 - 0.3 * np.clip(2 * cloudy(shape, rng, 200), 0, 1)
    return opaque((grey * wet)[..., None] * np.array((1.02, 1.0, 0.93)))


def asphalt(shape: tuple[int, int], rng: np.random.Generator, grey: float = 92) -> U8:
    """Draw a road: grain, patches, a worn line along its middle row."""
    level = grey + 12 * cloudy(shape, rng, 150) + 6 * rng.standard_normal(shape)
    line = np.zeros(shape, np.float32)
    middle, half = shape[0] // 2, max(1, shape[0] // 60)
    line[middle - half : middle + half] = (0.75 + 0.25 * noise((2 * half, shape[1]), 3, rng)).clip(0, 1)
    level = level + line * (205 - level)
    return opaque(level[..., None] * np.array((0.97, 1.0, 1.03)))


def post(shape: tuple[int, int], rng: np.random.Generator, grey: float = 60, sign: float = 0.0) -> U8:
    """Draw a round post, darker at its sides, with stains; ``sign``: fraction of its height of a plate at the top."""
    height, width = shape
    picture = np.zeros((height, width, 4), np.uint8)
    half = width if not sign else max(3, width // 4)
    left = (width - half) // 2
    shade = np.sqrt(np.clip(1 - np.linspace(-0.97, 0.97, half) ** 2, 0, 1))
    level = grey * (0.35 + 0.75 * shade)[None, :] * (1 + 0.16 * cloudy((height, half), rng, 90))
    level = level + 3 * rng.standard_normal((height, half))
    tint = rng.uniform(0.9, 1.1, 3)
    picture[:, left : left + half, :3] = np.clip(level[..., None] * tint, 0, 255)
    picture[:, left : left + half, 3] = 255
    if sign:
        plate = max(3, round(sign * height))
        paint = rng.uniform(60, 150) * rng.uniform(0.7, 1.3, 3)
        picture[:plate] = opaque(paint + 10 * rng.standard_normal((plate, width, 1)))
        edge = max(1, width // 12)
        for side in (np.s_[:edge, :], np.s_[plate - edge : plate, :], np.s_[:plate, :edge], np.s_[:plate, -edge:]):
            picture[side][..., :3] = 28
        for row in range(2 * edge + 1, plate - 2 * edge, 3 * edge):  # lines of writing
            end = int(width * rng.uniform(0.5, 0.85))
            picture[row : row + edge, 2 * edge : end, :3] = 235 if rng.random() < 0.5 else 20
    return picture


def house(shape: tuple[int, int], rng: np.random.Generator) -> U8:
    """Draw a front of plaster with rows of windows, each as dark as a room behind it."""
    height, width = shape
    level = rng.uniform(95, 175) + 9 * cloudy(shape, rng, 80) + 3 * rng.standard_normal(shape)
    picture = opaque(level[..., None] * rng.uniform(0.88, 1.06, 3))
    wide, high = max(4, width // int(rng.integers(5, 8))), max(6, height // int(rng.integers(3, 5)))
    for top in range(high // 3, height - high // 2, high):
        for left in range(wide // 4, width - wide // 2, wide):
            pane = picture[top : top + high // 2, left : left + wide // 2]
            pane[..., :3] = np.clip(rng.uniform(25, 80) + 25 * np.linspace(1, 0, pane.shape[0])[:, None, None], 0, 255)
            pane[:, pane.shape[1] // 2, :3] = pane[pane.shape[0] // 2, :, :3] = 165
            pane[0, :, :3] = pane[:, 0, :3] = 60
            pane[-1, :, :3] = 190
    picture[: max(2, height // 30), :, :3] //= 2
    return picture


def wall(shape: tuple[int, int], rng: np.random.Generator, grey: float = 130) -> U8:
    """Pebbledash with a lighter coping along its top."""
    level = grey + 20 * cloudy(shape, rng, 60) + 16 * noise(shape, 2, rng)
    top = max(2, shape[0] // 9)
    level[:top] += 38
    level[top : top + max(1, top // 3)] -= 45
    level *= np.linspace(1.05, 0.75, shape[0])[:, None]
    return opaque(level[..., None] * np.array((1.05, 1.0, 0.9)))


def fence(shape: tuple[int, int], rng: np.random.Generator, bars: int, grey: float = 48) -> U8:
    """Upright bars between two rails."""
    height, width = shape
    picture = np.zeros((height, width, 4), np.uint8)
    thick = max(1, width // (bars * 5))
    solid = np.zeros(shape, bool)
    for k in range(bars):
        x = round((k + 0.5) * width / bars)
        solid[:, x : x + thick] = True
    for y in (height // 12, height - height // 6):
        solid[y : y + 2 * thick] = True
    level = grey + 12 * cloudy(shape, rng, 40) + 4 * rng.standard_normal(shape)
    picture[..., :3] = np.clip(level[..., None] * np.array((0.95, 1.0, 1.0)), 0, 255)
    picture[..., 3] = np.where(solid, 255, 0)
    return picture
