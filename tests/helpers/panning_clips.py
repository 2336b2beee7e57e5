"""Clips in memory of a camera that moves by whole px over a scene of patches."""

import numpy as np

SIZE = (96, 128)


def textured(seed: int = 0) -> np.ndarray:
    """(H, W, 3) with room to all sides, of patches that can be registered."""
    rng = np.random.default_rng(seed)
    coarse, fine = (
        rng.integers(0, n, (200 // s, 240 // s, 3)).repeat(s, 0).repeat(s, 1) for n, s in ((120, 20), (60, 4))
    )
    return (40 + coarse + fine).astype(np.uint8)


def seen_from(shifts: list[tuple[int, int]], seed: int = 0) -> np.ndarray:
    """Frames of a camera at these px of a scene, with noise and a little rain."""
    rng = np.random.default_rng(seed)
    scene, frames = textured(seed).astype(float), []
    for x, y in shifts:
        frame = scene[40 + y : 40 + y + SIZE[0], 40 + x : 40 + x + SIZE[1]].copy()
        for _ in range(12):
            at, down = rng.integers(0, SIZE[1]), rng.integers(0, SIZE[0])
            frame[down : down + 15, at] += 60
        frames.append(np.clip(np.rint(frame + rng.normal(0, 1.5, frame.shape)), 0, 255).astype(np.uint8))
    return np.stack(frames)


def panning(frames: int = 14) -> np.ndarray:
    return seen_from([(i // 2, i // 5) for i in range(frames)])
