"""What stands in folders of ours beside pictures: the records of runs and simulated clips, what passes by."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.training import run_folder
from pipeline.training.recipe import preset
from rainclean.moving.encoding import ForegroundMasks
from rainclean.moving.residual_grid import Grid
from rainclean.simulate.record import MANIFEST, Record
from tests.conftest import ROOT
from tests.fuzz.engine import Reader

SAMPLE = ROOT / "sample_sequences" / "table"
WORDS = b'{ } [ ] : , " null -1 1e999 NaN true "frames": "transforms": "recipe": "steps":'
TOKENS = (*WORDS.split(), b"[" * 3000, b"9" * 5000)


def run(folder: Path) -> Mapping[str, bytes]:
    run_folder.create(folder, run_folder.RunRecord(preset("quick"), Path("/data"), "0" * 64, {"python": "3.11"}))
    return {"run.json": (folder / run_folder.RUN).read_bytes()}


def read_run(path: Path) -> None:
    (path.parent / run_folder.RUN).write_bytes(path.read_bytes())
    run_folder.read(path.parent)


def simulated(_: Path) -> Mapping[str, bytes]:
    return {"truth.json": (SAMPLE / MANIFEST).read_bytes()}


def read_simulated(path: Path) -> None:
    """With a picture of the truth."""
    folder = path.parent / "clip"
    if not folder.is_dir():
        folder.mkdir()
        for file in SAMPLE.iterdir():
            (folder / file.name).symlink_to(file)
        (folder / MANIFEST).unlink()
    (folder / MANIFEST).write_bytes(path.read_bytes())
    Record.read(folder).truth(3)


def passing(_: Path) -> Mapping[str, bytes]:
    grid = Grid(90, 160, 2)
    rows, columns = grid.cells
    rng = np.random.default_rng(1)
    cells = {n: np.packbits(rng.random(rows * columns) < 0.1) for n in range(5)}
    return {"passing.bin": ForegroundMasks(grid, cells).encode()}


def read_foreground(path: Path) -> None:
    ForegroundMasks.decode(path.read_bytes(), path)


READERS = [
    Reader("run.json", run, read_run, TOKENS, short=300),
    Reader("truth.json of a simulated clip", simulated, read_simulated, TOKENS, short=100),
    Reader("what passes by", passing, read_foreground, TOKENS, short=300),
]
