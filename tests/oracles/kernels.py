"""Plain numpy twins of the compiled kernels: the readable definition of each, and what tests hold them against.

Same names, arguments and results as in `_kernels`, `_addressed` and `_weighing`; shapes and units are documented there.
"""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainclean.rainfree._kernels import LINE_SIZE, LINE_STEPS, LOWEST, SIZE, STEPS, ZERO

U8 = NDArray[np.uint8]
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
F32 = NDArray[np.float32]


def samples_at(address: int, first: int, count: int) -> U8:
    """Twin of `_addressed.samples_at`."""
    return np.ctypeslib.as_array((ctypes.c_uint8 * count).from_address(address + first))


def copy_columns(addresses: NDArray[np.uint64], first: int, tile: U8) -> None:
    """Twin of `_addressed.copy_columns`."""
    for row, address in zip(tile, addresses.tolist(), strict=True):
        row[:] = samples_at(address, first, row.size)


def luma(rgb: U8, out: U8) -> None:
    """Twin of `_kernels.luma`."""
    out[:] = rgb.reshape(-1, 3).astype(np.int64) @ (299, 587, 114) // 1000


def square_means(lines: U8, step: int, means: F32) -> None:
    """Twin of `_kernels.square_means`."""
    rows, columns = means.shape[:2]
    rgb = lines[: rows * step, : 3 * columns * step].reshape(rows, step, columns, step, 3)
    means[:] = rgb.sum(axis=(1, 3), dtype=np.int64).astype(np.float32) * (np.float32(1) / np.float32(step * step))


def apply_network(tile: U8, pairs: NDArray[Any]) -> None:
    """Twin of `_kernels.apply_network`."""
    for i, j in pairs:
        tile[i], tile[j] = np.minimum(tile[i], tile[j]), np.maximum(tile[i], tile[j])


def mode_range(tile: U8, mode: U8, first: I32, last: I32) -> None:
    """Twin of `_kernels.mode_range`."""
    for c in range(tile.shape[1]):
        values, where, counts = np.unique(tile[:, c], return_index=True, return_counts=True)
        best = int(np.argmax(counts))  # the first, hence lowest, of equally frequent values
        mode[c] = values[best]
        first[c] = where[best]
        last[c] = where[best] + counts[best] - 1


def count_votes(first: I32, last: I32, n: int, votes: NDArray[np.int64]) -> int:
    """Twin of `_kernels.count_votes`."""
    percentiles = np.arange(101)
    inside = (percentiles * n >= 100 * first.astype(np.int64)[:, None]) & (
        percentiles * n <= 100 * last.astype(np.int64)[:, None]
    )
    votes += inside.sum(axis=0)
    return int((~inside.any(axis=1)).sum())


def count_in_cells(first: I32, last: I32, begin: int, width: int, cell: int, change: I32) -> None:
    """Twin of `_kernels.count_in_cells`."""
    pixels = begin + np.arange(first.size)
    y, x = pixels // width // cell - begin // width // cell, pixels % width // cell
    np.add.at(change, (y, x, first), 1)
    np.add.at(change, (y, x, last + 1), -1)


def percentile(tile: U8, rank: int, part: int, out: U8) -> None:
    """Twin of `_kernels.percentile`."""
    above = tile[min(rank + 1, len(tile) - 1)].astype(np.int64)
    out[:] = ((1000 - part) * tile[rank].astype(np.int64) + part * above) // 1000


def percentile_per_pixel(tile: U8, tenths: I16, out: U8) -> None:
    """Twin of `_kernels.percentile_per_pixel`."""
    for c in range(out.size):
        rank, part = divmod(int(tenths[c]) * (len(tile) - 1), 1000)
        percentile(tile[:, c : c + 1], rank, part, out[c : c + 1])


def mean_shift(
    tile: U8, tenths: I16, sigma: F32, below: float, above: float, moved: float, steps: int, out: F32
) -> None:
    """Twin of `_kernels.mean_shift`: the same steps in single precision, which decide what lies just inside."""
    down, up, aside = np.float32(below), np.float32(above), np.float32(moved)
    columns = np.arange(tile.shape[1])
    rank, part = np.divmod(tenths.astype(np.int64) * (len(tile) - 1), 1000)
    lower = tile[rank, columns].astype(np.float32)
    upper = tile[np.minimum(rank + 1, len(tile) - 1), columns].astype(np.float32)
    value = lower + part.astype(np.float32) / np.float32(1000) * (upper - lower)
    noise = sigma[(value + np.float32(0.5)).astype(np.int64)]
    for _ in range(steps):
        bottom = np.maximum(np.ceil(value - down * noise), 0).astype(np.int64)
        near = (tile >= bottom) & (tile <= np.floor(value + up * noise))
        total, count = ((tile - bottom) * near).sum(axis=0), near.sum(axis=0)
        mean = bottom.astype(np.float32) + total.astype(np.float32) / np.maximum(count, 1).astype(np.float32)
        value = np.where(count > 0, mean - aside * noise, value)
    out[:] = value


def shortest_interval_midpoint(tile: U8, held: int, centre: NDArray[np.float32]) -> None:
    """Twin of `_kernels.shortest_interval_midpoint`."""
    bottom, top = tile[: len(tile) - held + 1].astype(np.int64), tile[held - 1 :].astype(np.int64)
    tied = top - bottom == (top - bottom).min(axis=0)
    centre[:] = ((bottom + top) * tied).sum(axis=0).astype(np.float32) / (2 * tied.sum(axis=0)).astype(np.float32)


def count_apart(one: U8, other: U8) -> int:
    """Twin of `_kernels.count_apart`."""
    return int((np.abs(one.astype(np.int64) - other) > 1).sum())


def count_steps(before: U8, now: U8, counts: NDArray[np.int64], change: F32) -> None:
    step = now.astype(int) - before
    counts += np.bincount(step.ravel() + 255, minlength=511)
    change[:] = np.abs(step)


def every_pixel(line: U8, first: int, step: int, out: U8) -> None:
    """Twin of `_kernels.every_pixel`."""
    pixels = line.reshape(len(line), -1, 3)
    out[:] = pixels[:, first::step][:, : out.shape[1] // 3].reshape(out.shape)


def add_every(frame: U8, step: int, total: F32) -> None:
    """Twin of `_kernels.add_every`."""
    total += frame[::step, ::step]


def by_level(total: F32, table: F32, out: F32) -> None:
    """Twin of `_kernels.by_level`."""
    out[:] = table[np.clip(total * np.float32(1 / 3) + np.float32(0.5), 0, 255).astype(np.int32)]


def channel_sums(picture: F32, out: F32) -> None:
    """Twin of `_kernels.channel_sums`."""
    out[:] = picture[..., 0] + picture[..., 1] + picture[..., 2]


def residuals(frame: U8, clean: F32, scale: F32, out: U8) -> None:
    """Twin of `_kernels.residuals`."""
    place = (frame.sum(axis=2).astype(np.float32) - clean) * scale + np.float32(ZERO + 0.5)
    out[:] = np.clip(place, 0, np.float32(SIZE - 0.5)).astype(np.uint8)


def along_streaks(z: U8, reach: int, offsets: I32, first: int, out: U8) -> None:
    """Twin of `_kernels.along_streaks`."""
    rows, width = z.shape
    for y in range(len(out)):
        near = range(max(0, first + y - reach), min(rows, first + y + reach + 1))
        total = np.zeros(width, np.int64)
        for row in near:
            columns = np.arange(width) + int(offsets[row] - offsets[first + y])
            inside = (columns >= 0) & (columns < width)
            total[inside] += z[row, columns[inside]].astype(np.int64) - ZERO
        share = np.float32(LINE_STEPS / STEPS / np.sqrt(len(near)))
        place = total.astype(np.float32) * share + np.float32(-LOWEST * LINE_STEPS + 0.5)
        out[y] = np.clip(place, 0, np.float32(LINE_SIZE - 0.5)).astype(np.uint8)


def accumulate(
    addresses: NDArray[np.uint64], z: U8, first: int, lines: U8, chance: F32, total: F32, weight: F32
) -> None:
    """Twin of `_addressed.accumulate`."""
    rows = len(weight)
    for n, address in enumerate(addresses.tolist()):
        q = chance[lines[n, :rows], z[n, first : first + rows]]
        weight += q
        total += q[..., None] * samples_at(address, 0, total.size).reshape(total.shape).astype(np.float32)


def squares_above(lines: U8, least: int) -> int:
    """Twin of `_kernels.squares_above`."""
    return int(np.square(np.maximum(lines.astype(np.int64) - least, 0)).sum())


def settle(totals: F32, weights: F32, top: int, least: float, mean: F32) -> None:
    """Twin of `_kernels.settle`."""
    rows = np.s_[:, top : top + len(mean)]
    whole = weights[rows].sum(axis=0)
    found = totals[rows].sum(axis=0) * (np.float32(1) / np.maximum(whole, np.float32(least)))[..., None]
    mean[:] = np.where((whole < np.float32(least))[..., None], mean, found)


def variance_of_halves(totals: F32, weights: F32, top: int, out: F32) -> None:
    """Twin of `_kernels.variance_of_halves`."""
    rows = np.s_[:, top : top + len(out)]
    one, other = np.maximum(weights[rows], np.float32(1e-3)).astype(np.float64)
    (a, b) = totals[rows]
    off = a / one[..., None] - b / other[..., None]
    out[:] = np.square(off).mean(axis=2) * one * other / np.square(one + other)


def correlate(one: U8, other: U8, sums: NDArray[np.float64]) -> None:
    """Twin of `_kernels.correlate`."""
    a, b = (z.astype(np.int64) - ZERO for z in (one, other))
    calm = (np.abs(a) < 2 * STEPS) & (np.abs(b) < 2 * STEPS)
    sums += 2 * (a * b)[calm].sum(), (a * a + b * b)[calm].sum()
