"""Find logos, clocks and writing drawn over a clip of a still camera: they show neither rain nor sensor noise."""

from typing import NamedTuple

import cv2
import numpy as np

from rainclean.moving._kernels import add_steps
from rainclean.moving.dynamic_texture import MIN_FRAMES
from rainclean.moving.residual_grid import F32, UNIT, Background, Mask, Residuals, percentiles_over_time

STILL_NOISE_FRACTION, DRY_RAIN_FRACTION = 0.4, 0.3
"""Overlays have at most this fraction of the noise, and of the rain, that are around them."""

SMOOTHED_RAIN_FRACTION = 0.35
"""The same of rain where an encoder has smoothed all noise: it lets rain run over the edges."""

MIN_WRITING_FRACTION = 0.001
"""Fraction of the picture that writing covers at least; rain and strong noise alone reached half of it."""

MAX_WRITING_SD = 12.0
"""Largest standard deviation of luma within a sign of such writing, grey levels: it is drawn in one colour."""

MIN_DRAWN_FRACTION = 0.5
"""Fraction of all still places that must look drawn; where fewer do, the encoder left blocks unchanged."""

MIN_WET_FRACTION = 0.85
"""Fraction of what is beside an overlay on which rain must be seen: dry things have others like them beside."""

MIN_EDGE_FRACTION = 0.8
"""Fraction of an overlay's outline that must be a hard edge; blocks that encoders leave unchanged seldom have that."""


def find_overlays(residuals: Residuals, elsewhere: Mask) -> Mask:
    """Find logos, clocks and writing that were drawn over the clip, (gh, gw) bool.

    They have hard edges, hardly any noise, and no rain where their neighbours have it. Encoders smooth all noise and
    let rain run over edges: places that have far less rain than others are found as well, noise or not.
    What is as bright as rain, or black, is left out: it would show neither without being an overlay.
    """
    cells = residuals.luma.shape[1:]
    nothing = np.zeros(cells, bool)
    if len(residuals) < MIN_FRAMES:
        return nothing
    background = residuals.background
    noise, rain, falls = _activity(residuals)
    sigma = np.maximum(background.sigma, np.float32(0.3))
    # The sensor's noise may be smoothed by encoders: what most of the picture has of what is expected.
    level = float(np.median(noise / (1.13 * sigma)))
    expected = np.minimum(_around(noise), np.float32(1.13 * min(1.0, level)) * sigma)
    may_be = (background.luma < 247) & (background.luma > 6) & ~elsewhere
    still = (noise < STILL_NOISE_FRACTION * expected) & (expected > 0.15) & may_be
    out = _drawn(still, rain, background, min_rain=5, rain_fraction=DRY_RAIN_FRACTION)
    usual = cv2.blur(falls, (31, 31))
    dry = (
        (cv2.blur(falls, (3, 3)) < SMOOTHED_RAIN_FRACTION * usual)
        & (usual > 0.005)
        & (background.contrast > 30)
        & may_be
    )
    writing = _drawn(dry, falls, background, min_rain=0, rain_fraction=SMOOTHED_RAIN_FRACTION, max_sd=MAX_WRITING_SD)
    if writing.mean() > MIN_WRITING_FRACTION:
        out |= writing
    spread = cv2.dilate(out.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.morphologyEx(spread, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0)


def _drawn(
    still: Mask, rain: F32, background: Background, *, min_rain: float, rain_fraction: float, max_sd: float = np.inf
) -> Mask:
    """Keep still places (gh, gw) that have hard edges and less than ``rain_fraction`` of the rain around.

    rain: (gh, gw) float32; ``min_rain``: so much of it must fall around, all over a place. max_sd: standard deviation
    of luma that a place may have. Empty if few look drawn.
    """
    _, parts, stats, _ = cv2.connectedComponentsWithStats(still.astype(np.uint8), connectivity=8)
    steep = _edges(background.luma)
    near_rain = cv2.blur(rain, (31, 31))
    wet = cv2.blur(rain, (5, 5)) > np.float32(0.5) * near_rain
    others = cv2.dilate(still.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    out = np.zeros(still.shape, bool)
    areas = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= 6)[1:]  # the first is all that is not still
    for i in areas:
        x, y, w, h = stats[i, :4]
        box = np.s_[max(0, y - 5) : y + h + 5, max(0, x - 5) : x + w + 5]
        area = (parts[box] == i).astype(np.uint8)
        rim = (cv2.dilate(area, np.ones((3, 3), np.uint8)) & ~area).astype(bool)
        due = float(near_rain[box][area > 0].sum())
        beside = cv2.dilate(area, np.ones((11, 11), np.uint8)).astype(bool) & ~others[box]
        if not beside.any() or float(np.mean(wet[box][beside])) < MIN_WET_FRACTION:
            continue
        shows_rain = float(background.contrast[box][area > 0].mean()) > 30
        dry = float(rain[box][area > 0].sum()) < rain_fraction * due
        flat = float(background.luma[box][area > 0].std()) < max_sd
        has_edges = float(np.mean(steep[box][rim] > 12)) > MIN_EDGE_FRACTION
        if due > min_rain and shows_rain and flat and dry and has_edges:
            out[box] |= area > 0
    return out if out.sum() >= MIN_DRAWN_FRACTION * stats[areas, cv2.CC_STAT_AREA].sum() else np.zeros_like(out)


class _Activity(NamedTuple):
    """Activity of each cell, (gh, gw) float32 each.

    noise: mean step from frame to frame, clipped at three deviations of noise. rain: frames with rain. falls: its
    opacity, a mean over the frames of what exceeds the noise.
    """

    noise: F32
    rain: F32
    falls: F32


def _activity(residuals: Residuals) -> _Activity:
    """Measure how much each cell changes from frame to frame."""
    background = residuals.background
    sigma = np.maximum(background.sigma, np.float32(0.3)) * np.float32(UNIT)
    steps: F32 = np.zeros(residuals.luma.shape[1:], np.float32)
    rain, falls = np.zeros_like(steps), np.zeros_like(steps)
    wet, out = np.maximum(4 * sigma, 5 * UNIT), np.maximum(3 * sigma, 3 * UNIT)
    (usual,) = percentiles_over_time(residuals.luma, (40,))
    add_steps(residuals.luma, usual, 3 * sigma, wet, out, steps, rain, falls)
    share = np.float32(UNIT * (len(residuals) - 1))
    return _Activity(steps / share, rain, falls / share / background.contrast)


def _around(values: F32) -> F32:
    """Return the median of the neighbourhood, (gh, gw) float32; of values below 8."""
    coarse = np.clip(values * 32, 0, 255).astype(np.uint8)
    return np.asarray(cv2.medianBlur(coarse, 31), np.float32) / np.float32(32)


def _edges(picture: F32) -> F32:
    """Return the largest difference among the 3×3 cells around each, grey levels."""
    kernel = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.dilate(picture, kernel) - cv2.erode(picture, kernel), np.float32)
