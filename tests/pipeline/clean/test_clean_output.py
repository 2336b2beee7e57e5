"""What `clean` writes besides candidates: 16 bits on request, confidence, and where the picture is in doubt."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.clean.output import CleanReport, clean_folder, write_clean
from pipeline.clean.result import CleanResult
from pipeline.clean.run import clean
from pipeline.clean.settings import CleanSettings
from pipeline.stages import finish
from rainclean.confidence import form_of
from rainclean.moving.detection import Findings
from rainclean.moving.detectors import KINDS
from rainclean.moving.residual_grid import Grid
from tests.conftest import Run
from tests.helpers.cleaning import FramesInMemory, rainy_clip
from tests.helpers.ladder_clips import ladder_clip
from tests.helpers.rainy_clips import write_clip


def written(path: Path) -> np.ndarray:
    """As stored, RGB or grey."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture[..., ::-1] if picture.ndim == 3 else picture


def cleaned(recipe: str | None, **wanted: Any) -> tuple[FramesInMemory, CleanResult]:
    source = FramesInMemory(rainy_clip(16, 40, 48)[1])
    return source, finish(clean(source, CleanSettings(recipe=recipe, **wanted)))


def put(source: FramesInMemory, result: CleanResult, folder: Path, bits: int = 8) -> CleanReport:
    with clean_folder(folder, Path("memory.mkv")) as out:
        return finish(write_clean(result, source.info, out, bits)).report


def test_16_bits_of_a_rain_free_mean_are_its_own(tmp_path: Path) -> None:
    source, result = cleaned("n16-rainfree")
    with result:
        put(source, result, tmp_path / "16", 16)
        put(source, result, tmp_path / "8")
        assert result.posterior is not None
        fine, usual = (written(tmp_path / bits / "clean.png") for bits in ("16", "8"))
        assert fine.dtype == np.uint16 and usual.dtype == np.uint8
        assert np.abs(fine / 257 - result.posterior.mean).max() <= 0.5 / 257 + 1e-4
        assert (fine % 257 != 0).mean() > 0.5
        assert np.array_equal(usual, result.picture(result.candidates[0]))
        # Candidates are of 8 bits either way.
        assert written(tmp_path / "16" / "candidates" / "n16-rainfree.png").dtype == np.uint8


def test_16_bits_of_a_percentile_are_its_8_spread(tmp_path: Path) -> None:
    source, result = cleaned("n16-p50")
    with result:
        report = put(source, result, tmp_path / "out", 16)
        spread = written(tmp_path / "out" / "clean.png")
        assert spread.dtype == np.uint16
        assert np.array_equal(spread, result.picture(result.candidates[0]).astype(int) * 257)
    assert not (tmp_path / "out" / "confidence.png").exists()
    assert report["confidence_form"] is None
    assert "confidence.png" not in report["files"] and report["moving"] is None and report["stabilization"] is None


def test_confidence_is_that_of_the_clean_picture_in_255_steps(tmp_path: Path) -> None:
    source, result = cleaned(None)
    with result:
        report = put(source, result, tmp_path / "out")
        assert result.posterior is not None
        error = result.posterior.error(result.picture(result.candidates[0]))
    shown = written(tmp_path / "out" / "confidence.png")
    assert shown.dtype == np.uint8 and shown.shape == (40, 48)
    assert np.abs(shown / 255 - 4 / (4 + error**2)).max() <= 0.5 / 255 + 1e-6
    assert "confidence.png" in report["files"] and report["confidence_form"] == "expected error"
    assert {name for name in report["files"] if "/" not in name} | {"candidates"} == {
        path.name for path in (tmp_path / "out").iterdir()
    }


@pytest.mark.parametrize("doubt", [False, True])
def test_what_is_in_doubt_is_written_where_there_is_any(doubt: bool, tmp_path: Path) -> None:
    source, result = cleaned("n16-rainfree")
    with result:
        shape, grid = (40, 48), Grid(40, 48, 4)
        doubtful = np.zeros(shape, bool)
        doubtful[3:9, 5:20] = doubt
        packed = np.stack([np.packbits(np.zeros((10, 12), bool))] * 16)
        areas = {kind: np.zeros(shape, bool) for kind in KINDS}
        result.moving = Findings(
            areas=areas, doubtful=doubtful, share=np.zeros(16), labels=["something sways"], grid=grid, packed=packed
        )
        report = put(source, result, tmp_path / "out")
    mask = tmp_path / "out" / "exclude.png"
    assert mask.exists() == doubt == ("exclude.png" in report["files"])
    assert report["moving"] == ["something sways"]
    if doubt:
        assert np.array_equal(written(mask), np.where(doubtful, 255, 0))


def test_masks_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    for recipe, there in (("n16-rainfree", True), ("n16-p50", False)):
        source, result = cleaned(recipe)
        with result:
            put(source, result, tmp_path / "out")
        assert (tmp_path / "out" / "confidence.png").exists() == there


def test_a_folder_with_a_report_of_before_is_replaced(tmp_path: Path) -> None:
    source, result = cleaned("n16-rainfree")
    file = tmp_path / "out" / "report.json"
    with result:
        put(source, result, tmp_path / "out")
        report = json.loads(file.read_text())
        file.write_text(json.dumps({("steadying" if key == "stabilization" else key): report[key] for key in report}))
        assert form_of(json.loads(file.read_text()), file) == report["confidence_form"]
        put(source, result, tmp_path / "out")
    again = json.loads(file.read_text())
    assert again.keys() == report.keys() and again["sha256"] == report["sha256"]


def test_a_panning_clip_through_the_command(tmp_path: Path, here: Run) -> None:
    clip = ladder_clip("pan", frames=12, pan=10.0)
    path = write_clip(tmp_path / "pan.mkv", list(clip.frames))
    result = here("clean", path, "-o", tmp_path / "out", "--bits", 16, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    x, y, width, height = report["crop"]
    assert width < 160 and height <= 120 and x >= 0 and y >= 0
    assert written(tmp_path / "out" / "clean.png").shape == (height, width, 3)
    assert written(tmp_path / "out" / "clean.png").dtype == np.uint16
    assert written(tmp_path / "out" / "confidence.png").shape == (height, width)
    assert report["recipe"]["steady"] and report["stabilization"]["model"] != "still"
    assert [int(i) for i in report["stabilization"]["poses"]] == report["frame_indices"]
    assert report["camera_shift_px"].keys() == report["stabilization"]["poses"].keys()
    named = report["recipe"]["name"]
    again = here("clean", path, "-o", tmp_path / "again", "--recipe", named, "--bits", 16, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["sha256"] == report["sha256"]


@pytest.mark.parametrize("bits", [0, 7, 12, 32, "many"])
def test_other_bits_are_refused_before_the_work(bits: object, tmp_path: Path, here: Run) -> None:
    path = write_clip(tmp_path / "clip.mkv", list(rainy_clip(4, 32, 32)[1]))
    result = here("clean", path, "-o", tmp_path / "out", "--bits", bits)
    assert result.returncode == 2 and not (tmp_path / "out").exists()
