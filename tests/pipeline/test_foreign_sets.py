"""Data sets of other people through the commands: check, train, evaluate."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.cli.command_line import command_line
from pipeline.cli.main import main
from pipeline.cli.pairing_flags import PairingFlags
from pipeline.cli.train import Train
from pipeline.training import run_folder
from rainclean.dataset.pairing import Pairing
from rainclean.environment import CACHE
from tests.helpers.foreign_sets import REPLICAS, write_picture, write_replica

TRAIN = (
    "--preset", "quick", "--steps", "2", "--batch", "1", "--size", "16", "--validation-pictures", "1",
    "--accelerator", "cpu", "--threads", "1", "--seed", "3",
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def no_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from rainclean.spanet import Origin, new_network, save

    path = tmp_path_factory.mktemp("weights") / "identity.safetensors"
    net = new_network("identity", direction_attention=False, seed=0)
    save(net, path, Origin(False, "a test", source="", source_sha256="", steps="0"))
    return path


def checked(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    code = main(["check", *map(str, words), "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == (1 if document["problems"] else 0)
    return document


@pytest.mark.parametrize("name", REPLICAS)
def test_every_known_data_set_is_checked(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys, write_replica(tmp_path, name))
    assert found["problems"] == []
    splits = [pair.split for pair in REPLICAS[name]]
    assert found["splits"] == {split: splits.count(split) for split in set(splits)}
    assert found["counts"]["pair"] == len(splits)
    assert found["notes"] == [], name


def test_what_is_wrong_with_a_data_set_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_replica(tmp_path, "Rain13K")
    (root / "train/Rain13K/target/1.jpg").write_bytes(b"no picture")
    write_picture(root / "train/Rain13K/target/2.jpg", np.zeros((30, 20, 3), np.uint8))
    (root / "test/Test100/target/2.png").unlink()
    write_picture(root / "test/Rain100L/target/7.png", np.zeros((8, 8, 3), np.uint8))
    write_picture(root / "previews/1.png", np.zeros((8, 8, 3), np.uint8))
    place = np.kron(np.random.default_rng(1).integers(0, 255, (8, 8, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    write_picture(root / "train/Rain13K/target/3.jpg", place)
    write_picture(root / "test/Rain100H/target/1.png", np.minimum(place, 240) + 15)
    found = checked(capsys, root)
    problems = {problem["path"]: problem["text"] for problem in found["problems"]}
    assert problems.keys() == {
        "train/Rain13K/target/1.jpg", "train/Rain13K/input/2.jpg", "test/Test100/input/2.png", "test/Rain100L/target",
    }  # fmt: skip
    assert (
        "is 64×64 px, but its clean image train/Rain13K/target/2.jpg is 20×30 px"
        in problems["train/Rain13K/input/2.jpg"]
    )
    assert "1 image belongs to no rainy image (such as 7.png)" in problems["test/Rain100L/target"]
    notes = "\n".join(found["notes"])
    assert notes.startswith("previews: 1 image belongs to no pair, such as 1.png\n1 clean image")
    assert "1 clean image of test look like ones of train" in notes
    quick = checked(capsys, root, "--quick")
    assert len(quick["problems"]) == 2


def test_lists_are_checked_for_other_readers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_replica(tmp_path, "SPA-Data")
    text = (root / "real_world.txt").read_text().removesuffix("\n").replace("\n", "\r\n")
    (root / "real_world.txt").write_text(text, newline="")
    assert main(["check", str(root)]) == 1
    out, err = capsys.readouterr()
    assert "real_world.txt: line 1 (and 10 more) ends in CRLF" in out and "the last line has no newline" in out
    assert "2 problems in 14 pairs, 3 scenes (spa: train 12, test 2)" in err


def test_scenes_in_two_splits_are_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_replica(tmp_path, "GT-RAIN")
    (root / "GT-RAIN_train/Yangon_2").rename(root / "GT-RAIN_val/Gurutto_1-2")
    found = checked(capsys, root)
    assert "scene Gurutto_1-2 is in splits train, val" in str(found["problems"])


def test_folders_without_pairs_say_how_to_name_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_picture(tmp_path / "a/1.png", np.zeros((8, 8, 3), np.uint8))
    assert main(["check", str(tmp_path)]) == 1
    assert "name its pairs by --rainy and --clean" in capsys.readouterr().err
    assert main(["check", str(tmp_path), "--rainy", "b/*.png", "--clean", "a/{stem}.png"]) == 1
    assert main(["check", str(tmp_path), "--rainy", "b/*.png"]) == 2
    assert "--clean is missing" in capsys.readouterr().err


def test_the_command_line_of_a_run_has_its_pairing() -> None:
    flags = PairingFlags(rainy="a/*.png", clean="b/{stem}.png")
    command = Train(dataset=Path("/data"), output=Path("/run"), pairing=flags)
    words = command_line("train", command)
    assert words == ["train", "/data", "--output", "/run", "--rainy", "a/*.png", "--clean", "b/{stem}.png"]


def renamed(root: Path) -> Path:
    """Rainy pictures in r, clean ones in c."""
    write_replica(root, "bare root")
    (root / "input").rename(root / "r")
    (root / "target").rename(root / "c")
    return root


RULE = ("--rainy", "r/*.png", "--clean", "c/{stem}.png")


def test_training_by_a_rule_holds_pictures_out_and_is_resumed(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = renamed(tmp_path / "data")
    assert checked(capsys, root, *RULE)["splits"] == {"all": 3}
    assert main(["train", str(root), "-o", str(tmp_path / "run"), *RULE, *TRAIN]) == 1
    assert "--validation-share 0.1" in capsys.readouterr().err
    words = ["train", str(root), "-o", str(tmp_path / "run"), *RULE, *TRAIN, "--validation-share", "0.4"]
    assert main(words) == 0
    assert "1 of 3 clean images held out" in capsys.readouterr().err
    record = run_folder.read(tmp_path / "run")
    assert record.pairing == Pairing(rainy="r/*.png", clean="c/{stem}.png") and record.recipe.validation_share == 0.4
    assert main(["train", "--resume", str(tmp_path / "run")]) == 0
    (tmp_path / "run" / "last.ckpt").unlink()
    assert main(["train", "--resume", str(tmp_path / "run"), "--validation-share", "0.2"]) == 2
    out = tmp_path / "scores"
    assert main(["evaluate", str(root), "-o", str(out), *RULE, "-w", str(weights), "--gallery", "0"]) == 0
    assert json.loads((out / "report.json").read_text())["dataset"]["split"] == "all"


def test_training_by_a_list_on_a_snapshot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = renamed(tmp_path / "data")
    lines = ["rainy,clean,scene,split", *(f"data/r/{n}.png,data/c/{n}.png,place {n},train" for n in "ab")]
    (tmp_path / "mine.csv").write_text("\n".join(lines), encoding="utf-8")
    given = ("--pairs", str(tmp_path / "mine.csv"))
    assert checked(capsys, root, *given)["counts"] == {"pair": 2, "scene": 2}
    words = ["train", str(root), "-o", str(tmp_path / "run"), *given, *TRAIN, "--snapshot", str(tmp_path / "copy")]
    assert main(words) == 0
    assert "1 of 2 training scenes held out" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["c", "pairs.csv", "r"]
    assert main(["train", "--resume", str(tmp_path / "run")]) == 0


def test_training_and_scoring_a_known_data_set(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_replica(tmp_path / "data", "DDN")
    assert main(["train", str(root), "-o", str(tmp_path / "run"), *TRAIN]) == 0
    assert "1 of 3 training scenes held out" in capsys.readouterr().err
    assert main(["evaluate", str(root), "-o", str(tmp_path / "scores"), "-w", str(weights), "--gallery", "0"]) == 0
    report = json.loads((tmp_path / "scores" / "report.json").read_text())
    assert (report["dataset"]["layout"], report["dataset"]["pairs"], report["dataset"]["scenes"]) == ("ddn", 2, 1)
    assert cv2.imread(str(root / "testing/ground_truth/1.jpg")) is not None
