"""Local η: the percentile with most votes in each neighbourhood, smooth over the picture.

One percentile for the whole picture is right where rain is as dense everywhere; where it is denser in one part, that
part wants a lower one. So pixels vote cell by cell: for the ranks at which their mode stands among the sorted
samples, not for whole percentiles, of which some hold no rank and are never voted for when N < 100. Cells are
smoothed to overlapping blocks, the rank with most votes is found in each, and η runs linearly between the cells'
middles.

Two things keep a block with little to say near the whole picture's η*: votes of the whole picture worth SUPPORT
pixels are added to its own, and all votes count less the farther they lie from η* (REACH).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SMALLEST_CELL = 16
"""Shortest side of a cell, px: a block is about two cells wide."""

CELLS_ACROSS = 10
"""Cells along the shorter side of a picture that is not small."""

MOST_CELLS = 100
"""Most cells along the longer side, which bounds what the votes take."""

BLOCK = 0.5
"""Standard deviation of the weights with which cells make a block, in cells."""

SUPPORT = 200.0
"""Votes of the whole picture that each block has beside its own, in pixels."""

REACH = 20.0
"""Standard deviation of the weight of a vote by its distance from η*, in percent of N."""

CLOSE = 1.0
"""Standard deviation of the smoothing of votes over ranks, in percent of N."""


@dataclass(frozen=True)
class LocalVotes:
    """How many pixels of each cell have their mode at each rank.

    counts: (rows, columns, N) int32; a pixel counts at each rank that its mode stands at. cell: side of a cell in
    px; the last row and column may be shorter. height, width: of the picture in px.
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
    """Side of a cell in px, for a picture of that size."""
    short, long = sorted((height, width))
    return max(SMALLEST_CELL, short // CELLS_ACROSS, -(-long // MOST_CELLS))


def cell_grid(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of cells of a picture of that size."""
    cell = cell_size(height, width)
    return -(-height // cell), -(-width // cell)


def block_etas(votes: LocalVotes, eta: float) -> F64:
    """η of the block around each cell: (rows, columns) float64, 0…100. ``eta``: η* of the whole picture."""
    rows, columns, n = votes.counts.shape
    counts = votes.counts.astype(np.float64)
    areas = np.outer(_lengths(rows, votes.cell, votes.height), _lengths(columns, votes.cell, votes.width))
    down, across = _bell(rows, BLOCK), _bell(columns, BLOCK)
    blocks = np.einsum("ab,bcn->acn", down, np.einsum("cd,bdn->bcn", across, counts))
    pixels = down @ areas @ across
    whole = counts.sum(axis=(0, 1)) / areas.sum()
    # A little everywhere, so that η* is found where there are no votes at all.
    chances = (blocks + SUPPORT * whole + 1e-6) / (pixels + SUPPORT)[..., None]
    ranks = np.arange(n)
    percent = (n - 1) / 100
    close = _bell(n, CLOSE * percent)
    # Where smoothing reaches beyond the lowest or highest rank, what lies inside counts for all of it.
    chances = chances @ (close / close.sum(axis=0))
    chances *= np.exp(-0.5 * ((ranks - eta * percent) / (REACH * percent)) ** 2)
    return np.clip(_peaks(chances) / percent, 0.0, 100.0)


def eta_map(votes: LocalVotes, eta: float) -> F32:
    """Local η of each pixel: (H, W) float32, 0…100 in tenths, for `SortedStack.percentiles`.

    ``eta``: η* of the whole picture, `Votes.eta` of the same window.
    """
    grid = block_etas(votes, eta)
    down = _between(len(grid), votes.cell, votes.height)
    across = _between(grid.shape[1], votes.cell, votes.width)
    return tenths((down @ grid).astype(np.float32) @ across.T.astype(np.float32))


def tenths(etas: F32) -> F32:
    """Percentiles (H, W) float32 kept within 0…100 and rounded to tenths: a new array."""
    out = np.clip(etas, 0, 100)
    out *= 10
    np.rint(out, out=out)
    out /= 10
    return out


def _peaks(chances: F64) -> F64:
    """Rank of the highest of (…, N), the lowest of equals, and how far between ranks a parabola has its peak."""
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
    """Gaussian weights between all places of a line: (size, size) float64, 1 on the diagonal."""
    places = np.arange(size)
    return np.exp(-0.5 * ((places[:, None] - places) / deviation) ** 2)


def _lengths(cells: int, cell: int, length: int) -> F64:
    """Pixels of each cell along a side of that length."""
    return np.diff(np.minimum(np.arange(cells + 1) * cell, length)).astype(np.float64)


def _between(cells: int, cell: int, length: int) -> F64:
    """Weights (length, cells) from the cells' middles to each pixel: linear, beyond the last middle its own."""
    edges = np.minimum(np.arange(cells + 1) * cell, length)
    middles = (edges[:-1] + edges[1:] - 1) / 2
    places = np.arange(length)
    return np.stack([np.interp(places, middles, one) for one in np.eye(cells)], axis=1)
