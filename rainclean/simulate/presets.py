"""Define everything that a simulated clip depends on besides its scene and seed, and the named cases.

Plain numbers, so that the same objects are flags, JSON and provenance; importing this is cheap.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from rainclean.errors import UsageError
from rainclean.simulate.ingredients import STAGES, Crowd, Overlay, Sun, Traffic, Trip, Water, within


@dataclass(frozen=True, kw_only=True)
class Rain:
    """Rain as a picture shows it.

    Attributes:
        density: streaks per px and frame, counted by their middles.
        length: mean over the streaks, px, full width at half of a streak's largest opacity.
        width: likewise.
        slant: degrees off vertical, positive where drops fall to the right.
        slant_spread: its standard deviation over the streaks.
        strength: largest opacity, 0…1; a streak's opacity is between a quarter of it and all of it.
        colour: grey level of the drops, 0…255.
        rate_mm_h: rain rate that the drop sizes follow.
        depth_ratio: farthest distance over nearest.
    """

    density: float = 0.004
    length: float = 26.0
    width: float = 1.4
    slant: float = 8.0
    slant_spread: float = 1.5
    strength: float = 0.5
    colour: float = 232.0
    rate_mm_h: float = 25.0
    depth_ratio: float = 4.0

    def __post_init__(self) -> None:
        within("density", self.density, 0, 0.2)
        within("length", self.length, 1, 2000)
        within("width", self.width, 1, 100)
        within("slant", self.slant, -90, 90)
        within("slant spread", self.slant_spread, 0, 45)
        within("strength", self.strength, 0, 1)
        within("colour", self.colour, 0, 255)
        within("rain rate", self.rate_mm_h, 0.1, 300)
        within("depth ratio", self.depth_ratio, 1.01, 100)
        if self.length < self.width:
            raise UsageError(f"length {self.length:g}: streaks are at least as long as wide, {self.width:g} px")

    @classmethod
    def from_weather(
        cls,
        rate_mm_h: float,
        exposure_s: float = 1 / 120,
        focal_px: float = 1000.0,
        near_m: float = 1.0,
        far_m: float = 4.0,
        **image: float,
    ) -> Self:
        """Compute rain as a camera sees it: density, length, width and strength from weather and lens.

        Source: `physics.seen_rain`.

        Args:
            rate_mm_h: rain rate.
            exposure_s: exposure time of a frame.
            focal_px: focal length in px.
            near_m: drops nearer than this are not seen.
            far_m: drops farther than this merge into a veil; between the two they are seen as streaks.
            image: fields that follow from neither (slant, slant_spread, colour).

        Raises:
            UsageError: a value is out of range.
        """
        within("rain rate", rate_mm_h, 0.1, 300)
        within("exposure time", exposure_s, 1e-5, 1)
        within("focal length", focal_px, 10, 100_000)
        within("near", near_m, 0.05, 1000)
        within("far", far_m, near_m * 1.01, 1000)
        from rainclean.simulate.physics import seen_rain

        seen = seen_rain(rate_mm_h, exposure_s, focal_px, near_m, far_m)
        return cls(**{**seen, "rate_mm_h": rate_mm_h, "depth_ratio": far_m / near_m, **image})


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """All parameters of a simulated clip besides its scene and seed.

    light: factor on the scene's grey levels (0.25: night). veil: opacity of a steady mist over all of it, 0…1.
    gradient: factors on the opacity of rain at the top and at the bottom of the frame, linear between them.
    noise: standard deviation of the sensor's noise, grey levels. drift: the exposure runs from 1 − drift to
    1 + drift over the clip. flicker: its amplitude; flicker_period: frames. jitter: standard deviation of the
    camera's position in each frame, px; walk: of the step of its random walk from frame to frame, px.
    pan: px to the right over the clip. walkers: passers-by, one after the other; walker_height: px;
    walker_speed: px a frame. crf: H.264 at this constant rate factor; None: lossless.

    What films have besides; a preset has it or not, see `ingredients`. stage: what stands before the picture, in space.
    trip: how the camera is carried through it, instead of jitter, walk and pan. sway: m by which wind moves leaves.
    crowd, traffic, sun, water, overlay: as they say. auto_exposure: share of a change of light by passing things that
    the camera takes back. frozen: chance of a frame to show the one before again. frames: of a clip over a picture,
    unless asked otherwise.
    """

    rain: Rain = field(default_factory=Rain)
    light: float = 1.0
    veil: float = 0.0
    gradient: tuple[float, float] = (1.0, 1.0)
    noise: float = 2.0
    drift: float = 0.0
    flicker: float = 0.0
    flicker_period: float = 9.7
    jitter: float = 0.0
    walk: float = 0.0
    pan: float = 0.0
    walkers: int = 0
    walker_height: float = 80.0
    walker_speed: float = 9.5
    crf: int | None = None
    stage: str = "flat"
    trip: Trip | None = None
    sway: float = 0.0
    crowd: Crowd | None = None
    traffic: Traffic | None = None
    sun: Sun | None = None
    water: Water | None = None
    overlay: Overlay | None = None
    auto_exposure: float = 0.0
    frozen: float = 0.0
    frames: int = 80

    def __post_init__(self) -> None:
        within("light", self.light, 0, 4)
        within("veil", self.veil, 0, 1)
        for share in self.gradient:
            within("gradient", share, 0, 10)
        within("noise", self.noise, 0, 100)
        within("drift", self.drift, -0.9, 0.9)
        within("flicker", self.flicker, 0, 0.9)
        within("flicker period", self.flicker_period, 2, 1e6)
        within("jitter", self.jitter, 0, 50)
        within("walk", self.walk, 0, 50)
        within("pan", self.pan, -100_000, 100_000)
        within("walkers", self.walkers, 0, 100)
        within("walker height", self.walker_height, 8, 10_000)
        within("walker speed", self.walker_speed, 0.1, 10_000)
        if self.crf is not None:
            within("crf", self.crf, 0, 51)
        if self.stage not in STAGES:
            raise UsageError(f"stage {self.stage!r}: use one of {', '.join(STAGES)}")
        within("sway", self.sway, 0, 2)
        within("auto exposure", self.auto_exposure, 0, 1)
        within("frozen", self.frozen, 0, 0.95)
        within("frames", self.frames, 1, 1_000_000)
        if self.layered and (self.jitter or self.walk or self.pan):
            what = "jitter, walk and pan move a flat image, but this preset has objects in front of it"
            raise UsageError(f"{what}; leave them out, or choose another preset")

    @property
    def layered(self) -> bool:
        """Whether there are objects at several distances, so that a camera that moves sees them shift."""
        return self.stage != "flat" or self.trip is not None

    @property
    def moves(self) -> bool:
        """Whether the camera moves."""
        return bool(self.jitter or self.walk or self.pan or self.trip)

    @property
    def passes(self) -> bool:
        """Whether anything passes in front of the scene."""
        return bool(self.walkers or self.crowd or self.traffic)

    @property
    def plain(self) -> bool:
        """Whether a frame without rain is the picture itself, moved and exposed."""
        return not (self.layered or self.changes or self.overlay)

    @property
    def crossed(self) -> bool:
        """Whether anything passes except the walkers who come one by one."""
        return bool(self.crowd or self.traffic)

    @property
    def changes(self) -> bool:
        """Whether the scene changes, so that each frame has its own ground truth even where the camera is still."""
        return bool(self.sway or self.sun or self.water)

    def to_json(self) -> dict[str, Any]:
        """Return all parameters, nested as here."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned.

        Args:
            document: as parsed.

        Raises:
            KeyError, TypeError, UsageError: it is no such document.
        """
        values = dict(document)
        rain, gradient = Rain(**values.pop("rain")), tuple(values.pop("gradient"))
        parts = {name: kind(**values.pop(name)) for name, kind in _PARTS.items() if values.get(name) is not None}
        return cls(rain=rain, gradient=gradient, **parts, **values)


_PARTS: Mapping[str, type] = {
    "trip": Trip, "crowd": Crowd, "traffic": Traffic, "sun": Sun, "water": Water, "overlay": Overlay,
}  # fmt: skip


def _case(rain: Mapping[str, float] | None = None, **values: Any) -> Simulation:
    return Simulation(rain=Rain(**(rain or {})), **values)


LADDER: Mapping[str, Simulation] = {
    "clear": _case({"density": 0}, noise=0.0),
    "light": _case({"density": 0.0012}),
    "medium": _case(),
    "heavy": _case({"density": 0.010, "strength": 0.6}),
    "torrent": _case({"density": 0.018}, noise=3.0),
    "noisy": _case({"density": 0.008}, noise=6.0),
    "night": _case({"density": 0.005, "strength": 0.45}, light=0.25, noise=3.0),
    "gradient": _case({"density": 0.008}, gradient=(1.9, 0.1)),
    "drift": _case({"density": 0.005}, drift=0.06),
    "flicker": _case({"density": 0.005}, flicker=0.03),
    "walker": _case(walkers=1),
    "jitter": _case(jitter=0.8, walk=0.3),
    "pan": _case(pan=24.0),
    "codec": _case({"density": 0.005}, crf=23),
    "everything": _case(drift=0.06, walkers=1, jitter=0.8, walk=0.3, crf=23),
}
"""The benchmark cases that methods are measured on (80 frames of 352×240 px), by name."""


def _film(**values: Any) -> Simulation:
    return _case({"density": 0.005}, **{"frames": 48, **values})


FILMED: Mapping[str, Simulation] = {
    "handheld": _film(stage="garden", sway=0.02, trip=Trip(sideways=0.008, turn=9, roll=1.2, shake=1.0), crf=20),
    "walking": _film(stage="park", sway=0.01, trip=Trip(forward=0.05, bob=0.035, roll=1.0, shake=0.7), crf=20),
    "driving": _film(stage="street", trip=Trip(sideways=0.22, roll=0.3, shake=0.3, shutter=0.3), crf=20),
    "foliage": _film(stage="garden", sway=0.1),
    "crowd": _film(stage="park", crowd=Crowd()),
    "lorries": _film(
        stage="street",
        traffic=Traffic(kind="lorry", gap=24, speed=0.5, distance=8.6, lights=16),
        auto_exposure=0.9,
        crf=23,
    ),
    "sun": _film(stage="park", sun=Sun()),
    "watermark": _film(overlay=Overlay(), pan=40.0, crf=23),
    "water": _film(stage="shore", water=Water(), crf=20),
    "short": _case(frames=12),
    "short-cars": _case(frames=10, stage="street", traffic=Traffic(gap=14, speed=0.35, distance=10.0)),
    "frozen": _film(frozen=0.35, crf=20),
    "busy": _film(stage="park", sway=0.02, crowd=Crowd(people=6), crf=23, trip=Trip(turn=6, roll=0.6, shake=0.8)),
}
"""What people really film, with 352×240 px in mind; each has as many frames as it says."""

PRESETS: Mapping[str, Simulation] = {**LADDER, **FILMED}
"""All cases by name."""


def preset(name: str, **changes: Any) -> Simulation:
    """Return a case by name, with some of its values changed.

    Args:
        name: a key of PRESETS.
        changes: fields of `Simulation` or of its `Rain`.

    Raises:
        UsageError: there is no such case, or a value is out of range.

    Example:
        >>> preset("heavy", noise=4.0).noise
        4.0
    """
    if name not in PRESETS:
        raise UsageError(f"no preset {name!r}; use one of {', '.join(PRESETS)}")
    case = PRESETS[name]
    of_rain = {f.name for f in fields(Rain)}
    rain = replace(case.rain, **{key: value for key, value in changes.items() if key in of_rain})
    return replace(case, rain=rain, **{key: value for key, value in changes.items() if key not in of_rain})
