"""Find the clean value of a pixel in its time series: the temporal prior.

Rain is sparse in time and only brightens, so a pixel's most frequent value is its clean one. Definitions of
Wang et al., CVPR 2019 (arXiv 1904.01538), section 3.1, on exact integers:

- luma: BT.601 of the RGB frame, truncated to uint8;
- mode φ of a pixel: its most frequent luma over N frames, the lowest of equals;
- percentile range: with the N values sorted and φ at 0-based indices i0…i1, the interval
  [100·i0/N, 100·i1/N];
- votes: how many pixels' ranges hold each integer 0…100; η* is the one with most votes, the lowest of equals;
- clean image: the η*-th percentile over time of each channel on its own, linear between ranks, truncated.

Functions here take whole stacks in memory; `sorted_stack` does the same out of core, on the same kernels.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean import _kernels
from rainclean.temporal.sorting_networks import sort_network

U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]

SILENT_LIMIT = 0.05
"""Fraction of pixels without a vote above which η* should not be trusted without looking."""


@dataclass(frozen=True)
class Votes:
    """Votes of the pixels of a picture.

    Attributes:
        counts: (101,) int64, votes for each whole percentile.
        silent: pixels whose range holds no integer (their mode occurs once, or N > 100).
        pixels: how many there are.
        frames: N.
    """

    counts: NDArray[np.int64]
    silent: int
    pixels: int
    frames: int

    @classmethod
    def none(cls, frames: int) -> "Votes":
        """Return no votes, of a stack of N frames, to add others to."""
        return cls(np.zeros(101, np.int64), 0, 0, frames)

    def __add__(self, other: "Votes") -> "Votes":
        return Votes(self.counts + other.counts, self.silent + other.silent, self.pixels + other.pixels, self.frames)

    @property
    def eta(self) -> int:
        """η*: the percentile with most votes, the lowest of equals."""
        return int(np.argmax(self.counts))

    @property
    def silent_share(self) -> float:
        """Fraction of pixels without a vote, 0…1."""
        return self.silent / self.pixels if self.pixels else 0.0


def luma(rgb: U8) -> U8:
    """Convert pictures to luma: (…, 3) uint8 RGB → (…) uint8, BT.601 full range, truncated.

    Example:
        >>> luma(np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8))
        array([[ 76, 149]], dtype=uint8)
    """
    if rgb.dtype != np.uint8:
        raise ValueError(f"pictures of {rgb.dtype}, not uint8")
    flat = np.ascontiguousarray(rgb).reshape(-1)
    out = np.empty(flat.size // 3, np.uint8)
    _kernels.luma(flat, out)
    return out.reshape(rgb.shape[:-1])


def sort_stack(frames: U8, workers: int = 2) -> U8:
    """Sort (N, …) uint8 frames over time, N ≥ 2: every sample on its own. Returns a new array."""
    columns, n = _columns(frames), len(frames)
    out = np.empty_like(columns)
    pairs = sort_network(n)
    width = max(64, (1 << 20) // n // 64 * 64)

    def one(start: int) -> None:
        tile = columns[:, start : start + width].copy()
        _kernels.apply_network(tile, pairs)
        out[:, start : start + width] = tile

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, range(0, columns.shape[1], width)))
    return out.reshape(frames.shape)


class ModeRange(NamedTuple):
    """Mode of each pixel and its place in the sorted values.

    Attributes:
        mode: (…) uint8.
        first: (…) int32, 0-based index of its first occurrence.
        last: (…) int32, of its last occurrence.
    """

    mode: U8
    first: I32
    last: I32


def mode_range(sorted_luma: U8) -> ModeRange:
    """Find the mode of each pixel and where it is in the sorted values; sorted_luma: (N, …) uint8, sorted over time."""
    columns = _columns(sorted_luma)
    mode = np.empty(columns.shape[1], np.uint8)
    first, last = np.empty(columns.shape[1], np.int32), np.empty(columns.shape[1], np.int32)
    _kernels.mode_range(columns, mode, first, last)
    shape = sorted_luma.shape[1:]
    return ModeRange(mode.reshape(shape), first.reshape(shape), last.reshape(shape))


def percentile_range(first: I32, last: I32, frames: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the percentile range of the mode (arXiv 1904.01538, section 3.1).

    Args:
        first: (…) int32, index of the first occurrence of the mode.
        last: (…) int32, of the last one.
        frames: N.

    Returns:
        100·first/N and 100·last/N, float64 of the same shape.
    """
    return 100.0 * first / frames, 100.0 * last / frames


def count_votes(first: I32, last: I32, frames: int) -> Votes:
    """Count the votes of pixels for whole percentiles.

    Args:
        first: (…) int32, sorted index of the first occurrence of the mode.
        last: (…) int32, of the last one.
        frames: N.
    """
    counts = np.zeros(101, np.int64)
    silent = _kernels.count_votes(first.reshape(-1), last.reshape(-1), frames, counts)
    return Votes(counts, int(silent), first.size, frames)


def percentile(sorted_frames: U8, eta: float) -> U8:
    """Take the ``eta``-th percentile (0…100, in tenths) over time of a sorted stack (N, …) uint8 → (…) uint8.

    With (k, r) = divmod(η·(N−1), 100): ((100−r)·s[k] + r·s[k+1]) // 100, exactly.
    """
    columns = _columns(sorted_frames)
    out = np.empty(columns.shape[1], np.uint8)
    _kernels.percentile(columns, *split_percentile(eta, len(columns)), out)
    return out.reshape(sorted_frames.shape[1:])


def split_percentile(eta: float, frames: int) -> tuple[int, int]:
    """Split a percentile into the sorted row below it and thousandths of the way to the next row.

    Args:
        eta: 0…100, taken in tenths.
        frames: N.

    Raises:
        ValueError: ``eta`` is outside 0…100.

    Example:
        >>> split_percentile(50, 4)
        (1, 500)
    """
    if not 0 <= eta <= 100:
        raise ValueError(f"percentile {eta} is not between 0 and 100")
    return divmod(round(10 * eta) * (frames - 1), 1000)


def percentile_each(sorted_frames: U8, etas: NDArray[np.float32]) -> U8:
    """Take percentiles as `percentile` does, one for each pixel.

    Args:
        sorted_frames: (N, H, W, …) uint8.
        etas: (H, W) float32, 0…100 in tenths.

    Returns:
        (H, W, …) uint8.
    """
    columns = _columns(sorted_frames)
    of_each = each_tenths(etas, sorted_frames.shape[1:3])
    out = np.empty(columns.shape[1], np.uint8)
    _kernels.percentile_per_pixel(columns, np.repeat(of_each, out.size // of_each.size), out)
    return out.reshape(sorted_frames.shape[1:])


def each_tenths(etas: float | NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.int16]:
    """Convert percentiles to whole tenths for each pixel: (H·W,) int16, 0…1000.

    Args:
        etas: 0…100, one for all or (H, W).
        shape: (H, W) of the picture.

    Raises:
        ValueError: a percentile is outside 0…100, or the map has another shape.
    """
    given = np.asarray(etas)
    if given.ndim and given.shape != shape:
        raise ValueError(f"percentiles of shape {given.shape} for pictures of {shape}")
    if not (given.min(initial=100) >= 0 and given.max(initial=0) <= 100):  # what is no number is neither
        raise ValueError("percentiles that are not between 0 and 100")
    whole = np.rint(10 * given).astype(np.int16)
    return np.ascontiguousarray(np.broadcast_to(whole, shape)).reshape(-1)


def shortest_interval_midpoint(sorted_luma: U8) -> NDArray[np.float32]:
    """Find the shortest-interval midpoint of each pixel, in grey levels: (N, …) uint8 sorted over time → (…) float32.

    It is the middle of the narrowest interval that holds a quarter of the N values. It is a robust estimate of the
    clean luma as long as rain is more scattered than the noise of the sensor, and does not depend on the votes.
    Candidates are scored against it (see `quality`).
    """
    columns = _columns(sorted_luma)
    out = np.empty(columns.shape[1], np.float32)
    _kernels.shortest_interval_midpoint(columns, interval_size(len(columns)), out)
    return out.reshape(sorted_luma.shape[1:])


def interval_size(frames: int) -> int:
    """Return how many of N values the shortest interval holds: a quarter, at least 2."""
    return max(2, -(-frames // 4))


def released(frames: U8) -> tuple[U8, Votes]:
    """Apply the published rule (arXiv 1904.01538) to (N, H, W, 3) uint8 RGB frames.

    Returns:
        The clean image, (H, W, 3) uint8, and the votes for η*.
    """
    _, first, last = mode_range(sort_stack(luma(frames)))
    votes = count_votes(first, last, len(frames))
    return percentile(sort_stack(frames), votes.eta), votes


def _columns(frames: U8) -> U8:
    if len(frames) < 2:
        raise ValueError(f"{len(frames)} frame(s): at least 2 are needed")
    if frames.dtype != np.uint8:
        raise ValueError(f"frames of {frames.dtype}, not uint8")
    return np.ascontiguousarray(frames).reshape(len(frames), -1)
