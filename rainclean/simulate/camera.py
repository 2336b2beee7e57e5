"""Simulate the camera: where it looks in each frame, how it is exposed, and what its sensor adds."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate.presets import Simulation

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

AIRLIGHT = 200.0
"""Grey level of a veil in daylight; it is as much darker at night as the scene is."""

_SUPPORT = 3
"""Scene that must be there around a frame for interpolation, px."""


def generator(seed: int, purpose: str, frame: int = 0) -> np.random.Generator:
    """Return a stream of random numbers for one purpose in one frame, whatever was drawn before."""
    return np.random.default_rng([seed, frame, *purpose.encode()])


@dataclass(frozen=True)
class Path:
    """Where the camera looks and how it is exposed in each frame.

    transforms: (N, 2, 3) float64, from px of the frame to px of the scene (x, y; middle of a pixel at a whole
    number). gains: (N,) float64, factors on grey levels. scene_size: (height, width) px that the scene must have.
    """

    transforms: F64
    gains: F64
    scene_size: tuple[int, int]

    @classmethod
    def draw(cls, simulation: Simulation, frames: int, size: tuple[int, int], seed: int) -> "Path":
        """Draw the path of a clip of ``frames`` frames of ``size`` (height, width) px."""
        share = np.linspace(0, 1, frames) if frames > 1 else np.zeros(1)
        index = np.arange(frames)
        steps = simulation.walk * generator(seed, "walk").standard_normal((frames, 2))
        places = simulation.jitter * generator(seed, "jitter").standard_normal((frames, 2))
        places += np.cumsum(steps, axis=0) - steps[0]
        places[:, 0] += simulation.pan * share
        gains = 1 + simulation.drift * (2 * share - 1) if frames > 1 else np.ones(1)
        gains = gains * (1 + simulation.flicker * np.sin(2 * math.pi * index / simulation.flicker_period))
        height, width = size
        transforms = np.zeros((frames, 2, 3))
        transforms[:, 0, 0] = transforms[:, 1, 1] = 1
        if not simulation.moves:
            return cls(transforms, gains, size)
        origin = np.floor(places.min(axis=0)) - _SUPPORT
        room = np.ceil(places.max(axis=0)) + _SUPPORT - origin
        transforms[:, :, 2] = places - origin
        return cls(transforms, gains, (height + int(room[1]), width + int(room[0])))


def look(scene: U8, transform: F64, size: tuple[int, int]) -> F32:
    """Return what a frame shows of the scene: (H, W, 3) float32 grey levels 0…255, before exposure and rounding.

    Whole shifts copy, others are interpolated (bicubic).
    """
    height, width = size
    shift = transform[:, 2]
    straight = bool((transform[:, :2] == np.eye(2)).all())
    if straight and (shift == np.round(shift)).all():
        x, y = int(shift[0]), int(shift[1])
        return scene[y : y + height, x : x + width].astype(np.float32)
    import cv2

    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(scene.astype(np.float32), transform, (width, height), flags=flags)
    return np.clip(np.asarray(warped, np.float32), 0, 255)


def truth_of(seen: F32, gain: float) -> U8:
    """Return the ground truth of a frame that shows this (as from `look`) under this gain, (H, W, 3) uint8."""
    return quantise(seen if gain == 1.0 else seen * np.float32(gain))


def quantise(grey: F32) -> U8:
    """Grey levels rounded to the nearest of 0…255."""
    levels = np.rint(grey)
    return np.clip(levels, 0, 255, out=levels).astype(np.uint8)


def lit(picture: U8, simulation: Simulation) -> U8:
    """Put a picture under the simulation's light and behind its veil, (H, W, 3) uint8.

    The veil is the same in all frames: no method that compares frames can tell it from the scene, which is why
    it belongs to the truth. Opacity v of airlight over the scene as in Koschmieder's law, at one distance.
    """
    if simulation.light == 1.0 and simulation.veil == 0.0:
        return picture
    levels = np.arange(256) * simulation.light
    levels = (1 - simulation.veil) * levels + simulation.veil * AIRLIGHT * min(simulation.light, 1.0)
    table: U8 = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return table[picture]


def fit(picture: U8, size: tuple[int, int]) -> U8:
    """Scale a picture to cover ``size`` (height, width) and cut it around its middle; keep one of that size."""
    height, width = size
    if picture.shape[:2] == (height, width):
        return picture
    import cv2

    scale = max(height / picture.shape[0], width / picture.shape[1])
    tall, wide = max(height, round(picture.shape[0] * scale)), max(width, round(picture.shape[1] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(picture, (wide, tall), interpolation=how) if scale != 1 else picture
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width], np.uint8)


def sensor_noise(simulation: Simulation, size: tuple[int, int], seed: int, frame: int) -> F32:
    """Gaussian noise of one frame, (H, W, 3) float32 grey levels; (0, 0, 3) where there is none."""
    if not simulation.noise:
        return np.zeros((0, 0, 3), np.float32)
    noise = generator(seed, "noise", frame).standard_normal((*size, 3), np.float32)
    noise *= np.float32(simulation.noise)
    return noise
