"""Compute where the camera is in each frame of a trip, and which way it looks."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate.camera import generator
from rainclean.simulate.ingredients import Trip

F64 = NDArray[np.float64]

HEIGHT = 1.5
"""Of the camera above the ground, m."""

FOCAL = 0.9
"""Focal length over the width of a frame: a lens as telephones have it."""

_SWAYS = ((0.011, 1.0), (0.031, 0.45), (0.083, 0.14))
"""Of a hand: rate (periods a frame) and size of what it is made of. Fast movements are small ones."""


@dataclass(frozen=True)
class Pose:
    """Where a camera is and how it is turned.

    place: (3,) float64, m: right, down, ahead of where it started; the ground is HEIGHT below. turned: (3, 3) float64,
    from directions in space to those of the camera.
    """

    place: F64
    turned: F64

    def to_frame(self, size: tuple[int, int], scale: int = 1) -> F64:
        """From points relative to ``place`` to px of a frame of ``size`` (height, width), ``scale`` times finer."""
        height, width = size
        focal = scale * FOCAL * width
        lens = np.array([[focal, 0, (scale * width - 1) / 2], [0, focal, (scale * height - 1) / 2], [0, 0, 1]])
        return np.asarray(lens @ self.turned, np.float64)


def pose(trip: Trip, time: float, frames: int, seed: int) -> Pose:
    """Return the pose at a time, in frames since the first; between two frames, too."""
    along = time - (frames - 1) / 2  # the middle of a clip looks straight ahead
    stride = math.pi * time / trip.step
    place = np.array([trip.sideways * along, -trip.bob * abs(math.sin(stride)), trip.forward * time])
    place[0] += 0.4 * trip.bob * math.sin(stride)
    up, aside, tilt = (_hand(time, seed, purpose) for purpose in ("up", "aside", "tilt"))
    yaw = trip.turn * along / max(1, frames - 1) + trip.shake * aside
    return Pose(place, _turned(yaw, trip.shake * up, trip.roll * tilt))


def _hand(time: float, seed: int, purpose: str) -> float:
    """Return how far a hand has moved, about −1…1."""
    phases = generator(seed, purpose).uniform(0, 2 * math.pi, len(_SWAYS))
    return sum(size * math.sin(2 * math.pi * rate * time + p) for (rate, size), p in zip(_SWAYS, phases, strict=True))


def _turned(yaw: float, pitch: float, roll: float) -> F64:
    """Return the rotation by degrees to the right, up, and clockwise."""
    (sy, cy), (sp, cp), (sr, cr) = ((math.sin(a), math.cos(a)) for a in np.deg2rad((yaw, pitch, roll)))
    about_down = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_right = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_ahead = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_ahead @ about_right @ about_down, np.float64)
