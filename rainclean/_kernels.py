"""Compiled kernels over tiles: (N, T) uint8, one row a frame, one column a sample (a pixel's luma or channel).

Each has a plain numpy twin of the same name and arguments in `tests/oracles/kernels.py`, which tests hold it against.
Kernels release the interpreter lock and run in threads of ours: numba's own parallel loops abort when two
threads enter them at once. Each is compiled once for all sizes and every N, and kept in numba's cache. They take
positional arguments only, however many, because the compiler does.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled

U8 = NDArray[np.uint8]
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
F32 = NDArray[np.float32]

_CHUNK = 1024  # columns whose sums stay in the first-level cache
_SORT_CHUNK = 2048  # columns that are sorted at a time: much of them stays in the first-level cache
_SMALL_STEP = 16  # sums over squares of so many px fit 16 bits: 16²·255
_ROWS = 256  # rows whose sums cannot leave 16 bits: 256·255


@compiled
def luma(rgb: U8, out: U8) -> None:
    """Convert to BT.601 full-range luma, truncated: ``rgb`` (3·P,) interleaved uint8 → ``out`` (P,) uint8.

    In whole thousandths, so that truncation is exact (factors 0.299, 0.587, 0.114).
    """
    for i in range(out.size):
        r, g, b = np.uint32(rgb[3 * i]), np.uint32(rgb[3 * i + 1]), np.uint32(rgb[3 * i + 2])
        out[i] = (np.uint32(299) * r + np.uint32(587) * g + np.uint32(114) * b) // np.uint32(1000)


@compiled
def square_means(lines: U8, step: int, means: F32) -> None:
    """Average each channel over squares of ``step`` px: ``lines`` (≥ R·step, ≥ 3·C·step) interleaved uint8.

    Out: ``means`` (R, C, 3) float32 in levels. step: 1 to 257, so that sums of a column fit 16 bits.
    """
    rows, columns = means.shape[:2]
    width, share = 3 * columns * step, np.float32(1) / np.float32(step * step)
    total, small, large = np.empty(width, np.uint16), np.empty(width, np.uint16), np.empty(width, np.uint32)
    count, fits = width - 3 * (step - 1), step <= _SMALL_STEP
    for r in range(rows):
        line = lines[r * step]
        for i in range(width):
            total[i] = line[i]
        for y in range(r * step + 1, (r + 1) * step):
            line = lines[y]
            for i in range(width):
                total[i] += line[i]
        # Sums over the squares that begin at any px, not only at those wanted: the compiler makes vectors of that.
        # Twice, because a variable has one type, and a helper for both would be a kernel that is compiled twice.
        row = means[r]
        if fits:
            for i in range(count):
                small[i] = total[i]
            for s in range(1, step):
                beside = total[3 * s :]
                for i in range(count):
                    small[i] += beside[i]
            for c in range(columns):
                i = 3 * c * step
                row[c, 0], row[c, 1], row[c, 2] = small[i] * share, small[i + 1] * share, small[i + 2] * share
        else:
            for i in range(count):
                large[i] = total[i]
            for s in range(1, step):
                beside = total[3 * s :]
                for i in range(count):
                    large[i] += beside[i]
            for c in range(columns):
                i = 3 * c * step
                row[c, 0], row[c, 1], row[c, 2] = large[i] * share, large[i + 1] * share, large[i + 2] * share


@compiled
def apply_network(tile: U8, pairs: I32) -> None:
    """Sort rows in place: for each (i, j) of ``pairs`` (C, 2) int32, the smaller value goes into row i."""
    for left in range(0, tile.shape[1], _SORT_CHUNK):
        stop = min(tile.shape[1], left + _SORT_CHUNK)
        for p in range(pairs.shape[0]):
            low, high = tile[pairs[p, 0], left:stop], tile[pairs[p, 1], left:stop]
            for c in range(low.size):
                a, b = low[c], high[c]
                low[c] = min(a, b)
                high[c] = max(a, b)


@compiled
def mode_range(tile: U8, mode: U8, first: I32, last: I32) -> None:
    """Find the most frequent value of each column of a sorted tile, and its place in the column.

    ``tile`` (N, T) sorted, N up to 65 535; out: ``mode`` (T,) uint8, ``first`` and ``last`` (T,) int32, the 0-based
    indices of its first and last occurrence. Of equally frequent values the lowest is taken.
    """
    n, width = tile.shape
    run, best, at = np.empty(_CHUNK, np.uint16), np.empty(_CHUNK, np.uint16), np.empty(_CHUNK, np.uint16)
    one = np.uint16(1)
    for left in range(0, width, _CHUNK):
        size = min(_CHUNK, width - left)
        value = mode[left : left + size]
        for c in range(size):
            run[c], best[c], at[c], value[c] = 1, 1, 0, tile[0, left + c]
        for i in range(1, n):
            row, before = tile[i, left : left + size], tile[i - 1, left : left + size]
            for c in range(size):
                length = np.uint16(run[c] + one) if row[c] == before[c] else one
                longer = length > best[c]
                run[c] = length
                best[c] = length if longer else best[c]
                value[c] = row[c] if longer else value[c]
                at[c] = np.uint16(i) if longer else at[c]
        for c in range(size):
            last[left + c] = np.int32(at[c])
            first[left + c] = np.int32(at[c]) - np.int32(best[c]) + np.int32(1)


@compiled
def count_votes(first: I32, last: I32, n: int, votes: NDArray[np.int64]) -> int:
    """Add the votes of T pixels for whole percentiles; returns how many pixels have none to give.

    ``first``, ``last`` (T,) int32 as from `mode_range`, ``n`` frames, ``votes`` (101,) int64 added to. A pixel
    votes for each integer in [100·first/n, 100·last/n].
    """
    silent = 0
    change = np.zeros(102, np.int64)
    for c in range(first.size):
        low = (100 * np.int64(first[c]) + n - 1) // n
        high = (100 * np.int64(last[c])) // n
        if low > high:
            silent += 1
        else:
            change[low] += 1
            change[high + 1] -= 1
    total = 0
    for e in range(101):
        total += change[e]
        votes[e] += total
    return silent


@compiled
def count_in_cells(first: I32, last: I32, begin: int, width: int, cell: int, change: I32) -> None:
    """Add the ranks of the modes of T pixels, cell by cell, as steps up and down.

    ``first``, ``last`` (T,) int32 as from `mode_range`, of the pixels from ``begin`` on of a picture ``width`` px
    wide in lines; cells are squares of ``cell`` px. ``change`` (rows, columns, N + 1) int32, whose first row of cells
    is that of pixel ``begin``, added to: +1 at rank first, −1 at rank last + 1. Its running sum counts pixels.
    """
    top = begin // width // cell
    c = 0
    while c < first.size:
        y, x = (begin + c) // width, (begin + c) % width
        counts = change[y // cell - top, x // cell]
        stop = min(first.size, c + min(cell - x % cell, width - x))
        for i in range(c, stop):
            counts[first[i]] += 1
            counts[last[i] + 1] -= 1
        c = stop


@compiled
def percentile(tile: U8, rank: int, part: int, out: U8) -> None:
    """Take a percentile of a sorted tile: rows ``rank`` and ``rank``+1 blended by ``part`` thousandths, truncated.

    ``tile`` (N, T) sorted uint8, ``out`` (T,) uint8. ``part`` 0 takes row ``rank`` alone.
    """
    above = rank + 1 if part > 0 else rank
    low, high = tile[rank], tile[above]
    # The rows rise, so the blend is the lower value and a whole part of what they are apart. With a half added, no
    # quotient is so near a whole number that rounding changes it; and floats divide several times as fast as integers.
    upper, half, share = np.float32(part), np.float32(0.5), np.float32(0.001)
    for c in range(out.size):
        apart = np.float32(high[c]) - np.float32(low[c])
        out[c] = low[c] + np.uint8(np.int32((apart * upper + half) * share))


@compiled
def percentile_per_pixel(tile: U8, tenths: I16, out: U8) -> None:
    """Take percentiles as `percentile`, one for each column: ``tenths`` (T,) int16, 0…1000, of a tile (N, T)."""
    steps = tile.shape[0] - 1
    for c in range(out.size):
        place = np.uint32(tenths[c]) * np.uint32(steps)
        rank = place // np.uint32(1000)
        upper = place - rank * np.uint32(1000)
        low, high = tile[rank, c], tile[min(rank + np.uint32(1), np.uint32(steps)), c]
        out[c] = ((np.uint32(1000) - upper) * np.uint32(low) + upper * np.uint32(high)) // np.uint32(1000)


@compiled
def mean_shift(
    tile: U8, tenths: I16, sigma: F32, below: float, above: float, moved: float, steps: int, out: F32
) -> None:
    """Shift from a percentile of each column of a sorted tile to the mean of the clean samples around it (mean shift).

    ``tile`` (N, T) sorted uint8; ``tenths`` (T,) int16, 0…1000, the percentile to start from; ``sigma`` (256,) float32,
    above 0: standard deviation of clean samples by level, that of the start rounded to a level; out: ``out`` (T,)
    float32 in levels. ``steps`` times a value becomes the mean of the samples from ``below`` standard deviations below
    it to ``above`` above it, less ``moved`` standard deviations, which is what that cutting does to clean noise;
    where no sample is that near, it stays.
    """
    n, width = tile.shape
    down, up, aside = np.float32(below), np.float32(above), np.float32(moved)
    noise = np.empty(_CHUNK, np.float32)
    low, span = np.empty(_CHUNK, np.uint8), np.empty(_CHUNK, np.uint8)
    some, count = np.empty(_CHUNK, np.uint16), np.empty(_CHUNK, np.uint16)
    total = np.empty(_CHUNK, np.uint32)
    for left in range(0, width, _CHUNK):
        size = min(_CHUNK, width - left)
        value = out[left : left + size]
        for c in range(size):
            place = np.uint32(tenths[left + c]) * np.uint32(n - 1)
            rank = place // np.uint32(1000)
            part = np.float32(place - rank * np.uint32(1000)) / np.float32(1000)
            lower = np.float32(tile[rank, left + c])
            upper = np.float32(tile[min(rank + np.uint32(1), np.uint32(n - 1)), left + c])
            value[c] = lower + part * (upper - lower)
            noise[c] = sigma[np.int32(value[c] + np.float32(0.5))]
        for _ in range(steps):
            for c in range(size):
                # Samples are whole: an interval of whole levels holds the same ones.
                bottom = max(np.ceil(value[c] - down * noise[c]), np.float32(0))
                top = min(np.floor(value[c] + up * noise[c]), np.float32(255))
                low[c] = np.uint8(bottom)
                span[c] = np.uint8(max(top - bottom, np.float32(0)))
                total[c] = 0
                count[c] = 0
            for row in range(0, n, _ROWS):
                for c in range(size):
                    some[c] = 0
                for i in range(row, min(n, row + _ROWS)):
                    samples = tile[i, left : left + size]
                    for c in range(size):
                        over = np.uint8(samples[c] - low[c])  # wraps below ``low``, and is then beyond ``span``
                        near = over <= span[c]
                        some[c] += np.uint16(over) if near else np.uint16(0)
                        count[c] += np.uint16(1) if near else np.uint16(0)
                for c in range(size):
                    total[c] += np.uint32(some[c])
            for c in range(size):
                empty = value[c] + up * noise[c] < np.float32(low[c])  # no whole level inside
                if count[c] > 0 and not empty:
                    mean = np.float32(low[c]) + np.float32(total[c]) / np.float32(count[c])
                    value[c] = mean - aside * noise[c]


@compiled
def shortest_interval_midpoint(tile: U8, held: int, centre: NDArray[np.float32]) -> None:
    """Find the shortest-interval midpoint of each column of a sorted tile: the middle of the narrowest interval.

    ``tile`` (N, T) sorted; of all intervals that hold ``held`` of the N samples the narrowest counts, of
    several equally narrow ones the mean of their middles; out: ``centre`` (T,) float32 in grey levels.
    """
    n, width = tile.shape
    narrowest = np.full(width, 255, np.uint8)
    for i in range(n - held + 1):
        bottom, top = tile[i], tile[i + held - 1]
        for c in range(width):
            narrowest[c] = min(narrowest[c], np.uint8(top[c] - bottom[c]))
    total = np.zeros(width, np.int32)
    ties = np.zeros(width, np.int32)
    for i in range(n - held + 1):
        bottom, top = tile[i], tile[i + held - 1]
        for c in range(width):
            tied = np.uint8(top[c] - bottom[c]) == narrowest[c]
            total[c] += np.int32(top[c]) + np.int32(bottom[c]) if tied else np.int32(0)
            ties[c] += np.int32(tied)
    for c in range(width):
        centre[c] = np.float32(total[c]) / np.float32(2 * ties[c])


@compiled
def count_apart(one: U8, other: U8) -> int:
    """Count values of two (T,) uint8 arrays that differ by more than one level."""
    count = 0
    for c in range(one.size):
        low, high = min(one[c], other[c]), max(one[c], other[c])
        if np.uint8(high - low) > np.uint8(1):
            count += 1
    return count


@compiled
def count_steps(before: U8, now: U8, counts: NDArray[np.int64], change: F32) -> None:
    """Count the changes from one picture to another, (R, W) uint8 both, by size: ``counts`` (511,), added to.

    No change is counted in the middle, at 255. Out: ``change`` (R, W) float32, how large each is.
    """
    none = np.int16(255)
    for y in range(now.shape[0]):
        one, other, size = before[y], now[y], change[y]
        for x in range(size.size):
            size[x] = np.float32(abs(np.int16(other[x]) - np.int16(one[x])))
        for x in range(size.size):
            counts[np.int16(other[x]) - np.int16(one[x]) + none] += 1


@compiled
def every_pixel(line: U8, first: int, step: int, out: U8) -> None:
    """Copy each ``step``-th pixel from ``first`` on: ``line`` (N, 3·W) → ``out`` (N, 3·w), interleaved RGB, uint8."""
    for n in range(out.shape[0]):
        row, found = line[n], out[n]
        for i in range(out.shape[1] // 3):
            place = 3 * (first + i * step)
            found[3 * i] = row[place]
            found[3 * i + 1] = row[place + 1]
            found[3 * i + 2] = row[place + 2]


@compiled
def add_every(frame: U8, step: int, total: F32) -> None:
    """Add every ``step``-th pixel of ``frame`` (H, W, 3) uint8 to ``total`` (⌈H/step⌉, ⌈W/step⌉, 3) float32."""
    for y in range(total.shape[0]):
        row, out = frame[y * step].reshape(-1), total[y].reshape(-1)
        for x in range(total.shape[1]):
            place = 3 * x * step
            out[3 * x] += np.float32(row[place])
            out[3 * x + 1] += np.float32(row[place + 1])
            out[3 * x + 2] += np.float32(row[place + 2])


def load() -> None:
    """Compile all kernels or load them from the cache, so that this is not counted as work later."""
    tile = np.zeros((4, 64), np.uint8)
    row = np.zeros(64, np.uint8)
    first, last = np.zeros(64, np.int32), np.zeros(64, np.int32)
    luma(np.zeros(192, np.uint8), row)
    square_means(np.zeros((4, 12), np.uint8), 2, np.zeros((2, 2, 3), np.float32))
    apply_network(tile, np.array([[0, 1]], np.int32))
    mode_range(tile, row, first, last)
    count_votes(first, last, 4, np.zeros(101, np.int64))
    count_in_cells(first, last, 0, 8, 8, np.zeros((1, 1, 5), np.int32))
    percentile(tile, 1, 500, row)
    percentile_per_pixel(tile, np.zeros(64, np.int16), row)
    mean_shift(tile, np.zeros(64, np.int16), np.ones(256, np.float32), 2.5, 1.5, -0.1, 3, np.zeros(64, np.float32))
    shortest_interval_midpoint(tile, 2, np.zeros(64, np.float32))
    count_apart(row, row)
    count_steps(tile, tile, np.zeros(511, np.int64), np.zeros((4, 64), np.float32))
    every_pixel(np.zeros((4, 192), np.uint8), 0, 2, np.zeros((4, 96), np.uint8))
    add_every(np.zeros((4, 8, 3), np.uint8), 2, np.zeros((2, 4, 3), np.float32))
