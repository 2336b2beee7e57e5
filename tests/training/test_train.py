"""Runs: what they leave, that they resume exactly, and what they refuse."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import Run

from pipeline.stages import finish
from pipeline.training.recipe import PRESETS, TrainRecipe, preset
from pipeline.training.train import Machine, Trained, begin, resume
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.spanet import load
from rainclean.spanet.start import new_network
from rainclean.spanet.weights import read
from training.pairs import write_dataset

MACHINE = Machine(accelerator="cpu", threads=1)
RECIPE = preset("quick", steps=12, batch=2, size=16, validate_every=6, checkpoint_every=4, validation_pictures=2)
FLAGS = (
    "--preset", "quick", "--steps", 12, "--batch", 2, "--size", 16, "--validate-every", 6, "--checkpoint-every", 4,
    "--validation-pictures", 2, "--accelerator", "cpu", "--threads", 1,
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "pairs")


@pytest.fixture(scope="module")
def whole(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run from start to end, which others are compared with."""
    torch.set_num_threads(1)
    return finish(begin(dataset, tmp_path_factory.mktemp("whole") / "run", RECIPE, MACHINE))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_what_it_says(whole: Trained, dataset: Path) -> None:
    assert (whole.state, whole.step, whole.steps) == ("finished", 12, 12)
    found = rows(whole.folder)
    assert [row["step"] for row in found] == ["0", "6", "10", "12"]
    judged = [row for row in found if row["validation_psnr_db"]]
    assert [row["step"] for row in judged] == ["0", "6", "12"]
    assert {row["validation_protocol"] for row in judged} == {"spanet-skimage"}
    assert judged[0]["validation_psnr_db"] == judged[0]["validation_rainy_psnr_db"]  # it began as the identity
    assert whole.best_psnr == pytest.approx(max(float(row["validation_psnr_db"]) for row in judged), abs=1e-3)
    assert whole.best_psnr > float(judged[0]["validation_psnr_db"]) + 0.1
    for row in found[1:]:  # that of the last step so far, which is one less when counted from 0
        assert float(row["learning_rate"]) == pytest.approx(
            1e-3 * (1 + math.cos(math.pi * (int(row["step"]) - 1) / 12))
        )
    record = json.loads((whole.folder / "run.json").read_text())
    assert TrainRecipe.from_json(record["recipe"]) == RECIPE
    assert record["environment"]["torch"] == torch.__version__
    origin, _ = read(whole.folder / "best.safetensors")
    assert origin.source_sha256 == record["pairs_sha256"] and origin.steps == str(whole.best_step)
    assert not list(whole.folder.glob(".*partial*"))
    import cv2

    for name in ("curves.png", "validation.png"):
        assert cv2.imread(str(whole.folder / name)) is not None


def test_tensorboard_has_scalars_and_pictures(whole: Trained) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(whole.folder / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert {"training/loss", "training/learning_rate", "validation spanet-skimage/psnr_db"} <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("validation spanet-skimage/psnr_db")] == [0, 6, 12]
    (picture,) = tags["images"]
    assert "rainy, output, clean, attention, mask" in picture
    # Two pictures below each other, five beside each other, of 40 px with 4 px between them.
    assert {(image.width, image.height) for image in events.Images(picture)} == {(5 * 44, 2 * 44)}


def test_a_stopped_run_goes_on_as_if_it_had_not_been(whole: Trained, dataset: Path, tmp_path: Path) -> None:
    stage = begin(dataset, tmp_path / "run", RECIPE, replace(MACHINE, workers=1))
    while next(stage).done < 3:
        pass
    stage.close()
    stopped = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["global_step"]
    assert 3 <= stopped < 12
    result = finish(resume(tmp_path / "run", MACHINE))
    assert result.state == "finished"
    assert (result.best_psnr, result.best_step) == (whole.best_psnr, whole.best_step)
    for name in ("last.safetensors", "best.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (whole.folder / name).read_bytes()
    judged = [(r["step"], r["validation_psnr_db"]) for r in rows(tmp_path / "run") if r["validation_psnr_db"]]
    assert judged == [(r["step"], r["validation_psnr_db"]) for r in rows(whole.folder) if r["validation_psnr_db"]]


def test_a_killed_run_ends_with_the_same_weights(whole: Trained, dataset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [str(Path(sys.executable).with_name("rainclean")), "train", dataset, "-o", run, *FLAGS]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (run / "last.ckpt").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL
    finish(resume(run, MACHINE))
    assert (run / "last.safetensors").read_bytes() == (whole.folder / "last.safetensors").read_bytes()
    assert [r["step"] for r in rows(run)] == sorted({r["step"] for r in rows(run)}, key=int)


def test_a_run_killed_before_its_first_checkpoint_starts_again(whole: Trained, tmp_path: Path, dataset: Path) -> None:
    stage = begin(dataset, tmp_path / "run", RECIPE, MACHINE)
    next(stage)
    stage.close()
    assert not (tmp_path / "run" / "last.ckpt").exists()
    finish(resume(tmp_path / "run", MACHINE))
    assert (tmp_path / "run" / "last.safetensors").read_bytes() == (whole.folder / "last.safetensors").read_bytes()


def test_a_finished_run_says_so_and_does_not_train(rainclean: Run, whole: Trained) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.folder.iterdir()}
    result = rainclean("train", "--resume", whole.folder)
    assert result.returncode == 0, result.stderr
    assert "is finished: all 12 steps are done, nothing was trained" in result.stderr
    assert "at step 12 of 12" in result.stdout
    assert {path: path.stat().st_mtime_ns for path in whole.folder.iterdir()} == before


def test_two_processes_see_the_gradients_of_the_joint_batch(dataset: Path, tmp_path: Path) -> None:
    """Lightning's DDP with two CPU processes, in float64; the first step."""
    script = Path(__file__).with_name("first_gradients.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    for devices in (1, 2):
        command = [sys.executable, str(script), str(dataset), str(tmp_path / f"{devices}.pt"), str(devices)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
    alone, shared = (torch.load(tmp_path / f"{devices}.pt", weights_only=True) for devices in (1, 2))
    assert alone.keys() == shared.keys() and len(alone) == 79
    assert max(float(g.abs().max()) for g in alone.values()) > 1e-4
    for name, gradient in alone.items():
        assert float((gradient - shared[name]).abs().max()) < 1e-10, name


@pytest.mark.parametrize("changes", [{"precision": "bf16-mixed"}, {"clip_gradients": 1e-9}])
def test_options_of_the_optimiser(whole: Trained, dataset: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    recipe = replace(RECIPE, steps=4, validate_every=4, **changes)  # type: ignore[arg-type]
    finish(begin(dataset, tmp_path / "run", recipe, MACHINE))
    other = load(whole.folder / "last.safetensors").state_dict()
    made = load(tmp_path / "run" / "last.safetensors").state_dict()
    assert any(not torch.equal(made[name], other[name]) for name in made)


def test_starting_from_weights(whole: Trained, dataset: Path, tmp_path: Path) -> None:
    weights = whole.folder / "best.safetensors"
    recipe = replace(RECIPE, steps=1, validate_every=1, learning_rate=1e-12)
    result = finish(begin(dataset, tmp_path / "run", recipe, MACHINE, weights))
    assert float(rows(result.folder)[0]["validation_psnr_db"]) == pytest.approx(whole.best_psnr, abs=1e-3)
    assert json.loads((result.folder / "run.json").read_text())["recipe"]["start"] == "weights"


def test_a_loss_that_explodes_is_told(dataset: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, learning_rate=1e20, clip_gradients=0.0)
    with pytest.raises(RaincleanError, match=r"step \d+: the loss is no number any more; use a lower --learning-rate"):
        finish(begin(dataset, tmp_path / "run", recipe, MACHINE))


def test_a_broken_picture_stops_the_run_or_is_skipped(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "pairs", val=True)
    broken = sorted((dataset / "train" / "input").iterdir())[2]
    broken.write_bytes(broken.read_bytes()[:-30])
    with pytest.raises(RaincleanError, match=rf"{broken.name}.*--skip-broken"):
        finish(begin(dataset, tmp_path / "run", RECIPE, replace(MACHINE, workers=1)))
    notes = [step.note for step in begin(dataset, tmp_path / "again", RECIPE, MACHINE, skip=True)]
    assert sum(broken.name in note for note in notes) == 1


def test_refusals_come_before_anything_is_written(dataset: Path, whole: Trained, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    one_scene = write_dataset(tmp_path / "one", scenes=1)
    nameless = write_dataset(tmp_path / "nameless")
    for path in nameless.rglob("*.png"):
        path.rename(path.with_name(f"picture{path.stem[:8].replace('-', '')}.png"))
    for stage, words in (
        (begin(dataset, whole.folder, RECIPE, MACHINE), "is a training run already; go on with --resume"),
        (begin(dataset, tmp_path / "full", RECIPE, MACHINE), "is not empty and no training run"),
        (begin(one_scene, tmp_path / "run", RECIPE, MACHINE), "all training pairs are of one scene"),
        (begin(nameless, tmp_path / "run", RECIPE, MACHINE), "do not tell their scenes"),
        (begin(tmp_path / "nowhere", tmp_path / "run", RECIPE, MACHINE), "no such folder"),
        (begin(dataset, tmp_path / "run", RECIPE, replace(MACHINE, devices=3)), "--batch 2: must be a multiple"),
        (resume(tmp_path / "full", MACHINE), "is no training run"),
    ):
        with pytest.raises(RaincleanError, match=words):
            finish(stage)
    assert not (tmp_path / "run").exists()


def test_resuming_refuses_another_data_set_and_damage(dataset: Path, tmp_path: Path) -> None:
    stage = begin(dataset, tmp_path / "run", RECIPE, MACHINE)
    next(stage)
    stage.close()
    with pytest.raises(InputError, match="is another data set than the one"):
        finish(resume(tmp_path / "run", MACHINE, write_dataset(tmp_path / "other", frames=2)))
    (tmp_path / "run" / "last.ckpt").write_bytes(b"PK\3\4 nothing")
    with pytest.raises(InputError, match=r"last.ckpt: is damaged"):
        finish(resume(tmp_path / "run", MACHINE))
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(InputError, match=r"run.json: is damaged"):
        finish(resume(tmp_path / "run", MACHINE))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train",), "name the data set and, with -o"),
        (("train", "--resume", "run", "--steps", "5"), "--steps: a run goes on as it was begun"),
        (("train", "data", "-o", "run", "--steps", "0"), "steps 0: at least 1 is needed"),
        (("train", "data", "-o", "run", "--devices", "0"), "--devices 0: at least 1"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.cli.main import main

    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_presets_are_those_of_the_paper_and_of_the_released_weights() -> None:
    paper, released = PRESETS["paper"], PRESETS["released"]
    assert (paper.steps, paper.batch, paper.size, paper.smallest_scale, paper.flip) == (40_000, 16, 256, 0.8, False)
    assert (paper.learning_rate, paper.direction_attention, released.learning_rate) == (5e-3, True, 5e-4)
    assert (released.direction_attention, released.mask) == (False, "any-difference")
    assert [paper.rate_at(step) for step in (0, 29_999, 30_000, 39_999)] == [1.0, 1.0, 0.1, 0.1]
    with pytest.raises(UsageError, match="no preset"):
        preset("best")


def test_networks_begin_the_same_for_the_same_seed() -> None:
    torch.manual_seed(1)
    one = new_network("random", True, 4).state_dict()
    torch.rand(3)
    again, other = new_network("random", True, 4).state_dict(), new_network("random", True, 5).state_dict()
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["conv_in.0.weight"], other["conv_in.0.weight"])
    rgb = torch.rand(1, 3, 20, 30)
    with torch.no_grad():
        assert torch.equal(new_network("identity", False, 4)(rgb)[1], rgb)
