"""Register a rainy picture to a rain-free one by robust Gauss-Newton steps on grey levels.

`alignment` calls this for every frame; `parallax` once more with a mesh.

The inverse compositional way (Baker and Matthews, "Lucas-Kanade 20 years on", IJCV 2004): gradients are those of the
rain-free target, so that rain spoils residuals but never the direction of a step, and they are computed once for all
frames. Every px that is off by more than noise explains (rain, foreground) loses its weight (Tukey's biweight). What
varies slowly over the picture is illumination and is removed beforehand. A gain and an offset are fitted beside the
motion, as in the enhanced correlation coefficient (Evangelidis and Psarakis, TPAMI 2008).
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rainclean.stabilization._registration_kernels import (
    HISTOGRAM_BINS,
    normal_equations,
    reweight,
    sample_bicubic,
    weighted_correlation,
)
from rainclean.stabilization.motion_models import Points, motion_model

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

_STREAK_PX = 5  # what is bright and narrower than this across is taken for rain where illumination is measured
_ILLUMINATION_PX = 25  # across: what varies more slowly is illumination
_CELL_PX = 24  # places are chosen in squares of this side, so that they are spread over the picture
_MIN_GRADIENT = 1.0  # grey levels per px: a weaker gradient says nothing about motion
_BORDER_PX = 4  # at the border of a picture, not sampled
_STEP_FACTOR = 1.4  # times a step of reweighted least squares: by so much Tukey's weights make it too short
_MIN_PLACES = 60
_RANKED_RESIDUALS = 4_000  # residuals whose spread is measured
_CONVERGED_PX = 0.01  # a smaller step ends the iteration


_NONE = np.empty(0)


def details(picture: U8 | F32, blurs: Sequence[float]) -> list[F32]:
    """Return what a picture shows finer than illumination, smoothed in several ways: (H, W) float32 each.

    picture: (H, W) uint8 or float32 grey levels. blurs: standard deviations in px. Illumination is measured where
    streaks are opened away, or each would leave a dark hem.
    """
    import cv2

    illumination = cv2.morphologyEx(picture, cv2.MORPH_OPEN, np.ones((1, _STREAK_PX), np.uint8))
    for _ in range(2):
        cv2.blur(illumination, (_ILLUMINATION_PX, _ILLUMINATION_PX), illumination)
    grey = picture.astype(np.float32, copy=False)
    smooth = [cv2.GaussianBlur(grey, (0, 0), blur) for blur in blurs]
    return [np.asarray(cv2.subtract(one, illumination, dst=one, dtype=cv2.CV_32F), np.float32) for one in smooth]


def detail(picture: U8 | F32, blur: float) -> F32:
    """Return `details` for one blur."""
    return details(picture, [blur])[0]


def transform_points(matrix: F64, x: F64, y: F64) -> tuple[F64, F64]:
    """Map points (K,) x, y by a (3, 3) matrix."""
    z = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
    return (
        (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / z,
        (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / z,
    )


def sample_grid(size: tuple[int, int], across: int = 5) -> tuple[F64, F64]:
    """Return points x, y (across²,) px, spread over a picture of ``size`` (height, width), to measure distances at."""
    height, width = size
    y, x = np.meshgrid(np.linspace(0, height - 1, across), np.linspace(0, width - 1, across), indexing="ij")
    return x.ravel(), y.ravel()


def rms_distance(one: F64, other: F64, size: tuple[int, int]) -> float:
    """Return the root mean square distance, px, between where two matrices take the points of a picture."""
    x, y = sample_grid(size)
    (ax, ay), (bx, by) = transform_points(one, x, y), transform_points(other, x, y)
    return float(np.sqrt(np.mean((ax - bx) ** 2 + (ay - by) ** 2)))


def project_to_model(model: str, matrix: F64, size: tuple[int, int]) -> F64:
    """Return the matrix of a model that takes the points of a picture nearest to where ``matrix`` takes them."""
    x, y = sample_grid(size)
    u, v = transform_points(matrix, x, y)
    return motion_model(model).nearest(Points(x=x, y=y, u=u, v=v, matrix=matrix))


@dataclass(frozen=True)
class Target:
    """A rain-free picture, prepared for others to be registered to it.

    Attributes:
        picture: (H, W) float32 grey levels.
        known: (H, W) bool, True where the picture shows something.
        blur: standard deviation of its smoothing, px.
        max_places: how many places are compared at most.
    """

    picture: F32
    known: Mask
    blur: float = 1.0
    max_places: int = 24_000

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
        """Rows and columns (K,) of the px compared: those of strong gradient, in every part of the picture."""
        import cv2

        gx, gy = self._gradients
        strength = np.hypot(gx, gy)
        interior = cv2.erode(self.known.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        interior[:_BORDER_PX] = interior[-_BORDER_PX:] = False
        interior[:, :_BORDER_PX] = interior[:, -_BORDER_PX:] = False
        height, width = self.size
        fraction = min(1.0, 2 * self.max_places / (height * width))
        strength[~interior] = 0
        chosen = np.zeros(self.size, bool)
        for top in range(0, height, _CELL_PX):
            for left in range(0, width, _CELL_PX):
                cell = strength[top : top + _CELL_PX, left : left + _CELL_PX]
                rank = int((1 - fraction) * (cell.size - 1))
                weakest = max(_MIN_GRADIENT, float(np.partition(cell.ravel(), rank)[rank]))
                chosen[top : top + _CELL_PX, left : left + _CELL_PX] = cell >= weakest
        rows, columns = np.nonzero(chosen)
        if len(rows) > self.max_places:
            best = np.sort(np.argpartition(-strength[rows, columns], self.max_places)[: self.max_places])
            rows, columns = rows[best], columns[best]
        return rows, columns

    @cached_property
    def values(self) -> F32:
        """Grey levels (K,) that the target shows at its places."""
        return self._detail[self.places]

    @cached_property
    def to_unit(self) -> F64:
        """Matrix (3, 3) from px to coordinates of about −1…1, in which a motion's parameters are of one size."""
        height, width = self.size
        half = 0.5 * max(height, width)
        return np.array([[1 / half, 0, -(width - 1) / 2 / half], [0, 1 / half, -(height - 1) / 2 / half], [0, 0, 1]])

    @cached_property
    def slopes(self) -> F32:
        """Derivatives (K, 10) float32 of the value at each place by each parameter of a motion, gain and offset."""
        gx, gy = (g[self.places].astype(np.float64) for g in self._gradients)
        rows, columns = self.places
        half = 1 / self.to_unit[0, 0]
        x, y = transform_points(self.to_unit, columns.astype(np.float64), rows.astype(np.float64))
        gx, gy = gx * half, gy * half
        along = gx * x + gy * y
        # Shifts; a turn; zoom, stretch and shear; two tilts: see `motion_models`.
        slopes = [gx, gy, gy * x - gx * y, along, gx * x - gy * y, gx * y + gy * x, -along * x, -along * y]
        return np.stack([*slopes, self.values, np.ones_like(gx)], 1).astype(np.float32)

    @cached_property
    def by_number(self) -> F32:
        """`slopes` (10, K), one row for each parameter."""
        return np.ascontiguousarray(self.slopes.T)

    @cached_property
    def points(self) -> tuple[F64, F64]:
        """Coordinates x and y (K,) of the places, px."""
        rows, columns = self.places
        return columns.astype(np.float64), rows.astype(np.float64)

    @cached_property
    def halves(self) -> Mask:
        """Mask (K,) bool of a chequerboard of squares, to judge on one half what was fitted on the other."""
        rows, columns = self.places
        return np.asarray((rows // _CELL_PX + columns // _CELL_PX) % 2 == 0)

    @cached_property
    def parts(self) -> tuple["Target", "Target"]:
        """The target at the places of one half, and of the other."""
        return self._at(self.halves), self._at(~self.halves)

    def _at(self, kept: Mask) -> "Target":
        part = Target(self.picture, self.known, self.blur, self.max_places)
        rows, columns = self.places
        vars(part).update(
            places=(rows[kept], columns[kept]),
            values=self.values[kept],
            slopes=self.slopes[kept],
            by_number=np.ascontiguousarray(self.by_number[:, kept]),
        )
        return part

    def prepare(self) -> "Target":
        """Compute all that is cached now, before several threads ask for it; return the target."""
        for name in ("places", "values", "slopes", "by_number", "halves", "parts"):
            getattr(self, name)
        return self

    def at_places_of(self, other: "Target") -> "Target":
        """Take the places of another target over. Return this target, which must not have chosen places yet."""
        vars(self).update(places=other.places)
        return self

    def step(self, model: str, parameters: F64) -> F64:
        """Return the matrix (3, 3), in px, of a small motion of a model."""
        chosen = motion_model(model)
        p = np.zeros(8)
        p[list(chosen.numbers)] = parameters
        return np.linalg.inv(self.to_unit) @ chosen.unit(p) @ self.to_unit


@dataclass
class Fit:
    """A picture registered to a target.

    Attributes:
        matrix: (3, 3) float64, px of the target to px of the picture.
        correlation: of the two over the places that kept weight, 0…1; 0 where only measured.
        overlap: fraction of the target's places that the picture shows.
        scale: robust standard deviation of the residuals, grey levels.
        inside: (K,) bool, which places the picture shows.
        residuals: (K,) float32, grey levels.
        weights: (K,) float32, 0 outside.
    """

    matrix: F64
    _: KW_ONLY
    correlation: float = 0.0
    overlap: float = 0.0
    scale: float = 0.0
    inside: Mask = field(default_factory=lambda: np.empty(0, bool), repr=False)
    residuals: F32 = field(default_factory=lambda: np.empty(0, np.float32), repr=False)
    weights: F32 = field(default_factory=lambda: np.empty(0, np.float32), repr=False)


def register(
    target: Target,
    picture: F32,
    matrix: F64,
    model: str,
    steps: int = 8,
    *,
    shifts: tuple[F64, F64] | None = None,
) -> Fit:
    """Register ``picture`` to a target, starting at ``matrix``.

    picture: (H, W) float32, `detail` of a frame with the target's blur. model: name of a motion model, or "" to
    measure only. shifts: (K,) px each, x and y, that a local refinement adds in the picture.
    """
    numbers_of = motion_model(model).numbers if model else ()
    free = len(numbers_of)
    (x, y), (by_x, by_y) = target.points, (_NONE, _NONE) if shifts is None else shifts
    count, half = len(x), 1 / target.to_unit[0, 0]
    out, inside = np.empty(count, np.float32), np.empty(count, bool)
    residual, weight = np.empty(count, np.float32), np.empty(count, np.float32)
    every, counts = max(3, count // _RANKED_RESIDUALS), np.empty(HISTOGRAM_BINS, np.uint16)
    used, values = np.array([*numbers_of, 8, 9]), target.values
    light = np.array([1.0, 0.0])
    scale, overlap = 0.0, 0.0
    for turn in range(steps + 1 if free else 1):
        inside_count = sample_bicubic(picture, matrix, x, y, by_x, by_y, out, inside)
        overlap = inside_count / max(1, count)
        if inside_count < _MIN_PLACES:
            return Fit(matrix, overlap=overlap)
        light_steps = 0 if free else steps
        scale = float(reweight(out, values, inside, light, light_steps, every, residual, weight, counts))
        if turn == steps or not free:
            break
        normal, right = np.zeros((free + 2, free + 2)), np.zeros(free + 2)
        normal_equations(target.by_number, used, weight, residual, normal, right)
        diagonal = normal.reshape(-1)[:: free + 3]
        diagonal *= 1 + 1e-6
        diagonal += 1e-9
        change = np.linalg.solve(normal, right)
        light += change[free:]
        parameters = _STEP_FACTOR * change[:free] / max(0.2, light[0])
        forward = target.step(model, parameters)
        # Steps that turn the picture over are those of a fit that is lost.
        if not np.isfinite(forward).all() or np.abs(forward - np.eye(3))[:2, :2].max() > 0.5:
            return Fit(matrix, overlap=overlap)
        matrix = matrix @ np.linalg.inv(forward)
        matrix = matrix / matrix[2, 2]
        if np.abs(parameters).max() * half < _CONVERGED_PX:
            break
    correlation = float(weighted_correlation(out, values, weight)) if free else 0.0
    return Fit(
        matrix,
        correlation=correlation,
        overlap=overlap,
        scale=scale,
        inside=inside,
        residuals=residual,
        weights=weight,
    )
