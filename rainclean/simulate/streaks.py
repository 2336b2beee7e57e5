"""Rain of one frame: a list of streaks, and what it covers.

A drop gathers light from a wide field, most of it sky, whatever is behind it (Garg and Nayar, "Photometric model of a
rain drop", 2003): rain has a grey level of its own and brightens what is darker.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate import physics
from rainclean.simulate._kernel import paint
from rainclean.simulate.presets import Rain

F32 = NDArray[np.float32]

LIGHT_SPREAD = 6.0
"""Standard deviation of the drops' grey levels around the rain's colour: each sees another part of sky and scene."""


@dataclass(frozen=True)
class Painted:
    """Rain of one frame.

    opacity: (H, W) float32, 0…1. light: (H, W) float32, its grey level.
    """

    opacity: F32
    light: F32


def fall(rain: Rain, size: tuple[int, int], rng: np.random.Generator) -> F32:
    """Draw streaks that touch a frame of ``size`` (height, width), each frame anew; (N, 7) float32 as `paint` has it.

    Sizes, speeds and distances are drawn as in `physics`; length and width follow from them, and so does opacity.
    """
    height, width = size
    per_speed, per_size, full = physics.scales(rain.length, rain.width, rain.rate_mm_h, rain.depth_ratio)
    longest = per_speed * float(physics.terminal_speed(np.array([physics.LARGEST_MM]))[0])
    steepest = np.deg2rad(min(90.0, abs(rain.slant) + 4 * rain.slant_spread))
    # Streaks are counted by their middles: those that reach in from outside need a margin.
    beside = 0.6 * longest * np.sin(steepest) + 2 * rain.width + 4
    above = 0.6 * longest + 2 * rain.width + 4
    count = rng.poisson(rain.density * (width + 2 * beside) * (height + 2 * above))
    x = rng.uniform(-beside, width + beside, count)
    y = rng.uniform(-above, height + above, count)
    d = physics.diameters(rng.random(count), rain.rate_mm_h)
    z = physics.distances(rng.random(count), rain.depth_ratio)
    blur = physics.blur_for(rain.width)
    cover = full * physics.covers(d, z, per_size, blur)
    streaks = np.stack(
        (
            x,
            y,
            per_speed * physics.terminal_speed(d) / z,
            np.hypot(per_size * d / z, blur),
            np.deg2rad(rain.slant + rain.slant_spread * rng.standard_normal(count)),
            rain.strength * np.clip(cover, 0.25, 1),
            np.clip(rain.colour + LIGHT_SPREAD * rng.standard_normal(count), 0, 255),
        ),
        axis=1,
    )
    return streaks.astype(np.float32)


def rain_over(rain: Rain, gradient: tuple[float, float], size: tuple[int, int], rng: np.random.Generator) -> Painted:
    """Fallen and painted rain of one frame of ``size`` (height, width) px; see `presets.Simulation.gradient`."""
    opacity, light = np.zeros(size, np.float32), np.zeros(size, np.float32)
    if rain.density and rain.strength:
        paint(fall(rain, size, rng), opacity, light)
    if gradient != (1.0, 1.0):
        factor = np.linspace(gradient[0], gradient[1], size[0], dtype=np.float32)[:, None]
        opacity = np.minimum(opacity * factor, np.float32(1))
    return Painted(opacity, light)
