"""Compiled loops over the residuals of all frames; see `residual_grid` for their unit.

Where several searches run beside each other, each call of numpy waits for the interpreter's lock: loops that are
compiled take it once. They give the same numbers as plain numpy and OpenCV do, which tests hold them against.
Kernels take positional arguments only, because the compiler does.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled

U8 = NDArray[np.uint8]
I8 = NDArray[np.int8]
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]


@compiled
def keep_large(mask: U8, least: int, out: U8) -> None:
    """Keep the parts of ``mask`` (r, c) that have at least ``least`` cells; cells that touch at a corner are connected.

    ``out`` (r, c): 1 in those parts, 0 elsewhere.
    """
    rows, columns = mask.shape
    # Runs of cells in each row, and a tree of those that are connected. A row has (columns + 1) // 2 runs at most.
    most = rows * ((columns + 1) // 2)
    first, stop, parent = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    begin = np.empty(rows + 1, np.int32)
    count = 0
    for y in range(rows):
        begin[y] = count
        line = mask[y]
        x = 0
        while x < columns:
            if line[x] == 0:
                x += 1
                continue
            left = x
            while x < columns and line[x] != 0:
                x += 1
            first[count], stop[count], parent[count] = left, x, count
            count += 1
        begin[y + 1] = count
        if y == 0:
            continue
        above = begin[y - 1]
        for i in range(begin[y], count):
            while above < begin[y] and stop[above] < first[i]:
                above += 1
            j = above
            while j < begin[y] and first[j] <= stop[i]:
                a, b = i, j
                while parent[a] != a:
                    a = parent[a]
                while parent[b] != b:
                    b = parent[b]
                parent[max(a, b)] = min(a, b)
                parent[i] = min(a, b)
                j += 1
    size = np.zeros(count, np.int32)
    for i in range(count):  # parents come first
        parent[i] = parent[parent[i]]
        size[parent[i]] += stop[i] - first[i]
    out[:] = 0
    for y in range(rows):
        for i in range(begin[y], begin[y + 1]):
            if size[parent[i]] >= least:
                out[y, first[i] : stop[i]] = 1


@compiled
def subtract_medians(levels: F32, step: int) -> None:
    """Subtract from each frame of ``levels`` (n, r, c) the median of every ``step``-th cell of every such row."""
    frames, rows, columns = levels.shape
    wide = -(-columns // step)
    count = -(-rows // step) * wide
    keys = np.empty(count, np.uint32)
    some = np.empty(wide, np.float32)
    bins = np.empty(2048, np.int32)
    for n in range(frames):
        for r in range(0, rows, step):
            line = levels[n, r]
            for i in range(wide):
                some[i] = line[i * step]
            place = r // step * wide
            bits = some.view(np.uint32)
            for i in range(wide):  # unsigned numbers in the order of the levels
                negative = bits[i] >> np.uint32(31) != np.uint32(0)
                keys[place + i] = ~bits[i] if negative else bits[i] | np.uint32(0x80000000)
        # The key of a rank, bit by bit from above: 11, 11 and 10 of them. Keys of other beginnings are left out.
        rank, left = (count - 1) // 2, count
        low, high = np.uint32(0), np.uint32(0xFFFFFFFF)
        for shift, width in ((21, 11), (10, 11), (0, 10)):
            bins[:] = 0
            part = np.uint32((1 << width) - 1)
            for i in range(left):
                bins[(keys[i] >> np.uint32(shift)) & part] += 1
            b = 0
            while rank >= bins[b]:
                rank -= bins[b]
                b += 1
            same = 0
            for i in range(left):
                digit, key = (keys[i] >> np.uint32(shift)) & part, keys[i]
                high = min(high, key if digit > np.uint32(b) else high)
                keys[same] = key
                same += int(digit == np.uint32(b))
            left = same
            low |= np.uint32(b) << np.uint32(shift)
        # Of an even number the next one counts as much; it may be the same.
        if count % 2 == 1 or rank + 1 < left:
            high = low
        pair = np.empty(2, np.uint32)
        pair[0], pair[1] = low, high
        for i in range(2):
            pair[i] = pair[i] & np.uint32(0x7FFFFFFF) if pair[i] >> np.uint32(31) else ~pair[i]
        ends = pair.view(np.float32)
        middle = (ends[0] + ends[1]) / np.float32(2)
        for r in range(rows):
            line = levels[n, r]
            for c in range(columns):
                line[c] -= middle


@compiled
def add_steps(samples: I8, usual: F32, most: F32, wet: F32, noise: F32, steps: F32, rain: F32, falls: F32) -> None:
    """Add up how much each cell changes from frame to frame, and what exceeds the noise.

    ``samples`` (N, r, c). Added to: ``steps``, change clipped at ``most``; ``rain``, frames that are more than ``wet``
    above ``usual``; ``falls``, by how much more than ``noise`` they are; all (r, c), in the samples' unit. The first
    frame is only what the second one is compared with.
    """
    for r in range(samples.shape[1]):
        for n in range(1, samples.shape[0]):
            before, after = samples[n - 1, r], samples[n, r]
            for c in range(after.size):
                level = np.float32(after[c])
                steps[r, c] += min(abs(level - np.float32(before[c])), most[r, c])
                excess = level - usual[r, c]
                rain[r, c] += np.float32(1) if excess > wet[r, c] else np.float32(0)
                falls[r, c] += max(excess - noise[r, c], np.float32(0))


@compiled
def levels_around(frame: I8, off: I16, sign: int, base: int, passing: Mask, aside: Mask, out: U8) -> None:
    """Compute ``base`` + ``sign`` · (``frame`` − ``off``), clipped to a byte; ``base`` where either mask hides it.

    All (r, c).
    """
    none, by = np.int32(base), np.int32(sign)
    for r in range(frame.shape[0]):
        for c in range(frame.shape[1]):
            level = none + by * (np.int32(frame[r, c]) - np.int32(off[r, c]))
            level = min(max(level, np.int32(0)), np.int32(255))
            out[r, c] = np.uint8(none if passing[r, c] | aside[r, c] else level)


@compiled
def count_runs(levels: U8, limit: F32, length: int, runs: I32, frames: I32) -> None:
    """Count frames of ``levels`` (N, r, c) above ``limit`` (r, c), 0 or more; and all runs of ``length`` of such.

    Out: ``runs``, one for each frame that ends one, and ``frames``, (r, c) both.
    """
    count, rows, columns = levels.shape
    top, run = np.empty(columns, np.uint8), np.empty(columns, np.uint8)
    for r in range(rows):
        ends, above = runs[r], frames[r]
        for c in range(columns):
            top[c] = np.uint8(min(limit[r, c], np.float32(255)))
            run[c] = 0
            ends[c] = 0
            above[c] = 0
        for n in range(count):
            line = levels[n, r]
            for c in range(columns):
                is_above = line[c] > top[c]
                length_now = min(np.uint8(run[c] + np.uint8(1)), np.uint8(length)) if is_above else np.uint8(0)
                run[c] = length_now
                above[c] += np.int32(is_above)
                ends[c] += np.int32(length_now == length)


@compiled
def deviation(grey: F32, middle: F32, spread: F32, most: F32) -> None:
    """Raise ``most`` to how far ``grey`` is from ``middle``, in ``spread``; all (r, c)."""
    for r in range(grey.shape[0]):
        for c in range(grey.shape[1]):
            most[r, c] = max(most[r, c], abs(grey[r, c] - middle[r, c]) / spread[r, c])
