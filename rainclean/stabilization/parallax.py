"""Follow parallax: the motion left after registration, by a mesh where that motion is certain.

`registration` calls `refine` after `alignment`. One matrix maps one plane to another. What stands nearer or farther
moves differently; where it certainly does, the shifts at the nodes of a mesh follow it. They are fitted like a matrix,
by robust Gauss-Newton steps, with a membrane between them (smooth where nothing is known), on each half of a
chequerboard on its own. A node counts where both halves agree. A mesh counts where one half predicts the other better
with it than without.
"""

from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled
from rainclean.stabilization.alignment import QUICK_PLACES, SCENE_FRAMES, Aligned, evenly, in_threads, scaled, targets
from rainclean.stabilization.gauss_newton import Fit, Target, detail, details, register
from rainclean.stabilization.residual_motion import rms_part_shift

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

_NODE_PX = 32  # of the reduced picture, between nodes
_FINAL_PLACES = 16_000  # places by which meshes are found in the end; QUICK_PLACES at first
# Residuals of so many neighbouring places are as good as one: rain and codecs come in pieces.
_CORRELATED_PLACES = {QUICK_PLACES: 8.0, _FINAL_PLACES: 5.3}
_BEND_PX = 0.5  # by which neighbouring nodes may differ, standard deviation
_SHIFT_PX = 4.0  # by which a node may be off at all, standard deviation
_MIN_GAIN = 0.03  # fraction of the residual that a mesh has to remove in the half it was not fitted on
_MIN_MESH_PX = 0.1  # of the full frame, root mean square over the picture: less is not worth a mesh
_AGREEMENT_PX, _AGREEMENT_FRACTION = 0.15, 0.25  # px, and fraction of the shift, by which two halves may differ
_EXAMINED_FRAMES = 12  # frames that are looked at before all are
_MAX_SQUARE = 9.0  # squared standard deviations: more is rain or foreground
_HINT_PARTS, _HINT_PX = 6, 0.05  # parts a side, and px of the full frame left in them, below which there is no mesh


@compiled
def mesh_equations(
    first: I64, share: F32, nodes: I64, steps: I64, weight: F32, slopes: F32, residual: F32, bands: F64, right: F64
) -> None:
    """Add the normal equations of the shifts of all nodes, x and y of each in turn, to ``bands`` and ``right`` (2G,).

    first, share: as in `spread`. nodes: (C,) first nodes of all cells. steps: (4,) from there to the nodes around.
    weight: (K,); slopes: (2, K) x and y, grey levels per px; residual: (K,) grey levels. bands: as `solve` takes them.
    """
    # Of each cell: xx, xy and yy by products of two weights across and two down, then pulls of x and y on its nodes.
    sums, squares, one = np.zeros((right.size // 2, 35), np.float32), np.empty(9, np.float32), np.float32(1)
    for k in range(weight.size):
        if weight[k] > 0:
            s, t = share[0, k], share[1, k]
            u, v = one - s, one - t
            squares[0], squares[1], squares[2] = u * u * v * v, u * u * v * t, u * u * t * t
            squares[3], squares[4], squares[5] = u * s * v * v, u * s * v * t, u * s * t * t
            squares[6], squares[7], squares[8] = s * s * v * v, s * s * v * t, s * s * t * t
            x, y = weight[k] * slopes[0, k], weight[k] * slopes[1, k]
            xx, xy, yy = x * slopes[0, k], x * slopes[1, k], y * slopes[1, k]
            x *= residual[k]
            y *= residual[k]
            cell = sums[first[k]]
            for p in range(9):
                cell[p] += xx * squares[p]
                cell[9 + p] += xy * squares[p]
                cell[18 + p] += yy * squares[p]
            cell[27] += x * u * v
            cell[28] += x * s * v
            cell[29] += x * u * t
            cell[30] += x * s * t
            cell[31] += y * u * v
            cell[32] += y * s * v
            cell[33] += y * u * t
            cell[34] += y * s * t
    for node in nodes:
        cell = sums[node]
        for i in range(4):
            a = 2 * (node + steps[i])
            right[a] += cell[27 + i]
            right[a + 1] += cell[31 + i]
            for j in range(4):
                away, p = 2 * (steps[j] - steps[i]), 3 * (i % 2 + j % 2) + i // 2 + j // 2
                if away >= 0:
                    bands[a, away] += cell[p]
                    bands[a, away + 1] += cell[9 + p]
                    bands[a + 1, away] += cell[18 + p]
                if away > 0:
                    bands[a + 1, away - 1] += cell[9 + p]


@compiled
def solve(bands: F64, right: F64) -> None:
    """Solve linear equations of a positive definite band matrix (Cholesky): ``right`` (n,), n even, is the solution.

    bands: (n, B), row r from its diagonal on, the last number of odd rows 0. Used up.
    """
    count, wide = bands.shape
    for r in range(0, count, 2):
        # Two rows at once: each of those below is taken up once for both.
        one, other = bands[r], bands[r + 1]
        part = 1 / np.sqrt(one[0])
        for k in range(wide):
            one[k] *= part
        beside = one[1]
        for k in range(wide - 1):
            other[k] -= beside * one[k + 1]
        first = right[r] * part
        part = 1 / np.sqrt(other[0])
        for k in range(wide):
            other[k] *= part
        second = (right[r + 1] - beside * first) * part
        right[r], right[r + 1] = first, second
        for i in range(2, min(wide, count - r)):
            row, a, b = bands[r + i], one[i], other[i - 1]
            ahead, behind = one[i:], other[i - 1 :]
            right[r + i] -= a * first + b * second
            for k in range(wide - i):
                row[k] -= a * ahead[k] + b * behind[k]
    for r in range(count - 2, -1, -2):
        one, other = bands[r], bands[r + 1]
        first, second = right[r], right[r + 1]
        for k in range(2, min(wide, count - r)):
            first -= one[k] * right[r + k]
            second -= other[k - 1] * right[r + k]
        right[r + 1] = second / other[0]
        right[r] = (first - one[1] * right[r + 1]) / one[0]


@compiled
def spread(first: I64, share: F32, steps: I64, mesh: F64, x: F64, y: F64) -> None:
    """Interpolate the shifts ``x``, ``y`` (K,) px of a mesh (G, 2) at places.

    first: (K,) number of the node left and above of each place. share: (2, K), 0…1, how far the place is from there to
    the nodes right and below. steps: (4,) numbers from the first node to it, right, below, and right below.
    """
    for k in range(x.size):
        s, t = share[0, k], share[1, k]
        a, b, c, d = first[k], first[k] + steps[1], first[k] + steps[2], first[k] + steps[3]
        p, q, r, o = (1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t
        x[k] = p * mesh[a, 0] + q * mesh[b, 0] + r * mesh[c, 0] + o * mesh[d, 0]
        y[k] = p * mesh[a, 1] + q * mesh[b, 1] + r * mesh[c, 1] + o * mesh[d, 1]


@compiled
def capped(residual: F32, inside: Mask, noise: float, most: float) -> float:
    """Return the mean square of residuals (K,) inside, in standard deviations ``noise``, each capped at ``most``."""
    total, count, share = 0.0, 0, 1 / (noise * noise)
    for k in range(residual.size):
        if inside[k]:
            total += min(most, residual[k] * residual[k] * share)
            count += 1
    return total / max(1, count)


@dataclass(frozen=True)
class Nodes:
    """Nodes of a mesh over a target, and how its places lie between them.

    Nodes are counted along the shorter side first, so that those next to one another have numbers near to one another.
    """

    target: Target

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Nodes down and across (gh, gw), at least two each."""
        height, width = self.target.size
        return max(2, round(height / _NODE_PX) + 1), max(2, round(width / _NODE_PX) + 1)

    @cached_property
    def steps(self) -> I64:
        """Steps (4,) from the number of a node to its own, and to those right, below, and right below of it."""
        gh, gw = self.shape
        right, below = (gh, 1) if gh < gw else (1, gw)
        return np.array([0, right, below, right + below])

    @cached_property
    def cells(self) -> I64:
        """Numbers ((gh − 1)·(gw − 1),) of the nodes left and above of all cells."""
        (gh, gw), (_, right, below, _) = self.shape, self.steps
        return np.asarray((below * np.arange(gh - 1)[:, None] + right * np.arange(gw - 1)).ravel())

    @cached_property
    def hold(self) -> tuple[I64, F32]:
        """Nodes between which the places lie, and where between them, as `spread` takes both."""
        (rows, columns), (height, width), (gh, gw) = self.target.places, self.target.size, self.shape
        across, down = columns * (gw - 1) / (width - 1), rows * (gh - 1) / (height - 1)
        i, j = np.minimum(across.astype(np.int64), gw - 2), np.minimum(down.astype(np.int64), gh - 2)
        return i * self.steps[1] + j * self.steps[2], np.stack([across - i, down - j]).astype(np.float32)

    @cached_property
    def slopes(self) -> F32:
        """Gradients (2, K), grey levels per px, x and y."""
        return np.asarray(self.target.by_number[:2] * np.float32(self.target.to_unit[0, 0]))

    @cached_property
    def bands(self) -> F64:
        """Band matrix (2G, B) of the cost of neighbouring nodes that differ and of any shift, as `solve` takes it."""
        (gh, gw), (_, right, below, last) = self.shape, self.steps
        bands = np.zeros((2 * gh * gw, 2 * last + 2))
        bands[:, 0] = _SHIFT_PX**-2
        number = below * np.arange(gh)[:, None] + right * np.arange(gw)
        for away, nodes in ((right, number[:, :-1]), (below, number[:-1])):
            for c in (0, 1):
                one = 2 * nodes.ravel() + c
                bands[one, 0] += _BEND_PX**-2
                bands[one + 2 * away, 0] += _BEND_PX**-2
                bands[one, 2 * away] = -(_BEND_PX**-2)
        return bands

    def pull(self, mesh: F64) -> F64:
        """Return the gradient (G, 2) of that cost at the nodes of a mesh: the matrix of `bands` times its shifts."""
        shifts = mesh.reshape(max(self.shape), min(self.shape), 2)
        result = shifts * _SHIFT_PX**-2
        for axis in (0, 1):
            difference = np.diff(shifts, axis=axis) * _BEND_PX**-2
            one, other = (result[1:], result[:-1]) if axis == 0 else (result[:, 1:], result[:, :-1])
            one += difference
            other -= difference
        return result.reshape(-1, 2)

    def grown(self, mesh: F64 | None) -> F32 | None:
        """Return a mesh (G, 2) as `Placement.mesh` has it: (gh, gw, 2) float32."""
        if mesh is None:
            return None
        gh, gw = self.shape
        shifts = mesh.astype(np.float32)
        return shifts.reshape(gw, gh, 2).transpose(1, 0, 2) if gh < gw else shifts.reshape(gh, gw, 2)

    def at_places(self, mesh: F64) -> tuple[F64, F64]:
        """Return the shifts x and y (K,) at the places, of a mesh (G, 2)."""
        first, share = self.hold
        x, y = np.empty(first.size), np.empty(first.size)
        spread(first, share, self.steps, mesh, x, y)
        return x, y

    @cached_property
    def parts(self) -> tuple["Nodes", "Nodes"]:
        """The same nodes over each half of the target's places."""
        halves = Nodes(self.target.parts[0]), Nodes(self.target.parts[1])
        for half in halves:
            vars(half).update(bands=self.bands)
        return halves

    @cached_property
    def rough(self) -> "Nodes":
        """The same nodes over the same places of the target, smoothed more, for shifts of more than a px."""
        target = Target(self.target.picture, self.target.known, 2.0, self.target.max_places)
        nodes = Nodes(target.at_places_of(self.target))
        vars(nodes).update(bands=self.bands, hold=self.hold)
        return nodes

    def fit(self, picture: F32, matrix: F64, mesh: F64, steps: int) -> F64:
        """Fit the shifts (G, 2) of the nodes, starting at ``mesh``."""
        first, share = self.hold
        for _ in range(steps):
            fit = register(self.target, picture, matrix, "", 1, shifts=self.at_places(mesh))
            if not len(fit.residuals):
                break
            bands, step = self.bands.copy(), np.zeros(mesh.size)
            certain = fit.weights * np.float32(1 / (fit.scale**2 * _CORRELATED_PLACES[self.target.max_places]))
            mesh_equations(first, share, self.cells, self.steps, certain, self.slopes, fit.residuals, bands, step)
            # Slopes are the target's: a residual above zero asks for a step back.
            step += self.pull(mesh).ravel()
            solve(bands, step)
            mesh = mesh - np.clip(step, -1.5, 1.5).reshape(-1, 2)
        return mesh


class LocalMotion(NamedTuple):
    """The motion that one matrix cannot follow, of one frame.

    Attributes:
        left: px of the reduced picture left after registration.
        mesh: as `Placement.mesh`, in px of the reduced picture; None where none is certain.
    """

    left: float
    mesh: F32 | None


def refine(aligned: Aligned, scale: float, workers: int) -> Generator[float, None, list[LocalMotion]]:
    """Measure the motion left in each frame, and fit a mesh to it where it is certain.

    scale: px of the reduced picture in one of the full frame. No frame gets a mesh where parallax is certain in none.
    Yields the fraction done.
    """
    count = len(aligned.matrices)
    kept = [k for k in range(count) if not aligned.lost[k]]
    target = aligned.target
    by_shift = sorted(kept, key=lambda k: -float(np.hypot(*(aligned.matrices[k][:2, 2]))))
    tried = sorted({*evenly(kept, _EXAMINED_FRAMES // 2), *by_shift[: _EXAMINED_FRAMES // 2]})
    work = _Local(aligned, Nodes(Target(target.picture, target.known, target.blur, QUICK_PLACES)), scale)

    def hint(position: int) -> float:
        rough = work.nodes.target
        picture = detail(aligned.pictures[position], rough.blur)
        return rms_part_shift(rough, register(rough, picture, aligned.matrices[position], "", 2), _HINT_PARTS)

    hints = yield from scaled(in_threads(hint, tried, workers), 0.0, 0.1)
    tried = [k for k in tried if hints[k] > _HINT_PX * scale]
    local = yield from scaled(in_threads(work, tried, workers), 0.1, 0.3)
    certain = [k for k in tried if local[k][0] is not None]
    meshes: list[F64 | None] = [None] * count
    left = list(aligned.left)
    if len(certain) >= max(2, len(tried) // 3):
        # First those that a better picture is made of, then all against that.
        chosen = evenly(kept, SCENE_FRAMES)
        more = yield from scaled(in_threads(work, [k for k in chosen if k not in local], workers), 0.3, 0.5)
        local |= more
        meshes = [local[k][0] if k in local else None for k in range(count)]
        grown = [work.nodes.grown(mesh) for mesh in meshes]
        (target,) = targets(
            aligned.pictures, aligned.matrices, chosen, (target.blur,), meshes=grown, max_places=_FINAL_PLACES
        )
        work = _Local(aligned, Nodes(target), scale, meshes)
        local = yield from scaled(in_threads(work, kept, workers), 0.5, 1.0)
        meshes = [local[k][0] if k in local else None for k in range(count)]
        for k, (_, off) in local.items():
            left[k] = off
    meshes = _relative_to_reference(meshes, aligned)
    return [LocalMotion(left[k], work.nodes.grown(meshes[k])) for k in range(count)]


def _relative_to_reference(meshes: list[F64 | None], aligned: Aligned) -> list[F64 | None]:
    """Turn meshes over what all frames show together, which has no frame's geometry, into ones over the reference.

    The reference frame's own mesh is subtracted from all of them, turned and stretched as each frame is.
    """
    own = meshes[aligned.reference]
    if own is None:
        return meshes
    relative: list[F64 | None] = []
    for matrix, mesh in zip(aligned.matrices, meshes, strict=True):
        relative.append((0.0 if mesh is None else mesh) - own @ (matrix[:2, :2] / matrix[2, 2]).T)
    relative[aligned.reference] = None
    return relative


@dataclass
class _Local:
    """Fit the mesh of one frame, None where it is not certain, and measure the px of motion that are left."""

    aligned: Aligned
    nodes: Nodes
    scale: float
    start: list[F64 | None] | None = None

    @cached_property
    def noise(self) -> float:
        """Standard deviation, grey levels, of the residuals of all frames by their matrices."""
        return max(1.0, float(np.median([fit.scale for fit in self.aligned.fits])))

    def __call__(self, position: int) -> tuple[F64 | None, float]:
        nodes, matrix = self.nodes, self.aligned.matrices[position]
        target, picture = nodes.target, self.aligned.pictures[position]
        start, steps = None if self.start is None else self.start[position], 2
        if start is None:
            steps = 3
            coarse, fine = details(picture, (nodes.rough.target.blur, target.blur))
            start = 0.7 * nodes.rough.fit(coarse, matrix, np.zeros((nodes.shape[0] * nodes.shape[1], 2)), 2)
        else:
            fine = detail(picture, target.blur)
        fit = self._over(nodes, fine, matrix, None)
        if not len(fit.residuals):
            return None, 0.0
        mesh = self._certain(fine, matrix, start, fit, steps)
        if mesh is not None:
            bent = self._over(nodes, fine, matrix, mesh)
            if self._left(bent) > (1 - _MIN_GAIN) * self._left(fit):
                mesh = None
            else:
                fit = bent
        return mesh, rms_part_shift(target, fit)

    def _certain(self, picture: F32, matrix: F64, start: F64, plain: Fit, steps: int) -> F64 | None:
        """Return what both halves agree on of a mesh, if each predicts the other. plain: the fit without a mesh."""
        nodes, first = self.nodes, self.nodes.target.halves
        meshes = [part.fit(picture, matrix, start, steps) for part in nodes.parts]
        for part, mesh, half in zip(nodes.parts, meshes[::-1], (first, ~first), strict=True):
            bent = self._left(self._over(part, picture, matrix, mesh))
            if bent > (1 - _MIN_GAIN) * capped(plain.residuals, plain.inside & half, self.noise, _MAX_SQUARE):
                return None
        both = nodes.fit(picture, matrix, 0.5 * (meshes[0] + meshes[1]), steps - 1)
        differ = np.hypot(*(meshes[0] - meshes[1]).T)
        allowed = _AGREEMENT_PX + _AGREEMENT_FRACTION * np.hypot(*both.T)
        both *= np.clip(2 - differ / allowed, 0, 1)[:, None]
        return both if np.sqrt(np.square(both).sum(axis=1).mean()) >= _MIN_MESH_PX * self.scale else None

    def _over(self, nodes: Nodes, picture: F32, matrix: F64, mesh: F64 | None) -> Fit:
        shifts = None if mesh is None else nodes.at_places(mesh)
        return register(nodes.target, picture, matrix, "", 2, shifts=shifts)

    def _left(self, fit: Fit) -> float:
        """Return the mean square residual, in standard deviations of the fit by the matrix alone, capped."""
        return float(capped(fit.residuals, fit.inside, self.noise, _MAX_SQUARE)) if len(fit.residuals) else np.inf
