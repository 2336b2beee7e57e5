"""Marks, clocks and writing that were drawn over a clip: they show neither the rain nor the sensor's noise."""

import cv2
import numpy as np

from rainclean.moving.dynamic_texture import FEWEST
from rainclean.moving.residual_grid import F32, UNIT, Background, Mask, Residuals, percentiles_over_time

STILL, SILENT = 0.4, 0.3
"""Overlays: at most so much of the noise, and of the rain, that are around them."""

DRY = 0.35
"""The same of rain where an encoder has smoothed all noise: it lets rain run over the edges."""

LEAST_WRITING = 0.001
"""Share of the picture that it covers at least; rain and strong noise alone reached half of it."""

WRITING = 12.0
"""Standard deviation of luma within a sign of such writing at most, grey levels: it is drawn in one colour."""

DRAWN = 0.5
"""Share of all still places that must look drawn; where fewer do, the encoder left them as they were."""

ROUND_ABOUT = 0.85
"""Share of what is beside an overlay that rain must be seen on: things that show none reach to others like them."""

RIM = 0.8
"""Share of an overlay's outline that must be a hard edge; blocks that encoders leave as they were seldom lie so."""


def find_overlays(residuals: Residuals, elsewhere: Mask) -> Mask:
    """Marks, clocks and writing that were drawn over the clip, (gh, gw) bool.

    They have hard edges, hardly any noise, and no rain where their neighbours have it. Encoders smooth all noise and
    let rain run over edges: places are looked for as well that have far less rain than others, noise or not.
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
    usual = cv2.blur(falls, (31, 31))
    dry = (cv2.blur(falls, (3, 3)) < DRY * usual) & (usual > 0.005) & (background.contrast > 30) & may_be
    writing = _drawn(dry, falls, 0, background, DRY, WRITING)
    if writing.mean() > LEAST_WRITING:
        out |= writing
    spread = cv2.dilate(out.astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.morphologyEx(spread, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0)


def _drawn(still: Mask, rain: F32, least: float, background: Background, silent: float, even: float = np.inf) -> Mask:
    """Those of the still places (gh, gw) that have hard edges and less than a share ``silent`` of the rain around.

    rain: (gh, gw) float32; ``least``: so much of it must fall around, all over a place. even: standard deviation of
    luma that a place may have. Empty if few look drawn.
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
        if not beside.any() or float(np.mean(wet[box][beside])) < ROUND_ABOUT:
            continue
        shows_rain = float(background.contrast[box][area > 0].mean()) > 30
        dry = float(rain[box][area > 0].sum()) < silent * due
        flat = float(background.luma[box][area > 0].std()) < even
        if due > least and shows_rain and flat and dry and float(np.mean(steep[box][rim] > 12)) > RIM:
            out[box] |= area > 0
    return out if out.sum() >= DRAWN * stats[areas, cv2.CC_STAT_AREA].sum() else np.zeros_like(out)


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
