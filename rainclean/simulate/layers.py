"""Flat pictures in space, one behind the other, as a camera sees them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate.trip import Pose

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FINER = 2
"""Layers are drawn so many times finer and averaged, as a sensor does: edges are soft, and textures do not flicker."""


@dataclass(frozen=True)
class Sway:
    """How wind moves a picture: everything by ``size`` (px of it) at most, more toward its top; seed: phases."""

    size: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A flat picture in space.

    picture: (h, w, 4) uint8 or float32 levels, colours times opacity, then opacity (255: all). corner: (3,) m, where
    the middle of its first pixel is. across, down: (3,) m, from a pixel to the next. velocity: (3,) m a frame.
    """

    picture: NDArray[Any]
    corner: F64
    across: F64
    down: F64
    sway: Sway | None = None
    velocity: F64 | None = None

    @classmethod
    def upright(cls, picture: NDArray[Any], x: float, z: float, tall: float, foot: float, **more: Any) -> "Layer":
        """Stand up a picture that faces the camera: its middle at ``x``, ``z`` m ahead, ``tall`` m high.

        Its lower edge is ``foot`` m below the camera's start.
        """
        px = tall / picture.shape[0]
        corner = np.array([x - px * (picture.shape[1] - 1) / 2, foot - tall + px / 2, z])
        return cls(
            picture=picture, corner=corner, across=np.array([px, 0.0, 0.0]), down=np.array([0.0, px, 0.0]), **more
        )

    @property
    def distance(self) -> float:
        """Of its middle, m ahead of the camera's start: what is farther is drawn first."""
        height, width = self.picture.shape[:2]
        return float((self.corner + self.across * (width - 1) / 2 + self.down * (height - 1) / 2)[2])

    def to_frame(self, pose: Pose, size: tuple[int, int], time: float, scale: int = FINER) -> F64:
        """Return the matrix (3, 3) from px of the picture to px of a frame ``scale`` times finer."""
        corner = self.corner - pose.place
        if self.velocity is not None:
            corner = corner + time * self.velocity
        return pose.to_frame(size, scale) @ np.stack((self.across, self.down, corner), axis=1)


@dataclass(frozen=True)
class Cover:
    """Opacity 0…1 (h, w, 1) float32 of what was painted, and the rows and columns of the canvas that it is of."""

    box: tuple[slice, slice]
    opacity: F32

    def hide(self, canvas: F32) -> None:
        """Take away what this covers."""
        canvas[self.box] *= 1 - self.opacity


def paint(canvas: F32, layer: Layer, pose: Pose, size: tuple[int, int], time: float) -> Cover | None:
    """Put a layer over a canvas (FINER·H, FINER·W, 3) float32; returns what it covers, None where it is not seen."""
    import cv2

    forth = layer.to_frame(pose, size, time)
    left, top, right, bottom = _seen(forth, layer.picture.shape[:2], canvas.shape[:2])
    if left >= right or top >= bottom:
        return None
    forth = np.array([[1.0, 0, -left], [0, 1, -top], [0, 0, 1]]) @ forth
    back, how = np.asarray(np.linalg.inv(forth), np.float64), cv2.INTER_LINEAR
    if layer.sway is None:
        levels = np.asarray(cv2.warpPerspective(layer.picture, forth, (right - left, bottom - top), flags=how))
    else:
        u, v = _swayed(layer, back, (bottom - top, right - left), time)
        levels = np.asarray(cv2.remap(layer.picture, u, v, how, borderMode=cv2.BORDER_CONSTANT))
    levels = levels.astype(np.float32)
    near = back[2]
    ahead = near[0] * np.arange(right - left) + near[1] * np.arange(bottom - top)[:, None] + near[2] > 0
    if not ahead.all():  # a plane is seen on both sides of its horizon, and only one of them is before the camera
        levels *= ahead[..., None]
    cover = Cover((slice(top, bottom), slice(left, right)), levels[..., 3:] * np.float32(1 / 255))
    cover.hide(canvas)
    canvas[cover.box] += levels[..., :3]
    return cover


def averaged(canvas: NDArray[np.float32]) -> F32:
    """Average a canvas that is FINER times too fine to frames' px."""
    import cv2

    size = (canvas.shape[1] // FINER, canvas.shape[0] // FINER)
    found = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.float32)
    return found.reshape(size[1], size[0], canvas.shape[2])


class _Box(NamedTuple):
    """Part of a canvas, px; right and bottom are not included."""

    left: int
    top: int
    right: int
    bottom: int


def _seen(forth: F64, shape: tuple[int, ...], canvas: tuple[int, ...]) -> _Box:
    """Return what a canvas can show of a picture."""
    height, width = shape[:2]
    corners = forth @ np.array([[-1, width, -1, width], [-1, -1, height, height], [1, 1, 1, 1]], np.float64)
    if (corners[2] < 1e-3).any():  # some of it is beside or behind the camera
        return _Box(0, 0, canvas[1], canvas[0]) if (corners[2] > 0).any() else _Box(0, 0, 0, 0)
    low, high = (corners[:2] / corners[2]).min(axis=1) - 2, (corners[:2] / corners[2]).max(axis=1) + 3
    low, high = np.maximum(low, 0).astype(int), np.minimum(high, canvas[::-1]).astype(int)
    return _Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def _swayed(layer: Layer, back: F64, shape: tuple[int, int], time: float) -> tuple[F32, F32]:
    """Find where each px of a canvas ``shape`` large sees a layer that sways: x and y in px of its picture, float32.

    back: from px of the canvas to px of the picture.
    """
    import cv2

    assert layer.sway is not None
    columns, rows = (8 * np.arange(-(-side // 8) + 1, dtype=np.float32) for side in (shape[1], shape[0]))
    x, y = np.meshgrid(columns, rows)
    u, v, near = (np.float32(row[0]) * x + np.float32(row[1]) * y + np.float32(row[2]) for row in back)
    near = np.where(near > 0, near, np.float32(1))
    u, v = u / near, v / near
    moved = np.zeros_like(u)
    for rate, along, down, phase, size in _waves(layer.sway.seed):
        moved += np.float32(size) * np.sin(u * along + v * down + np.float32(phase + rate * time))
    u += moved * np.clip(1.1 - v / layer.picture.shape[0], 0.1, 1).astype(np.float32) * np.float32(layer.sway.size)
    # Both are smooth: every eighth px is enough to know them.
    px = np.float32(1 / 8)
    fine_x, fine_y = np.meshgrid(np.arange(shape[1], dtype=np.float32) * px, np.arange(shape[0], dtype=np.float32) * px)
    fine = cv2.remap(np.dstack((u, v)), fine_x, fine_y, cv2.INTER_LINEAR)
    return np.ascontiguousarray(fine[..., 0]), np.ascontiguousarray(fine[..., 1])


class _Wave(NamedTuple):
    """A wave of a layer that sways: radians a frame, wave numbers per px, phase, fraction of the size."""

    rate: float
    along: np.float32
    down: np.float32
    phase: float
    size: float


@lru_cache(maxsize=64)
def _waves(seed: int) -> list[_Wave]:
    """Draw gusts, branches and leaves."""
    rng = np.random.default_rng([seed, 77])
    kinds = ((0.06, 0.004, 0.5), (0.17, 0.02, 0.3), (0.43, 0.06, 0.2))
    return [
        _Wave(
            rate=rate * rng.uniform(0.8, 1.2),
            along=np.float32(number * rng.uniform(-1, 1)),
            down=np.float32(number * rng.uniform(-1, 1)),
            phase=rng.uniform(0, 6.3),
            size=share,
        )
        for rate, number, share in kinds
        for _ in range(2)
    ]
