"""Rainy clips of a camera on a known path, registered; and how far off that is."""

from collections.abc import Generator

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean.simulate.presets import preset
from rainclean.simulate.render import Renderer
from rainclean.stabilization.registration import FrameAligner, Registration
from tests.helpers.steps import drained

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
SIZE = (120, 176)
CENTRE = np.array([[1, 0, 87.5], [0, 1, 59.5], [0, 0, 1]])


def textured(size: tuple[int, int], seed: int = 0) -> U8:
    """Blobs and edges of several sizes, (h, w, 3)."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((*size, 3), np.float32)
    for blur, weight in ((1.0, 40), (3.0, 120), (9.0, 300)):
        picture += weight * cv2.GaussianBlur(rng.standard_normal((*size, 3)).astype(np.float32), (0, 0), blur)
    return np.clip(120 + picture, 0, 255).astype(np.uint8)


def clip_of(matrices: list[F64], seed: int = 0, density: float = 0.004) -> list[U8]:
    """Rainy frames of a camera whose px each matrix takes to the px of one scene (its middle to the middle)."""
    scene = textured((220, 320), seed).astype(np.float32)
    rain = Renderer(preset("medium", density=density), SIZE, len(matrices), seed)
    black = np.zeros((*SIZE, 3), np.uint8)
    frames = []
    for i, matrix in enumerate(matrices):
        to_scene = np.array([[1, 0, 159.5], [0, 1, 109.5], [0, 0, 1]]) @ matrix @ np.linalg.inv(CENTRE)
        flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
        seen = np.clip(cv2.warpPerspective(scene, to_scene, SIZE[::-1], flags=flags), 0, 255)
        opacity = rain.render(i, black).rain[..., None] / 255
        noise = np.random.default_rng([seed, i]).normal(0, 2, seen.shape)
        frames.append(np.clip(np.rint(seen * (1 - opacity) + 232 * opacity + noise), 0, 255).astype(np.uint8))
    return frames


def register(frames: list[U8], reference: int | None = None) -> Registration:
    aligner = FrameAligner(workers=1)
    for frame in frames:
        aligner.add_frame(np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8))
    return result_of(aligner.result(reference))


def result_of(steps: Generator[float, None, Registration]) -> Registration:
    shares, registration = drained(steps)
    assert all(0 <= share <= 1 for share in shares)
    return registration


def errors(found: Registration, matrices: list[F64]) -> list[float]:
    """Root mean square px, over the region, between where points are said to be and where they are."""
    x, y, width, height = found.region
    xs, ys = np.meshgrid(np.linspace(x, x + width, 7), np.linspace(y, y + height, 7))
    points = np.stack([xs.ravel(), ys.ravel(), np.ones(49)])
    result = []
    for i in found.fitting:
        there = CENTRE @ np.linalg.inv(matrices[i]) @ matrices[found.reference] @ np.linalg.inv(CENTRE) @ points
        said = found.placements[i].matrix @ points
        result.append(float(np.sqrt(np.square(there[:2] / there[2] - said[:2] / said[2]).sum(axis=0).mean())))
    return result


def shift(x: float, y: float) -> F64:
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def turn(degrees: float) -> F64:
    a = np.radians(degrees)
    return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])


TIMES = np.linspace(-0.5, 0.5, 24)
SHAKE = np.random.default_rng(3).normal(0, 0.6, (24, 2))
PATHS = {
    "translation": [shift(14 * t + x, y) for t, (x, y) in zip(TIMES, SHAKE, strict=True)],
    "euclidean": [turn(3 * t) @ shift(x, y) for t, (x, y) in zip(TIMES, SHAKE, strict=True)],
    "affine": [np.diag([1 + 0.08 * t, 1 + 0.08 * t, 1]) @ shift(x, y) for t, (x, y) in zip(TIMES, SHAKE, strict=True)],
    "homography": [
        np.array([[1, 0, x + 4 * t], [0, 1, y], [5e-4 * t, -3e-4 * t, 1]])
        for t, (x, y) in zip(TIMES, SHAKE, strict=True)
    ],
}
