"""Render one frame of a simulated clip from a scene: any frame on its own is the same as within the clip."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate._kernel import expose
from rainclean.simulate.camera import Path, fit, generator, lit, quantise, sensor_noise, truth_of
from rainclean.simulate.presets import Simulation
from rainclean.simulate.scenery import Scenery
from rainclean.simulate.streaks import rain_over
from rainclean.simulate.surfaces import sign, under
from rainclean.simulate.walkers import draw

U8 = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """One frame and its ground truth.

    Attributes:
        frame: (H, W, 3) uint8.
        truth: (H, W, 3) uint8.
        rain: (H, W) uint8, opacity times 255, rounded.
        passers: likewise, of the foreground; None where the simulation has none.
        water: likewise; None where the simulation has none.
    """

    frame: U8
    truth: U8
    rain: U8
    passers: U8 | None
    water: U8 | None = None


@dataclass(frozen=True)
class Renderer:
    """A clip to render: ``frames`` frames of ``size`` (height, width) px. The same seed gives the same frames."""

    simulation: Simulation
    size: tuple[int, int]
    frames: int
    seed: int = 0

    @cached_property
    def path(self) -> Path:
        """Transform and gain of each frame."""
        return Path.draw(self.simulation, self.frames, self.size, self.seed)

    @cached_property
    def scenery(self) -> Scenery:
        """Everything before the camera."""
        return Scenery(self.simulation, self.size, self.frames, self.seed)

    @cached_property
    def shown(self) -> NDArray[np.intp]:
        """Index of the frame that each shows, (N,): its own, or an earlier one where the clip is frozen."""
        again = generator(self.seed, "frozen").random(self.frames) < self.simulation.frozen
        again[:1] = False
        return np.maximum.accumulate(np.where(again, 0, np.arange(self.frames)))

    @cached_property
    def gains(self) -> NDArray[np.float64]:
        """Factor on the grey levels of each frame, (N,)."""
        return (self.path.gains * self.scenery.gains)[self.shown]

    @cached_property
    def transforms(self) -> NDArray[np.float64]:
        """Transform of a flat scene in each frame, (N, 2, 3), as in `Path`."""
        return self.path.transforms[self.shown]

    @cached_property
    def sign(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Overlay of all frames, as from `surfaces.sign`; None: nothing."""
        overlay = self.simulation.overlay
        return None if overlay is None else sign(overlay, self.size, self.seed)

    @property
    def scene_size(self) -> tuple[int, int]:
        """Height and width of `scene`, px."""
        return self.scenery.backdrop_size if self.simulation.layered else self.path.scene_size

    def scene(self, picture: U8) -> U8:
        """Make the scene that `render` takes from a picture (h, w, 3) uint8: scaled to cover the camera's view, lit."""
        return lit(fit(picture, self.scene_size), self.simulation)

    def render(self, index: int, scene: U8) -> Rendered:
        """Render a frame.

        Order: light and veil (in the scene), camera, foreground, sun and water, rain, exposure, noise, rounding,
        overlays.

        Args:
            index: of the frame.
            scene: as from `scene`.

        Raises:
            IndexError: the index is outside 0…frames−1.
        """
        if not 0 <= index < self.frames:
            raise IndexError(f"frame {index} of {self.frames}")
        simulation, gain, index = self.simulation, float(self.gains[index]), int(self.shown[index])
        transform = self.path.transforms[index]
        view = self.scenery.view(index, scene, transform)
        truth, seen, cover = truth_of(view.bare, gain), view.seen, view.passers
        if simulation.walkers:
            moved = transform[:, 2] - self.path.transforms[0, :, 2]
            seen = seen.copy()
            walking = draw(seen, simulation, index, self.frames, camera=(moved[0], moved[1]), seed=self.seed)
            cover = walking if cover is None or walking is None else np.maximum(cover, walking)
        rain = rain_over(simulation.rain, simulation.gradient, self.size, generator(self.seed, "rain", index))
        noise = sensor_noise(simulation, self.size, self.seed, index)
        frame = np.empty_like(truth)
        expose(seen, rain.opacity, rain.light, noise, gain, frame)
        if self.sign is not None:
            frame, truth = under(frame, self.sign), under(truth, self.sign)
        return Rendered(
            frame=frame, truth=truth, rain=_mask(rain.opacity), passers=_maybe(cover), water=_maybe(view.water)
        )


def _mask(opacity: NDArray[np.float32]) -> U8:
    return quantise(opacity * np.float32(255))


def _maybe(opacity: NDArray[np.float32] | None) -> U8 | None:
    return None if opacity is None else _mask(opacity)
