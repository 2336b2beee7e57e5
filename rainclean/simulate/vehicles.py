"""Lorries and cars from the side, with their lamps; and when they pass."""

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate.camera import generator
from rainclean.simulate.ingredients import Traffic
from rainclean.simulate.layers import Layer
from rainclean.simulate.textures import cloudy
from rainclean.simulate.trip import HEIGHT

F32 = NDArray[np.float32]

_METRES = {"lorry": (3.4, 8.5), "car": (1.5, 4.2)}
"""Height and length."""

_PX = {"lorry": 70.0, "car": 80.0}
"""Of a picture, for a m."""


def passing(traffic: Traffic, frames: int, seed: int) -> list[Layer]:
    """Every vehicle of a clip as a layer that moves; the first is in the middle of the picture after half a gap."""
    found = []
    for number in range(-1, int(frames / traffic.gap) + 2):
        rng = generator(seed, "vehicle", number + 1)
        way = 1 if rng.random() < 0.5 else -1
        tall = _METRES[traffic.kind][0]
        picture = _side(traffic.kind, traffic.lights, rng)
        if way < 0:
            picture = np.ascontiguousarray(picture[:, ::-1])
        speed = traffic.speed * way * rng.uniform(0.85, 1.15)
        meets = (number + 0.5 + rng.uniform(-0.2, 0.2)) * traffic.gap
        high = tall * picture.shape[0] / (tall * _PX[traffic.kind])
        near = traffic.distance * (1.0 if way < 0 else 1.35)
        found.append(Layer.upright(picture, -speed * meets, near, high, HEIGHT, velocity=np.array([speed, 0.0, 0.0])))
    return sorted(found, key=lambda layer: -layer.distance)


def _side(kind: str, lights: float, rng: np.random.Generator) -> F32:
    """Draw a vehicle that drives to the right, (h, w, 4) float32 as `Layer` has it; lamps can exceed white."""
    px, metres = _PX[kind], _METRES[kind]
    tall, long = (round(px * m) for m in _METRES[kind])
    margin = round(2.5 * px) if lights else 4  # room for the glow
    height, width = tall, long + 2 * margin
    rgb, cover = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(px)
    x -= margin / px
    body = rng.uniform(30, 200) * rng.uniform(0.75, 1.2, 3)
    grime = cloudy((height, width), rng, 80) + 0.1 * rng.standard_normal((height, width), np.float32)
    grime -= (y - 0.4 * metres[0]) / metres[0] * 1.6  # darker below, where it is wet and dirty

    def put(inside: NDArray[np.bool_], colour: NDArray[np.float64] | float) -> None:
        rgb[inside] = (np.broadcast_to(np.asarray(colour, np.float32), (3,)) * (1 + 0.16 * grime[..., None]))[inside]
        cover[inside] = 1

    if kind == "lorry":
        put((y > 0.15) & (y < 2.7) & (x > 0) & (x < 6.4), body)
        for stripe in np.arange(0.4, 6.2, 0.42):  # ribs of the tarpaulin
            put((y > 0.15) & (y < 2.7) & (np.abs(x - stripe) < 0.03), 0.72 * body)
        put((y > 1.0) & (y < 1.5) & (x > 1.2) & (x < 4.6), rng.uniform(30, 200) * rng.uniform(0.6, 1.2, 3))
        put((y > 0.6) & (y < 2.8) & (x > 6.5) & (x < metres[1]), rng.uniform(30, 200) * rng.uniform(0.7, 1.2, 3))
        put((y > 0.8) & (y < 1.6) & (x > 7.3) & (x < 8.3), np.array((52.0, 60, 68)))
        put((y > 2.65) & (y < 3.0) & (x > 0.1) & (x < metres[1] - 0.1), 34.0)
        wheels, radius = [1.0, 2.1, 5.6, 7.4], 0.5
    else:
        put((y > 0.62) & (y < 1.22) & (x > 0) & (x < metres[1]), body)
        put((y > 0.06) & (y < 0.66) & (np.abs(x - 1.95) < 1.25 - 0.7 * (0.66 - y)), body)
        put((y > 0.16) & (y < 0.6) & (np.abs(x - 1.95) < 1.12 - 0.7 * (0.66 - y)), np.array((44.0, 52, 60)))
        put((y > 0.1) & (y < 0.62) & (np.abs(x - 1.95) < 0.05), body)
        wheels, radius = [0.8, 3.4], 0.31
    for wheel in wheels:
        away = np.hypot(x - wheel, y - (metres[0] - radius))
        put(away < radius, 24.0)
        put(away < 0.45 * radius, 120.0)
    if lights:
        lamp = (metres[1] - 0.05, 2.1 if kind == "lorry" else 0.85)
        _glow(rgb, cover, np.hypot(x - lamp[0], y - lamp[1]), 255 * lights * np.array((1.0, 0.96, 0.84)), 0.2)
        _glow(rgb, cover, np.hypot(x, y - lamp[1]), 110 * lights * np.array((1.0, 0.16, 0.1)), 0.1)
        for at in np.arange(0.5, 6.4, 1.9):
            _glow(rgb, cover, np.hypot(x - at, y - 2.6), 90 * lights * np.array((1.0, 0.6, 0.15)), 0.05)
    return np.concatenate((rgb, 255 * cover[..., None]), axis=2).astype(np.float32)


def _glow(rgb: F32, cover: F32, away: F32, colour: NDArray[np.float64], radius: float) -> None:
    """Draw a lamp and the halo that a wet lens makes of it; light is added to what is behind, and so has no opacity."""
    strength = np.where(away < radius, 1.0, 0.16 * np.exp(-(away - radius) / (2.2 * radius)))
    rgb += np.where(strength > 0.004, strength, 0).astype(np.float32)[..., None] * colour.astype(np.float32)
