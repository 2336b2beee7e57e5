"""Places that never show one thing for long, and places that show none of the rain: foliage, water, splashes, overlays.

Rain and noise know nothing of the frame before. What sways or flows does: its residuals go together from a frame to
the next, all through the clip. Splashes come where drops hit, are short, bright, and not longer than wide. An overlay
was drawn after the rain and the sensor's noise, and has neither.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from rainclean._motion_field import (
    F32,
    I8,
    UNIT,
    Background,
    Mask,
    Residuals,
    closed,
    ellipse,
    falls_upright,
    percentiles_over_time,
)

U8 = NDArray[np.uint8]

FEWEST = 16
"""Frames below which nothing is said about places."""

TOGETHER = 0.27
"""Correlation of luma residuals with those of the next frame, rain cut off; rain alone reached 0.22 in 80 frames."""

TOGETHER_CHROMA = 0.35
"""The same of chroma, which rain leaves alone."""

LUMA_SWAY, CHROMA_SWAY = 1.1, 2.5
"""Grey levels (rms) that must move: encoders hold on to 0.9 in luma and 1.9 in chroma of what they have left out."""

FLAT = 4.0
"""Waves of water are longer than high by this factor at least; leaves reached 2.8."""

SPLASH_RATE = 0.009
"""Bright round events per cell and frame; rain alone, whose streaks cross each other, reached 0.0073."""

STILL, SILENT = 0.4, 0.3
"""Overlays: at most so much of the noise, and of the rain, that are around them."""

DRY = 0.35
"""The same of rain where an encoder has smoothed all noise: it lets rain run over the edges."""

DRAWN = 0.5
"""Share of all still places that must look drawn; where fewer do, the encoder left them as they were."""

ROUND_ABOUT = 0.85
"""Share of what is beside an overlay that rain must be seen on: things that show none reach to others like them."""

RIM = 0.8
"""Share of an overlay's outline that must be a hard edge; blocks that encoders leave as they were seldom lie so."""

_OPACITY = 250.0
"""A byte of opacity counts in so many parts of one."""

_DENSE = 0.6
"""Opacity at which all are cut off: larger ones are mostly small differences over a bright background."""

_PART = 13
"""Frames of a part of a clip: what changes more slowly, as wet ground and light do, is no swaying."""

_PARTS = 10
"""So many parts are looked at, evenly spread over the clip."""

_LONGER = 9


def find_restless(residuals: Residuals) -> tuple[Mask, Mask]:
    """Swaying foliage and water surfaces, (gh, gw) bool each: where residuals of neighbouring frames go together."""
    frames, cells = len(residuals), residuals.luma.shape[1:]
    nothing = np.zeros(cells, bool)
    if frames < FEWEST:
        return nothing, nothing
    slack = max(1.0, float(np.sqrt(80 / frames)))  # correlations of few frames scatter more
    sigma: F32 = np.maximum(residuals.background.sigma, np.float32(0.7)).astype(np.float32)
    usual = percentiles_over_time(residuals.luma, (30,))[0] / np.float32(UNIT)
    size, together, across, down = _memory(residuals.luma, usual, 4 * sigma, np.float32(1.5) * sigma, 3)
    # Where an encoder holds on to more, it does so all over the picture.
    least = min(max(LUMA_SWAY, 2 * float(np.percentile(size, 25))), 2 * LUMA_SWAY)
    sway = np.clip(together / (TOGETHER * slack), 0, 2) * (size > least * np.maximum(1, sigma / 3))
    for plane in residuals.chroma:
        middle: F32 = np.zeros(plane.shape[1:], np.float32)
        wide: F32 = np.full(plane.shape[1:], 12, np.float32)
        c_size, c_together, *_ = _memory(plane, middle, wide, wide, 1)
        part = np.clip(c_together / (TOGETHER_CHROMA * slack), 0, 2) * (c_size > CHROMA_SWAY)
        sway = np.maximum(
            sway, cv2.resize(part.astype(np.float32), (cells[1], cells[0]), interpolation=cv2.INTER_LINEAR)
        )
    strong = (sway > 1).astype(np.uint8)
    weak = (together > 0.6 * TOGETHER * slack) & (size > 0.6 * least)
    moving = _grown(strong, weak.astype(np.uint8), max(40, cells[0] * cells[1] // 1500))
    flat = np.zeros(cells, bool)
    _, parts = cv2.connectedComponents(moving.astype(np.uint8))
    for i in range(1, int(parts.max()) + 1):
        area = parts == i
        if down[area].sum() > FLAT * max(float(across[area].sum()), 1e-6):
            flat |= area
    return moving & ~flat, flat


def _memory(samples: I8, usual: F32, below: F32, above: F32, blur: int) -> tuple[F32, F32, F32, F32]:
    """How strongly residuals go together from frame to frame: rms, correlation, and that of slopes across and down.

    samples: (N, r, c) int8; they are cut off at so many grey levels below and above what is usual. Each is a median
    over short parts of the clip, of which each has a mean of its own: what passes once is not in most of them.
    """
    length = min(_PART, len(samples) // 2)
    parts = min(_PARTS, len(samples) // length)
    common, own, slopes = [], [], []
    for first in np.linspace(0, len(samples) - length, parts).astype(int):
        levels = np.clip(samples[first : first + length].astype(np.float32) / np.float32(UNIT) - usual, -below, above)
        levels -= np.median(levels[:, ::4, ::4], axis=(1, 2))[:, None, None]  # light that is not quite undone
        if blur > 1:
            levels = np.array([cv2.blur(frame, (blur, blur)) for frame in levels])
        levels -= levels.mean(axis=0)
        count = len(levels)
        power = (levels * levels).mean(axis=0)
        # Taking the mean of few frames off makes them go apart by power / count.
        common.append(cv2.blur((levels[1:] * levels[:-1]).mean(axis=0) + power / count, (11, 11)))
        own.append(cv2.blur(power * np.float32(count / (count - 1)), (11, 11)))
        slopes.append([_slope(levels, axis) for axis in (2, 1)])
    together, power = _lower_median(common), _lower_median(own)
    across, down = (_lower_median([pair[i] for pair in slopes]) for i in (0, 1))
    rms = np.sqrt(np.maximum(together, np.float32(0)))
    correlation = np.asarray(together / np.maximum(power, np.float32(0.1)), np.float32)
    return np.asarray(rms, np.float32), correlation, across, down


def _lower_median(maps: list[F32]) -> F32:
    """Median of maps, the lower of two: of two parts of a clip, the one that nobody passes in."""
    return np.asarray(np.sort(np.array(maps, np.float32), axis=0)[(len(maps) - 1) // 2], np.float32)


def _slope(levels: F32, axis: int) -> F32:
    steps = np.diff(levels, axis=axis)
    product = (steps[1:] * steps[:-1]).mean(axis=0) + (steps * steps).mean(axis=0) / len(steps)
    rows, columns = levels.shape[1] - product.shape[0], levels.shape[2] - product.shape[1]
    return np.asarray(np.pad(product, ((0, rows), (0, columns))), np.float32)


def find_splashes(residuals: Residuals, elsewhere: Mask) -> Mask:
    """Where drops splash, (gh, gw) bool; elsewhere: (gh, gw) bool, places that something else was found at.

    Splashes are bright, at least three cells wide, and not longer than wide; under rain so dense that streaks cover
    most of them they are not found.
    """
    frames, cells = len(residuals), residuals.luma.shape[1:]
    if frames < FEWEST:
        return np.zeros(cells, bool)
    background = residuals.background
    upright = falls_upright(residuals)
    lines = [line if upright else np.ascontiguousarray(line.T) for line in _lines(_LONGER)]
    across = np.ones((1, 3) if upright else (3, 1), np.uint8)
    # In opacities, so that streaks look alike over dark and bright spots; those that stand out from the noise.
    scale = (np.float32(_OPACITY / UNIT) / background.contrast).astype(np.float32)
    least = np.maximum(np.maximum(5 * background.sigma, 4) / background.contrast, 0.07) * _OPACITY
    events: F32 = np.zeros(cells, np.float32)
    for frame in residuals.luma:
        bright = np.clip(frame * scale, 0, _DENSE * _OPACITY).astype(np.uint8)
        round_ = cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        if not (round_ > least).any():
            continue
        # Streaks between two of the lines' angles are thinner than a line is straight: made wider, they hold one.
        wide = cv2.dilate(bright, across)
        streaks = np.maximum.reduce([cv2.morphologyEx(wide, cv2.MORPH_OPEN, line) for line in lines])
        events += cv2.subtract(round_, streaks) > least
    rate = cv2.blur(events, (11, 11)) / frames
    strong, weak = (rate > SPLASH_RATE) & ~elsewhere, (rate > 0.6 * SPLASH_RATE) & ~elsewhere
    return _grown(strong.astype(np.uint8), weak.astype(np.uint8), max(40, cells[0] * cells[1] // 1500))


def _lines(length: int) -> list[U8]:
    """Lines of so many cells up to 30° off vertical, for openings that leave what is longer than they are."""
    lines = []
    for angle in np.deg2rad((60, 75, 90, 105, 120)):
        line = np.zeros((length, length), np.uint8)
        x, y = np.cos(angle) * (length // 2), np.sin(angle) * (length // 2)
        middle = length // 2
        ends = (round(middle - x), round(middle - y)), (round(middle + x), round(middle + y))
        lines.append(np.asarray(cv2.line(line, *ends, 1), np.uint8))
    return lines


def find_overlays(residuals: Residuals, elsewhere: Mask) -> Mask:
    """Marks, clocks and writing that were drawn over the clip, (gh, gw) bool.

    They have hard edges, hardly any noise, and no rain where their neighbours have it. Encoders smooth all noise and
    let rain run over edges: if nothing is without noise, places are looked for that have far less rain than others.
    What is as bright as rain, or black, is left out: it would show neither without being an overlay.
    """
    cells = residuals.luma.shape[1:]
    nothing = np.zeros(cells, bool)
    if len(residuals) < FEWEST:
        return nothing
    background = residuals.background
    noise, rain, falls = _liveliness(residuals)
    sigma = np.maximum(background.sigma, np.float32(0.3))
    # The sensor's noise may be smoothed by encoders: what most of the picture has of what is expected.
    level = float(np.median(noise / (1.13 * sigma)))
    expected = np.minimum(_around(noise), np.float32(1.13 * min(1.0, level)) * sigma)
    may_be = (background.luma < 247) & (background.luma > 6) & ~elsewhere
    still = (noise < STILL * expected) & (expected > 0.15) & may_be
    out = _drawn(still, rain, 5, background, SILENT)
    if not out.any():
        usual = cv2.blur(falls, (31, 31))
        dry = (cv2.blur(falls, (3, 3)) < DRY * usual) & (usual > 0.005) & (background.contrast > 30) & may_be
        out = _drawn(dry, falls, 0, background, DRY)
    spread = cv2.dilate(out.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.morphologyEx(spread, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0)


def _drawn(still: Mask, rain: F32, least: float, background: Background, silent: float) -> Mask:
    """Those of the still places (gh, gw) that have hard edges and less than a share ``silent`` of the rain around.

    rain: (gh, gw) float32; ``least``: so much of it must fall around, all over a place. Empty if few look drawn.
    """
    _, parts, stats, _ = cv2.connectedComponentsWithStats(still.astype(np.uint8), connectivity=8)
    steep = _edges(background.luma)
    near_rain = cv2.blur(rain, (31, 31))
    wet = cv2.blur(rain, (5, 5)) > np.float32(0.5) * near_rain
    others = cv2.dilate(still.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    out = np.zeros(still.shape, bool)
    for i in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= 6):
        if i == 0:
            continue
        x, y, w, h = stats[i, :4]
        box = np.s_[max(0, y - 5) : y + h + 5, max(0, x - 5) : x + w + 5]
        area = (parts[box] == i).astype(np.uint8)
        rim = (cv2.dilate(area, np.ones((3, 3), np.uint8)) & ~area).astype(bool)
        due = float(near_rain[box][area > 0].sum())
        beside = cv2.dilate(area, np.ones((11, 11), np.uint8)).astype(bool) & ~others[box]
        if not beside.any() or float(np.mean(wet[box][beside])) < ROUND_ABOUT:
            continue
        shows_rain = float(background.contrast[box][area > 0].mean()) > 30
        dry = float(rain[box][area > 0].sum()) < silent * due
        if due > least and shows_rain and dry and float(np.mean(steep[box][rim] > 12)) > RIM:
            out[box] |= area > 0
    return out if out.sum() >= DRAWN * still.sum() else np.zeros_like(out)


def _liveliness(residuals: Residuals) -> tuple[F32, F32, F32]:
    """Of each cell: mean step from frame to frame, cut off at three deviations of noise; frames with rain; its opacity.

    The last is a mean over the frames of what stands out from the noise.
    """
    background = residuals.background
    sigma = np.maximum(background.sigma, np.float32(0.3)) * np.float32(UNIT)
    steps: F32 = np.zeros(residuals.luma.shape[1:], np.float32)
    rain, falls = np.zeros_like(steps), np.zeros_like(steps)
    wet, out = np.maximum(4 * sigma, 5 * UNIT), np.maximum(3 * sigma, 3 * UNIT)
    (usual,) = percentiles_over_time(residuals.luma, (40,))
    before = residuals.luma[0].astype(np.float32)
    for frame in residuals.luma[1:]:
        after = frame.astype(np.float32)
        steps += np.minimum(cv2.absdiff(after, before), 3 * sigma)
        excess = after - usual
        rain += excess > wet
        falls += np.maximum(excess - out, np.float32(0))
        before = after
    share = np.float32(UNIT * (len(residuals) - 1))
    return steps / share, rain, falls / share / background.contrast


def _around(values: F32) -> F32:
    """Median of the neighbourhood, (gh, gw) float32; of values below 8."""
    coarse = np.clip(values * 32, 0, 255).astype(np.uint8)
    return np.asarray(cv2.medianBlur(coarse, 31), np.float32) / np.float32(32)


def _edges(picture: F32) -> F32:
    """Largest difference among the 3×3 cells around each, grey levels."""
    kernel = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.dilate(picture, kernel) - cv2.erode(picture, kernel), np.float32)


def _grown(strong: U8, weak: U8, least: int) -> Mask:
    """Weak places that hang together with strong ones, closed; areas of few strong places dropped."""
    whole = cv2.morphologyEx(closed(strong | weak, 7), cv2.MORPH_OPEN, ellipse(5))
    _, parts = cv2.connectedComponents(whole, connectivity=8)
    keep = np.bincount(parts.ravel(), weights=strong.ravel()) >= least
    keep[0] = False
    return np.asarray(keep[parts])
