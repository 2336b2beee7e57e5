"""Compute residuals of a clip against its clean image on a coarse grid, kept in a byte each.

They are all that `detection` keeps of the frames.

A cell is a square of ``step`` px. Luma residuals are kept for each cell, chroma residuals for each 2×2 cells.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean._kernels import apply_network, square_means
from rainclean._numba import compiled
from rainclean.limits import MAX_GRID_CELLS, MAX_GRID_SAMPLES
from rainclean.moving import _kernels
from rainclean.temporal import sort_network

U8 = NDArray[np.uint8]
I8 = NDArray[np.int8]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

UNIT = 2.0
"""A byte counts in so many parts of a grey level: larger differences than ±63 say nothing more."""

RAIN_LEVEL = 232.0
"""Grey level of drops, by which opacity is measured; a rough figure is enough."""

_TO_LUMA_CHROMA = np.array(((0.299, 0.587, 0.114), (-0.299, -0.587, 0.886), (0.701, -0.587, -0.114)), np.float32)
"""RGB to luma, B − luma, R − luma."""


@dataclass(frozen=True)
class Grid:
    """Cells over a picture of ``height`` × ``width`` px; the last ones cover what is left over at the border."""

    height: int
    width: int
    step: int

    @classmethod
    def over(cls, shape: tuple[int, int], frames: int) -> "Grid":
        """Return the finest grid that a clip of ``frames`` frames of ``shape`` (h, w) px may have."""
        height, width = shape
        most = max(1, min(MAX_GRID_CELLS, MAX_GRID_SAMPLES // max(1, frames)))
        step = max(1, math.ceil(math.sqrt(height * width / most)))
        return cls(height, width, max(1, min(step, height // 2, width // 2)))

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height // self.step, self.width // self.step

    def reduce(self, picture: U8 | F32) -> F32:
        """Return the mean over each cell, (gh, gw) or (gh, gw, 3) float32, of a picture (h, w) or (h, w, 3)."""
        rows, columns = self.cells
        cut = picture[: rows * self.step, : columns * self.step]
        if self.step == 1:
            return cut.astype(np.float32)
        small = cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA)
        return np.asarray(small).astype(np.float32, copy=False)

    def enlarge(self, mask: Mask) -> Mask:
        """Enlarge a mask of the cells (gh, gw) to the px: (h, w) bool."""
        if self.step == 1:
            return mask.copy()
        rows = np.minimum(np.arange(self.height) // self.step, mask.shape[0] - 1)
        columns = np.minimum(np.arange(self.width) // self.step, mask.shape[1] - 1)
        return np.asarray(mask[rows][:, columns])


@dataclass(frozen=True)
class Background:
    """Clean image on the grid.

    Attributes:
        luma: (gh, gw) float32.
        chroma: (gh, gw, 2) float32, B − luma and R − luma.
        sigma: (gh, gw) float32, standard deviation of the noise of a cell's mean.
        contrast: (gh, gw) float32, grey levels up to those of rain.
    """

    luma: F32
    chroma: F32
    sigma: F32
    contrast: F32

    @classmethod
    def from_clean(cls, grid: Grid, clean: F32, sigma: F32) -> "Background":
        """Reduce the clean image (h, w, 3) and the noise of its luma (h, w), both float32."""
        planes = cv2.transform(grid.reduce(clean), _TO_LUMA_CHROMA).astype(np.float32, copy=False)
        luma, chroma = np.ascontiguousarray(planes[..., 0]), np.ascontiguousarray(planes[..., 1:])
        noise = grid.reduce(sigma) / np.float32(grid.step)
        return cls(luma, chroma, noise, np.maximum(RAIN_LEVEL - luma, 8).astype(np.float32))


def luma_of(grid: Grid, clean: F32) -> F32:
    """Return the luma of a clean image (h, w, 3) float32 on the grid, (gh, gw) float32."""
    return np.asarray(cv2.transform(grid.reduce(clean), _TO_LUMA_CHROMA[:1]), np.float32)


@dataclass(frozen=True)
class Residuals:
    """Residuals of the frames that were added, and the background they were last compared with.

    Attributes:
        luma: (N, gh, gw) int8, in `UNIT`\\ ths of a grey level.
        chroma: (2, N, ch, cw) int8 (2×2 cells each), in the same unit.
        background: the clean image on the grid.
    """

    luma: I8
    chroma: I8
    background: Background

    def __len__(self) -> int:
        return len(self.luma)

    def grey(self, index: int) -> F32:
        """Return the luma residual of a frame, (gh, gw) float32 grey levels."""
        return self.luma[index].astype(np.float32) / np.float32(UNIT)


def chroma_cells(cells: tuple[int, int]) -> tuple[int, int]:
    """Return the rows and columns of the grid of chroma."""
    return max(1, cells[0] // 2), max(1, cells[1] // 2)


def residual(grid: Grid, rgb: U8, background: Background) -> tuple[I8, I8]:
    """Compute the luma and chroma residual of a frame (h, w, 3) uint8: (gh, gw) and (2, ch, cw) int8.

    A drop is grey and hides part of what is behind it. The chroma that it removes follows from how much it brightens
    and is added back, so that rain leaves hardly anything in chroma.
    """
    luma = np.empty(grid.cells, np.int8)
    colour = np.empty((2, *grid.cells), np.float32)
    means = np.empty((*grid.cells, 3), np.float32)
    square_means(np.ascontiguousarray(rgb).reshape(grid.height, -1), grid.step, means)
    _residual(means, background.luma, background.chroma, background.contrast, luma, colour)
    rows, columns = chroma_cells(grid.cells)
    chroma = np.empty((2, rows, columns), np.int8)
    for plane, out in zip(colour, chroma, strict=True):
        small = cv2.resize(plane[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA)
        np.clip(np.rint(small * np.float32(UNIT)), -127, 127, out=out, casting="unsafe")
    return luma, chroma


@compiled
def _residual(means: F32, level: F32, hue: F32, contrast: F32, luma: I8, chroma: F32) -> None:
    """Subtract the background from means of cells (r, c, 3).

    luma: (r, c) int8 in `UNIT`\\ ths, chroma: (2, r, c) float32, rain undone.
    """
    none, all_, most = np.float32(0), np.float32(1), np.float32(127)
    whole = np.float32(3 << 22)  # added and subtracted, it rounds to even as rint does, several at once
    columns = luma.shape[1]
    parts = np.empty((5, columns), np.float32)
    red, green, blue, grey, off = parts[0], parts[1], parts[2], parts[3], parts[4]
    # Each loop does one thing, so that the compiler makes vector instructions of it: less than half of the time.
    for r in range(luma.shape[0]):
        line, due, to_rain, tint = means[r].reshape(-1), level[r], contrast[r], hue[r]
        bright, first, second = luma[r], chroma[0, r], chroma[1, r]
        for c in range(columns):
            red[c] = line[3 * c]
            green[c] = line[3 * c + 1]
            blue[c] = line[3 * c + 2]
        for c in range(columns):
            grey[c] = np.float32(0.299) * red[c] + np.float32(0.587) * green[c] + np.float32(0.114) * blue[c]
        for c in range(columns):
            off[c] = grey[c] - due[c]
        for c in range(columns):
            level_now = min(max(off[c] * np.float32(UNIT), -most), most)
            bright[c] = np.int8(np.int32((level_now + whole) - whole))
        for c in range(columns):
            off[c] = all_ - min(max(off[c] / to_rain[c], none), all_)  # how much of the scene is seen
        for c in range(columns):
            first[c] = blue[c] - grey[c] - tint[c, 0] * off[c]
        for c in range(columns):
            second[c] = red[c] - grey[c] - tint[c, 1] * off[c]


def percentiles_over_time(samples: I8, q: tuple[float, ...]) -> F32:
    """Take percentiles of (N, r, c) int8 over the frames, (len(q), r, c) float32 in the samples' unit; nearest ranks.

    Of more than 160 frames, every second or third: thresholds need no more.
    """
    some = samples[:: -(-len(samples) // 160)].view(np.uint8)
    ranks = [round(x / 100 * (len(some) - 1)) for x in q]
    network = sort_network(len(some))
    out = np.empty((len(q), *samples.shape[1:]), np.float32)
    for row in range(0, samples.shape[1], 8):  # few rows at a time, which stay in the cache
        tile = some[:, row : row + 8].reshape(len(some), -1) ^ np.uint8(128)  # in the order of signed ones
        apply_network(tile, network)
        part = out[:, row : row + 8]
        part[:] = tile[ranks].reshape(part.shape)
    return out - np.float32(128)


def falls_upright(residuals: Residuals) -> bool:
    """Return whether bright residuals are longer downwards than sideways: a clip may be turned by 90°."""
    across = down = 0.0
    for frame in residuals.luma[:: -(-len(residuals) // 12)]:
        bright = np.clip(frame, 0, 60).astype(np.float32)
        across += float(np.abs(np.diff(bright, axis=1)).mean())
        down += float(np.abs(np.diff(bright, axis=0)).mean())
    return across >= 0.8 * down


def ellipse(diameter: int) -> U8:
    """Return a filled ellipse to dilate or close masks with, (diameter, diameter) uint8; diameter: cells."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter)), np.uint8)


def closed(mask: U8, diameter: int) -> U8:
    """Close gaps of a mask (gh, gw) uint8 that are narrower than ``diameter`` cells."""
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, ellipse(diameter)), np.uint8)


def filled(mask: U8) -> U8:
    """Fill the holes of a mask (gh, gw) uint8; what it encloses against the picture's edge stays open."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(mask.copy(), outlines, -1, 1, cv2.FILLED), np.uint8)


def most_of(mask: U8, side: int) -> U8:
    """Take the median of a mask (gh, gw) of 0 and 1 over squares of ``side`` cells, several times as fast as OpenCV."""
    count = cv2.boxFilter(mask, cv2.CV_8U, (side, side), normalize=False, borderType=cv2.BORDER_REPLICATE)
    return (count > side * side // 2).view(np.uint8)


def large(mask: U8, least: int) -> U8:
    """Keep the parts of a mask (gh, gw) uint8 that have at least ``least`` cells."""
    if np.count_nonzero(mask) < least:
        return np.zeros_like(mask)
    parts = np.empty_like(mask)
    _kernels.keep_large(mask, least, parts)
    return parts


def holding(mask: U8, seeds: Mask) -> Mask:
    """Keep the parts of a mask (gh, gw) uint8 that contain a seed, (gh, gw) bool; seeds lie in the mask."""
    _, parts = cv2.connectedComponents(mask, connectivity=8)
    hold = np.bincount(parts[seeds], minlength=int(parts.max()) + 1) > 0
    hold[0] = False
    return np.asarray(hold[parts])


def whole(mask: Mask, gaps: int, rim: int = 1) -> Mask:
    """Complete what was found in parts: close gaps, fill holes, and widen it.

    Args:
        mask: (gh, gw) bool.
        gaps: cells of the widest gap that is closed.
        rim: cells by which the result is widened.

    Returns:
        (gh, gw) bool.
    """
    if not mask.any():
        return mask
    return np.asarray(cv2.dilate(filled(closed(mask.astype(np.uint8), gaps)), ellipse(2 * rim + 1))).astype(np.bool_)
