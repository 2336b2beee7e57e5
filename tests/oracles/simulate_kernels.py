"""Plain numpy twins of the kernels: the readable definition of each, and what tests hold them against."""

import math

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate._kernel import REACH, SIGMA_PER_WIDTH, SOFT_ENDS

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


def paint(streaks: F32, opacity: F32, light: F32) -> None:
    """Twin of `_kernel.paint`."""
    yy, xx = np.mgrid[0 : opacity.shape[0], 0 : opacity.shape[1]].astype(np.float64)
    erf = np.vectorize(math.erf, otypes=[np.float64])
    for x, y, length, width, angle, peak, level in streaks.astype(np.float64):
        sigma = width * SIGMA_PER_WIDTH
        ends = np.hypot(sigma, SOFT_ENDS * length)
        along = (xx - x) * np.sin(angle) + (yy - y) * np.cos(angle)
        across = ((xx - x) * np.cos(angle) - (yy - y) * np.sin(angle)) / sigma
        inside = (np.abs(along) <= 0.5 * length + REACH * ends) & (np.abs(across) <= REACH)
        s = along[inside]
        passed = erf((s + 0.5 * length) / (np.sqrt(2) * ends)) - erf((s - 0.5 * length) / (np.sqrt(2) * ends))
        a = peak * 0.5 * passed * np.exp(-0.5 * across[inside] ** 2)
        light[inside] = np.where(a > opacity[inside], level, light[inside])
        opacity[inside] = np.maximum(opacity[inside], a)


def expose(scene: F32, opacity: F32, light: F32, noise: F32, gain: float, out: U8) -> None:
    """Twin of `_kernel.expose`."""
    rain = opacity[..., None] * np.maximum(light[..., None] - scene, np.float32(0))
    grey = (scene + rain) * np.float32(gain)
    if len(noise):
        grey = grey + noise
    out[:] = np.clip(np.rint(grey), 0, 255)
