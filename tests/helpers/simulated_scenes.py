"""Pictures to rain on, and shortcuts that the tests of simulated clips share."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.output import write_png
from pipeline.simulate import SimulateSettings, simulate, simulate_folder
from pipeline.stages import finish
from rainclean.simulate import Simulation
from rainclean.simulate.backdrop import Backdrop
from rainclean.video import open_source

U8 = NDArray[np.uint8]


def scene(height: int = 64, width: int = 96, seed: int = 0) -> U8:
    """Smooth colours with texture: something to register on, with dark and bright parts."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack((40 + 170 * x / width, 30 + 180 * y / height, 128 + 90 * np.sin(x / 9) * np.cos(y / 7)), axis=2)
    blocks = rng.integers(-25, 26, (height // 4 + 1, width // 4 + 1, 3)).repeat(4, 0).repeat(4, 1)
    return np.clip(rgb + blocks[:height, :width], 0, 255).astype(np.uint8)


def make(folder: Path, simulation: Simulation, picture: U8 | None = None, **settings: Any) -> Path:
    """Simulate over a picture; returns the folder written."""
    source = folder / "scene.png"
    write_png(source, scene() if picture is None else picture)
    return make_over(source, folder / "out", simulation, **settings)


def make_over(source: Path, out: Path, simulation: Simulation, **settings: Any) -> Path:
    with Backdrop(source) as backdrop, simulate_folder(out, source) as output:
        finish(simulate(backdrop, SimulateSettings(simulation, **settings), output))
    return out


def frames_of(path: Path) -> list[U8]:
    with open_source(path) as source:
        return [frame.rgb for frame in source.read()]
