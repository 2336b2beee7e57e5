"""Makes the samples: simulated rain over photographs, so that each clip's truth is known.

    python sample_sequences/make_samples.py [FOLDER]

Writes the four folders of README.md into FOLDER (default: beside this file). The photographs are those that
scikit-image ships.
"""

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from pipeline.clean.output import write_png
from pipeline.simulate import SimulateSettings, simulate, simulate_folder
from pipeline.stages import finish
from rainclean.simulate import preset
from rainclean.simulate.backdrop import Backdrop

SIZE = (352, 240)
CRF = 18
"""So low that what a sample shows is rain, not what a codec makes of it."""


class Sample(NamedTuple):
    """One sample: its folder, the photograph in `skimage.data`, preset, seed and number of frames."""

    name: str
    photograph: str
    preset: str
    seed: int
    frames: int


SAMPLES = (
    Sample("table", "coffee", "medium", 2019, 100),
    Sample("cat", "chelsea", "gradient", 2004, 80),
    Sample("launch", "rocket", "walker", 2007, 80),
    Sample("portrait", "astronaut", "night", 1948, 80),
)


def make(sample: Sample, folder: Path) -> None:
    """Write one sample into ``folder``/NAME."""
    from skimage import data

    with tempfile.TemporaryDirectory() as temporary:
        photograph = Path(temporary) / f"{sample.photograph}.png"
        write_png(photograph, getattr(data, sample.photograph)())
        simulation = preset(sample.preset, crf=CRF)
        settings = SimulateSettings(simulation, sample.preset, seed=sample.seed, frames=sample.frames, size=SIZE)
        with Backdrop(photograph) as backdrop, simulate_folder(folder / sample.name, photograph) as output:
            finish(simulate(backdrop, settings, output))


if __name__ == "__main__":
    for each in SAMPLES:
        make(each, Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
