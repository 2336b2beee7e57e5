"""One frame of a simulated clip, from a scene: any frame on its own gives what it gives in the run."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate._kernel import expose
from rainclean.simulate.camera import Path, fit, generator, lit, look, quantise, sensor_noise, truth_of
from rainclean.simulate.presets import Simulation
from rainclean.simulate.streaks import rain_over
from rainclean.simulate.walkers import draw

U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Rendered:
    """One frame and what is known of it.

    frame, truth: (H, W, 3) uint8. rain, passers: (H, W) uint8, opacity times 255, rounded; passers is None where
    the simulation has none.
    """

    frame: U8
    truth: U8
    rain: U8
    passers: U8 | None


@dataclass(frozen=True)
class Renderer:
    """A clip to be: ``frames`` frames of ``size`` (height, width) px. The same seed gives the same frames."""

    simulation: Simulation
    size: tuple[int, int]
    frames: int
    seed: int = 0

    @cached_property
    def path(self) -> Path:
        """Transform and gain of each frame."""
        return Path.of(self.simulation, self.frames, self.size, self.seed)

    def scene(self, picture: U8) -> U8:
        """A picture (h, w, 3) uint8 as the scene that `render` takes: scaled to cover what the camera sees, lit."""
        return lit(fit(picture, self.path.scene_size), self.simulation)

    def render(self, index: int, scene: U8) -> Rendered:
        """Frame ``index`` over a scene as from `scene`. Raises IndexError outside 0…frames−1.

        Order: light and veil (in the scene), camera, passers-by, rain, exposure, noise, rounding.
        """
        if not 0 <= index < self.frames:
            raise IndexError(f"frame {index} of {self.frames}")
        simulation, gain = self.simulation, float(self.path.gains[index])
        transform = self.path.transforms[index]
        seen = look(scene, transform, self.size)
        truth = truth_of(seen, gain)
        moved = transform[:, 2] - self.path.transforms[0, :, 2]
        passers = draw(seen, simulation, index, self.frames, (moved[0], moved[1]), self.seed)
        rain = rain_over(simulation.rain, simulation.gradient, self.size, generator(self.seed, "rain", index))
        noise = sensor_noise(simulation, self.size, self.seed, index)
        frame = np.empty_like(truth)
        expose(seen, rain.opacity, rain.light, noise, gain, frame)
        mask = None if passers is None else quantise(passers * np.float32(255))
        return Rendered(frame, truth, quantise(rain.opacity * np.float32(255)), mask)
