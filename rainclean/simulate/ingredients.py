"""Define what a film can have besides rain over a flat picture: each a few plain numbers, freely combined.

Importing this is cheap.
"""

import math
from dataclasses import dataclass

from rainclean.errors import UsageError

STAGES = ("flat", "park", "street", "garden", "shore")
"""What stands between camera and picture; see `stages`."""


def within(name: str, value: float, low: float, high: float) -> None:
    """Raise UsageError for a value that is no number from ``low`` to ``high``."""
    if not (math.isfinite(value) and low <= value <= high):
        raise UsageError(f"{name} {value:g}: give a number from {low:g} to {high:g}")


@dataclass(frozen=True, kw_only=True)
class Trip:
    """How the camera is carried; all of it through space, so that near things pass faster than far ones.

    forward, sideways: m a frame (right is positive). bob: m up and down with each step; step: frames that one takes.
    turn: degrees to the right over the clip. roll, shake: degrees by which it tilts about its axis, and turns up, down
    and sideways, as hands do: smooth, other in each clip. shutter: share of the time between two frames in which
    it is open; what moves is blurred by as much.
    """

    forward: float = 0.0
    sideways: float = 0.0
    bob: float = 0.0
    step: float = 13.0
    turn: float = 0.0
    roll: float = 0.0
    shake: float = 0.0
    shutter: float = 0.0

    def __post_init__(self) -> None:
        within("forward", self.forward, -1, 1)
        within("sideways", self.sideways, -5, 5)
        within("bob", self.bob, 0, 1)
        within("step", self.step, 2, 1000)
        within("turn", self.turn, -60, 60)
        within("roll", self.roll, 0, 45)
        within("shake", self.shake, 0, 10)
        within("shutter", self.shutter, 0, 1)


@dataclass(frozen=True)
class Crowd:
    """People in dark clothes who walk through the picture all the time.

    people: how many are seen at a time. near, far: m between which they walk. speed: m a frame, on average.
    """

    people: int = 8
    near: float = 4.0
    far: float = 9.0
    speed: float = 0.05

    def __post_init__(self) -> None:
        within("people", self.people, 1, 200)
        within("near", self.near, 1, 100)
        within("far", self.far, self.near, 200)
        within("speed", self.speed, 0.001, 5)


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Vehicles that pass from side to side.

    kind: "lorry" with its lights on, or "car". gap: frames from one to the next. speed: m a frame. distance: m.
    lights: brightness of the lamps, 1: as white as the picture gets.
    """

    kind: str = "car"
    gap: float = 30.0
    speed: float = 0.35
    distance: float = 8.0
    lights: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in ("car", "lorry"):
            raise UsageError(f"kind {self.kind!r}: use car or lorry")
        within("gap", self.gap, 1, 1e6)
        within("speed", self.speed, 0.01, 10)
        within("distance", self.distance, 2, 100)
        within("lights", self.lights, 0, 20)


@dataclass(frozen=True)
class Sun:
    """Patches of sun that move over the scene, as under trees in wind.

    strength: by which share lit places are brighter. patch: their size, share of the picture's height. speed: px a
    frame. They lie in the picture and do not follow a camera that moves.
    """

    strength: float = 0.5
    patch: float = 0.25
    speed: float = 1.2

    def __post_init__(self) -> None:
        within("strength", self.strength, 0, 3)
        within("patch", self.patch, 0.02, 2)
        within("speed", self.speed, 0, 100)


@dataclass(frozen=True)
class Water:
    """Water below the middle of the picture that mirrors what is above it, in ripples.

    share: of the picture's height. ripple: px by which reflections are moved. rings: drops that fall in, a frame.
    """

    share: float = 0.4
    ripple: float = 3.0
    rings: float = 3.0

    def __post_init__(self) -> None:
        within("share", self.share, 0.02, 0.5)
        within("ripple", self.ripple, 0, 50)
        within("rings", self.rings, 0, 200)


@dataclass(frozen=True)
class Overlay:
    """A half-transparent sign over all frames, put in after filming: a mark in the middle or words all over.

    weakest, strongest: opacity, which a clip has somewhere between.
    """

    weakest: float = 0.3
    strongest: float = 0.6

    def __post_init__(self) -> None:
        within("weakest", self.weakest, 0, 1)
        within("strongest", self.strongest, self.weakest, 1)
