"""``import rainclean as rc``: what scripts and notebooks use, compared with the commands and files behind it."""

import csv
import doctest
import hashlib
import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import cv2
import imageio.v3 as imageio
import numpy as np
import pandas as pd
import pytest

import rainclean as rc
from pipeline.stages import Progress
from rainclean.dataset import read_manifest
from rainclean.png import encode_png
from tests.conftest import ROOT, SAMPLE, Run
from tests.helpers.rainy_clips import FRAMES, rainy_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "mill.mkv"
    rainy_clip(path, 3)
    return path


def test_importing_loads_nothing() -> None:
    script = (
        "import sys; import rainclean; dir(rainclean); "
        "print([m for m in sys.modules if m.partition('.')[0] not in sys.stdlib_module_names]); "
        "print('inspect' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-S", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == "['__main__', 'rainclean']\nFalse", result.stdout + result.stderr


def test_a_name_that_is_not_there() -> None:
    assert not hasattr(rc, "make_rain") and not hasattr(rc, "__wrapped__")
    with pytest.raises(AttributeError, match="module 'rainclean' has no attribute 'make_rain'"):
        _ = rc.make_rain  # type: ignore[attr-defined]


def test_the_names_from_above_are_those_announced() -> None:
    assert {entry.name for entry in entry_points(group="rainclean.api")} == set(rc._ABOVE)  # type: ignore[attr-defined]


@pytest.mark.parametrize("loaded", [False, True], ids=["on the path", "loaded"])
def test_a_foreign_module_in_the_way_is_named(tmp_path: Path, loaded: bool) -> None:
    (tmp_path / "pipeline.py").write_text("")
    script = (
        f"{'import pipeline' if loaded else ''}\nimport rainclean as rc\nrc.open_clip\n"
        "try:\n    rc.open_project\nexcept rc.RaincleanError as error:\n    print(error)\n"
        "import pipeline\nprint(pipeline.__file__)"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    message, own = result.stdout.splitlines()
    assert message.startswith("rainclean.open_project needs rainclean's package pipeline, but ")
    assert str(tmp_path / "pipeline.py") in message and own == str(tmp_path / "pipeline.py"), result.stderr


@pytest.mark.parametrize(
    "module",
    ["rainclean", "pipeline.python_api.candidates", "pipeline.python_api.simulation", "rainclean.spanet.derainer"],
)
def test_examples_in_docstrings_run(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(ROOT)
    __import__(module)
    result = doctest.testmod(sys.modules[module])
    assert result.attempted and not result.failed


def test_candidates_are_those_of_the_command(clip: Path, tmp_path: Path, here: Run) -> None:
    steps: list[Progress] = []
    with rc.make_candidates(clip, progress=steps.append) as result:
        assert "warnings" in vars(result) and {step.stage for step in steps} >= {"votes", "score"}
        assert here("clean", clip, "-o", tmp_path / "command").returncode == 0
        result.save(tmp_path / "face")
        with (tmp_path / "command" / "candidates.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        table = result.table
        assert table["recipe"].tolist() == [row["recipe"] for row in rows]
        assert table["rank"].tolist() == [int(row["rank"]) for row in rows]
        for column in ("score", "streaks", "detail", "darkening", "disagreement"):
            assert table[column].round(4).tolist() == [float(row[column]) for row in rows]
        clean = (tmp_path / "command" / "clean.png").read_bytes()
        assert encode_png(result.best.array) == clean == (tmp_path / "face" / "clean.png").read_bytes()
        assert result.best.show()._repr_png_() == clean == result.best.save(tmp_path / "best.png").read_bytes()
        report = json.loads((tmp_path / "command" / "report.json").read_text())
        assert result.verdict.state == report["verdict"]["state"] and list(result.warnings) == report["warnings"]
        assert result.reference.array.shape == result.best.array.shape == (56, 72, 3)
        error = result.expected_error
        assert error is not None and error.shape == (56, 72) and error.dtype == np.float32
        assert [each.rank for each in result.candidates] == table["rank"].tolist()
        kept = result.best.array
    assert kept.any()  # a copy: it outlives the pictures


def test_settings_reach_the_command_behind(clip: Path) -> None:
    with (
        rc.open_clip(clip) as source,
        rc.make_candidates(source, "n8-p50", reference=5, first=2, stop=12, region=(8, 4, 40, 30), workers=1) as result,
    ):
        assert result.best.recipe == "n8-p50"
        frames = [frame.rgb for frame in source.read(range(2, 12))]
        x, y, width, height = 8, 4, 40, 30
        rainy = frames[5 - 2][y : y + height, x : x + width]
        assert (result.reference.array == rainy).all()


def test_a_progress_that_raises_ends_the_work(clip: Path) -> None:
    def stop(step: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rc.make_candidates(clip, progress=stop)


def test_errors_are_those_of_rainclean(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(rc.InputError):
        rc.make_candidates(tmp_path / "missing.mp4")
    with pytest.raises(rc.UsageError):
        rc.make_candidates(clip, "n8-p500")
    with pytest.raises(rc.InputError):
        rc.open_project(tmp_path)
    with pytest.raises(rc.InputError):
        rc.read_dataset(tmp_path)
    with pytest.raises(rc.InputError, match=r"report\.json"):
        rc.read_scores(tmp_path)
    with pytest.raises(rc.UsageError, match="speed: not a parameter of a simulation"):
        rc.simulate_clip(clip, tmp_path / "out", speed=3)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    """A project of two sequences, one decided by hand, and its export."""
    from pipeline.cli.main import main

    folder = tmp_path_factory.mktemp("work")
    rainy_clip(folder / "yard.mkv", 4)
    for words in (
        ["new", folder / "home"],
        ["add", folder / "home", clip, folder / "yard.mkv", "--licence", "CC0"],
        ["analyze", folder / "home"],
        ["select", folder / "home", "--auto", "--include", "look"],
        ["select", folder / "home", "mill", "--candidate", "n24-vote", "--who", "Ann"],
        ["export", folder / "home", "-o", folder / "pairs", "--frames", "every:8", "--split", "train=0.5,test=0.5"],
    ):
        main([*map(str, words)])
    return folder


def test_tables_of_a_project(work: Path, here: Run) -> None:
    status = json.loads(here("status", work / "home", "--json").stdout)
    before = {path: path.read_bytes() for path in sorted((work / "home").rglob("*")) if path.is_file()}
    with rc.open_project(work / "home") as project:
        sequences, candidates, decisions = project.sequences, project.candidates, project.decisions
        assert project.folder == (work / "home").resolve()
        shown = project.show("mill")
    assert sequences["sequence"].tolist() == ["mill", "yard"] == [row["name"] for row in status["sequences"]]
    assert sequences["state"].tolist() == [row["state"] for row in status["sequences"]]
    assert sequences["licence"].tolist() == ["CC0", "CC0"] and sequences["stop"].tolist() == [FRAMES, FRAMES]
    assert sequences["candidates"].tolist() == candidates.groupby("sequence").size().tolist()
    assert candidates.columns[:4].tolist() == ["sequence", "analysis", "origin", "rank"]
    parts = candidates[["streaks", "detail", "darkening", "disagreement"]].sum(axis=1)
    assert np.allclose(parts, candidates["score"])
    of_mill = decisions[decisions["sequence"] == "mill"]
    assert of_mill["kind"].tolist()[-1] == "person" and of_mill["who"].tolist()[-1] == "Ann"
    assert of_mill["recipe"].tolist()[-1] == "n24-vote" and of_mill["holds"].tolist()[-1]
    assert isinstance(decisions["at"].dtype, pd.DatetimeTZDtype)
    file = candidates.query("sequence == 'mill' and recipe == 'n24-vote'")["picture"].item()
    picture = cv2.imread(str(work / "home" / file))
    assert picture is not None and (shown.array == picture[..., ::-1]).all()
    assert before == {path: path.read_bytes() for path in sorted((work / "home").rglob("*")) if path.is_file()}


def test_tables_of_an_empty_project(tmp_path: Path, here: Run) -> None:
    here("new", tmp_path / "home")
    with rc.open_project(tmp_path / "home") as project:
        assert [len(table) for table in (project.sequences, project.candidates, project.decisions)] == [0, 0, 0]
        with pytest.raises(rc.InputError, match="has no sequence 'x'"):
            project.show("x")


def test_pairs_of_an_export(work: Path) -> None:
    data = rc.read_dataset(work / "pairs")
    rows = read_manifest(work / "pairs" / "manifest.csv")
    manifest = data.manifest.set_index("rainy")
    assert len(data) == len(rows) == len(manifest)
    for row in rows:
        found = manifest.loc[row.rainy]
        assert (found["clean"], found["frame"], found["scene"]) == (row.clean, row.frame, row.scene)
        assert found["clean_sha256"] == hashlib.sha256((work / "pairs" / row.clean).read_bytes()).hexdigest()
    for number, pair in enumerate(data):
        name = data.manifest["rainy"][number]
        assert (pair.rainy == imageio.imread(work / "pairs" / name)).all()
        assert (pair.clean == imageio.imread(work / "pairs" / data.manifest["clean"][number])).all()
        assert pair.show().array.shape == (pair.rainy.shape[0], 2 * pair.rainy.shape[1], 3)
    split = data.splits[0]
    assert [pair.split for pair in data.split(split)] == [split] * len(data.split(split))
    with pytest.raises(rc.UsageError, match="split 'none'"):
        data.split("none")


def test_scores_of_an_evaluation(work: Path, tmp_path: Path, here: Run) -> None:
    pytest.importorskip("torch")
    split = rc.read_dataset(work / "pairs").splits[0]
    said = here("evaluate", work / "pairs", "-o", tmp_path / "scores", "--split", split)
    assert said.returncode == 0, said.stderr
    evaluation = rc.read_scores(tmp_path / "scores")
    means = evaluation.scores.groupby(["method", "protocol"])["ssim"].mean()
    for _, row in evaluation.summary.iterrows():
        assert abs(means[row["method"], row["protocol"]] - row["ssim"]) < 1e-5
    assert evaluation.report["dataset"]["split"] == split
    assert set(evaluation.scenes["scene"]) == set(evaluation.scores["scene"])
    (tmp_path / "scores" / "scores.csv").write_text("image,scene\n1,2\n")
    with pytest.raises(rc.InputError, match=r"scores\.csv: has columns image, scene, not"):
        rc.read_scores(tmp_path / "scores")
    (tmp_path / "scores" / "report.json").write_text("{")
    with pytest.raises(rc.InputError, match=r"report\.json: is damaged"):
        rc.read_scores(tmp_path / "scores")


def test_a_derainer_takes_what_it_gives() -> None:
    pytest.importorskip("torch")
    derainer = rc.load_derainer(device="cpu")
    net = rc.spanet.load(rc.spanet.shipped_weights())
    rng = np.random.default_rng(1)
    rainy = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    picture, attention = rc.spanet.derain(net, rainy)
    assert (derainer(rainy) == rc.spanet.to_levels(picture, np.uint8)).all()
    assert (derainer.attention(rainy) == attention).all()
    assert derainer(rainy.astype(np.uint16) * 257).dtype == np.uint16
    real = derainer((rainy / 255).astype(np.float32))
    assert real.dtype == np.float32 and np.abs(real - picture).max() < 1e-6
    with pytest.raises(rc.InputError):
        rc.load_derainer(SAMPLE)


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp"])
def test_a_picture_is_saved_as_its_suffix_says(tmp_path: Path, suffix: str) -> None:
    array = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    saved = imageio.imread(rc.Picture(array, "three colours").save(tmp_path / f"picture.{suffix}"))
    assert saved.shape == array.shape and np.abs(saved.astype(int) - array).max() <= (3 if suffix in "jpg webp" else 0)
    assert repr(rc.Picture(array, "three colours")) == "<Picture 30×20: three colours>"


def test_a_picture_that_cannot_be_saved(tmp_path: Path) -> None:
    picture = rc.Picture(np.zeros((4, 4, 3), np.uint16))
    deep = cv2.imread(str(picture.save(tmp_path / "deep.png")), cv2.IMREAD_UNCHANGED)
    assert deep is not None and deep.dtype == np.uint16
    for name in ("deep.jpg", "deep.tif", "picture.txt", "picture"):
        with pytest.raises(rc.UsageError, match="cannot be written in this format"):
            picture.save(tmp_path / name)
    for name in ("none/picture.png", "none/picture.tif"):
        with pytest.raises(rc.ResourceError, match="No such file"):
            rc.Picture(np.zeros((4, 4), np.uint8)).save(tmp_path / name)
