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
from rainclean._kernels import _kernel
from rainclean._registration import Fit, Target, detail, lay_over

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
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
_PARTS = 4  # parts across and down whose shifts tell what motion is left


@_kernel
def gather(
    near: NDArray[np.int64], weights: F64, certain: F32, gx: F32, gy: F32, residual: F32, normal: F64, right: F64
) -> None:
    """Normal equations of the shifts of all nodes: ``normal`` (2G, 2G) and ``right`` (2G,), x first, added to.

    near, weights: (4, K), the nodes of each place. certain: (K,) weights; gx, gy: slopes; residual: grey levels.
    """
    count = right.size // 2
    for k in range(certain.size):
        if certain[k] > 0:
            xx, xy, yy = certain[k] * gx[k] * gx[k], certain[k] * gx[k] * gy[k], certain[k] * gy[k] * gy[k]
            pull = certain[k] * residual[k]
            for i in range(4):
                a, wa = near[i, k], weights[i, k]
                right[a] += wa * pull * gx[k]
                right[count + a] += wa * pull * gy[k]
                for j in range(4):
                    b, w = near[j, k], wa * weights[j, k]
                    normal[a, b] += w * xx
                    normal[a, count + b] += w * xy
                    normal[count + a, b] += w * xy
                    normal[count + a, count + b] += w * yy


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
    def hold(self) -> tuple[NDArray[np.int64], F64]:
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

    def at_places(self, mesh: F64) -> tuple[F64, F64]:
        """Shifts (K,) x and y at the places, of a mesh (G, 2)."""
        near, weights = self.hold
        return (mesh[near, 0] * weights).sum(axis=0), (mesh[near, 1] * weights).sum(axis=0)

    def fit(self, picture: F32, matrix: F64, mesh: F64, only: Mask | None, steps: int) -> F64:
        """Shifts (G, 2) of the nodes, starting at ``mesh``; ``only``: (K,) places to go by."""
        import cv2

        target, count = self.target, self.shape[0] * self.shape[1]
        half = 1 / target.to_unit[0, 0]
        gx, gy = (np.ascontiguousarray(target.slopes[:, i]) / np.float32(half) for i in (0, 1))
        near, weights = self.hold
        cost = np.zeros((2 * count, 2 * count))
        cost[:count, :count] = cost[count:, count:] = self.membrane
        for _ in range(steps):
            fit = lay_over(target, picture, matrix, "", 1, only=only, moved=self.at_places(mesh))
            if not len(fit.residuals):
                break
            certain = (fit.weights / (fit.scale**2 * _CORRELATED)).astype(np.float32)
            normal, right = np.zeros((2 * count, 2 * count)), np.zeros(2 * count)
            gather(near, weights, certain, gx, gy, fit.residuals, normal, right)
            # Slopes are the target's: a residual above zero asks for a step back.
            # OpenCV's solver starts no threads within ours.
            wanted = -right - (cost * mesh.T.ravel()).sum(axis=1)
            step = np.asarray(cv2.solve(normal + cost, wanted[:, None], flags=cv2.DECOMP_CHOLESKY)[1]).ravel()
            mesh = mesh + np.clip(step, -1.5, 1.5).reshape(2, count).T
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
    work = _Local(aligned, Nodes(target), scale)
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
            meshes[aligned.reference] = None
            if number == 0:
                chosen = evenly(kept, 41)
                grown = [_grown(meshes[k], work.nodes.shape) for k in range(count)]
                (target,) = targets(aligned.pictures, aligned.matrices, chosen, (target.blur,), grown)
                work = _Local(aligned, Nodes(target), scale, meshes)
    final = _Left(aligned, Nodes(target), meshes)
    left = yield from scaled(in_threads(final, range(count), workers), 0.9, 1.0)
    shape = work.nodes.shape
    return [(left[k], _grown(meshes[k], shape)) for k in range(count)]


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
        halves = (target.halves, ~target.halves)
        fine = detail(picture, target.blur)
        if before is None:
            rough = _rough(target)
            coarse = detail(picture, rough.blur)
            start = Nodes(rough).fit(coarse, matrix, start, None, 4)
        meshes = [nodes.fit(fine, matrix, start if before is not None else start * 0.7, half, 4) for half in halves]
        plain = [self._left(fine, matrix, nothing, half) for half in halves]
        bent = [self._left(fine, matrix, mesh, ~half) for mesh, half in zip(meshes, halves, strict=True)][::-1]
        if any(b > (1 - _GAIN) * p for p, b in zip(plain, bent, strict=True)):
            return None
        both = nodes.fit(fine, matrix, 0.5 * (meshes[0] + meshes[1]), None, 3)
        differ = np.hypot(*(meshes[0] - meshes[1]).T)
        allowed = _AGREE + _AGREE_SHARE * np.hypot(*both.T)
        both *= np.clip(2 - differ / allowed, 0, 1)[:, None]
        if np.sqrt(np.square(both).sum(axis=1).mean()) < _LEAST * self.scale:
            return None
        if self._left(fine, matrix, both, None) > (1 - _GAIN) * self._left(fine, matrix, nothing, None):
            return None
        return both

    def _left(self, picture: F32, matrix: F64, mesh: F64, only: Mask | None) -> float:
        """What is left over, in squared standard deviations of the fit by the matrix alone, capped."""
        nodes = self.nodes
        fit = lay_over(nodes.target, picture, matrix, "", 2, only=only, moved=nodes.at_places(mesh))
        if not len(fit.residuals):
            return np.inf
        told = fit.inside if only is None else fit.inside & only
        noise = max(1.0, float(np.median([f.scale for f in self.aligned.fits])))
        return float(np.minimum(np.square(fit.residuals[told] / noise), _CAPPED).mean())


def _rough(target: Target) -> Target:
    """The same target at the same places, smoothed more, for shifts of more than a px."""
    rough = Target(target.picture, target.known, 2.0, target.most)
    rough.__dict__["places"] = target.places
    return rough


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
