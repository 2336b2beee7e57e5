"""Compute what a camera sees in a frame before rain, exposure and noise: with and without foreground."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.simulate import crowd, stages, surfaces, vehicles
from rainclean.simulate.camera import look
from rainclean.simulate.ingredients import Trip
from rainclean.simulate.layers import FINER, Cover, Layer, averaged, paint
from rainclean.simulate.presets import Simulation
from rainclean.simulate.trip import Pose, pose
from rainclean.simulate.walkers import dark_clothes, draw_one

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_OPEN = 3
"""At how many moments a frame is looked at while the shutter is open."""

_CLOTHES = 96
"""Height of a person whose clothes are drawn, px; smaller and larger ones are taken from it."""

_MEAN = 110.0
"""Grey level that automatic exposure takes a scene for while nothing passes."""


@dataclass(frozen=True)
class View:
    """Of one frame, (H, W, 3) float32 grey levels: bare, the scene; seen, with what passes.

    passers, water: opacity 0…1 (H, W), None where the simulation has none.
    """

    bare: F32
    seen: F32
    passers: F32 | None
    water: F32 | None


class Correspondence(NamedTuple):
    """Places of another frame that show what the px of the reference frame show.

    Attributes:
        x: (H, W) float32, px of the other frame.
        y: (H, W) float32, px of the other frame.
        known: (H, W) bool, False where a nearer layer hides the place, an edge is near, or wind moves it.
    """

    x: F32
    y: F32
    known: NDArray[np.bool_]


class _Moment(NamedTuple):
    """The scene at one moment: without and with what passes, and the opacity of that."""

    bare: F32
    seen: F32
    cover: F32


class _Stage(NamedTuple):
    """Everything that does not pass.

    Attributes:
        picture: Picture of the backdrop.
        canvas: It all, on a fine canvas.
        fronts: Distance and cover of each layer, the farthest first.
    """

    picture: U8
    canvas: F32
    fronts: list[tuple[float, Cover]]


@dataclass(frozen=True)
class Scenery:
    """All that is before the camera in a clip of ``frames`` frames of ``size`` (height, width) px."""

    simulation: Simulation
    size: tuple[int, int]
    frames: int
    seed: int

    @cached_property
    def gains(self) -> F64:
        """Factors (N,) of automatic exposure by the light of foreground. They lag behind, as in cameras."""
        share = self.simulation.auto_exposure
        if not share:
            return np.ones(self.frames)
        small = (max(16, self.size[0] // 6), max(16, self.size[1] // 6))
        gains, gain = np.ones(self.frames), None
        for index in range(self.frames):
            passing, cover = self._passing(index, small, [])
            mean = float((_MEAN * (1 - cover) + np.minimum(passing, 2000)).mean())
            aim = (_MEAN / mean) ** share
            gain = aim if gain is None else gain + 0.2 * (aim - gain)
            gains[index] = gain
        return gains

    @cached_property
    def backdrop_size(self) -> tuple[int, int]:
        """Height and width, px, that the backdrop's picture must have."""
        return stages.backdrop_size([self._pose(time) for i in range(self.frames) for time in self._open(i)], self.size)

    def view(self, index: int, picture: U8, transform: F64) -> View:
        """Return what the camera sees in a frame.

        Args:
            index: of the frame.
            picture: the scene.
            transform: (2, 3), where a flat scene is seen, as in `camera.Path`.
        """
        simulation, times = self.simulation, self._open(index)
        moments = [self._at(time, picture, transform) for time in times]
        bare, seen, cover = (np.float32(1 / len(times)) * np.sum(each, axis=0) for each in zip(*moments, strict=True))
        water = None
        scenes = [bare, seen] if simulation.crossed else [bare]
        if simulation.sun is not None:
            light = surfaces.sunlight(simulation.sun, index, self.size, self.seed)
            scenes = [scene * light for scene in scenes]
        if simulation.water is not None:
            for scene in scenes:
                water = surfaces.flood(scene, simulation.water, index, self.seed)
        if not simulation.crossed:
            return View(scenes[0], scenes[0], None, water)
        # Lamps brighten what they do not cover.
        touched = np.clip(np.abs(scenes[1] - scenes[0]).max(axis=2) / 32, 0, 1)
        return View(scenes[0], scenes[1], np.maximum(cover, touched), water)

    def follow(self, reference: int, index: int) -> Correspondence:
        """Find where a frame shows what each px of the reference frame shows, in a simulation with layers.

        Foreground is not considered.

        Args:
            reference: index of the reference frame.
            index: of the other frame.
        """
        import cv2

        props = self._layers(np.zeros((*self.backdrop_size, 3), np.uint8))
        tops = [self._nearest(props, frame) for frame in (reference, index)]
        x, y = np.zeros(self.size, np.float32), np.zeros(self.size, np.float32)
        columns, rows = np.meshgrid(np.arange(self.size[1]), np.arange(self.size[0]))
        known = np.zeros(self.size, bool)
        for number, layer in enumerate(props):
            here = tops[0] == number
            if layer.sway is not None or not here.any():
                continue
            there, back = (layer.to_frame(self._pose(i), self.size, i, 1) for i in (index, reference))
            moved = (there @ np.linalg.inv(back)) @ np.stack((columns[here], rows[here], np.ones(here.sum())))
            x[here], y[here] = moved[:2] / moved[2]
            known |= here
        seen = cv2.remap(tops[1].astype(np.float32), x, y, cv2.INTER_NEAREST, borderValue=-1)
        return Correspondence(x, y, known & (seen == tops[0]))

    def _nearest(self, props: list[Layer], index: int) -> NDArray[np.int16]:
        """Return the number of the layer that each px of a frame shows, (H, W); −1 near edges."""
        import cv2

        fine = np.full((FINER * self.size[0], FINER * self.size[1]), -1, np.int16)
        canvas = np.zeros((*fine.shape, 3), np.float32)
        for number, layer in enumerate(props):
            cover = paint(canvas, layer, self._pose(index), self.size, index)
            if cover is not None:
                fine[cover.box][cover.opacity[..., 0] > 0.5] = number
        near = np.ones((3 * FINER, 3 * FINER), np.uint8)
        inside = cv2.dilate(fine, near) == cv2.erode(fine, near)
        return np.where(inside, fine, -1)[::FINER, ::FINER].astype(np.int16)

    def _layers(self, picture: U8) -> list[Layer]:
        return [stages.backdrop(picture, self.size[1]), *self._props]

    def _at(self, time: float, picture: U8, transform: F64) -> _Moment:
        """Return the scene at one moment."""
        if not self.simulation.layered:
            bare = look(picture, transform, self.size)
            if not self.simulation.crossed:
                return _Moment(bare, bare, np.zeros(self.size, np.float32))
            passing, cover = (averaged(canvas) for canvas in self._passing(time, self.size, []))
            return _Moment(bare, bare * (1 - cover) + passing, cover[..., 0])
        _, canvas, fronts = self._stage(time, picture)
        if not self.simulation.crossed:
            bare = averaged(canvas)
            return _Moment(bare, bare, np.zeros(self.size, np.float32))
        passing, covered = self._passing(time, self.size, fronts)
        return _Moment(averaged(canvas), averaged(canvas * (1 - covered) + passing), averaged(covered)[..., 0])

    def _stage(self, time: float, picture: U8) -> _Stage:
        """Paint everything that does not pass."""
        if self._standing and self._standing[0].picture is picture:
            return self._standing[0]
        canvas, now = np.zeros((FINER * self.size[0], FINER * self.size[1], 3), np.float32), self._pose(time)
        fronts = []
        for layer in self._layers(picture):
            cover = paint(canvas, layer, now, self.size, time)
            if cover is not None:
                fronts.append((layer.distance, cover))
        stage = _Stage(picture, canvas, fronts)
        if self.simulation.trip is None and not self.simulation.sway:  # the same in all frames
            self._standing[:] = [stage]
        return stage

    def _passing(self, time: float, size: tuple[int, int], fronts: list[tuple[float, Cover]]) -> tuple[F32, F32]:
        """Light and opacity of all that passes, on canvases of ``size``: (…, …, 3) and (…, …, 1).

        fronts: distance and opacity of what stands still, which hides what passes behind it; the farthest first.
        """
        light = np.zeros((FINER * size[0], FINER * size[1], 3), np.float32)
        cover, now = np.zeros((*light.shape[:2], 1), np.float32), self._pose(time)
        things: list[tuple[float, Layer | crowd.Person | Cover]] = [*fronts]
        things += [(layer.distance, layer) for layer in self._vehicles]
        if self.simulation.crowd is not None:
            for person in crowd.people(self.simulation.crowd, now, time, size, self.seed):
                things.append((person.distance, person))
        for _, thing in sorted(things, key=lambda pair: -pair[0]):
            if isinstance(thing, Layer):
                over = paint(light, thing, now, size, time)
                if over is not None:
                    over.hide(cover)
                    cover[over.box] += over.opacity
            elif isinstance(thing, crowd.Person):
                place = FINER * thing.x + (FINER - 1) / 2, FINER * thing.y + (FINER - 1) / 2
                clothes = dark_clothes(_CLOTHES, self.seed, thing.number)
                tall, way = FINER * thing.tall, FINER * thing.way
                draw_one(
                    light,
                    cover[..., 0],
                    *place,
                    way=way,
                    tall=tall,
                    light=self.simulation.light,
                    clothes=clothes,
                    made_for=_CLOTHES,
                )
            else:
                thing.hide(light)
                thing.hide(cover)
        return light, cover

    @cached_property
    def _standing(self) -> list[_Stage]:
        """What `_stage` made last: nothing or one."""
        return []

    @cached_property
    def _props(self) -> list[Layer]:
        return stages.layers(self.simulation, self.seed)

    @cached_property
    def _vehicles(self) -> list[Layer]:
        traffic = self.simulation.traffic
        return [] if traffic is None else vehicles.passing(traffic, self.frames, self.seed)

    def _pose(self, time: float) -> Pose:
        return pose(self.simulation.trip or Trip(), time, self.frames, self.seed)

    def _open(self, index: int) -> list[float]:
        """Return moments of a frame at which the shutter is open, around its own."""
        shutter = self.simulation.trip.shutter if self.simulation.trip else 0.0
        return [index + shutter * (k / _OPEN - 0.5 + 0.5 / _OPEN) for k in range(_OPEN)] if shutter else [float(index)]
