"""Compiled loops of `exposure`, over one channel of sample points; plain numpy twins are in its tests.

Float32 and added up in `BLOCK` parts, so that a processor does several at once and every one gets the same sums.
"""

import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

NONE = 255
"""Sample of a point that the frame does not show; what is saturated says nothing either."""

RATIO_STEPS = 200
"""Steps of the logarithm of a ratio of grey levels to a factor of e."""

BLOCK = 512
"""Points that are added up side by side: loops without a sum, of few arrays each, do several points at once."""


@compiled
def percentile(samples: U8, exposures: F64, share: float, scene: F32) -> None:
    """Find the grey level below which about ``share`` of the samples of each point lie, exposures (N, 2) undone.

    samples (N, S) uint8 → ``scene`` (S,) float32, to half a grey level, found by halving; about 0 where a point has
    no sample.
    """
    frames, points = samples.shape
    none, zero, one, step = np.uint8(NONE), np.float32(0), np.float32(1), np.float32(128)
    scene[:] = step
    for _ in range(9):
        step /= np.float32(2)
        excess = np.zeros(points, np.float32)
        for f in range(frames):
            undone, offset, row = np.float32(1 / exposures[f, 0]), np.float32(exposures[f, 1]), samples[f]
            for s in range(points):
                level = (np.float32(row[s]) - offset) * undone
                below = np.float32(share) - (one if level < scene[s] else zero)
                excess[s] += below if row[s] != none else zero
        for s in range(points):
            scene[s] += step if excess[s] > zero else -step


@compiled
def count_ratios(samples: U8, logs: F32, base: F32, weights: F32, counts: F64, shown: I64) -> None:
    """Count the logarithms of the ratios of samples (N, S) to a scene, in steps of 1/`RATIO_STEPS`.

    ``logs`` (255,) float32, of grey levels from 1 on; ``base`` (S,) float32, of the scene. Added to: ``counts``
    (N, 2·K + 1) float64, the ``weights`` (S,) float32 of the points by ratio, no change in the middle, all beyond K
    steps at the ends. ``shown`` (N,): points that a frame shows, neither almost black nor saturated.
    """
    most, black, none = np.float32(counts.shape[1] // 2), np.uint8(4), np.uint8(NONE)
    for n in range(samples.shape[0]):
        row, found = samples[n], counts[n]
        for s in range(row.size):
            if row[s] > black and row[s] != none:
                steps = np.rint((logs[row[s] - 1] - base[s]) * np.float32(RATIO_STEPS))
                found[int(min(max(steps, -most), most) + most)] += weights[s]
                shown[n] += 1


@compiled
def below(samples: U8, exposures: F64, scene: F32, deepest: float, squares: F32, counts: F32) -> None:
    """Add up squares of how far samples (N, S) lie below the exposed ``scene`` (S,), and count them: (S,) both.

    exposures: (N, 2). No noise lies more than ``deepest`` grey levels below: that is foreground, or a frame of
    something else.
    """
    none, limit, zero, one = np.uint8(NONE), np.float32(-deepest), np.float32(0), np.float32(1)
    squares[:] = zero
    counts[:] = zero
    for f in range(samples.shape[0]):
        gain, offset, row = np.float32(exposures[f, 0]), np.float32(exposures[f, 1]), samples[f]
        for s in range(samples.shape[1]):
            off = np.float32(row[s]) - (gain * scene[s] + offset)
            counted = (off < zero) & (off > limit) & (row[s] != none)
            squares[s] += off * off if counted else zero
            counts[s] += one if counted else zero


@compiled
def moments(
    samples: U8, scene: F32, sigma: F32, exposures: F64, window: F64, margin: float, edges: I64, sums: F64
) -> None:
    """Add up moments over the points of each frame and tile, from which a step towards its gain and offset is solved.

    samples (N, S) uint8; scene, sigma (S,) float32 grey levels; exposures (N, 2) as known. window: lowest and highest
    residual that counts and the mean that clean noise has between them, in standard deviations. margin: grey levels
    from black and white nearer to which no sample is to be expected. edges: (T + 1,), tile t has points edges[t] to
    edges[t + 1].
    sums (N, T, 6): count, w, w·b, w·b², w·r, w·b·r; w one over the variance, b scene, r what the residual is more than
    clean noise would be.
    """
    low, high, mean = np.float32(window[0]), np.float32(window[1]), np.float32(window[2])
    least, most = np.float32(margin), np.float32(255 - margin)
    one, zero, none = np.float32(1), np.float32(0), np.uint8(NONE)
    inverse = one / sigma
    parts, weights, rests = np.empty((6, BLOCK), np.float32), np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    count, flat, slope, bend, rest, tilt = parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]
    for f in range(samples.shape[0]):
        gain, offset = np.float32(exposures[f, 0]), np.float32(exposures[f, 1])
        for t in range(len(edges) - 1):
            used = min(BLOCK, edges[t + 1] - edges[t])
            parts[:, :used] = zero
            for start in range(edges[t], edges[t + 1], BLOCK):
                stop = min(start + BLOCK, edges[t + 1])
                xs, bs, precise = samples[f, start:stop], scene[start:stop], inverse[start:stop]
                for i in range(stop - start):
                    should = gain * bs[i] + offset
                    z = (np.float32(xs[i]) - should) * precise[i]
                    counts = (z > low) & (z < high) & (xs[i] != none) & (should > least) & (should < most)
                    w = precise[i] if counts else zero
                    weights[i] = w * w
                    rests[i] = w * (z - mean)
                for i in range(stop - start):
                    w = weights[i]
                    count[i] += one if w > zero else zero
                    flat[i] += w
                    slope[i] += w * bs[i]
                    bend[i] += w * bs[i] * bs[i]
                for i in range(stop - start):
                    rest[i] += rests[i]
                    tilt[i] += rests[i] * bs[i]
            # Six sums side by side: each addition waits for the one before it in its own sum only.
            a, b, c, d, e, g = zero, zero, zero, zero, zero, zero
            for i in range(used):
                a += count[i]
                b += flat[i]
                c += slope[i]
                d += bend[i]
                e += rest[i]
                g += tilt[i]
            out = sums[f, t]
            out[0], out[1], out[2], out[3], out[4], out[5] = a, b, c, d, e, g


@compiled
def rescene(samples: U8, scene: F32, sigma: F32, exposures: F64, window: F64, share: float) -> None:
    """Take a step of ``scene`` (S,) at every point, by all frames.

    Arguments as in `moments`; share: fraction of the way to go.
    """
    low, high, mean = np.float32(window[0]), np.float32(window[1]), np.float32(window[2])
    one, zero, none = np.float32(1), np.float32(0), np.uint8(NONE)
    points = samples.shape[1]
    top, weight, inverse = np.zeros(points, np.float32), np.zeros(points, np.float32), one / sigma
    for f in range(samples.shape[0]):
        gain, offset = np.float32(exposures[f, 0]), np.float32(exposures[f, 1])
        row = samples[f]
        for s in range(points):
            z = (np.float32(row[s]) - (gain * scene[s] + offset)) * inverse[s]
            w = gain if (z > low) & (z < high) & (row[s] != none) else zero
            top[s] += w * (z - mean)
            weight[s] += w * gain
    for s in range(points):
        if weight[s] > zero:
            scene[s] += np.float32(share) * sigma[s] * top[s] / weight[s]


@compiled
def undo_exposure(picture: F32, exposure: F64, out: F32) -> None:
    """Undo gains and offsets: ``picture`` (P, 3) float32, ``exposure`` (2, 3) → ``out`` (P, 3) float32, 0…255 (or it).

    (grey level − offset) / gain; but what is saturated stays white and what is black stays black, by degrees over the
    last two grey levels: all that such a sample says is that the scene is at least, or at most, so bright.
    """
    white, black, edge, zero = np.float32(255), np.float32(0), np.float32(2), np.float32(0)
    for c in range(3):
        scale, offset = np.float32(1 / exposure[0, c]), np.float32(exposure[1, c])
        for p in range(picture.shape[0]):
            seen = picture[p, c]
            grey = (seen - offset) * scale
            bright = max((seen - (white - edge)) / edge, zero)
            dark = max((edge - seen) / edge, zero)
            grey = max(grey, grey + min(bright, np.float32(1)) * (white - grey))
            grey = min(grey, grey - min(dark, np.float32(1)) * grey)
            out[p, c] = min(max(grey, black), white)
