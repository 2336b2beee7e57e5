"""Raindrops: how many of which size, how fast they fall, and what a camera makes of them.

Sources:
- sizes: Marshall and Palmer, "The distribution of raindrops with size", J. Meteorology 5 (1948),
  doi:10.1175/1520-0469(1948)005<0165:TDORWS>2.0.CO;2
- fall speeds: Atlas, Srivastava and Sekhon, "Doppler radar characteristics of precipitation at vertical
  incidence", Rev. Geophysics 11 (1973), doi:10.1029/RG011i001p00001, fitted to the table of Gunn and Kinzer,
  J. Meteorology 6 (1949), doi:10.1175/1520-0469(1949)006<0243:TTVOFF>2.0.CO;2
- what a drop does to a pixel: Garg and Nayar, "Detection and removal of rain from videos", CVPR 2004,
  doi:10.1109/CVPR.2004.1315077, and "Vision and rain", IJCV 75 (2007), doi:10.1007/s11263-006-0028-6
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

SMALLEST_MM, LARGEST_MM = 0.8, 6.0
"""Diameters of drops that are drawn: smaller ones are too faint to be seen one by one, larger ones break up."""

DROPS_PER_M3_AND_MM = 8000.0
"""Marshall and Palmer's N0."""

SENSOR_BLUR = 1.0
"""Full width at half height, px, of what lens and pixel make of a point."""

_GRID = 96


def size_slope(rate_mm_h: float) -> float:
    """Λ of Marshall and Palmer's N(D) = N0·exp(−Λ·D), per mm, at this rain rate."""
    return 4.1 * rate_mm_h**-0.21


def terminal_speed(diameter_mm: F64) -> F64:
    """Speed in m/s at which drops of these diameters fall; within 2 % of the table from 0.8 to 5.8 mm."""
    return 9.65 - 10.3 * np.exp(-0.6 * diameter_mm)


def diameters(quantiles: F64, rate_mm_h: float) -> F64:
    """Return diameters in mm of drops that are drawn, at these quantiles 0…1 of Marshall and Palmer's sizes."""
    slope = size_slope(rate_mm_h)
    span = -np.expm1(-slope * (LARGEST_MM - SMALLEST_MM))
    return SMALLEST_MM - np.log1p(-quantiles * span) / slope


def distances(quantiles: F64, ratio: float) -> F64:
    """Return distances 1…ratio of drops spread evenly over the viewed volume, whose section grows with its square."""
    return np.cbrt(1 + quantiles * (ratio**3 - 1))


@lru_cache(maxsize=64)
def _population(rate_mm_h: float, ratio: float) -> tuple[F64, F64]:
    """Return diameters and distances of a population that represents all drops, (_GRID²,) each."""
    middles = (np.arange(_GRID) + 0.5) / _GRID
    d, z = np.meshgrid(diameters(middles, rate_mm_h), distances(middles, ratio))
    return d.ravel(), z.ravel()


def blur_for(width: float) -> float:
    """Return the blur that leaves room for a mean width as small as this, px."""
    return min(SENSOR_BLUR, 0.9 * width)


class Scales(NamedTuple):
    """Factors of a population of drops: of length to v/z, of width to D/z, of opacity to cover."""

    per_speed: float
    per_size: float
    full: float


@lru_cache(maxsize=64)
def scales(length: float, width: float, rate_mm_h: float, ratio: float) -> Scales:
    """Return factors that give a population these means.

    The mean opacity is 0.625 of the largest, as of opacities spread evenly from a quarter of it to all of it.
    """
    d, z = _population(rate_mm_h, ratio)
    per_speed = length / float(np.mean(terminal_speed(d) / z))
    blur = blur_for(width)
    per_size = _solve(lambda k: float(np.mean(np.hypot(k * d / z, blur))), width)
    cover = covers(d, z, per_size, blur)
    full = _solve(lambda k: float(np.mean(np.clip(k * cover, 0.25, 1))), 0.625)
    return Scales(per_speed, per_size, full)


def covers(d: F64, z: F64, per_size: float, blur: float) -> F64:
    """Return how long drops cover a pixel, relative to each other: the time D/v, times the share of it that is drop.

    A drop thinner than the blur is spread over the blur's width and fainter by as much.
    """
    wide = per_size * d / z
    return d / terminal_speed(d) * wide / np.hypot(wide, blur)


def _solve(rising: Callable[[float], float], target: float) -> float:
    """Return where a rising function of a positive number reaches the target, to the last digits of a float."""
    from scipy.optimize import brentq  # not above: it takes as long to load as all of this package

    return float(brentq(lambda x: rising(x) - target, 0.0, 1e4, xtol=1e-15, rtol=4 * np.finfo(float).eps))


def seen_rain(rate_mm_h: float, exposure_s: float, focal_px: float, near_m: float, far_m: float) -> dict[str, float]:
    """Density, length, width and strength that a camera sees; units as in `presets.Rain.from_weather`.

    A drop of diameter D at distance z falls v·T during the exposure: its streak is v·T·f/z px long and D·f/z px
    wide, and it covers each of its pixels for D/v of the exposure T, which is its opacity (Garg and Nayar).
    """
    slope = size_slope(rate_mm_h)
    drops_per_m3 = DROPS_PER_M3_AND_MM / slope * (np.exp(-slope * SMALLEST_MM) - np.exp(-slope * LARGEST_MM))
    volume_per_px = (far_m**3 - near_m**3) / (3 * focal_px**2)
    d, z = _population(rate_mm_h, far_m / near_m)
    fallen = terminal_speed(d) * exposure_s * focal_px / (z * near_m)
    wide = d * 1e-3 * focal_px / (z * near_m)
    share = d * 1e-3 / (terminal_speed(d) * exposure_s) * wide / np.hypot(wide, SENSOR_BLUR)
    width = float(np.mean(np.hypot(wide, SENSOR_BLUR)))
    return {
        "density": float(drops_per_m3 * volume_per_px),
        "length": max(float(np.mean(fallen)), width),
        "width": width,
        "strength": min(1.0, float(np.quantile(share, 0.99))),
    }
