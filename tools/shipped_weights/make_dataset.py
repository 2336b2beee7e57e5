"""Makes the data sets that the shipped weights are trained on: simulated rain over scenes without rain.

    python -m tools.shipped_weights.make_dataset {strong|calm} FOLDER

strong: mostly heavy rain, from which a network soon learns what streaks are. calm: mostly fine rain or none over
thickets, sharpened and colourful as phones film them, from which it learns what they are not. Writes pairs in layout
"paired" (splits train and val) into FOLDER, which must not be there yet. The same versions of the libraries give the
same bytes, however many cores there are. Needs scikit-image, whose photographs are some of the scenes; see
`photographs`, and `leaves` for the others.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rainclean.dataset.layout_base import PairKey, Widths
from rainclean.dataset.layout_paired import LAYOUT
from rainclean.png import encode_png
from rainclean.simulate import Simulation, preset
from rainclean.simulate._kernel import expose, paint
from rainclean.simulate.camera import sensor_noise
from rainclean.simulate.streaks import LIGHT_SPREAD, Painted, rain_over
from rainclean.simulate.writing import ClipWriter
from rainclean.video import open_source
from tools.shipped_weights.colours import as_phones_do
from tools.shipped_weights.leaves import leaves_scene
from tools.shipped_weights.photographs import PHOTOGRAPHS, photograph_scene, photographs

U8 = NDArray[np.uint8]
Generator = np.random.Generator

SIDE = 192
RAINS = 4
"""Pairs of a scene."""

LEAVES = {"train": 280, "val": 8}
"""Scenes of dead leaves; the others are photographs."""

PRESETS = ("light", "medium", "medium", "heavy", "heavy", "torrent", "night", "gradient", "codec")
"""Cases that the rain varies around, as often as they stand here."""


class Mix(NamedTuple):
    """What a data set holds. dry, faint, fine: shares of pairs without rain, with hardly any, with rain as phones film
    it; the others have rain of any strength. thickets: share of the leaves' scenes that are full of small leaves;
    sharpened, colourful: shares of all scenes.
    """

    seed: int
    dry: float
    faint: float
    fine: float
    thickets: float = 0.0
    sharpened: float = 0.0
    colourful: float = 0.0


MIXES = {
    "strong": Mix(20190401, dry=0.07, faint=0.07, fine=0.22),
    "calm": Mix(20190402, dry=0.15, faint=0.15, fine=0.40, thickets=0.6, sharpened=0.5, colourful=0.3),
}

_LEAD = 3
"""Frames of an H.264 clip before those that are used: the first one is coded better than the others."""


class SceneToMake(NamedTuple):
    """One scene: its number in the names, split, and photograph (None: dead leaves)."""

    number: int
    split: str
    photograph: str | None


class Pair(NamedTuple):
    """One pair, (side, side, 3) uint8 each."""

    rainy: U8
    clean: U8


def plan() -> list[SceneToMake]:
    """Plan all scenes: first those of train, then those of val."""
    wanted: list[tuple[str, str | None]] = []
    for split, leaves in LEAVES.items():
        wanted += [(split, None)] * leaves
        wanted += [(split, each.name) for each in PHOTOGRAPHS if each.split == split for _ in range(each.scenes)]
    return [SceneToMake(number, split, name) for number, (split, name) in enumerate(wanted)]


def make_scene(scene: SceneToMake, textures: Mapping[str, U8], mix: Mix, side: int = SIDE) -> list[Pair]:
    """Make the pairs of a scene; ``textures`` are the photographs of its split. The same each time."""
    rng = np.random.default_rng([mix.seed, scene.number])
    if scene.photograph is None:
        clean = leaves_scene(rng, side, textures, mix.thickets)
    else:
        clean = photograph_scene(rng, textures[scene.photograph], side)
    clean = as_phones_do(rng, clean, mix.sharpened, mix.colourful)
    coding = rng.random()
    if coding < 0.3:  # one clip, one weather
        weather, crf = draw_rain(rng, mix), int(rng.integers(16, 26))
        frames = [rain_on(rng, clean, weather) for _ in range(_LEAD + RAINS)]
        coded = zip(in_h264(frames, crf), in_h264([clean] * len(frames), crf), strict=True)
        return [Pair(*pair) for pair in coded][_LEAD:]
    pairs = [Pair(rain_on(rng, clean, draw_rain(rng, mix)), clean) for _ in range(RAINS)]
    if coding < 0.5:
        qualities = rng.integers(82, 97, RAINS)
        return [
            Pair(in_jpeg(pair.rainy, int(q)), in_jpeg(pair.clean, int(q)))
            for pair, q in zip(pairs, qualities, strict=True)
        ]
    return pairs


class Weather(NamedTuple):
    """Rain of one picture: a simulation, another layer of rain over it, and rows of drops one below the other."""

    simulation: Simulation
    near: Simulation | None = None
    chains: float = 0.0


def draw_rain(rng: Generator, mix: Mix) -> Weather:
    """Rain of any strength and direction, some of it none or hardly any."""
    slant = rng.uniform(-25, 25) if rng.random() < 0.5 else rng.normal(0, 7)
    slant = float(np.clip(slant, -25, 25))
    kind = rng.random()
    noise = float(rng.uniform(0, 2) if rng.random() < 0.85 else rng.uniform(2, 3.5))
    shape = {
        "length": _log_uniform(rng, 12, 44),
        "width": _log_uniform(rng, 1.05, 2.2),
        "slant": slant,
        "slant_spread": float(rng.uniform(0.5, 3)),
        "colour": float(rng.uniform(205, 250)),
        "depth_ratio": _log_uniform(rng, 2, 7),
    }
    if kind < mix.dry:
        return Weather(preset("clear", noise=noise))
    if kind < mix.dry + mix.faint:
        faint = {**shape, "density": _log_uniform(rng, 5e-5, 6e-4), "strength": float(rng.uniform(0.1, 0.5))}
        return Weather(preset("clear", noise=noise, **faint))
    if kind < mix.dry + mix.faint + mix.fine:
        # As phones film it: fine and faint, and drops that stand in rows, one flash of light below the other.
        shape |= {"length": _log_uniform(rng, 7, 26), "slant": float(rng.normal(0, 5))}
        fine = {**shape, "density": _log_uniform(rng, 6e-4, 4e-3), "strength": float(rng.uniform(0.12, 0.4))}
        return Weather(preset("light", noise=noise, **fine), chains=float(rng.uniform(0, 2.2e-4)))
    # A case's light is the scene's matter: any rain falls on any scene.
    case = preset(str(rng.choice(PRESETS)), noise=noise)
    strength = float(np.clip(case.rain.strength * rng.uniform(0.6, 1.35), 0, 0.9))
    density = case.rain.density * _log_uniform(rng, 0.6, 1.6)
    simulation = replace(case, rain=replace(case.rain, density=density, strength=strength, **shape))
    near = None
    if rng.random() < 0.3:  # a few close drops, wide, long and out of focus
        close = {"density": _log_uniform(rng, 5e-5, 3e-4), "strength": float(rng.uniform(0.1, 0.35))}
        close |= {"length": _log_uniform(rng, 30, 90), "width": float(rng.uniform(2.5, 6))}
        near = preset("clear", **{**shape, **close})
    return Weather(simulation, near)


def rain_on(rng: Generator, clean: U8, weather: Weather) -> U8:
    """Draw one rainy frame over a scene (H, W, 3) uint8."""
    simulation, size = weather.simulation, (clean.shape[0], clean.shape[1])
    rain = rain_over(simulation.rain, simulation.gradient, size, rng)
    if weather.near:
        over = rain_over(weather.near.rain, (1.0, 1.0), size, rng)
        rain = Painted(
            np.maximum(rain.opacity, over.opacity), np.where(over.opacity > rain.opacity, over.light, rain.light)
        )
    if weather.chains:
        paint(_chains(rng, weather, size), rain.opacity, rain.light)
    noise = sensor_noise(simulation, size, int(rng.integers(2**31)), 0)
    frame = np.empty_like(clean)
    expose(clean.astype(np.float32), rain.opacity, rain.light, noise, 1.0, frame)
    return frame


def _chains(rng: Generator, weather: Weather, size: tuple[int, int]) -> NDArray[np.float32]:
    """Draw streaks (N, 7) float32 as `paint` takes them: drops that a flickering exposure shows many times."""
    rain = weather.simulation.rain
    streaks = []
    for _ in range(rng.poisson(weather.chains * size[0] * size[1])):
        x, y = rng.uniform(0, size[1]), rng.uniform(-0.3, 1) * size[0]
        angle = np.deg2rad(rain.slant + rain.slant_spread * rng.standard_normal())
        length, width = _log_uniform(rng, 6, 18), float(rng.uniform(1.3, 2.8))
        step = length * rng.uniform(1.3, 2.2)
        peak = rng.uniform(0.2, 0.75)
        for k in range(rng.integers(1, 8)):
            level = np.clip(rain.colour + LIGHT_SPREAD * rng.standard_normal(), 0, 255)
            place = (x + k * step * np.sin(angle), y + k * step * np.cos(angle))
            streaks.append((*place, length, width, angle, peak * rng.uniform(0.6, 1), level))
    return np.array(streaks, np.float32).reshape(-1, 7)


def _log_uniform(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def in_jpeg(picture: U8, quality: int) -> U8:
    """Compress a picture as JPEG and decode it."""
    import cv2

    coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def in_h264(frames: list[U8], crf: int) -> list[U8]:
    """Compress frames as a clip and decode them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with ClipWriter(path, (frames[0].shape[0], frames[0].shape[1]), Fraction(25), crf=crf) as clip:
            for frame in frames:
                clip.write(frame)
        with open_source(path) as source:
            return [frame.rgb.copy() for frame in source.read()]


def write(folder: Path, mix: Mix) -> None:
    """Make all scenes and write their pairs, on all cores. Raises FileExistsError where the folder is there."""
    folder.mkdir(parents=True)
    scenes = plan()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ProcessPoolExecutor(cores, get_context("spawn"), _one_thread) as pool:
        for _ in pool.map(write_scene, [folder] * len(scenes), scenes, [mix] * len(scenes), chunksize=4):
            pass  # an error in a process is raised here


def write_scene(folder: Path, scene: SceneToMake, mix: Mix, side: int = SIDE) -> None:
    """Make a scene and write its pairs into ``folder``."""
    for frame, pair in enumerate(make_scene(scene, _textures(scene.split), mix, side)):
        key = PairKey(split=scene.split, scene=scene.number, frame=frame, x=0, y=0, serial=RAINS * scene.number + frame)
        paths = LAYOUT.paths(key, Widths(3, 4))
        for path, picture in ((folder / paths.rainy, pair.rainy), (folder / paths.clean, pair.clean)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(picture))


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)  # there is a process for each core


@lru_cache
def _textures(split: str) -> dict[str, U8]:
    return photographs(split)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in MIXES:
        sys.exit(__doc__)
    write(Path(sys.argv[2]), MIXES[sys.argv[1]])
