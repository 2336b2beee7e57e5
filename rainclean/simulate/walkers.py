"""Passers-by: textured figures that cross the frame, drawn behind the rain."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate.camera import generator
from rainclean.simulate.presets import Simulation

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SHAPE = 34 / 80
"""Width over height of a figure in mid-step."""

_STEPS = 1.6
"""Strides a frame height of way; fixes how often legs and arms swing."""


def draw(
    scene: F32, simulation: Simulation, frame: int, frames: int, *, camera: tuple[float, float], seed: int
) -> F32 | None:
    """Draw people into ``scene`` (H, W, 3) float32, in place; return their opacity (H, W) or None.

    camera: how far the camera has moved in this frame, px (x, y). They come one after the other, each in the
    middle of its share of the clip when it passes the middle of the frame, from the left and the right in turn.
    """
    if not simulation.walkers:
        return None
    height, width = scene.shape[:2]
    alpha = np.zeros((height, width), np.float32)
    for number in range(simulation.walkers):
        rng = generator(seed, "walker", number)
        middle = (number + 0.5) * frames / simulation.walkers - 0.5
        way = simulation.walker_speed * (frame - middle) * (1 if number % 2 == 0 else -1)
        tall = simulation.walker_height
        feet = height * rng.uniform(0.86, 0.97)
        x, y = width / 2 + way - camera[0], feet - tall / 2 - camera[1]
        clothes = _clothes(tall, rng, (25, 200), (20, 110))
        draw_one(scene, alpha, x, y, way=way, tall=tall, light=simulation.light, clothes=clothes, made_for=tall)
    return alpha


def draw_one(
    scene: F32, alpha: F32, x: float, y: float, *, way: float, tall: float, light: float, clothes: F32, made_for: float
) -> None:
    """Draw one figure ``tall`` px high with its middle at x, y into ``scene`` (H, W, 3) and ``alpha`` (H, W).

    way: px walked, which sets the legs. clothes: colours as of a figure ``made_for`` px high.
    """
    height, width = alpha.shape
    left, right = int(np.floor(x - tall * SHAPE / 2)) - 1, int(np.ceil(x + tall * SHAPE / 2)) + 2
    top, bottom = int(np.floor(y - tall / 2)) - 1, int(np.ceil(y + tall / 2)) + 2
    left, top, right, bottom = max(0, left), max(0, top), min(width, right), min(height, bottom)
    if left >= right or top >= bottom:
        return
    u = (np.arange(left, right) - x)[None, :] / tall
    v = (np.arange(top, bottom) - y)[:, None] / tall + 0.5
    cover = np.clip(0.5 - _outside(u, v, way / tall) * tall, 0, 1).astype(np.float32)
    rows = np.clip(np.rint(v * made_for), 0, clothes.shape[0] - 1).astype(int)
    columns = np.clip(np.rint((u + SHAPE / 2) * made_for), 0, clothes.shape[1] - 1).astype(int)
    colour = clothes[rows, columns] * np.float32(min(light, 1.0))
    box = np.s_[top:bottom, left:right]
    scene[box] += cover[..., None] * (colour - scene[box])
    alpha[box] = 1 - (1 - alpha[box]) * (1 - cover)


def _outside(u: F64, v: F64, way: float) -> F64:
    """Signed distance to the figure in heights, negative inside; u from its middle line, v from 0 (top) to 1."""
    swing = np.sin(2 * np.pi * _STEPS * way)
    reach = SHAPE / 2
    foot, hand = (reach - 0.055) * swing, 0.045 * swing
    parts = (
        np.hypot(u, v - 0.08) - 0.08,
        _limb(u, v, (0.0, 0.26), (0.0, 0.5), thick=0.13, thin=0.115),
        _limb(u, v, (0.03, 0.55), (foot, 0.945), thick=0.085, thin=0.055),
        _limb(u, v, (-0.03, 0.55), (-foot, 0.945), thick=0.085, thin=0.055),
        _limb(u, v, (0.11, 0.22), (0.13 - hand, 0.52), thick=0.045, thin=0.035),
        _limb(u, v, (-0.11, 0.22), (-0.13 + hand, 0.52), thick=0.045, thin=0.035),
    )
    return np.minimum.reduce(parts)


def _limb(u: F64, v: F64, start: tuple[float, float], end: tuple[float, float], *, thick: float, thin: float) -> F64:
    """Return the signed distance to a rounded bar between two points, of these half widths at its ends."""
    du, dv = end[0] - start[0], end[1] - start[1]
    along = np.clip(((u - start[0]) * du + (v - start[1]) * dv) / (du * du + dv * dv), 0, 1)
    away = np.hypot(u - start[0] - along * du, v - start[1] - along * dv)
    return away - (thick + (thin - thick) * along)


@lru_cache(maxsize=256)
def dark_clothes(tall: int, seed: int, number: int) -> F32:
    """Return clothes of one of a crowd, for a figure ``tall`` px high: as people wear them in rain."""
    return _clothes(tall, generator(seed, "clothes", number), (8, 60), (8, 45))


def _clothes(tall: float, rng: np.random.Generator, coats: tuple[float, float], legs: tuple[float, float]) -> F32:
    """Return colours of a figure, (rows, columns, 3) float32: face, coat and trousers, each with a weave of its own."""
    rows, columns = int(np.ceil(tall)) + 2, int(np.ceil(tall * SHAPE)) + 2
    face = np.array([rng.uniform(90, 215)] * 3) * (1.0, 0.8, 0.68)
    coat, trousers = rng.uniform(*coats, 3), rng.uniform(*legs, 3)
    v = np.linspace(0, 1, rows)[:, None, None]
    colours = np.where(v < 0.155, face, np.where(v < 0.53, coat, trousers))
    fine = rng.standard_normal((rows, columns, 1))
    coarse = rng.standard_normal((-(-rows // 4), -(-columns // 4), 1)).repeat(4, 0).repeat(4, 1)[:rows, :columns]
    weave = 7 * fine + 13 * coarse
    shade = 1 - 0.35 * np.abs(np.linspace(-1, 1, columns))[None, :, None]  # rounded: darker at the sides
    return np.clip((colours + weave * (v >= 0.155)) * shade, 0, 255).astype(np.float32)
