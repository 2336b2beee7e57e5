"""Clips in memory to clean, and what came of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from pipeline.clean.result import CleanResult
from rainclean.temporal.memory_budget import least_memory
from rainclean.video.selection import check_indices, check_region
from rainclean.video.source import Frame, Region, SourceInfo


class FramesInMemory:
    """A FrameSource over an (N, H, W, 3) array."""

    def __init__(self, frames: np.ndarray) -> None:
        self._frames = frames
        count, height, width, _ = frames.shape
        self.info = SourceInfo(
            path=Path("memory"),
            backend="test",
            container="none",
            codec="none",
            pixel_format="rgb24",
            width=width,
            height=height,
            frame_count=count,
            notes=("a note",),
        )
        self.times = np.arange(count) / 25
        self.asked: list[int] = []

    def read(self, indices: Sequence[int] | None = None, region: Region | None = None) -> Iterator[Frame]:
        x, y, w, h = check_region(region, self.info)
        for i in check_indices(indices, self.info.frame_count):
            self.asked.append(i)
            yield Frame(i, float(self.times[i]), np.ascontiguousarray(self._frames[i, y : y + h, x : x + w]))

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def rainy_clip(n: int, height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A clean picture (H, W, 3) and n frames of it with noise and rain."""
    rng = np.random.default_rng(seed)
    clean_picture = rng.integers(20, 150, (height, width, 1)) + rng.integers(0, 20, (height, width, 3))
    frames = clean_picture + rng.normal(0, 1, (n, height, width, 3))
    frames += (rng.random((n, height, width, 1)) < 0.25) * rng.integers(20, 90, (n, height, width, 1))
    return clean_picture.astype(np.uint8), np.clip(np.rint(frames), 0, 255).astype(np.uint8)


def tight(height: int, width: int, frames: int = 2) -> int:
    """The least memory with which a sweep of so many frames of this size is made."""
    return least_memory(height * width, 5, refined=frames) + 1


def outcome(result: CleanResult) -> list[tuple[Any, ...]]:
    """All that should not depend on memory and workers."""
    with result:
        return [
            (c.recipe, c.percentile, c.eta, c.silent_share, c.merged, c.scores, result.picture(c).tobytes())
            for c in result.candidates
        ]
