"""Find places that never show one thing for long: foliage, water, splashes.

Rain and noise are independent from frame to frame. What sways or flows is not: its residuals are correlated from one
frame to the next, all through the clip. Splashes come where drops hit, are short, bright, and not longer than wide.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean._numba import compiled
from rainclean.moving._kernels import count_splashes, subtract_medians
from rainclean.moving.residual_grid import (
    F32,
    I8,
    UNIT,
    Mask,
    Residuals,
    closed,
    ellipse,
    falls_upright,
    percentiles_over_time,
)

U8 = NDArray[np.uint8]

MIN_FRAMES = 16
"""Frames below which places are not classified."""

MIN_CORRELATION = 0.27
"""Correlation of luma residuals with those of the next frame, rain clipped; rain alone reached 0.22 in 80 frames."""

MIN_CHROMA_CORRELATION = 0.35
"""The same of chroma, which rain hardly changes."""

MIN_LUMA_RMS, MIN_CHROMA_RMS = 1.1, 2.5
"""Grey levels (rms) that must move: encoders keep 0.9 in luma and 1.9 in chroma of what they did not update."""

MIN_WAVE_RATIO = 4.0
"""Waves of water are longer than high by this factor at least; leaves reached 2.8."""

SPLASH_RATE = 0.009
"""Bright round events per cell and frame; rain alone, whose streaks cross each other, reached 0.0073."""

_SPLASH_FRAMES = 3
"""Frames that a splash is seen in at most."""

_LASTING_FRACTION = 0.2
"""Fraction of bright events that are seen again after as many frames, from which on they are no splashes: of splashes
0.06 are, by chance; of patches of sun 0.4 to 0.6."""

_OPACITY_UNIT = 250.0
"""Opacity 1 in the unit of a byte."""

_MAX_OPACITY = 0.6
"""Opacity at which all are clipped: larger ones are mostly small differences over a bright background."""

MIN_CALM_RMS = 0.4
"""Grey levels (rms) by which calm water beside such moves at least."""

MIN_LAKE_FRACTION = 0.02
"""Fraction of the picture that water covers at least where it is searched by waves that are higher than all noise."""

_TEN_TO_THIRTY = 0.757
"""Standard deviations from the 10th to the 30th percentile."""

_DARKENING_FACTOR = 1.2
"""Times the noise by which a place has to darken before waves have been clipped with the rain."""

_PART_FRAMES = 12
"""Frames of a part of a clip: what changes more slowly, as wet ground and light do, is no swaying."""

_MAX_PARTS = 10
"""Parts that are examined, evenly spread over the clip."""

_USUAL_FRACTION, _STEADY_FRACTION = 0.6, 0.76
"""Fraction of these parts in which something has to be so."""

_STREAK_CELLS = 9


@dataclass(frozen=True)
class _Part:
    """A short part of a clip.

    Attributes:
        levels: (n, r, c) float32, grey levels, less their mean over time.
        power: (r, c) float32, their mean square.
        both: (r, c) float32, the mean product of each with the next.
    """

    levels: F32
    power: F32
    both: F32


def find_restless(residuals: Residuals) -> tuple[Mask, Mask]:
    """Find swaying foliage and water surfaces, (gh, gw) bool each: residuals of neighbouring frames are correlated."""
    frames, cells = len(residuals), residuals.luma.shape[1:]
    if frames < MIN_FRAMES:
        return np.zeros(cells, bool), np.zeros(cells, bool)
    slack = max(1.0, float(np.sqrt(80 / frames)))  # correlations of few frames scatter more
    sigma: F32 = np.maximum(residuals.background.sigma, np.float32(0.7)).astype(np.float32)
    low, usual = percentiles_over_time(residuals.luma, (10, 30)) / np.float32(UNIT)
    luma = list(_parts(residuals.luma, usual, 4 * sigma, np.float32(1.5) * sigma, 3))
    size, together = _correlation(luma)
    # Where an encoder keeps more, it does so all over the picture.
    least = min(max(MIN_LUMA_RMS, 2 * float(np.percentile(size, 25))), 2 * MIN_LUMA_RMS)
    sway = np.clip(together / (MIN_CORRELATION * slack), 0, 2) * (size > least * np.maximum(1, sigma / 3))
    for plane in residuals.chroma:
        middle: F32 = np.zeros(plane.shape[1:], np.float32)
        wide: F32 = np.full(plane.shape[1:], 12, np.float32)
        c_size, c_together = _correlation(_parts(plane, middle, wide, wide, 1))
        part = np.clip(c_together / (MIN_CHROMA_CORRELATION * slack), 0, 2) * (c_size > MIN_CHROMA_RMS)
        sway = np.maximum(
            sway, cv2.resize(part.astype(np.float32), (cells[1], cells[0]), interpolation=cv2.INTER_LINEAR)
        )
    strong = (sway > 1).astype(np.uint8)
    weak = (together > 0.6 * MIN_CORRELATION * slack) & (size > 0.6 * least)
    few = max(40, cells[0] * cells[1] // 1500)
    moving = grown(strong, weak.astype(np.uint8), few)
    flat = _flat(moving, luma)
    # Rain only brightens: a place that darkens by more than noise moves, upwards by as much, too. So waves that are
    # higher than all noise are not clipped with the rain. Foliage is not searched like that: what encoders make of
    # dense rain over texture looks like it.
    darkens = cv2.blur(usual - low, (5, 5)) / np.float32(_TEN_TO_THIRTY)
    if np.mean(darkens > _DARKENING_FACTOR * sigma) < MIN_LAKE_FRACTION:
        return moving & ~flat, flat
    sigma = np.maximum(sigma, darkens).astype(np.float32)
    luma.clear()  # its memory is used again, which is faster than fresh one
    luma = list(_parts(residuals.luma, usual, 4 * sigma, np.float32(1.5) * sigma, 3))
    size, together = _correlation(luma, _STEADY_FRACTION)  # traffic has waves, too, but not always
    strong = ((together > MIN_CORRELATION * slack) & (size > least)).astype(np.uint8)
    weak = (together > 0.6 * MIN_CORRELATION * slack) & (size > max(MIN_CALM_RMS, 0.6 * least - MIN_LUMA_RMS / 2))
    waves = grown(strong, weak.astype(np.uint8), few)
    high = _flat(waves, luma)
    if high.mean() > MIN_LAKE_FRACTION:
        flat |= closed(high.astype(np.uint8), max(7, cells[1] // 15)) > 0
    return moving & ~flat, flat


def _flat(moving: Mask, luma: list[_Part]) -> Mask:
    """Keep areas of what moves, (gh, gw) bool, whose waves are longer than high; luma: as from `_parts`."""
    flat = np.zeros_like(moving)
    if not moving.any():
        return flat
    across, down = (_usually([_slope(part.levels, axis) for part in luma]) for axis in (2, 1))
    _, parts = cv2.connectedComponents(moving.astype(np.uint8))
    for i in range(1, int(parts.max()) + 1):
        area = parts == i
        if down[area].sum() > MIN_WAVE_RATIO * max(float(across[area].sum()), 1e-6):
            flat |= area
    return flat


def _parts(samples: I8, usual: F32, below: F32, above: F32, blur: int) -> Iterator[_Part]:
    """Cut short parts from (N, r, c) int8, evenly spread.

    Samples are clipped at so many grey levels below and above what is usual, each (r, c). ``blur``: cells.
    """
    length = min(_PART_FRAMES, len(samples) // 2)
    for first in np.linspace(0, len(samples) - length, min(_MAX_PARTS, len(samples) // length)).astype(int):
        levels = np.empty((length, *samples.shape[1:]), np.float32)
        cut_off(samples[first : first + length], usual, below, above, levels)
        subtract_medians(levels, 4)  # exposure that is not quite undone
        if blur > 1:
            for frame in levels:
                cv2.blur(frame, (blur, blur), dst=frame)
        power, both = np.empty(levels.shape[1:], np.float32), np.empty(levels.shape[1:], np.float32)
        less_mean(levels, power, both)
        yield _Part(levels, power, both)


@compiled
def cut_off(samples: I8, usual: F32, below: F32, above: F32, levels: F32) -> None:
    """Convert samples (n, r, c) to grey levels around what is usual, ``levels`` (n, r, c), clipped below and above."""
    share = np.float32(1 / UNIT)
    for n in range(samples.shape[0]):
        for r in range(samples.shape[1]):
            row, out, middle, low, high = samples[n, r], levels[n, r], usual[r], below[r], above[r]
            for c in range(row.size):
                out[c] = min(max(np.float32(row[c]) * share - middle[c], -low[c]), high[c])


@compiled
def less_mean(levels: F32, power: F32, both: F32) -> None:
    """Subtract the mean over time from ``levels`` (n, r, c).

    Out: ``power`` (r, c), mean square; ``both`` (r, c), mean product of each with the next.
    """
    count, rows, columns = levels.shape
    mean = np.empty(columns, np.float32)
    for r in range(rows):
        mean[:] = 0
        power[r] = 0
        both[r] = 0
        for n in range(count):
            for c in range(columns):
                mean[c] += levels[n, r, c]
        for c in range(columns):
            mean[c] /= np.float32(count)
        for n in range(count):
            for c in range(columns):
                levels[n, r, c] -= mean[c]
        for n in range(count):
            for c in range(columns):
                power[r, c] += levels[n, r, c] * levels[n, r, c]
        for n in range(1, count):
            for c in range(columns):
                both[r, c] += levels[n, r, c] * levels[n - 1, r, c]
        for c in range(columns):
            power[r, c] /= np.float32(count)
            both[r, c] /= np.float32(count - 1)


def _correlation(parts: Iterable[_Part], often: float = _USUAL_FRACTION) -> tuple[F32, F32]:
    """Measure how strongly residuals are correlated from frame to frame, (r, c) float32 both: rms, correlation.

    The rms is in grey levels. Each is what a fraction ``often`` of the short parts of the clip has at least, and each
    of these has a mean of its own: what changes slowly is in none of them, and what passes once not in most.
    """
    common: list[F32] = []
    own: list[F32] = []
    for part in parts:
        count = np.float32(len(part.levels))
        # Subtracting the mean of few frames lowers their product by power / count.
        common.append(_blurred(part.both + part.power / count))
        own.append(_blurred(part.power * (count / (count - 1))))
    together, power = _usually(common, often), _usually(own, often)
    rms = np.sqrt(np.maximum(together, np.float32(0)))
    return np.asarray(rms, np.float32), np.asarray(together / np.maximum(power, np.float32(0.1)), np.float32)


def _blurred(levels: F32) -> F32:
    return np.asarray(cv2.blur(levels, (11, 11)), np.float32)


def _usually(maps: list[F32], often: float = _USUAL_FRACTION) -> F32:
    """Return what maps of the parts of a clip have in most of them: somebody who comes and goes is seen in two."""
    rank, left = int((len(maps) - 1) * (1 - often)), list(maps)
    for _ in range(rank + 1):  # take the least of what is left, again and again: a sort along the first axis is slow
        for i in range(len(left) - 1):
            left[i], left[i + 1] = np.maximum(left[i], left[i + 1]), np.minimum(left[i], left[i + 1])
        least = left.pop()
    return least


def _slope(levels: F32, axis: int) -> F32:
    steps = np.diff(levels, axis=axis)
    product = (steps[1:] * steps[:-1]).mean(axis=0) + (steps * steps).mean(axis=0) / len(steps)
    rows, columns = levels.shape[1] - product.shape[0], levels.shape[2] - product.shape[1]
    return np.asarray(np.pad(product, ((0, rows), (0, columns))), np.float32)


def splash_rates(residuals: Residuals) -> F32:
    """Measure how often drops splash at a place, events per cell and frame over 11×11 cells, (gh, gw) float32.

    Splashes are bright, at least three cells wide, not longer than wide, and gone after three frames. What stays is a
    patch of sun, or something dry in frames that are not quite aligned. Under rain so dense that streaks cover most of
    them they are not found.
    """
    frames, cells = len(residuals), residuals.luma.shape[1:]
    if frames < MIN_FRAMES:
        return np.zeros(cells, np.float32)
    background = residuals.background
    upright = falls_upright(residuals)
    lines = np.stack([_offsets(line if upright else line.T, _STREAK_CELLS) for line in _lines(_STREAK_CELLS)])
    # Streaks between two of the lines' angles are thinner than a line is straight: made wider, they hold one.
    across = _offsets(np.ones((1, 3) if upright else (3, 1), np.uint8), 3)
    # In opacities, so that streaks look alike over dark and bright spots; those that stand out from the noise.
    scale = (np.float32(_OPACITY_UNIT / UNIT) / background.contrast).astype(np.float32)
    least = np.maximum(np.maximum(5 * background.sigma, 4) / background.contrast, 0.07) * _OPACITY_UNIT
    events, lasting = np.zeros(cells, np.float32), np.zeros(cells, np.float32)
    most, limit = _MAX_OPACITY * _OPACITY_UNIT, np.minimum(least, 255).astype(np.uint8)
    count_splashes(residuals.luma, scale, most, limit, lines, across, _SPLASH_FRAMES, events, lasting)
    rate = np.asarray(cv2.blur(events, (11, 11)) / np.float32(frames), np.float32)
    rate[cv2.blur(lasting, (11, 11)) > _LASTING_FRACTION * rate * frames] = 0
    return rate


def find_splashes(rates: F32, elsewhere: Mask) -> Mask:
    """Find where drops splash, (gh, gw) bool; elsewhere: (gh, gw) bool, places where something else was found."""
    cells = rates.shape
    strong, weak = (rates > SPLASH_RATE) & ~elsewhere, (rates > 0.6 * SPLASH_RATE) & ~elsewhere
    return grown(strong.astype(np.uint8), weak.astype(np.uint8), max(40, cells[0] * cells[1] // 1500))


def _lines(length: int) -> list[U8]:
    """Return lines of so many cells up to 30° off vertical, for openings that keep what is longer than they are."""
    lines = []
    for angle in np.deg2rad((60, 75, 90, 105, 120)):
        line = np.zeros((length, length), np.uint8)
        x, y = np.cos(angle) * (length // 2), np.sin(angle) * (length // 2)
        middle = length // 2
        ends = (round(middle - x), round(middle - y)), (round(middle + x), round(middle + y))
        lines.append(np.asarray(cv2.line(line, *ends, 1), np.uint8))
    return lines


def _offsets(shape: U8, count: int) -> NDArray[np.int32]:
    """Return rows and columns of the cells of a shape, less its middle, (count, 2); the first one fills up."""
    cells = np.argwhere(shape) - np.array(shape.shape) // 2
    return np.concatenate([cells, np.repeat(cells[:1], count - len(cells), axis=0)]).astype(np.int32)


def grown(strong: U8, weak: U8, least: int) -> Mask:
    """Grow strong places by weak ones connected to them, closed, (gh, gw) bool; drop areas of few strong ones."""
    whole = cv2.morphologyEx(closed(strong | weak, 7), cv2.MORPH_OPEN, ellipse(5))
    _, parts = cv2.connectedComponents(whole, connectivity=8)
    keep = np.bincount(parts.ravel(), weights=strong.ravel()) >= least
    keep[0] = False
    return np.asarray(keep[parts])
