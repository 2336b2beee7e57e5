"""The benchmark cases that methods are measured on: simulated clips whose ground truth is known."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.simulate import SimulateSettings, simulate, simulate_folder
from pipeline.stages import Progress
from rainclean.errors import InputError, UsageError
from rainclean.simulate import BACKGROUND, FILMED, LADDER, Backdrop, Record, Simulation, TruthDocument, preset
from rainclean.video import Region, open_source

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
_T = TypeVar("_T", bound=np.generic)

FRAMES = 80
SIZE = (352, 240)
CRFS = (18, 23, 28)

CAMERA_CRF = 20
"""Constant rate factor of clips for measuring speed."""

SAMPLES = ("table", "cat", "launch")
"""Shipped pictures that can be named; the fourth sample's is a night already."""

DEFAULT_BACKGROUNDS = SAMPLES[:2]


@dataclass(frozen=True)
class Case:
    """A preset with its name: "heavy", or "codec 23" where a rate factor replaces the preset's own."""

    name: str
    preset: str
    simulation: Simulation

    @property
    def filmed(self) -> bool:
        """Return whether this is a film: its preset sets the number of frames, and parts have no upper bound."""
        return self.preset in FILMED


class Background(NamedTuple):
    """A picture to rain over, with its name in tables and file names."""

    name: str
    path: Path


class CaseClip(NamedTuple):
    """One clip to make: a case over a background with a seed."""

    case: Case
    background: Background
    seed: int

    @property
    def name(self) -> str:
        """Return a name such as ``codec 23, table, seed 0``."""
        return f"{self.case.name}, {self.background.name}, seed {self.seed}"


def cases(names: Sequence[str] = (), crfs: Sequence[int] = CRFS) -> list[Case]:
    """Return the cases of some presets.

    Args:
        names: Presets, or "ladder" or "films" for all of one kind. Empty: all but "clear".
        crfs: Constant rate factors; "codec" becomes one case for each.

    Raises:
        UsageError: A name or a rate factor is unknown.
    """
    chosen: list[Case] = []
    groups = {"ladder": [name for name in LADDER if name != "clear"], "films": list(FILMED)}
    asked = [one for name in names or groups for one in groups.get(name, [name])]
    for name in dict.fromkeys(asked):
        if name == "codec":
            chosen += [Case(f"codec {crf}", name, preset(name, crf=crf)) for crf in dict.fromkeys(crfs)]
        else:
            chosen.append(Case(name, name, preset(name)))
    if not chosen:
        raise UsageError("--crfs: give at least one number")
    return chosen


def backgrounds(words: Sequence[str] = ()) -> list[Background]:
    """Return pictures to rain over, each under a unique name.

    Args:
        words: Paths, or names of shipped samples. Empty: the default ones.

    Raises:
        InputError: A path is not a picture.
    """
    found: list[Background] = []
    for word in words or DEFAULT_BACKGROUNDS:
        path = _sample(word) if word in SAMPLES else Path(word)
        with Backdrop(path) as backdrop:
            if backdrop.frames is not None:
                raise InputError(path, "is a clip, not an image", "give an image")
        name, taken = word if word in SAMPLES else path.stem, {b.name for b in found}
        again = 2
        while name in taken:
            name, again = f"{path.stem}-{again}", again + 1
        found.append(Background(name, path))
    return found


def _sample(name: str) -> Path:
    from pipeline.demo import sample_folder

    return sample_folder(name) / BACKGROUND


@dataclass(frozen=True)
class SimulatedClip:
    """A simulated clip on disk. path: the video, which methods see; record: the ground truth, which they do not."""

    path: Path
    record: Record
    simulation: Simulation

    @classmethod
    def from_folder(cls, folder: Path, simulation: Simulation) -> Self:
        """Return the clip that `simulate` wrote into a folder."""
        record = Record.read(folder)
        return cls(folder / record.document["clip"], record, simulation)

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in px."""
        width, height = self.record.document["size"]
        return width, height

    @property
    def places(self) -> F64:
        """Return the camera position in each frame, (N, 2) float64, x and y in px of the scene; it does not turn."""
        return np.asarray(self.record.document["transforms"], np.float64)[:, [2, 5]]

    def truth(self, frame: int, region: Region) -> U8:
        """Return the ground truth of a region of a frame, (h, w, 3) uint8."""
        return cut(self.record.truth(frame), self.whole, region)

    def aside(self, frame: int, region: Region) -> NDArray[np.bool_]:
        """Return where the ground truth cannot be compared with pictures, (h, w) bool: behind foreground, and on water.

        Foreground objects are not in the ground truth. Water looks like the ground truth in this one frame only.
        """
        covered = (self.record.passers(frame) > 0) | (self.record.water(frame) > 0)
        return cut(covered, self.whole, region)

    def rainy(self, frame: int, region: Region) -> U8:
        """Return a region of a decoded frame, (h, w, 3) uint8."""
        with open_source(self.path) as source:
            return next(iter(source.read([frame], region))).rgb

    @property
    def whole(self) -> Region:
        """Return the region of the whole frame."""
        return Region(0, 0, *self.size)

    def shared(self, frames: Sequence[int], reference: int) -> Region:
        """Return what all frames show of the reference frame, in its px. Raises ValueError where that is nothing."""
        away = self.places[[*frames, reference]] - self.places[reference]
        # Frame i shows px x of the reference frame at x − away.
        left, top = (math.ceil(value - 1e-9) for value in away.max(axis=0))
        right, bottom = (math.floor(value + 1e-9) for value in away.min(axis=0) + self.size)
        return overlap(self.whole, Region(left, top, right - left, bottom - top))

    def seen_from(self, region: Region, reference: int, other: int) -> Region:
        """Return the same part of the scene in another frame, rounded to whole px and cut to that frame."""
        away = np.rint(self.places[reference] - self.places[other]).astype(int)
        moved = Region(region.x + int(away[0]), region.y + int(away[1]), region.width, region.height)
        return overlap(self.whole, moved)


def overlap(one: Region, other: Region) -> Region:
    """Return the intersection of two regions. Raises ValueError where it is empty."""
    left, top = max(one.x, other.x), max(one.y, other.y)
    right = min(one.x + one.width, other.x + other.width)
    bottom = min(one.y + one.height, other.y + other.height)
    if right <= left or bottom <= top:
        raise ValueError(f"{one} and {other} have nothing in common")
    return Region(left, top, right - left, bottom - top)


def cut(picture: NDArray[_T], shown: Region, wanted: Region) -> NDArray[_T]:
    """Return the part ``wanted`` of a picture that shows ``shown``, both regions of one frame. Raises ValueError."""
    if picture.shape[:2] != (shown.height, shown.width) or overlap(shown, wanted) != wanted:
        raise ValueError(f"{wanted} of a picture {picture.shape} that shows {shown}")
    x, y = wanted.x - shown.x, wanted.y - shown.y
    return np.ascontiguousarray(picture[y : y + wanted.height, x : x + wanted.width])


def make_clip(
    case_clip: CaseClip, frames: int, size: tuple[int, int], folder: Path
) -> Generator[Progress, None, SimulatedClip]:
    """Simulate one clip into a folder of its own. frames: ignored for a film. Raises RaincleanError."""
    case = case_clip.case
    frames = case.simulation.frames if case.filmed else frames
    settings = SimulateSettings(case.simulation, case.preset, seed=case_clip.seed, frames=frames, size=size)
    yield from _simulate_over(case_clip.background.path, settings, folder)
    return SimulatedClip.from_folder(folder, case.simulation)


def make_camera_clip(
    folder: Path, background: Path, size: tuple[int, int, int], *, seed: int = 0, rain: str = "medium"
) -> Generator[Progress, None, Path]:
    """Simulate a clip as a camera writes it, in H.264, for measuring speed.

    Args:
        folder: Takes the clip and its ground truth.
        background: Picture to rain over.
        size: (width, height, frames).
        seed: Of the rain.
        rain: Name of a preset.

    Returns:
        The clip.

    Raises:
        RaincleanError: It cannot be written.
    """
    settings = SimulateSettings(replace(preset(rain), crf=CAMERA_CRF), seed=seed, frames=size[2], size=size[:2])
    document = yield from _simulate_over(background, settings, folder)
    return folder / str(document["clip"])


def _simulate_over(
    background: Path, settings: SimulateSettings, folder: Path
) -> Generator[Progress, None, TruthDocument]:
    with Backdrop(background) as backdrop, simulate_folder(folder, background) as output:
        return (yield from simulate(backdrop, settings, output))
