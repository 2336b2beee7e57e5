"""Live stacks of small films, and what plain numpy says of the same frames."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from rainclean.live import LiveStack

HERE = Path(tempfile.gettempdir())


def clip(seed: int, n: int, height: int, width: int, palette: int = 256) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.choice(rng.choice(256, palette, replace=False), (n, height, width, 3)).astype(np.uint8)


def filled(film: np.ndarray, reference: int | None = None, sort: int | None = None, **options: Any) -> LiveStack:
    """A live stack of a film, with a window sorted."""
    n, height, width, _ = film.shape
    live = LiveStack(height, width, range(n), n // 2 if reference is None else reference, folder=HERE, **options)
    for index in live.selection.indices:
        live.add(film[index])
    list(live.sort(sort or live.frames))
    return live


def percentile_of(window: np.ndarray, tenths: int) -> np.ndarray:
    """Linear between ranks and truncated, in whole numbers."""
    ordered = np.sort(window, axis=0).astype(np.int64)
    rank, part = divmod(tenths * (len(window) - 1), 1000)
    above = ordered[min(rank + 1, len(window) - 1)]
    return (((1000 - part) * ordered[rank] + part * above) // 1000).astype(np.uint8)


def votes_of(window: np.ndarray) -> tuple[list[int], int]:
    """Votes and silent pixels of (N, …, 3) frames, pixel by pixel."""
    n = len(window)
    values = (window.reshape(n, -1, 3).astype(int) @ (299, 587, 114)) // 1000
    counts, silent = np.zeros(101, int), 0
    for column in values.T:
        mode = int(np.argmax(np.bincount(column)))
        low, high = int((column < mode).sum()), int((column <= mode).sum()) - 1
        inside = [e for e in range(101) if 100 * low <= e * n <= 100 * high]
        counts[inside] += 1
        silent += not inside
    return list(counts), silent


def around(n: int, frames: int, reference: int) -> slice:
    """The frames around the reference frame, moved inward where the film ends."""
    start = min(max(reference - frames // 2, 0), n - frames)
    return slice(start, start + frames)
