"""Check that targets of a data set can show the same scene as their rainy pictures: coarsely, over whole sequences.

Rain only brightens and lowers contrast. So in coarse cells, averaged over the rainy pictures, a rainy level is the
clean one times a factor of at most 1, plus some light; both change slowly over the picture. Heavy rain differs from
light rain only in degree. A target with other content leaves residuals that exceed those that the variation of the rain
explains.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rainclean.dataset.manifest import ManifestRow
from rainclean.dataset.verification import Take
from rainclean.temporal import luma

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

CELL, CELLS, MOST_CELLS = 16, 32, 128
"""Smallest size of a cell in px; largest number of cells across the shorter and the longer side."""

MIN_CELLS = 40
"""Smallest number of cells for a result."""

FAR = 6.0
"""Threshold for residuals that rain does not explain, grey levels."""

BEYOND = 1.6
"""Threshold for residuals over those that rain explains; sound crops of small cells reach 1.35 in a cloudburst."""

FAR_ALONE = 20.0
"""Threshold for residuals in grey levels where there is only one rainy picture, so that rain explains nothing."""

STEEP = 1.3
"""Threshold for the contrast of the rainy pictures over that of the target; rain only lowers it."""

_ROBUST = 1.4826
"""Median of absolute residuals → standard deviation."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The fit of the rainy pictures of a sequence to its target, grey levels.

    left: residuals. explained: those that the variation of the rain explains; None where not measurable. slope,
    slope_error: contrast of the rainy pictures over that of the target, and its standard error. rainy, clean: means.
    cells: number of compared cells.
    """

    left: float
    explained: float | None
    slope: float
    slope_error: float
    rainy: float
    clean: float
    cells: int

    @property
    def description(self) -> str:
        """Describe the misfit for a person."""
        if self._is_steep:
            return f"{self.slope:.1f} times less contrast"
        rain = "" if self.explained is None else f", of which rain explains {self.explained:.0f}"
        return f"{self.left:.0f} levels of other structure{rain}"

    @property
    def _is_steep(self) -> bool:
        return self.slope - 3 * self.slope_error > STEEP

    @property
    def is_far(self) -> bool:
        """Return whether the target cannot show the scene of the rainy pictures."""
        if self._is_steep:
            return True
        if self.explained is None:
            return self.left > FAR_ALONE
        return self.left > BEYOND * self.explained and self.left**2 - self.explained**2 > FAR**2


@dataclass
class _Canvas:
    """Sums over the pairs of a sequence by cell, in the upright frame."""

    cell: int
    shape: tuple[int, int]
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.weight, self.rainy, self.clean, self.squares, self.pairs = (
            np.zeros(self.shape, np.float32) for _ in range(5)
        )


class Likeness:
    """Collects the pairs of a data set, from several threads, and fits them in the end (`fits`)."""

    def __init__(self, rows: Iterable[ManifestRow]) -> None:
        extents: dict[str, tuple[int, int]] = {}
        for row in rows:
            height, width = extents.get(row.sequence, (0, 0))
            extents[row.sequence] = max(height, row.y + row.height), max(width, row.x + row.width)
        self._canvases = {}
        for name, (height, width) in extents.items():
            cell = max(CELL, -(-min(height, width) // CELLS), -(-max(height, width) // MOST_CELLS))
            self._canvases[name] = _Canvas(cell, (-(-height // cell), -(-width // cell)))

    def pair(self, row: ManifestRow) -> Take:
        """Return a function that takes the pictures of a pair."""
        canvas = self._canvases[row.sequence]
        kept: U8 | None = None
        rainy: F64 | None = None

        def take(role: str, picture: U8) -> None:
            nonlocal kept, rainy
            if role == "exclude":
                kept = np.asarray(picture == 0, np.uint8)
            elif role == "rainy":
                rainy = _cells(luma(picture), kept, row, canvas.cell)
            elif role == "clean" and rainy is not None:
                clean = _cells(luma(picture), kept, row, canvas.cell)
                weight = _cells(np.ones(picture.shape[:2], np.uint8), kept, row, canvas.cell)
                _add(canvas, row, rainy, clean, weight)

        return take

    def fits(self) -> Iterator[tuple[str, Fit]]:
        """Yield name and fit of each sequence with enough cells."""
        for name, canvas in self._canvases.items():
            if (fit := _fit(canvas)) is not None:
                yield name, fit


def _cells(picture: U8, kept: U8 | None, row: ManifestRow, cell: int) -> F64:
    """Sum a picture over the cells of the upright frame."""
    levels = picture if kept is None else picture * kept
    edges = [_edges(first, size, cell) for first, size in ((row.y, row.height), (row.x, row.width))]
    lines = np.add.reduceat(levels, edges[0], axis=0, dtype=np.uint32)
    return np.add.reduceat(lines, edges[1], axis=1).astype(np.float64)


def _edges(first: int, size: int, cell: int) -> NDArray[np.intp]:
    """Return the first px of each cell in a crop that starts at px ``first``."""
    inner = np.arange(-(-(first + 1) // cell) * cell, first + size, cell) - first
    return np.unique(np.concatenate([[0], inner]))


def _add(canvas: _Canvas, row: ManifestRow, rainy: F64, clean: F64, weight: F64) -> None:
    top, left = row.y // canvas.cell, row.x // canvas.cell
    box = np.s_[top : top + rainy.shape[0], left : left + rainy.shape[1]]
    mean = rainy / np.maximum(weight, 1)
    with canvas.lock:
        canvas.weight[box] += weight
        canvas.rainy[box] += rainy
        canvas.clean[box] += clean
        canvas.squares[box] += weight * mean**2
        canvas.pairs[box] += weight > 0


def _fit(canvas: _Canvas) -> Fit | None:
    full = canvas.weight >= canvas.cell**2 / 2
    if np.count_nonzero(full) < MIN_CELLS:
        return None
    weight, pairs = canvas.weight[full].astype(np.float64), canvas.pairs[full]
    rainy, clean = canvas.rainy[full] / weight, canvas.clean[full] / weight
    y, x = (
        2 * place[full] / max(1, side - 1) - 1
        for place, side in zip(np.indices(canvas.shape), canvas.shape, strict=True)
    )
    slowly = np.stack([np.ones_like(x), x, y], axis=1)
    columns = np.concatenate([slowly, slowly * clean[:, None]], axis=1)
    root = np.sqrt(np.minimum(weight, np.median(weight)))
    solution, *_ = np.linalg.lstsq(columns * root[:, None], rainy * root, rcond=None)
    left = _ROBUST * float(np.median(np.abs(rainy - columns @ solution)))
    several = pairs > 1
    explained = None
    if np.count_nonzero(several) >= MIN_CELLS / 2:
        spread = np.maximum(canvas.squares[full] / weight - rainy**2, 0)[several] / (pairs[several] - 1)
        explained = float(np.sqrt(spread.mean()))
    error = left / max(1e-6, float(clean.std()) * math.sqrt(len(clean)))
    return Fit(
        left=left,
        explained=explained,
        slope=float(solution[3]),
        slope_error=error,
        rainy=float(rainy.mean()),
        clean=float(clean.mean()),
        cells=len(rainy),
    )
