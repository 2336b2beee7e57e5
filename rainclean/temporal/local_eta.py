"""Compute the adaptive percentile: the one with most votes in each neighbourhood, smooth over the picture.

One percentile for the whole picture is right where rain is equally dense everywhere. Where it is denser in one part,
that part needs a lower one. So pixels vote cell by cell: for the ranks of their mode among the sorted samples, not for
whole percentiles, of which some hold no rank and are never voted for when N < 100. Cells are smoothed to overlapping
blocks, the rank with most votes is found in each, and η is linear between the cells' middles.

Two things keep a block with few votes near the whole picture's η*: votes of the whole picture worth SUPPORT_PIXELS
pixels are added to its own, and all votes count less the farther they lie from η* (DISTANCE_SD_PERCENT).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainclean import _kernels

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

MIN_CELL_PX = 16
"""Shortest side of a cell, px: a block is about two cells wide."""

CELLS_ACROSS = 10
"""Cells along the shorter side of a picture that is not small."""

MAX_CELLS_ACROSS = 100
"""Most cells along the longer side, which bounds what the votes take."""

BLOCK_SD_CELLS = 0.5
"""Standard deviation of the weights with which cells make a block, in cells."""

SUPPORT_PIXELS = 200.0
"""Votes of the whole picture that each block has beside its own, in pixels."""

DISTANCE_SD_PERCENT = 20.0
"""Standard deviation of the weight of a vote by its distance from η*, in percent of N."""

RANK_SD_PERCENT = 1.0
"""Standard deviation of the smoothing of votes over ranks, in percent of N."""


@dataclass(frozen=True)
class LocalVotes:
    """Number of pixels of each cell that have their mode at each rank.

    Attributes:
        counts: (rows, columns, N) int32; a pixel counts at each rank that its mode has.
        cell: side of a cell in px; the last row and column may be shorter.
        height: of the picture in px.
        width: of the picture in px.
    """

    counts: NDArray[np.int32]
    cell: int
    height: int
    width: int

    @property
    def frames(self) -> int:
        """N."""
        return self.counts.shape[2]


def cell_size(height: int, width: int) -> int:
    """Return the side of a cell in px, for a picture of that size."""
    short, long = sorted((height, width))
    return max(MIN_CELL_PX, short // CELLS_ACROSS, -(-long // MAX_CELLS_ACROSS))


def cell_grid(height: int, width: int) -> tuple[int, int]:
    """Return the rows and columns of cells of a picture of that size."""
    cell = cell_size(height, width)
    return -(-height // cell), -(-width // cell)


def count_local_votes(first: NDArray[np.integer], last: NDArray[np.integer], frames: int) -> LocalVotes:
    """Count the votes of a whole picture by neighbourhood.

    Args:
        first: (H, W) first place of each pixel's mode among its sorted luma values.
        last: (H, W) the last place.
        frames: N.
    """
    (height, width), grid = first.shape, cell_grid(*first.shape)
    change = np.zeros((*grid, frames + 1), np.int32)
    begin, end = (np.ascontiguousarray(places, np.int32).reshape(-1) for places in (first, last))
    _kernels.count_in_cells(begin, end, 0, width, cell_size(height, width), change)
    counts = np.cumsum(change[..., :-1], axis=-1, dtype=np.int32)
    return LocalVotes(counts, cell_size(height, width), height, width)


def block_etas(votes: LocalVotes, eta: float) -> F64:
    """Compute η of the block around each cell: (rows, columns) float64, 0…100. ``eta``: η* of the whole picture."""
    rows, columns, n = votes.counts.shape
    counts = votes.counts.astype(np.float64)
    areas = np.outer(_lengths(rows, votes.cell, votes.height), _lengths(columns, votes.cell, votes.width))
    down, across = _bell(rows, BLOCK_SD_CELLS), _bell(columns, BLOCK_SD_CELLS)
    blocks = np.einsum("ab,bcn->acn", down, np.einsum("cd,bdn->bcn", across, counts))
    pixels = down @ areas @ across
    whole = counts.sum(axis=(0, 1)) / areas.sum()
    # A little everywhere, so that η* is found where there are no votes at all.
    chances = (blocks + SUPPORT_PIXELS * whole + 1e-6) / (pixels + SUPPORT_PIXELS)[..., None]
    ranks = np.arange(n)
    percent = (n - 1) / 100
    close = _bell(n, RANK_SD_PERCENT * percent)
    # Where smoothing reaches beyond the lowest or highest rank, what lies inside counts for all of it.
    chances = chances @ (close / close.sum(axis=0))
    chances *= np.exp(-0.5 * ((ranks - eta * percent) / (DISTANCE_SD_PERCENT * percent)) ** 2)
    return np.clip(_peaks(chances) / percent, 0.0, 100.0)


def eta_map(votes: LocalVotes, eta: float) -> F32:
    """Compute the adaptive percentile of each pixel, for `SortedStack.percentiles`.

    Args:
        votes: of one window.
        eta: η* of the whole picture, `Votes.eta` of the same window.

    Returns:
        (H, W) float32, 0…100 in tenths.
    """
    grid = block_etas(votes, eta)
    down = _between(len(grid), votes.cell, votes.height)
    across = _between(grid.shape[1], votes.cell, votes.width)
    return tenths((down @ grid).astype(np.float32) @ across.T.astype(np.float32))


def tenths(etas: F32) -> F32:
    """Clip percentiles (H, W) float32 to 0…100 and round them to tenths: a new array."""
    out = np.clip(etas, 0, 100)
    out *= 10
    np.rint(out, out=out)
    out /= 10
    return out


def _peaks(chances: F64) -> F64:
    """Find the peak over ranks of (…, N), the lowest of equals, between ranks by a parabola."""
    n = chances.shape[-1]
    peak = chances.argmax(axis=-1)
    inner = np.clip(peak, 1, max(1, n - 2))
    left, top, right = (
        np.take_along_axis(chances, np.clip(inner + step, 0, n - 1)[..., None], axis=-1)[..., 0] for step in (-1, 0, 1)
    )
    bend = left - 2 * top + right
    aside = np.divide(left - right, 2 * bend, out=np.zeros_like(bend), where=bend < 0)
    return np.where(peak == inner, peak + np.clip(aside, -0.5, 0.5), peak)


def _bell(size: int, deviation: float) -> F64:
    """Return Gaussian weights between all places of a line: (size, size) float64, 1 on the diagonal."""
    places = np.arange(size)
    return np.exp(-0.5 * ((places[:, None] - places) / deviation) ** 2)


def _lengths(cells: int, cell: int, length: int) -> F64:
    """Count the pixels of each cell along a side of that length."""
    return np.diff(np.minimum(np.arange(cells + 1) * cell, length)).astype(np.float64)


def _between(cells: int, cell: int, length: int) -> F64:
    """Return weights (length, cells) from the cells' middles to each pixel: linear, beyond the last middle its own."""
    edges = np.minimum(np.arange(cells + 1) * cell, length)
    middles = (edges[:-1] + edges[1:] - 1) / 2
    places = np.arange(length)
    return np.stack([np.interp(places, middles, one) for one in np.eye(cells)], axis=1)
