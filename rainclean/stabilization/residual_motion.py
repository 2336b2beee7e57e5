"""Measure the motion that registration left: shifts of parts of a picture beyond what noise explains.

`alignment` and `parallax` call this for every frame they registered.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled
from rainclean.stabilization.gauss_newton import Fit, Target

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

_PARTS = 4  # parts across and down whose shifts are measured


@compiled
def part_equations(
    rows: I64,
    columns: I64,
    half: Mask,
    height: int,
    width: int,
    parts: int,
    weight: F32,
    slopes: F32,
    residual: F32,
    sums: F64,
) -> None:
    """Add up products over the places (K,) of a picture of height × width px, by half and part.

    ``sums`` (2, parts², 5), added to: of xx, yy and xy of the ``slopes`` (≥ 2, K), and of both by the residual, each by
    its weight. parts: to a side.
    """
    for k in range(weight.size):
        if weight[k] > 0:
            cell = sums[0 if half[k] else 1, rows[k] * parts // height * parts + columns[k] * parts // width]
            x, y = weight[k] * slopes[0, k], weight[k] * slopes[1, k]
            cell[0] += x * slopes[0, k]
            cell[1] += y * slopes[1, k]
            cell[2] += x * slopes[1, k]
            cell[3] += x * residual[k]
            cell[4] += y * residual[k]


def rms_part_shift(target: Target, fit: Fit, parts: int = _PARTS) -> float:
    """Return the root mean square shift, px, of the parts of a picture against the target, by their certainty.

    Each part is measured on both halves of the chequerboard; the product of the two is free of their noise.
    """
    if not len(fit.residuals):
        return 0.0
    sums = np.zeros((2, parts * parts, 5))
    part_equations(
        *target.places, target.halves, *target.size, parts, fit.weights, target.by_number, fit.residuals, sums
    )
    sums *= np.array([(half := target.to_unit[0, 0]) ** 2, half**2, half**2, half, half])
    xx, yy, xy, rx, ry = np.moveaxis(sums, 2, 0)  # (2 halves, parts) each
    steep, flat = xx * 1.01 + 1e-6, yy * 1.01 + 1e-6
    det = steep * flat - xy * xy
    shifts = np.stack([(flat * rx - xy * ry) / det, (steep * ry - xy * rx) / det], 1)
    certain = np.minimum(*(det / (steep + flat)))
    if certain.sum() <= 0:
        return 0.0
    shared = np.clip((shifts[0] * shifts[1]).sum(axis=0), -4, 4)
    return float(np.sqrt(max(0.0, float((shared * certain).sum() / certain.sum()))))
