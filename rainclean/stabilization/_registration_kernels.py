"""Compiled loops of `gauss_newton`: samples of a picture, robust weights, normal equations.

Bicubic samples after Keys (TASSP 1981); weights are Tukey's biweight. Kernels take positional arguments only, because
the compiler does.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

HISTOGRAM_BINS = 8192
"""Bins of a histogram of residuals, half of them below zero; `_BINS` of them are one grey level."""

_BINS = 32  # of a histogram in one grey level
_TUKEY = 4.0  # robust standard deviations at which a residual has lost all its weight
_MIN_SCALE = 0.4  # grey levels: rounding alone is as much
_BLOCK, _LANES = 1024, 16  # places whose slopes stay in the first-level cache; sums beside each other


@compiled
def sample_bicubic(picture: F32, matrix: F64, x: F64, y: F64, by_x: F64, by_y: F64, out: F32, inside: Mask) -> int:
    """Sample ``picture`` (H, W) bicubically (Catmull-Rom; Keys, TASSP 1981) where a matrix takes points.

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
def relit_residuals(
    out: F32, values: F32, inside: Mask, gain: float, offset: float, every: int, residual: F32, counts: U16
) -> tuple[float, float]:
    """Subtract ``values``, brought to another exposure, from ``out`` (K,): ``residual`` (K,).

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
def tukey_weights(residual: F32, inside: Mask, middle: float, reach: float, weight: F32) -> None:
    """Compute Tukey's biweights (K,) of residuals: 0 at ``reach`` from the ``middle``, and outside."""
    m, share = np.float32(middle), np.float32(1 / reach)
    for k in range(residual.size):
        off = (residual[k] - m) * share
        kept = max(np.float32(0), np.float32(1) - off * off)
        weight[k] = kept * kept if inside[k] else np.float32(0)


@compiled
def reweight(
    out: F32, values: F32, inside: Mask, light: F64, steps: int, every: int, residual: F32, weight: F32, counts: U16
) -> float:
    """Compute residuals of ``out`` (K,) against ``values`` and their weights, after ``steps`` steps of the exposure.

    light: (2,) gain and offset to begin with, changed in place. Out: ``residual``, ``weight`` (K,). every, counts: as
    `relit_residuals` takes them. Returns the robust standard deviation of the residuals, grey levels.
    """
    scale = 0.0
    for turn in range(steps + 1):
        low, middle = relit_residuals(out, values, inside, light[0], light[1], every, residual, counts)
        scale = max(_MIN_SCALE, (middle - low) / 0.6745)
        tukey_weights(residual, inside, middle, _TUKEY * scale, weight)
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
def weighted_correlation(one: F32, other: F32, weight: F32) -> float:
    """Return the weighted correlation of two rows (K,), 0 without weights."""
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
def normal_equations(slopes: F32, used: I64, weight: F32, residual: F32, normal: F64, right: F64) -> None:
    """Add the normal equations of weighted least squares to ``normal`` (P, P) and ``right`` (P,).

    slopes: (≥ P, K), one row for each parameter; used: (P,) rows. weight, residual: (K,). A loop of ours: BLAS would
    start threads within our threads. Sums run in lanes beside each other, which the compiler makes vectors of.
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
