"""Motion left after registration, and a mesh that follows it where that is sure (parallax).

One matrix lays one plane over another. What stands nearer or farther moves differently; where it does so for
certain, shifts at the nodes of a mesh say how. They are fitted like a matrix, by robust Gauss-Newton steps, with a
membrane between them (smooth where nothing is known), on each half of a chequerboard on its own: a node counts
where both halves say the same, a mesh counts where one half foretells the other better with it than without.
"""

from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rainclean._alignment import Aligned, evenly, in_threads, scaled, targets
from rainclean._numba import compiled
from rainclean._registration import Fit, Target, detail, lay_over

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

_NODE = 32  # px of the reduced picture between nodes
_CORRELATED = 8.0  # residuals of so many neighbouring px are as good as one: rain and codecs come in pieces
_BEND = 0.5  # px by which neighbouring nodes may differ, standard deviation
_FAR = 4.0  # px that a node may be off at all, standard deviation
_GAIN = 0.03  # share of what is left over that a mesh has to take away in the half it was not fitted on
_LEAST = 0.1  # px of the full frame, root mean square over the picture: less is not worth a mesh
_AGREE, _AGREE_SHARE = 0.15, 0.25  # px, and share of the shift, that two halves may differ by
_TRIED = 12  # frames that are looked at before all are
_CAPPED = 9.0  # squared standard deviations: more is rain or a passer-by
_FINER, _HINT = 6, 0.05  # parts a side, and px of the full frame left in them, below which no mesh is looked for
_FEW = 8_000  # places by which meshes are found at first
_PARTS = 4  # parts across and down whose shifts tell what motion is left


@compiled
def gather(near: I64, weights: F64, certain: F32, gx: F32, gy: F32, residual: F32, bands: F64, right: F64) -> None:
    """Normal equations of the shifts of all nodes, x and y of each in turn, added to ``bands`` and ``right`` (2G,).

    near, weights: (4, K), the nodes of each place, the later ones of higher numbers. certain: (K,) weights; gx, gy:
    slopes; residual: grey levels. bands: (2G, B), as `solve` takes them.
    """
    last = bands.shape[1] - 1
    for k in range(certain.size):
        if certain[k] > 0:
            xx, xy, yy = certain[k] * gx[k] * gx[k], certain[k] * gx[k] * gy[k], certain[k] * gy[k] * gy[k]
            pull = certain[k] * residual[k]
            for i in range(4):
                a, wa = 2 * near[i, k], weights[i, k]
                right[a] += wa * pull * gx[k]
                right[a + 1] += wa * pull * gy[k]
                for j in range(i + 1):
                    b, w = 2 * near[j, k], wa * weights[j, k]
                    at = last - a + b
                    bands[a, at] += w * xx
                    bands[a + 1, at - 1] += w * xy
                    bands[a + 1, at] += w * yy
                    if j < i:  # above the diagonal, of a node by itself
                        bands[a, at + 1] += w * xy


@compiled
def solve(bands: F64, right: F64) -> None:
    """Linear equations of a positive definite matrix of bands (Cholesky): ``right`` (n,) becomes the solution.

    bands: (n, B), row r up to its diagonal: the last number is that of the diagonal. Used up.
    """
    count, wide = bands.shape
    for r in range(count):
        for c in range(max(0, r - wide + 1), r + 1):
            # Numbers of rows r and c that stand in the same column.
            first = max(0, r - wide + 1)
            at_r, at_c = wide - 1 - r, wide - 1 - c
            total = bands[r, at_r + c]
            for k in range(first, c):
                total -= bands[r, at_r + k] * bands[c, at_c + k]
            if c < r:
                bands[r, at_r + c] = total / bands[c, wide - 1]
            else:
                bands[r, wide - 1] = np.sqrt(total)
    for r in range(count):
        total = right[r]
        for k in range(max(0, r - wide + 1), r):
            total -= bands[r, wide - 1 - r + k] * right[k]
        right[r] = total / bands[r, wide - 1]
    for r in range(count - 1, -1, -1):
        right[r] /= bands[r, wide - 1]
        for k in range(max(0, r - wide + 1), r):
            right[k] -= bands[r, wide - 1 - r + k] * right[r]


@compiled
def spread(near: I64, weights: F64, mesh: F64, x: F64, y: F64) -> None:
    """Shifts ``x``, ``y`` (K,) at the places of a mesh (G, 2)."""
    for k in range(x.size):
        x[k], y[k] = 0.0, 0.0
        for i in range(4):
            x[k] += weights[i, k] * mesh[near[i, k], 0]
            y[k] += weights[i, k] * mesh[near[i, k], 1]


@dataclass(frozen=True)
class Nodes:
    """Nodes of a mesh over a target, and the weights with which its places hang on them."""

    target: Target

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(gh, gw): nodes down and across, two at least."""
        height, width = self.target.size
        return max(2, round(height / _NODE) + 1), max(2, round(width / _NODE) + 1)

    @cached_property
    def hold(self) -> tuple[I64, F64]:
        """(4, K) numbers of the nodes around each place, and their bilinear weights."""
        (rows, columns), (height, width), (gh, gw) = self.target.places, self.target.size, self.shape
        across, down = columns * (gw - 1) / (width - 1), rows * (gh - 1) / (height - 1)
        i, j = np.minimum(across.astype(np.int64), gw - 2), np.minimum(down.astype(np.int64), gh - 2)
        s, t = across - i, down - j
        first = j * gw + i
        weights = np.stack([(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t])
        return np.stack([first, first + 1, first + gw, first + gw + 1]), weights

    @cached_property
    def membrane(self) -> F64:
        """(G, G) of what it costs that neighbouring nodes differ, and that any is off."""
        gh, gw = self.shape
        number = np.arange(gh * gw).reshape(gh, gw)
        cost = np.eye(gh * gw) / _FAR**2
        for a, b in ((number[:, :-1], number[:, 1:]), (number[:-1], number[1:])):
            i, j = a.ravel(), b.ravel()
            np.add.at(cost, (i, i), _BEND**-2)
            np.add.at(cost, (j, j), _BEND**-2)
            np.add.at(cost, (i, j), -(_BEND**-2))
            np.add.at(cost, (j, i), -(_BEND**-2))
        return cost

    @cached_property
    def bands(self) -> F64:
        """(2G, B) the same for x and y of each node in turn, as `solve` takes it."""
        (gh, gw), membrane = self.shape, self.membrane
        wide, count = 2 * (gw + 2), gh * gw
        bands = np.zeros((2 * count, wide))
        for apart in (0, 1, gw):
            cost = np.diagonal(membrane, -apart)
            for c in (0, 1):
                bands[2 * apart + c :: 2, wide - 1 - 2 * apart] = cost
        return bands

    def at_places(self, mesh: F64) -> tuple[F64, F64]:
        """Shifts (K,) x and y at the places, of a mesh (G, 2)."""
        near, weights = self.hold
        x, y = np.empty(near.shape[1]), np.empty(near.shape[1])
        spread(near, weights, mesh, x, y)
        return x, y

    @cached_property
    def parts(self) -> tuple["Nodes", "Nodes"]:
        """The same nodes over each half of the target's places."""
        made = Nodes(self.target.parts[0]), Nodes(self.target.parts[1])
        for part in made:
            vars(part).update(membrane=self.membrane, bands=self.bands)
        return made

    @cached_property
    def rough(self) -> "Nodes":
        """The same nodes over the same places of the target, smoothed more, for shifts of more than a px."""
        target = Target(self.target.picture, self.target.known, 2.0, self.target.most)
        vars(target).update(places=self.target.places)
        made = Nodes(target)
        vars(made).update(membrane=self.membrane, bands=self.bands, hold=self.hold)
        return made

    def fit(self, picture: F32, matrix: F64, mesh: F64, steps: int) -> F64:
        """Shifts (G, 2) of the nodes, starting at ``mesh``."""
        target = self.target
        half = 1 / target.to_unit[0, 0]
        gx, gy = (row / np.float32(half) for row in target.by_number[:2])
        near, weights = self.hold
        for _ in range(steps):
            fit = lay_over(target, picture, matrix, "", 1, moved=self.at_places(mesh))
            if not len(fit.residuals):
                break
            certain = (fit.weights / (fit.scale**2 * _CORRELATED)).astype(np.float32)
            bands, right = self.bands.copy(), np.zeros(mesh.size)
            gather(near, weights, certain, gx, gy, fit.residuals, bands, right)
            # Slopes are the target's: a residual above zero asks for a step back.
            step = -right - np.stack([(self.membrane * shifts).sum(axis=1) for shifts in mesh.T], 1).ravel()
            solve(bands, step)
            mesh = mesh + np.clip(step, -1.5, 1.5).reshape(-1, 2)
        return mesh


def refine(aligned: Aligned, scale: float, workers: int) -> Generator[float, None, list[tuple[float, F32 | None]]]:
    """(px of the reduced picture left after registration, mesh or None) for each frame; `Placement.mesh`.

    scale: px of the reduced picture in one of the full frame. Changes nothing where no frame is sure of parallax.
    """
    count = len(aligned.matrices)
    kept = [k for k in range(count) if not aligned.lost[k]]
    target = aligned.target
    far = sorted(kept, key=lambda k: -float(np.hypot(*(aligned.matrices[k][:2, 2]))))[: _TRIED // 2]
    tried = sorted({*evenly(kept, _TRIED // 2), *far})
    work = _Local(aligned, Nodes(Target(target.picture, target.known, target.blur, _FEW)), scale)
    hint = _Left(aligned, work.nodes, [None] * count, _FINER)
    left = yield from scaled(in_threads(hint, tried, workers), 0.0, 0.1)
    tried = [k for k in tried if left[k] > _HINT * scale]
    found = yield from scaled(in_threads(work, tried, workers), 0.1, 0.3)
    sure = [k for k in tried if found[k] is not None]
    meshes: list[F64 | None] = [None] * count
    if len(sure) >= max(2, len(tried) // 3):
        for number in range(2):
            begin = 0.3 + 0.3 * number
            found = yield from scaled(in_threads(work, kept, workers), begin, begin + 0.3)
            meshes = [found.get(k) for k in range(count)]
            if number == 0:
                chosen = evenly(kept, 41)
                grown = [_grown(meshes[k], work.nodes.shape) for k in range(count)]
                (target,) = targets(aligned.pictures, aligned.matrices, chosen, (target.blur,), grown)
                work = _Local(aligned, Nodes(target), scale, meshes)
    final = _Left(aligned, Nodes(target), meshes)
    left = yield from scaled(in_threads(final, range(count), workers), 0.9, 1.0)
    meshes = _beside(meshes, aligned)
    return [(left[k], _grown(meshes[k], work.nodes.shape)) for k in range(count)]


def _beside(meshes: list[F64 | None], aligned: Aligned) -> list[F64 | None]:
    """Meshes over the reference frame, of those over what all frames show together, which has no frame's geometry.

    The reference frame's own mesh is taken from all of them, turned and stretched as each frame is.
    """
    own = meshes[aligned.reference]
    if own is None:
        return meshes
    beside: list[F64 | None] = []
    for matrix, mesh in zip(aligned.matrices, meshes, strict=True):
        beside.append((0.0 if mesh is None else mesh) - own @ (matrix[:2, :2] / matrix[2, 2]).T)
    beside[aligned.reference] = None
    return beside


def _grown(mesh: F64 | None, shape: tuple[int, int]) -> F32 | None:
    return None if mesh is None else mesh.reshape(*shape, 2).astype(np.float32)


@dataclass
class _Local:
    """Finds the mesh of one frame, None where it is not sure."""

    aligned: Aligned
    nodes: Nodes
    scale: float
    start: list[F64 | None] | None = None

    def __call__(self, position: int) -> F64 | None:
        nodes, matrix = self.nodes, self.aligned.matrices[position]
        target, picture = nodes.target, self.aligned.pictures[position]
        nothing = np.zeros((nodes.shape[0] * nodes.shape[1], 2))
        before = None if self.start is None else self.start[position]
        start = nothing if before is None else before
        fine = detail(picture, target.blur)
        if before is None:
            coarse = detail(picture, nodes.rough.target.blur)
            start = 0.7 * nodes.rough.fit(coarse, matrix, start, 4)
        steps = 4 if before is None else 2
        meshes = [part.fit(fine, matrix, start, steps) for part in nodes.parts]
        plain = [self._left(part, fine, matrix, nothing) for part in nodes.parts]
        bent = [self._left(part, fine, matrix, mesh) for part, mesh in zip(nodes.parts, meshes[::-1], strict=True)]
        if any(b > (1 - _GAIN) * p for p, b in zip(plain, bent, strict=True)):
            return None
        both = nodes.fit(fine, matrix, 0.5 * (meshes[0] + meshes[1]), steps // 2)
        differ = np.hypot(*(meshes[0] - meshes[1]).T)
        allowed = _AGREE + _AGREE_SHARE * np.hypot(*both.T)
        both *= np.clip(2 - differ / allowed, 0, 1)[:, None]
        if np.sqrt(np.square(both).sum(axis=1).mean()) < _LEAST * self.scale:
            return None
        if self._left(nodes, fine, matrix, both) > (1 - _GAIN) * self._left(nodes, fine, matrix, nothing):
            return None
        return both

    def _left(self, nodes: Nodes, picture: F32, matrix: F64, mesh: F64) -> float:
        """What is left over, in squared standard deviations of the fit by the matrix alone, capped."""
        fit = lay_over(nodes.target, picture, matrix, "", 2, moved=nodes.at_places(mesh))
        if not len(fit.residuals):
            return np.inf
        noise = max(1.0, float(np.median([f.scale for f in self.aligned.fits])))
        return float(np.minimum(np.square(fit.residuals[fit.inside] / noise), _CAPPED).mean())


@dataclass
class _Left:
    """Motion left in one frame, px: shifts of its parts beyond what noise explains, root mean square."""

    aligned: Aligned
    nodes: Nodes
    meshes: list[F64 | None]
    parts: int = _PARTS

    def __call__(self, position: int) -> float:
        target, mesh = self.nodes.target, self.meshes[position]
        moved = None if mesh is None else self.nodes.at_places(mesh)
        picture = detail(self.aligned.pictures[position], target.blur)
        fit = lay_over(target, picture, self.aligned.matrices[position], "", 2, moved=moved)
        return left_in_parts(target, fit, self.parts) if len(fit.residuals) else 0.0


def left_in_parts(target: Target, fit: Fit, parts: int = _PARTS) -> float:
    """Root mean square shift, px, of the parts of a picture against the target, weighted by what each tells.

    Each part is measured on both halves of the chequerboard; the product of the two is free of their noise.
    """
    rows, columns = target.places
    half = 1 / target.to_unit[0, 0]
    slopes = target.slopes[:, :2] / half
    part = rows * parts // target.size[0] * parts + columns * parts // target.size[1]
    count = parts * parts
    shifts: list[F64] = []
    told: list[F64] = []
    for members in (target.halves, ~target.halves):
        w = fit.weights * members
        xx, yy, xy, rx, ry = (
            np.bincount(part, w * a * b, count)
            for a, b in (
                (slopes[:, 0], slopes[:, 0]),
                (slopes[:, 1], slopes[:, 1]),
                (slopes[:, 0], slopes[:, 1]),
                (slopes[:, 0], fit.residuals),
                (slopes[:, 1], fit.residuals),
            )
        )
        steep, flat = np.asarray(xx * 1.01 + 1e-6, np.float64), np.asarray(yy * 1.01 + 1e-6, np.float64)
        det = steep * flat - xy * xy
        shifts.append(np.stack([(flat * rx - xy * ry) / det, (steep * ry - xy * rx) / det]))
        told.append(det / (steep + flat))
    certain = np.minimum(*told)
    if certain.sum() <= 0:
        return 0.0
    shared = np.clip((shifts[0] * shifts[1]).sum(axis=0), -4, 4)
    return float(np.sqrt(max(0.0, float((shared * certain).sum() / certain.sum()))))
