"""Compiled scans of the IRNN over pictures in channels-last memory, and their gradients.

All arrays are C-contiguous, all of one type, float32 or float64: a picture is (H, W, C), the directions of one
are (H, W, 4, C), weights and biases are (4, C). Directions are numbered up 0, right 1, down 2, left 3. In this
memory every scan runs over C values at once, which is what the vector units want.

As `rainclean._kernels`: each is compiled once for all sizes, releases the interpreter lock, and is called from
threads of ours on parts of a picture (rows along, blocks of columns across). What a call writes depends on its
part alone, so that results are the same with any number of threads. NaN stays NaN, as with torch's relu.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled, inlined

UP, RIGHT, DOWN, LEFT = range(4)

Floats = NDArray[Any]


@inlined
def _begin(x: Floats, out: Floats) -> None:
    """First position of a scan, (C,) values: relu(x)."""
    zero = x.dtype.type(0)
    for c in range(x.size):
        out[c] = zero if x[c] < zero else x[c]


@inlined
def _go_on(before: Floats, weight: Floats, bias: Floats, x: Floats, out: Floats) -> None:
    """Next position of a scan, (C,) values: relu((before·weight + bias) + x)."""
    zero = x.dtype.type(0)
    for c in range(x.size):
        h = (before[c] * weight[c] + bias[c]) + x[c]
        out[c] = zero if h < zero else h


@inlined
def _receive(grad: Floats, out: Floats, carry: Floats, gx: Floats) -> None:
    """Gradient of one position: what comes from outside and, in ``carry``, from the next position."""
    zero = gx.dtype.type(0)
    for c in range(gx.size):
        d = grad[c] + carry[c]
        carry[c] = zero if out[c] <= zero else d
    for c in range(gx.size):
        gx[c] += carry[c]


@inlined
def _hand_back(before: Floats, weight: Floats, carry: Floats, gw: Floats, gb: Floats) -> None:
    """From a position to the one before it, and to weight and bias."""
    for c in range(carry.size):
        gw[c] += carry[c] * before[c]
    for c in range(carry.size):
        d = carry[c]
        gb[c] += d
        carry[c] = d * weight[c]


@compiled
def scan_along(x: Floats, weight: Floats, bias: Floats, out: Floats) -> None:
    """Scan rows to the right and to the left, writing directions 1 and 3 of ``out``.

    Both at once: two chains that do not wait for each other.
    """
    rows, columns, _ = x.shape
    end = columns - 1
    for i in range(rows):
        xs, outs = x[i], out[i]
        _begin(xs[0], outs[0, 1])
        _begin(xs[end], outs[end, 3])
        for j in range(1, columns):
            _go_on(outs[j - 1, 1], weight[1], bias[1], xs[j], outs[j, 1])
            k = end - j
            _go_on(outs[k + 1, 3], weight[3], bias[3], xs[k], outs[k, 3])


@compiled
def scan_across(
    x: Floats,
    weight: Floats,
    bias: Floats,
    direction: int,
    before: Floats,
    continued: bool,
    first: int,
    last: int,
    out: Floats,
) -> None:
    """Scan columns ``first`` to ``last``, exclusive, up (0) or down (2), writing that direction of ``out``.

    continued: go on from ``before`` (W, C), the results of the row that lies before x; else start here.
    """
    rows = x.shape[0]
    step = 1 if direction == 2 else -1
    i = 0 if step == 1 else rows - 1
    for number in range(rows):
        if number > 0:
            for j in range(first, last):
                _go_on(out[i - step, j, direction], weight[direction], bias[direction], x[i, j], out[i, j, direction])
        elif continued:
            for j in range(first, last):
                _go_on(before[j], weight[direction], bias[direction], x[i, j], out[i, j, direction])
        else:
            for j in range(first, last):
                _begin(x[i, j], out[i, j, direction])
        i += step


@compiled
def scan_through(
    x: Floats,
    weight: Floats,
    bias: Floats,
    direction: int,
    wanted: NDArray[np.int64],
    first: int,
    last: int,
    kept: Floats,
) -> None:
    """Scan as `scan_across` from the edge on, keeping only some rows.

    wanted: (H,) int64, for each row its place in ``kept`` (N, W, C) or -1.
    """
    rows, _, channels = x.shape
    now = np.empty((last - first, channels), x.dtype)
    step = 1 if direction == 2 else -1
    i = 0 if step == 1 else rows - 1
    for number in range(rows):
        for j in range(first, last):
            if number == 0:
                _begin(x[i, j], now[j - first])
            else:
                _go_on(now[j - first], weight[direction], bias[direction], x[i, j], now[j - first])
        if wanted[i] >= 0:
            kept[wanted[i], first:last] = now
        i += step


@compiled
def grad_along(grad: Floats, out: Floats, weight: Floats, gx: Floats, gw: Floats, gb: Floats) -> None:
    """Compute gradients of the scans to the right and left, all four directions in ``grad`` and ``out``.

    Sets ``gx`` (H, W, C); sets for each row the sums over its positions but the first: ``gw`` and ``gb``
    (H, 4, C), directions 1 and 3.
    """
    rows, columns, channels = gx.shape
    carry = np.empty((2, channels), gx.dtype)
    for i in range(rows):
        grads, outs, gxs = grad[i], out[i], gx[i]
        gxs[:], carry[:] = 0, 0
        for direction in (1, 3):
            gw[i, direction], gb[i, direction] = 0, 0
        for k in range(columns):
            j = columns - 1 - k
            _receive(grads[j, 1], outs[j, 1], carry[0], gxs[j])
            _receive(grads[k, 3], outs[k, 3], carry[1], gxs[k])
            if j > 0:
                _hand_back(outs[j - 1, 1], weight[1], carry[0], gw[i, 1], gb[i, 1])
                _hand_back(outs[k + 1, 3], weight[3], carry[1], gw[i, 3], gb[i, 3])


@compiled
def grad_across(
    grad: Floats, out: Floats, weight: Floats, direction: int, first: int, last: int, gx: Floats, gw: Floats, gb: Floats
) -> None:
    """Compute gradients of the scan up (0) or down (2) of columns ``first`` to ``last``, exclusive.

    Adds to ``gx`` (H, W, C); sets ``gw`` and ``gb`` (4, C) float64 of that direction to the sums of these columns.
    """
    rows, _, channels = gx.shape
    carry = np.zeros((last - first, channels), gx.dtype)
    row_w, row_b = np.empty(channels, gx.dtype), np.empty(channels, gx.dtype)
    gw[direction], gb[direction] = 0, 0
    step = 1 if direction == 2 else -1
    i = rows - 1 if step == 1 else 0
    for number in range(rows):
        row_w[:], row_b[:] = 0, 0
        for j in range(first, last):
            _receive(grad[i, j, direction], out[i, j, direction], carry[j - first], gx[i, j])
            if number < rows - 1:
                _hand_back(out[i - step, j, direction], weight[direction], carry[j - first], row_w, row_b)
        # Row by row, so that sums over a whole picture keep their precision.
        for c in range(channels):
            gw[direction, c] += row_w[c]
            gb[direction, c] += row_b[c]
        i -= step
