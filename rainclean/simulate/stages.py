"""Build what is between camera and backdrop: layers for each of the stages, the farthest first.

A stage is seen from where the camera starts: x to the right, y down, z ahead, in m; the ground is `trip.HEIGHT` below.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate import textures
from rainclean.simulate.camera import AIRLIGHT, generator, lit
from rainclean.simulate.ingredients import Trip
from rainclean.simulate.layers import Layer, Sway
from rainclean.simulate.presets import Simulation
from rainclean.simulate.trip import FOCAL, HEIGHT, Pose

U8 = NDArray[np.uint8]

BACKDROP = 45.0
"""How far away the picture is, m."""

HAZE = 160.0
"""Distance at which wet air leaves a third of a thing's contrast, m."""

_GROUND_PX = 48
"""Of a picture of the ground, for a m."""


def backdrop_size(poses: list[Pose], size: tuple[int, int]) -> tuple[int, int]:
    """Height and width in px that a picture needs so that a camera sees nothing else at these poses.

    One of its px is one of the frame's ``size`` (height, width) where the camera starts.
    """
    height, width = size
    corners = np.array([[-1, width, -1, width], [-1, -1, height, height], [1, 1, 1, 1]], np.float64)
    reach = np.zeros(2)
    for pose in poses:
        rays = np.linalg.inv(pose.to_frame(size)) @ corners
        seen = pose.place[:2, None] + rays[:2] / rays[2] * (BACKDROP - pose.place[2])
        reach = np.maximum(reach, np.abs(seen).max(axis=1))
    px = BACKDROP / (FOCAL * width)
    wide, high = (2 * np.ceil(reach / px) + 2).astype(int)
    return int(high), int(wide)


def backdrop(picture: U8, width: int) -> Layer:
    """Place a picture of `backdrop_size` far behind everything; width: of a frame, px."""
    tall = picture.shape[0] * BACKDROP / (FOCAL * width)
    return Layer.upright(textures.opaque(_hazed(picture, BACKDROP)), 0, BACKDROP, tall, tall / 2)


def _hazed(rgb: U8, distance: float) -> U8:
    """Fade levels by so many m of wet air."""
    share = 1 - math.exp(-distance / HAZE)
    return np.rint((1 - share) * rgb + share * AIRLIGHT).astype(np.uint8)


def layers(simulation: Simulation, seed: int) -> list[Layer]:
    """Everything in front of the backdrop; the same for simulations that differ in other things."""
    light, veil, sway, trip = simulation.light, simulation.veil, simulation.sway, simulation.trip
    way = Trip(sideways=trip.sideways) if trip and simulation.stage == "street" else None
    return _built(Simulation(stage=simulation.stage, light=light, veil=veil, sway=sway, trip=way), seed)


@lru_cache(maxsize=8)
def _built(simulation: Simulation, seed: int) -> list[Layer]:
    props = STAGES[simulation.stage](generator(seed, "stage"), simulation)
    return sorted(props, key=lambda layer: -layer.distance)


def _ground(picture: U8, start: float, simulation: Simulation) -> Layer:
    """Lay a picture on the ground around the middle, its last row ``start`` m ahead.

    Far rows are softened, since a pixel sees much of them at once.
    """
    import cv2

    height, width = picture.shape[:2]
    far = start + (height - 1 - np.arange(height)) / _GROUND_PX
    level = np.interp(far * far / (300 * HEIGHT) * _GROUND_PX / 2, (0.7, 1.5, 4.0, 10.0), (0, 1, 2, 3))
    soft = [picture, *(cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in (1.0, 3.0, 8.0))]
    mixed = np.empty_like(picture)
    for row in range(height):
        k = min(int(level[row]), 2)
        share = level[row] - k
        mixed[row] = np.rint((1 - share) * soft[k][row].astype(np.float32) + share * soft[k + 1][row])
    px = 1 / _GROUND_PX
    corner = np.array([-px * (width - 1) / 2, HEIGHT, start + px * (height - 1)])
    return Layer(
        picture=_finished(mixed, simulation), corner=corner, across=np.array([px, 0, 0]), down=np.array([0, 0, -px])
    )


def _along(picture: U8, simulation: Simulation, *, x: float, near: float, far: float, tall: float) -> Layer:
    """Stand a picture beside the way, from ``far`` (its left) to ``near`` m ahead."""
    height, width = picture.shape[:2]
    across = np.array([0, 0, (near - far) / width])
    down = np.array([0, tall / height, 0])
    return Layer(
        picture=_finished(picture, simulation),
        corner=np.array([x, HEIGHT - tall, far]),
        across=across,
        down=down,
    )


def _finished(picture: U8, simulation: Simulation) -> U8:
    """In the light of the simulation, and with opacity multiplied in."""
    return textures.cut_out(np.dstack((lit(picture[..., :3], simulation), picture[..., 3])))


def _stand(picture: U8, x: float, z: float, tall: float, simulation: Simulation, **more: Any) -> Layer:
    """Stand a picture on the ground."""
    foot = more.pop("foot", HEIGHT)
    picture[..., :3] = _hazed(picture[..., :3], z)
    return Layer.upright(_finished(picture, simulation), x, z, tall, foot, **more)


def _sway(simulation: Simulation, px_per_m: float, rng: np.random.Generator) -> Sway | None:
    seed = int(rng.integers(1 << 30))
    return Sway(simulation.sway * px_per_m, seed) if simulation.sway else None


def _tree(x: float, z: float, rng: np.random.Generator, simulation: Simulation) -> list[Layer]:
    """Make a trunk and a crown of leaves before it."""
    tall = rng.uniform(3.6, 4.6)
    crown = textures.leaves((round(60 * tall), 260), 7, rng, hue=rng.uniform(-0.6, 0.4))
    return [
        _stand(textures.post((200, 16), rng, 52), x, z + 0.05, 0.62 * tall, simulation),
        _stand(crown, x, z, tall, simulation, foot=HEIGHT - 1.2, sway=_sway(simulation, 60, rng)),
    ]


def _houses(half: float, z: float, rng: np.random.Generator, simulation: Simulation) -> list[Layer]:
    """Make a row of houses with gaps, as far to both sides as ``half`` m."""
    found, x = [], -half
    while x < half:
        wide, tall = rng.uniform(6, 10), rng.uniform(4.5, 8.5)
        front = textures.house((round(16 * tall), round(16 * wide)), rng)
        found.append(_stand(front, x + wide / 2, z, tall, simulation))
        x += wide + rng.uniform(0.2, 5.5)
    return found


def _park(rng: np.random.Generator, simulation: Simulation) -> list[Layer]:
    """Make a paved way between hedges, trees, a lamp and a bench-high wall: for who walks."""
    hedge = [textures.leaves((40, 560), 3.2, rng, ragged=False, hue=-0.3) for _ in range(2)]
    for one in hedge:
        one[:4][rng.random((4, 560)) < 0.55] = 0
    return [
        *_houses(24, 36, rng, simulation),
        _stand(textures.leaves((110, 1500), 5, rng, ragged=False), 0, 24, 2.2, simulation),
        _ground(textures.paving((round(23 * _GROUND_PX), 16 * _GROUND_PX), 15, rng), 0.9, simulation),
        *_tree(-3.9, 13.5, rng, simulation),
        *_tree(3.6, 10.5, rng, simulation),
        *_tree(-4.6, 8.2, rng, simulation),
        _stand(textures.post((420, 12), rng, 105), 1.5, 9.4, 4.6, simulation),
        _stand(textures.wall((36, 330), rng), 4.3, 7.6, 0.55, simulation),
        _along(hedge[0], simulation, x=-2.2, near=2.2, far=17.0, tall=0.8),
        _along(hedge[1], simulation, x=3.1, near=4.6, far=19.0, tall=0.7),
        _stand(textures.post((300, 14), rng, 48), -1.3, 6.2, 3.2, simulation),
    ]


def _street(rng: np.random.Generator, simulation: Simulation) -> list[Layer]:
    """Make a pavement with posts, boards and bollards before a road and a hedge: for who drives past."""
    reach = abs(simulation.trip.sideways) * 60 if simulation.trip else 0.0
    half = 9 + reach / 2
    road = textures.asphalt((round(7 * _GROUND_PX), round(2.2 * half * _GROUND_PX)), rng)
    path = textures.paving((round(3.4 * _GROUND_PX), round(2 * half * _GROUND_PX)), 24, rng)
    path[..., 0] = np.minimum(path[..., 0] * 1.25, 255)
    path[-8:, :, :3] = np.where((np.arange(path.shape[1]) // 40 % 2)[None, :, None], 30, 210)  # the kerb
    found = [
        *_houses(half + 12, 30, rng, simulation),
        _stand(textures.leaves((90, round(70 * half)), 5, rng, ragged=False), 0, 19, 2.0, simulation),
        _ground(road, 8.6, simulation),
        _ground(path, 5.2, simulation),
        _ground(textures.asphalt((round(4.4 * _GROUND_PX), round(2 * half * _GROUND_PX)), rng, 74), 0.8, simulation),
    ]
    for x in np.arange(-half - 4, half + 4, 5.5):
        found += _tree(x + rng.uniform(-1, 1), 16.5, rng, simulation)
    for x in np.arange(-half, half, 3.1):
        at, kind = x + rng.uniform(-0.8, 0.8), rng.random()
        if kind < 0.45:
            found.append(_stand(textures.post((330, 22), rng, rng.uniform(28, 55)), at, 7.2, 3.6, simulation))
        elif kind < 0.75:
            found.append(_stand(textures.post((190, 120), rng, 90, 0.55), at, 6.8, 1.9, simulation))
        else:
            found.append(_stand(textures.wall((40, 160), rng), at, 6.4, 0.5, simulation))
    for x in np.arange(-half, half, 4.3):
        at = x + rng.uniform(-1, 1)
        found.append(_stand(textures.post((130, 20), rng, rng.uniform(40, 140)), at, 4.6, 1.0, simulation))
    return found


def _garden(rng: np.random.Generator, simulation: Simulation) -> list[Layer]:
    """Make bushes and large leaves before a low wall and two near posts: for who stands and turns."""
    found = [
        *_houses(14, 30, rng, simulation),
        *_tree(-5.5, 17, rng, simulation),
        *_tree(2.2, 19, rng, simulation),
        *_tree(6.5, 16, rng, simulation),
        _stand(textures.leaves((110, 900), 7, rng, ragged=False, hue=-0.2), 0, 15, 2.2, simulation),
        _ground(textures.paving((round(13 * _GROUND_PX), 13 * _GROUND_PX), 9, rng), 1.2, simulation),
    ]
    for x in (-5.2, -2.6, -0.3, 2.3, 4.9):
        z, tall = rng.uniform(8.5, 11.5), rng.uniform(2.1, 3.4)
        bush = textures.leaves((190, 230), rng.uniform(8, 20), rng, hue=rng.uniform(-0.8, 0.5))
        found.append(_stand(bush, x + rng.uniform(-0.5, 0.5), z, tall, simulation, sway=_sway(simulation, 70, rng)))
    low = textures.leaves((70, 800), 5, rng, ragged=False, hue=-0.5)
    low[:9][rng.random((9, 800)) < 0.6] = 0
    found += [
        _stand(low, 0, 7.4, 0.8, simulation, sway=_sway(simulation, 80, rng)),
        _stand(textures.wall((34, 760), rng), 0.4, 6.6, 0.42, simulation),
        _stand(textures.fence((90, 300), rng, 12), -2.6, 5.9, 1.0, simulation),
        _stand(textures.post((420, 16), rng, 160), -1.1, 4.3, 3.4, simulation),
        _stand(textures.post((420, 24), rng, 190), 0.85, 3.4, 3.4, simulation),
    ]
    return found


def _shore(rng: np.random.Generator, simulation: Simulation) -> list[Layer]:
    """Make trees and bushes behind a strip of stones, for water in front of it."""
    found = [_stand(textures.wall((14, 1200), rng, 150), 0, 16, 0.4, simulation, foot=0.9)]
    for x in np.arange(-11, 11, 1.7):
        tall = rng.uniform(1.4, 4.4)
        crown = textures.leaves((150, 120), 6, rng, hue=rng.uniform(-0.3, 0.9))
        found.append(_stand(crown, x + rng.uniform(-0.6, 0.6), rng.uniform(17, 24), tall, simulation, foot=0.9))
    return found


STAGES: Mapping[str, Callable[[np.random.Generator, Simulation], list[Layer]]] = {
    "flat": lambda rng, simulation: [],
    "park": _park,
    "street": _street,
    "garden": _garden,
    "shore": _shore,
}
