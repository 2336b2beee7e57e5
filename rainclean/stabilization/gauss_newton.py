"""Lays a rainy picture over a rain-free one by robust Gauss-Newton steps on grey levels.

The inverse compositional way (Baker and Matthews, "Lucas-Kanade 20 years on", IJCV 2004): gradients are those of
the rain-free target, so that rain spoils residuals but never the direction of a step, and they are computed once
for all frames. Every px that is off by more than noise explains (rain, passers-by) loses its weight (Tukey's
biweight), what varies slowly over the picture is light and is taken out beforehand, and a gain and an offset are
fitted beside the motion, as in the enhanced correlation coefficient (Evangelidis and Psarakis, TPAMI 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled
from rainclean.stabilization.motion_models import Points, motion_model

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

_STREAK = 5  # px: what is bright and narrower than this across is taken for rain where light is measured
_LIGHT = 25  # px across: what varies more slowly is light
_CELL = 24  # px: places are chosen in squares of this side, so that they stand all over the picture
_FLAT = 1.0  # grey levels per px: less gradient than this tells nothing
_BORDER = 4  # px at the border of a picture that are not asked for
_TUKEY = 4.0  # robust standard deviations at which a residual has lost all its weight
_AHEAD = 1.4  # times a step of reweighted least squares: by so much Tukey's weights make it too short
_LEAST_SCALE = 0.4  # grey levels: rounding alone is as much
_LEAST_PLACES = 60
_RANKED = 4_000  # residuals that tell their spread
_BINS, _RANGE = 32, 8192  # of a histogram of residuals: in one grey level, and all, half of them below zero
_DONE = 0.01  # px: what is left after smaller steps is nothing
_BLOCK, _LANES = 1024, 16  # places whose slopes stay in the first-level cache; sums beside each other


_NONE = np.empty(0)


@compiled
def sample(picture: F32, matrix: F64, x: F64, y: F64, by_x: F64, by_y: F64, out: F32, inside: Mask) -> int:
    """Bicubic samples (Catmull-Rom; Keys, TASSP 1981) of ``picture`` (H, W) where a matrix takes points.

    matrix: (3, 3). x, y: (K,) px; by_x, by_y: (K,) or (0,) px to add afterwards. Out: ``out`` (K,), ``inside`` (K,):
    whether all 16 neighbours are there; elsewhere ``out`` is 0. Returns how many are inside.
    """
    height, width = picture.shape
    flat, found, shifted = picture.reshape(-1), 0, by_x.size > 0
    for k in range(x.size):
        z = matrix[2, 0] * x[k] + matrix[2, 1] * y[k] + matrix[2, 2]
        px = (matrix[0, 0] * x[k] + matrix[0, 1] * y[k] + matrix[0, 2]) / z
        py = (matrix[1, 0] * x[k] + matrix[1, 1] * y[k] + matrix[1, 2]) / z
        if shifted:
            px += by_x[k]
            py += by_y[k]
        left, top = np.floor(px), np.floor(py)
        good = left >= 1 and top >= 1 and left <= width - 3 and top <= height - 3
        inside[k] = good
        out[k] = 0
        if good:
            found += 1
            u, v = np.float32(px - left), np.float32(py - top)
            a0 = np.float32(0.5) * u * (u * (np.float32(2) - u) - np.float32(1))
            a1 = np.float32(0.5) * (u * u * (np.float32(3) * u - np.float32(5)) + np.float32(2))
            a2 = np.float32(0.5) * u * (u * (np.float32(4) - np.float32(3) * u) + np.float32(1))
            a3 = np.float32(0.5) * u * u * (u - np.float32(1))
            b0 = np.float32(0.5) * v * (v * (np.float32(2) - v) - np.float32(1))
            b1 = np.float32(0.5) * (v * v * (np.float32(3) * v - np.float32(5)) + np.float32(2))
            b2 = np.float32(0.5) * v * (v * (np.float32(4) - np.float32(3) * v) + np.float32(1))
            b3 = np.float32(0.5) * v * v * (v - np.float32(1))
            # Without a sign, so that no index is asked whether it counts from the end.
            row, one = np.uint64(width), np.uint64(1)
            p = np.uint64(int(top) - 1) * row + np.uint64(int(left) - 1)
            q, r, s = p + row, p + row + row, p + row + row + row
            total = a0 * (flat[p] * b0 + flat[q] * b1 + flat[r] * b2 + flat[s] * b3)
            p, q, r, s = p + one, q + one, r + one, s + one
            total += a1 * (flat[p] * b0 + flat[q] * b1 + flat[r] * b2 + flat[s] * b3)
            p, q, r, s = p + one, q + one, r + one, s + one
            total += a2 * (flat[p] * b0 + flat[q] * b1 + flat[r] * b2 + flat[s] * b3)
            p, q, r, s = p + one, q + one, r + one, s + one
            out[k] = total + a3 * (flat[p] * b0 + flat[q] * b1 + flat[r] * b2 + flat[s] * b3)
    return found


@compiled
def residuals(
    out: F32, values: F32, inside: Mask, gain: float, offset: float, every: int, residual: F32, counts: U16
) -> tuple[float, float]:
    """What is left of ``out`` (K,) beside ``values`` in another light, to ``residual`` (K,).

    Returns the lower quartile and the median of those inside among one in ``every``, by a histogram: ``counts`` (B,).
    """
    g, o = np.float32(gain), np.float32(offset)
    for k in range(out.size):
        residual[k] = out[k] - g * values[k] - o
    counts[:] = 0
    bins, last, found = np.float32(_BINS), np.float32(counts.size - 1), 0
    middle = np.float32(counts.size // 2)
    for k in range(0, out.size, every):
        if inside[k]:
            counts[np.uint64(max(np.float32(0), min(last, residual[k] * bins + middle)))] += np.uint16(1)
            found += 1
    before, at, low = 0, 0, 0.0
    for quarter in (1, 2):
        rank = (found - 1) * quarter // 4
        while before + counts[at] <= rank:
            before += counts[at]
            at += 1
        level = (at - counts.size // 2 + (rank - before + 0.5) / max(1, counts[at])) / _BINS
        if quarter == 1:
            low = level
    return low, level


@compiled
def trust(residual: F32, inside: Mask, middle: float, reach: float, weight: F32) -> None:
    """Tukey's biweights (K,) of residuals, none at ``reach`` from the ``middle`` and outside."""
    m, share = np.float32(middle), np.float32(1 / reach)
    for k in range(residual.size):
        off = (residual[k] - m) * share
        kept = max(np.float32(0), np.float32(1) - off * off)
        weight[k] = kept * kept if inside[k] else np.float32(0)


@compiled
def weigh(
    out: F32, values: F32, inside: Mask, light: F64, steps: int, every: int, residual: F32, weight: F32, counts: U16
) -> float:
    """What is left of ``out`` (K,) beside ``values`` and how far it is trusted, after so many steps of the light.

    light: (2,) gain and offset to begin with, which it changes. Out: ``residual``, ``weight`` (K,). every, counts: as
    `residuals` takes them. Returns the robust standard deviation of the residuals, grey levels.
    """
    scale = 0.0
    for turn in range(steps + 1):
        low, middle = residuals(out, values, inside, light[0], light[1], every, residual, counts)
        scale = max(_LEAST_SCALE, (middle - low) / 0.6745)
        trust(residual, inside, middle, _TUKEY * scale, weight)
        if turn == steps:
            break
        a, b, c, p, q = 1e-9, 0.0, 1e-9, 0.0, 0.0
        for k in range(out.size):
            by_value = weight[k] * values[k]
            a += by_value * values[k]
            b += by_value
            c += weight[k]
            p += by_value * residual[k]
            q += weight[k] * residual[k]
        a, c = a * (1 + 1e-6), c * (1 + 1e-6)
        light[0] += (c * p - b * q) / (a * c - b * b)
        light[1] += (a * q - b * p) / (a * c - b * b)
    return scale


@compiled
def likeness(one: F32, other: F32, weight: F32) -> float:
    """Weighted correlation, 0 without weights."""
    total, a, b = 1e-30, 0.0, 0.0
    for k in range(one.size):
        total += weight[k]
        a += weight[k] * one[k]
        b += weight[k] * other[k]
    a, b = a / total, b / total
    both, left, right = 0.0, 0.0, 1e-9
    for k in range(one.size):
        p, q = one[k] - a, other[k] - b
        both += weight[k] * p * q
        left += weight[k] * p * p
        right += weight[k] * q * q
    return both / np.sqrt(left * right + 1e-9)


@compiled
def equations(slopes: F32, used: I64, weight: F32, residual: F32, normal: F64, right: F64) -> None:
    """Normal equations of weighted least squares, added to ``normal`` (P, P) and ``right`` (P,).

    slopes: (≥ P, K), a row a number; used: (P,) rows. weight, residual: (K,). A loop of ours: BLAS would start threads
    within our threads. Sums run in lanes beside each other, which the compiler makes vectors of.
    """
    free, many = used.size, weight.size
    pulls, lanes = np.empty(_BLOCK, np.float32), np.empty(_LANES, np.float32)
    for start in range(0, many, _BLOCK):
        size = min(_BLOCK, many - start)
        whole = size // _LANES * _LANES
        for i in range(free):
            one = slopes[used[i], start : start + size]
            for k in range(size):
                pulls[k] = weight[start + k] * one[k]
            for j in range(i, free + 1):
                other = slopes[used[j], start : start + size] if j < free else residual[start : start + size]
                lanes[:] = 0
                for k in range(0, whole, _LANES):
                    for lane in range(_LANES):
                        lanes[lane] += pulls[k + lane] * other[k + lane]
                total = 0.0
                for lane in range(_LANES):
                    total += lanes[lane]
                for k in range(whole, size):
                    total += pulls[k] * other[k]
                if j < free:
                    normal[i, j] += total
                else:
                    right[i] += total
    for i in range(free):
        for j in range(i):
            normal[i, j] = normal[j, i]


def details(picture: U8 | F32, blurs: Sequence[float]) -> list[F32]:
    """What a picture shows finer than light, smoothed in several ways: (H, W) uint8 or float32 to float32 each.

    picture: grey levels. blurs: standard deviations in px. Light is measured where streaks are opened away, or each
    would leave a dark hem.
    """
    import cv2

    light = cv2.morphologyEx(picture, cv2.MORPH_OPEN, np.ones((1, _STREAK), np.uint8))
    for _ in range(2):
        cv2.blur(light, (_LIGHT, _LIGHT), light)
    grey = picture.astype(np.float32, copy=False)
    smooth = [cv2.GaussianBlur(grey, (0, 0), blur) for blur in blurs]
    return [np.asarray(cv2.subtract(one, light, dst=one, dtype=cv2.CV_32F), np.float32) for one in smooth]


def detail(picture: U8 | F32, blur: float) -> F32:
    """The same, smoothed in one way."""
    return details(picture, [blur])[0]


def apply(matrix: F64, x: F64, y: F64) -> tuple[F64, F64]:
    """Points (K,) x, y under a (3, 3) matrix."""
    z = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
    return (
        (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / z,
        (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / z,
    )


def grid_of(size: tuple[int, int], across: int = 5) -> tuple[F64, F64]:
    """Points spread over a picture of ``size`` (height, width): x, y (across²,) px; distances are measured there."""
    height, width = size
    y, x = np.meshgrid(np.linspace(0, height - 1, across), np.linspace(0, width - 1, across), indexing="ij")
    return x.ravel(), y.ravel()


def apart(one: F64, other: F64, size: tuple[int, int]) -> float:
    """Root of the mean square distance, px, between where two matrices take the points of a picture."""
    x, y = grid_of(size)
    (ax, ay), (bx, by) = apply(one, x, y), apply(other, x, y)
    return float(np.sqrt(np.mean((ax - bx) ** 2 + (ay - by) ** 2)))


def nearest(model: str, matrix: F64, size: tuple[int, int]) -> F64:
    """The matrix of a model that takes the points of a picture nearest to where ``matrix`` takes them."""
    x, y = grid_of(size)
    u, v = apply(matrix, x, y)
    return motion_model(model).nearest(Points(x, y, u, v, matrix))


@dataclass(frozen=True)
class Target:
    """A rain-free picture made ready for others to be laid over it.

    picture: (H, W) float32 grey levels. known: (H, W) bool, where it shows something. blur: px.
    most: how many places are compared.
    """

    picture: F32
    known: Mask
    blur: float = 1.0
    most: int = 24_000

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) px."""
        return self.picture.shape[0], self.picture.shape[1]

    @cached_property
    def _detail(self) -> F32:
        return detail(self.picture, self.blur)

    @cached_property
    def _gradients(self) -> tuple[F32, F32]:
        # Five-point differences: of the smoothed picture they are as good as exact.
        d, gx, gy = self._detail, np.zeros_like(self._detail), np.zeros_like(self._detail)
        gx[:, 2:-2] = (8 * (d[:, 3:-1] - d[:, 1:-3]) - (d[:, 4:] - d[:, :-4])) / 12
        gy[2:-2] = (8 * (d[3:-1] - d[1:-3]) - (d[4:] - d[:-4])) / 12
        return gx, gy

    @cached_property
    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(K,) rows and columns of the px compared: those of strong gradient, in every part of the picture."""
        import cv2

        gx, gy = self._gradients
        strength = np.hypot(gx, gy)
        far = cv2.erode(self.known.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        far[:_BORDER] = far[-_BORDER:] = False
        far[:, :_BORDER] = far[:, -_BORDER:] = False
        height, width = self.size
        share = min(1.0, 2 * self.most / (height * width))
        strength[~far] = 0
        chosen = np.zeros(self.size, bool)
        for top in range(0, height, _CELL):
            for left in range(0, width, _CELL):
                cell = strength[top : top + _CELL, left : left + _CELL]
                least = max(
                    _FLAT,
                    float(
                        np.partition(cell.ravel(), int((1 - share) * (cell.size - 1)))[
                            int((1 - share) * (cell.size - 1))
                        ]
                    ),
                )
                chosen[top : top + _CELL, left : left + _CELL] = cell >= least
        rows, columns = np.nonzero(chosen)
        if len(rows) > self.most:
            best = np.sort(np.argpartition(-strength[rows, columns], self.most)[: self.most])
            rows, columns = rows[best], columns[best]
        return rows, columns

    @cached_property
    def values(self) -> F32:
        """(K,) what the target shows at its places."""
        return self._detail[self.places]

    @cached_property
    def to_unit(self) -> F64:
        """(3, 3): px to coordinates of about −1…1, in which a motion's numbers are of one size."""
        height, width = self.size
        half = 0.5 * max(height, width)
        return np.array([[1 / half, 0, -(width - 1) / 2 / half], [0, 1 / half, -(height - 1) / 2 / half], [0, 0, 1]])

    @cached_property
    def slopes(self) -> F32:
        """(K, 10) float32: change of the value at each place by each number of a motion, by gain and by offset."""
        gx, gy = (g[self.places].astype(np.float64) for g in self._gradients)
        rows, columns = self.places
        half = 1 / self.to_unit[0, 0]
        x, y = apply(self.to_unit, columns.astype(np.float64), rows.astype(np.float64))
        gx, gy = gx * half, gy * half
        along = gx * x + gy * y
        # Shifts; a turn; zoom, stretch and shear; two tilts: see `motion_models`.
        slopes = [gx, gy, gy * x - gx * y, along, gx * x - gy * y, gx * y + gy * x, -along * x, -along * y]
        return np.stack([*slopes, self.values, np.ones_like(gx)], 1).astype(np.float32)

    @cached_property
    def by_number(self) -> F32:
        """(10, K): `slopes`, a row a number."""
        return np.ascontiguousarray(self.slopes.T)

    @cached_property
    def points(self) -> tuple[F64, F64]:
        """(K,) x and y of the places, px."""
        rows, columns = self.places
        return columns.astype(np.float64), rows.astype(np.float64)

    @cached_property
    def halves(self) -> Mask:
        """(K,) bool: a chequerboard of squares, to judge on one half what was fitted on the other."""
        rows, columns = self.places
        return np.asarray((rows // _CELL + columns // _CELL) % 2 == 0)

    @cached_property
    def parts(self) -> tuple["Target", "Target"]:
        """The target at the places of one half, and of the other."""
        return self._at(self.halves), self._at(~self.halves)

    def _at(self, kept: Mask) -> "Target":
        part = Target(self.picture, self.known, self.blur, self.most)
        rows, columns = self.places
        vars(part).update(
            places=(rows[kept], columns[kept]),
            values=self.values[kept],
            slopes=self.slopes[kept],
            by_number=np.ascontiguousarray(self.by_number[:, kept]),
        )
        return part

    def prepare(self) -> "Target":
        """Work out all that is asked of a target now, before several threads ask for it; returns the target."""
        for name in ("places", "values", "slopes", "by_number", "halves", "parts"):
            getattr(self, name)
        return self

    def at_places_of(self, other: "Target") -> "Target":
        """The same picture at the places of another target. Returns this target, which knows no places yet."""
        vars(self).update(places=other.places)
        return self

    def step(self, model: str, numbers: F64) -> F64:
        """(3, 3) matrix in px of a small motion of a model."""
        chosen = motion_model(model)
        p = np.zeros(8)
        p[list(chosen.numbers)] = numbers
        return np.linalg.inv(self.to_unit) @ chosen.unit(p) @ self.to_unit


@dataclass
class Fit:
    """How a picture lies over a target.

    matrix: (3, 3) float64, px of the target to px of the picture. likeness: correlation of the two over the places
    that kept weight, 0…1; 0 where only measured. overlap: share of the target's places that the picture shows.
    scale: robust standard deviation of the residuals, grey levels. inside: (K,) bool, which places the picture shows.
    residuals, weights: (K,) float32; weights are 0 outside.
    """

    matrix: F64
    likeness: float = 0.0
    overlap: float = 0.0
    scale: float = 0.0
    inside: Mask = field(default_factory=lambda: np.empty(0, bool), repr=False)
    residuals: F32 = field(default_factory=lambda: np.empty(0, np.float32), repr=False)
    weights: F32 = field(default_factory=lambda: np.empty(0, np.float32), repr=False)


def lay_over(
    target: Target,
    picture: F32,
    matrix: F64,
    model: str,
    steps: int = 8,
    moved: tuple[F64, F64] | None = None,
) -> Fit:
    """Find how ``picture`` (`detail` of a frame, of the target's blur) lies over a target, starting at ``matrix``.

    model: name of a motion model, or "" to measure only. moved: (K,) px each, shifts that a local refinement adds in
    the picture.
    """
    numbers_of = motion_model(model).numbers if model else ()
    free = len(numbers_of)
    (x, y), (by_x, by_y) = target.points, (_NONE, _NONE) if moved is None else moved
    count, half = len(x), 1 / target.to_unit[0, 0]
    out, inside = np.empty(count, np.float32), np.empty(count, bool)
    residual, weight = np.empty(count, np.float32), np.empty(count, np.float32)
    every, counts = max(3, count // _RANKED), np.empty(_RANGE, np.uint16)
    used, values = np.array([*numbers_of, 8, 9]), target.values
    light = np.array([1.0, 0.0])
    scale, overlap = 0.0, 0.0
    for turn in range(steps + 1 if free else 1):
        found = sample(picture, matrix, x, y, by_x, by_y, out, inside)
        overlap = found / max(1, count)
        if found < _LEAST_PLACES:
            return Fit(matrix, overlap=overlap)
        alone = 0 if free else steps
        scale = float(weigh(out, values, inside, light, alone, every, residual, weight, counts))
        if turn == steps or not free:
            break
        normal, right = np.zeros((free + 2, free + 2)), np.zeros(free + 2)
        equations(target.by_number, used, weight, residual, normal, right)
        diagonal = normal.reshape(-1)[:: free + 3]
        diagonal *= 1 + 1e-6
        diagonal += 1e-9
        numbers = np.linalg.solve(normal, right)
        light += numbers[free:]
        numbers = _AHEAD * numbers[:free] / max(0.2, light[0])
        forward = target.step(model, numbers)
        # Steps that turn the picture over are those of a fit that is lost.
        if not np.isfinite(forward).all() or np.abs(forward - np.eye(3))[:2, :2].max() > 0.5:
            return Fit(matrix, overlap=overlap)
        matrix = matrix @ np.linalg.inv(forward)
        matrix = matrix / matrix[2, 2]
        if np.abs(numbers).max() * half < _DONE:
            break
    alike = float(likeness(out, values, weight)) if free else 0.0
    return Fit(matrix, alike, overlap, scale, inside, residual, weight)
