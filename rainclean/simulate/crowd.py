"""Many people in dark clothes, as `walkers` draws one, who come and go all through the clip."""

from dataclasses import dataclass

import numpy as np

from rainclean.simulate.camera import generator
from rainclean.simulate.ingredients import Crowd
from rainclean.simulate.trip import FOCAL, HEIGHT, Pose


@dataclass(frozen=True, kw_only=True)
class Person:
    """Where one is: x, y of the middle and height in px of a frame; way: px walked; distance: m ahead."""

    x: float
    y: float
    tall: float
    way: float
    distance: float
    number: int


def people(crowd: Crowd, pose: Pose, time: float, size: tuple[int, int], seed: int) -> list[Person]:
    """Everybody in front of a camera at a time, the farthest first.

    They walk across in both directions, on a way so long that about ``crowd.people`` are seen at a time; whoever
    leaves it at one end comes again at the other.
    """
    found = []
    half = 0.62 * crowd.far / FOCAL  # m from the middle of the way to its end
    for number in range(round(1.24 * crowd.people)):
        rng = generator(seed, "person", number)
        z = np.cbrt(rng.uniform(crowd.near**3, crowd.far**3))
        speed = crowd.speed * rng.uniform(0.6, 1.5) * (1 if rng.random() < 0.5 else -1)
        tall, start = rng.uniform(1.5, 1.9), rng.uniform(-half, half)
        way = speed * time
        at = np.array([(start + way + half) % (2 * half) - half, HEIGHT, z]) - pose.place
        foot, head = (pose.to_frame(size) @ (at - (0, up, 0)) for up in (0.0, tall))
        if min(foot[2], head[2]) < 0.5:
            continue
        (x, bottom), top = foot[:2] / foot[2], head[1] / head[2]
        high = bottom - top
        found.append(
            Person(x=x, y=(bottom + top) / 2, tall=high, way=way / tall * high, distance=float(z), number=number)
        )
    return sorted(found, key=lambda person: -person.distance)
