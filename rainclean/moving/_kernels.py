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

_RIM = 4  # cells around a plane, which hold what changes nothing
_CHUNK = 8192  # cells that stay in the first-level cache


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


@compiled
def _least(plane: U8, offsets: I32, out: U8) -> None:
    """Take the least of several cells around each: ``plane`` and ``out`` (P,) uint8, rows one after the other.

    ``offsets`` (K,): to these cells. What would lie outside of ``plane`` is left as it is in ``out``.
    """
    begin, stop = max(0, -offsets.min()), plane.size - max(0, offsets.max())
    for first in range(begin, stop, _CHUNK):
        some = out[first : min(first + _CHUNK, stop)]
        cells = plane[first + offsets[0] :]
        for i in range(some.size):
            some[i] = cells[i]
        for k in range(1, offsets.size):
            cells = plane[first + offsets[k] :]
            for i in range(some.size):
                some[i] = min(some[i], cells[i])


@compiled
def _largest(plane: U8, offsets: I32, out: U8) -> None:
    """Raise ``out`` to the largest of several cells around each; arguments as of `_least`."""
    begin, stop = max(0, -offsets.min()), plane.size - max(0, offsets.max())
    for first in range(begin, stop, _CHUNK):
        some = out[first : min(first + _CHUNK, stop)]
        for k in range(offsets.size):
            cells = plane[first + offsets[k] :]
            for i in range(some.size):
                some[i] = max(some[i], cells[i])


@compiled
def _set_rim(plane: U8, value: int) -> None:
    """Set the `_RIM` cells at each side of ``plane`` (r, c)."""
    plane[:_RIM] = value
    plane[-_RIM:] = value
    plane[:, :_RIM] = value
    plane[:, -_RIM:] = value


@compiled
def remove_streaks(samples: I8, upright: bool, line: int, out: I8) -> None:
    """Smooth each frame along streaks, and keep what is as wide as a line across them (an opening).

    ``samples``, ``out`` (N, r, c), r and c at least 3. ``upright``: streaks fall downwards. ``line``: cells, odd, up to
    2·`_RIM` + 1. Smoothed is the mean of five cells, rounded, mirrored at the border without its last cell.
    """
    frames, rows, columns = samples.shape
    high, wide = rows + 2 * _RIM, columns + 2 * _RIM
    planes = np.empty((3, high, wide), np.uint8)
    smooth, eroded, opened = planes[0], planes[1], planes[2]
    offsets = np.arange(-(line // 2), line // 2 + 1).astype(np.int32) * np.int32(1 if upright else wide)
    total = np.empty(columns, np.uint16)
    for n in range(frames):
        for r in range(rows):
            found = smooth[_RIM + r, _RIM : _RIM + columns]
            total[:] = 0
            if upright:
                for step in range(-2, 3):
                    place = abs(r + step)
                    row = samples[n, min(place, 2 * (rows - 1) - place)]
                    for c in range(columns):
                        total[c] += np.uint16(np.uint8(row[c]) ^ np.uint8(128))
            else:
                row = samples[n, r]
                for step in range(-2, 3):
                    for c in range(max(0, -step), min(columns, columns - step)):
                        total[c] += np.uint16(np.uint8(row[c + step]) ^ np.uint8(128))
                for c, mirrored in ((0, 2), (0, 1), (1, 1)):
                    total[c] += np.uint16(np.uint8(row[mirrored]) ^ np.uint8(128))
                    total[columns - 1 - c] += np.uint16(np.uint8(row[columns - 1 - mirrored]) ^ np.uint8(128))
            for c in range(columns):
                found[c] = np.uint8((total[c] + np.uint16(2)) // np.uint16(5))
        _set_rim(smooth, 255)
        _least(smooth.reshape(-1), offsets, eroded.reshape(-1))
        _set_rim(eroded, 0)
        opened[:] = 0
        _largest(eroded.reshape(-1), offsets, opened.reshape(-1))
        for r in range(rows):
            found, row = opened[_RIM + r, _RIM : _RIM + columns], out[n, r]
            for c in range(columns):
                row[c] = np.int8(found[c] ^ np.uint8(128))


@compiled
def count_splashes(
    samples: I8, scale: F32, most: float, least: U8, lines: I32, across: I32, span: int, events: F32, lasting: F32
) -> None:
    """Count bright round events in frames, and those that are there again ``span`` frames later.

    ``samples`` (N, r, c); times ``scale`` (r, c) and clipped at ``most`` they are opacities in bytes. ``lines``
    (L, K, 2) and ``across`` (K, 2): rows and columns, up to `_RIM` off, of lines along streaks, and of what opacities
    are widened by before streaks are looked for. Where opened by 3×3 cells they exceed what the lines keep by more
    than ``least`` (r, c), 1 or more, is an event. Added to: ``events``, ``lasting`` (r, c).
    """
    frames, rows, columns = samples.shape
    high, wide = rows + 2 * _RIM, columns + 2 * _RIM
    planes = np.empty((5, high, wide), np.uint8)
    bright, eroded, spread, streaks, round_ = planes[0], planes[1], planes[2], planes[3], planes[4]
    side, down = np.arange(-1, 2).astype(np.int32), np.arange(-1, 2).astype(np.int32) * np.int32(wide)
    along = np.empty(lines.shape[:2], np.int32)
    for i in range(lines.shape[0]):
        for k in range(lines.shape[1]):
            along[i, k] = lines[i, k, 0] * wide + lines[i, k, 1]
    widened = across[:, 0] * np.int32(wide) + across[:, 1]
    seen = np.zeros((span + 1, rows, columns), np.uint8)
    inside = slice(_RIM, _RIM + columns)
    for n in range(frames):
        now, before = seen[n % (span + 1)], seen[(n + 1) % (span + 1)]
        now[:] = 0
        for r in range(rows):
            row, found, by = samples[n, r], bright[_RIM + r, inside], scale[r]
            for c in range(columns):
                level = min(max(np.float32(row[c]) * by[c], np.float32(0)), np.float32(most))
                found[c] = np.uint8(np.int32(level))
        _set_rim(bright, 255)
        _least(bright.reshape(-1), side, spread.reshape(-1))
        _set_rim(spread, 255)
        _least(spread.reshape(-1), down, eroded.reshape(-1))
        _set_rim(eroded, 0)
        spread[:] = 0
        _largest(eroded.reshape(-1), side, spread.reshape(-1))
        _set_rim(spread, 0)
        round_[:] = 0
        _largest(spread.reshape(-1), down, round_.reshape(-1))
        some = False
        for r in range(rows):
            found, due = round_[_RIM + r, inside], least[r]
            for c in range(columns):
                some |= found[c] > due[c]
        if not some:
            continue
        _set_rim(bright, 0)
        spread[:] = 0
        _largest(bright.reshape(-1), widened, spread.reshape(-1))
        _set_rim(spread, 255)
        streaks[:] = 0
        for i in range(len(along)):
            _least(spread.reshape(-1), along[i], eroded.reshape(-1))
            _set_rim(eroded, 0)
            _largest(eroded.reshape(-1), along[i], streaks.reshape(-1))
        for r in range(rows):
            found, kept, due, event = round_[_RIM + r, inside], streaks[_RIM + r, inside], least[r], now[r]
            for c in range(columns):
                over = found[c] - min(found[c], kept[c])
                event[c] = np.uint8(over > due[c])
        for r in range(rows):
            event, earlier, count, again = now[r], before[r], events[r], lasting[r]
            for c in range(columns):
                count[c] += np.float32(event[c])
            for c in range(columns):
                again[c] += np.float32(event[c] & earlier[c])
