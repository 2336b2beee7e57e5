"""Runs: what they leave, that they resume exactly, and what they refuse."""

import csv
import json
import math
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.cli.main import main
from pipeline.progress_lines import read_line
from pipeline.stages import finish
from pipeline.training import run_folder
from pipeline.training.examples import divide
from pipeline.training.job import Machine, Trained, is_further_process
from pipeline.training.recipe import PRESETS, TrainRecipe, preset
from pipeline.training.train import begin, resume
from pipeline.training.validation import validate
from rainclean.dataset.reader import read_dataset
from rainclean.errors import InputError, RaincleanError, UsageError
from rainclean.spanet import load
from rainclean.spanet.start import new_network
from rainclean.spanet.weights import read
from tests.conftest import ROOT
from tests.helpers.datasets import write
from tests.helpers.loaded import Loaded
from tests.helpers.training_pairs import write_dataset

MACHINE = Machine(accelerator="cpu", threads=1)
RECIPE = preset("quick", steps=12, batch=2, size=16, validate_every=6, checkpoint_every=4, validation_pictures=2)
FLAGS = (
    "--preset", "quick", "--steps", 12, "--batch", 2, "--size", 16, "--validate-every", 6, "--checkpoint-every", 4,
    "--validation-pictures", 2, "--accelerator", "cpu", "--threads", 1,
)  # fmt: skip


pytestmark = [pytest.mark.long, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "pairs")


@pytest.fixture(scope="module")
def whole(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run from start to end, which others are compared with."""
    torch.set_num_threads(1)
    return finish(begin(dataset, tmp_path_factory.mktemp("whole") / "run", RECIPE, MACHINE))


@pytest.fixture(scope="module")
def loaded() -> Iterator[Loaded]:
    """Starts commands that train: each loads torch and Lightning for seconds, if it is started as a person does."""
    with Loaded(training=True) as process:
        yield process


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_what_it_says(whole: Trained, dataset: Path) -> None:
    assert whole.anew and (whole.step, whole.steps) == (12, 12)
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


def tensorboard(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


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
    result = finish(resume(tmp_path / "run", Machine(accelerator="cpu")))  # with the threads that it was begun with
    assert result.anew and result.step == 12
    assert (result.best_psnr, result.best_step) == (whole.best_psnr, whole.best_step)
    for name in ("last.safetensors", "best.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (whole.folder / name).read_bytes()
    assert (tmp_path / "run" / "metrics.csv").read_text() == (whole.folder / "metrics.csv").read_text()
    assert tensorboard(tmp_path / "run") == tensorboard(whole.folder)


def test_a_killed_run_ends_with_the_same_weights(whole: Trained, dataset: Path, tmp_path: Path, loaded: Loaded) -> None:
    for attempt in range(5):  # on a busy machine it may be done before it is killed
        run = tmp_path / f"run{attempt}"
        process = loaded.start("train", dataset, "-o", run, *FLAGS)
        until = time.monotonic() + 120
        while not (run / "last.ckpt").exists() and time.monotonic() < until:
            time.sleep(0.005)
        os.kill(process, signal.SIGKILL)
        code = loaded.wait(process)
        if code == -signal.SIGKILL:
            break
    assert code == -signal.SIGKILL
    finish(resume(run, MACHINE))
    for name in ("last.safetensors", "best.safetensors", "metrics.csv"):
        assert (run / name).read_bytes() == (whole.folder / name).read_bytes()
    assert not list(run.glob("*partial*")) and not list(run.glob(".*partial*"))


def test_a_run_killed_before_its_first_checkpoint_starts_again(whole: Trained, tmp_path: Path, dataset: Path) -> None:
    stage = begin(dataset, tmp_path / "run", RECIPE, MACHINE)
    next(stage)
    stage.close()
    assert not (tmp_path / "run" / "last.ckpt").exists()
    finish(resume(tmp_path / "run", MACHINE))
    for name in ("last.safetensors", "metrics.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (whole.folder / name).read_bytes()


def test_a_validation_that_was_cut_short_is_made_up_for(
    whole: Trained, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0

    def stopped_at_step_6(*words: Any) -> Any:
        nonlocal looked_at
        looked_at += 1
        if looked_at == 2:
            words[3].__self__.set()  # the event that asks the training to stop
        return validate(*words)

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.training.keeper.validate", stopped_at_step_6)
        assert finish(begin(dataset, tmp_path / "run", RECIPE, MACHINE)).step == 6
    assert [row["step"] for row in rows(tmp_path / "run")] == ["0"]
    finish(resume(tmp_path / "run", MACHINE))
    for name in ("last.safetensors", "best.safetensors", "metrics.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (whole.folder / name).read_bytes()
    assert tensorboard(tmp_path / "run") == tensorboard(whole.folder)


def test_a_validation_ends_after_the_picture_that_it_is_at(whole: Trained, dataset: Path) -> None:
    asked: list[None] = []

    def stop() -> bool:
        asked.append(None)
        return len(asked) > 2

    pairs = read_dataset(dataset).pairs
    net = load(whole.folder / "last.safetensors")
    assert validate(net, pairs, "threshold", stop) is None
    assert len(asked) == 3 < len(pairs) and net.training


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGINT, 0), (signal.SIGTERM, 1)])
def test_an_end_keeps_what_was_reached_and_says_how_to_go_on(
    dataset: Path, tmp_path: Path, number: signal.Signals, workers: int, loaded: Loaded
) -> None:
    run = tmp_path / "run"
    flags = [4000 if flag == 12 else flag for flag in FLAGS]  # steps: it must not be done before it is asked to stop
    flags[flags.index("--checkpoint-every") + 1] = 4000  # nothing is kept but by being asked to stop
    flags[flags.index("--validate-every") + 1] = 4000
    words = ["train", dataset, "-o", run, *flags, "--workers", workers]
    output, errors = tmp_path / "output", tmp_path / "errors"
    process = loaded.start(*words, output=output, errors=errors, RAINCLEAN_PROGRESS="json")

    def steps_done() -> int:
        lines = errors.read_text().rpartition("\n")[0].splitlines() if errors.exists() else []
        return max((step.done for line in lines if (step := read_line(line))), default=0)

    until = time.monotonic() + 120
    while not (reached := steps_done()) and time.monotonic() < until:
        time.sleep(0.005)
    # To all its processes, as a terminal, a scheduler and systemd do, and a second one by who is impatient.
    os.killpg(process, number)
    time.sleep(0.02)
    os.killpg(process, number)
    code, error = loaded.wait(process), errors.read_text()
    assert reached, error
    assert code == 128 + number and output.read_text() == ""
    assert f"note: progress is kept; resume with: rainclean train --resume {run}" in error
    assert "rainclean: stopping after this step, then writing the checkpoint, still running" in error
    assert "Traceback" not in error and "DataLoader" not in error
    assert torch.load(run / "last.ckpt", weights_only=True)["global_step"] >= reached
    with run_folder.locked(run), pytest.raises(RaincleanError, match="another rainclean is training this run"):
        finish(resume(run, MACHINE))


def test_weights_that_lack_their_checkpoint_are_not_taken_for_the_start(whole: Trained, tmp_path: Path) -> None:
    shutil.copytree(whole.folder, tmp_path / "run")
    (tmp_path / "run" / "last.ckpt").unlink()
    with pytest.raises(InputError, match=r"last.ckpt: is missing, .*; start a new run with --start"):
        finish(resume(tmp_path / "run", MACHINE))


def test_a_kill_between_the_last_checkpoint_and_its_weights(whole: Trained, tmp_path: Path) -> None:
    shutil.copytree(whole.folder, tmp_path / "run")
    (tmp_path / "run" / "last.safetensors").write_bytes((whole.folder / "best.safetensors").read_bytes())
    assert not finish(resume(tmp_path / "run", MACHINE)).anew
    assert (tmp_path / "run" / "last.safetensors").read_bytes() == (whole.folder / "last.safetensors").read_bytes()


def test_a_kill_before_there_is_a_run_leaves_the_folder_free(whole: Trained, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last.safetensors").write_bytes((whole.folder / "best.safetensors").read_bytes())
    (tmp_path / "run" / ".lock").touch()
    stage = begin(dataset, tmp_path / "run", RECIPE, MACHINE)
    assert "6 training pairs" in next(stage).note
    stage.close()


def test_a_finished_run_says_so_and_does_not_train(
    whole: Trained, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rainclean.allocator.keep_freed_memory", lambda: True)  # a switch of the whole process
    monkeypatch.setitem(sys.modules, "pipeline.training.fit", None)  # nor does it load Lightning, which takes seconds
    before = {path: path.stat().st_mtime_ns for path in whole.folder.iterdir()}
    assert main(["train", "--resume", str(whole.folder)]) == 0
    said = capsys.readouterr()
    assert "is finished already: all 12 steps are done" in said.err
    assert f"validation {whole.best_psnr:.2f} dB (spanet-skimage) at step {whole.best_step}" in said.out
    assert {path: path.stat().st_mtime_ns for path in whole.folder.iterdir()} == before


@pytest.mark.parametrize(
    "variables", [{}, {"RANK": "0", "LOCAL_RANK": "1"}, {"LOCAL_RANK": "1"}, {"SLURM_PROCID": "2"}]
)
def test_a_process_knows_its_rank_as_lightning_does(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    from lightning.fabric.utilities.rank_zero import _get_rank

    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_further_process() == bool(_get_rank())


def test_two_processes_see_the_gradients_of_the_joint_batch(dataset: Path, tmp_path: Path, loaded: Loaded) -> None:
    """Lightning's DDP with two CPU processes, in float64; the first step. One process is this one."""
    from tests.helpers.first_gradients import save_gradients  # loads Lightning, as no other test does that is collected

    save_gradients(dataset, tmp_path / "1.pt", devices=1)
    script = ROOT / "tests" / "helpers" / "first_gradients.py"
    process = loaded.start(script, dataset, tmp_path / "2.pt", 2, errors=tmp_path / "errors")
    assert loaded.wait(process) == 0, (tmp_path / "errors").read_text()
    alone, shared = (torch.load(tmp_path / f"{devices}.pt", weights_only=True) for devices in (1, 2))
    assert alone.keys() == shared.keys() and len(alone) == 79
    assert max(float(g.abs().max()) for g in alone.values()) > 1e-4
    for name, gradient in alone.items():
        assert float((gradient - shared[name]).abs().max()) < 1e-10, name


def test_the_command_shares_a_batch_among_two_processes(
    loaded: Loaded, dataset: Path, whole: Trained, tmp_path: Path
) -> None:
    run = whole.folder.parent / "shared"
    output, errors = tmp_path / "output", tmp_path / "errors"
    words = ("train", dataset, "-o", run, *FLAGS, "--devices", 2, "--json")
    assert loaded.wait(loaded.start(*words, output=output, errors=errors)) == 0, errors.read_text()
    shown = json.loads(output.read_text())  # one document, of one process
    assert shown["step"] == 12 and shown["anew"] and shown["protocol"] == "spanet-skimage"
    one, other = (load(folder / "last.safetensors").state_dict() for folder in (run, whole.folder))
    assert all(torch.allclose(one[name], other[name], atol=2e-3) for name in one)
    assert [r["step"] for r in rows(run)] == [r["step"] for r in rows(whole.folder)]
    for here, there in zip(rows(run)[1:], rows(whole.folder)[1:], strict=True):  # losses of all, not of one's share
        assert float(here["loss"]) == pytest.approx(float(there["loss"]), rel=2e-2)


def test_options_of_the_optimiser(dataset: Path, tmp_path: Path) -> None:
    changed = {}
    plain = replace(RECIPE, steps=2, validate_every=2)
    recipes = {
        "plain": plain,
        "bf16": replace(plain, precision="bf16-mixed"),
        "clipped": replace(plain, clip_gradients=1e-9),
    }
    for name, recipe in recipes.items():
        finish(begin(dataset, tmp_path / name, recipe, MACHINE))
        made = load(tmp_path / name / "last.safetensors").state_dict()
        start = new_network("identity", direction_attention=False, seed=0).state_dict()
        changed[name] = torch.cat([(made[key] - start[key]).flatten() for key in made])
    # Adam steps by the rate whatever the gradients, unless they are below its epsilon of 1e-8.
    assert changed["plain"].abs().max() > 1e-3 > 4e-4 > changed["clipped"].abs().max() > 0
    assert (changed["plain"] - changed["bf16"]).abs().max() > 0
    assert torch.nn.functional.cosine_similarity(changed["plain"], changed["bf16"], dim=0) > 0.5


def test_starting_from_weights(whole: Trained, dataset: Path, tmp_path: Path) -> None:
    weights = whole.folder / "best.safetensors"
    recipe = replace(RECIPE, steps=1, validate_every=1, learning_rate=1e-12)
    result = finish(begin(dataset, tmp_path / "run", recipe, MACHINE, weights=weights))
    assert float(rows(result.folder)[0]["validation_psnr_db"]) == pytest.approx(whole.best_psnr, abs=1e-3)
    assert json.loads((result.folder / "run.json").read_text())["recipe"]["start"] == "weights"


def test_weights_start_a_run_with_the_other_attention_too(whole: Trained, dataset: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, direction_attention=True)
    stage = begin(dataset, tmp_path / "run", recipe, MACHINE, weights=whole.folder / "last.safetensors")
    assert "direction attention on" in next(stage).note
    stage.close()
    made, start = load(tmp_path / "run" / "last.safetensors"), load(whole.folder / "last.safetensors")
    assert made.direction_attention and not start.direction_attention
    kernels = [network.block(5).get_parameter("group1.conv2.weight") for network in (made, start)]
    assert torch.equal(*kernels)


@pytest.mark.parametrize(("checkpoint_every", "validate_every", "what"), [(4, 6, "loss"), (1, 1, "output")])
def test_a_network_that_explodes_is_told_and_not_kept(
    dataset: Path, tmp_path: Path, checkpoint_every: int, validate_every: int, what: str
) -> None:
    recipe = replace(RECIPE, learning_rate=1e20, clip_gradients=0.0, checkpoint_every=checkpoint_every)
    said = rf"step \d+: the {what} is no longer finite; use a lower --learning-rate"
    with pytest.raises(RaincleanError, match=said):
        finish(begin(dataset, tmp_path / "run", replace(recipe, validate_every=validate_every), MACHINE))
    assert not (tmp_path / "run" / "last.ckpt").exists()


def test_a_broken_picture_stops_the_run_or_is_skipped(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "pairs", val=True)
    broken = sorted((dataset / "train" / "input").iterdir())[2]
    broken.write_bytes(broken.read_bytes()[:-30])
    with pytest.raises(RaincleanError, match=rf"{broken.name}.*--skip-broken") as told:
        finish(begin(dataset, tmp_path / "run", RECIPE, replace(MACHINE, workers=1)))
    assert "--salvage" not in str(told.value)
    judged = sorted((dataset / "val" / "input").iterdir())[0]
    judged.write_bytes(judged.read_bytes()[:-30])
    with pytest.raises(RaincleanError, match=rf"{judged.name}.*--skip-broken"):
        finish(begin(dataset, tmp_path / "other", RECIPE, MACHINE))
    assert not (tmp_path / "other").exists()
    notes = [step.note for step in begin(dataset, tmp_path / "again", RECIPE, MACHINE, skip=True)]
    assert sum(broken.name in note for note in notes) == sum(judged.name in note for note in notes) == 1


def test_refusals_come_before_anything_is_written(dataset: Path, whole: Trained, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    one_scene = write_dataset(tmp_path / "one", scenes=1)
    nameless = write_dataset(tmp_path / "nameless")
    for path in nameless.rglob("*.png"):
        path.rename(path.with_name(f"picture{path.stem[:8].replace('-', '')}.png"))
    for stage, words in (
        (begin(dataset, whole.folder, RECIPE, MACHINE), "is a run already; resume it with --resume"),
        (begin(dataset, tmp_path / "full", RECIPE, MACHINE), "is not empty, and not a run of rainclean train"),
        (begin(one_scene, tmp_path / "run", RECIPE, MACHINE), "all training pairs are of one scene"),
        (begin(nameless, tmp_path / "run", RECIPE, MACHINE), "do not give their scenes"),
        (begin(tmp_path / "nowhere", tmp_path / "run", RECIPE, MACHINE), "no such folder"),
        (begin(dataset, tmp_path / "run", RECIPE, replace(MACHINE, devices=3)), "--batch 2: must be a multiple"),
        (begin(dataset, dataset / "run", RECIPE, MACHINE), "lies in the data set"),
        (begin(dataset, tmp_path / "run", replace(RECIPE, precision="16-mixed"), MACHINE), "16-mixed: needs a GPU"),
        (
            begin(dataset, tmp_path / "run", RECIPE, replace(MACHINE, nodes=2)),
            "start the command on each with torchrun",
        ),
        (begin(write_dataset(tmp_path / "tiny", side=6), tmp_path / "run", RECIPE, MACHINE), "side of less than 7 px"),
        (resume(tmp_path / "full", MACHINE), "is not a run of rainclean train"),
    ):
        with pytest.raises(RaincleanError, match=words):
            finish(stage)
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="--accelerator gpu: No supported gpu"):
            finish(begin(dataset, tmp_path / "run", RECIPE, replace(MACHINE, accelerator="gpu")))
    assert not (tmp_path / "run").exists() and not (dataset / "run").exists()
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]


def test_resuming_refuses_another_data_set_and_damage(dataset: Path, tmp_path: Path) -> None:
    stage = begin(dataset, tmp_path / "run", RECIPE, MACHINE)
    next(stage)
    stage.close()
    with pytest.raises(InputError, match="is not the data set that"):
        finish(resume(tmp_path / "run", MACHINE, write_dataset(tmp_path / "other", frames=2)))
    (tmp_path / "run" / "last.ckpt").write_bytes(b"PK\3\4 nothing")
    with pytest.raises(
        InputError,
        match=r"last\.ckpt: not a whole checkpoint \(BadZipFile\); start a new run with --start \S+last\.safetensors$",
    ):
        finish(resume(tmp_path / "run", MACHINE))
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(InputError, match=r"run.json: is damaged"):
        finish(resume(tmp_path / "run", MACHINE))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train",), "give the data set, and the folder of the run with -o"),
        (("train", "--resume", "run", "--steps", "5"), "--steps cannot be changed when a run is resumed"),
        (("train", "--resume", "run", "-o", "other"), "-o cannot be changed when a run is resumed"),
        (("train", "a", "-o", "run", "--steps", "5", "--steps", "6"), "--steps is given twice"),
        (("train", "data", "-o", "run", "--steps", "0"), "steps 0: at least 1 is needed"),
        (("train", "data", "-o", "run", "--devices", "0"), "--devices 0: at least 1"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
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
    one = new_network("random", direction_attention=True, seed=4).state_dict()
    torch.rand(3)
    again, other = (
        new_network("random", direction_attention=True, seed=4).state_dict(),
        new_network("random", direction_attention=True, seed=5).state_dict(),
    )
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["conv_in.0.weight"], other["conv_in.0.weight"])
    rgb = torch.rand(1, 3, 20, 30)
    with torch.no_grad():
        assert torch.equal(new_network("identity", direction_attention=False, seed=4)(rgb)[1], rgb)


def test_scenes_that_judge_are_never_learnt_from(tmp_path: Path) -> None:
    found = read_dataset(write_dataset(tmp_path / "held", scenes=25, frames=2, side=16))
    parts = divide(found, seed=3, most=100)
    learnt, judged = ({pair.scene for pair in pairs} for pairs in (parts.training, parts.validation))
    assert learnt.isdisjoint(judged) and len(learnt | judged) == 25
    assert 2 <= len(judged) <= 3 and f"{len(judged)} of 25 training scenes held out" in parts.description
    assert divide(found, 3, 100) == parts != divide(found, 4, 100)
    assert len(divide(found, 3, 2).validation) == 2

    split = read_dataset(write_dataset(tmp_path / "split", val=True))
    assert divide(split, 3, 100).validation == split.split("val") and divide(split, 3, 100).training == split.split(
        "train"
    )
    twice = tmp_path / "split" / "train"
    for side in ("input", "target"):
        (twice / side / "002-0009_0_0.png").write_bytes(
            (tmp_path / "split" / "val" / side / "002-0000_0_0.png").read_bytes()
        )
    with pytest.raises(RaincleanError, match="scene 002 is in train and in val"):
        divide(read_dataset(tmp_path / "split"), 3, 100)


def test_an_export_inside_the_folder_that_is_named_keeps_its_masks(tmp_path: Path) -> None:
    written = write(tmp_path / "outer" / "export", "spa")
    for root in (tmp_path / "outer", tmp_path / "outer" / "export"):
        found = read_dataset(root)
        assert [pair.scene for pair in found.split("train")] == ["scene0"] * 3
        assert any(pair.exclude is not None for pair in found.pairs) and written.root == found.root
