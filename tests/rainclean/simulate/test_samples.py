"""The shipped samples: what their table says, and made again with the same frames."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from rainclean import simulate as simulated
from rainclean.simulate.record import Record
from tests.conftest import ROOT
from tests.helpers.simulated_scenes import frames_of

FOLDER = ROOT / "sample_sequences"
SCRIPT = runpy.run_path(str(FOLDER / "make_samples.py"))
SAMPLES = SCRIPT["SAMPLES"]


def test_they_are_all_there_and_small() -> None:
    folders = {p.name for p in FOLDER.iterdir() if p.is_dir() and not p.name.startswith("__")}
    assert folders == {sample.name for sample in SAMPLES}
    assert sum(p.stat().st_size for p in FOLDER.rglob("*") if p.is_file()) < 12_000_000


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_each_is_what_the_readme_says(sample: "tuple[str, str, str, int, int]") -> None:
    name, photograph, case, seed, frames = sample
    row = f"| `{name}` | {frames} | `{case}` | {seed} | `skimage.data.{photograph}` |"
    assert row in (FOLDER / "README.md").read_text()
    record = Record.read(FOLDER / name).document
    assert (record["preset"], record["seed"], record["frames"]) == (case, seed, frames)
    assert record["size"] == [352, 240]
    assert {p.name for p in (FOLDER / name).iterdir()} == set(record["files"])
    truth, middle = simulated.truth(FOLDER / name, frames // 2), simulated.rain(FOLDER / name, frames // 2)
    assert truth.shape == (240, 352, 3) and middle.any()


def test_the_script_makes_the_same_frames_again(tmp_path: Path) -> None:
    sample = next(sample for sample in SAMPLES if sample.name == "launch")
    SCRIPT["make"](sample, tmp_path)
    for name in ("clip.mp4", "truth.mp4", "rain.mkv", "passers.mkv"):
        ours, shipped = frames_of(tmp_path / "launch" / name), frames_of(FOLDER / "launch" / name)
        assert len(ours) == len(shipped) == 80
        assert all(np.array_equal(a, b) for a, b in zip(ours, shipped, strict=True)), name
